"""Filters as each kind of gate would have them, compiled from routes: the fewest rules for what that gate sees.

Eight gates: per environment a security group, a network ACL and a route table; a FortiGate, ZPA, Cilium, a mesh, and a proxy.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from pulumi_airlock.access import Access
from pulumi_airlock.proof.declared import Grant, destination_hosts, destination_services, grants
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, HttpOperation, Kind, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import ALWAYS, DagRun, Times

Key = TypeVar("Key", bound=Hashable)

_METADATA = Match(hosts=Hosts.from_cidr("169.254.169.254/32"))
_TELNET = Match(services=Services.of("tcp", 23, 23))
_REMOTE_DESKTOP = Match(services=Services.of("tcp", 3389, 3389))


def compiled(access: Access, environments: Sequence[Environment]) -> list[Filter]:
    """The filters of all gates."""
    uses = _Uses(access)
    sources = {one.name: one.sources for one in environments}
    return [
        *(found for one in environments for found in _around(uses, one)),
        _fortigate(uses, sources),
        _zpa(uses),
        _cilium(uses, frozenset(sources)),
        _mesh(uses),
        _proxy(uses),
    ]


class _Uses:
    """Who uses which destination, and how."""

    def __init__(self, access: Access) -> None:
        self.grants = grants(access)
        self.hosts = {one.name: destination_hosts(one) for one in access.destinations}
        self.services = {one.name: destination_services(one) for one in access.destinations}
        self.zone = {one.name: Hosts.from_cidrs(access.zones[one.zone].cidrs) for one in access.destinations}
        self.environment = {one.name: one.environment for one in access.principals if not one.is_people}
        self.groups = {one.name: one.group for one in access.principals if one.group is not None}
        self.sources = {one.name: Hosts.from_cidrs(one.sources) for one in access.principals if one.is_people}

    def by_destination(
        self, seen: Callable[[Grant], Key], weakest: Key
    ) -> Iterator[tuple[frozenset[str], Key, Services, list[Hosts]]]:
        """The same principals in the same way (`seen`), with all hosts that they use so on the same services."""
        ways: dict[str, dict[Key, set[str]]] = defaultdict(lambda: defaultdict(set))
        for one in self.grants:
            ways[one.destination.name][seen(one)].update(one.route.from_)
        found: dict[tuple[frozenset[str], Key, Services], list[Hosts]] = defaultdict(list)
        for name, by_way in ways.items():
            unrestricted = by_way.get(weakest, set())
            for way, names in by_way.items():
                # Who may do it without a restriction needs no rule with one.
                rest = frozenset(names if way == weakest else names - unrestricted)
                if rest:
                    found[rest, way, self.services[name]].append(self.hosts[name])
        for (who, way, services), hosts in found.items():
            yield who, way, services, hosts

    def leaving(self, environment: str) -> set[str]:
        """The destinations that tasks of an environment use."""
        return {
            one.destination.name for one in self.grants for who in one.route.from_ if self.environment.get(who) == environment
        }


def _rules(gate: str, matches: Iterable[tuple[Action, Match]]) -> tuple[Rule, ...]:
    return tuple(
        Rule(action, match, Source(f"urn::{gate}-{number}", "", f"{gate} rule {number}"))
        for number, (action, match) in enumerate(matches)
    )


def _allowing(matches: Iterable[Match]) -> list[tuple[Action, Match]]:
    return [(Action.ALLOW, one) for one in matches]


# --- around an environment


def _around(uses: _Uses, environment: Environment) -> Iterator[Filter]:
    """What stands on every path of its tasks: the security group sees addresses and ports, the others little."""
    used = uses.leaving(environment.name)
    subnets = Match(hosts=environment.sources)
    networks = Hosts.union(uses.zone[one] for one in used)
    common = {"scope": Match(who=Who(environments=frozenset({environment.name}))), "always": True}

    def made(name: str, combine: Combine, matches: list[tuple[Action, Match]], kind: Kind = Kind.PERMISSION) -> Filter:
        what = f"{environment.name} {name}"
        rules = _rules(what, matches)
        return Filter(environment.name, what, combine, Action.DENY, rules, f"urn::{what}", kind=kind, **common)  # type: ignore[arg-type]

    yield made("group", Combine.ANY_ALLOW, _allowing([subnets, *_narrow(uses, used)]))
    whole = [Match(hosts=Hosts.from_cidr(one), services=found) for one in networks.networks() for found in _protocols(uses, used)]
    yield made("acl", Combine.FIRST_MATCH, [(Action.DENY, _REMOTE_DESKTOP), *_allowing([subnets, *whole])])
    leading = [Match(hosts=Hosts.from_cidr(one)) for one in networks.networks()]
    yield made("routes", Combine.ANY_ALLOW, _allowing([subnets, *leading]), Kind.ROUTING)


def _narrow(uses: _Uses, used: set[str]) -> Iterator[Match]:
    """One rule for each network and range of ports; of a name without addresses, the network it is in."""
    found: dict[tuple[int, int, int], list[Hosts]] = defaultdict(list)
    for name in used:
        for ports in uses.services[name].ranges():
            found[ports].append(uses.hosts[name].addresses() or uses.zone[name])
    for ports, hosts in sorted(found.items()):
        services = Services.of(*ports)
        for network in Hosts.union(hosts).networks():
            yield Match(hosts=Hosts.from_cidr(network), services=services)


def _protocols(uses: _Uses, used: set[str]) -> list[Services]:
    numbers = sorted({number for name in used for number, _, _ in uses.services[name].ranges()})
    return [Services.of(number) for number in numbers]


# --- on the way into zones


def _fortigate(uses: _Uses, sources: dict[str, Hosts]) -> Filter:
    """First match by source address, service and window; it cannot tell tasks of one environment apart, nor see DAG runs."""
    found: dict[tuple[frozenset[str], bool, Times, Services], list[Hosts]] = defaultdict(list)
    for who, times, services, hosts in uses.by_destination(lambda one: _without_runs(one.match.times), ALWAYS):
        people = frozenset(who & uses.groups.keys())
        sites = frozenset(name for one in who - people if (name := uses.environment[one]) is not None)
        for keys, of_people in ((sites, False), (people, True)):
            if keys:
                found[keys, of_people, times, services] += [one.addresses() for one in hosts if one.addresses()]
    matches = [
        Match(who=_from(keys, of_people, uses, sources), hosts=Hosts.union(hosts), services=services, times=times)
        for (keys, of_people, times, services), hosts in found.items()
        if hosts
    ]
    rules = _rules("fortigate", [(Action.DENY, _TELNET), *_allowing(matches)])
    return Filter("fortigate", "policies", Combine.FIRST_MATCH, Action.DENY, rules, "urn::fortigate")


def _from(keys: frozenset[str], of_people: bool, uses: _Uses, sources: dict[str, Hosts]) -> Who:
    if of_people:
        groups = frozenset(uses.groups[one] for one in keys)
        return Who(sources=Hosts.union(uses.sources[one] for one in sorted(keys)), groups=groups)
    return Who(sources=Hosts.union(sources[one] for one in sorted(keys)))


def _without_runs(times: Times) -> Times:
    return tuple(one for one in times if not any(isinstance(window, DagRun) for window in one))


def _zpa(uses: _Uses) -> Filter:
    """First match by task and by group, on names and addresses."""
    matches = []
    for who, _, services, hosts in uses.by_destination(lambda _: None, None):
        people = frozenset(uses.groups[one] for one in who & uses.groups.keys())
        tasks = frozenset(who - uses.groups.keys())
        whole = Hosts.union(hosts)
        if tasks:
            matches.append(Match(Who(principals=tasks), whole, services))
        if people:
            matches.append(Match(Who(groups=people), whole, services))
    return Filter("zpa", "access policy", Combine.FIRST_MATCH, Action.DENY, _rules("zpa", _allowing(matches)), "urn::zpa")


def _cilium(uses: _Uses, environments: frozenset[str]) -> Filter:
    """Deny overrides by task; only what leaves a cluster passes it."""
    found: dict[tuple[str, Services], dict[str, Hosts]] = defaultdict(dict)
    for one in uses.grants:
        for who in one.route.from_:
            if who in uses.environment:
                found[who, uses.services[one.destination.name]][one.destination.name] = uses.hosts[one.destination.name]
    matches = [
        Match(Who(principals=frozenset({who})), Hosts.union(hosts.values()), services) for (who, services), hosts in found.items()
    ]
    rules = _rules("cilium", [(Action.DENY, _METADATA), *_allowing(matches)])
    scope = Match(who=Who(environments=environments))
    return Filter("cilium", "policies", Combine.DENY_OVERRIDES, Action.DENY, rules, "urn::cilium", scope=scope)


def _mesh(uses: _Uses) -> Filter:
    """Deny overrides by task and person, with HTTP operations."""

    def seen(one: Grant) -> frozenset[HttpOperation] | None:
        return one.match.operations

    matches = [
        Match(Who(principals=who), Hosts.union(hosts), services, operations)
        for who, operations, services, hosts in uses.by_destination(seen, None)
    ]
    return Filter("mesh", "authorization", Combine.DENY_OVERRIDES, Action.DENY, _rules("mesh", _allowing(matches)), "urn::mesh")


def _proxy(uses: _Uses) -> Filter:
    """Any allow by task and person, with windows and DAG runs."""
    matches = [
        Match(Who(principals=who), Hosts.union(hosts), services, times=times)
        for who, times, services, hosts in uses.by_destination(lambda one: one.match.times, ALWAYS)
    ]
    return Filter("proxy", "listeners", Combine.ANY_ALLOW, Action.DENY, _rules("proxy", _allowing(matches)), "urn::proxy")
