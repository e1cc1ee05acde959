"""The fewest products of sets that make up a union of such, and nothing beside it but what is of no importance.

The largest products within a union are found by consensus (Quine 1955; Tison 1967): two boxes that meet in all dimensions but one
make a third, which is wider in that one. Which of the largest ones are needed is another question (`covering`).
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import product
from math import prod
from typing import TypeAlias

from .boxes import Box, Index, bits, meet, meets, within, without
from .covering import cover

MAX_LARGEST = 400
"""Largest boxes of one group of boxes that hang together, after which no more are looked for."""
MAX_POINTS = 20_000
"""Points of one group that are told apart; where there are more, its boxes are only merged."""


Units: TypeAlias = Sequence[Sequence[int]]
"""For each dimension the sets that can be written down: a box is written as unions of such."""


def fewest(
    boxes: Sequence[Box],
    free: Sequence[Box] = (),
    *,
    units: Units | None = None,
    together: Sequence[Sequence[int]] | None = None,
) -> list[Box]:
    """Boxes with the same union as the given ones, as few as are found, and no wider than they need be.

    They may reach into `free`. `units`: what boxes are made of, the given ones too; any sets, by default. `together`: dimensions
    in groups; points of `free` differ from points that count in dimensions of one group only.
    """
    found: list[Box] = []
    by_atom = _by_atom(units) if units is not None else None
    for group in _groups(boxes, together or [[place] for place in range(len(boxes[0]) if boxes else 0)]):
        distinct = list(dict.fromkeys(group))
        found += distinct if len(distinct) == 1 else _fewest(distinct, free, by_atom)
    return found


def _by_atom(units: Units) -> list[dict[int, list[int]]]:
    """For each dimension and atom the units that have it."""
    found: list[dict[int, list[int]]] = []
    for some in units:
        holders: dict[int, list[int]] = {}
        for one in dict.fromkeys(some):
            for atom in bits(one):
                holders.setdefault(atom, []).append(one)
        found.append(holders)
    return found


def _groups(boxes: Sequence[Box], together: Sequence[Sequence[int]]) -> list[list[Box]]:
    """Boxes that hang together: those that meet but for the dimensions of one group."""
    if not boxes:
        return []
    index = Index(boxes)
    left = (1 << len(boxes)) - 1
    found: list[list[Box]] = []
    while left:
        start = (left & -left).bit_length() - 1
        left &= left - 1
        waiting, here = [start], []
        while waiting:
            number = waiting.pop()
            here.append(number)
            for dimensions in together:
                wide = tuple(-1 if place in dimensions else one for place, one in enumerate(boxes[number]))
                others = index.near(wide) & left
                left &= ~others
                waiting += bits(others)
        found.append([boxes[number] for number in sorted(here)])
    return found


def _fewest(distinct: Sequence[Box], free: Sequence[Box], by_atom: Sequence[dict[int, list[int]]] | None) -> list[Box]:
    full = tuple(_union(one[place] for one in distinct) for place in range(len(distinct[0])))
    aside = [found for one in free if (found := meet(one, full)) is not None]
    units = None
    if by_atom is not None:
        near = [
            dict.fromkeys(one for atom in bits(mine) for one in some.get(atom, ()))
            for some, mine in zip(by_atom, full, strict=True)
        ]
        units = [[one for one in found if not one & ~mine] for found, mine in zip(near, full, strict=True)]
    points = _points(distinct, aside, units)
    if points is None:
        return _merged(distinct)
    merged = _merged(distinct)
    written = (_written(one, units) for one in largest(merged, aside))
    columns = list(dict.fromkeys([*(one for one in written if all(one)), *merged]))
    index = Index(points)
    chosen = [columns[number] for number in cover([index.near(one) for one in columns]).chosen]
    held = [index.near(one) for one in chosen]
    often = Counter(row for rows in held for row in bits(rows))
    for number, one in enumerate(chosen):
        needed = [points[row] for row in bits(held[number]) if often[row] == 1]
        if not needed:
            continue
        chosen[number] = tuple(
            _least(_union(point[place] for point in needed), atoms, units[place] if units else None)
            for place, atoms in enumerate(one)
        )
        often.subtract(bits(held[number] & ~index.near(chosen[number])))
    return chosen


def _written(box: Box, units: Units | None) -> Box:
    """The largest part of a box that can be written down."""
    if units is None:
        return box
    return tuple(_union(one for one in some if not one & ~atoms) for some, atoms in zip(units, box, strict=True))


def _least(needed: int, most: int, units: Sequence[int] | None) -> int:
    """A set that can be written down, within `most`, that has what is needed, and little else."""
    if units is None:
        return needed
    within_most = [one for one in dict.fromkeys(units) if not one & ~most and one & needed]
    chosen: list[int] = []
    left = needed
    for one in sorted(within_most, key=lambda one: ((one & ~needed).bit_count(), -(one & needed).bit_count())):
        if one & left:
            chosen.append(one)
            left &= ~one
    for one in list(chosen):
        if not needed & ~_union(other for other in chosen if other != one):
            chosen.remove(one)
    return _union(chosen)


def largest(boxes: Sequence[Box], free: Sequence[Box] = ()) -> list[Box]:
    """The largest boxes within the union of boxes and free ones that hold something of the former; at most `MAX_LARGEST`."""
    widths = [_union(one[place] for one in (*boxes, *free)).bit_length() for place in range(len(boxes[0]))]
    kept: dict[int, Box] = {}
    seen: set[int] = set()
    waiting = deque((*boxes, *free))
    while waiting and len(kept) < MAX_LARGEST:
        one = waiting.popleft()
        packed = _packed(one, widths)
        if packed in seen:
            continue
        seen.add(packed)
        if any(not packed & ~other for other in kept):
            continue
        kept = {other: box for other, box in kept.items() if other & ~packed}
        for other in kept.values():
            waiting.extend(_consensus(one, other))
        kept[packed] = one
    return [one for one in kept.values() if any(meets(one, other) for other in boxes)]


def _packed(box: Box, widths: Sequence[int]) -> int:
    """A box as one number, by which it is compared."""
    found = 0
    for one, width in zip(box, widths, strict=True):
        found = found << width | one
    return found


def _consensus(one: Box, other: Box) -> Iterable[Box]:
    """What two boxes make together: along each dimension, as wide as both there, and as narrow as both elsewhere."""
    apart = [place for place, (mine, theirs) in enumerate(zip(one, other, strict=True)) if not mine & theirs]
    if len(apart) > 1:
        return
    for place in apart or range(len(one)):
        wide = one[place] | other[place]
        if wide not in (one[place], other[place]):
            yield tuple(
                wide if place == number else mine & theirs for number, (mine, theirs) in enumerate(zip(one, other, strict=True))
            )


def _points(boxes: Sequence[Box], free: Sequence[Box], units: Units | None) -> list[Box] | None:
    """The points that count, each with all that boxes and units do not tell from it; None where there are too many."""
    places = range(len(boxes[0]))
    classes = [_classes([*(one[place] for one in (*boxes, *free)), *(units[place] if units else ())]) for place in places]
    found: dict[Box, None] = {}
    for box in boxes:
        for one in without([box], free):
            dimensions = [[atoms for atoms in some if atoms & mine] for some, mine in zip(classes, one, strict=True)]
            if len(found) + prod(map(len, dimensions)) > MAX_POINTS:
                return None
            found.update(dict.fromkeys(product(*dimensions)))
    return list(found)


def _classes(sets: Sequence[int]) -> list[int]:
    """The atoms in classes that the sets do not tell apart."""
    parts = [_union(sets)]
    for one in dict.fromkeys(sets):
        parts = [part for each in parts for part in (each & one, each & ~one) if part]
    return parts


def _union(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found


def _merged(boxes: Sequence[Box]) -> list[Box]:
    """Boxes with the same union, merged two by two where they differ in one dimension; the best of some orders of dimensions."""
    places = list(range(len(boxes[0])))
    orders = [[*places[turn:], *places[:turn]] for turn in places]
    return min((_merged_in(boxes, [*order, *reversed(order)]) for order in orders), key=len)


def _merged_in(boxes: Sequence[Box], order: Sequence[int]) -> list[Box]:
    current = list(boxes)
    before = None
    while before != len(current):
        before = len(current)
        for place in order:
            merged: dict[Box, int] = {}
            for one in current:
                key = (*one[:place], *one[place + 1 :])
                merged[key] = merged.get(key, 0) | one[place]
            current = [(*key[:place], wide, *key[place:]) for key, wide in merged.items()]
        index = Index(current)
        inside = (
            any(other != number and within(one, current[other]) for other in bits(index.near(one)))
            for number, one in enumerate(current)
        )
        current = [one for one, lies in zip(current, list(inside), strict=True) if not lies]
    return current
