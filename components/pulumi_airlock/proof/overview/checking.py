"""Which gates make which check on the paths of routes, and where a check has no owner, or more than one.

Told by what the gates decide, not by how they are written: a gate checks who a person is where two people at one address, in
different groups, fare differently. What is written only says where to look. O(destinations × gates that look at such things).
"""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...access.model import Access
from ..atoms.instants import Bools
from ..atoms.places import SURE
from ..atoms.space import Box, Space
from ..atoms.subjects import Subject
from ..checks import Check, Fault, Owned, Owner
from ..declared import Grant
from ..engine.group import Local, Verdict
from ..engine.lanes import Numbers
from ..engine.reader import Reader
from ..engine.sweep import Sweep
from ..filters import Rule, Source
from ..wording import listed

PEOPLE, TASKS = "people", "tasks"

_WORDS = {
    (Check.PERSON, PEOPLE): "who a person is",
    (Check.REQUEST, PEOPLE): "which requests people's connections carry",
    (Check.REQUEST, TASKS): "which requests tasks send",
    (Check.TASK, TASKS): "which task it is",
    (Check.CALLER, TASKS): "who is calling",
}


@dataclass(frozen=True)
class _Path:
    """A destination, for one kind of caller, and what its routes need."""

    number: int
    zone: str
    callers: str
    limited: bool
    """Whether a route restricts requests."""


class Checks:
    """All checks of a proof."""

    def __init__(
        self,
        access: Access,
        space: Space,
        sweep: Sweep,
        grants: Sequence[Grant],
        destinations: Sequence[Box],
        doubtful: frozenset[int],
        only: Collection[int] | None = None,
    ) -> None:
        """`doubtful`: the classes of hosts where something undeclared may be let through: elsewhere, no check is missing.

        `only`: of these destinations; None: of all.
        """
        self._access, self._space, self._sweep = access, space, sweep
        self._boxes, self._doubtful = destinations, doubtful
        self._numbers = range(len(access.destinations)) if only is None else sorted(only)
        self._paths = [one for one in self._declared(grants) if one.number in self._numbers]
        self._readers = [_Reads.of(one) for one in sweep.readers]
        self._known: dict[tuple[Check, int, str], tuple[Numbers, Numbers]] = {}
        self._on_the_way: dict[tuple[str, Check], list[_Reads]] = {}

    def all(self) -> tuple[Owned, ...]:
        """Those with a fault first; each once for all destinations of a zone that have the same owners."""
        found: dict[tuple[object, ...], list[Owned]] = {}
        for one in (*self._unseen(), *(each for path in self._paths for each in self._of(path))):
            gates = tuple(owner.gate for owner in one.owners)
            rules = tuple(owner.rule for owner in one.owners) if one.fault is Fault.UNSEEN else ()
            found.setdefault((one.check, one.callers, one.zone, one.fault, gates, rules), []).append(one)
        every = [_together(same) for same in found.values()]
        return tuple(sorted(every, key=lambda one: (one.fault is None, one.message)))

    def _declared(self, grants: Sequence[Grant]) -> Iterator[_Path]:
        numbers = {one.name: number for number, one in enumerate(self._access.destinations)}
        people = {one.name for one in self._access.principals if one.is_people}
        limited: dict[tuple[int, str], bool] = {}
        for one in grants:
            for name in one.route.from_:
                key = numbers[one.destination.name], PEOPLE if name in people else TASKS
                limited[key] = limited.get(key, False) or one.match.operations is not None
        for (number, callers), restricted in sorted(limited.items()):
            yield _Path(number, self._access.destinations[number].zone, callers, restricted)

    # --- one destination

    def _of(self, path: _Path) -> Iterator[Owned]:
        box = self._boxes[path.number]
        places: list[int] = np.flatnonzero(self._space.places.row(box.hosts) & 3 == SURE).tolist()
        gates = list(dict.fromkeys(one.filter.gate for one in self._sweep.path(path.zone)))
        missing = set(self._missing(path, [one for one in places if one in self._doubtful]))
        for check, owners in self._owners(path, places, gates).items():
            if check in missing:
                yield self._owned(path, check, {}, Fault.NOBODY)
            elif owners:
                yield self._owned(path, check, owners, Fault.SEVERAL if len(owners) > 1 else None)
        if Check.CALLER in missing:
            yield self._owned(path, Check.CALLER, {}, Fault.NOBODY)

    def _owners(self, path: _Path, places: Sequence[int], gates: Sequence[str]) -> dict[Check, dict[str, Source]]:
        """Gate → the rule by which it makes each check: where several look as if they did, only those that do.

        Which requests a group may send is part of checking people: whoever does that is no owner of requests beside it.
        """
        who = Check.PERSON if path.callers == PEOPLE else Check.TASK
        found = {check: self._written(path, places, check, gates) for check in (who, Check.REQUEST)}
        if len({gate for owners in found.values() for gate in owners}) > 1:
            found = {check: self._deciding(path, check, owners, places) for check, owners in found.items()}
        if who is Check.PERSON:
            found[Check.REQUEST] = {gate: rule for gate, rule in found[Check.REQUEST].items() if gate not in found[who]}
        return found

    def _deciding(self, path: _Path, check: Check, found: dict[str, Source], places: Sequence[int]) -> dict[str, Source]:
        box, readers = self._boxes[path.number], self._sweep.path(path.zone)

        def makes(gate: str) -> bool:
            mine = [one for one in readers if one.filter.gate == gate]
            return any(
                self._tells(*self._sweep.alone(place, mine, [box]), self._space.places.all[place].family, path, check)
                for place in places
            )

        return {gate: rule for gate, rule in found.items() if makes(gate)}

    def _tells(self, local: Local, verdicts: Sequence[Verdict], family: int, path: _Path, check: Check) -> bool:
        """Whether a gate's filters tell apart what the check is about: two that differ in nothing else."""
        fares = _Fares(local, verdicts, self._boxes[path.number])
        if check is Check.REQUEST:
            return fares.differ_by_request(*self._alike(Check.REQUEST, family, path.callers))
        return fares.differ(*self._alike(check, family, path.callers))

    def _alike(self, check: Check, family: int, callers: str) -> tuple[Numbers, Numbers]:
        """Callers that a check is about, by their numbers: lots of those that have all else in common; and where each begins."""
        key = check, family, callers
        if key not in self._known:
            lots: dict[Hashable, list[int]] = {}
            for number, one in enumerate(self._space.subjects.all):
                if one.family == family and (rest := _all_else(check, callers, one)) is not None:
                    lots.setdefault(rest, []).append(number)
            begins = np.cumsum([0, *(len(one) for one in lots.values())], dtype=np.intp)[:-1]
            self._known[key] = np.array([each for one in lots.values() for each in one], dtype=np.intp), begins
        return self._known[key]

    def _written(self, path: _Path, places: Sequence[int], check: Check, gates: Sequence[str]) -> dict[str, Source]:
        """Gate → the first of its rules on the way that looks at what the check is about."""
        found: dict[str, Source] = {}
        for reads in self._looking(path.zone, check):
            gate = reads.reader.filter.gate
            if gate not in found:
                rule = self._first(reads, path, places, check)
                if rule is not None:
                    found[gate] = rule.source
        return {gate: found[gate] for gate in gates if gate in found}

    def _looking(self, zone: str, check: Check) -> list["_Reads"]:
        """The filters on the way to a zone that have rules about a check: few of many."""
        key = zone, check
        if key not in self._on_the_way:
            found = (self._readers[one.number] for one in self._sweep.path(zone))
            self._on_the_way[key] = [one for one in found if one.looking[check]]
        return self._on_the_way[key]

    def _first(self, reads: "_Reads", path: _Path, places: Sequence[int], check: Check) -> Rule | None:
        services = self._space.services_of(self._boxes[path.number].services)
        reader, looking = reads.reader, reads.looking[check]
        held = {each for place in places for each in reader.places(self._space.places.holding(place)).tolist()}
        for number in sorted(held & looking):
            box = reader.boxes[number]
            rule: Rule = reader.filter.rules[reader.order[number]]
            if self._means(box.who, path.callers) and rule.match.services & services:
                return rule
        return None

    def _means(self, who: int, callers: str) -> bool:
        """Whether a rule can be about people, or about tasks."""
        return bool((self._space.who.table[who] & self._kinds[callers]).any())

    @cached_property
    def _kinds(self) -> Mapping[str, Bools]:
        tasks = self._space.who.table[self._space.is_task]
        return {TASKS: tasks, PEOPLE: np.array([bool(one.group) for one in self._space.subjects.all], dtype=bool)}

    # --- what nobody checks

    def _missing(self, path: _Path, places: Sequence[int]) -> Iterator[Check]:
        """The checks that no gate makes, and that would have kept somebody out."""
        services = self._boxes[path.number].services
        for group in self._sweep.groups(only=places, path_alone=True):
            let: Bools = group.undeclared & group.possible & ~group.perhaps_declared
            let = let & group.local.service.rows[services][:, None, None]
            task = group.local.who.rows[self._space.is_task][:, None, None, None]
            mine = let & (task if path.callers == TASKS else ~task)
            needed = {
                Check.PERSON: mine if path.callers == PEOPLE else None,
                Check.CALLER: let if path.callers == TASKS else None,
                Check.REQUEST: mine & group.declared.any(axis=2, keepdims=True) if path.limited else None,
            }
            gates: dict[str, list[Verdict]] = {}
            for verdict in group.path:
                gates.setdefault(verdict.reader.filter.gate, []).append(verdict)
            for check, points in needed.items():
                if points is None or not points.any():
                    continue
                if not any(self._tells(group.local, mine, group.place.family, path, check) for mine in gates.values()):
                    yield check

    # --- what a gate cannot see

    def _unseen(self) -> Iterator[Owned]:
        for reader in self._sweep.readers:
            for rule in reader.filter.rules:
                if rule.unseen:
                    owner = Owner(reader.filter.gate, rule.source)
                    held = self._space.places.row(self._space.add(rule.match).hosts) & 3 == SURE
                    names = tuple(
                        self._access.destinations[number].name
                        for number in self._numbers
                        if (held & (self._space.places.row(self._boxes[number].hosts) & 3 == SURE)).any()
                    )
                    if not names and len(self._numbers) < len(self._access.destinations):
                        continue
                    message = f"{rule.source} at {owner.gate} cannot see which requests are sent: {listed(rule.unseen)}"
                    yield Owned(Check.REQUEST, "", "", names, (owner,), Fault.UNSEEN, message)

    # --- in words

    def _owned(self, path: _Path, check: Check, owners: Mapping[str, Source], fault: Fault | None) -> Owned:
        found = tuple(Owner(gate, rule) for gate, rule in owners.items())
        name = self._access.destinations[path.number].name
        return Owned(check, path.callers, path.zone, (name,), found, fault, listed(self._access.zones[path.zone].gates))


def _together(same: Sequence[Owned]) -> Owned:
    """One for all destinations; the message, so far the gates of the zone, in words."""
    first = same[0]
    names = tuple(dict.fromkeys(name for one in same for name in one.destinations))
    if first.fault is Fault.UNSEEN:
        return Owned(first.check, "", "", names, first.owners, first.fault, first.message)
    what, where = _WORDS[first.check, first.callers], f"on the way of {first.callers} to {listed(names)}"
    by = listed(f"{one.gate} ({one.rule})" for one in first.owners)
    if first.fault is Fault.NOBODY:
        path = f" ({first.message})" if first.message else ", where no gate stands"
        message = f"nobody checks {what} {where}{path}"
    elif first.fault is Fault.SEVERAL:
        message = f"{len(first.owners)} gates check {what} {where}: {by}; leave it to one of them"
    else:
        message = f"{first.owners[0].gate} checks {what} {where}"
    return Owned(first.check, first.callers, first.zone, names, first.owners, first.fault, message)


@dataclass(frozen=True)
class _Reads:
    """Which rules of a filter look at what a check is about; by their places in the reader's order."""

    reader: Reader
    looking: Mapping[Check, frozenset[int]]

    @classmethod
    def of(cls, reader: Reader) -> "_Reads":
        tests: Mapping[Check, tuple[str, Callable[[Rule], bool]]] = {
            Check.PERSON: ("group", lambda rule: rule.match.who.groups is not None),
            Check.TASK: ("principal", lambda rule: rule.match.who.principals is not None or rule.match.who.tasks is not None),
            Check.REQUEST: ("operation", lambda rule: rule.match.operations is not None and not rule.unseen),
        }
        rules = reader.filter.rules
        looking = {
            check: [place for place, number in enumerate(reader.order) if looks(rules[number])] if name in reader.sees else []
            for check, (name, looks) in tests.items()
        }
        return cls(reader, {check: frozenset(found) for check, found in looking.items()})


class _Fares:
    """What the filters of one gate may do with everybody at one class of hosts, on a destination's ports."""

    def __init__(self, local: Local, verdicts: Sequence[Verdict], destination: Box) -> None:
        self._local = local
        passing, denied = np.ones(local.shape, dtype=bool), np.zeros(local.shape, dtype=bool)
        for one in verdicts:
            passing &= one.allow | ~one.inscope
            denied |= one.deny
        self._ports = np.flatnonzero(local.service.rows[destination.services])
        self._found: Bools = np.stack([passing, denied])[:, :, self._ports]
        """Shape (2, subjects, services, operations, times)."""

    def differ(self, subjects: Numbers, begins: Numbers) -> bool:
        """Whether two callers of one lot fare differently, while all of them exist: while every DAG runs. O(callers)."""
        if not len(subjects):
            return False
        classes = self._local.who.inverse[subjects]
        used = _distinct(classes)
        always = np.asarray(self._local.exists[used].all(axis=(0, 1, 2)))
        rows = self._found[:, used][..., always].swapaxes(0, 1).reshape(len(used), -1)
        fates: dict[bytes, int] = {}
        fate = np.zeros(len(self._local.who.first), dtype=np.intp)
        fate[used] = [fates.setdefault(row.tobytes(), len(fates)) for row in np.packbits(rows, axis=1)]
        theirs = fate[classes]
        return bool((np.minimum.reduceat(theirs, begins) != np.maximum.reduceat(theirs, begins)).any())

    def differ_by_request(self, subjects: Numbers, _: Numbers) -> bool:
        """Whether two HTTP requests of one caller do."""
        http = np.unique(self._local.operation.inverse[1:])  # the first is traffic that is not HTTP
        used = _distinct(self._local.who.inverse[subjects])
        exists = np.broadcast_to(self._local.exists, self._local.shape)[:, :1, :1]
        found = (self._found & exists)[:, used][:, :, :, http]
        return bool((found.any(axis=3) & ~found.all(axis=3)).any())


def _distinct(classes: Numbers) -> Numbers:
    """Each class once, without sorting: there are few."""
    return np.flatnonzero(np.bincount(classes))


def _all_else(check: Check, callers: str, one: Subject) -> Hashable | None:
    """What two callers have in common that differ in what the check is about alone; None: the check is not about such a one."""
    match check:
        case Check.PERSON:
            return one.cell if one.environment is None and one.workloads == {""} else None
        case Check.TASK:
            return (one.environment, one.cell, one.workloads) if one.environment is not None and not one.component else None
        case Check.REQUEST:
            return () if (one.environment is not None) == (callers == TASKS) else None
        case Check.CALLER:
            return ()
