"""Which rules ever decide, and which match anything at all: what tells rules that are dead.

For most rules one class of hosts shows it: there, no earlier rule holds all callers that the rule is about. Rules that are the
same as an earlier one, or narrower, never decide. What neither shows is looked at in detail, at every class that the rule holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..atoms.grid import firsts, signs, spread
from ..atoms.instants import Bools, runs_of
from ..atoms.places import NEVER, SURE
from ..atoms.space import Box, Space
from ..engine.lanes import Callers, Numbers, Spans, Words
from ..engine.reader import Reader
from ..engine.sweep import Sweep
from ..sets import Services

_SAMPLES = 2
"""Classes of hosts at which each set of hosts is tried: those with the fewest rules."""

_EARLIER = 1_000_000
"""Pairs of a rule and an earlier one that are looked at in one go."""


def find_deciding(sweep: Sweep) -> None:
    """Finds for all filters which of their rules ever decide, and match: `Sweep.decided`, `Sweep.matched`."""
    finder = _Finder(sweep)
    for reader in sweep.readers:
        if len(reader.order):
            finder.look_at(reader)


@dataclass(frozen=True)
class _Held:
    """Which rules hold which classes of hosts, by class, then in the rules' order."""

    place: Numbers
    rule: Numbers
    sure: Bools

    def only(self, chosen: Bools) -> "_Held":
        """Some of them."""
        return _Held(self.place[chosen], self.rule[chosen], self.sure[chosen])


class _Finder:
    def __init__(self, sweep: Sweep) -> None:
        self._sweep, self._space = sweep, sweep.space
        places = sweep.space.places
        self._callers = Callers(self._space.who.table, self._space.who.table[self._space.is_v4])
        self._spans = Spans(self._space)
        self._families = np.zeros((2, self._callers.rows.shape[1]), dtype=np.uint64)
        for is_v4, words in self._callers.words.items():
            self._families[int(is_v4), words] = ~np.uint64(0)
        self._is_v4 = (places.kinds.family == 4).astype(np.intp)
        ranges = places.ranges
        name, of_name, value = places.names()
        held = value & 3 != NEVER
        row = np.concatenate([ranges.row, of_name[held]])
        order = np.argsort(row, kind="stable")
        self._begin = np.concatenate([ranges.begin, name[held]])[order]
        self._length = np.concatenate([ranges.end - ranges.begin, np.ones(int(held.sum()), dtype=np.intp)])[order]
        self._sure = np.concatenate([np.ones(len(ranges.row), dtype=bool), value[held] & 3 == SURE])[order]
        self._starts = np.searchsorted(row[order], np.arange(int(row.max(initial=-1)) + 2))

    def look_at(self, reader: Reader) -> None:
        """Marks what a filter's rules do."""
        rules = reader.filter.rules
        numbers = np.array(reader.order, dtype=np.intp)
        decided, matched = self._sweep.decided[reader.number], self._sweep.matched[reader.number]
        open_rules = np.array([not rules[one].unknown for one in reader.order], dtype=bool)
        table = reader.boxes.table
        every, which = np.unique(table[:, 1], return_inverse=True)
        held = self._held(every, reader.scope.hosts)
        if self._space.operation.table[reader.scope.operations].all() and not self._space.times_of(reader.scope.times):
            found = _Plain(self._space, self._callers, self._spans, self._families, self._is_v4, reader)
            decides, narrower = found.look(*self._samples(held, which, len(every)))
            decided[numbers[decides]] = matched[numbers[decides]] = True
            matched[numbers[narrower]] = True
            open_rules &= ~(decides | narrower)
        if open_rules.any():
            self._in_detail(reader, held, which, open_rules)

    # --- which rules hold which classes

    def _held(self, hosts: Numbers, scope: int) -> _Held:
        """Which of these sets of hosts (as rules) hold which classes, within the scope."""
        known = hosts < len(self._starts) - 1
        begin, end = (np.where(known, self._starts[np.where(known, hosts + by, 0)], 0) for by in (0, 1))
        counts = end - begin
        parts = spread(begin, counts)
        length = self._length[parts]
        place = spread(self._begin[parts], length)
        rule = np.repeat(np.repeat(np.arange(len(hosts)), counts), length)
        sure = np.repeat(self._sure[parts], length)
        inside = self._space.places.row(scope)[place] & 3 != NEVER
        order = np.argsort(place[inside], kind="stable")
        return _Held(place[inside][order], rule[inside][order], sure[inside][order])

    def _samples(self, held: _Held, which: Numbers, size: int) -> tuple[_Held, Bools]:
        """All rules at the classes where sets of hosts are tried, and for which of them it is the set's sample."""
        of_set = np.bincount(which, minlength=size)
        load = np.bincount(held.place, weights=of_set[held.rule], minlength=len(self._space.places))
        order = np.lexsort((held.place, load[held.place], held.rule))
        rule = held.rule[order]
        turn = np.arange(len(rule)) - np.searchsorted(rule, rule)
        sampled = np.zeros(len(rule), dtype=bool)
        sampled[order[turn < _SAMPLES]] = True
        there = np.zeros(len(self._space.places), dtype=bool)
        there[held.place[sampled]] = True
        chosen = there[held.place]
        return self._rules(held.only(chosen), which, size, sampled[chosen])

    def _rules(self, held: _Held, which: Numbers, size: int, sampled: Bools) -> tuple[_Held, Bools]:
        """Rules instead of their sets of hosts."""
        by_set = np.argsort(which, kind="stable")
        starts = np.searchsorted(which[by_set], np.arange(size + 1))
        counts = starts[held.rule + 1] - starts[held.rule]
        rule = by_set[spread(starts[held.rule], counts)]
        place = np.repeat(held.place, counts)
        order = np.lexsort((rule, place))
        found = _Held(place[order], rule[order], np.repeat(held.sure, counts)[order])
        return found, np.repeat(sampled, counts)[order]

    # --- in detail

    def _in_detail(self, reader: Reader, held: _Held, which: Numbers, wanted: Bools) -> None:
        """Evaluates a filter where these rules hold, until it is known of each that it decides."""
        sets = np.zeros(len(np.unique(which)), dtype=bool)
        sets[which[wanted]] = True
        there = np.zeros(len(self._space.places), dtype=bool)
        there[held.place[sets[held.rule]]] = True
        held = held.only(there[held.place])
        numbers = np.array(reader.order, dtype=np.intp)
        decided = self._sweep.decided[reader.number]
        for place, places in self._different(held, which, len(sets)):
            if not (wanted[places] & ~decided[numbers[places]]).any():
                continue
            self._sweep.evaluate_alone(reader, place, places.tolist())

    def _different(self, held: _Held, which: Numbers, size: int) -> Iterator[tuple[int, Numbers]]:
        """The classes at which different rules hold, each with these in order."""
        total = np.zeros((len(held.rule) + 1, 2), dtype=np.uint64)
        np.cumsum(signs(2 * size)[held.rule * 2 + held.sure], axis=0, out=total[1:])
        starts = np.flatnonzero(np.diff(held.place, prepend=-1) > 0)
        ends = np.append(starts[1:], len(held.place))
        first, _ = firsts(total[ends] - total[starts], self._is_v4[held.place[starts]])
        by_set = np.argsort(which, kind="stable")
        begins = np.searchsorted(which[by_set], np.arange(size + 1))
        for begin, end in zip(starts[first].tolist(), ends[first].tolist(), strict=True):
            sets = held.rule[begin:end]
            yield int(held.place[begin]), np.sort(by_set[spread(begins[sets], begins[sets + 1] - begins[sets])])


class _Plain:
    """What is plain to see of a filter whose scope is about callers, hosts and services alone. All DAGs run."""

    def __init__(self, space: Space, callers: Callers, spans: Spans, families: Words, is_v4: Numbers, reader: Reader) -> None:
        self._space, self._spans, self._families, self._is_v4 = space, spans, families, is_v4
        table, rules = reader.boxes.table, reader.filter.rules
        self._hosts = table[:, Box._fields.index("hosts")]
        self._sure = np.array([not rules[one].unknown for one in reader.order], dtype=bool)
        self._bits, self._who = callers.rows & callers.rows[callers.number[reader.scope.who]], callers.number[table[:, 0]]
        self._services = spans.number[table[:, Box._fields.index("services")]]
        if space.services_of(reader.scope.services) != Services.every():
            scope = spans.values[spans.number[reader.scope.services]]
            every, back = np.unique(self._services, return_inverse=True)
            self._services = np.array([spans.add(_both(spans.values[one], scope)) for one in every.tolist()], dtype=np.intp)[back]
        ends = [(one[0][0], one[-1][1], len(one)) if one else (0, 0, 0) for one in spans.values]
        self._first, self._last, self._count = np.array(ends, dtype=np.intp).reshape(-1, 3).T
        whens, self._when = np.unique(table[:, 3:], axis=0, return_inverse=True)
        self._when = self._when.ravel()
        operations = space.operation.table[whens[:, 0]]
        times = np.array([space.time.where(one, runs_of(space.times_of(one))) for one in whens[:, 1].tolist()], dtype=bool)
        self._meet = _share(operations) & _share(times)
        """Which operations and times have a point in common."""
        self._always = operations.all(axis=1) & np.array([not space.times_of(one) for one in whens[:, 1].tolist()], dtype=bool)

    def look(self, held: _Held, sampled: Bools) -> tuple[Bools, Bools]:
        """The rules that decide at a class where they are sampled; and those that never do, though they match something."""
        size = len(self._hosts)
        sure = held.sure & self._sure[held.rule]
        family = self._families[self._is_v4[held.place]]
        mine = self._bits[self._who[held.rule]] & family
        when = self._when[held.rule]
        exists = mine.any(axis=1) & (self._count[self._services[held.rule]] > 0) & self._meet[when, when]
        fresh = _beyond_earlier(held.place, mine, sure)
        decides = np.zeros(size, dtype=bool)
        decides[held.rule[exists & sampled & fresh]] = True
        asked = np.flatnonzero(exists & sampled & ~decides[held.rule])
        alone, narrower = self._earlier(held, asked, mine, sure)
        decides[held.rule[asked[alone]]] = True
        never = np.zeros(size, dtype=bool)
        never[held.rule[asked[narrower]]] = True
        return decides, never & ~decides

    def _earlier(self, held: _Held, asked: Numbers, mine: Words, sure: Bools) -> tuple[Bools, Bools]:
        """Which of these meet no earlier rule that surely decides; and which have an earlier one that is at least as wide."""
        start = np.searchsorted(held.place, held.place[asked])
        counts = asked - start
        free, narrower = np.ones(len(asked), dtype=bool), np.zeros(len(asked), dtype=bool)
        ends = np.cumsum(counts)
        begin = 0
        while begin < len(asked):
            end = max(begin + 1, int(np.searchsorted(ends, ends[begin] - counts[begin] + _EARLIER, side="right")))
            part = slice(begin, end)
            which = np.repeat(np.arange(begin, end), counts[part])
            other = spread(start[part], counts[part])
            which, other = which[sure[other]], other[sure[other]]
            meets, wider = self._compared(held.rule[asked[which]], held.rule[other], mine, asked[which], other)
            free[which[meets]] = False
            narrower[which[wider]] = True
            begin = end
        return free, narrower

    def _compared(self, rule: Numbers, other: Numbers, mine: Words, at: Numbers, at_other: Numbers) -> tuple[Bools, Bools]:
        """Whether each rule may meet another one; and whether the other one is at least as wide, wherever the rule holds."""
        ours, others = self._services[rule], self._services[other]
        meets = (self._first[ours] < self._last[others]) & (self._first[others] < self._last[ours])
        meets &= self._meet[self._when[rule], self._when[other]]
        meets[meets] = (mine[at[meets]] & mine[at_other[meets]]).any(axis=1)
        within = (
            (self._count[others] == 1) & (self._first[others] <= self._first[ours]) & (self._last[ours] <= self._last[others])
        )
        wider = meets & (self._hosts[rule] == self._hosts[other]) & (within | (ours == others))
        wider &= (self._when[rule] == self._when[other]) | self._always[self._when[other]]
        wider &= ~self._space.places.in_doubt[self._hosts[rule]]
        wider[wider] = ~(self._bits[self._who[rule[wider]]] & ~self._bits[self._who[other[wider]]]).any(axis=1)
        return meets, wider


def _share(rows: Bools) -> Bools:
    """Which two rows have something in common."""
    whole = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 64)))
    bits = np.packbits(whole, axis=1).view(np.uint64)
    return np.array([(bits & row).any(axis=1) for row in bits], dtype=bool).reshape(len(rows), len(rows))


def _both(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """What two sets of spans have in common."""
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple(sorted((begin, end) for begin, end in pairs if begin < end))


def _beyond_earlier(place: Numbers, bits: Words, sure: Bools) -> Bools:
    """Whether each row of bits has one that no earlier sure row of the same place has; in order of the places."""
    found = np.zeros(len(place), dtype=bool)
    if not len(place):
        return found
    starts = np.flatnonzero(np.diff(place, prepend=-1) > 0)
    counts = np.diff(np.append(starts, len(place)))
    seen = np.zeros((len(starts), bits.shape[1]), dtype=np.uint64)
    here = np.arange(len(starts))
    for turn in range(int(counts.max())):
        here = here[counts[here] > turn]
        rows = starts[here] + turn
        found[rows] = (bits[rows] & ~seen[here]).any(axis=1)
        surely = sure[rows]
        seen[here[surely]] |= bits[rows[surely]]
    return found
