"""How `evidence` comes about: one sweep that keeps the best point of each pair, then one walk for each point that is kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ..access.model import Access
from .atoms.instants import Bools
from .atoms.places import SURE
from .atoms.space import Box, Cut, Space
from .atoms.subjects import OUTSIDE, Subject
from .declared import destination_hosts, destination_services, grants
from .engine.group import Group
from .engine.sweep import Sweep
from .engine.walk import Point, walk, witness
from .evidence import ASPECTS, FAULTS, NONE, Aspect, Caller, CallerKind, Entry, Evidence, Numbers, Sample, Standing
from .filters import Environment, Filter, Match
from .findings import Outcome, Row
from .missing import missing_gates
from .needs import own_needs
from .proving import in_order

_FAR = 32_000
"""Worse than every rank."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A point that somebody's cell may show."""

    aspect: Aspect
    point: Point
    zone: str | None
    routes: tuple[str, ...]


class _Callers:
    """Who stands in the rows, and which subjects each of them is."""

    def __init__(self, access: Access, subjects: Sequence[Subject]) -> None:
        found: dict[str, tuple[Caller, list[int]]] = {}
        for one in access.principals:
            kind = CallerKind.PEOPLE if one.is_people else CallerKind.TASKS
            found[one.name] = Caller(one.name, kind, one.environment or ""), []
        declared = set(found)
        for number, subject in enumerate(subjects):
            for name in subject.principals & declared:
                found[name][1].append(number)
            if not subject.principals:
                other = subject.environment is not None
                name = subject.label if other else OUTSIDE
                kind = CallerKind.OTHER if other else CallerKind.OUTSIDE
                found.setdefault(name, (Caller(name, kind, subject.environment or ""), []))[1].append(number)
        self.all = tuple(caller for caller, _ in found.values())
        # The last one wins: who is one principal alone says more than who is several at once.
        ranked = [sorted(atoms, key=lambda atom: (-len(subjects[atom].principals), -atom)) for _, atoms in found.values()]
        self._rows = np.repeat(np.arange(len(ranked)), [len(atoms) for atoms in ranked])
        self._atoms = np.array([atom for atoms in ranked for atom in atoms], dtype=np.int32)
        self._known: dict[int, tuple[Cut, Numbers]] = {}

    def of(self, cut: Cut) -> Numbers:
        """Callers × classes: a subject of the class that the caller is, or NONE."""
        known = self._known.get(id(cut))
        if known is None:
            table = np.full((len(self.all), len(cut.first)), NONE, dtype=np.int32)
            table[self._rows, cut.inverse[self._atoms]] = self._atoms
            known = self._known[id(cut)] = (cut, table)
        return known[1]


class Collector:
    """Evidence under way: one sweep over the classes of hosts where a destination is."""

    def __init__(self, access: Access, environments: Sequence[Environment], filters: Sequence[Filter], at: datetime) -> None:
        environments = in_order(environments)
        self.access = access
        self.grants = grants(access)
        places = [Match(hosts=destination_hosts(one), services=destination_services(one)) for one in access.destinations]
        own = own_needs(environments, filters)
        path = [*filters, *(one.stand_in() for one in missing_gates(access, filters))]
        self.space = Space(access, environments, path, [*(one.match for one in self.grants), *own, *places], (), at)
        self.boxes: list[Box] = [self.space.add(one) for one in places]
        gates = {name: tuple(zone.gates) for name, zone in access.zones.items()}
        self.sweep = Sweep(self.space, path, [one.match for one in self.grants], own, gates, self.boxes)
        self.callers = _Callers(access, self.space.subjects.all)
        size = (len(self.callers.all), len(self.boxes))
        self.seen: list[_Seen] = []
        self.best = {one: np.full(size, _FAR, dtype=np.int16) for one in ASPECTS}
        self.chosen = {one: np.full(size, NONE, dtype=np.int32) for one in ASPECTS}
        self.atoms = {one: np.full(size, NONE, dtype=np.int32) for one in ASPECTS}
        self.faults = {one: np.zeros(size, dtype=bool) for one in FAULTS}

    def evidence(self) -> Evidence:
        """Sweeps, then walks the paths of the points that cells show."""
        held = np.array([_holds(self.space, box) for box in self.boxes], dtype=bool).reshape(len(self.boxes), -1)
        only = np.flatnonzero(held.any(axis=0)).tolist()
        for group in self.sweep.groups(only=only):
            self._add(group, np.flatnonzero(held[:, group.number]).tolist())
        return self._interned()

    # --- one class of hosts

    def _add(self, group: Group, here: Sequence[int]) -> None:
        known = group.considered
        if group.named is not None:
            # Whether a name that no rule knows gets through, its addresses tell; that it does not, is known.
            known = known & (group.declared | group.named | ~group.possible)
        table = self.callers.of(group.local.who)
        refusals = np.zeros(group.local.shape, dtype=np.int16)
        for refused in group.by_gate.values():
            refusals += refused
        # Of what the same number of gates refuses: rather what passes for certain, than what may, than what does not.
        rank = refusals * 4 + np.where(group.definite, 0, np.where(group.possible, 1, 2)).astype(np.int16)
        for number in here:
            points = known & group.local.service.rows[self.boxes[number].services][:, None, None]
            undeclared = points & ~group.declared & ~group.own
            declared = points & group.declared & ~group.own
            self._note(Aspect.PASSES, group, number, table, points & group.declared & group.definite)
            self._note(Aspect.LOST, group, number, table, declared & ~group.possible)
            self._note(Aspect.DOUBTFUL, group, number, table, declared & group.possible & ~group.definite)
            self._note(Aspect.UNDECLARED, group, number, table, undeclared, rank)
            self._note(Aspect.OWN, group, number, table, points & group.own & ~group.declared)
            extra = undeclared & group.possible
            surely = extra & group.definite & ~group.perhaps_declared
            doubtful = (extra & ~surely) | (declared & group.possible & ~group.definite)
            for fault, mask in zip(FAULTS, (surely, declared & ~group.possible, doubtful), strict=True):
                if mask.any():
                    self.faults[fault][:, number] |= (table != NONE) @ mask.any(axis=(1, 2, 3))

    def _note(
        self, aspect: Aspect, group: Group, number: int, table: Numbers, mask: Bools, rank: NDArray[np.int16] | None = None
    ) -> None:
        """Keeps the best point of a mask for each caller, if it is better than what is known: of equals the earliest."""
        if not mask.any():
            return
        ranks = np.where(mask, 0 if rank is None else rank, _FAR).astype(np.int16)
        flat = ranks.transpose(0, 3, 1, 2).reshape(len(ranks), -1)
        place = flat.argmin(axis=1)
        score = flat[np.arange(len(flat)), place]
        by_caller = np.where(table != NONE, score, np.int16(_FAR))
        classes = by_caller.argmin(axis=1)
        value = by_caller[np.arange(len(classes)), classes]
        better = value < self.best[aspect][:, number]
        for which in np.unique(classes[better]):
            callers = np.flatnonzero(better & (classes == which))
            self.best[aspect][callers, number] = value[callers]
            self.atoms[aspect][callers, number] = table[callers, which]
            self.chosen[aspect][callers, number] = len(self.seen)
            self.seen.append(self._seen(aspect, group, int(which), int(place[which]), int(table[callers[0], which])))

    def _seen(self, aspect: Aspect, group: Group, who: int, place: int, atom: int) -> _Seen:
        local = group.local
        _, services, operations, times = local.shape
        time, service, operation = np.unravel_index(place, (times, services, operations))
        minute, running = local.time.starts[time]
        point = Point(
            atom,
            group.number,
            int(local.service.first[service]),
            int(local.operation.first[operation]),
            minute,
            int(local.time.classes[time]),
            running,
        )
        names: Iterator[str] = iter(())
        if aspect not in (Aspect.UNDECLARED, Aspect.OWN):
            names = (self.grants[each].route.name for each, found in group.grants if found[who, service, operation, time])
        return _Seen(aspect, point, group.place.zone, tuple(dict.fromkeys(names)))

    # --- everything once

    def _interned(self) -> Evidence:
        paths = _Paths(self.space, self.sweep)
        numbers: dict[int, int] = {}
        samples: list[Sample] = []
        for aspect in ASPECTS:
            for number, places in _places(self.chosen[aspect]):
                numbers[number] = len(samples)
                samples.append(paths.sample(self.seen[number]))
                if any(row.trace for row in paths.rows_of(samples[-1].path)):
                    samples += self._apart(aspect, number, places, paths, numbers)
        entries, cells = self._cells(numbers)
        speakers, speaking = self._speakers()
        return Evidence(
            callers=self.callers.all,
            destinations=tuple(one.name for one in self.access.destinations),
            entries=entries,
            cells=cells,
            speakers=speakers,
            speaking=speaking,
            samples=tuple(samples),
            paths=tuple(paths.all),
            rows=tuple(paths.rows),
        )

    def _apart(self, aspect: Aspect, number: int, places: Numbers, paths: "_Paths", numbers: dict[int, int]) -> Iterator[Sample]:
        """Samples of their own for callers whom the same rules hold by other entries of their fields."""
        seen, atoms, chosen = self.seen[number], self.atoms[aspect].ravel(), self.chosen[aspect].ravel()
        looks = {self._look(seen.point.subject): number}
        ways = {paths.sample(seen).path: number}
        count = max(numbers.values()) + 1
        for place in places.tolist():
            atom = int(atoms[place])
            found = looks.get(self._look(atom))
            if found is None:
                other = replace(seen, point=replace(seen.point, subject=atom))
                sample = paths.sample(other)
                found = ways.get(sample.path)
                if found is None:
                    found = ways[sample.path] = len(self.seen)
                    self.seen.append(other)
                    numbers[found] = count
                    count += 1
                    yield sample
                looks[self._look(atom)] = found
            chosen[place] = found

    def _look(self, atom: int) -> tuple[object, ...]:
        """All that a rule's entries can tell of a caller."""
        one = self.space.subjects.all[atom]
        return one.environment, one.cell, one.group, one.principals

    def _cells(self, numbers: Mapping[int, int]) -> tuple[tuple[Entry, ...], Numbers]:
        depth = self.best[Aspect.UNDECLARED] // 4
        parts = [*(self.chosen[one] for one in ASPECTS), *(self.faults[one] for one in FAULTS), depth]
        size = depth.shape
        table = np.stack(parts, axis=-1).astype(np.int32).reshape(-1, len(parts))
        distinct, inverse = np.unique(table, axis=0, return_inverse=True)
        entries: dict[Entry, int] = {}
        lookup = np.zeros(len(distinct), dtype=np.int32)
        middle = len(ASPECTS)
        for place, row in enumerate(distinct.tolist()):
            entry = _entry(row[:middle], row[middle:-1], row[-1], numbers)
            lookup[place] = entries.setdefault(entry, len(entries))
        return tuple(entries), lookup[inverse.ravel()].reshape(size)

    def _speakers(self) -> tuple[tuple[tuple[str, str, str], ...], Numbers]:
        """Who can be a witness, and who is, in each cell and aspect."""
        atoms = np.stack([self.atoms[one] for one in ASPECTS], axis=-1)
        found: dict[tuple[str, str, str], int] = {}
        lookup = np.full(len(self.space.subjects.all) + 1, NONE, dtype=np.int32)
        used = [int(atom) for atom in np.unique(atoms) if atom != NONE]
        for atom in used:
            seen = witness(self.space, Point(atom, 0, 0, 0, 0, 0, frozenset()))
            lookup[atom] = found.setdefault((seen.task, seen.source, seen.timezone), len(found))
        return tuple(found), lookup[atoms]


class _Paths:
    """Paths and their rows, each once."""

    def __init__(self, space: Space, sweep: Sweep) -> None:
        self._space, self._sweep = space, sweep
        self.rows: list[Row] = []
        self.all: dict[tuple[int, ...], int] = {}
        self._list: list[tuple[int, ...]] = []
        self._numbers: dict[tuple[object, ...], int] = {}

    def sample(self, seen: _Seen) -> Sample:
        """Walks a point's path."""
        rows = walk(self._space, self._sweep.path(seen.zone), seen.point, elsewhere=False)
        way = tuple(map(self._number, rows))
        path = self.all.setdefault(way, len(self.all))
        if path == len(self._list):
            self._list.append(way)
        refusing = dict.fromkeys(row.gate for row in rows if row.outcome is Outcome.DENY)
        unknown = any(row.outcome is Outcome.UNKNOWN for row in rows)
        outcome = Outcome.DENY if refusing else Outcome.UNKNOWN if unknown else Outcome.ALLOW
        return Sample(seen.aspect, outcome, tuple(refusing), witness(self._space, seen.point), path, seen.routes)

    def rows_of(self, path: int) -> list[Row]:
        """The rows of a path, by its number."""
        return [self.rows[number] for number in self._list[path]]

    def _number(self, row: Row) -> int:
        key = (id(row.filter), row.outcome, id(row.rule), row.why, row.trace)
        number = self._numbers.setdefault(key, len(self.rows))
        if number == len(self.rows):
            self.rows.append(row)
        return number


def _places(chosen: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Each number in a table but NONE, with the flat places where it stands."""
    flat = chosen.ravel()
    order = np.argsort(flat, kind="stable").astype(np.int32)
    for places in np.split(order, np.flatnonzero(np.diff(flat[order])) + 1):
        if len(places) and flat[places[0]] != NONE:
            yield int(flat[places[0]]), places


def _entry(chosen: Sequence[int], faults: Sequence[int], depth: int, numbers: Mapping[int, int]) -> Entry:
    has = {aspect: number != NONE for aspect, number in zip(ASPECTS, chosen, strict=True)}
    wrong = tuple(fault for fault, found in zip(FAULTS, faults, strict=True) if found)
    if wrong:
        standing = wrong[0]
    elif has[Aspect.PASSES]:
        standing = Standing.PART if has[Aspect.UNDECLARED] else Standing.DECLARED
    elif has[Aspect.UNDECLARED]:
        standing = Standing.REFUSED
    else:
        standing = Standing.NO_PATH
    samples = tuple(numbers[number] for number in chosen if number != NONE)
    return Entry(standing, wrong, depth if has[Aspect.UNDECLARED] else None, samples)


def _holds(space: Space, box: Box) -> Bools:
    """Which classes of hosts surely lie in a box."""
    held: Bools = space.places.row(box.hosts) & 3 == SURE
    return held
