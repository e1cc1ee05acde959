"""Checks of expectations against the routes of the same document: what can be said before any gate is looked at."""

from collections.abc import Iterator
from datetime import date

from .. import calendar
from ..draft import Draft
from ..errors import AccessError, nearest, quoted
from ..findings import Finding, error
from ..model import Access, Expectation, Route
from ..names import Caller, CallerKind, Target, select_destinations, select_principals, split_task
from ..values import Service


def unresolved_or_at_odds(draft: Draft, today: date) -> Iterator[Finding]:
    """An expectation that means nobody or nothing, and one that the declared routes make impossible."""
    access = draft.partial()
    understood = draft.whole("principals", "environments", "destinations", "routes") and not draft.misnamed()
    for index, who, where in draft.tested:
        callers: tuple[Caller, ...] = ()
        targets: tuple[Target, ...] = ()
        try:
            callers = select_principals(access, who) if who is not None else ()
        except AccessError as problem:
            if draft.whole("principals", "environments"):
                yield error("expectation-from", ("expect", index, "from"), problem.problems[0].message)
            elif _no_name(who or "", draft.declared("principals")):
                message = f"no principal {quoted(who)}{nearest(who or '', draft.declared('principals'))}"
                yield error("expectation-from", ("expect", index, "from"), message)
        try:
            targets = select_destinations(access, where) if where is not None else ()
        except AccessError as problem:
            named, known = (where or "").rpartition(":")[0] or where or "", draft.declared("destinations")
            message = problem.problems[0].message
            if message.startswith("no destination"):
                # The name, or the nearest one, may be that of a destination which is wrong otherwise.
                message = f"no destination {quoted(named)}{nearest(named, known)}" if named not in known else ""
            if message:
                yield error("expectation-to", ("expect", index, "to"), message)
        expected = draft.expect.get(index)
        if expected and callers and targets and understood:
            yield from _at_odds(access, index, expected, callers, targets, today)


def _no_name(who: str, principals: frozenset[str]) -> bool:
    """Whether a text would mean nobody even if the principals that are wrong were right: it is no task, and nobody's name."""
    name = who.rpartition("/")[2]
    return split_task(name) is None and name not in principals


def _at_odds(
    access: Access, index: int, expected: Expectation, callers: tuple[Caller, ...], targets: tuple[Target, ...], today: date
) -> Iterator[Finding]:
    instant = expected.instant()
    # What was declared until its route expired is no fault of the expectation: the route is told to have expired.
    live = [
        route
        for route in access.routes
        if (calendar.holds_at(route, instant) if instant else expected.allow or not route.expired(today))
    ]
    when = f" at {expected.at}" if expected.at else ""
    for caller in callers:
        for target in targets:
            route = next((one for one in live if _lets(access, one, caller, target)), None)
            who = quoted(str(caller)) if caller.principal else str(caller)
            what = f"{who} {'reaches' if expected.allow else 'does not reach'} {quoted(str(target))}{when}"
            if expected.allow and route is None:
                message = f"expects that {what}, but no route says so: write the route, or allow: false"
                yield error("expectation-undeclared", ("expect", index, "allow"), message)
                return
            if not expected.allow and route is not None:
                message = f"expects that {what}, but route {quoted(route.name)} says it may: correct one of them"
                yield error("expectation-contradicted", ("expect", index, "allow"), message)
                return


def _lets(access: Access, route: Route, caller: Caller, target: Target) -> bool:
    if (
        caller.kind in (CallerKind.OTHER, CallerKind.OUTSIDE)
        or caller.principal not in route.from_
        or target.destination not in route.to
    ):
        return False
    declared = access.destination(target.destination).services()
    return any(_meet(one, other) for one in declared for other in target.services)


def _meet(one: Service, other: Service) -> bool:
    return one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]
