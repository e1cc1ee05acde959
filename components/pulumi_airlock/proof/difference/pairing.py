"""One host on both sides: the two groups of the sweeps, cut alike, and what happens at every point before and after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..atoms.instants import Bools
from ..atoms.space import Cut, Space, TimeCut
from ..engine.group import Group, Verdict
from ..engine.reader import DEFAULT
from .model import Standing
from .sides import Side

ABSENT, DENY, UNKNOWN, ALLOW = range(4)
"""What happens to a point: nobody is there (or, of the outside, no gate), it is refused, it is not known, it is let through."""

STANDINGS = (Standing.NOT, Standing.PERHAPS, Standing.OWN, Standing.DECLARED)

Codes = NDArray[np.int8]
_Index = NDArray[np.intp]


@dataclass(frozen=True)
class Joint:
    """A dimension cut as both sides cut it."""

    first: _Index
    """One atom of each class."""
    inverse: _Index
    """Atom → class."""
    sides: tuple[_Index, _Index]
    """Class → the class of each side."""


def _joint(keys: Sequence[NDArray[np.intp]]) -> tuple[_Index, _Index]:
    """First atom and class of each atom, where classes are what the keys tell apart, in the order of their first atoms."""
    codes = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        codes = codes * (int(key.max(initial=0)) + 1) + key
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.ravel()]


class Joints:
    """Joint cuts, each made once."""

    def __init__(self, sides: tuple[Side, Side]) -> None:
        self._presence = [one.presence.astype(np.intp) for one in sides]
        self._known: dict[tuple[int, int], tuple[tuple[object, object], Joint]] = {}
        self._times: dict[tuple[int, int], tuple[tuple[object, object], TimeCut, tuple[_Index, _Index]]] = {}

    def who(self, old: Cut, new: Cut) -> Joint:
        """Callers; also apart by whether they are there on each side."""
        return self._cut(old, new, self._presence)

    def other(self, old: Cut, new: Cut) -> Joint:
        """Services, or operations."""
        return self._cut(old, new, ())

    def _cut(self, old: Cut, new: Cut, more: Sequence[_Index]) -> Joint:
        found = self._known.get((id(old), id(new)))
        if found is None:
            first, inverse = _joint([old.inverse, new.inverse, *more])
            joint = Joint(first, inverse, (old.inverse[first], new.inverse[first]))
            # The cuts are kept with it: an id is only theirs while they live.
            found = self._known[id(old), id(new)] = ((old, new), joint)
        return found[1]

    def time(self, space: Space, old: TimeCut, new: TimeCut) -> tuple[TimeCut, tuple[_Index, _Index]]:
        """Instants as both sides' windows cut them, and the class of each side."""
        found = self._times.get((id(old), id(new)))
        if found is None:
            cut = space.time.cut({*old.rows, *new.rows})
            sides = (_classes(cut, old), _classes(cut, new))
            found = self._times[id(old), id(new)] = ((old, new), cut, sides)
        return found[1], found[2]


def _classes(cut: TimeCut, side: TimeCut) -> _Index:
    """Which class of a side's coarser cut each class of a cut is in."""

    def keys(one: TimeCut) -> list[tuple[object, ...]]:
        rows = [one.rows[number] for number in side.rows] + [one.inside]
        running = [tuple(run in now for run in side.runs) for _, now in one.starts]
        return [(tuple(bool(row[place]) for row in rows), running[place]) for place in range(len(one.starts))]

    numbers = {key: number for number, key in enumerate(keys(side))}
    return np.array([numbers[key] for key in keys(cut)], dtype=np.intp)


class Seen:
    """One side of a pair: everything over the joint cut."""

    def __init__(self, pair: "Pair", number: int, side: Side, group: Group) -> None:
        self.side, self.group = side, group
        self._index = np.ix_(pair.who.sides[number], pair.service.sides[number], pair.operation.sides[number], pair.times[number])
        self.path: dict[int, Verdict] = {one.reader.number: one for one in group.path}
        present = side.presence[pair.who.first][:, None, None, None]
        self.exists: Bools = self.of(group.local.exists) & present & pair.time.inside
        self.met: Bools = self._union([one.inscope for one in group.path])
        self.met_gate: Bools = self._union([one.inscope for one in group.path if not one.reader.filter.always])
        self.declared = self.of(group.declared)
        self.perhaps = self.of(group.perhaps_declared)
        self.own = self.of(group.own)

    def of(self, points: Bools) -> Bools:
        """Points of the side's group over the joint cut."""
        found: Bools = np.broadcast_to(points, self.group.local.shape)[self._index]
        return found

    def _union(self, parts: Sequence[Bools]) -> Bools:
        return self.of(np.logical_or.reduce(parts)) if parts else np.zeros_like(self.exists)

    def outcome(self, real: Bools) -> Codes:
        """What happens to each point; ABSENT where it is not real."""
        definite, possible = self.of(self.group.definite), self.of(self.group.possible)
        return np.where(real, np.where(definite, ALLOW, np.where(possible, UNKNOWN, DENY)), ABSENT).astype(np.int8)

    @cached_property
    def standing(self) -> Codes:
        """Numbers of STANDINGS."""
        found = np.where(self.declared, 3, np.where(self.own, 2, np.where(self.perhaps, 1, 0)))
        return found.astype(np.int8)

    def decision(self, number: int | None) -> Codes | None:
        """What one filter does; out of its scope it lets through. None where it does not stand on the path."""
        verdict = self.path.get(number) if number is not None else None
        if verdict is None:
            return None
        allow, deny = self.of(verdict.allow | ~verdict.inscope), self.of(verdict.deny)
        return np.where(deny, np.where(allow, UNKNOWN, DENY), ALLOW).astype(np.int8)

    def deciders(self, number: int | None, points: Bools) -> Iterator[tuple[tuple[int, ...], Bools]]:
        """Splits points by the rules (by their numbers in the case's filter, or DEFAULT) that may decide there.

        That is the first that surely matches, and before it those that perhaps do.
        """
        verdict = self.path.get(number) if number is not None else None
        undecided: list[tuple[tuple[int, ...], Bools]] = [((), points)]
        if verdict is not None and number is not None:
            for place, sure, box in verdict.matching:
                matched = self.of(box)
                following = []
                for before, mask in undecided:
                    hit = mask & matched
                    if not hit.any():
                        following.append((before, mask))
                        continue
                    found = (*before, self.side.numbers[number][verdict.reader.order[place]])
                    if sure:
                        yield found, hit
                    else:
                        following.append((found, hit))
                    rest = mask & ~hit
                    if rest.any():
                        following.append((before, rest))
                undecided = following
        for before, mask in undecided:
            if mask.any():
                yield (*before, DEFAULT), mask

    def grants(self) -> Iterator[tuple[int, Bools]]:
        """(number of the grant, its points)."""
        return ((number, self.of(points)) for number, points in self.group.grants)


class Pair:
    """A host's groups before and after."""

    def __init__(self, joints: Joints, sides: tuple[Side, Side], groups: tuple[Group, Group]) -> None:
        old, new = (one.local for one in groups)
        self.space = sides[1].space
        self.who = joints.who(old.who, new.who)
        self.service = joints.other(old.service, new.service)
        self.operation = joints.other(old.operation, new.operation)
        self.time, self.times = joints.time(self.space, old.time, new.time)
        self.seen = (Seen(self, 0, sides[0], groups[0]), Seen(self, 1, sides[1], groups[1]))

    def outcomes(self, *, everybody: bool = False, met_only: bool = False) -> tuple[Codes, Codes]:
        """What happens to each point before and after.

        Tasks count anywhere; others where they meet a filter, or met one that stands there no more. `everybody` counts all,
        `met_only` nobody who meets no filter.
        """
        old, new = self.seen
        task = self.space.who.table[self.space.is_task][self.who.first][:, None, None, None]
        if everybody:
            return old.outcome(old.exists), new.outcome(new.exists)
        if met_only:
            return old.outcome(old.exists & old.met), new.outcome(new.exists & new.met)
        real = [one.exists & (task | one.met) for one in self.seen]
        # A gate that a zone names no more leaves the way open to people, too.
        real_new = real[1] | (new.exists & real[0] & old.met_gate)
        gates = {one.gate for one in old.side.case.filters}
        stood = [one.inscope for one in new.group.path if not one.reader.filter.always and one.reader.filter.gate in gates]
        met = new.of(np.logical_or.reduce(stood)) if stood else np.zeros_like(real[1])
        real_old = real[0] | (old.exists & real[1] & met)
        return old.outcome(real_old), new.outcome(real_new)

    def telling(self) -> Bools:
        """Where this host says something by itself: a name that no rule and no route speaks of is told by its addresses."""
        if self.seen[1].group.place.name is None:
            return np.ones_like(self.seen[1].declared)
        found = self.seen[0].declared | self.seen[1].declared
        for one in self.seen:
            if one.group.named is not None:
                found = found | one.of(one.group.named)
        return found
