"""Boxes over atoms: one bit set per dimension, as whole numbers. Union, difference and cover of such, exactly.

Nothing here knows what the atoms are: `ground` cuts them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

Box: TypeAlias = tuple[int, ...]
"""The product of the atoms whose bits are set, dimension by dimension. No dimension is empty."""

MAX_PIECES = 5_000
"""Pieces into which a difference may fall before it is given up, and taken for not covered."""

T = TypeVar("T")


def meet(one: Box, other: Box) -> Box | None:
    """What two boxes have in common; None when that is nothing."""
    found = tuple(mine & theirs for mine, theirs in zip(one, other, strict=True))
    return found if all(found) else None


def meets(one: Box, other: Box) -> bool:
    """Whether two boxes have a point in common."""
    return all(mine & theirs for mine, theirs in zip(one, other, strict=True))


def within(one: Box, other: Box) -> bool:
    """Whether every point of `one` is in `other`."""
    return not any(mine & ~theirs for mine, theirs in zip(one, other, strict=True))


def minus(one: Box, other: Box) -> list[Box]:
    """What of a box is not in another one, as disjoint boxes: at most one per dimension."""
    if not meets(one, other):
        return [one]
    found, rest = [], list(one)
    for dimension, theirs in enumerate(other):
        beyond = rest[dimension] & ~theirs
        if beyond:
            found.append((*rest[:dimension], beyond, *rest[dimension + 1 :]))
            rest[dimension] &= theirs
    return found


def without(boxes: Iterable[Box], others: Iterable[Box]) -> list[Box]:
    """What of some boxes is in none of the others.

    What falls into over `MAX_PIECES` is left as it is: too much, never too little.
    """
    rest = list(boxes)
    for other in others:
        if not rest:
            break
        cut = [piece for one in rest for piece in minus(one, other)]
        if len(cut) > MAX_PIECES:
            return rest
        rest = cut
    return rest


def covered(boxes: Iterable[Box], others: Iterable[Box]) -> bool:
    """Whether others, together, hold every point of these boxes."""
    listed = list(others)
    return all(not without([one], [other for other in listed if meets(one, other)]) for one in boxes)


def size(boxes: Iterable[Box]) -> int:
    """How many points boxes have, counted by atoms; common ones as often as there are."""
    total = 0
    for one in boxes:
        product = 1
        for each in one:
            product *= each.bit_count()
        total += product
    return total


def bits(number: int) -> Iterator[int]:
    """The positions of the bits that are set, ascending."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


def irredundant(candidates: Sequence[T], enough: Callable[[Sequence[T]], bool]) -> tuple[T, ...]:
    """Of candidates that are enough together: one that is alone, else two, else as few as leaving out one by one finds."""
    for one in candidates:
        if enough([one]):
            return (one,)
    if len(candidates) <= 12:
        for place, one in enumerate(candidates):
            for other in candidates[place + 1 :]:
                if enough([one, other]):
                    return (one, other)
    kept = list(candidates)
    for one in reversed(candidates):
        rest = [other for other in kept if other is not one]
        if enough(rest):
            kept = rest
    return tuple(kept)


class Index:
    """Finds the boxes that may meet a given one, without looking at all of them."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        """Cost: the number of atoms in all boxes; a lookup costs the number of atoms in the box asked for."""
        self._every = (1 << len(boxes)) - 1
        dimensions = len(boxes[0]) if boxes else 0
        self._full = [0] * dimensions
        self._holders: list[dict[int, int]] = [{} for _ in range(dimensions)]
        self._whole = [0] * dimensions
        for one in boxes:
            for dimension, mine in enumerate(one):
                self._full[dimension] |= mine
        for number, one in enumerate(boxes):
            for dimension, mine in enumerate(one):
                if mine == self._full[dimension]:
                    self._whole[dimension] |= 1 << number
                    continue
                holders = self._holders[dimension]
                for atom in bits(mine):
                    holders[atom] = holders.get(atom, 0) | 1 << number

    def holders(self, dimension: int, atom: int) -> int:
        """How many boxes have an atom of a dimension."""
        return (self._holders[dimension].get(atom, 0) | self._whole[dimension]).bit_count()

    def near(self, box: Box) -> int:
        """The numbers, as bits, of the boxes that have something in common with this one in every dimension."""
        found = self._every
        for dimension, mine in enumerate(box):
            if not found:
                break
            if mine & self._full[dimension] == self._full[dimension]:
                continue
            here, holders = self._whole[dimension], self._holders[dimension]
            if mine.bit_count() > len(holders):
                here |= _union(number for atom, number in holders.items() if mine >> atom & 1)
            else:
                here |= _union(holders.get(atom, 0) for atom in bits(mine))
            found &= here
        return found


def _union(numbers: Iterable[int]) -> int:
    found = 0
    for one in numbers:
        found |= one
    return found
