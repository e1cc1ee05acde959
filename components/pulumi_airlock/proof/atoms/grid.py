"""Ranges of addresses as ranges of cells between edges, for many sets at once; and which cells no set tells apart."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Spans = Sequence[tuple[int, int]]
"""Sorted, disjoint, both ends inclusive."""


class Grid:
    """The cells that all edges of some sets cut a family of addresses into."""

    def __init__(self, sets: Sequence[Spans], narrow: bool, top: int) -> None:
        """`narrow`: 64 bits hold every address."""
        self._top, self._narrow = top, narrow
        if narrow:
            ends = _flat(sets)
            edges = np.unique(np.concatenate([[0], ends[:, 0], ends[:, 1] + 1]))
            self._edges = edges[edges <= top]
            self.size = len(self._edges)
        else:
            found = {0}.union(edge for one in sets if one for low, high in one for edge in (low, high + 1))
            self._wide = sorted(edge for edge in found if edge <= top)
            self.size = len(self._wide)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first number of each cell of a narrow grid."""
        return self._edges

    def bounds(self, cell: int) -> tuple[int, int]:
        """The first and the last address of a cell."""
        last = cell + 1 == self.size
        if self._narrow:
            return int(self._edges[cell]), self._top if last else int(self._edges[cell + 1]) - 1
        return self._wide[cell], self._top if last else self._wide[cell + 1] - 1

    def cell(self, number: int) -> int:
        """The cell that a number is in."""
        if self._narrow:
            return int(np.searchsorted(self._edges, number, side="right")) - 1
        return bisect_right(self._wide, number) - 1

    def cells(self, spans: Spans) -> list[tuple[int, int]]:
        """The cells [begin, end) of each span, whose edges are the grid's."""
        found = self.ranges([spans])
        return list(zip(found.begin.tolist(), found.end.tolist(), strict=True))

    def ranges(self, sets: Sequence[Spans]) -> "Ranges":
        """The cells of each set, whose edges are the grid's."""
        row = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
        if self._narrow:
            ends = _flat(sets)
            return Ranges(row, np.searchsorted(self._edges, ends[:, 0]), np.searchsorted(self._edges, ends[:, 1] + 1))
        every = list(chain.from_iterable(sets))
        begin = np.array([bisect_left(self._wide, low) for low, _ in every], dtype=np.intp)
        end = np.array([bisect_left(self._wide, high + 1) for _, high in every], dtype=np.intp)
        return Ranges(row, begin, end)


def _flat(sets: Sequence[Spans]) -> NDArray[np.int64]:
    return np.fromiter(chain.from_iterable(chain.from_iterable(sets)), dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Ranges:
    """For many sets, by number: the cells [begin, end) that they hold; disjoint, in order of the sets."""

    row: NDArray[np.intp]
    begin: NDArray[np.intp]
    end: NDArray[np.intp]

    @classmethod
    def joined(cls, parts: Sequence["Ranges"]) -> "Ranges":
        """All of them, of the same sets."""
        row = np.concatenate([one.row for one in parts])
        order = np.argsort(row, kind="stable")
        begin, end = (np.concatenate([getattr(one, name) for one in parts])[order] for name in ("begin", "end"))
        return cls(row[order], begin, end)

    def moved(self, by: int) -> "Ranges":
        """With other numbers of cells."""
        return Ranges(self.row, self.begin + by, self.end + by)

    def only(self, cells: NDArray[np.intp], size: int) -> "Ranges":
        """Over these cells alone, of `size` ones, numbered in their order."""
        before = np.zeros(size + 1, dtype=np.intp)
        before[cells + 1] = 1
        before = np.cumsum(before)
        begin, end = before[self.begin], before[self.end]
        kept = begin < end
        return Ranges(self.row[kept], begin[kept], end[kept])

    def signatures(self, sets: int, size: int) -> NDArray[np.uint64]:
        """For each cell a number of 128 bits that cells of other sets do not have. Shape (size, 2)."""
        found = np.zeros((size + 1, 2), dtype=np.uint64)
        sign = signs(sets)[self.row]
        np.add.at(found, self.begin, sign)
        np.subtract.at(found, self.end, sign)
        return np.cumsum(found[:-1], axis=0, dtype=np.uint64)

    def around(self, cell: int) -> NDArray[np.intp]:
        """The sets that hold a cell, in order."""
        return self.row[(self.begin <= cell) & (cell < self.end)]

    def of(self, row: int) -> list[int]:
        """The cells of a set."""
        first, last = np.searchsorted(self.row, [row, row + 1])
        spans = zip(self.begin[first:last].tolist(), self.end[first:last].tolist(), strict=True)
        return [cell for begin, end in spans for cell in range(begin, end)]

    def transposed(self, size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The sets of every cell, in order: those of cell c stand at starts[c]…starts[c + 1]."""
        lengths = self.end - self.begin
        cells, rows = spread(self.begin, lengths), np.repeat(self.row, lengths)
        order = np.argsort(cells, kind="stable")
        return np.searchsorted(cells[order], np.arange(size + 1)), rows[order]


def spread(begin: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """begin[0], begin[0] + 1, … for lengths[0] numbers, then the same of begin[1], …"""
    total = int(lengths.sum())
    found = np.arange(total, dtype=np.intp)
    found += np.repeat(begin - (np.cumsum(lengths) - lengths), lengths)
    return found


@lru_cache(maxsize=8)
def signs(count: int) -> NDArray[np.uint64]:
    """So many random numbers of 128 bits, always the same: sums of different ones of them differ. Shape (count, 2)."""
    return np.random.default_rng(4).integers(0, 2**64, size=(count, 2), dtype=np.uint64)


def firsts(signatures: NDArray[np.uint64], kinds: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first of all things with the same signature (of 128 bits) and kind, in order; and for each thing which one."""
    keys = signatures[:, 0] + kinds.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    found = first[which]
    if (signatures[found] != signatures).any() or (kinds[found] != kinds).any():
        every = np.column_stack([signatures, kinds.astype(np.uint64)])
        _, first, which = np.unique(every, axis=0, return_index=True, return_inverse=True)
        which = which.ravel()
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[which]
