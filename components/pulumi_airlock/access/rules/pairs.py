"""Checks of two routes with each other.

Two routes *meet* where a principal, a destination, an HTTP request and a time are in both. They *contradict* each other where
they meet and say different things about how: another credential, another longest session, other trust conditions. A route is
*covered* by another that allows all that it allows, whenever it does, in the same way: it adds nothing, and a window on it
restricts nothing.
"""

from collections.abc import Iterator
from datetime import date
from itertools import combinations

from .. import calendar, globs
from ..draft import Draft
from ..errors import quoted
from ..findings import Finding, error, warning
from ..model import HttpAccess, Route


def contradiction(draft: Draft, today: date) -> Iterator[Finding]:
    """The later of two routes that contradict each other, at the field that differs."""
    for (_, one), (index, other) in combinations(_live(draft, today), 2):
        if _meet(one, other):
            for field, said, instead in _differences(one, other):
                both = f"{_shared(one.from_, other.from_)} to {_shared(one.to, other.to)}"
                message = (
                    f"contradicts route {quoted(one.name)}: for {both}, at the same time, that one says {said}, "
                    f"this one {instead}; make them agree, or make one route of the two"
                )
                yield error("routes-contradict", ("routes", index, field), message)


def covered(draft: Draft, today: date) -> Iterator[Finding]:
    """A route that another one covers."""
    live = list(_live(draft, today))
    gone: set[int] = set()
    for first, one in live:
        for second, other in live:
            if first == second or second in gone or not _covers(other, one):
                continue
            if first > second or not _covers(one, other):  # of two that cover each other, the earlier one stays
                gone.add(first)
                narrower = one.window is not None and other.window is None
                why = "; its window restricts nothing" if narrower else ""
                message = (
                    f"adds nothing: route {quoted(other.name)} allows all of it{why}. Take it out, or narrow {quoted(other.name)}"
                )
                yield warning("route-covered", ("routes", first, "name"), message)
                break


def _live(draft: Draft, today: date) -> Iterator[tuple[int, Route]]:
    return ((index, route) for index, route in draft.routes.items() if not route.expired(today))


def _meet(one: Route, other: Route) -> bool:
    return (
        bool(set(one.from_) & set(other.from_) and set(one.to) & set(other.to))
        and (not one.http or not other.http or any(_requests_meet(a, b) for a in one.http for b in other.http))
        and calendar.overlap(one.window, other.window)
    )


def _requests_meet(one: HttpAccess, other: HttpAccess) -> bool:
    methods = "*" in one.methods or "*" in other.methods or bool(set(one.methods) & set(other.methods))
    return methods and any(
        globs.overlap(a, b) and not globs.includes(other.except_, a) and not globs.includes(one.except_, b)
        for a in one.paths
        for b in other.paths
    )


def _differences(one: Route, other: Route) -> Iterator[tuple[str, str, str]]:
    if one.credential and other.credential and one.credential != other.credential:
        a, b = one.credential, other.credential
        if (a.kind, a.ref) == (b.kind, b.ref):
            yield "credential", f"to renew it {_every(a.rotate)}", _every(b.rotate)
        else:
            yield "credential", f"credential {a.kind} {quoted(a.ref)}", f"{b.kind} {quoted(b.ref)}"
    if one.session and other.session and one.session_length() != other.session_length():
        yield "session", f"sessions of at most {one.session}", f"of at most {other.session}"
    if set(one.requires) != set(other.requires):
        yield ("requires" if other.requires else "name"), f"it requires {_conditions(one)}", f"requires {_conditions(other)}"


def _every(rotation: str | None) -> str:
    return f"every {rotation}" if rotation else "never"


def _conditions(route: Route) -> str:
    return " and ".join(sorted(route.requires)) or "nothing"


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    return " and ".join(quoted(name) for name in one if name in other)


def _covers(outer: Route, inner: Route) -> bool:
    lasts = outer.expires is None or (inner.expires is not None and inner.expires <= outer.expires)
    return (
        lasts
        and set(inner.from_) <= set(outer.from_)
        and set(inner.to) <= set(outer.to)
        and not any(True for _ in _differences(outer, inner))
        and (inner.credential is None or outer.credential is not None)
        and (inner.session is None or outer.session is not None)
        and _requests_within(inner, outer)
        and calendar.within(inner.window, outer.window)
    )


def _requests_within(inner: Route, outer: Route) -> bool:
    if not outer.http:
        return True
    return bool(inner.http) and all(
        globs.includes(tuple(glob for a in outer.http if _leaves(a, one, method) for glob in a.paths), path)
        for one in inner.http
        for method in one.methods
        for path in one.paths
    )


def _leaves(outer: HttpAccess, inner: HttpAccess, method: str) -> bool:
    """Whether requests of a method that one allows may be among the other's: all that the other takes out, this takes out."""
    if "*" not in outer.methods and method not in outer.methods:
        return False
    taken = [glob for glob in outer.except_ if any(globs.overlap(glob, path) for path in inner.paths)]
    return all(globs.includes(inner.except_, glob) for glob in taken)
