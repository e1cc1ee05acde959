"""Source addresses, cut into classes."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

import numpy as np
from numpy.typing import NDArray

from ..sets import V4_MAX, V6_MAX, Hosts
from .grid import Grid, firsts

SHOWN = {
    4: tuple(int(IPv4Address(one)) for one in ("198.51.100.10", "203.0.113.10", "192.0.2.10")),
    6: tuple(int(IPv6Address(one)) for one in ("2001:db8:ffff::10",)),
}
"""Addresses for documentation (RFC 5737, RFC 3849): the best ones for a witness, where a class has them."""


class Sources:
    """Source addresses, cut into classes that no rule, environment or principal tells apart."""

    def __init__(self, sets: Iterable[Hosts]) -> None:
        self._ids = {one: number for number, one in enumerate(dict.fromkeys(sets))}
        self.all: list[tuple[int, int]] = []
        """(family, an address) of each class."""
        self._table = np.concatenate([self._cut(family) for family in (4, 6)], axis=1)

    def _cut(self, family: int) -> NDArray[np.bool_]:
        """Sets × classes of a family."""
        top = V4_MAX if family == 4 else V6_MAX
        spans = [one.v4.spans if family == 4 else one.v6.spans for one in self._ids]
        grid = Grid(spans, family == 4, top)
        ranges = grid.ranges(spans)
        first, which = firsts(ranges.signatures(len(spans), grid.size), np.zeros(grid.size, dtype=np.intp))
        shown: dict[int, int] = {}
        for address in SHOWN[family]:
            shown.setdefault(int(which[grid.cell(address)]), address)
        for number, cell in enumerate(first.tolist()):
            low, high = grid.bounds(cell)
            # Not the first address of a network, which reads like a mistake in a witness.
            self.all.append((family, shown.get(number, low + min(10, (high + 1 - low) // 2))))
        within = ranges.only(first, grid.size)
        turns = np.zeros((len(spans), len(first) + 1), dtype=np.int8)
        np.add.at(turns, (within.row, within.begin), 1)
        np.subtract.at(turns, (within.row, within.end), 1)
        found: NDArray[np.bool_] = np.cumsum(turns[:, :-1], axis=1, dtype=np.int8) > 0
        return found

    def __len__(self) -> int:
        return len(self.all)

    def within(self, hosts: Hosts) -> NDArray[np.bool_]:
        """Which classes lie in a set that the cut was made for."""
        found: NDArray[np.bool_] = self._table[self._ids[hosts]]
        return found

    def knows(self, hosts: Hosts) -> bool:
        """Whether the cut was made for a set."""
        return hosts in self._ids
