"""Which sets hold which names: by the addresses that a name may have, but for the few sets that mention it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..sets import Hosts, Intervals
from .grid import Grid, signs, spread
from .place import MAYBE, SURE, Column, Place, span, top


class Cover:
    """Which sets hold which names: by the addresses that a name may have, but for the sets that mention it."""

    def __init__(self, sets: Sequence[Hosts], names: Sequence[Place]) -> None:
        mays: dict[tuple[int, Intervals], int] = {}
        self._may = np.array([mays.setdefault((one.family, one.may), len(mays)) for one in names], dtype=np.intp)
        """Of each name, which set of addresses it may have."""
        parts = [
            _covered(sets, [(number, may) for (one, may), number in mays.items() if one == family], family) for family in (4, 6)
        ]
        may, row, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((row, may))
        self._row, self._value = row[order], value[order]
        self._starts = np.searchsorted(may[order], np.arange(len(mays) + 1))
        self.except_for(())

    def except_for(self, found: Iterable[tuple[int, int, int]]) -> None:
        """(set, number of the name, value): where not the addresses decide."""
        table = np.array(sorted((number, row, value) for row, number, value in found), dtype=np.intp).reshape(-1, 3)
        self._told = table[:, 0], table[:, 1], table[:, 2].astype(np.uint8)

    def keep(self, numbers: NDArray[np.intp]) -> None:
        """Only these names remain, with new numbers in the same order."""
        name, row, value = self._told
        renamed = np.full(len(self._may) + 1, -1, dtype=np.intp)
        renamed[numbers] = np.arange(len(numbers))
        kept = renamed[name] >= 0
        self._may, self._told = self._may[numbers], (renamed[name[kept]], row[kept], value[kept])

    def size(self) -> int:
        """How many entries there are, at most."""
        return int((self._starts[self._may + 1] - self._starts[self._may]).sum()) + len(self._told[0])

    def in_doubt(self, sets: int) -> NDArray[np.bool_]:
        """The sets that hold some name perhaps."""
        found = np.zeros(sets, dtype=bool)
        found[self._row[self._value == MAYBE]] = True
        return found

    def telling(self, sets: int) -> NDArray[np.bool_]:
        """The sets that tell some name from others."""
        found = np.zeros(sets, dtype=bool)
        found[self._told[1]] = True
        return found

    def entries(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint8]]:
        """(name, set, value) in order."""
        counts = self._starts[self._may + 1] - self._starts[self._may]
        names = np.repeat(np.arange(len(self._may)), counts)
        places = spread(self._starts[self._may], counts)
        told = self._told
        width = max(int(self._row.max(initial=0)), int(told[1].max(initial=0))) + 1
        free = ~np.isin(names * width + self._row[places], told[0] * width + told[1])
        name = np.concatenate([names[free], told[0]])
        row = np.concatenate([self._row[places][free], told[1]])
        value = np.concatenate([self._value[places][free], told[2]])
        order = np.lexsort((row, name))
        return name[order], row[order], value[order]

    def signatures(self, sets: int) -> NDArray[np.uint64]:
        """For each name a number of 128 bits that names with other columns do not have. Shape (names, 2)."""
        sign = signs(sets)
        of_may = np.zeros((len(self._starts) - 1, 2), dtype=np.uint64)
        may = np.repeat(np.arange(len(of_may)), np.diff(self._starts))
        np.add.at(of_may, may, sign[self._row] * self._value[:, None].astype(np.uint64))
        found = of_may[self._may]
        # Where a set mentions a name, what its addresses say does not count.
        name, row, value = self._told
        keys = np.append(may * sets + self._row, -1)
        place = np.searchsorted(keys[:-1], self._may[name] * sets + row)
        covered = np.where(keys[place] == self._may[name] * sets + row, np.append(self._value, 0)[place], 0)
        np.add.at(found, name, sign[row] * value[:, None].astype(np.uint64))
        np.subtract.at(found, name, sign[row] * covered[:, None].astype(np.uint64))
        return found

    def column(self, number: int) -> Column:
        """The sets that hold a name, or tell it from others."""
        may = self._may[number]
        begin, end = self._starts[may], self._starts[may + 1]
        name, told, values = self._told
        first, last = np.searchsorted(name, [number, number + 1])
        free = ~np.isin(self._row[begin:end], told[first:last])
        row = np.concatenate([self._row[begin:end][free], told[first:last]])
        value = np.concatenate([self._value[begin:end][free], values[first:last]])
        order = np.argsort(row, kind="stable")
        return row[order], value[order]

    def row(self, row: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """The names that a set holds, or tells from others, and how."""
        places = np.flatnonzero(self._row == row)
        value = np.zeros(len(self._starts) - 1, dtype=np.uint8)
        value[np.searchsorted(self._starts, places, side="right") - 1] = self._value[places]
        found = value[self._may]
        name, told, values = self._told
        found[name[told == row]] = values[told == row]
        return np.flatnonzero(found), found[found > 0]


def _covered(
    sets: Sequence[Hosts], mays: Sequence[tuple[int, Intervals]], family: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint8]]:
    """(number, set, MAYBE or SURE) where a set has some, or all, of the addresses of `mays`, by their numbers."""
    if not mays:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.uint8)
    spans = [span(one, family).spans for one in sets]
    asked = [may.spans for _, may in mays]
    grid = Grid([*spans, *asked], family == 4, top(family))
    starts, rows = grid.ranges(spans).transposed(grid.size)
    wanted = grid.ranges(asked)
    lengths = wanted.end - wanted.begin
    cells = spread(wanted.begin, lengths)
    asking = np.repeat(wanted.row, lengths)
    counts = starts[cells + 1] - starts[cells]
    keys, met = np.unique(np.repeat(asking, counts) * len(sets) + rows[spread(starts[cells], counts)], return_counts=True)
    number, row = keys // len(sets), keys % len(sets)
    size = np.bincount(asking, minlength=len(mays))
    value = np.where(met == size[number], SURE, MAYBE).astype(np.uint8)
    return np.array([one for one, _ in mays], dtype=np.intp)[number], row, value
