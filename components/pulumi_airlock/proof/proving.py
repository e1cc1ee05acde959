"""`prove`: what all gates together let through, compared with what was declared."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from ..access.model import Access
from .assumptions import assumptions
from .dead import dead_routes, dead_rules
from .declared import destination_hosts, destination_services, grants
from .expecting import Expectations
from .filters import Action, Environment, Filter, Kind, Match, Source
from .findings import Blocked, Excess, InternalExcess, Proof, Unproven
from .instants import Bools
from .pairs import Identities, Members, Pairs, Sight
from .space import Space
from .subjects import OUTSIDE
from .sweep import DEFAULT, Group, Sweep, Verdict
from .walk import Point, first, reasons, walk, witness

_Finding = TypeVar("_Finding", Excess, Blocked, Unproven, InternalExcess)


def prove(access: Access, environments: Sequence[Environment], filters: Sequence[Filter], *, at: datetime) -> Proof:
    """Proves that the filters let through exactly what the access file declares, from `at` on for `HORIZON_DAYS`.

    `environments` and `filters` are what readers found in a stack. `at` must have a time zone: ValueError where it has none.
    InputError when an expectation asks for something that does not exist.
    """
    if at.tzinfo is None:
        raise ValueError(f"at: {at} has no time zone")
    return Case(access, environments, filters, at).proof()


def own_needs(environments: Sequence[Environment]) -> list[Match]:
    """What environments need themselves, each for its own tasks alone."""
    return [
        replace(match, who=replace(match.who, environments=frozenset({one.name}))) for one in environments for match in one.own
    ]


@dataclass
class _Draft:
    """A finding that still grows while groups are swept: its first witness, and all that it holds for."""

    group: Group
    point: Point
    verdict: Verdict | None
    number: int
    principals: dict[str, None]
    more: dict[str, None]
    """Routes, or gates that stop it."""
    destination: str


class Case:
    """One proof under way."""

    def __init__(self, access: Access, environments: Sequence[Environment], filters: Sequence[Filter], at: datetime) -> None:
        self.access, self.environments, self.filters, self.at = access, environments, filters, at
        self.grants = grants(access)
        self.expectations = Expectations(access)
        places = [Match(hosts=destination_hosts(one), services=destination_services(one)) for one in access.destinations]
        own = own_needs(environments)
        matches = [*(one.match for one in self.grants), *own, *places, *self.expectations.matches]
        self.space = Space(access, environments, filters, matches, self.expectations.selectors, at, self.expectations.marks)
        self.destinations = [self.space.add(one) for one in places]
        gates = {name: tuple(zone.gates) for name, zone in access.zones.items()}
        self.sweep = Sweep(self.space, filters, [one.match for one in self.grants], own, gates, self.destinations)
        self.members = Members(self.space)
        self.sight = Sight(self.space)
        self._excess: dict[tuple[object, ...], _Draft] = {}
        self._blocked: dict[tuple[object, ...], _Draft] = {}
        self._unproven: dict[tuple[object, ...], _Draft] = {}
        self._internal: dict[tuple[object, ...], _Draft] = {}
        self._labels: dict[int, tuple[object, list[dict[str, list[int]]]]] = {}

    def proof(self) -> Proof:
        """Sweeps all classes of hosts, then puts the findings in order."""
        pairs = Pairs(self.access, self.space, self.members, self.destinations)
        identities = Identities(self.grants)
        alive: set[str] = set()
        questions = self.expectations.questions(self.space)
        for group in self.sweep.groups(questions):
            here = self._destinations(group)
            self._excesses(group, here)
            self._losses(group)
            pairs.add(group, here)
            identities.add(group)
            self.expectations.add(group)
            alive.update(self.grants[each].route.name for each, points in group.grants if (points & group.considered).any())
        return Proof(
            at=self.at,
            excess=_sorted(map(self._finish_excess, self._excess.values())),
            blocked=_sorted(map(self._finish_blocked, self._blocked.values())),
            unproven=_sorted(
                map(self._finish_unproven, self._unproven.values(), (key[0] == "declared" for key in self._unproven))
            ),
            expectations=self.expectations.results(self.space, self.sweep),
            internal=_sorted(map(self._finish_internal, self._internal.values())),
            dead=(*dead_routes(self.access, self.grants, self.space, self.filters, alive, self.at), *dead_rules(self.sweep)),
            identity=identities.all(),
            matrix=pairs.matrix(),
            assumptions=assumptions(self.access, self.environments, self.filters),
            routes=len(self.access.routes),
            rules=sum(len(one.rules) for one in self.filters),
            gates=tuple(dict.fromkeys(one.gate for one in self.filters)),
        )

    def _destinations(self, group: Group) -> list[int]:
        column = self.space.places.table[:, group.number]
        return [number for number, box in enumerate(self.destinations) if column[box.hosts] & 3 == 2]

    # --- let through, not declared

    def _excesses(self, group: Group, here: Sequence[int]) -> None:
        undeclared = group.considered & ~group.declared & ~group.own
        if group.named is not None:
            undeclared &= group.named
        extra = undeclared & group.possible
        surely: Bools = extra & group.definite & ~group.perhaps_declared
        beyond = list(self._beyond(group, undeclared))
        for verdict, points in beyond:
            stopped = points & verdict.grants & ~group.possible
            if stopped.any():
                self._stopped(group, here, verdict, stopped)
        for mask, into, kind in ((surely, self._excess, "excess"), (extra & ~surely, self._unproven, "undeclared")):
            if mask.any():
                for found, number, points in _culprits(mask, beyond):
                    self._undeclared(group, here, into, kind, found, number, points)

    def _beyond(self, group: Group, undeclared: Bools) -> Iterator[tuple[Verdict, Bools]]:
        """For each filter on the path, what it may let through although it looks like nothing declared there."""
        wanted = (group.declared | group.perhaps_declared | group.own) & group.local.exists
        for verdict in group.path:
            points = undeclared & verdict.inscope & verdict.allow
            if points.any():
                points &= ~self.sight.blur(wanted, group.local.who, verdict.reader.sees)
            yield verdict, points

    def _stopped(self, group: Group, here: Sequence[int], verdict: Verdict, stopped: Bools) -> None:
        for number, points in verdict.attribute(stopped, Action.ALLOW):
            key = (verdict.reader.number, number)
            draft = self._internal.get(key)
            if draft is None:
                draft = self._internal[key] = _Draft(group, first(group, points), verdict, number, {}, {}, "")
            draft.principals.setdefault(self._destination(group, here, points))
            for gate, refused in group.by_gate.items():
                if gate not in draft.more and (refused & points).any():
                    draft.more[gate] = None

    def _undeclared(
        self,
        group: Group,
        here: Sequence[int],
        into: dict[tuple[object, ...], _Draft],
        kind: str,
        verdict: Verdict | None,
        number: int,
        points: Bools,
    ) -> None:
        destination = self._destination(group, here, points)
        for who in np.flatnonzero(points.any(axis=(1, 2, 3))):
            for origin, atoms in self._origins(group)[who].items():
                key = (kind, verdict.reader.number if verdict else None, number, origin, destination)
                if key not in into:
                    into[key] = _Draft(group, first(group, points, atoms[0]), verdict, number, {}, {}, destination)
                into[key].principals.update((self.space.subjects.all[atom].label, None) for atom in atoms)

    def _origins(self, group: Group) -> list[dict[str, list[int]]]:
        """For each class of subjects its atoms, by where they are: an environment, or people and the outside by name."""
        cut = group.local.who
        found = self._labels.get(id(cut))
        if found is None:
            table: list[dict[str, list[int]]] = [{} for _ in cut.first]
            for atom, which in enumerate(cut.inverse):
                subject = self.space.subjects.all[atom]
                origin = subject.environment or ("people" if subject.principals else OUTSIDE)
                table[which].setdefault(origin, []).append(atom)
            found = self._labels[id(cut)] = (cut, table)
        return found[1]

    def _destination(self, group: Group, here: Sequence[int], points: Bools) -> str:
        """The destination that points belong to: one with their service, else one with their host, else where they are."""
        services = points.any(axis=(0, 2, 3))
        for number in here:
            if (services & group.local.service.rows[self.destinations[number].services]).any():
                return self.access.destinations[number].name
        if here:
            return self.access.destinations[here[0]].name
        return f"elsewhere in {group.place.zone}" if group.place.zone is not None else "outside of every zone"

    # --- declared, not let through

    def _losses(self, group: Group) -> None:
        wanted = group.considered & group.declared & ~group.own
        lost = wanted & ~group.possible
        doubtful = wanted & group.possible & ~group.definite
        if not lost.any() and not doubtful.any():
            return
        for verdict in group.path:
            for number, points in verdict.attribute(lost & verdict.refuses, Action.DENY):
                self._lose(group, self._blocked, "blocked", verdict, number, points)
            lost = lost & ~verdict.refuses
            unclear = doubtful & verdict.allow & verdict.deny
            if unclear.any():
                self._lose(group, self._unproven, "declared", verdict, DEFAULT, unclear)
            doubtful = doubtful & ~unclear

    def _lose(
        self, group: Group, into: dict[tuple[object, ...], _Draft], kind: str, verdict: Verdict, number: int, points: Bools
    ) -> None:
        members = self.members.of(group.local.who)
        for each, granted in group.grants:
            hit = points & granted
            if not hit.any():
                continue
            grant = self.grants[each]
            for principal in dict.fromkeys(grant.route.from_):
                if principal not in self.members.names:
                    continue
                row = members[self.members.names.index(principal)]
                his = hit & row[:, None, None, None]
                if not his.any():
                    continue
                key = (kind, verdict.reader.number, number, principal, grant.destination.name)
                if key not in into:
                    into[key] = _Draft(
                        group, self._first_of(group, his, principal), verdict, number, {}, {}, grant.destination.name
                    )
                into[key].principals[principal] = None
                into[key].more[grant.route.name] = None

    def _first_of(self, group: Group, mask: Bools, principal: str) -> Point:
        """The first point of a mask for an atom that is this principal."""
        classes: Bools = np.asarray(mask.any(axis=(1, 2, 3)))
        atoms = np.flatnonzero(self.space.subjects.members[principal] & classes[group.local.who.inverse])
        return first(group, mask, int(atoms[0]))

    # --- in words

    def _finish_excess(self, draft: _Draft) -> Excess:
        seen, path = witness(self.space, draft.point), walk(self.space, self.sweep.path(draft.group.place.zone), draft.point)
        who = _listed(draft.principals)
        if draft.verdict is None:
            gates = _listed(row.gate for row in path)
            cause = f"no gate on the path tells it from what is declared ({gates})" if path else "no gate stands on the path"
            message = f"{who} can reach {draft.destination}, which no route declares: {cause}"
            return Excess(message, tuple(draft.principals), draft.destination, None, "", seen, path)
        source = _source(draft.verdict.reader.filter, draft.number)
        gate = draft.verdict.reader.filter.gate
        message = f"{who} can reach {draft.destination}, which no route declares: let through by {source} at {gate}"
        return Excess(message, tuple(draft.principals), draft.destination, source, gate, seen, path)

    def _finish_blocked(self, draft: _Draft) -> Blocked:
        seen, path = witness(self.space, draft.point), walk(self.space, self.sweep.path(draft.group.place.zone), draft.point)
        assert draft.verdict is not None  # noqa: S101  # a loss has a filter that refuses
        one = draft.verdict.reader.filter
        why = next((row.why for row in path if row.filter is one), "")
        what = "has no way to" if one.kind is Kind.ROUTING else "cannot reach"
        principal = next(iter(draft.principals))
        message = (
            f"{principal} {what} {draft.destination}, which {_listed(draft.more)} declares: refused by {one.gate} ({one.name}): "
            f"{why}"
        )
        return Blocked(
            message, tuple(draft.more), principal, draft.destination, one.gate, _source(one, draft.number), one.kind, seen, path
        )

    def _finish_unproven(self, draft: _Draft, declared: bool) -> Unproven:
        seen, path = witness(self.space, draft.point), walk(self.space, self.sweep.path(draft.group.place.zone), draft.point)
        unknown = reasons(path, draft.group.place)
        what = "may not reach" if declared else "may reach"
        but = f"which {_listed(draft.more)} declares" if declared else "which no route declares"
        message = f"{_listed(draft.principals)} {what} {draft.destination}, {but}: not known is {_listed(unknown)}"
        return Unproven(message, unknown, declared, tuple(draft.principals), draft.destination, seen, path)

    def _finish_internal(self, draft: _Draft) -> InternalExcess:
        assert draft.verdict is not None  # noqa: S101  # found at a filter
        seen = witness(self.space, draft.point)
        one = draft.verdict.reader.filter
        source = _source(one, draft.number)
        message = (
            f"{source} at {one.gate} grants more than the routes that pass there ({_listed(draft.principals)}); "
            f"stopped by {_listed(draft.more)}"
        )
        return InternalExcess(message, one.gate, source, tuple(draft.more), tuple(draft.principals), seen)


def _culprits(mask: Bools, beyond: Sequence[tuple[Verdict, Bools]]) -> Iterator[tuple[Verdict | None, int, Bools]]:
    """Splits excess by the rule to blame.

    It stands at the last gate that grants what looks to it like nothing declared; permissions before routing.
    """
    rest = mask
    last_first = [*reversed(beyond)]
    ranked = sorted(last_first, key=lambda item: item[0].reader.filter.kind is Kind.ROUTING)
    for verdict, points in ranked:
        for number, hit in verdict.attribute(rest & points, Action.ALLOW):
            yield verdict, number, hit
        rest = rest & ~points
    if rest.any():
        yield None, DEFAULT, rest


def _source(one: Filter, number: int) -> Source:
    return Source(one.urn, "", f"the default of {one.name}") if number == DEFAULT else one.rules[number].source


def _listed(items: Iterable[str], most: int = 4) -> str:
    """`a, b and c`; past `most`, how many more."""
    found = list(dict.fromkeys(items))
    if len(found) > most:
        return f"{', '.join(found[:most])} and {len(found) - most} more"
    return " and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))


def _sorted(found: Iterable[_Finding]) -> tuple[_Finding, ...]:
    return tuple(sorted(found, key=lambda one: (one.message, str(one.witness))))
