"""`prove`: what all gates together let through, compared with what was declared."""

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

import numpy as np

from ..access.model import Access
from .assumptions import assumptions
from .atoms.instants import Bools
from .atoms.places import SURE, Region
from .atoms.space import Space
from .declared import destination_matches, grants
from .drafts import Draft, Words
from .engine.group import Group, Question, Verdict
from .engine.reader import DEFAULT
from .engine.screening import doubtful
from .engine.sight import Members, Sight
from .engine.sweep import Sweep
from .expecting import Expectations
from .filters import Action, Environment, Filter, Kind, Match
from .findings import Proof
from .missing import MissingGate, missing_gates
from .needs import Needs, caller_text, own_needs, target_text
from .noting import Drafts, Notes
from .overview.checking import Checks
from .overview.dead import dead_routes, dead_rules
from .overview.deciders import find_deciding
from .overview.overgrants import Stopped
from .overview.overview import Overview
from .sets import Hosts
from .ways import WayAround, with_way


def prove(
    access: Access,
    environments: Sequence[Environment],
    filters: Sequence[Filter],
    *,
    at: datetime,
    around: Sequence[WayAround] = (),
) -> Proof:
    """Proves that the filters let through exactly what the access file declares, from `at` on for `HORIZON_DAYS`.

    `environments` and `filters` are what readers found in a stack, and `around` the ways past gates that carry traffic on, which
    must let nothing through. `at` must have a time zone: ValueError where it has none. InputError when an expectation asks for
    something that does not exist.
    """
    if at.tzinfo is None:
        raise ValueError(f"at: {at} has no time zone")
    ordered = in_order(environments)
    with undisturbed():
        proof = Case(access, ordered, filters, at).proof()
        for way in around:
            proof = with_way(proof, way, Case(way.access, ordered, way.filters, at).proof())
        return proof


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keeps Python from looking for cyclic garbage: among so many rules, none of them garbage, that is half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def in_order(environments: Sequence[Environment]) -> list[Environment]:
    """By name: the order in which a program happens to register them means nothing."""
    return sorted(environments, key=lambda one: one.name)


@dataclass(frozen=True)
class Part:
    """A part of all hosts, of a stack that was proven before."""

    region: Region
    space: Space
    """That of the whole stack, before."""
    missing: list[MissingGate]
    sees: Sequence[frozenset[str]]
    """What each filter looks at with the rules that are not given."""


class Case:
    """One proof under way."""

    def __init__(
        self,
        access: Access,
        environments: Sequence[Environment],
        filters: Sequence[Filter],
        at: datetime,
        part: Part | None = None,
    ) -> None:
        """With `part`, only hosts in it are looked at; only rules and routes that hold some of them need to be given."""
        self.access, self.environments, self.filters, self.at, self.part = access, environments, filters, at, part
        self.grants = grants(access)
        self.expectations = Expectations(access)
        places = destination_matches(access, self.grants)
        own = own_needs(environments, filters)
        matches = [*(one.match for one in self.grants), *own, *places, *self.expectations.matches]
        self.missing = part.missing if part else missing_gates(access, filters)
        path = [*filters, *(one.stand_in() for one in self.missing)]
        # The names apart: as part of one set they would stand for addresses too.
        inside = Match(hosts=part.region.addresses) if part else None
        cuts = [inside, Match(hosts=Hosts.from_names(name for name, *_ in part.region.names))] if part and inside else []
        asked, marks, like = self.expectations.selectors, self.expectations.marks, part.space if part else None
        self.space = Space(access, environments, path, [*matches, *cuts], asked, at, marks, like)
        self._inside = self.space.add(inside).hosts if inside else 0
        self.destinations = [self.space.add(one) for one in places]
        gates = {name: tuple(zone.gates) for name, zone in access.zones.items()}
        self.needs = Needs(self.space, filters)
        told_apart = [*self.destinations, *self.needs.boxes]
        self.sweep = Sweep(self.space, path, [one.match for one in self.grants], own, gates, told_apart)
        if part:
            more = [*part.sees, *(frozenset[str]() for _ in self.missing)]
            self.sweep.readers = [replace(one, sees=one.sees | seen) for one, seen in zip(self.sweep.readers, more, strict=True)]
        self.members = Members(self.space)
        self.sight = Sight(self.space)
        self._notes = Notes(access, self.space, self.destinations)
        self._excess: Drafts = {}
        self._blocked: Drafts = {}
        self._unproven: Drafts = {}
        self._internal: Drafts = {}

    def proof(self) -> Proof:
        """Looks at the classes of hosts where anything can be wrong or is asked about, then puts the findings in order."""
        questions = self.expectations.questions(self.space)
        places = self.space.places
        asked = {place for one in questions for place in np.flatnonzero(places.row(one.box.hosts) & 3 == SURE).tolist()}
        for group in self.sweep.groups(questions, only=sorted(asked | self.doubtful | self.needed), path_alone=True):
            if group.number in self.doubtful:
                here = self._notes.here(group)
                self._excesses(group, here)
                self._losses(group)
            if group.number in self.needed:
                self._refusals(group)
            self.expectations.add(group)
        return Proof(
            at=self.at,
            excess=self._words.excess(self._excess.values()),
            blocked=self._words.blocked(self._blocked.values()),
            unproven=self._words.unproven(self._unproven.values()),
            expectations=self.expectations.results(self.space, self.sweep),
            assumptions=assumptions(self.access, self.environments, self.filters),
            routes=len(self.access.routes),
            rules=sum(len(one.rules) for one in self.filters),
            gates=tuple(dict.fromkeys(one.gate for one in self.filters if one.decides)),
            _rest=partial(self._rest, questions),
        )

    def _rest(self, questions: Sequence[Question], name: str) -> Mapping[str, object]:
        """Looks at all classes of hosts for what fails no proof, by the names of `Proof`'s fields: the checks, or all else."""
        if name == "checks":
            checks = Checks(self.access, self.space, self.sweep, self.grants, self.destinations, self.doubtful)
            return {"checks": checks.all()}
        found = Overview(self.sweep, self.grants, self.destinations, self.sight)
        self._find_internal(questions, *found.overgrants(self.access))
        find_deciding(self.sweep)
        return {
            "internal": self._words.internal(self._internal.values()),
            "dead": (
                *dead_routes(self.access, self.grants, self.space, self.filters, found.alive(), self.at),
                *dead_rules(self.sweep),
            ),
            "identity": found.identity(),
            "matrix": found.matrix(self.access, self.space.subjects.members),
        }

    @cached_property
    def doubtful(self) -> frozenset[int]:
        """The classes of hosts at which there is something to find."""
        return self._looked_at(doubtful(self.sweep))

    @cached_property
    def needed(self) -> frozenset[int]:
        """The classes of hosts that gates' own flows lead to."""
        return self._looked_at(self.needs.places)

    def _looked_at(self, places: Iterable[int]) -> frozenset[int]:
        if self.part is None:
            return frozenset(places)
        inside, region = self.space.places.row(self._inside) & 3, self.part.region
        return frozenset(one for one in places if region.holds(self.space.places.all[one], inside[one] == SURE))

    @cached_property
    def _words(self) -> Words:
        return Words(self.access, self.space, self.sweep, self.missing)

    # --- let through, not declared

    def _excesses(self, group: Group, here: Sequence[int]) -> None:
        undeclared = group.undeclared
        extra = undeclared & group.possible
        if not extra.any():
            return
        surely: Bools = extra & group.definite & ~group.perhaps_declared
        beyond = list(self._beyond(group, undeclared))
        for mask, into, kind in ((surely, self._excess, "excess"), (extra & ~surely, self._unproven, "undeclared")):
            if mask.any():
                for found, number, points in _culprits(mask, beyond):
                    self._undeclared(group, here, into, kind, found, number, points)

    def _find_internal(
        self, questions: Sequence[Question], found: Mapping[tuple[int, int], Stopped], careful: Sequence[int]
    ) -> None:
        """Looks for witnesses at the most telling class of each rule, and for all there is at those that need care."""
        found = {key: one for key, one in found.items() if not self.filters[key[0]].rules[key[1]].blind}
        self._stops: dict[tuple[object, ...], Stopped] = dict(found.items())
        telling: dict[int, set[int]] = {}
        for (reader, _), one in found.items():
            telling.setdefault(one.best[1], set()).add(reader)
        wanted: dict[int, set[int] | None] = {**telling, **dict.fromkeys(careful)}
        for group in self.sweep.groups(questions, only=sorted(wanted), path_alone=True):
            self._overgrants(group, self._notes.here(group), wanted[group.number])
        for key, draft in self._internal.items():
            stopped = self._stops[key]
            draft.principals = dict.fromkeys(sorted(stopped.destinations, key=lambda name: stopped.destinations[name]))
            draft.more = dict.fromkeys(sorted(stopped.gates, key=lambda gate: stopped.gates[gate]))

    def _overgrants(self, group: Group, here: Sequence[int], readers: Collection[int] | None) -> None:
        """What these filters grant, or all of them."""
        for verdict, points in self._beyond(group, group.undeclared, readers):
            if verdict.reader.filter.kind is Kind.ROUTING:
                continue  # A route table is no permission: that it leads further grants nobody anything.
            stopped = points & verdict.grants & ~group.possible
            if stopped.any():
                self._stopped(group, here, verdict, stopped)

    def _beyond(self, group: Group, undeclared: Bools, readers: Collection[int] | None = None) -> Iterator[tuple[Verdict, Bools]]:
        """For each filter on the path (of `readers`), what it may let through although it looks like nothing declared there."""
        wanted = (group.declared | group.perhaps_declared | group.own) & group.local.exists
        known: dict[frozenset[str], Bools] = {}
        for verdict in group.path:
            if readers is not None and verdict.reader.number not in readers:
                continue
            points = undeclared & verdict.inscope & verdict.allow
            if points.any():
                sees = verdict.reader.sees
                if sees not in known:
                    known[sees] = ~self.sight.blur(wanted, group.local.who, sees)
                points &= known[sees]
            yield verdict, points

    def _stopped(self, group: Group, here: Sequence[int], verdict: Verdict, stopped: Bools) -> None:
        for number, points in verdict.attribute(stopped, Action.ALLOW):
            if number != DEFAULT and verdict.reader.filter.rules[number].blind:
                continue
            key = (verdict.reader.number, number)
            blank = partial(Draft, verdict=verdict, number=number)
            self._notes.note(self._internal, key, blank, group, here, points)
            stops = self._stops.setdefault(key, Stopped())
            stops.add(self._notes.destination(group, here, points), 0, group.number)
            for place, (gate, refused) in enumerate(group.by_gate.items()):
                if (refused & points).any():
                    stops.stop(gate, (group.number, place))

    def _undeclared(
        self,
        group: Group,
        here: Sequence[int],
        into: Drafts,
        kind: str,
        verdict: Verdict | None,
        number: int,
        points: Bools,
    ) -> None:
        destination = self._notes.destination(group, here, points)
        for who in np.flatnonzero(points.any(axis=(1, 2, 3))):
            his = np.zeros_like(points)
            his[who] = points[who]
            for origin, atoms in self._notes.origins(group)[who].items():
                key = (kind, verdict.reader.number if verdict else None, number, origin, destination)
                blank = partial(Draft, verdict=verdict, number=number, destination=destination, origin=origin)
                draft = self._notes.note(into, key, blank, group, here, his, atoms[0])
                draft.principals.update((self.space.subjects.all[atom].label, None) for atom in atoms)

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

    def _refusals(self, group: Group) -> None:
        """What gates need themselves and is refused, or perhaps."""
        for one in self.needs.refused(group):
            into, kind = (self._blocked, "need") if one.surely else (self._unproven, "perhaps need")
            key = (kind, one.verdict.reader.number, one.number, one.gate, one.need)
            blank = partial(
                Draft,
                verdict=one.verdict,
                number=one.number,
                destination=target_text(one.need),
                declared=True,
                principals={caller_text(one.need): None},
                need=(one.gate, one.need),
            )
            self._notes.note(into, key, blank, group, [], one.points)

    def _lose(self, group: Group, into: Drafts, kind: str, verdict: Verdict, number: int, points: Bools) -> None:
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
                blank = partial(
                    Draft, verdict=verdict, number=number, destination=grant.destination.name, declared=kind == "declared"
                )
                draft = self._notes.note(into, key, blank, group, [], his, self._atom_of(group, his, principal))
                draft.principals[principal] = None
                draft.more[grant.route.name] = None

    def _atom_of(self, group: Group, mask: Bools, principal: str) -> int:
        """The first subject of a mask that is this principal."""
        classes: Bools = np.asarray(mask.any(axis=(1, 2, 3)))
        return int(np.flatnonzero(self.space.subjects.members[principal] & classes[group.local.who.inverse])[0])


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
