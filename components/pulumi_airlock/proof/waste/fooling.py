"""A lower bound for rules that are products of sets: points no two of which fit in one rule that is not too wide.

Each needs a rule of its own, so that no list of such rules has fewer (a *fooling set* of the cover of a relation by rectangles).
Two points fit in one rule when the smallest rule that has both in it decides for nothing that the filter decides otherwise.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import islice, product

from ..filters import Action
from ..shape import Shape
from ..times import Once, Weekly
from .boxes import Box, Index, bits, without
from .ground import HOST, KIND, OPERATION, SERVICE, SOURCE, TIME
from .rulings import Line, Rulings

MAX_POINTS = 4_000
"""Points that are compared in one filter."""
MOST = 24
"""Points that are looked at of one rule."""
MAX_TESTS = 100_000
"""Pairs of points that are tested; further ones that are near each other are taken to fit, which only lowers the bound."""

_BESIDE = (KIND, SERVICE, OPERATION, TIME)


class Fooling:
    """The points of one filter, and which of them fit in one rule."""

    def __init__(self, rulings: Rulings, action: Action, shape: Shape) -> None:
        """`action`: what the rules that are counted do; the filter's default does the other."""
        self._rulings, ground = rulings, rulings.ground
        self._lines = [one for one in rulings.kept if one.known and one.action is action and not one.implied]
        # What the gate itself implies stays whatever rules there are: it is no reason for two points to fit in one.
        alike = [place for place, rule in enumerate(rulings.rules) if rule.action is action and not rule.implied]
        # What may match decides nothing for sure: it tells no point from another.
        self._boxes = [box for place in alike for box in (rulings.touch if rulings.rules[place].unknown else rulings.says)[place]]
        self._index = Index(self._boxes)
        self._v4 = ground.callers.addresses.family(4)
        self._structured = all(_is_schedule(rule.match.times) for rule in rulings.rules)
        self._lanes = self._apart(shape)
        self._kinds = _classes(ground.full[KIND], (box[KIND] for boxes in rulings.touch for box in boxes))
        """Callers that no rule tells apart: nor does any other list of this gate's rules."""

    def _apart(self, shape: Shape) -> list[int]:
        """The sets of hosts that no rule spans, unless one does."""
        found = [self._rulings.ground.sure_hosts(one) for one in shape.apart]
        spans = any(sum(bool(box[HOST] & lane) for lane in found) > 1 for line in self._lines for box in self._says(line))
        return [] if spans else found

    def _says(self, line: Line) -> Iterator[Box]:
        return (box for place in line.places for box in self._rulings.says[place])

    def bound(self) -> int:
        """How many points there are, at least, no two of which fit in one rule."""
        points = self._points()
        if not points:
            return 0
        near = Index([point for point, _ in points])
        members = [0] * len(self._lines)
        for number, (_, lines) in enumerate(points):
            for line in bits(lines):
                members[line] |= 1 << number
        fits = [0] * len(points)
        tests = 0
        for number, (point, lines) in enumerate(points):
            for line in bits(lines):
                fits[number] |= members[line]
            for later in bits((self._candidates(near, point) & ~fits[number]) >> number + 1 << number + 1):
                tests += 1
                if tests > MAX_TESTS or self._fit(point, points[later][0]):
                    fits[number] |= 1 << later
                    fits[later] |= 1 << number
        return _independent([found & ~(1 << number) for number, found in enumerate(fits)])

    def _points(self) -> list[tuple[Box, int]]:
        """Some points of each rule, those first that no other rule matches; with the rules that match each, as bits."""
        if not self._lines:
            return []
        most = max(2, min(MOST, MAX_POINTS // len(self._lines)))
        found: dict[Box, None] = {}
        for line in self._lines:
            own = [box for place in line.places for box in self._rulings.points(place)]
            others = self._rulings.near(own)
            beside = [box for place in others if place not in line.places for box in self._rulings.says[place]]
            private = without(own, beside)
            for point in islice(self._sample(private or own, most), most):
                found[point] = None
        flat = [(box, number) for number, line in enumerate(self._lines) for box in self._says(line)]
        index = Index([box for box, _ in flat])
        return [(point, _together(1 << flat[one][1] for one in bits(index.near(point)))) for point in found]

    def _sample(self, boxes: Sequence[Box], most: int) -> Iterator[Box]:
        """Points of boxes: each atom once, those together that few rules have; then the corners."""
        found = []
        for box in boxes:
            atoms = [sorted(bits(one), key=partial(self._index.holders, place)) for place, one in enumerate(box)]
            # Of a caller nothing more can be told than by the fewest rules that match.
            found.append([[1 << atom for atom in (one[:1] if place == KIND else one)] for place, one in enumerate(atoms)])
        for one in found:
            for step in range(max(map(len, one))):
                yield tuple(atoms[step % len(atoms)] for atoms in one)
        for one in found:
            yield from islice(product(*one), most)

    def _candidates(self, points: Index, point: Box) -> int:
        """The points that may fit with one: by any single dimension, this one may be moved to where they are."""
        reach = [self._reach(point, dimension) for dimension in range(len(point))]
        found = points.near(tuple(reach)) if all(reach) else 0
        full = self._rulings.ground.full
        other = full[SOURCE] & ~self._v4 if point[SOURCE] & self._v4 else self._v4
        across = [full[number] if number in (SOURCE, HOST) else atoms for number, atoms in enumerate(reach)]
        across[SOURCE] = other
        return found | (points.near(tuple(across)) if other else 0)

    def _reach(self, point: Box, dimension: int) -> int:
        moved = (*point[:dimension], self._rulings.ground.full[dimension], *point[dimension + 1 :])
        found = point[dimension]
        for number in bits(self._index.near(moved)):
            found |= self._boxes[number][dimension]
        for never in self._rulings.ground.never:
            if all(mine & theirs for place, (mine, theirs) in enumerate(zip(point, never, strict=True)) if place != dimension):
                found |= never[dimension]
        return found

    def _fit(self, one: Box, other: Box) -> bool:
        lanes = [{number for number, lane in enumerate(self._lanes) if lane & point[HOST]} for point in (one, other)]
        if all(lanes) and not lanes[0] & lanes[1]:
            return False
        both = [mine | theirs for mine, theirs in zip(one, other, strict=True)]
        both[TIME] = self._schedule(both[TIME])
        both[KIND] = _together(kind for kind in self._kinds if kind & both[KIND])
        apart = bool(one[SOURCE] & self._v4) != bool(other[SOURCE] & self._v4)
        wide = [tuple(both)]
        if apart:
            # A rule lists the addresses of each family for itself.
            wide = [_at(point, both) for point in (one, other)]
        allowed = (self._boxes[number] for box in wide for number in bits(self._index.near(box)))
        return not without(wide, [*self._rulings.ground.never, *allowed])

    def _schedule(self, times: int) -> int:
        """The moments of the smallest schedule and last day that have these in it."""
        if not self._structured:
            return times
        moments = self._rulings.ground.calendar.moments
        asked = [moments[number] for number in bits(times)]
        last = max(one.span for one in asked)
        windows, running = {one.windows for one in asked}, {one.running for one in asked}
        found = times
        for number, one in enumerate(moments):
            found |= (one.span <= last and one.windows in windows and one.running in running) << number
        return found


def _is_schedule(times: Iterable[frozenset[object]]) -> bool:
    """Whether these are weekly windows, and a last day, each for itself."""
    return all(
        all(isinstance(one, Weekly) for one in found)
        or (len(found) == 1 and all(isinstance(one, Once) and one.start is None for one in found))
        for found in times
    )


def _at(point: Box, both: Sequence[int]) -> Box:
    """What a rule says of two points, with the addresses of one of them."""
    return tuple(point[number] if number in (SOURCE, HOST) else one for number, one in enumerate(both))


def _classes(full: int, sets: Iterable[int]) -> list[int]:
    """The atoms in classes that none of the sets tells apart."""
    found = [full]
    for one in set(sets):
        found = [part for each in found for part in (each & one, each & ~one) if part]
    return found


def _together(numbers: Iterable[int]) -> int:
    found = 0
    for one in numbers:
        found |= one
    return found


def _independent(fits: Sequence[int]) -> int:
    """How many points are chosen, none of which fits with another: those first that fit with few of what is left."""
    left, found = (1 << len(fits)) - 1, 0
    company = [one.bit_count() for one in fits]
    waiting = [(size, number) for number, size in enumerate(company)]
    heapify(waiting)
    while waiting:
        size, best = heappop(waiting)
        if not left >> best & 1 or size != company[best]:
            continue
        found += 1
        gone = (fits[best] | 1 << best) & left
        left &= ~gone
        for one in bits(gone):
            for other in bits(fits[one] & left):
                company[other] -= 1
                heappush(waiting, (company[other], other))
    return found
