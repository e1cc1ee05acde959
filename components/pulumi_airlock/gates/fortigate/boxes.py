"""The fewest products that make up a union of products, without widening it."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import permutations

Dimensions = tuple[frozenset[Hashable], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A product of sets, one per dimension, and what it was made from."""

    sets: Dimensions
    origins: tuple[int, ...]
    """Positions, in the order of declaration, of what is in it."""

    def covers(self, other: "Box") -> bool:
        """Whether every point of `other` is in this box."""
        return all(mine >= theirs for mine, theirs in zip(self.sets, other.sets, strict=True))


def fewest_boxes(boxes: Iterable[Box]) -> list[Box]:
    """Boxes with the same union, merged along one dimension at a time, in the order of their first origin.

    Two boxes that agree in all dimensions but one are exactly one box. How many stay depends on the order of dimensions: every
    order is tried, there are few. The result is small, if not always the smallest.
    """
    start = list(boxes)
    if not start:
        return []
    tries = (_merge(start, order) for order in permutations(range(len(start[0].sets))))
    return min(tries, key=len)


def _merge(boxes: list[Box], order: Iterable[int]) -> list[Box]:
    order = tuple(order)
    current, before = boxes, None
    while before != len(current):
        before = len(current)
        for dimension in order:
            current = _merge_along(current, dimension)
    return sorted(_without_covered(current), key=lambda box: box.origins)


def _merge_along(boxes: list[Box], dimension: int) -> list[Box]:
    merged: dict[Dimensions, Box] = {}
    for box in boxes:
        key = (*box.sets[:dimension], *box.sets[dimension + 1 :])
        known = merged.get(key)
        if known is None:
            merged[key] = box
        else:
            sets = (*box.sets[:dimension], known.sets[dimension] | box.sets[dimension], *box.sets[dimension + 1 :])
            merged[key] = Box(sets, tuple(sorted({*known.origins, *box.origins})))
    return list(merged.values())


def _without_covered(boxes: list[Box]) -> list[Box]:
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda one: -sum(map(len, one.sets))):
        home = next((position for position, one in enumerate(kept) if one.covers(box)), None)
        if home is None:
            kept.append(box)
        else:
            kept[home] = Box(kept[home].sets, tuple(sorted({*kept[home].origins, *box.origins})))
    return kept
