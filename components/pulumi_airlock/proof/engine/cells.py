"""The cells that a few sets cut services, or operations and time, into; each combination of sets is cut once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..atoms.grid import firsts, signs
from ..atoms.instants import Bools, assignments, runs_of
from ..atoms.space import Space
from .lanes import Numbers, Spans


@dataclass(frozen=True)
class Cells:
    """For many things, each with some sets: the cells that its sets cut the dimension into, and which of them each set holds."""

    combination: Numbers
    """Of each thing."""
    size: Numbers
    """How many cells each combination has."""
    keys: Numbers
    """combination × `sets` + set, in order."""
    sets: int
    begin: Numbers
    """Where the cells of each key stand in `cells`, and how many they are."""
    count: Numbers
    cells: Numbers

    def of(self, things: Numbers, sets: Numbers) -> tuple[Numbers, Numbers]:
        """Where the cells of a set at a thing stand in `cells`, and how many they are."""
        places = np.searchsorted(self.keys, self.combination[things] * self.sets + sets)
        return self.begin[places], self.count[places]


def cut(things: int, thing: Numbers, chosen: Numbers, sets: int, cells_of: Callable[[list[int]], Sequence[int]]) -> Cells:
    """Cuts for each thing by its sets: `thing[i]` has set `chosen[i]`. `cells_of`: of each cell its sets, as bits."""
    keys = np.unique(thing * sets + chosen)
    thing, chosen = keys // sets, keys % sets
    total = np.zeros((len(keys) + 1, 2), dtype=np.uint64)
    np.cumsum(signs(sets)[chosen], axis=0, out=total[1:])
    bounds = np.searchsorted(thing, np.arange(things + 1))
    signature = total[bounds[1:]] - total[bounds[:-1]]
    first, combination = firsts(signature, np.zeros(things, dtype=np.intp))
    found: list[int] = []
    size, begin, count, named = [], [], [], []
    for number, one in enumerate(first.tolist()):
        mine = chosen[bounds[one] : bounds[one + 1]].tolist()
        codes = cells_of(mine)
        size.append(len(codes))
        for bit, each in enumerate(mine):
            begin.append(len(found))
            found += [cell for cell, code in enumerate(codes) if code >> bit & 1]
            count.append(len(found) - begin[-1])
            named.append(number * sets + each)
    columns = (np.array(one, dtype=np.intp) for one in (size, named, begin, count, found))
    sizes, keys, begins, counts, cells = columns
    return Cells(combination, sizes, keys, sets, begins, counts, cells)


class Services:
    """Cuts services."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def codes(self, sets: list[int]) -> list[int]:
        """The distinct combinations of these sets that atoms are in, as bits; in order of their first atoms."""
        return list(dict.fromkeys(code for _, _, code in self.pieces(sets)))

    def pieces(self, sets: list[int]) -> Iterable[tuple[int, int, int]]:
        """(begin, end, sets as bits) of all atoms in order."""
        turns: dict[int, int] = {0: 0, self._spans.size: 0}
        for bit, one in enumerate(sets):
            for begin, end in self._spans.values[one]:
                turns[begin] = turns.get(begin, 0) ^ 1 << bit
                turns[end] = turns.get(end, 0) ^ 1 << bit
        code, before = 0, 0
        for place in sorted(turns):
            if place > before:
                yield before, place, code
            code, before = code ^ turns[place], place


class Whens:
    """Cuts operations and time together, within the horizon."""

    def __init__(self, space: Space, whens: Numbers) -> None:
        self._space = space
        self._whens: list[list[int]] = whens.tolist()
        self._inside = space.clock.inside
        self._operations: dict[tuple[int, ...], list[int]] = {}
        self._times: dict[tuple[int, ...], list[tuple[int, frozenset[str]]]] = {}
        self._moments: dict[tuple[int, frozenset[str]], Bools] = {}
        self.idle: dict[frozenset[str], int] = {frozenset(): 0}
        """Sets of DAGs that do not run, so that their tasks do not exist; numbered."""
        self.cells: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        """For each combination its cells: (sets as bits, number of the set of idle DAGs)."""

    def codes(self, sets: list[int]) -> list[int]:
        """The distinct combinations of these sets that points are in, as bits; one for each set of DAGs that do not run."""
        return [code for code, _ in self.pieces(sets)]

    def pieces(self, sets: list[int]) -> list[tuple[int, int]]:
        """(sets as bits, number of the set of idle DAGs) of each cell."""
        found = self.cells.get(tuple(sets))
        if found is None:
            operations = list(dict.fromkeys(self._whens[one][0] for one in sets))
            times = list(dict.fromkeys(self._whens[one][1] for one in sets))
            bits = [
                (1 << operations.index(operation), 1 << times.index(time))
                for operation, time in (self._whens[one] for one in sets)
            ]
            every = product(self._operation_codes(tuple(operations)), self._time_codes(tuple(times)))
            found = self.cells[tuple(sets)] = list(
                dict.fromkeys(
                    (
                        sum(1 << place for place, (one, other) in enumerate(bits) if one & operation and other & time),
                        self.idle.setdefault(idle, len(self.idle)),
                    )
                    for operation, (time, idle) in every
                )
            )
        return found

    def _operation_codes(self, rows: tuple[int, ...]) -> list[int]:
        found = self._operations.get(rows)
        if found is None:
            found = self._operations[rows] = _codes([self._space.operation.table[one] for one in rows])
        return found

    def _time_codes(self, rows: tuple[int, ...]) -> list[tuple[int, frozenset[str]]]:
        """The combinations of windows that hold at once, as bits, each with the DAGs that do not run then."""
        found = self._times.get(rows)
        if found is None:
            runs = sorted(frozenset[str]().union(*(self._runs(one) for one in rows)))
            known = frozenset(runs).intersection(self._space.runs)
            found = self._times[rows] = [
                (code, known - running)
                for running in assignments(runs)
                for code in _codes([self._moment(one, running) for one in rows])
            ]
        return found

    def _runs(self, row: int) -> frozenset[str]:
        return runs_of(self._space.times_of(row))

    def _moment(self, row: int, running: frozenset[str]) -> Bools:
        key = row, running & self._runs(row)
        found = self._moments.get(key)
        if found is None:
            found = self._moments[key] = self._space.time.where(*key)[self._inside]
        return found


_BITS = 60


def _codes(rows: Sequence[Bools]) -> list[int]:
    """The distinct columns of some rows, as bits."""
    if all(row.all() for row in rows):
        return [(1 << len(rows)) - 1]
    parts = [
        np.array([1 << bit for bit in range(len(rows[start : start + _BITS]))], dtype=np.int64)
        @ np.array(rows[start : start + _BITS])
        for start in range(0, len(rows), _BITS)
    ]
    if len(parts) == 1:
        return list(np.unique(parts[0]).tolist())
    columns = np.unique(np.array(parts), axis=1).T.tolist()
    return [sum(part << place * _BITS for place, part in enumerate(column)) for column in columns]
