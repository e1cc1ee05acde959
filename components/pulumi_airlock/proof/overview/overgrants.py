"""Rules that grant more than is declared, though their filter could tell, and are stopped by other gates: for all rows at once.

A filter that sees no time cannot be asked to refuse at some times: what it cannot tell from something declared is taken off, as
`Sight` does. Where bits do not say all of it (names that are perhaps declared, defaults that allow), the classes are to be looked
at in detail: `Overgrants.all` tells which.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..atoms.instants import Bools
from ..atoms.places import MAYBE
from ..atoms.space import Box
from ..engine.deciding import State
from ..engine.lanes import Numbers, Words
from ..engine.rows import Chunk, Rows
from ..engine.sight import Sight
from ..engine.sweep import Sweep
from ..filters import Action, Kind
from .alike import Alike
from .holding import Holding, cells_of, places_of
from .identities import along

_STEP = 20_000
"""Groups of rows in one go."""


def elsewhere(zone: str | None) -> str:
    """What is no destination, in words."""
    return f"elsewhere in {zone}" if zone is not None else "hosts outside of every zone"


@dataclass
class Stopped:
    """What one rule grants and other gates stop."""

    destinations: dict[str, int] = field(default_factory=dict)
    """Destination, or where it is elsewhere → the first class of hosts."""
    gates: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Gate that stops some of it → where it is first met: class of hosts, place along the path."""
    best: tuple[int, int] = (3, 0)
    """The most telling class: (0 on a port of a destination, 1 at a destination, 2 elsewhere; class)."""

    def add(self, where: str, rank: int, place: int) -> None:
        """Takes in a class."""
        self.destinations[where] = min(place, self.destinations.get(where, place))
        self.best = min(self.best, (rank, place))

    def stop(self, gate: str, where: tuple[int, int]) -> None:
        """Takes in a gate that stops some of it."""
        self.gates[gate] = min(where, self.gates.get(gate, where))


@dataclass
class _Look:
    """What filters see."""

    sees: frozenset[str]
    blurred: Words
    """For each set of callers those who look like one of them, within their address family. Empty for sets of rules alone."""
    wanted: Words
    """Of each row: who looks like somebody declared."""


@dataclass
class _Unit:
    """The filters of a lane that see the same."""

    lane: int
    look: _Look
    callers: Words
    """Of these filters."""
    beyond: Words
    """Of each row: who is granted it, refused it by others, and not declared."""


@dataclass(frozen=True)
class _Hits:
    """What is granted at rows of the table, by rule."""

    type: Numbers
    rule: Numbers
    cell: Numbers
    gates: Bools
    """Those that stop some of it. Shape (hits, gates)."""


class Overgrants:
    """Collects them, many rows at a time."""

    def __init__(self, rows: Rows, sweep: Sweep, sight: Sight, gates: Sequence[dict[str, Words]]) -> None:
        """`gates`: of each lane, gate → its callers."""
        self._rows, self._sweep, self._sight = rows, sweep, sight
        self._gates = list(dict.fromkeys(gate for one in gates for gate in one))
        self._of_lanes = [[(self._gates.index(gate), mine) for gate, mine in one.items()] for one in gates]
        self._units: list[_Unit] = []
        self._looks: dict[frozenset[str], _Look] = {}
        self._known: dict[bytes, Alike] = {}
        self._rules: list[tuple[int, int]] = []
        """(filter, rule) of each rule that allows."""
        self._words_of: dict[int, Numbers] = {}
        """Of each filter, the words that have any of its callers."""
        of_units: list[int] = []
        of_readers: list[int] = []
        tables: list[Numbers] = []
        who: list[Words] = []
        declared = np.unique(rows.items.who[(rows.items.lane == len(rows.lanes)) | (rows.items.lane == len(rows.lanes) + 1)])
        for number, lane in enumerate(rows.lanes):
            mine: dict[frozenset[str], int] = {}
            for reader in lane.readers:
                if reader.filter.kind is Kind.ROUTING:
                    continue  # A route table is no permission: that it leads further grants nobody anything.
                scope = rows.callers.rows[rows.callers.number[reader.scope.who]]
                look = self._look(declared, reader.sees)
                unit = mine.setdefault(reader.sees, len(self._units))
                if unit == len(self._units):
                    self._units.append(_Unit(number, look, scope, look.wanted))
                self._units[unit].callers = self._units[unit].callers | scope
                allows = [place for place, one in enumerate(reader.order) if reader.filter.rules[one].action is Action.ALLOW]
                self._rules += [(reader.number, reader.order[place]) for place in allows]
                of_units += [unit] * len(allows)
                of_readers += [reader.number] * len(allows)
                self._words_of[reader.number] = np.flatnonzero(scope)
                tables.append(reader.boxes.table[allows])
                who.append(rows.callers.rows[rows.callers.number[reader.boxes.table[allows, 0]]] & scope)
        table = np.concatenate([np.zeros((0, len(Box._fields)), dtype=np.intp), *tables])
        self._unit_of, self._reader_of = np.array(of_units, dtype=np.intp), np.array(of_readers, dtype=np.intp)
        self._who = np.concatenate([rows.callers.rows[:0], *who])
        of_lanes = np.array([one.lane for one in self._units], dtype=np.intp)[self._unit_of]
        self._holding = Holding(rows, table, at_times=True, lanes=of_lanes)
        self._doubtful = self._perhaps_declared()
        self._careful: set[int] = set()
        self._hits: list[_Hits] = []
        self._refused: list[Words] = []

    def _look(self, declared: Numbers, sees: frozenset[str]) -> _Look:
        found = self._looks.get(sees)
        if found is None:
            rows = self._rows.callers.rows
            blurred = np.zeros_like(rows)
            blurred[declared] = self._alike(sees).of(rows[declared], slice(None))
            found = self._looks[sees] = _Look(sees, blurred, rows[:0])
        return found

    def _alike(self, sees: frozenset[str]) -> "Alike":
        looks = self._sight.looks(sees)
        found = self._known.get(looks.tobytes())
        if found is None:
            found = self._known[looks.tobytes()] = Alike(self._rows.callers, looks)
        return found

    def _perhaps_declared(self) -> Bools:
        """Types of names that some route perhaps holds, or all types where time has instants outside of the horizon."""
        rows = self._rows
        found = np.full(len(rows.kind), not rows.space.clock.inside.all())
        name, hosts, value = rows.space.places.names()
        granted = np.unique(self._sweep.granted.table[:, Box._fields.index("hosts")])
        found[rows.type[name[(value & 3 == MAYBE) & np.isin(hosts, granted)]]] = True
        return found

    # --- a chunk of rows

    def begin(self, size: int) -> None:
        """Begins a chunk with so many rows where different things are decided."""

        def nothing() -> Words:
            return np.zeros((size, self._rows.callers.rows.shape[1]), dtype=np.uint64)

        self._refused = [nothing() for _ in self._rows.lanes]
        for look in self._looks.values():
            look.wanted = nothing()
        for unit in self._units:
            unit.beyond = nothing()

    def add(self, state: State) -> None:
        """Takes in what is decided at some rows."""
        undeclared = state.considered & ~state.declared & ~state.own & state.named & ~state.possible
        lanes = {done.lane: done for done in state.lanes}
        for done in state.lanes:
            self._refused[done.lane][state.rows, state.words] = done.deny & ~done.allow
        for unit in self._units:
            one = lanes.get(unit.lane)
            if one is not None:
                unit.beyond[state.rows, state.words] = undeclared & one.scope & ~one.deny & unit.callers[state.words]
        for look in self._looks.values():
            wanted = state.wanted(look.blurred[:, state.words])
            if "time" in look.sees and state.idle.any():
                # While some DAGs do not run, nobody looks like their tasks.
                rows = np.flatnonzero(state.idle > 0)
                exactly = ((state.declared | state.own) & state.exists)[rows]
                wanted[rows] = self._alike(look.sees).of(exactly, state.words)
            look.wanted[state.rows, state.words] = wanted

    def end(self, chunk: Chunk, which: Numbers) -> None:
        """Ends a chunk; `which`: of each of its rows, its number among those where different things are decided."""
        held = self._holding.within(chunk)
        of_unit = self._unit_of[held.box]
        for number, unit in enumerate(self._units):
            row, over = self._over(unit, chunk, which)
            if not len(row):
                continue
            at = np.full(len(chunk.type), -1, dtype=np.intp)
            at[row] = np.arange(len(row))
            mine = np.flatnonzero((of_unit == number) & (at[held.row] >= 0))
            self._attribute(chunk, which, row, over, at[held.row[mine]], held.box[mine])

    def _over(self, unit: _Unit, chunk: Chunk, which: Numbers) -> tuple[Numbers, Words]:
        """The rows where a unit grants what it could tell from everything declared, and to whom."""
        rows, sees = self._rows, unit.look.sees
        key = chunk.type - chunk.begin
        if "service" in sees:
            key = key * int(rows.cells[chunk.begin : chunk.end].max()) + chunk.service
        told = self._told(sees)[chunk.type]
        key = key * int(rows.moments[chunk.begin : chunk.end].max()) + np.where(told, chunk.when, 0)
        some = np.asarray(unit.beyond.any(axis=1))[which]
        kept = np.flatnonzero(np.isin(key, np.unique(key[some])))
        kept = kept[np.argsort(key[kept], kind="stable")]
        starts = np.flatnonzero(np.diff(key[kept], prepend=-1) > 0)
        found, bits = [np.zeros(0, dtype=np.intp)], [unit.beyond[:0]]
        for begin in range(0, len(starts), _STEP):
            mine = starts[begin : begin + _STEP]
            last = int(starts[begin + _STEP]) if begin + _STEP < len(starts) else len(kept)
            these = kept[mine[0] : last]
            wanted = np.bitwise_or.reduceat(unit.look.wanted[which[these]], mine - mine[0], axis=0)
            lengths = np.diff(np.append(mine, last))
            over = unit.beyond[which[these]] & ~np.repeat(wanted, lengths, axis=0)
            hit = np.flatnonzero(over.any(axis=1))
            found.append(these[hit])
            bits.append(over[hit])
        return self._plain(unit, chunk, np.concatenate(found), np.concatenate(bits))

    def _told(self, sees: frozenset[str]) -> Bools:
        """At which types a filter that sees so much tells cells of operations and time apart."""
        found = np.zeros(len(self._rows.kind), dtype=bool)
        for name, cut in (("operation", self._rows.by_operation), ("time", self._rows.by_time)):
            if name in sees:
                found |= cut
        return found

    def _plain(self, unit: _Unit, chunk: Chunk, row: Numbers, over: Words) -> tuple[Numbers, Words]:
        """Leaves out, and notes, the types where bits do not say all."""
        types = chunk.type[row]
        unclear = self._doubtful[types]
        if len(unit.look.sees & {"operation", "time"}) == 1:
            unclear |= self._rows.by_operation[types] & self._rows.by_time[types]
        if self._rows.lanes[unit.lane].allows:
            unclear[:] = True  # The default may be to blame.
        self._careful.update(types[unclear].tolist())
        return row[~unclear], over[~unclear]

    def _attribute(self, chunk: Chunk, which: Numbers, row: Numbers, over: Words, at: Numbers, rule: Numbers) -> None:
        """Splits what is granted by the first rule that allows it: `rule[i]` holds the row at place `at[i]`."""
        order = np.lexsort((rule, at))
        at, rule = at[order], rule[order]
        starts = np.searchsorted(at, np.arange(len(row)))
        counts = np.diff(np.append(starts, len(at)))
        rest, here = over.copy(), np.arange(len(row))
        for turn in range(int(counts.max(initial=0))):
            here = here[counts[here] > turn]
            rules = rule[starts[here] + turn]
            hit = rest[here] & self._who[rules]
            some = hit.any(axis=1)
            if some.any():
                rest[here[some]] &= ~hit[some]
                rows = row[here[some]]
                gates = self._stopping(which[rows], hit[some], rules[some])
                self._hits.append(_Hits(chunk.type[rows], rules[some], chunk.service[rows], gates))

    def _stopping(self, row: Numbers, hit: Words, rule: Numbers) -> Bools:
        """The gates that refuse what each rule grants at a row."""
        found = np.zeros((len(row), len(self._gates)), dtype=bool)
        reader = self._reader_of[rule]
        # A filter's callers are in a few words alone.
        for one in np.unique(reader).tolist():
            mine = np.flatnonzero(reader == one)
            words = self._words_of[one]
            rows, bits = row[mine, None], hit[mine[:, None], words]
            for refused, gates in zip(self._refused, self._of_lanes, strict=True):
                stopped = refused[rows, words] & bits
                for gate, callers in gates:
                    if callers[words].any():
                        found[mine, gate] |= (stopped & callers[words]).any(axis=1)
        return found

    # --- all of them

    def all(self, destinations: Numbers, names: Sequence[str]) -> tuple[dict[tuple[int, int], Stopped], list[int]]:
        """By (filter, rule); and the classes of hosts that are to be looked at in detail instead.

        `destinations`: of each its sets, as in `Box`; and their names.
        """
        careful = sorted(place for _, places in self._rows.classes(self._careful) for place in places)
        if not self._hits:
            return {}, careful
        kind, rule, cell = (np.concatenate([getattr(one, name) for one in self._hits]) for name in ("type", "rule", "cell"))
        gates = np.concatenate([one.gates for one in self._hits])
        order = np.lexsort((rule, kind))
        kind, rule, cell, gates = kind[order], rule[order], cell[order], gates[order]
        starts = np.flatnonzero((np.diff(kind, prepend=-1) != 0) | (np.diff(rule, prepend=-1) != 0))
        gates = np.logical_or.reduceat(gates, starts, axis=0)
        cells = [sum(1 << one for one in set(part.tolist())) for part in np.split(cell, starts[1:])]
        kind, rule = kind[starts], rule[starts]
        numbers, which = np.unique(rule, return_inverse=True)
        found = [Stopped() for _ in numbers]
        self._name(found, kind, which, cells, destinations, names)
        self._stop(found, kind, which, gates)
        return {self._rules[number]: one for number, one in zip(numbers.tolist(), found, strict=True)}, careful

    def _name(
        self,
        found: Sequence[Stopped],
        kind: Numbers,
        rule: Numbers,
        cells: Sequence[int],
        destinations: Numbers,
        names: Sequence[str],
    ) -> None:
        """Finds the destinations, and the most telling class."""
        zones = self._rows.space.places.zones
        parts = list(self._told_apart(kind, rule, cells, destinations))
        numbers, name, rank, place = (np.concatenate([one[column] for one in parts]) for column in range(4))
        order = np.lexsort((place, name, numbers))
        order = order[(np.diff(numbers[order], prepend=-1) != 0) | (np.diff(name[order], prepend=-1) != 0)]
        for number, each, where in zip(numbers[order].tolist(), name[order].tolist(), place[order].tolist(), strict=True):
            text = names[each] if each < len(names) else elsewhere(zones[each - len(names)])
            found[number].destinations[text] = where
        order = np.lexsort((place, rank, numbers))
        order = order[np.diff(numbers[order], prepend=-1) != 0]
        for number, how, where in zip(numbers[order].tolist(), rank[order].tolist(), place[order].tolist(), strict=True):
            found[number].best = how, where

    def _told_apart(
        self, kind: Numbers, rule: Numbers, cells: Sequence[int], destinations: Numbers
    ) -> Iterator[tuple[Numbers, Numbers, Numbers, Numbers]]:
        """For each class: rules, their destinations (past these, zones), how telling these are, and the class again."""
        rows, places = self._rows, self._rows.space.places
        here: dict[int, list[int]] = {}
        of_places, boxes = places_of(rows, destinations[:, Box._fields.index("hosts")])
        mine = np.flatnonzero(np.isin(rows.type[of_places], kind))
        mine = mine[np.argsort(boxes[mine], kind="stable")]
        for place, box in zip(of_places[mine].tolist(), boxes[mine].tolist(), strict=True):
            here.setdefault(place, []).append(box)
        services = rows.spans.number[destinations[:, Box._fields.index("services")]].tolist()
        masks: dict[tuple[int, int], int] = {}
        every = np.unique(kind)
        starts = np.searchsorted(kind, every).tolist()
        for (one, members), first, last in zip(rows.classes(every.tolist()), starts, [*starts[1:], len(kind)], strict=True):
            combination = int(rows.by_service.combination[one])
            different = {points: number for number, points in enumerate(dict.fromkeys(cells[first:last]))}
            which = np.array([different[points] for points in cells[first:last]], dtype=np.intp)
            for place in members:
                held = here.get(place, ())
                for box in held:
                    key = combination, services[box]
                    if key not in masks:
                        masks[key] = sum(1 << cell for cell in cells_of(rows, *key))
                outside = len(destinations) + int(places.kinds.zone[place])
                name, rank = [], []
                for points in different:
                    there = next((box for box in held if masks[combination, services[box]] & points), None)
                    name.append(there if there is not None else held[0] if held else outside)
                    rank.append(0 if there is not None else 1 if held else 2)
                yield rule[first:last], np.array(name)[which], np.array(rank)[which], np.full(last - first, place)

    def _stop(self, found: Sequence[Stopped], kind: Numbers, rule: Numbers, gates: Bools) -> None:
        """Finds the gates that stop it, and where each is first met."""
        rows, places = self._rows, self._rows.space.places
        first = np.full(len(rows.kind), len(places), dtype=np.intp)
        np.minimum.at(first, rows.type, np.arange(len(places)))
        width = len(self._gates) + 1
        order = first[kind][:, None] * width + along(self._sweep, self._gates)[places.kinds.zone[first[kind]]]
        never = len(places) * width
        by_rule = np.argsort(rule, kind="stable")
        starts = np.searchsorted(rule[by_rule], np.arange(len(found)))
        least = np.minimum.reduceat(np.where(gates, order, never)[by_rule], starts, axis=0)
        for number, gate in np.argwhere(least < never).tolist():
            found[number].gates[self._gates[gate]] = divmod(int(least[number, gate]), width)
