"""At which rows of the table boxes hold points that are no rules there: destinations, and single routes.

Boxes need not be what the rows were cut by: within a row everything is decided in one way, so that a box which has a part in a
row meets what is decided there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..atoms.grid import spread
from ..atoms.instants import Bools
from ..atoms.places import NEVER, SURE
from ..atoms.space import Box
from ..engine.lanes import Numbers
from ..engine.rows import Chunk, Rows


@dataclass(frozen=True)
class Held:
    """Which boxes surely hold which rows."""

    row: Numbers
    box: Numbers
    place: Numbers
    """The first class of hosts, of the row's type, that the box holds."""


class Holding:
    """Boxes by the types of classes of hosts that they surely hold."""

    def __init__(self, rows: Rows, table: Numbers, *, at_times: bool, lanes: Numbers | None = None) -> None:
        """`table`: of each box its sets, as in `Box`. `at_times`: of operations and times the box's own cells alone count.

        The rows must then be cut by the operations and times of every box. `lanes`: of boxes that are rules, so that they count
        where the lane stands on the path, and for names that they hold perhaps.
        """
        self._rows = rows
        kind, box, place = _types(rows, table[:, Box._fields.index("hosts")], perhaps=lanes is not None)
        if lanes is not None:
            on_path: Bools = rows.present[lanes[box], rows.kind[kind] // 4]
            kind, box, place = kind[on_path], box[on_path], place[on_path]
        self._type, self._box, self._place = kind, box, place
        self._begin, self._count, self._cells = _cells(
            rows, rows.by_service.combination[self._type], rows.spans.number[table[self._box, Box._fields.index("services")]]
        )
        self._when = _whens(rows, table) if at_times else None

    def within(self, chunk: Chunk) -> Held:
        """The rows of a chunk, counted from its first one."""
        rows = self._rows
        first, last = np.searchsorted(self._type, [chunk.begin, chunk.end])
        kind, count = self._type[first:last], self._count[first:last]
        thing = np.repeat(np.arange(first, last), count)
        cell = self._cells[spread(self._begin[first:last], count)]
        kind = np.repeat(kind, count)
        if self._when is None:
            moments = rows.moments[kind]
            moment = spread(np.zeros(len(kind), dtype=np.intp), moments)
        else:
            begin, moments = rows.by_when.of(kind, self._when[self._box[thing]])
            moment = rows.by_when.cells[spread(begin, moments)]
        row = rows.offset[kind] - rows.offset[chunk.begin] + cell * rows.moments[kind]
        row, thing = np.repeat(row, moments) + moment, np.repeat(thing, moments)
        return Held(row, self._box[thing], self._place[thing])


def places_of(rows: Rows, hosts: Numbers, perhaps: bool = False) -> tuple[Numbers, Numbers]:
    """(class, box) where a box surely holds a class of hosts, or perhaps. `hosts`: of each box its set."""
    places = rows.space.places
    order = np.argsort(hosts, kind="stable")
    starts = np.searchsorted(hosts[order], np.arange(int(hosts.max(initial=-1)) + 2))
    ranges = places.ranges
    name, of_name, value = places.names()
    held = value & 3 != NEVER if perhaps else value & 3 == SURE
    row = np.concatenate([ranges.row, of_name[held]])
    begin = np.concatenate([ranges.begin, name[held]])
    length = np.concatenate([ranges.end - ranges.begin, np.ones(int(held.sum()), dtype=np.intp)])
    known = row < len(starts) - 1
    row, begin, length = row[known], begin[known], length[known]
    counts = starts[row + 1] - starts[row]
    box, begin, length = order[spread(starts[row], counts)], np.repeat(begin, counts), np.repeat(length, counts)
    return spread(begin, length), np.repeat(box, length)


def _types(rows: Rows, hosts: Numbers, perhaps: bool) -> tuple[Numbers, Numbers, Numbers]:
    """(type, box, first class of it) where a box holds a class, in order."""
    place, box = places_of(rows, hosts, perhaps)
    key = rows.type[place] * max(1, len(hosts)) + box
    by_key = np.lexsort((place, key))
    key, place = key[by_key], place[by_key]
    new = np.diff(key, prepend=-1) > 0
    return key[new] // max(1, len(hosts)), key[new] % max(1, len(hosts)), place[new]


def _cells(rows: Rows, combination: Numbers, services: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Where the cells that sets of services have a part in stand in a list, how many they are, and the list."""
    cut = rows.by_service
    size = max(1, cut.sets)
    keys, which = np.unique(combination * size + services, return_inverse=True)
    place = np.minimum(np.searchsorted(cut.keys, keys), max(0, len(cut.keys) - 1))
    known = cut.keys[place] == keys if len(cut.keys) else np.zeros(len(keys), dtype=bool)
    begin, counts = np.zeros(len(keys), dtype=np.intp), np.zeros(len(keys), dtype=np.intp)
    # What the rows were cut by is at hand.
    begin[known], counts[known] = cut.begin[place[known]], cut.count[place[known]]
    lists = list(_parts(rows, keys[~known] // size, keys[~known] % size))
    counts[~known] = [len(one) for one in lists]
    begin[~known] = len(cut.cells) + np.cumsum(counts[~known]) - counts[~known]
    return begin[which], counts[which], np.concatenate([cut.cells, *lists])


def cells_of(rows: Rows, combination: int, services: int) -> list[int]:
    """The cells of a combination that a set of services has a part in."""
    found: list[int] = next(_parts(rows, np.array([combination]), np.array([services]))).tolist()
    return found


def _parts(rows: Rows, combination: Numbers, services: Numbers) -> Iterator[Numbers]:
    known = -1
    for one, number in zip(combination.tolist(), services.tolist(), strict=True):
        if one != known:
            begin, end, cell = rows.pieces(one)
            known = one
        spans = rows.spans.values[number]
        firsts = np.searchsorted(end, [first for first, _ in spans], side="right")
        lasts = np.searchsorted(begin, [last for _, last in spans], side="left")
        yield np.unique(cell[spread(firsts, lasts - firsts)])


def _whens(rows: Rows, table: Numbers) -> Numbers:
    """Of each box the number of its operations and times."""
    known = {tuple(one): number for number, one in enumerate(rows.items.whens.tolist())}
    columns = [Box._fields.index(name) for name in ("operations", "times")]
    return np.array([known[one, other] for one, other in table[:, columns].tolist()], dtype=np.intp)
