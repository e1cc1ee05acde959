"""The dimension of protocols and ports, cut at every edge of a rule. Sparse: a set is a few ranges of thousands of atoms."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..sets import Services
from .grid import Grid, Ranges
from .instants import Bools, unique_columns

_PORTS = 65536
_TCP, _UDP = 6, 17
_TOP = 256 * _PORTS - 1

WELL_KNOWN = (443, 22, 80, 5432, 1521, 3389, 53, 25)
"""Ports that a person recognises in a witness, the most telling first (IANA "Service Names and Port Numbers")."""


class ServiceAxis:
    """Sets of services over the atoms of protocol and port; TCP comes first, since it reads best."""

    def __init__(self, sets: Sequence[Services]) -> None:
        spans = [one.cells.spans for one in sets]
        grid = Grid([*spans, [(number * _PORTS, number * _PORTS + _PORTS - 1) for number in (_TCP, _UDP)]], True, _TOP)
        self.spans: Ranges = grid.ranges(spans)
        """Over the atoms in the order of protocols and ports."""
        self._shown = _telling(grid)
        order = _reading_order(grid, self._shown)
        self.rank = np.empty(grid.size, dtype=np.intp)
        """The number of each atom, in the order of protocols and ports."""
        self.rank[order] = np.arange(grid.size)
        self._shown = self._shown[order]
        self._first = np.searchsorted(self.spans.row, np.arange(len(sets) + 1))
        self.table = SpanTable(self)

    def __len__(self) -> int:
        return len(self.rank)

    def cell(self, atom: int) -> tuple[int, int]:
        """(protocol, port) of an atom: one that a person recognises."""
        protocol, port = divmod(int(self._shown[atom]), _PORTS)
        return protocol, port

    def row(self, number: int) -> Bools:
        """The atoms of a set."""
        found = np.zeros(len(self), dtype=bool)
        for begin, end in self.bounds(number):
            found[self.rank[begin:end]] = True
        return found

    def bounds(self, number: int) -> list[tuple[int, int]]:
        """The ranges of a set over the atoms in the order of protocols and ports."""
        first, last = self._first[number], self._first[number + 1]
        return list(zip(self.spans.begin[first:last].tolist(), self.spans.end[first:last].tolist(), strict=True))

    def segments(self, numbers: Sequence[int]) -> tuple[NDArray[np.intp], Bools]:
        """The edges (with both ends) of some sets, and for each set which segments between them it holds."""
        bounds = [self.bounds(one) for one in numbers]
        edges = np.array(sorted({0, len(self), *(edge for one in bounds for pair in one for edge in pair)}), dtype=np.intp)
        table = np.zeros((len(numbers), len(edges) - 1), dtype=bool)
        for row, one in zip(table, bounds, strict=True):
            for begin, end in np.searchsorted(edges, np.array(one, dtype=np.intp).reshape(-1, 2)):
                row[begin:end] = True
        return edges, table

    def classes(self, numbers: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.intp], Bools]:
        """The classes that some sets tell apart, in the order of their first atoms: these, atom → class, sets × classes."""
        edges, table = self.segments(numbers)
        first, which = unique_columns(table)
        inverse = np.empty(len(self), dtype=np.intp)
        inverse[self.rank] = np.repeat(which, np.diff(edges))
        atom = np.full(len(first), len(self), dtype=np.intp)
        np.minimum.at(atom, inverse, np.arange(len(self)))
        order = np.argsort(atom)
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        return atom[order], number[inverse], table[:, first[order]]


class SpanTable:
    """Which sets hold which atoms, read like an array: `table[set]`, `table[sets]`, `table[set, atom]`."""

    def __init__(self, axis: ServiceAxis) -> None:
        self._axis = axis

    def __getitem__(self, key: int | tuple[int, int] | Sequence[int]) -> Bools:
        if isinstance(key, tuple):
            found: Bools = self._axis.row(int(key[0]))[key[1]]
            return found
        if isinstance(key, Iterable):
            return np.array([self._axis.row(int(one)) for one in key], dtype=bool).reshape(-1, len(self._axis))
        return self._axis.row(int(key))


def _telling(grid: Grid) -> NDArray[np.int64]:
    """Of each atom the port that a person recognises, else the first; not port 0, where there is another."""
    starts = grid.starts
    ends = np.append(starts[1:], _TOP + 1)
    shown: NDArray[np.int64] = starts + ((starts % _PORTS == 0) & (ends - starts > 1))
    for protocol in (_TCP, _UDP):
        for port in reversed(WELL_KNOWN):
            value = protocol * _PORTS + port
            shown[np.searchsorted(starts, value, side="right") - 1] = value
    return shown


def _reading_order(grid: Grid, shown: NDArray[np.int64]) -> NDArray[np.intp]:
    protocol, port = shown // _PORTS, shown % _PORTS
    order: NDArray[np.intp] = np.lexsort((grid.starts, ~np.isin(port, WELL_KNOWN), protocol != _UDP, protocol != _TCP))
    return order
