"""The fewest products that make up a union of products, without widening it."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from ...proof.waste.boxes import Box as Bits
from ...proof.waste.boxes import Index, bits, without
from ...proof.waste.products import fewest

Dimensions = tuple[frozenset[Hashable], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A product of sets, one per dimension, and what it was made from."""

    sets: Dimensions
    origins: tuple[int, ...]
    """Positions, in the order of declaration, of what is in it."""


def fewest_boxes(
    boxes: Iterable[Box],
    free: Iterable[Dimensions] = (),
    *,
    units: Sequence[Iterable[frozenset[Hashable]]] | None = None,
    together: Sequence[Sequence[int]] | None = None,
) -> list[Box]:
    """Boxes with the same union, in the order of their first origin: the fewest, but for unions that are very tangled.

    They may reach into `free`, which is of no importance. With `units`, each set is a union of some of its dimension's units, as
    those of the given boxes have to be. `together`: see `proof.waste.products.fewest`.
    """
    start = [box for box in boxes if all(box.sets)]
    if not start:
        return []
    aside = list(free)
    numbers: list[dict[Hashable, int]] = [{} for _ in start[0].sets]
    for sets in (*(box.sets for box in start), *aside):
        for known, one in zip(numbers, sets, strict=True):
            for atom in sorted(one, key=repr):
                known.setdefault(atom, len(known))
    wanted = [_as_bits(box.sets, numbers) for box in start]
    beside = [_as_bits(sets, numbers) for sets in aside]
    parts = None
    if units is not None:
        parts = [[_bits(one, known) for one in some if one <= known.keys()] for some, known in zip(units, numbers, strict=True)]
    found = fewest(wanted, beside, units=parts, together=together)
    atoms = [list(known) for known in numbers]
    sets_of = [tuple(frozenset(some[n] for n in bits(one)) for some, one in zip(atoms, each, strict=True)) for each in found]
    origins: list[set[int]] = [set() for _ in found]
    index = Index(found)
    for box, mine in zip(start, wanted, strict=True):
        near = list(bits(index.near(mine)))
        for number in _serving(mine, near, found, beside):
            origins[number].update(box.origins)
    made = [Box(sets, tuple(sorted(names))) for sets, names in zip(sets_of, origins, strict=True)]
    return sorted(made, key=lambda box: box.origins)


def _serving(mine: Bits, near: Sequence[int], found: Sequence[Bits], beside: Sequence[Bits]) -> Iterable[int]:
    """Which of the boxes found serve a given one, of those that meet it: such as hold all of it, else those needed for it."""
    whole = [number for number in near if not without([mine], [found[number], *beside])]
    if whole:
        return whole
    needed = list(near)
    for number in reversed(near):
        rest = [other for other in needed if other != number]
        if not without([mine], [*(found[other] for other in rest), *beside]):
            needed = rest
    return needed


def _as_bits(sets: Dimensions, numbers: Sequence[dict[Hashable, int]]) -> tuple[int, ...]:
    return tuple(_bits(one, known) for one, known in zip(sets, numbers, strict=True))


def _bits(one: frozenset[Hashable], known: dict[Hashable, int]) -> int:
    return sum(1 << known[atom] for atom in one)
