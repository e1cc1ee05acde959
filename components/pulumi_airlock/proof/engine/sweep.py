"""The engine: for each class of hosts, what every filter and all of them together do, over the other dimensions at once.

The work is sparse in hosts: at one class only the rules that hold it are looked at, and the other dimensions are cut only by
these. The arrays are dense over that small rest: subjects × services × operations × times.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..atoms.grid import spread
from ..atoms.instants import Bools
from ..atoms.places import BY_NAME, MAYBE, NEVER, SURE, Place
from ..atoms.space import Box, Boxes, Space
from ..filters import Action, Filter, Match
from .group import Group, Local, Question, Verdict
from .reader import Reader


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
        rows = self.space.places.holding(number)
        found = [(one, one.places(rows).tolist()) for one in readers if column[one.scope.hosts] & 3 != NEVER]
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
