"""What `reach` finds, from class to class of hosts, and how it is put together: one row for what a person reads as one thing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ...access.model import Access
from ..atoms.instants import Bools, unique_columns
from ..atoms.places import SURE
from ..atoms.space import Box, Cut, Space
from ..atoms.subjects import Subject
from ..declared import Grant
from ..engine.group import Group
from ..engine.sweep import Sweep
from ..engine.walk import Point, walk, witness
from ..filters import HttpOperation
from ..sets import Hosts, Services
from .exposure import Caller, CallerKind, Reached, Right
from .moments import Key, Moments
from .regions import Regions

_RIGHTS = list(Right)
_KINDS = list(CallerKind)


class _What(NamedTuple):
    """Everything but who and where exactly: what is the same in a row."""

    destination: tuple[str, ...]
    """Declared ones; empty: in none."""
    zone: str | None
    right: Right
    certain: bool
    routes: tuple[str, ...]
    gates: tuple[str, ...]
    services: Services
    operations: frozenset[int]
    when: Key


class _Who(NamedTuple):
    """A caller as far as rows tell callers apart; `dag` where windows on its runs do."""

    name: str
    kind: CallerKind
    environment: str | None
    dag: str | None
    family: int


@dataclass
class _Where:
    """The hosts that one caller reaches, by its source: subject → classes of hosts; and the first point that was met."""

    point: Point
    by_atom: dict[int, set[int]] = field(default_factory=dict)


class Gathering:
    """Collects what is let through, group by group."""

    def __init__(
        self,
        access: Access,
        space: Space,
        sweep: Sweep,
        granted: Sequence[Grant],
        destinations: Sequence[Box],
        regions: Regions,
        moments: Moments,
    ) -> None:
        self._access, self._space, self._sweep, self._grants = access, space, sweep, granted
        self._destinations, self._regions, self._moments = destinations, regions, moments
        self._hosts = np.array([box.hosts for box in destinations], dtype=np.intp)
        self._found: dict[_What, dict[_Who, _Where]] = {}
        self._atoms: dict[_Who, set[int]] = {}
        self._identities = [_identity(one) for one in space.subjects.all]
        self._services: dict[int, tuple[Cut, list[Services]]] = {}
        self._asked_atoms: set[int] = set()
        self._members: dict[str, set[int]] = {}

    # --- group by group

    def add(self, group: Group, asked: Bools) -> None:
        """Takes in the points of a group that are asked about and may get through."""
        points = asked & group.possible
        self._asked_atoms |= self._atoms_of(group, np.asarray(asked.any(axis=(1, 2, 3))))
        if group.named is not None:
            # What happens to a name that no rule knows, its addresses tell.
            points &= group.declared | group.named
        if not points.any():
            return
        layers = _Layers(group, points)
        for who in np.flatnonzero(points.any(axis=(1, 2, 3))).tolist():
            for signature, mask in layers.parts(who, points[who]):
                for names, part in self._by_destination(group, mask):
                    self._note(group, who, layers, signature, names, part)

    def _atoms_of(self, group: Group, classes: Bools) -> set[int]:
        return set(np.flatnonzero(classes[group.local.who.inverse]).tolist())

    def _by_destination(self, group: Group, mask: Bools) -> Iterator[tuple[tuple[str, ...], Bools]]:
        """Splits (services, operations, times) by the destinations that declare the service; of none, those with the host."""
        names = self._access.destinations
        column = self._space.places.column(group.number)
        here = np.flatnonzero(column[self._hosts] & 3 == SURE).tolist()
        rows = {number: group.local.service.rows[self._destinations[number].services] for number in here}
        found: dict[tuple[str, ...], list[int]] = {}
        for service in np.flatnonzero(mask.any(axis=(1, 2))).tolist():
            mine = [number for number in here if rows[number][service]] or here
            found.setdefault(tuple(names[number].name for number in mine), []).append(service)
        for key, services in found.items():
            part = np.zeros_like(mask)
            part[services] = mask[services]
            yield key, part

    def _note(self, group: Group, who: int, layers: "_Layers", signature: Bools, names: tuple[str, ...], part: Bools) -> None:
        local = group.local
        right, certain = layers.right(signature)
        routes = tuple(dict.fromkeys(self._grants[number].route.name for number in layers.granted(signature)))
        gates = layers.gates(signature)
        by_identity: dict[_Who, list[int]] = {}
        for atom in np.flatnonzero(local.who.inverse == who).tolist():
            by_identity.setdefault(self._identities[atom], []).append(atom)
        for identity, atoms in by_identity.items():
            for services, operations, when in self._blocks(group, part, identity.dag):
                what = _What(
                    names, None if names else group.place.zone, right, certain, routes, gates, services, operations, when
                )
                where = self._found.setdefault(what, {}).get(identity)
                if where is None:
                    where = self._found[what][identity] = _Where(_point(group, atoms[0], part))
                for atom in atoms:
                    where.by_atom.setdefault(atom, set()).add(group.number)

    def _blocks(self, group: Group, part: Bools, dag: str | None) -> Iterator[tuple[Services, frozenset[int], Key]]:
        """(Services, operations) × times as the fewest products: services with the same requests at the same times are one."""
        local = group.local
        meaning = self._meaning(local.service)
        by_service: dict[frozenset[tuple[frozenset[int], Key]], list[Services]] = {}
        for service in np.flatnonzero(part.any(axis=(1, 2))).tolist():
            by_time: dict[Key, set[int]] = {}
            for operation in np.flatnonzero(part[service].any(axis=1)).tolist():
                key = self._moments.key(local.time, part[service, operation], dag)
                by_time.setdefault(key, set()).update(np.flatnonzero(local.operation.inverse == operation).tolist())
            requests = frozenset((frozenset(operations), key) for key, operations in by_time.items())
            by_service.setdefault(requests, []).append(meaning[service])
        for requests, services in by_service.items():
            for operations, key in requests:
                yield Services.union(services), operations, key

    def _meaning(self, cut: Cut) -> list[Services]:
        """The services in each class of a cut."""
        known = self._services.get(id(cut))
        if known is None:
            cells = self._space.cells
            found = [
                self._regions.services(cells[atom] for atom in np.flatnonzero(cut.inverse == one).tolist())
                for one in range(len(cut.first))
            ]
            known = self._services[id(cut)] = (cut, found)
        return known[1]

    # --- put together

    def rows(self) -> tuple[Reached, ...]:
        """All rows, in the order in which a person reads them."""
        for atom in self._asked_atoms:
            self._atoms.setdefault(self._identities[atom], set()).add(atom)
        together: dict[tuple[_What, Hosts, bool], tuple[list[Caller], Point]] = {}
        for what, callers in self._found.items():
            for caller, places, point in self._callers(callers):
                hosts = self._regions.hosts(self._space.places.all[number] for number in sorted(places))
                key = (what, hosts, self._is_whole(what, places))
                together.setdefault(key, ([], point))[0].append(caller)
        rows = [self._row(*key, callers, point) for key, (callers, point) in together.items()]
        return tuple(sorted(rows, key=self._place_in_order))

    def _callers(self, found: dict[_Who, _Where]) -> Iterator[tuple[Caller, frozenset[int], Point]]:
        """Each caller with the classes of hosts that it reaches: whole callers, of both families, where that is the same."""
        whole: dict[_Who, dict[_Who, frozenset[int]]] = {}
        for who, where in found.items():
            by_places: dict[frozenset[int], list[int]] = {}
            for atom, places in where.by_atom.items():
                by_places.setdefault(frozenset(places), []).append(atom)
            for reached, atoms in by_places.items():
                if set(atoms) == self._atoms[who]:
                    whole.setdefault(who._replace(family=0), {})[who] = reached
                else:
                    yield self._caller(who, self._sources(atoms)), reached, replace(where.point, subject=atoms[0])
        alike: dict[tuple[_Who, frozenset[int]], list[_Who]] = {}
        for who, parts in whole.items():
            if self._same_names(who, parts):
                alike.setdefault((who._replace(dag=None), frozenset().union(*parts.values())), []).append(who)
            else:
                for one, reached in parts.items():
                    yield self._caller(one, self._sources(self._atoms[one])), reached, found[one].point
        for (plain, reached), several in alike.items():
            every = {one.dag for one in self._atoms if one[:3] == plain[:3]}
            for who in [plain] if {one.dag for one in several} == every else several:
                caller = Caller(plain.name, plain.kind, plain.environment, None) if who is plain else self._caller(who, None)
                first = several[0] if who is plain else who
                yield caller, reached, found[next(iter(whole[first]))].point

    def _same_names(self, who: _Who, parts: dict[_Who, frozenset[int]]) -> bool:
        """Whether callers of both families reach the same names: of an address, its family says who does."""
        every = self._space.places.all
        families = [who._replace(family=family) for family in (4, 6) if who._replace(family=family) in self._atoms]
        return len({frozenset(every[number].name for number in parts.get(one, ())) - {None} for one in families}) == 1

    def _sources(self, atoms: Iterable[int]) -> Hosts:
        subjects = self._space.subjects.all
        return self._regions.sources((subjects[atom].family, subjects[atom].address) for atom in atoms)

    def _caller(self, who: _Who, sources: Hosts | None) -> Caller:
        others = {one.dag for one in self._atoms if one[:3] == who[:3]}
        rest = f", but for DAG {', '.join(sorted(filter(None, others)))}"
        which = "" if len(others) < 2 else f", DAG {who.dag}" if who.dag else rest
        return Caller(who.name + which, who.kind, who.environment, sources)

    def _is_whole(self, what: _What, places: Iterable[int]) -> bool:
        """Whether these are all hosts of the destination in the families in question; its addresses, where it has some."""
        every = self._space.places.all
        mine = set(places)
        families = {every[number].family for number in mine}
        for name in what.destination:
            if name not in self._members:
                number = [one.name for one in self._access.destinations].index(name)
                row = self._space.places.row(self._destinations[number].hosts)
                self._members[name] = set(np.flatnonzero(row & 3 == SURE).tolist())
        theirs = set.intersection(*(self._members[name] for name in what.destination)) if what.destination else set()
        theirs = {number for number in theirs if every[number].family in families}
        addresses = {number for number in theirs if every[number].name is None}
        return bool(theirs) and (addresses or theirs) <= mine

    def _row(self, what: _What, hosts: Hosts, whole: bool, callers: list[Caller], point: Point) -> Reached:
        zone = self._space.places.all[point.place].zone
        where = " + ".join(what.destination) or (f"elsewhere in {what.zone}" if what.zone else "hosts outside of every zone")
        return Reached(
            callers=tuple(sorted(callers, key=self._rank)),
            destination=where,
            named=bool(what.destination),
            hosts=hosts,
            whole=whole,
            services=what.services,
            operations=self._requests(what.operations),
            when=self._moments.when(what.when),
            right=what.right,
            routes=what.routes,
            certain=what.certain,
            gates=what.gates,
            witness=witness(self._space, point),
            path=walk(self._space, self._sweep.path(zone), point),
        )

    def _requests(self, operations: frozenset[int]) -> tuple[HttpOperation | None, ...]:
        every = self._space.requests
        return () if len(operations) == len(every) else tuple(every[number] for number in sorted(operations))

    # --- in order

    def _rank(self, caller: Caller) -> tuple[int, int, str, str]:
        order = [one.name for one in self._access.principals]
        first = caller.name.partition(" + ")[0].partition(",")[0]
        return (
            _KINDS.index(caller.kind),
            order.index(first) if first in order else len(order),
            caller.environment or "",
            caller.name,
        )

    def _place_in_order(self, row: Reached) -> tuple[object, ...]:
        order = [one.name for one in self._access.destinations] + [f"elsewhere in {name}" for name in self._access.zones]
        first = row.destination.partition(" + ")[0]
        return (
            order.index(first) if first in order else len(order),
            row.destination,
            _RIGHTS.index(row.right),
            not row.certain,
            self._rank(row.callers[0]),
            row.routes,
            row.services.cells.spans,
            row.when.text,
            str(row.witness),
            str(row.hosts),
        )


class _Layers:
    """What is said about the points of a group, as one stack of layers: points with the same column are alike."""

    def __init__(self, group: Group, points: Bools) -> None:
        shape = group.local.shape
        self._grants = [(number, mask) for number, mask in group.grants if (mask & points).any()]
        self._gates = [one.reader.filter.gate for one in group.path]
        fixed = [group.definite, group.declared, group.own, group.perhaps_declared]
        layers = [*fixed, *(mask for _, mask in self._grants), *(one.inscope for one in group.path)]
        self._layers = np.stack([np.broadcast_to(one, shape) for one in layers])

    def parts(self, who: int, points: Bools) -> Iterator[tuple[Bools, Bools]]:
        """Splits one caller's points (services × operations × times) by what is said about them: (column, points)."""
        cells = np.flatnonzero(points)
        columns = self._layers[:, who].reshape(len(self._layers), -1)[:, cells]
        first, which = unique_columns(columns)
        for number, place in enumerate(first.tolist()):
            mask = np.zeros(points.size, dtype=bool)
            mask[cells[which == number]] = True
            yield columns[:, place], mask.reshape(points.shape)

    def right(self, column: Bools) -> tuple[Right, bool]:
        """By what right, and whether surely."""
        definite, declared, own, perhaps = (bool(one) for one in column[:4])
        right = Right.ROUTE if declared else Right.OWN if own else Right.UNCLEAR if perhaps else Right.EXCESS
        return right, definite

    def granted(self, column: Bools) -> Iterator[int]:
        """The numbers of the grants that declare it."""
        for (number, _), held in zip(self._grants, column[4:], strict=False):
            if held:
                yield number

    def gates(self, column: Bools) -> tuple[str, ...]:
        """The gates whose filters it passes, in order."""
        passed = zip(self._gates, column[4 + len(self._grants) :], strict=True)
        return tuple(dict.fromkeys(gate for gate, held in passed if held))


def _identity(one: Subject) -> _Who:
    if one.environment is not None:
        kind = CallerKind.TASKS if one.principals else CallerKind.OTHER
    else:
        kind = CallerKind.PEOPLE if one.principals else CallerKind.OUTSIDE
    return _Who(one.label, kind, one.environment, one.dag, one.family)


def _point(group: Group, atom: int, part: Bools) -> Point:
    """The first point of (services, operations, times) for a caller."""
    local = group.local
    time, service, operation = np.argwhere(part.transpose(2, 0, 1))[0].tolist()
    minute, running = local.time.starts[time]
    return Point(
        atom,
        group.number,
        int(local.service.first[service]),
        int(local.operation.first[operation]),
        minute,
        int(local.time.classes[time]),
        running,
    )
