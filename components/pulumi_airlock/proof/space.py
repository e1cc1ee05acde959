"""The space that a proof looks at: subject × place × service × HTTP operation × time, each cut into atoms.

Every set that a rule, a route or an expectation speaks of becomes a row over the atoms of its dimension.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..access.model import Access
from .filters import Environment, Filter, HttpOperation, Match, Who
from .globs import regions
from .instants import Bools, Clock, assignments, from_minute, runs_of, unique_columns
from .places import Places
from .sets import Hosts, Services
from .subjects import Selector, Subjects
from .times import Times

_PORTS = 65536
_TCP, _UDP = 6, 17

WELL_KNOWN = (443, 22, 80, 5432, 1521, 3389, 53, 25)
"""Ports that a person recognises in a witness, the most telling first (IANA "Service Names and Port Numbers")."""

T = TypeVar("T", bound=Hashable)


class Box(NamedTuple):
    """A `Match` by the numbers of its sets in each dimension."""

    who: int
    hosts: int
    services: int
    operations: int
    times: int


class Interned(Generic[T]):
    """Numbers for distinct values."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def add(self, value: T) -> int:
        """The number of a value, new or known."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


@dataclass(frozen=True)
class Cut:
    """A dimension cut by some of its rows only: the classes that these tell apart."""

    first: NDArray[np.intp]
    """One atom of each class."""
    inverse: NDArray[np.intp]
    """Atom → class."""
    rows: dict[int, Bools]
    """Row → the classes in it."""


class Axis:
    """A dimension: rows over its atoms."""

    def __init__(self, table: Bools) -> None:
        self.table = table
        self._cuts: dict[tuple[int, ...], Cut] = {}

    def cut(self, numbers: Iterable[int]) -> Cut:
        """The classes that the given rows tell apart, in the order of their first atoms."""
        key = tuple(sorted(set(numbers)))
        found = self._cuts.get(key)
        if found is None:
            table = self.table[list(key)]
            first, inverse = unique_columns(table)
            rows = table[:, first]
            found = self._cuts[key] = Cut(first, inverse, {number: rows[place] for place, number in enumerate(key)})
        return found


@dataclass(frozen=True)
class TimeCut:
    """Time cut by some windows: instants, each with the DAG runs under way."""

    starts: list[tuple[int, frozenset[str]]]
    """(minute, DAGs that run) of each class."""
    rows: dict[int, Bools]
    classes: NDArray[np.intp]
    """Which class of instants each belongs to, of `marks`."""
    runs: tuple[str, ...]
    inside: Bools


class TimeAxis:
    """Time: its atoms depend on which DAG runs matter, so they are made for each cut."""

    def __init__(self, clock: Clock, times: Sequence[Times]) -> None:
        self.clock = clock
        self._times = times
        self._cuts: dict[tuple[tuple[int, ...], tuple[datetime, ...]], TimeCut] = {}

    def cut(self, numbers: Iterable[int], marks: Iterable[datetime] = ()) -> TimeCut:
        """The classes that the given windows tell apart; instants of `marks` have classes of their own."""
        key = (tuple(sorted(set(numbers))), tuple(sorted(set(marks))))
        found = self._cuts.get(key)
        if found is None:
            found = self._cuts[key] = self._cut(*key)
        return found

    def where(self, number: int, running: frozenset[str]) -> Bools:
        """In which classes of instants windows hold while these DAGs run."""
        return self.clock.holds(self._times[number], running)

    def holds(self, number: int, instant: int, running: frozenset[str]) -> bool:
        """Whether windows hold in a class of instants while these DAGs run."""
        return bool(self.clock.holds(self._times[number], running)[instant])

    def _cut(self, numbers: tuple[int, ...], marks: tuple[datetime, ...]) -> TimeCut:
        runs = sorted(frozenset[str]().union(*(runs_of(self._times[number]) for number in numbers)))
        cases = assignments(runs)
        size = len(self.clock)
        table = np.zeros((len(numbers) + len(marks) + 1 + len(runs), size * len(cases)), dtype=bool)
        for place, number in enumerate(numbers):
            for case, running in enumerate(cases):
                table[place, case * size : (case + 1) * size] = self.clock.holds(self._times[number], running)
        for place, mark in enumerate(marks, len(numbers)):
            table[place, self.clock.class_of(mark) :: size] = True
        table[len(numbers) + len(marks)] = np.tile(self.clock.inside, len(cases))
        for place, run in enumerate(runs, len(numbers) + len(marks) + 1):
            for case, running in enumerate(cases):
                table[place, case * size : (case + 1) * size] = run in running
        first, _ = unique_columns(table)
        minutes = self.clock.starts[first % size]
        order = np.argsort(minutes, kind="stable")
        first = first[order]
        return TimeCut(
            starts=[(int(self.clock.starts[one % size]), cases[one // size]) for one in first],
            rows={number: table[place, first] for place, number in enumerate(numbers)},
            classes=first % size,
            runs=tuple(runs),
            inside=table[len(numbers) + len(marks), first],
        )


class Space:
    """All dimensions, and everything that is said about them as boxes."""

    def __init__(
        self,
        access: Access,
        environments: Sequence[Environment],
        filters: Sequence[Filter],
        matches: Iterable[Match],
        selectors: Iterable[Selector],
        at: datetime,
        marks: Iterable[datetime] = (),
    ) -> None:
        """`matches` are those beyond the filters' own: routes, an environment's own needs, what is asked."""
        windows = ((frozenset(one.from_), one.window) for one in access.routes)
        self._zones = [(names, one.timezone) for names, one in windows if one and one.dagrun is None and one.timezone != "UTC"]
        self._who: Interned[Who] = Interned()
        self._hosts: Interned[Hosts] = Interned()
        self._services: Interned[Services] = Interned()
        self._operations: Interned[frozenset[HttpOperation] | None] = Interned()
        self._times: Interned[Times] = Interned()
        self._boxes: dict[int, Box] = {}
        self._kept: list[Match] = []
        for one in filters:
            self.add(one.scope)
            for rule in one.rules:
                self.add(rule.match)
        for match in matches:
            self.add(match)
        self.selectors = list(dict.fromkeys(selectors))
        self.subjects = Subjects(access, environments, self._who.values, self._times.values, self.selectors)
        self.places = Places(access, self._hosts.values)
        self.clock = Clock(at, (one for times in self._times.values for found in times for one in found), marks)
        self._build()

    def add(self, match: Match) -> Box:
        """The box of a match; the same object is looked up once."""
        found = self._boxes.get(id(match))
        if found is None:
            self._kept.append(match)
            found = self._boxes[id(match)] = Box(
                self._who.add(match.who),
                self._hosts.add(match.hosts),
                self._services.add(match.services),
                self._operations.add(match.operations),
                self._times.add(match.times),
            )
        return found

    def _build(self) -> None:
        rows = [self.subjects.matching(who) for who in self._who.values]
        self.first_selector = len(rows)
        rows += [self.subjects.selected(one) for one in self.selectors]
        self.is_v4 = len(rows)
        rows.append(np.fromiter((one.family == 4 for one in self.subjects.all), dtype=bool, count=len(self.subjects)))
        self.is_task = len(rows)
        rows.append(np.fromiter((one.environment is not None for one in self.subjects.all), dtype=bool, count=len(self.subjects)))
        self.runs: dict[str, int] = {}
        for run in sorted({one.dag for one in self.subjects.all if one.dag is not None}):
            self.runs[run] = len(rows)
            rows.append(np.fromiter((one.dag == run for one in self.subjects.all), dtype=bool, count=len(self.subjects)))
        self.who = Axis(np.array(rows, dtype=bool).reshape(len(rows), len(self.subjects)))
        self.cells, table = _cut_services(self._services.values)
        self.service = Axis(table)
        self.requests, table = _cut_operations(self._operations.values)
        self.operation = Axis(table)
        self.time = TimeAxis(self.clock, self._times.values)

    def selector_row(self, selector: Selector) -> int:
        """The row of a selector on the axis of subjects."""
        return self.first_selector + self.selectors.index(selector)

    def timezone(self, principals: Collection[str]) -> str:
        """The zone of the windows of these principals' routes, the most frequent one; of all routes where they have none."""
        mine = Counter(zone for names, zone in self._zones if not names.isdisjoint(principals))
        found = mine or Counter(zone for _, zone in self._zones)
        return found.most_common(1)[0][0] if found else ""

    def moment(self, minute: int) -> datetime:
        """A minute as an instant in UTC."""
        return from_minute(minute)


def _cut_services(sets: Sequence[Services]) -> tuple[list[tuple[int, int]], Bools]:
    """(protocol, port) of each atom, TCP first since it reads best, and the table of sets over them."""
    top = 256 * _PORTS
    edges = {0, *(number * _PORTS for number in (_TCP, _TCP + 1, _UDP, _UDP + 1))}
    edges.update(edge for one in sets for first, last in one.cells.spans for edge in (first, last + 1) if edge < top)
    starts = sorted(edges)
    table = np.zeros((len(sets), len(starts)), dtype=bool)
    positions = np.array(starts)
    for row, one in zip(table, sets, strict=True):
        for first, last in one.cells.spans:
            row[np.searchsorted(positions, first) : np.searchsorted(positions, last + 1)] = True
    shown = [divmod(_telling(start, end), _PORTS) for start, end in zip(starts, [*starts[1:], top], strict=True)]
    order = sorted(
        range(len(starts)),
        key=lambda one: (shown[one][0] != _TCP, shown[one][0] != _UDP, shown[one][1] not in WELL_KNOWN, starts[one]),
    )
    return [shown[one] for one in order], table[:, order]


def _telling(start: int, end: int) -> int:
    """The port of [start, end) that a person recognises, else the first; not port 0, where there is another."""
    protocol, first = divmod(start, _PORTS)
    if protocol in (_TCP, _UDP):
        for port in WELL_KNOWN:
            if first <= port < end - protocol * _PORTS:
                return protocol * _PORTS + port
    return start + (first == 0 and end - start > 1)


def _cut_operations(sets: Sequence[frozenset[HttpOperation] | None]) -> tuple[list[HttpOperation | None], Bools]:
    """An example of each atom (None: traffic that is not HTTP), and the table of sets over them."""
    mentioned = [one for found in sets if found is not None for one in found]
    if not mentioned:
        return [None], np.ones((len(sets), 1), dtype=bool)
    paths = sorted({one.path for one in mentioned})
    known = sorted({one.method for one in mentioned} - {"*"})
    methods = [*known, next(one for one in ("POST", "GET", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE") if one not in known)]
    shapes = [(key, word) for key, word in regions([("/*",), *((path,) for path in paths)]).items() if 0 in key]
    shapes.sort(key=lambda item: (len(item[1]), item[1]))
    atoms: list[HttpOperation | None] = [None]
    inside = [[one is None for one in sets]]
    for method in methods:
        for key, word in shapes:
            atoms.append(HttpOperation(method, word))
            inside.append(
                [
                    one is None or any(each.method in ("*", method) and 1 + paths.index(each.path) in key for each in one)
                    for one in sets
                ]
            )
    return atoms, np.array(inside, dtype=bool).T
