"""What all rules say, as numbers for the screen: equal rules once, filters that never meet together, and boxes with the same
hosts joined. Everything here is a step that keeps what each filter does exactly as it is.

Filters whose scopes have no caller in common (the security groups of several environments) are evaluated as one: a *lane*.
Within a lane, a run of rules with the same action is a *level*; its number is odd where it allows. In which order the rules of a
level stand means nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..atoms.instants import Bools
from ..atoms.space import Box, Space
from ..filters import Action
from ..sets import Hosts, Services
from .reader import Reader
from .sweep import Sweep

Numbers = NDArray[np.intp]
Words = NDArray[np.uint64]

_ROWS = 512
"""Sets of callers that are packed in one go: what a processor's cache holds."""

SCOPE = 0
"""The level of a scope; rules have levels from 1 on."""


class Callers:
    """Sets of subjects as rows of bits, equal ones once."""

    def __init__(self, table: Bools, is_v4: Bools) -> None:
        """`table`: sets over the subjects. Those with an IPv4 address have words of their own: the others meet no IPv4 host."""
        self._columns = np.flatnonzero(is_v4), np.flatnonzero(~is_v4)
        self.size = len(is_v4)
        """How many subjects there are."""
        ends = np.cumsum([-(-len(one) // 64) for one in self._columns]).tolist()
        self.words = {True: slice(0, ends[0]), False: slice(ends[0], ends[1])}
        """IPv4 or not → its words."""
        self._known: dict[bytes, int] = {}
        self.rows = np.zeros((0, ends[1]), dtype=np.uint64)
        """Shape (sets, words)."""
        self.number = self.add(self.packed(table))
        """Of each row of the table, the number of its set."""

    def packed(self, table: Bools) -> Words:
        """Rows of bits of a table over the subjects."""
        found = np.zeros((len(table), self.rows.shape[1]), dtype=np.uint64)
        octets = found.view(np.uint8)
        for start in range(0, len(table), _ROWS):
            rows = slice(start, start + _ROWS)
            for columns, words in zip(self._columns, self.words.values(), strict=True):
                bits = np.packbits(np.take(table[rows], columns, axis=1), axis=1)
                octets[rows, words.start * 8 : words.start * 8 + bits.shape[1]] = bits
        return found

    def add(self, rows: Words) -> Numbers:
        """The numbers of sets, new or known."""
        known, fresh, found = self._known, [], np.empty(len(rows), dtype=np.intp)
        for place, row in enumerate(rows):
            key = row.tobytes()
            number = known.get(key)
            if number is None:
                number = known[key] = len(known)
                fresh.append(place)
            found[place] = number
        self.rows = np.concatenate([self.rows, rows[fresh]])
        return found


class Spans:
    """Sets of services as spans over the atoms in the order of protocols and ports, equal ones once."""

    def __init__(self, space: Space) -> None:
        self.size = len(space.service)
        ranges, self._count = space.service.spans, len(space.service)
        every = list(zip(ranges.begin.tolist(), ranges.end.tolist(), strict=True))
        ends = np.searchsorted(ranges.row, np.arange(space.services + 1)).tolist()
        self.values: list[tuple[tuple[int, int], ...]] = []
        self._known: dict[tuple[tuple[int, int], ...], int] = {}
        self.number = np.array([self.add(tuple(every[first:last])) for first, last in pairwise(ends)], dtype=np.intp)

    def add(self, spans: tuple[tuple[int, int], ...]) -> int:
        """The number of a set, new or known."""
        number = self._known.setdefault(spans, len(self.values))
        if number == len(self.values):
            self.values.append(spans)
        return number

    def union(self, numbers: Sequence[int]) -> int:
        """The number of the union of sets."""
        merged: list[tuple[int, int]] = []
        for begin, end in sorted({pair for one in numbers for pair in self.values[one]}):
            if merged and begin <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], end)
            else:
                merged.append((begin, end))
        return self.add(tuple(merged))


@dataclass(frozen=True)
class Lane:
    """Filters that are evaluated as one: no caller is in the scope of two of them."""

    readers: list[Reader]
    allows: bool
    """What its default does."""
    present: Bools
    """Zones (those of `Places.zones`) on whose path it stands."""
    scope: Words | None
    """The callers in its scope; None where a scope is more than callers."""


def lanes_of(sweep: Sweep, callers: Callers) -> list[Lane]:
    """The filters that stand on any path, in as few lanes as is easy."""
    space = sweep.space
    zones = space.places.zones
    on_path = [{reader.number for reader in sweep.path(zone)} for zone in zones]
    found: list[Lane] = []
    for reader in sweep.readers:
        present = np.array([reader.number in one for one in on_path], dtype=bool)
        if not present.any():
            continue
        allows = reader.filter.default is Action.ALLOW
        scope = callers.rows[callers.number[reader.scope.who]] if _callers_alone(space, reader.scope) else None
        for place, one in enumerate(found):
            if scope is None or one.scope is None or one.allows != allows or (one.present != present).any():
                continue
            if not (one.scope & scope).any():
                found[place] = Lane([*one.readers, reader], allows, present, one.scope | scope)
                break
        else:
            found.append(Lane([reader], allows, present, scope))
    return found


def _callers_alone(space: Space, scope: Box) -> bool:
    return (
        space.hosts_of(scope.hosts) == Hosts.every()
        and space.services_of(scope.services) == Services.every()
        and bool(space.operation.table[scope.operations].all())
        and not space.times_of(scope.times)
    )


@dataclass(frozen=True)
class Rules:
    """Boxes as columns: of rules and scopes, of routes, of what environments need, and of what tells names from others."""

    lane: Numbers
    level: Numbers
    unknown: Bools
    who: Numbers
    hosts: Numbers
    services: Numbers
    operations: Numbers
    times: Numbers


def rules_of(lanes: Sequence[Lane], callers: Callers, space: Space) -> Rules:
    """The rules and scopes of all lanes."""
    parts = [
        part
        for number, lane in enumerate(lanes)
        for reader in lane.readers
        for part in (_of_reader(number, lane, reader, callers, space), _of_scope(number, lane, reader, callers))
    ]
    lane, level, unknown, boxes = (np.concatenate(column) for column in zip(*parts, strict=True)) if parts else _nothing()
    return Rules(lane, level, unknown, *boxes.T)


def _nothing() -> tuple[Numbers, Numbers, Bools, Numbers]:
    nothing = np.zeros(0, dtype=np.intp)
    return nothing, nothing, np.zeros(0, dtype=bool), np.zeros((0, len(Box._fields)), dtype=np.intp)


_Part = tuple[Numbers, Numbers, Bools, Numbers]


def _of_scope(number: int, lane: Lane, reader: Reader, callers: Callers) -> _Part:
    if lane.scope is not None:
        return _nothing()
    boxes = np.array([reader.scope], dtype=np.intp)
    boxes[:, 0] = callers.number[boxes[:, 0]]
    return np.array([number]), np.array([SCOPE]), np.zeros(1, dtype=bool), boxes


def _of_reader(number: int, lane: Lane, reader: Reader, callers: Callers, space: Space) -> _Part:
    rules, size = reader.filter.rules, len(reader.order)
    if not size:
        return _nothing()
    allows = np.fromiter((rules[one].action is Action.ALLOW for one in reader.order), dtype=bool, count=size)
    unknown = np.fromiter((bool(rules[one].unknown) for one in reader.order), dtype=bool, count=size)
    boxes = reader.boxes.table.copy()
    boxes[:, 0] = callers.number[boxes[:, 0]]
    if len(lane.readers) > 1:
        scope = callers.rows[callers.number[reader.scope.who]]
        who, which = np.unique(boxes[:, 0], return_inverse=True)
        boxes[:, 0] = callers.add(callers.rows[who] & scope)[which]
    live = _live(boxes, allows, unknown, space)
    allows, unknown, boxes = allows[live], unknown[live], boxes[live]
    turns = np.flatnonzero(np.diff(allows, prepend=allows[0]))
    level = SCOPE + 2 - int(allows[0]) + np.searchsorted(turns, np.arange(len(allows)), side="right")
    return np.full(len(level), number), level, unknown, boxes


def _live(boxes: Numbers, allows: Bools, unknown: Bools, space: Space) -> Bools:
    """The rules that are not the very same as an earlier one, which decides before them."""
    keys = boxes.astype(np.uint64) @ _ODD
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    earlier = first[which]
    same = (earlier != np.arange(len(boxes))) & (boxes == boxes[earlier]).all(axis=1) & ~unknown[earlier]
    # Of a name that a rule holds perhaps, two rules may each hold it or not.
    same &= (allows == allows[earlier]) | ~space.places.in_doubt[boxes[:, 1]]
    live: Bools = ~same
    return live


_ODD = np.random.default_rng(5).integers(0, 2**63, size=len(Box._fields), dtype=np.uint64) * np.uint64(2) + np.uint64(1)


@dataclass(frozen=True)
class Items:
    """Rules with the same meaning and the same hosts, joined as far as one box says it. All as columns, in order of the lanes."""

    lane: Numbers
    level: Numbers
    unknown: Bools
    hosts: Numbers
    when: Numbers
    """A number for operations and times together."""
    services: Numbers
    """A set of `Spans`."""
    who: Numbers
    """A set of `Callers`."""
    whens: Numbers
    """(operations, times) of each `when`. Shape (whens, 2)."""


def joined(rules: Rules, callers: Callers, spans: Spans, *, services_too: bool = True) -> Items:
    """Joins boxes that differ in their services alone, unless told not to; then those that differ in their callers alone."""
    pairs, when = distinct(rules.operations, rules.times)
    kinds, kind = distinct(rules.lane, rules.level, rules.unknown.astype(np.intp), when, rules.hosts)
    mine = spans.number[rules.services]
    if services_too:
        groups, which = distinct(kind, rules.who)
        services = _unions(which, len(groups), mine, spans)
    else:
        groups, _ = distinct(kind, rules.who, mine)
        services = groups[:, 2]
    boxes, which = distinct(groups[:, 0], services)
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], np.arange(len(boxes)))
    who = groups[order, 1]
    if len(boxes):
        single = np.diff(np.append(starts, len(which))) == 1
        found = who[starts]
        if not single.all():
            several = np.bitwise_or.reduceat(callers.rows[who], starts, axis=0)[~single]
            found[~single] = callers.add(several)
        who = found
    lane, level, unknown, when, hosts = kinds[boxes[:, 0]].T
    return Items(lane, level, unknown > 0, hosts, when, boxes[:, 1], who, pairs)


def _unions(which: Numbers, groups: int, services: Numbers, spans: Spans) -> Numbers:
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], np.arange(groups + 1))
    sorted_services = services[order]
    found = sorted_services[starts[:-1]] if groups else services
    several = np.flatnonzero(np.diff(starts) > 1)
    for group, first, last in zip(several.tolist(), starts[several].tolist(), starts[several + 1].tolist(), strict=True):
        found[group] = spans.union(sorted_services[first:last].tolist())
    return found


def distinct(*columns: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct rows of some columns, in order, and for each row which one it is."""
    if not len(columns[0]):
        return np.zeros((0, len(columns)), dtype=np.intp), columns[0]
    which, first = columns[0], np.zeros(0, dtype=np.intp)
    for place, column in enumerate(columns):
        key = column if place == 0 else which * (int(column.max()) + 1) + column
        _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return np.column_stack([one[first] for one in columns]), which


def extra(lane: int, boxes: Numbers, callers: Callers) -> Rules:
    """Boxes that are no rules, in a lane of their own."""
    size = len(boxes)
    _, hosts, services, operations, times = boxes.T
    level = np.ones(size, dtype=np.intp)
    who = callers.number[boxes[:, 0]]
    return Rules(np.full(size, lane), level, np.zeros(size, dtype=bool), who, hosts, services, operations, times)


def together(parts: Sequence[Rules]) -> Rules:
    """All of them."""
    return Rules(*(np.concatenate([getattr(one, name) for one in parts]) for name in Rules.__dataclass_fields__))
