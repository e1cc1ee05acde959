"""Compares two cases host by host, and gathers what differs into findings while it goes."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from ..atoms.instants import Bools
from ..atoms.subjects import OUTSIDE
from ..declared import destination_hosts
from ..engine.walk import Point, walk, witness
from ..filters import Filter
from ..findings import Row, Witness
from ..missing import missing_gates
from ..needs import own_needs
from ..proving import in_order
from ..sets import Hosts
from .blame import Blame, Parts, routes_over
from .changes import Changes, compare_access, compare_environments, compare_filters, compare_missing
from .model import Change, Difference, Finding, Kind, Standing
from .pairing import ABSENT, ALLOW, DENY, STANDINGS, UNKNOWN, Joints, Pair
from .places import Mentions, Probe, Relevant, probes
from .reaching import Reached, Reaching
from .sides import Case, Side, alone, both_sides, declared_alone, probe_boxes
from .telling import Telling


def difference(old: Case, new: Case, *, at: datetime, gate: str = "") -> Difference:
    """What access two cases do not have in common, from `at` on for `HORIZON_DAYS`, and which changes make it so.

    With `gate`, what this gate alone lets through, as if it stood on every path and no other did. ValueError where `at` has no
    time zone, and KeyError where no side has the gate.
    """
    if at.tzinfo is None:
        raise ValueError(f"at: {at} has no time zone")
    if gate and all(one.gate != gate for case in (old, new) for one in case.filters):
        raise KeyError(gate)
    if gate:
        old, new = alone(old, gate), alone(new, gate)
    return _Comparison(_ordered(old), _ordered(new), at, gate).difference()


def declared_difference(old: Case, new: Case, *, at: datetime) -> Difference:
    """What two access files declare differently; whatever stacks there are is not looked at."""
    if at.tzinfo is None:
        raise ValueError(f"at: {at} has no time zone")
    return _Comparison(declared_alone(old.access), declared_alone(new.access), at, "", declarations=True).difference()


def _ordered(case: Case) -> Case:
    return Case(case.access, tuple(in_order(case.environments)), tuple(case.filters))


@dataclass
class Draft:
    """A finding while it grows."""

    kind: Kind
    before: int
    after: int
    standings: tuple[Standing, Standing]
    changes: tuple[Change, ...]
    reached: Reached = field(default_factory=Reached)
    routes: tuple[dict[str, None], dict[str, None]] = field(default_factory=lambda: ({}, {}))
    rank: int = 9
    best: tuple[Pair, Point, Point] | None = None


class _Comparison:
    """One comparison under way."""

    def __init__(self, old: Case, new: Case, at: datetime, gate: str, *, declarations: bool = False) -> None:
        self._cases, self._at, self._gate, self._declarations = (old, new), at, gate, declarations
        self._changes = Changes()
        compare_filters(self._changes, old.filters, new.filters)
        if declarations:
            compare_access(self._changes, old.access, new.access, ())
        else:
            compare_access(self._changes, old.access, new.access, (*old.filters, *new.filters), routes=not gate)
            compare_missing(self._changes, *map(_missing, (old, new)))
        compare_environments(
            self._changes,
            (old.access, () if declarations else old.environments),
            (new.access, () if declarations else new.environments),
        )
        self._drafts: dict[Hashable, Draft] = {}

    def difference(self) -> Difference:
        """Looks at every host where something that differs takes part."""
        found: list[Finding] = []
        compared = 0
        if self._changes.all:
            sides, seen = self._sides()
            compared = self._compare(sides, seen)
            telling = Telling(sides, declarations=self._declarations, gate=self._gate)
            found = telling.findings(self._drafts.values(), [self._rows(one) for one in self._drafts.values()])
        effective = {change for one in found for change in one.changes}
        filters: Sequence[Filter] = (*self._cases[1].filters, *self._cases[0].filters)
        return Difference(
            at=self._at,
            findings=tuple(found),
            changes=tuple(self._changes.all),
            gates=tuple(dict.fromkeys(one.gate for one in filters if one.decides)),
            only=self._gate,
            declarations=self._declarations,
            compared=compared,
            ineffective=tuple(one for one in self._changes.all if one not in effective),
        )

    def _sides(self) -> tuple[tuple[Side, Side], list[Probe]]:
        accesses = [case.access for case in self._cases]
        mentions = Mentions(accesses)
        sets = [
            hosts
            for case in self._cases
            for hosts in (
                *(match.hosts for one in case.filters for match in (one.scope, *(rule.match for rule in one.rules))),
                *(match.hosts for match in own_needs(case.environments, case.filters)),
                *map(destination_hosts, case.access.destinations),
            )
        ]
        seen = list(probes(self._changes.all.values(), sets, mentions))
        return both_sides(*self._cases, seen, Relevant(seen, mentions), self._at), seen

    def _compare(self, sides: tuple[Side, Side], seen: Sequence[Probe]) -> int:
        joints = Joints(sides)
        self._blame = Blame(self._changes, (sides[0].grants, sides[1].grants))
        self._reaching = Reaching(sides)
        boxes = [probe_boxes(side, seen) for side in sides]
        compared = 0
        for number, probe in enumerate(seen):
            is_name = bool(probe.host.names)
            places = [side.places(mine[number], is_name=is_name) for side, mine in zip(sides, boxes, strict=True)]
            for classes in _classes(sides, (places[0], places[1])):
                before, after = (
                    next(side.sweep.groups(only=[one], path_alone=True)) for side, one in zip(sides, classes, strict=True)
                )
                self._look(Pair(joints, sides, (before, after)), probe)
                compared += 1
        return compared

    def _look(self, pair: Pair, probe: Probe) -> None:
        """Sorts the points of a host by what happens to them, and notes those where it is not the same."""
        old, new = pair.outcomes(everybody=self._declarations, met_only=bool(self._gate))
        before, after = (one.standing for one in pair.seen)
        if self._gate:
            # Routes are for whole paths.
            before, after = np.zeros_like(before), np.zeros_like(after)
        declared = (before == 3) != (after == 3)
        # Who is not there any more is refused nothing.
        differs = np.where(old == new, declared & (old != ABSENT), np.maximum(old, new) != DENY)
        differs = differs & pair.telling()
        if not differs.any():
            return
        codes = ((old.astype(np.int16) * 4 + new) * 4 + before) * 4 + after
        for code in np.unique(codes[differs]).tolist():
            points = differs & (codes == code)
            self._note(pair, probe, points, (code >> 6, code >> 4 & 3), (code >> 2 & 3, code & 3))

    def _note(self, pair: Pair, probe: Probe, points: Bools, outcome: tuple[int, int], standing: tuple[int, int]) -> None:
        same = outcome[0] == outcome[1]
        parts: Parts = [(points, ())] if same else self._blame.outcome(pair, points, *outcome)
        if (standing[0] == 3) != (standing[1] == 3):
            parts = self._blame.declaration(pair, parts)
        kind = _kind(outcome, standing)
        # Who and where, as that side calls them on which there is something to tell.
        side = 0 if kind in (Kind.REMOVED, Kind.UNDECLARED) or outcome[1] == ABSENT else 1
        for mask, causes in parts:
            for origin, environment, whom in self._callers(pair, mask, ABSENT in outcome and not self._declarations):
                changes = tuple(dict.fromkeys((*causes, *self._blame.environment(environment)))) if environment else causes
                key = (kind, outcome, standing, changes, origin)
                draft = self._drafts.get(key)
                if draft is None:
                    before, after = (Standing.ASIDE if self._gate else STANDINGS[one] for one in standing)
                    standings = before, after
                    draft = self._drafts[key] = Draft(kind, *outcome, standings, changes)
                rank = self._reaching.add(draft.reached, pair, probe, mask, side, whom)
                for each, into in enumerate(draft.routes):
                    into.update(dict.fromkeys(routes_over(pair.seen[each], pair.seen[each].side.grants, mask)))
                if rank < draft.rank:
                    draft.rank, draft.best = rank, (pair, *self._reaching.points(pair, mask, side, whom))

    def _callers(self, pair: Pair, mask: Bools, by_environment: bool) -> Iterator[tuple[str, str, list[int]]]:
        """The callers (atoms) of points by kind: tasks, people, the outside; and by environment, where that came or went."""
        classes: Bools = np.asarray(mask.any(axis=(1, 2, 3)))
        found: dict[tuple[str, str], list[int]] = {}
        subjects = pair.space.subjects.all
        for atom in np.flatnonzero(classes[pair.who.inverse]).tolist():
            one = subjects[atom]
            origin = "tasks" if one.environment else "people" if one.principals else OUTSIDE
            found.setdefault((origin, (one.environment or "") if by_environment else ""), []).append(atom)
        yield from ((origin, environment, atoms) for (origin, environment), atoms in found.items())

    def _rows(self, draft: Draft) -> tuple[Witness | None, tuple[Row, ...], tuple[Row, ...]]:
        """The witness of a draft, and what every gate did and does with it."""
        if draft.best is None or self._declarations:
            return None, (), ()
        pair, *points = draft.best
        rows = [
            walk(one.side.space, one.side.sweep.path(one.group.place.zone), point) if code != ABSENT else ()
            for one, point, code in zip(pair.seen, points, (draft.before, draft.after), strict=True)
        ]
        side = 0 if draft.kind is Kind.REMOVED or draft.after == ABSENT else 1
        seen = witness(pair.seen[side].side.space, points[side])
        return self._reaching.named(seen, pair.seen[side].side, points[side]), rows[0], rows[1]


def _missing(case: Case) -> dict[str, Hosts]:
    """Gates that zones name and the stack does not have, each with the hosts behind it."""
    found = {}
    for gate in missing_gates(case.access, case.filters):
        zones = [Hosts.from_cidrs(case.access.zones[name].cidrs) for name in gate.zones]
        names = [Hosts.from_names(one.hosts) for one in case.access.destinations if one.zone in gate.zones]
        found[gate.gate] = Hosts.union([*zones, *names])
    return found


def _classes(sides: tuple[Side, Side], found: tuple[list[int], list[int]]) -> Iterator[tuple[int, int]]:
    """Classes of the same host on both sides. A name has some for each zone and family: those with addresses in common.

    What the other side does not have stands beside whatever there is of the name.
    """
    old, new = found
    if len(old) == len(new) == 1:
        yield old[0], new[0]
        return
    before, after = (side.space.places.all for side in sides)
    for family in (4, 6):
        left = [one for one in old if before[one].family == family]
        right = [one for one in new if after[one].family == family]
        if not left or not right:
            continue
        pairs = [
            (one, other)
            for one in left
            for other in right
            if before[one].zone == after[other].zone and before[one].may & after[other].may
        ]
        yield from pairs
        alone_left = [one for one in left if all(one != each for each, _ in pairs)]
        alone_right = [one for one in right if all(one != each for _, each in pairs)]
        for number in range(max(len(alone_left), len(alone_right))):
            yield (
                alone_left[number] if number < len(alone_left) else (alone_left or left)[0],
                alone_right[number] if number < len(alone_right) else (alone_right or right)[0],
            )


def _kind(outcome: tuple[int, int], standing: tuple[int, int]) -> Kind:
    before, after = outcome
    if before == after:
        return Kind.DECLARED if standing[1] == 3 else Kind.UNDECLARED
    if after == UNKNOWN:
        return Kind.UNCERTAIN
    if before == UNKNOWN and after != ABSENT:
        return Kind.CERTAIN
    return Kind.ADDED if after == ALLOW else Kind.REMOVED
