"""At which classes of hosts anything can be a finding: all of them at once, so that only these are looked at in detail.

Exact for the same question as `sweep.Group`: is some considered point let through perhaps though nothing declares it, or declared
and not surely let through? Rows are (class of hosts, cell of services, cell of operations and time), and at each row every filter
decides for all callers at once, as bits. Classes where the same rules meet are one; rows where the same is decided are one.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .cells import Cells, Services, Whens, cut
from .deciding import Deciding
from .grid import firsts, signs, spread
from .instants import Bools
from .lanes import Callers, Numbers, Rules, Spans, extra, joined, lanes_of, rules_of, together
from .places import BY_NAME, MAYBE, SURE
from .sweep import Sweep

MET_AT_LEAST, MET_PER_BOX = 300_000, 30
"""Pairs of a box and a class of hosts, or of a box and a row, past which diagrams are asked instead: in all, or for each box.

A pair takes some 2.5 µs here, and a box some 40 µs there. The gates of a company have 2 to 10 pairs for each box.
"""

_CHUNK = 4_000_000
"""Pairs of a rule and a row that are looked at in one go: some 200 MB."""


def doubtful(sweep: Sweep, budget: int | None = None) -> dict[int, Bools]:
    """The classes of hosts where something can be a finding, each with the atoms of services (`space.service`) at which.

    A class that is missing has no excess, nothing blocked and nothing unproven. Past the `budget` (by default one that grows
    with the number of rules) diagrams answer the same; where these need too much memory, the screen goes on whatever it takes.
    """
    screen = _Screen(sweep, budget)
    try:
        return screen.found()
    except _TooMuchError:
        # Only here is a proof large enough for the library to be worth its loading.
        from .diagrams import doubtful as by_diagrams

    try:
        return by_diagrams(sweep)
    except MemoryError:
        screen.budget = sys.maxsize
        return screen.found()


class _TooMuchError(Exception):
    """More work than the budget has."""


@dataclass(frozen=True)
class _Met:
    """Which items meet at which classes of hosts, in order of the classes."""

    place: Numbers
    item: Numbers
    perhaps: Bools
    """Whether the class is a name that the item holds perhaps."""


class _Screen:
    """One question to all classes of hosts."""

    def __init__(self, sweep: Sweep, budget: int | None) -> None:
        self._sweep, self._space = sweep, sweep.space
        self._places = sweep.space.places
        self._callers = Callers(self._space.who.table, self._space.who.table[self._space.is_v4])
        self._spans = Spans(self._space)
        self._lanes = lanes_of(sweep, self._callers)
        self._first = len(self._lanes)
        zones = len(self._places.zones)
        self._present_in_zones = np.array([lane.present for lane in self._lanes], dtype=bool).reshape(self._first, zones)
        self._items = joined(self._rules(), self._callers, self._spans)
        self._whens = Whens(self._space, self._items.whens)
        self.budget = max(MET_AT_LEAST, MET_PER_BOX * len(self._items.lane)) if budget is None else budget

    def _rules(self) -> Rules:
        """Lanes of rules; then grants, own needs, and for each lane the rules that tell names from others."""
        rules = rules_of(self._lanes, self._callers, self._space)
        grants = extra(self._first, self._sweep._grants.table, self._callers)
        own = extra(self._first + 1, self._sweep._own.table, self._callers)
        telling = self._places.telling
        naming = [
            extra(self._first + 2 + number, table[telling[table[:, 1]]], self._callers)
            for number, lane in enumerate(self._lanes)
            for table in (reader.boxes.table for reader in lane.readers)
        ]
        return together([rules, grants, own, *naming])

    def found(self) -> dict[int, Bools]:
        met = self._met()
        size = len(self._places)
        bounds = np.searchsorted(met.place, np.arange(size + 1))
        total = np.zeros((len(met.item) + 1, 2), dtype=np.uint64)
        np.cumsum(signs(2 * len(self._items.lane))[met.item * 2 + met.perhaps], axis=0, out=total[1:])
        kinds = self._places.kinds
        path, self._present = _paths(self._present_in_zones)
        kind = path[kinds.zone] * 4 + (kinds.family == 4) * 2 + kinds.is_name
        first, of_type = firsts(total[bounds[1:]] - total[bounds[:-1]], kind)
        wrong = dict(self._types(met, bounds, first, kind[first]))
        members = np.argsort(of_type, kind="stable")
        ends = np.searchsorted(of_type[members], np.arange(len(first) + 1))
        return {place: mask for one, mask in wrong.items() for place in members[ends[one] : ends[one + 1]].tolist()}

    # --- which items meet at which class

    def _met(self) -> _Met:
        items, ranges = self._items, self._places.ranges
        by_hosts = np.argsort(items.hosts, kind="stable")
        starts = np.searchsorted(items.hosts[by_hosts], np.arange(int(items.hosts.max(initial=-1)) + 2))
        known = ranges.row < len(starts) - 1
        row, begin, length = ranges.row[known], ranges.begin[known], (ranges.end - ranges.begin)[known]
        counts = starts[row + 1] - starts[row]
        if int((counts * length).sum()) + self._places.count_names() > self.budget:
            raise _TooMuchError
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
        if int(counts.sum()) > self.budget:
            raise _TooMuchError
        item = by_hosts[spread(starts[row], counts)]
        place, value = np.repeat(place, counts), np.repeat(value, counts)
        lane, held = self._items.lane[item], value & 3
        kept = np.where(lane < self._first, held > 0, np.where(lane < self._first + 2, held == SURE, value & BY_NAME != 0))
        return _Met(place[kept], item[kept], (held == MAYBE)[kept])

    def _on_path(self, place: Numbers, item: Numbers) -> Bools:
        """Whether the item's filters stand on the path to the class."""
        zones = len(self._places.zones)
        always = np.ones((2, zones), dtype=bool)
        present = np.concatenate([self._present_in_zones, always, self._present_in_zones])
        found: Bools = present[self._items.lane[item], self._places.kinds.zone[place]]
        return found

    # --- types of classes: where the same items meet

    def _types(self, met: _Met, bounds: Numbers, first: Numbers, kind: Numbers) -> Iterator[tuple[int, Bools]]:
        counts = bounds[first + 1] - bounds[first]
        places = spread(bounds[first], counts)
        kept = _Met(np.repeat(np.arange(len(first)), counts), met.item[places], met.perhaps[places])
        services, items = Services(self._spans), self._items
        by_service = cut(len(first), kept.place, items.services[kept.item], len(self._spans.values), services.codes)
        by_when = cut(len(first), kept.place, items.when[kept.item], max(1, len(items.whens)), self._whens.codes)
        yield from self._rows(kept, kind, by_service, by_when)

    def _rows(self, met: _Met, kind: Numbers, by_service: Cells, by_when: Cells) -> Iterator[tuple[int, Bools]]:
        cells, moments = by_service.size[by_service.combination], by_when.size[by_when.combination]
        offset = np.concatenate([[0], np.cumsum(cells * moments)])
        cell, of_cells = by_service.of(met.place, self._items.services[met.item])
        moment, of_moments = by_when.of(met.place, self._items.when[met.item])
        work = of_cells * of_moments
        done = np.concatenate([[0], np.cumsum(work)])
        if int(done[-1]) > self.budget:
            raise _TooMuchError
        deciding = Deciding(self._lanes, self._present, self._items, self._callers, self._space, list(self._whens.idle))
        starts = np.searchsorted(met.place, np.arange(len(kind) + 1))
        idle = self._idle(by_when)
        begin = 0
        while begin < len(kind):
            end = max(begin + 1, int(np.searchsorted(done[starts], done[starts[begin]] + _CHUNK, side="right")) - 1)
            end = min(end, max(begin + 1, int(np.searchsorted(offset, offset[begin] + _CHUNK, side="right")) - 1))
            mine = slice(int(starts[begin]), int(starts[end]))
            entry = np.repeat(np.arange(mine.start, mine.stop), work[mine])
            local = np.arange(len(entry)) - np.repeat(done[mine] - done[mine.start], work[mine])
            service = by_service.cells[cell[entry] + local // of_moments[entry]]
            when = by_when.cells[moment[entry] + local % of_moments[entry]]
            row = offset[met.place[entry]] + service * moments[met.place[entry]] + when - offset[begin]
            types = np.repeat(np.arange(begin, end), (cells * moments)[begin:end])
            within = np.arange(len(types)) - (offset[types] - offset[begin])
            exists = idle[by_when.combination[types]] + within % moments[types]
            wrong = deciding.wrong(row, met.item[entry], met.perhaps[entry], kind[types], self._idle_of[exists])
            hit = np.flatnonzero(wrong)
            for one in np.unique(types[hit]).tolist():
                found = np.unique((within // moments[types])[hit[types[hit] == one]]).tolist()
                yield one, self._mask(by_service, one, frozenset(found))
            begin = end

    def _idle(self, by_when: Cells) -> Numbers:
        """Where the cells of each combination stand in `_idle_of`, which tells the DAGs that do not run."""
        lists = [self._whens.pieces(list(one)) for one in _combinations(by_when)]
        self._idle_of = np.array([idle for one in lists for _, idle in one], dtype=np.intp)
        return np.concatenate([[0], np.cumsum([len(one) for one in lists], dtype=np.intp)])

    def _mask(self, by_service: Cells, one: int, cells: frozenset[int]) -> Bools:
        """The atoms of some cells of services at a type."""
        number = int(by_service.combination[one])
        sets = _sets(by_service, number)
        services = Services(self._spans)
        wanted = {code for place, code in enumerate(services.codes(sets)) if place in cells}
        mask = np.zeros(self._spans.size, dtype=bool)
        for begin, end, code in services.pieces(sets):
            if code in wanted:
                mask[self._space.service.rank[begin:end]] = True
        return mask


def _paths(present: Bools) -> tuple[Numbers, Bools]:
    """Of each zone a number for its path, and the lanes on each path: lanes × paths."""
    known: dict[bytes, int] = {}
    path = np.array([known.setdefault(column.tobytes(), len(known)) for column in present.T], dtype=np.intp)
    first = [path.tolist().index(number) for number in range(len(known))]
    return path, present[:, first]


def _sets(cells: Cells, number: int) -> list[int]:
    """The sets of a combination, in order."""
    first, last = np.searchsorted(cells.keys, [number * cells.sets, (number + 1) * cells.sets])
    found: list[int] = (cells.keys[first:last] - number * cells.sets).tolist()
    return found


def _combinations(cells: Cells) -> list[list[int]]:
    return [_sets(cells, number) for number in range(len(cells.size))]
