"""The engine: for each class of hosts, what every filter and all of them together do, over the other dimensions at once.

The work is sparse in hosts: at one class only the rules that hold it are looked at, and the other dimensions are cut only by
these. The arrays are dense over that small rest: subjects × services × operations × times.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..atoms.grid import spread
from ..atoms.instants import Bools
from ..atoms.places import BY_NAME, MAYBE, NEVER, SURE, Place
from ..atoms.space import Box, Boxes, Cut, Space, TimeCut
from ..filters import Action, Combine, Filter, Match
from ..sets import Services

DEFAULT = -1
"""Stands for a filter's default where a rule's number is expected."""


@dataclass(frozen=True)
class Reader:
    """A filter, ready to be evaluated: first match in `order` decides, whatever its way to combine."""

    number: int
    filter: Filter
    order: tuple[int, ...]
    """Numbers of the rules that can decide, in the order in which they do."""
    scope: Box
    boxes: Boxes
    """Of each rule in `order`."""
    hosts: NDArray[np.intp]
    """The row of hosts of each rule in `order`."""
    sees: frozenset[str]
    """What its rules look at: environment, source, group, principal, workload; service, operation, time."""

    @classmethod
    def of(cls, number: int, one: Filter, space: Space) -> "Reader":
        """Deny overrides and any allow are first match in another order: denies first, and allows alone."""
        numbers = range(len(one.rules))
        order = list(numbers)
        if one.combine is not Combine.FIRST_MATCH:
            allows = [place for place in numbers if one.rules[place].action is Action.ALLOW]
            denies = [place for place in numbers if one.rules[place].action is Action.DENY]
            order = allows if one.combine is Combine.ANY_ALLOW else denies + allows
        table = space.rules(one).table
        scope, boxes = space.add(one.scope), Boxes(table[order])
        sees = sees_of(space, np.vstack([table, scope]))
        return cls(number, one, tuple(order), scope, boxes, boxes.table[:, Box._fields.index("hosts")], sees)


def sees_of(space: Space, table: NDArray[np.intp]) -> frozenset[str]:
    """What some boxes look at (see `Reader.sees`)."""
    who, _, services, operations, times = (np.unique(column).tolist() for column in table.T)
    whos = [space.who_of(one) for one in who]
    tests = {
        "environment": any(one.environments is not None or one.outside is not None for one in whos),
        "source": any(one.sources is not None for one in whos),
        "group": any(one.groups is not None for one in whos),
        "principal": any(one.principals is not None or one.tasks is not None for one in whos),
        "workload": any(one.workloads is not None for one in whos),
        "service": any(space.services_of(one) != Services.every() for one in services),
        "operation": any(space.operations_of(one) is not None for one in operations),
        "time": any(map(space.times_of, times)),
    }
    return frozenset(name for name, found in tests.items() if found)


@dataclass(frozen=True)
class Question:
    """Points that somebody asks about: what they tell apart, the engine tells apart."""

    box: Box
    """Hosts, services and operations count."""
    selector: int
    """A row of the axis of subjects."""
    mark: datetime | None = None
    """An instant; a mark of the clock."""


@dataclass(frozen=True)
class Local:
    """The dimensions at one class of hosts, cut as far as anything there tells points apart."""

    space: Space
    who: Cut
    service: Cut
    operation: Cut
    time: TimeCut
    exists: Bools
    """Which points exist: the source's address family is the host's, and a DAG's tasks run only while it does.

    Shape (S, 1, 1, T).
    """
    known: dict[tuple[int, int, int, int], Bools] = field(default_factory=dict, repr=False, compare=False)
    """Boxes that were asked for."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Classes of subjects, services, operations, times."""
        return len(self.who.first), len(self.service.first), len(self.operation.first), len(self.time.starts)

    def box(self, box: Box) -> Bools:
        """The points of a box; hosts aside. Broadcasts to `shape`."""
        key = box.who, box.services, box.operations, box.times
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = (
                self.who.rows[box.who][:, None, None, None]
                & self.service.rows[box.services][:, None, None]
                & self.operation.rows[box.operations][:, None]
                & self.time.rows[box.times]
            )
        return found


@dataclass(frozen=True)
class Verdict:
    """What one filter does at one class of hosts. All of `Local.shape`; points that do not exist are in none of them."""

    reader: Reader
    inscope: Bools
    allow: Bools
    """May allow; within its scope."""
    deny: Bools
    """May deny."""
    matching: tuple[tuple[int, bool, Bools], ...]
    """(place in `Reader.order`, surely or perhaps, points) of the rules that hold the class, in order."""

    @property
    def grants(self) -> Bools:
        """Surely allows, within its scope."""
        return self.inscope & ~self.deny

    @property
    def refuses(self) -> Bools:
        """Surely denies."""
        return self.deny & ~self.allow

    def attribute(self, points: Bools, action: Action) -> Iterator[tuple[int, Bools]]:
        """Splits points by the rule (its number in the filter, or DEFAULT) that is the first that can decide so there."""
        rest = points & self.inscope
        for place, _, box in self.matching:
            number = self.reader.order[place]
            if self.reader.filter.rules[number].action is not action:
                continue
            hit = rest & box
            if hit.any():
                yield number, hit
                rest = rest & ~hit
        if rest.any():
            yield DEFAULT, rest


@dataclass
class Group:
    """Everything about one class of hosts."""

    number: int
    place: Place
    local: Local
    path: list[Verdict]
    """The verdicts of the filters that stand on the path, in order."""
    declared: Bools
    perhaps_declared: Bools
    """Declared for addresses that a name may have, or may not."""
    own: Bools
    grants: list[tuple[int, Bools]]
    """(number of the grant, its points)."""
    named: Bools | None
    """For a name: where a filter tells it from its addresses; elsewhere these tell the same. None for addresses."""

    @cached_property
    def possible(self) -> Bools:
        """Points that may pass every filter on the path."""
        result = np.broadcast_to(self.local.exists, self.local.shape).copy()
        for one in self.path:
            result &= one.allow | ~one.inscope
        return result

    @cached_property
    def definite(self) -> Bools:
        """Points that surely pass every filter on the path."""
        result = np.broadcast_to(self.local.exists, self.local.shape).copy()
        for one in self.path:
            result &= ~one.deny
        return result

    @cached_property
    def real(self) -> Bools:
        """Points that exist and are the stack's concern: tasks anywhere, and others where they meet a filter."""
        result = np.zeros(self.local.shape, dtype=bool)
        result |= self.local.who.rows[self.local.space.is_task][:, None, None, None]
        for one in self.path:
            result |= one.inscope
        result &= self.local.exists
        return result

    @cached_property
    def considered(self) -> Bools:
        """Real points within the horizon."""
        return self.real & self.local.time.inside

    @cached_property
    def undeclared(self) -> Bools:
        """Considered points that nothing declares; of a name, those that its addresses do not tell about."""
        found: Bools = self.considered & ~self.declared & ~self.own
        return found if self.named is None else found & self.named

    @cached_property
    def by_gate(self) -> dict[str, Bools]:
        """Gate → points that it surely refuses."""
        found: dict[str, Bools] = {}
        for one in self.path:
            gate = one.reader.filter.gate
            found[gate] = found[gate] | one.refuses if gate in found else one.refuses
        return found


class _Things:
    """Lists of boxes, by the sets of hosts that they have."""

    def __init__(self, lists: Sequence[Boxes]) -> None:
        hosts = np.concatenate([one.table[:, Box._fields.index("hosts")] for one in lists])
        self._ends = np.cumsum([len(one) for one in lists])
        self._order = np.argsort(hosts, kind="stable")
        self._starts = np.searchsorted(hosts[self._order], np.arange(int(hosts.max(initial=-1)) + 2))

    def held(self, rows: NDArray[np.intp], values: NDArray[np.uint8]) -> list[tuple[NDArray[np.intp], NDArray[np.uint8]]]:
        """Of each list the places of the boxes with these sets of hosts, in order, and the sets' values."""
        known = rows < len(self._starts) - 1
        rows, values = rows[known], values[known]
        begin = self._starts[rows]
        counts = self._starts[rows + 1] - begin
        things = self._order[spread(begin, counts)]
        order = np.argsort(things)
        things, held = things[order], np.repeat(values, counts)[order]
        cuts = np.searchsorted(things, self._ends)
        found, first, before = [], 0, 0
        for last, end in zip(cuts.tolist(), self._ends.tolist(), strict=True):
            found.append((things[first:last] - before, held[first:last]))
            first, before = last, end
        return found


class Sweep:
    """Goes through all classes of hosts."""

    def __init__(
        self,
        space: Space,
        filters: Sequence[Filter],
        grants: Sequence[Match],
        own: Sequence[Match],
        gates: dict[str, tuple[str, ...]],
        destinations: Sequence[Box] = (),
    ) -> None:
        """`gates`: zone → its gates, in order. `destinations`: boxes to tell points apart by, granted or not."""
        self.space = space
        self.readers = [Reader.of(number, one, space) for number, one in enumerate(filters)]
        self.decided = [np.zeros(len(one.rules), dtype=bool) for one in filters]
        """Per filter, which of its rules decide, at the classes that were gone through; `deciders` goes through what it takes."""
        self.matched = [np.zeros(len(one.rules), dtype=bool) for one in filters]
        """Per filter, which of its rules match anything that exists."""
        self.granted = space.number(grants)
        """The box of each grant."""
        self.needed = space.number(own)
        """What environments need themselves."""
        self._gates = gates
        self._destinations = Boxes(np.array([*destinations], dtype=np.intp).reshape(-1, len(Box._fields)))
        self._paths: dict[str | None, list[Reader]] = {}

    @cached_property
    def _things(self) -> "_Things":
        return _Things([*(one.boxes for one in self.readers), self.granted, self.needed, self._destinations])

    def path(self, zone: str | None) -> list[Reader]:
        """The filters that can stand on a path into a zone, in order.

        The environments' own come first, then the zone's gates as the zone lists them.
        """
        found = self._paths.get(zone)
        if found is None:
            gates = self._gates.get(zone, ()) if zone is not None else ()
            first = [one for one in self.readers if one.filter.always and one.filter.gate not in gates]
            then = [one for gate in gates for one in self.readers if one.filter.gate == gate]
            found = self._paths[zone] = first + then
        return found

    def groups(
        self, questions: Sequence[Question] = (), only: Iterable[int] | None = None, *, path_alone: bool = False
    ) -> Iterator[Group]:
        """Each class of hosts in turn, cut further by the questions that hold it; `only` these classes, if given.

        `path_alone`: which rules ever decide is then not looked at where a filter does not stand on the path.
        """
        for number in range(len(self.space.places)) if only is None else only:
            column = self.space.places.column(number)
            asked = [one for one in questions if column[one.box.hosts] & 3 == SURE]
            yield self._group(number, column, asked, path_alone)

    def _group(self, number: int, column: NDArray[np.uint8], asked: list[Question], path_alone: bool) -> Group:
        place = self.space.places.all[number]
        *of_readers, granted, own_needs, met = self._things.held(*self.space.places.held_by(number))
        holding = [
            (one, places[values & 3 != NEVER].tolist())
            for one, (places, values) in zip(self.readers, of_readers, strict=True)
            if column[one.scope.hosts] & 3 != NEVER
        ]
        grants = granted[0][granted[1] & 3 != NEVER].tolist()
        own = [self.needed[each] for each in own_needs[0][own_needs[1] & 3 == SURE].tolist()]
        named = self._named(place, of_readers)
        boxes = [one.boxes[each] for one, places in holding for each in places]
        boxes += [one.scope for one, _ in holding] + [self.granted[each] for each in grants] + own + [box for _, box in named]
        boxes += [self._destinations[each] for each in met[0][met[1] & 3 != NEVER].tolist()]
        local = self._cut(boxes, asked, place.family)
        path = self.path(place.zone)
        wanted = {one.number for one in path}
        verdicts = {
            one.number: self._evaluate(one, places, column, local)
            for one, places in holding
            # Off the path a filter matters only for what its rules ever decide.
            if one.number in wanted or not (path_alone or self.decided[one.number].all())
        }
        found = [verdicts[one.number] for one in path if one.number in verdicts]
        ours = [(each, np.broadcast_to(local.box(self.granted[each]) & local.exists, local.shape)) for each in grants]
        sure = {each for each in grants if column[self.granted[each].hosts] & 3 == SURE}
        return Group(
            number=number,
            place=place,
            local=local,
            path=found,
            declared=_union((points for each, points in ours if each in sure), local),
            perhaps_declared=_union((points for each, points in ours if each not in sure), local),
            own=_union((local.box(box) for box in own), local),
            grants=[(each, points) for each, points in ours if each in sure],
            named=None if place.name is None else _union((local.box(box) for reader, box in named if reader in wanted), local),
        )

    def evaluate_alone(self, reader: Reader, number: int, places: Sequence[int]) -> None:
        """Finds which rules of a filter decide, and match, at a class of hosts. `places`: of those that hold it, in `order`."""
        column = self.space.places.column(number)
        boxes = [reader.scope, *(reader.boxes[each] for each in places)]
        self._evaluate(reader, places, column, self._cut(boxes, [], self.space.places.all[number].family))

    def alone(self, number: int, readers: Sequence[Reader], also: Sequence[Box]) -> tuple[Local, list[Verdict]]:
        """What these filters do at a class of hosts, told apart as far as they and some other boxes do."""
        column = self.space.places.column(number)
        found = [
            (one, np.flatnonzero(column[one.hosts] & 3 != NEVER).tolist())
            for one in readers
            if column[one.scope.hosts] & 3 != NEVER
        ]
        boxes = [box for one, places in found for box in (one.scope, *(one.boxes[each] for each in places))]
        local = self._cut([*boxes, *also], [], self.space.places.all[number].family)
        return local, [self._evaluate(one, places, column, local) for one, places in found]

    def _named(self, place: Place, of_readers: Sequence[tuple[NDArray[np.intp], NDArray[np.uint8]]]) -> list[tuple[int, Box]]:
        """The boxes of rules that tell this name from any other one."""
        if place.name is None:
            return []
        return [
            (one.number, one.boxes[each])
            for one, (places, values) in zip(self.readers, of_readers, strict=True)
            for each in places[values & BY_NAME != 0].tolist()
        ]

    def _cut(self, boxes: Sequence[Box], asked: Sequence[Question], family: int) -> Local:
        space = self.space
        time = space.time.cut((box.times for box in boxes), (one.mark for one in asked if one.mark is not None))
        runs = [run for run in time.runs if run in space.runs]
        rows = [space.is_v4, space.is_task, *(one.selector for one in asked), *(space.runs[run] for run in runs)]
        who = space.who.cut([*(box.who for box in boxes), *rows])
        exists = np.repeat((who.rows[space.is_v4] == (family == 4))[:, None, None, None], len(time.starts), axis=3)
        for run in runs:
            idle = np.array([run not in running for _, running in time.starts])
            exists &= ~(who.rows[space.runs[run]][:, None, None, None] & idle)
        return Local(
            space,
            who,
            space.service.cut([*(box.services for box in boxes), *(one.box.services for one in asked)]),
            space.operation.cut([*(box.operations for box in boxes), *(one.box.operations for one in asked)]),
            time,
            exists,
        )

    def _evaluate(self, reader: Reader, places: Sequence[int], column: NDArray[np.uint8], local: Local) -> Verdict:
        scope = np.broadcast_to(local.box(reader.scope) & local.exists, local.shape)
        rest = scope.copy()
        allow, deny = np.zeros(local.shape, dtype=bool), np.zeros(local.shape, dtype=bool)
        matching = []
        rules = reader.filter.rules
        decided, matched = self.decided[reader.number], self.matched[reader.number]
        for place in places:
            number = reader.order[place]
            box = reader.boxes[place]
            points = local.box(box)
            sure = not rules[number].unknown and column[box.hosts] & 3 == SURE
            hit = rest & points
            if not hit.any():
                matched[number] = matched[number] or bool((scope & points).any())
                continue
            decided[number] = matched[number] = True
            matching.append((place, sure, points))
            if rules[number].action is Action.ALLOW:
                allow |= hit
            else:
                deny |= hit
            if sure:
                rest &= ~hit
        if reader.filter.default is Action.ALLOW:
            allow |= rest
        else:
            deny |= rest
        if column[reader.scope.hosts] & 3 == MAYBE:
            allow |= scope  # Outside of its scope the filter is transparent.
        return Verdict(reader, scope, allow, deny, tuple(matching))


def _union(parts: Iterable[Bools], local: Local) -> Bools:
    result = np.zeros(local.shape, dtype=bool)
    for one in parts:
        result |= one
    return result
