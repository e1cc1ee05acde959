"""The space that a proof looks at: subject × place × service × HTTP operation × time, each cut into atoms.

Every set that a rule, a route or an expectation speaks of becomes a row over the atoms of its dimension.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from ...access.model import Access
from ..filters import Environment, Filter, HttpOperation, Match, Who
from ..sets import Hosts, Services
from ..times import Times
from .globs import regions
from .instants import Bools, Clock, assignments, from_minute, runs_of, unique_columns
from .places import Places
from .services import ServiceAxis
from .subjects import Selector, Subjects

T = TypeVar("T", bound=Hashable)


class Box(NamedTuple):
    """A `Match` by the numbers of its sets in each dimension."""

    who: int
    hosts: int
    services: int
    operations: int
    times: int


class Boxes(Sequence[Box]):
    """Many boxes, kept as numbers."""

    def __init__(self, table: NDArray[np.intp]) -> None:
        self.table = table
        """Shape (boxes, 5)."""

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, number: int) -> Box: ...
    @overload
    def __getitem__(self, number: slice) -> "Boxes": ...
    def __getitem__(self, number: int | slice) -> "Box | Boxes":
        if isinstance(number, slice):
            return Boxes(self.table[number])
        return Box(*self.table[number].tolist())

    def __iter__(self) -> Iterator[Box]:
        return map(Box._make, self.table.tolist())


_hosts_key = attrgetter("v4.spans", "v6.spans", "names.patterns", "names.either", "names.inverted")


def _who_key(who: Who) -> Hashable:
    sources = None if who.sources is None else _hosts_key(who.sources)
    return who.environments, who.outside, who.groups, who.principals, who.workloads, who.tasks, sources


class Interned(Generic[T]):
    """Numbers for distinct values."""

    def __init__(self, key: Callable[[T], Hashable] | None = None) -> None:
        """`key`: what is equal where values are, and is faster to compare."""
        self.values: list[T] = []
        self._numbers: dict[Hashable, int] = {}
        self._key = key

    def add(self, value: T) -> int:
        """The number of a value, new or known."""
        return self._look_up([value])[0]

    def add_all(self, values: Sequence[T]) -> NDArray[np.intp]:
        """The numbers of values, new or known."""
        # Rules share many of their parts: each object is looked up once.
        _, first, which = np.unique(np.fromiter(map(id, values), np.int64, len(values)), return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        found = np.empty(len(first), dtype=np.intp)
        found[order] = self._look_up([values[place] for place in first[order].tolist()])
        return found[which]

    def _look_up(self, values: Sequence[T]) -> list[int]:
        known, found = self._numbers, []
        for key, value in zip(values if self._key is None else map(self._key, values), values, strict=True):
            number = known.get(key)
            if number is None:
                number = known[key] = len(self.values)
                self.values.append(value)
            found.append(number)
        return found


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


class Ports(ServiceAxis):
    """The dimension of services."""

    def __init__(self, sets: Sequence[Services]) -> None:
        super().__init__(sets)
        self._cuts: dict[tuple[int, ...], Cut] = {}

    def cut(self, numbers: Iterable[int]) -> Cut:
        """The classes that the given rows tell apart, in the order of their first atoms."""
        key = tuple(sorted(set(numbers)))
        found = self._cuts.get(key)
        if found is None:
            first, inverse, table = self.classes(key)
            found = self._cuts[key] = Cut(first, inverse, {number: table[place] for place, number in enumerate(key)})
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


class Cells:
    """(protocol, port) of each atom of services, read like a list."""

    def __init__(self, axis: ServiceAxis) -> None:
        self._axis = axis

    def __len__(self) -> int:
        return len(self._axis)

    def __getitem__(self, atom: int) -> tuple[int, int]:
        return self._axis.cell(atom)


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
        like: "Space | None" = None,
    ) -> None:
        """`matches` are those beyond the filters' own: routes, an environment's own needs, what is asked.

        `like` is a space of the same principals, environments and instant: what it has cut fine enough is not cut again.
        """
        windows = ((frozenset(one.from_), one.window) for one in access.routes)
        self._zones = [(names, one.timezone) for names, one in windows if one and one.dagrun is None and one.timezone != "UTC"]
        self._zone_of: dict[frozenset[str], str] = {}
        self._who: Interned[Who] = Interned(_who_key)
        self._hosts: Interned[Hosts] = Interned(_hosts_key)
        self._services: Interned[Services] = Interned(attrgetter("cells.spans"))
        self._operations: Interned[frozenset[HttpOperation] | None] = Interned()
        self._times: Interned[Times] = Interned()
        self._boxes: dict[int, Box] = {}
        self._kept: list[object] = []
        self._rules: dict[int, Boxes] = {}
        needs = [need.required for one in filters for need in one.needs]
        for one in filters:
            self.add(one.scope)
            self.rules(one)
        listed = [*matches, *needs]
        self._kept += listed
        for match, box in zip(listed, self.number(listed), strict=True):
            self._boxes.setdefault(id(match), box)
        self.selectors = list(dict.fromkeys(selectors))
        self.subjects: Subjects
        if like is not None and like.subjects.knows(self._who.values, self._times.values, self.selectors):
            self.subjects = like.subjects
        else:
            self.subjects = Subjects(access, environments, self._who.values, self._times.values, self.selectors, needs)
        self.places = Places(access, self._hosts.values)
        windows_of = [one for times in self._times.values for found in times for one in found]
        asked = list(marks)
        self.clock: Clock = (
            like.clock if like is not None and like.clock.knows(windows_of, asked) else Clock(at, windows_of, asked)
        )
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

    def rules(self, one: Filter) -> Boxes:
        """The boxes of a filter's rules."""
        found = self._rules.get(id(one))
        if found is None:
            self._kept.append(one)
            found = self._rules[id(one)] = self.number([rule.match for rule in one.rules])
        return found

    def number(self, matches: Sequence[Match]) -> Boxes:
        """The boxes of matches, many at once."""
        parts = (
            self._who.add_all([one.who for one in matches]),
            self._hosts.add_all([one.hosts for one in matches]),
            self._services.add_all([one.services for one in matches]),
            self._operations.add_all([one.operations for one in matches]),
            self._times.add_all([one.times for one in matches]),
        )
        return Boxes(np.column_stack(parts))

    def _build(self) -> None:
        found = self.subjects.matching(self._who.values)
        self.first_selector = len(found)
        rows = [self.subjects.selected(one) for one in self.selectors]
        self.is_v4 = self.first_selector + len(rows)
        rows.append(np.fromiter((one.family == 4 for one in self.subjects.all), dtype=bool, count=len(self.subjects)))
        self.is_task = self.first_selector + len(rows)
        rows.append(np.fromiter((one.environment is not None for one in self.subjects.all), dtype=bool, count=len(self.subjects)))
        self.runs: dict[str, int] = {}
        for run in sorted({one.dag for one in self.subjects.all if one.dag is not None}):
            self.runs[run] = self.first_selector + len(rows)
            rows.append(np.fromiter((one.dag == run for one in self.subjects.all), dtype=bool, count=len(self.subjects)))
        self.who = Axis(np.concatenate([found, rows]))
        self.service = Ports(self._services.values)
        self.requests, table = _cut_operations(self._operations.values)
        self.operation = Axis(table)
        self.time = TimeAxis(self.clock, self._times.values)

    @property
    def cells(self) -> "Cells":
        """(protocol, port) of each atom of services."""
        return Cells(self.service)

    def who_of(self, number: int) -> Who:
        """The set of callers of a row."""
        return self._who.values[number]

    def hosts_of(self, number: int) -> Hosts:
        """The set of hosts of a row."""
        return self._hosts.values[number]

    @property
    def services(self) -> int:
        """How many sets of services there are."""
        return len(self._services.values)

    def services_of(self, number: int) -> Services:
        """The set of services of a row."""
        return self._services.values[number]

    def operations_of(self, number: int) -> frozenset[HttpOperation] | None:
        """The operations of a row."""
        return self._operations.values[number]

    def times_of(self, number: int) -> Times:
        """The windows of a row."""
        return self._times.values[number]

    def selector_row(self, selector: Selector) -> int:
        """The row of a selector on the axis of subjects."""
        return self.first_selector + self.selectors.index(selector)

    def timezone(self, principals: Collection[str]) -> str:
        """The zone of the windows of these principals' routes, the most frequent one; of all routes where they have none."""
        key = frozenset(principals)
        found = self._zone_of.get(key)
        if found is None:
            mine = Counter(zone for names, zone in self._zones if not names.isdisjoint(key))
            every = mine or Counter(zone for _, zone in self._zones)
            found = self._zone_of[key] = every.most_common(1)[0][0] if every else ""
        return found

    def moment(self, minute: int) -> datetime:
        """A minute as an instant in UTC."""
        return from_minute(minute)


def _cut_operations(sets: Sequence[frozenset[HttpOperation] | None]) -> tuple[list[HttpOperation | None], Bools]:
    """An example of each atom (None: traffic that is not HTTP), and the table of sets over them."""
    mentioned = [one for found in sets if found is not None for one in found]
    if not mentioned:
        return [None], np.ones((len(sets), 1), dtype=bool)
    paths = sorted({path for one in mentioned for path in (one.path, *one.not_paths)})
    known = sorted({method for one in mentioned for method in (one.method, *one.not_methods)} - {"*"})
    methods = [*known, next(one for one in ("POST", "GET", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE") if one not in known)]
    shapes = [(key, word) for key, word in regions([("/*",), *((path,) for path in paths)]).items() if 0 in key]
    shapes.sort(key=lambda item: (len(item[1]), item[1]))
    atoms: list[HttpOperation | None] = [None]
    inside = [[one is None for one in sets]]
    cells = [({paths[number - 1] for number in key if number}, word) for key, word in shapes]
    for method in methods:
        for globs, word in cells:
            atoms.append(HttpOperation(method, word))
            inside.append([one is None or any(each.holds(method, globs) for each in one) for one in sets])
    return atoms, np.array(inside, dtype=bool).T
