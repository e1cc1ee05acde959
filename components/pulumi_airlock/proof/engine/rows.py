"""All points of a proof as rows of a table: class of hosts, cell of services, cell of operations and time; and the rules there.

Classes where the same rules meet are one *type*; its services are cut by these rules alone, and so are operations and time.
Within a row, every filter decides for a caller in one way: `deciding` does so for all callers at once, as bits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..atoms.grid import firsts, signs, spread
from ..atoms.instants import Bools, unique_columns
from ..atoms.places import BY_NAME, MAYBE, SURE
from .cells import Cells, Services, Whens, cut
from .deciding import Deciding
from .lanes import SCOPE, Callers, Items, Lane, Numbers, Rules, Spans, extra, joined, lanes_of, rules_of, together
from .sweep import Sweep

MET_AT_LEAST, MET_PER_BOX = 300_000, 30
"""Pairs of a box and a class of hosts, or of a box and a row, past which a table is too large: in all, or for each box."""

_CHUNK = 4_000_000
"""Pairs of a rule and a row that are looked at in one go: some 200 MB."""


class TooMuchError(Exception):
    """More work than the budget has."""


@dataclass(frozen=True)
class _Met:
    """Which items meet at which classes of hosts, in order of the classes."""

    place: Numbers
    item: Numbers
    perhaps: Bools
    """Whether the class is a name that the item holds perhaps."""


@dataclass(frozen=True)
class Chunk:
    """The rows of some types."""

    begin: int
    """The first type, and the one past the last."""
    end: int
    row: Numbers
    """`row[i]` is met by `item[i]`, perhaps; counted from the chunk's first row."""
    item: Numbers
    perhaps: Bools
    type: Numbers
    """Of each row: its type, cell of services, and cell of operations and time."""
    service: Numbers
    when: Numbers
    kind: Numbers
    """Of each row: path × family × name."""
    idle: Numbers
    """Of each row: the number of its set of DAGs that do not run."""


class Rows:
    """The table of a proof."""

    def __init__(self, sweep: Sweep, budget: int | None = None, *, every_service: bool = False) -> None:
        """`budget`: how many pairs it may have, TooMuchError beyond; by default it grows with the number of rules.

        `every_service`: rows are cut by the services of each single rule, even where rules that decide the same hold them all.
        """
        self._sweep, self.space = sweep, sweep.space
        self._places = sweep.space.places
        self.callers = Callers(self.space.who.table, self.space.who.table[self.space.is_v4])
        self.spans = Spans(self.space)
        self.lanes: list[Lane] = lanes_of(sweep, self.callers)
        self._first = len(self.lanes)
        zones = len(self._places.zones)
        self._present_in_zones = np.array([lane.present for lane in self.lanes], dtype=bool).reshape(self._first, zones)
        self.items: Items = joined(self._rules(), self.callers, self.spans, services_too=not every_service)
        self._budget = max(MET_AT_LEAST, MET_PER_BOX * len(self.items.lane)) if budget is None else budget
        self._types(self._met())

    def _rules(self) -> Rules:
        """Lanes of rules; then grants, own needs, and for each lane the rules that tell names from others."""
        rules = rules_of(self.lanes, self.callers, self.space)
        grants = extra(self._first, self._sweep.granted.table, self.callers)
        own = extra(self._first + 1, self._sweep.needed.table, self.callers)
        telling = self._places.telling
        naming = [
            extra(self._first + 2 + number, table[telling[table[:, 1]]], self.callers)
            for number, lane in enumerate(self.lanes)
            for table in (reader.boxes.table for reader in lane.readers)
        ]
        return together([rules, grants, own, *naming])

    # --- which items meet at which class

    def _met(self) -> _Met:
        items, ranges = self.items, self._places.ranges
        by_hosts = np.argsort(items.hosts, kind="stable")
        starts = np.searchsorted(items.hosts[by_hosts], np.arange(int(items.hosts.max(initial=-1)) + 2))
        known = ranges.row < len(starts) - 1
        row, begin, length = ranges.row[known], ranges.begin[known], (ranges.end - ranges.begin)[known]
        counts = starts[row + 1] - starts[row]
        if int((counts * length).sum()) + self._places.count_names() > self._budget:
            raise TooMuchError
        item = by_hosts[spread(starts[row], counts)]
        of_rules = items.lane[item] < self._first + 2
        item, begin, length = item[of_rules], np.repeat(begin, counts)[of_rules], np.repeat(length, counts)[of_rules]
        place, item = spread(begin, length), np.repeat(item, length)
        parts = [_Met(place, item, np.zeros(len(item), dtype=bool)), self._met_by_names(by_hosts, starts)]
        place, item, perhaps = (np.concatenate([getattr(one, name) for one in parts]) for name in _Met.__dataclass_fields__)
        on_path = self._on_path(place, item)
        bits = max(1, int(2 * len(items.lane)).bit_length())
        key = np.sort((place << bits | item << 1 | perhaps)[on_path])
        return _Met(key >> bits, (key & (1 << bits) - 1) >> 1, key & 1 > 0)

    def _met_by_names(self, by_hosts: Numbers, starts: Numbers) -> _Met:
        place, row, value = self._places.names()
        known = row < len(starts) - 1
        place, row, value = place[known], row[known], value[known]
        counts = starts[row + 1] - starts[row]
        if int(counts.sum()) > self._budget:
            raise TooMuchError
        item = by_hosts[spread(starts[row], counts)]
        place, value = np.repeat(place, counts), np.repeat(value, counts)
        lane, held = self.items.lane[item], value & 3
        kept = np.where(lane < self._first, held > 0, np.where(lane < self._first + 2, held == SURE, value & BY_NAME != 0))
        return _Met(place[kept], item[kept], (held == MAYBE)[kept])

    def _on_path(self, place: Numbers, item: Numbers) -> Bools:
        """Whether the item's filters stand on the path to the class."""
        zones = len(self._places.zones)
        always = np.ones((2, zones), dtype=bool)
        present = np.concatenate([self._present_in_zones, always, self._present_in_zones])
        found: Bools = present[self.items.lane[item], self._places.kinds.zone[place]]
        return found

    # --- types of classes: where the same items meet

    def _types(self, met: _Met) -> None:
        bounds = np.searchsorted(met.place, np.arange(len(self._places) + 1))
        total = np.zeros((len(met.item) + 1, 2), dtype=np.uint64)
        np.cumsum(signs(2 * len(self.items.lane))[met.item * 2 + met.perhaps], axis=0, out=total[1:])
        kinds = self._places.kinds
        path, present = _paths(self._present_in_zones)
        kind = path[kinds.zone] * 4 + (kinds.family == 4) * 2 + kinds.is_name
        first, self.type = firsts(total[bounds[1:]] - total[bounds[:-1]], kind)
        """Of each class."""
        self.kind = kind[first]
        """Of each type: path × family × name."""
        counts = bounds[first + 1] - bounds[first]
        places = spread(bounds[first], counts)
        self._kept = kept = _Met(np.repeat(np.arange(len(first)), counts), met.item[places], met.perhaps[places])
        path, self.present = _paths(present[:, self.kind // 4] & self._in_scope(kept, len(first)))
        """Lanes × paths: whether it stands there, and its scope may hold the host."""
        self.kind = path * 4 + self.kind % 4
        self._starts = np.searchsorted(kept.place, np.arange(len(first) + 1))
        services, items = Services(self.spans), self.items
        self.by_service = cut(len(first), kept.place, items.services[kept.item], len(self.spans.values), services.codes)
        whens = Whens(self.space, items.whens)
        self.by_when = cut(len(first), kept.place, items.when[kept.item], max(1, len(items.whens)), whens.codes)
        self.cells = self.by_service.size[self.by_service.combination]
        """Of each type, how many cells its services are cut into; and operations and time."""
        self.moments = self.by_when.size[self.by_when.combination]
        self.offset = np.concatenate([[0], np.cumsum(self.cells * self.moments)])
        """The first row of each type. They are in order of the cells of services, then of those of operations and time."""
        cell, of_cells = self.by_service.of(kept.place, items.services[kept.item])
        moment, of_moments = self.by_when.of(kept.place, items.when[kept.item])
        self._cell, self._moment, self._of_moments, self._work = cell, moment, of_moments, of_cells * of_moments
        self._done = np.concatenate([[0], np.cumsum(self._work)])
        if int(self._done[-1]) > self._budget:
            raise TooMuchError
        lists = [whens.pieces(list(one)) for one in _combinations(self.by_when)]
        self.by_operation, self.by_time = self._cut_by(items.whens)
        self._idle_of = np.array([idle for one in lists for _, idle in one], dtype=np.intp)
        self._idle = np.concatenate([[0], np.cumsum([len(one) for one in lists], dtype=np.intp)])
        self.deciding = Deciding(self.lanes, self.present, items, self.callers, self.space, list(whens.idle))

    def _in_scope(self, met: _Met, types: int) -> Bools:
        """Lanes × types: whether the lane's scope may hold the hosts."""
        found = np.zeros((len(self.lanes), types), dtype=bool)
        found[[number for number, one in enumerate(self.lanes) if one.scope is not None]] = True
        of_scopes = (self.items.level[met.item] == SCOPE) & (self.items.lane[met.item] < len(self.lanes))
        found[self.items.lane[met.item[of_scopes]], met.place[of_scopes]] = True
        return found

    def _cut_by(self, whens: Numbers) -> tuple[Bools, Bools]:
        """Of each type, whether anything there tells operations apart, and times."""
        space, every = self.space, _combinations(self.by_when)
        operation = [not space.operation.table[one].all() for one in whens[:, 0].tolist()]
        time = [bool(space.times_of(one)) for one in whens[:, 1].tolist()]
        found = [np.array([any(said[one] for one in sets) for sets in every], dtype=bool) for said in (operation, time)]
        return found[0][self.by_when.combination], found[1][self.by_when.combination]

    def classes(self, types: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
        """The classes of each type."""
        members = np.argsort(self.type, kind="stable")
        ends = np.searchsorted(self.type[members], np.arange(len(self.kind) + 1))
        for one in types:
            yield one, members[ends[one] : ends[one + 1]].tolist()

    # --- rows

    def chunks(self, size: int = _CHUNK) -> Iterator[Chunk]:
        """All rows, in chunks of so many pairs of a rule and a row."""
        begin, types, done, offset, starts = 0, len(self.kind), self._done, self.offset, self._starts
        while begin < types:
            end = max(begin + 1, int(np.searchsorted(done[starts], done[starts[begin]] + size, side="right")) - 1)
            end = min(end, max(begin + 1, int(np.searchsorted(offset, offset[begin] + size, side="right")) - 1))
            yield self._chunk(begin, end)
            begin = end

    def _chunk(self, begin: int, end: int) -> Chunk:
        kept, moments, offset = self._kept, self.moments, self.offset
        mine = slice(int(self._starts[begin]), int(self._starts[end]))
        entry = np.repeat(np.arange(mine.start, mine.stop), self._work[mine])
        local = np.arange(len(entry)) - np.repeat(self._done[mine] - self._done[mine.start], self._work[mine])
        service = self.by_service.cells[self._cell[entry] + local // self._of_moments[entry]]
        when = self.by_when.cells[self._moment[entry] + local % self._of_moments[entry]]
        row = offset[kept.place[entry]] + service * moments[kept.place[entry]] + when - offset[begin]
        types = np.repeat(np.arange(begin, end), (self.cells * moments)[begin:end])
        within = np.arange(len(types)) - (offset[types] - offset[begin])
        cell, moment = within // moments[types], within % moments[types]
        idle = self._idle_of[self._idle[self.by_when.combination[types]] + moment]
        return Chunk(begin, end, row, kept.item[entry], kept.perhaps[entry], types, cell, moment, self.kind[types], idle)

    # --- cells of services

    def mask(self, one: int, cells: frozenset[int]) -> Bools:
        """The atoms of some cells of services at a type."""
        begin, end, cell = self.pieces(int(self.by_service.combination[one]))
        found = np.zeros(self.spans.size, dtype=bool)
        for first, last, each in zip(begin.tolist(), end.tolist(), cell.tolist(), strict=True):
            if each in cells:
                found[self.space.service.rank[first:last]] = True
        return found

    def pieces(self, combination: int) -> tuple[Numbers, Numbers, Numbers]:
        """(begin, end, cell) of all services in order, as a combination of sets cuts them."""
        known: dict[int, int] = {}
        every = [
            (begin, end, known.setdefault(code, len(known)))
            for begin, end, code in Services(self.spans).pieces(_sets(self.by_service, combination))
        ]
        begin, end, cell = np.array(every, dtype=np.intp).reshape(-1, 3).T
        return begin, end, cell


def _paths(present: Bools) -> tuple[Numbers, Bools]:
    """Of each column (zones, or types) a number for its path, and the lanes on each path: lanes × paths."""
    first, path = unique_columns(present)
    return path, present[:, first]


def _sets(cells: Cells, number: int) -> list[int]:
    """The sets of a combination, in order."""
    first, last = np.searchsorted(cells.keys, [number * cells.sets, (number + 1) * cells.sets])
    found: list[int] = (cells.keys[first:last] - number * cells.sets).tolist()
    return found


def _combinations(cells: Cells) -> list[list[int]]:
    return [_sets(cells, number) for number in range(len(cells.size))]
