"""The two sides of a difference in one space: the same callers, ports, requests and instants; hosts paired one by one.

Who a caller is, is asked of both access files at once: a principal whose globs differ stands there twice, once for each side.
Hosts keep two classes, one on each side, since names may have other addresses and zones other gates.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ...access.model import Access, Principal
from ...access.model import Environment as Declared
from ..atoms.instants import Bools
from ..atoms.places import SURE
from ..atoms.space import Box, Space
from ..atoms.subjects import Selector
from ..declared import Grant, destination_hosts, destination_services, grants
from ..engine.sweep import Sweep
from ..filters import NO_WORKLOADS, Environment, Filter, Match, Rule, Who, Workloads
from ..missing import missing_gates
from ..needs import own_needs
from ..sets import Hosts, Services
from ..times import Weekly
from .changes import definition
from .places import Probe, Relevant

_BEFORE = " (before)"
"""Marks the old one of two principals of one name."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a proof is made of: what is declared, and what a stack has."""

    access: Access
    environments: tuple[Environment, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class Side:
    """One side, ready to be swept."""

    case: Case
    space: Space
    sweep: Sweep
    filters: tuple[Filter, ...]
    """Those of the sweep: with the rules that matter here, and stand-ins for missing gates."""
    numbers: tuple[tuple[int, ...], ...]
    """Per filter of the sweep, the number of each of its rules in the case's filter."""
    grants: tuple[Grant, ...]
    """Those that can hold a probe, as all of the following."""
    destinations: tuple[tuple[str, Box], ...]
    presence: Bools
    """Which subjects there are."""
    labels: tuple[str, ...]
    """What a finding calls each subject."""
    services: tuple[Services, ...]
    """Every set of services that the common space is cut by."""
    timezones: tuple[str, ...]
    """The zones of all windows, the most frequent first."""

    def places(self, probe: Box, *, is_name: bool) -> list[int]:
        """The classes of hosts that are a probe's: one for an address, some for each zone and family of a name."""
        if not is_name:
            # A name that has no other address is there, too; it has a probe of its own.
            return [int(self.space.places.ranges.of(probe.hosts)[0])]
        places = self.space.places
        # Without the addresses that the name stands for in a set.
        return np.flatnonzero((places.row(probe.hosts) & 3 == SURE) & places.kinds.is_name).tolist()


class Names:
    """Which names principals have in the common space."""

    def __init__(self, old: Access, new: Access, workloads: Sequence[Mapping[str, Workloads]]) -> None:
        """`workloads`: of each environment, on either side."""
        before = {one.name: one for one in old.principals}
        after = {one.name: one for one in new.principals}
        twice = {name for name in before.keys() & after.keys() if definition(before[name]) != definition(after[name])}
        self.principals: tuple[Principal, ...] = (
            *new.principals,
            *(
                one.model_copy(update={"name": one.name + _BEFORE}) if one.name in twice else one
                for one in old.principals
                if one.name in twice or one.name not in after
            ),
        )
        self._names = ({name: name + _BEFORE if name in twice else name for name in before}, {name: name for name in after})
        self._alike = before.keys() == after.keys() and not twice
        self._workloads = workloads
        self._moved = frozenset[str]()
        """Workloads of tasks, where these run as others before."""
        if workloads[0] != workloads[1] or not self._alike:
            every = [one for side in workloads for one in side.values()]
            self._moved = frozenset(filter(None, (name for one in every for name in one.of_tasks())))
        self._back = tuple({common: name for name, common in side.items()} for side in self._names)

    def common(self, side: int, who: Who) -> Who:
        """A side's `Who`, by the common names. Principals that this side does not declare are nobody."""
        if side == 0 and who.workloads is not None and who.workloads & self._moved:
            who = replace(who, workloads=frozenset(map(self._before, who.workloads)))
        if who.principals is None or self._alike:
            return who
        names = self._names[side]
        return replace(who, principals=frozenset(names[name] for name in who.principals if name in names))

    def workloads(self, environment: str) -> Workloads:
        """As which workloads tasks run on both sides."""
        old, new = (side.get(environment, NO_WORKLOADS) for side in self._workloads)
        if not self._moved:
            return new
        found = self._common_workloads(1, new)
        return replace(found, components=old.components | new.components, before=self._common_workloads(0, old))

    def _common_workloads(self, side: int, one: Workloads) -> Workloads:
        names, marked = self._names[side], str if side else self._before
        mine = tuple((names[name], marked(workload)) for name, workload in one.of_principals if name in names)
        return Workloads(mine, marked(one.others))

    def _before(self, workload: str) -> str:
        return f"{workload}{_BEFORE}" if workload in self._moved else workload

    def match(self, side: int, match: Match) -> Match:
        """A side's box in the common space."""
        who = self.common(side, match.who)
        return match if who is match.who else replace(match, who=who)

    def own(self, side: int, principals: Iterable[str]) -> list[str]:
        """The names that a side has for common principals; without those of the other side."""
        return sorted(self._back[side][one] for one in principals if one in self._back[side])


def both_sides(old: Case, new: Case, found: Sequence[Probe], relevant: Relevant, at: datetime) -> tuple[Side, Side]:
    """The two sides over one space, with the rules that can hold a probe."""
    cases = (old, new)
    names = Names(old.access, new.access, [{one.name: one.workloads for one in case.environments} for case in cases])
    thinned = [[_thinned(one, relevant) for one in _path(case)] for case in cases]
    numbers = [tuple(kept for _, kept in side) for side in thinned]
    filters = [_renamed(names, side, [one for one, _ in thinned[side]]) for side in (0, 1)]
    declared = [[one for one in grants(case.access) if relevant.holds(one.match.hosts)] for case in cases]
    granted = [[names.match(side, one.match) for one in declared[side]] for side in (0, 1)]
    places = [list(_destinations(case.access, relevant)) for case in cases]
    own = [[names.match(side, match) for match in own_needs(case.environments, case.filters)] for side, case in enumerate(cases)]
    presence = _Presence(cases, names)
    hosts = [Match(hosts=one.host) for one in found]
    matches = [
        *(match for side in filters for one in side for match in (one.scope, *(rule.match for rule in one.rules))),
        *(match for side in granted for match in side),
        *(match for side in own for match in side),
        *(match for side in places for _, match in side),
        *presence.matches,
        *hosts,
    ]
    sides = []
    for side, case in enumerate(cases):
        access = case.access.model_copy(
            update={
                "principals": names.principals,
                "environments": presence.declared,
                "expect": tuple(dict.fromkeys((*new.access.expect, *old.access.expect))),
            }
        )
        space = Space(access, presence.environments, (), matches, presence.selectors, at)
        boxes = tuple((name, space.add(match)) for name, match in places[side])
        gates = {name: tuple(zone.gates) for name, zone in case.access.zones.items()}
        sweep = Sweep(space, filters[side], granted[side], own[side], gates, [box for _, box in boxes])
        sides.append(
            Side(
                case,
                space,
                sweep,
                tuple(filters[side]),
                numbers[side],
                tuple(declared[side]),
                boxes,
                presence.of(side, space),
                tuple(_labels(names, side, space)),
                tuple(dict.fromkeys(match.services for match in matches)),
                tuple(zone for zone, _ in Counter(_timezones(matches)).most_common()),
            )
        )
    return sides[0], sides[1]


def probe_boxes(side: Side, found: Sequence[Probe]) -> list[Box]:
    """The boxes of probes on a side."""
    return [side.space.add(Match(hosts=one.host)) for one in found]


def _destinations(access: Access, relevant: Relevant) -> Iterator[tuple[str, Match]]:
    for one in access.destinations:
        hosts = destination_hosts(one)
        if relevant.holds(hosts):
            yield one.name, Match(hosts=hosts, services=destination_services(one))


def _path(case: Case) -> list[Filter]:
    return [*case.filters, *(one.stand_in() for one in missing_gates(case.access, case.filters))]


def _thinned(one: Filter, relevant: Relevant) -> tuple[Filter, tuple[int, ...]]:
    kept = tuple(number for number, rule in enumerate(one.rules) if relevant.holds(rule.match.hosts))
    if len(kept) == len(one.rules):
        return one, kept
    return replace(one, rules=tuple(one.rules[number] for number in kept)), kept


def _renamed(names: Names, side: int, filters: Sequence[Filter]) -> list[Filter]:
    def rule_of(rule: Rule) -> Rule:
        match = names.match(side, rule.match)
        return rule if match is rule.match else replace(rule, match=match)

    found = []
    for one in filters:
        rules = tuple(map(rule_of, one.rules))
        scope = names.match(side, one.scope)
        same = scope is one.scope and all(map(lambda first, second: first is second, rules, one.rules))
        found.append(one if same else replace(one, rules=rules, scope=scope))
    return found


def _labels(names: Names, side: int, space: Space) -> Iterator[str]:
    for subject in space.subjects.all:
        if not subject.principals:
            yield subject.label
            continue
        mine = names.own(side, subject.principals)
        if mine:
            yield " + ".join(mine)
        else:
            yield replace(subject, principals=frozenset()).label


def _timezones(matches: Iterable[Match]) -> Iterator[str]:
    return (
        one.timezone
        for match in matches
        for windows in match.times
        for one in sorted(windows, key=str)
        if isinstance(one, Weekly)
    )


class _Presence:
    """Which tasks there are on each side: where environments have addresses, and which DAGs they run."""

    def __init__(self, cases: Sequence[Case], common: Names) -> None:
        self._cases = cases
        by_name = [{one.name: one for one in case.environments} for case in cases]
        self._sources: list[dict[str, Hosts]] = [
            {name: one.sources.addresses() for name, one in side.items()} for side in by_name
        ]
        names = sorted({*by_name[0], *by_name[1]})
        self.environments = [
            Environment(
                name,
                name,
                Hosts.union(side[name] for side in self._sources if name in side),
                workloads=common.workloads(name),
            )
            for name in names
        ]
        self._deployed = [{one.name: one.dags for one in case.access.environments} for case in cases]
        self.declared = tuple(
            Declared(name=name, dags=tuple(dict.fromkeys(glob for side in (0, 1) for glob in self._dags(side, name))))
            for name in names
        )
        self._rows = [
            {name: Match(who=Who(frozenset({name}), sources=found)) for name, found in side.items()} for side in self._sources
        ]
        self.matches = [match for side in self._rows for match in side.values()]
        self._chosen = [
            {
                name: [Selector(glob, environment=name, dag=glob) for glob in self._dags(side, name)]
                for name in names
                if set(self._dags(0, name)) != set(self._dags(1, name))
            }
            for side in (0, 1)
        ]
        self.selectors = [one for side in self._chosen for found in side.values() for one in found]

    def _dags(self, side: int, name: str) -> tuple[str, ...]:
        # Of an environment that is not there, nobody says what it runs: it makes no difference.
        here = side if name in self._sources[side] else 1 - side
        return self._deployed[here].get(name, ("*",))

    def of(self, side: int, space: Space) -> Bools:
        """The subjects that a side has."""
        found: Bools = ~space.who.table[space.is_task]
        for name, match in self._rows[side].items():
            mine = space.who.table[space.add(match).who]
            if name in self._chosen[side]:
                rows: list[NDArray[np.bool_]] = [space.who.table[space.selector_row(one)] for one in self._chosen[side][name]]
                mine = mine & np.logical_or.reduce(rows)
            found = found | mine
        return found


def alone(case: Case, gate: str) -> Case:
    """A case in which one gate stands on every path, and nothing else does."""
    filters = tuple(replace(one, always=True) for one in case.filters if one.gate == gate)
    zones = {name: zone.model_copy(update={"gates": ()}) for name, zone in case.access.zones.items()}
    return replace(case, filters=filters, access=case.access.model_copy(update={"zones": zones}))


NOWHERE = Hosts.from_cidrs(["198.18.0.1/32", "100::1/128"])
"""Where tasks come from when there is no stack to say so: addresses that nobody has (RFC 2544, RFC 6666)."""


def declared_alone(access: Access) -> Case:
    """A case without gates: the environments that the file names, or one that stands for all."""
    names = dict.fromkeys(
        [*(one.name for one in access.environments), *(one.environment for one in access.principals if one.environment)]
    )
    found = tuple(Environment(name, "", NOWHERE) for name in names or ["airflow"])
    zones = {name: zone.model_copy(update={"gates": ()}) for name, zone in access.zones.items()}
    return Case(access.model_copy(update={"zones": zones}), found)
