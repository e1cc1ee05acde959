"""The space of a proof in binary decision diagrams: every dimension as a number in bits, every set of atoms as a diagram.

`diagrams` asks its question in them. Hosts come first in the order of variables, so that a diagram is, in effect, one small
diagram for each class of hosts, shared between classes where these are alike. Callers come before services: rules have few kinds
of callers and many ports (measured: twice as fast as the other way round).
"""

from collections.abc import Callable, Iterable, Sequence
from operator import and_, or_

import numpy as np
from numpy.typing import NDArray
from oxidd.bcdd import BCDDFunction as Diagram
from oxidd.bcdd import BCDDManager

from ..atoms.instants import Bools
from ..atoms.places import MAYBE, SURE, Places
from ..atoms.space import Box, Space
from ..times import DagRun, Times

HOSTS = Box._fields.index("hosts")
_THREADS = 1
_CACHE = 1 << 20
"""Entries of the cache of operations."""


class Field:
    """A dimension of so many atoms, as bits, the highest first."""

    def __init__(self, manager: BCDDManager, size: int) -> None:
        self.size = size
        self.bits = max(1, (size - 1).bit_length())
        self.first = manager.num_vars()
        self.variables: list[Diagram] = [manager.var(one) for one in manager.add_vars(self.bits)]
        self._true, self._false = manager.true(), manager.false()
        self._below: dict[tuple[int, int], Diagram] = {}

    def below(self, end: int) -> Diagram:
        """The atoms 0…end - 1."""
        return self._true if end >= 1 << self.bits else self._lower(self.bits, end)

    def _lower(self, bits: int, end: int) -> Diagram:
        """The numbers under `end` by their lowest bits."""
        if end == 0:
            return self._false
        found = self._below.get((bits, end))
        if found is None:
            half, top = 1 << bits - 1, self.variables[self.bits - bits]
            if end >= half:
                rest = self._true if end == half << 1 else self._lower(bits - 1, end - half)
                found = ~top | rest
            else:
                found = ~top & self._lower(bits - 1, end)
            self._below[bits, end] = found
        return found

    def between(self, first: int, end: int) -> Diagram:
        """The atoms first…end - 1."""
        return self.below(end) & ~self.below(first) if first else self.below(end)

    def spans(self, spans: Iterable[tuple[int, int]]) -> Diagram:
        """Atoms as spans [first, end)."""
        return union([self.between(*one) for one in spans], self._false)

    def among(self, atoms: NDArray[np.intp]) -> Diagram:
        """Atoms given by their numbers, in order."""
        if not len(atoms):
            return self._false
        breaks = np.flatnonzero(np.diff(atoms) != 1) + 1
        starts, ends = atoms[[0, *breaks]], atoms[[*(breaks - 1), -1]] + 1
        return self.spans(zip(starts.tolist(), ends.tolist(), strict=True))

    def where(self, mask: Bools) -> Diagram:
        """Atoms given by a mask over all of them."""
        return self.among(np.flatnonzero(mask))

    @property
    def every(self) -> Diagram:
        """All atoms: what bits can spell beyond them does not exist."""
        return self.below(self.size)


def union(parts: Sequence[Diagram], nothing: Diagram) -> Diagram:
    """All parts, put together in pairs: what is done together stays small."""
    return _folded(parts, or_, nothing)


def _folded(parts: Sequence[Diagram], operator: Callable[[Diagram, Diagram], Diagram], otherwise: Diagram) -> Diagram:
    rest = list(parts)
    while len(rest) > 1:
        alone = rest[-1:] if len(rest) % 2 else []
        rest = [*map(operator, rest[::2], rest[1::2]), *alone]
    return rest[0] if rest else otherwise


class Encoding:
    """The dimensions of a space as variables, and its boxes as diagrams. Sets are made once for each row."""

    def __init__(self, space: Space, nodes: int) -> None:
        """`nodes`: how many may exist at a time; MemoryError beyond."""
        self.space = space
        self.manager = BCDDManager(nodes, _CACHE, _THREADS)
        self.true, self.false = self.manager.true(), self.manager.false()
        self.place = Field(self.manager, len(space.places.all))
        self.subject = Field(self.manager, len(space.subjects))
        self.service = Field(self.manager, len(space.service))
        self.operation = Field(self.manager, space.operation.table.shape[1])
        self.clock = Field(self.manager, len(space.clock))
        self._runs: dict[str, Diagram] = {}
        self._rest: dict[tuple[int, int, int, int], Diagram] = {}
        self._sets: dict[tuple[str, int], Diagram] = {}
        self.held = Held(space.places)
        """Which hosts each set holds."""

    def _made(self, dimension: str, row: int, make: Callable[[], Diagram]) -> Diagram:
        found = self._sets.get((dimension, row))
        if found is None:
            found = self._sets[dimension, row] = make()
        return found

    # --- sets

    def who(self, row: int) -> Diagram:
        """Subjects in a row of the axis."""
        return self._made("who", row, lambda: self.subject.where(self.space.who.table[row]))

    def sure_hosts(self, row: int) -> Diagram:
        """Classes of hosts that a set surely holds."""
        return self._made("sure", row, lambda: self._hosts(row, SURE))

    def hosts(self, row: int) -> Diagram:
        """Classes of hosts that a set holds, surely or perhaps."""
        return self._made("hosts", row, lambda: self._hosts(row, MAYBE))

    def _hosts(self, row: int, least: int) -> Diagram:
        names, held = self.held.names(row)
        return self.place.spans(self.held.addresses(row)) | self.place.among(names[held & 3 >= least])

    def flagged(self, row: int, flag: int) -> Diagram:
        """Names that a set holds, or not, with a flag."""
        names, held = self.held.names(row)
        return self.place.among(names[held & flag != 0])

    def near(self, table: NDArray[np.intp]) -> list[Box]:
        """Boxes, each once, by the first class of hosts that they hold: what is near each other is put together first."""
        found = np.unique(table, axis=0)
        order = np.argsort(self.held.first(found[:, HOSTS]), kind="stable")
        return [*map(Box._make, found[order].tolist())]

    def running(self, dag: str) -> Diagram:
        """While a run of a DAG is under way."""
        found = self._runs.get(dag)
        if found is None:
            found = self._runs[dag] = self.manager.var(self.manager.add_vars(1)[0])
        return found

    def times(self, row: int) -> Diagram:
        """Instants, with the DAG runs under way, at which windows hold."""
        return self._made("times", row, lambda: self._times(self.space.times_of(row)))

    def _times(self, times: Times) -> Diagram:
        parts = []
        for alternatives in times:
            runs = [self.running(one.dag) for one in alternatives if isinstance(one, DagRun)]
            parts.append(union([self.clock.where(self.space.clock.holds((alternatives,))), *runs], self.false))
        return _folded(parts, and_, self.true)

    def points(self, box: Box) -> Diagram:
        """A box without its hosts."""
        key = (box.who, box.services, box.operations, box.times)
        found = self._rest.get(key)
        if found is None:
            space = self.space
            services = self._made("services", box.services, lambda: self.service.spans(space.service.bounds(box.services)))
            operations = self._made(
                "operations", box.operations, lambda: self.operation.where(space.operation.table[box.operations])
            )
            found = self._rest[key] = services & self.who(box.who) & (operations & self.times(box.times))
        return found

    # --- what there is

    def exists(self) -> Diagram:
        """Points that exist: the source's address family is the host's, and a DAG's tasks run only while it does."""
        space = self.space
        v4 = self.place.where(space.places.kinds.family == 4)
        of_v4 = self.who(space.is_v4)
        found = (v4 & of_v4) | (self.place.every & ~v4 & self.subject.every & ~of_v4)
        for run, row in space.runs.items():
            found &= ~self.who(row) | self.running(run)
        return found & self.service.every & self.operation.every & self.clock.every

    def all_but_hosts_and_services(self) -> Diagram:
        """The variables of all other dimensions, of the DAG runs that were asked for so far too: to be quantified."""
        fields = (self.subject, self.operation, self.clock)
        return _folded([one for field in fields for one in field.variables] + [*self._runs.values()], and_, self.true)


class Held:
    """Which classes of hosts a set holds: `places`, by sets."""

    def __init__(self, places: Places) -> None:
        self._ranges = places.ranges
        names, rows, values = places.names()
        order = np.argsort(rows, kind="stable")
        self._rows, self._names, self._values = rows[order], names[order], values[order]
        self._last = len(places)

    def first(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Of each set the first class of addresses; those without any come last."""
        where = np.searchsorted(self._ranges.row, rows)
        known = where < len(self._ranges.row)
        known[known] = self._ranges.row[where[known]] == rows[known]
        found = np.full(len(rows), self._last, dtype=np.intp)
        found[known] = self._ranges.begin[where[known]]
        return found

    def perhaps(self, rows: NDArray[np.intp]) -> Bools:
        """Which of the sets hold some name perhaps."""
        return np.isin(rows, self._rows[self._values & 3 == MAYBE])

    def addresses(self, row: int) -> list[tuple[int, int]]:
        """Classes of addresses, as spans [first, end) in order."""
        first, last = np.searchsorted(self._ranges.row, [row, row + 1])
        begin, end = self._ranges.begin[first:last], self._ranges.end[first:last]
        return sorted(zip(begin.tolist(), end.tolist(), strict=True))

    def names(self, row: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """Classes of names that a set holds or tells from others, in order, and how."""
        first, last = np.searchsorted(self._rows, [row, row + 1])
        return self._names[first:last], self._values[first:last]
