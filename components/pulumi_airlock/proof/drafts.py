"""Findings while they grow, and how they are put together: what one rule is to blame for is one finding."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..access.model import Access
from .atoms.space import Space
from .engine.group import Group, Verdict
from .engine.reader import DEFAULT
from .engine.sweep import Sweep
from .engine.walk import Point, reasons, walk, witness
from .filters import Filter, Kind, Need, Source
from .findings import Blocked, Excess, InternalExcess, Row, Unproven, Witness
from .missing import MissingGate
from .wording import listed

_Finding = TypeVar("_Finding", Excess, Blocked, Unproven, InternalExcess)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A point, and how telling it is."""

    group: Group
    point: Point
    rank: int
    """0 on a declared port of a destination, 1 at a destination, 2 elsewhere."""


@dataclass
class Draft:
    """What is found for one rule, one kind of caller and one destination."""

    seen: Sighting
    """The most telling point of all."""
    verdict: Verdict | None
    number: int
    """The rule's place in the filter, or DEFAULT."""
    destination: str = ""
    origin: str = ""
    """The kind of caller."""
    declared: bool = False
    principals: dict[str, None] = field(default_factory=dict)
    """Or, of an internal excess, destinations."""
    more: dict[str, None] = field(default_factory=dict)
    """Routes, or gates that stop it."""
    need: tuple[str, Need] | None = None
    """(gate, flow of its own) where no route declares it."""


class Words:
    """Puts drafts together and in words."""

    def __init__(self, access: Access, space: Space, sweep: Sweep, missing: Sequence[MissingGate]) -> None:
        self._space, self._sweep, self._missing = space, sweep, missing
        order = [one.name for one in access.destinations] + [one.name for one in access.principals]
        self._order = {name: number for number, name in enumerate(order)}

    def excess(self, drafts: Iterable[Draft]) -> tuple[Excess, ...]:
        """One for each rule to blame and kind of caller; where none is to blame, for each set of rules along the path."""
        return _sorted(self._one_excess(found) for found in _together(drafts, self._blame))

    def blocked(self, drafts: Iterable[Draft]) -> tuple[Blocked, ...]:
        """One for each rule, or default, that refuses, and each cause; flows of gates' own apart."""
        return _sorted(self._one_blocked(found) for found in _together(drafts, self._cause))

    def unproven(self, drafts: Iterable[Draft]) -> tuple[Unproven, ...]:
        """One for each thing that is not known, and kind of caller; first those for gates that the stack does not have."""
        every = list(drafts)
        gates = {(one.unknown,): one for one in self._missing}
        found = [one for one in every if self._unknown(one) not in gates]
        lacking = [self._lacking(one, [each for each in every if self._unknown(each) == key]) for key, one in gates.items()]
        return (*lacking, *_sorted(self._one_unproven(same) for same in _together(found, self._doubt)))

    def internal(self, drafts: Iterable[Draft]) -> tuple[InternalExcess, ...]:
        """One for each rule."""
        return _sorted(map(self._one_internal, drafts))

    # --- what belongs together

    def _blame(self, draft: Draft) -> Hashable:
        if draft.verdict is not None:
            return draft.verdict.reader.number, draft.number, draft.origin
        permissions = [row for row in self._path(draft) if row.filter.kind is not Kind.ROUTING]
        return tuple(row.source for row in permissions), draft.origin

    def _cause(self, draft: Draft) -> Hashable:
        return self._reader(draft), draft.number, self._why(draft), draft.need and draft.need[0]

    def _doubt(self, draft: Draft) -> Hashable:
        return self._unknown(draft), draft.declared, "" if draft.declared else draft.origin, draft.need and draft.need[0]

    def _unknown(self, draft: Draft) -> tuple[str, ...]:
        return reasons(self._path(draft), draft.seen.group.place)

    def _path(self, draft: Draft) -> tuple[Row, ...]:
        return walk(self._space, self._sweep.path(draft.seen.group.place.zone), draft.seen.point)

    def _reader(self, draft: Draft) -> int:
        return -1 if draft.verdict is None else draft.verdict.reader.number

    def _why(self, draft: Draft) -> str:
        return next((row.why for row in self._path(draft) if draft.verdict and row.filter is draft.verdict.reader.filter), "")

    def _in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """As the access file has them; what it does not declare comes last."""
        return tuple(sorted(dict.fromkeys(names), key=lambda name: self._order.get(name, len(self._order))))

    def _sum(self, found: Sequence[Draft]) -> tuple[tuple[str, ...], tuple[str, ...], Witness, tuple[Row, ...]]:
        """All principals, all destinations, the most telling witness, and its path."""
        best = min(found, key=lambda one: (one.seen.rank, self._order.get(one.destination, len(self._order))))
        return (
            self._in_order(name for one in found for name in one.principals),
            self._in_order(one.destination for one in found),
            witness(self._space, best.seen.point),
            self._path(best),
        )

    # --- in words

    def _one_excess(self, found: Sequence[Draft]) -> Excess:
        principals, destinations, seen, path = self._sum(found)
        what = f"{listed(principals)} can reach {listed(destinations)}, which no route declares"
        verdict = found[0].verdict
        if verdict is None:
            gates = listed(row.gate for row in path)
            cause = f"no gate on the path tells it from what is declared ({gates})" if path else "no gate stands on the path"
            return Excess(f"{what}: {cause}", principals, destinations, None, "", seen, path)
        source, gate = _source(verdict.reader.filter, found[0].number), verdict.reader.filter.gate
        return Excess(f"{what}: let through by {source} at {gate}", principals, destinations, source, gate, seen, path)

    def _one_blocked(self, found: Sequence[Draft]) -> Blocked:
        principals, destinations, seen, path = self._sum(found)
        verdict = found[0].verdict
        assert verdict is not None  # noqa: S101  # a loss has a filter that refuses
        one = verdict.reader.filter
        routes = tuple(dict.fromkeys(route for draft in found for route in draft.more))
        has = "has" if len(principals) == 1 else "have"
        verb = {
            Kind.PERMISSION: "cannot reach",
            Kind.ROUTING: f"{has} no way to",
            Kind.TOKEN: f"{has} no accepted token for",
        }[one.kind]
        message = (
            f"{listed(principals)} {verb} {listed(destinations)}, {_declared(found, routes)}: refused by {one.gate} "
            f"({one.name}): {self._why(found[0])}"
        )
        source = _source(one, found[0].number)
        return Blocked(message, routes, principals, destinations, one.gate, source, one.kind, seen, path, tuple(_needs(found)))

    def _one_unproven(self, found: Sequence[Draft]) -> Unproven:
        principals, destinations, seen, path = self._sum(found)
        unknown, declared = self._unknown(found[0]), found[0].declared
        routes = tuple(dict.fromkeys(route for draft in found for route in draft.more))
        what = "may not reach" if declared else "may reach"
        but = _declared(found, routes) if declared else "which no route declares"
        message = f"{listed(principals)} {what} {listed(destinations)}, {but}: not known is {listed(unknown)}"
        return Unproven(message, unknown, declared, principals, destinations, seen, path)

    def _lacking(self, gate: MissingGate, found: Sequence[Draft]) -> Unproven:
        if not found:
            return Unproven(gate.message, (gate.unknown,), False, (), gate.destinations, None, ())
        principals, destinations, seen, path = self._sum(sorted(found, key=lambda one: not one.declared))
        declared = any(one.declared for one in found)
        return Unproven(gate.message, (gate.unknown,), declared, principals, destinations, seen, path)

    def _one_internal(self, draft: Draft) -> InternalExcess:
        assert draft.verdict is not None  # noqa: S101  # found at a filter
        one = draft.verdict.reader.filter
        source, destinations = _source(one, draft.number), self._in_order(draft.principals)
        message = (
            f"{source} at {one.gate} grants more than the routes that pass there ({listed(destinations)}); "
            f"stopped by {listed(draft.more)}"
        )
        return InternalExcess(message, one.gate, source, tuple(draft.more), destinations, witness(self._space, draft.seen.point))


def _needs(found: Sequence[Draft]) -> Iterator[str]:
    """The flows of gates' own among drafts."""
    yield from sorted({f"{one.need[0]}: {one.need[1].reason}" for one in found if one.need is not None})


def _declared(found: Sequence[Draft], routes: Sequence[str]) -> str:
    """Which routes declare it, or which gate needs it."""
    needs = [one.need for one in found if one.need is not None]
    if needs:
        return f"which {needs[0][0]} needs itself ({listed(sorted({need.reason for _, need in needs}))})"
    return f"which {listed(routes)} {'declares' if len(routes) == 1 else 'declare'}"


def _together(drafts: Iterable[Draft], key: Callable[[Draft], Hashable]) -> Iterator[list[Draft]]:
    found: dict[Hashable, list[Draft]] = {}
    for one in drafts:
        found.setdefault(key(one), []).append(one)
    yield from found.values()


def _source(one: Filter, number: int) -> Source:
    return Source(one.urn, "", f"the default of {one.name}") if number == DEFAULT else one.rules[number].source


def _sorted(found: Iterable[_Finding]) -> tuple[_Finding, ...]:
    return tuple(sorted(found, key=lambda one: (one.message, str(one.witness))))
