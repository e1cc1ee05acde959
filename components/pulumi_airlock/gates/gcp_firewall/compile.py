"""What routes become in Google's firewall: rules of one network firewall policy that let an environment out. Pure, no Pulumi.

The firewall keeps state, so that answers need no rule; and nothing calls a task. Towards Composer 3's tasks everything is denied;
towards Composer 2's nodes nothing is said, since GKE allows what it needs there by VPC firewall rules of its own, later.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from ipaddress import IPv4Network, ip_network
from itertools import pairwise
from typing import Protocol

from ...access.model import Access, Destination, Principal, Route
from ...environments.composer.network import Need
from ...errors import Problems
from ...proof.sets import Hosts, Intervals, Services, protocol_name
from ..fortigate.boxes import Box, fewest_boxes
from ..naming import cut_list
from ..proxies import ProxyEntry, check_proxies

MAX_RANGES = 5000
"""Address ranges of one rule, sources and destinations each ("Cloud NGFW quotas and limits", per rule; a system limit)."""
MAX_FQDNS = 100
"""Names of one rule (API reference, `FirewallPolicyRuleMatcher.destFqdns`)."""
MAX_RULE_ATTRIBUTES = 2000
"""Ranges, names, accounts, protocols and ports of all rules of a policy.

A quota ("Rule attributes per global network firewall policy"; counted as "Rule attribute count details" shows). Google no longer
publishes its default; this is what it published for hierarchical policies. Each project's own is in the console, under Quotas.
"""
FIRST_PRIORITY = 1_000_000
"""Where the rules of a gate begin. Below, the network's owners have room for rules that come first."""
ALLOWS = 1_000_000
"""Priorities for rules that allow, from the first on."""
DENIES = 100_000
"""Priorities for the rules that deny the rest, after all that allow."""
LAST_PRIORITY = 2_147_483_643
"""The four after it are those of Google's own `goto_next` rules, which every policy has ("Predefined rules")."""
MAX_DESCRIPTION = 255
"""Characters that are surely taken; the API reference names no limit."""

_PORTS = 65536
_FQDN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Placed(Protocol):
    """What compiling needs of a `ComposerNetwork`: its plain fields."""

    @property
    def environment(self) -> str:
        """The environment's name."""

    @property
    def source_cidrs(self) -> tuple[str, ...]:
        """The addresses of its tasks."""

    @property
    def sees_nodes(self) -> bool:
        """Whether its account tells its VMs apart."""

    @property
    def needs(self) -> tuple[Need, ...]:
        """What it reaches itself."""


@dataclass(frozen=True, slots=True)
class Layer4:
    """One protocol of a rule, with its ports; none: all of them."""

    protocol: str
    ports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """One rule of the policy. It is for one environment: by the addresses of its tasks, and its account where that is seen."""

    environment: str
    allow: bool
    ranges: tuple[str, ...]
    fqdns: tuple[str, ...]
    services: tuple[Layer4, ...]
    description: str
    inward: bool = False
    """For calls into the environment: `ranges` are then who calls."""
    priority: int = 0

    @property
    def key(self) -> str:
        """Names it among the rules of its gate by what it does: a changed rule is another one, with a priority of its own.

        A rule is identified by its priority alone, so that one that was changed in place would be gone for a moment.
        """
        content = repr((self.environment, self.allow, self.inward, self.ranges, self.fqdns, self.services))
        return sha256(content.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class FirewallPlan:
    """All that a gate puts into the policy."""

    rules: tuple[FirewallRule, ...]
    ipv6_only: tuple[str, ...]
    """Destinations without an IPv4 address that workloads have routes to. Composer's tasks speak IPv4: nothing was written."""


@dataclass(frozen=True, slots=True)
class _Want:
    """One route to one destination, as addresses or names, and services."""

    route: str
    addresses: Intervals
    names: frozenset[str]
    services: Services


def compile_firewall(
    access: Access,
    gate: str,
    environments: Sequence[Placed],
    *,
    first_priority: int = FIRST_PRIORITY,
    max_rule_attributes: int = MAX_RULE_ATTRIBUTES,
    proxies: Mapping[str, ProxyEntry] | None = None,
    today: date | None = None,
) -> FirewallPlan:
    """The plan of gate `gate` for these environments; expired routes are left out.

    Per environment: what Composer needs, the union of its workloads' routes in the fewest rules, and last what denies all else.
    `proxies` has, for each zone that lies behind a proxy, where tasks connect to it in place of the zone's destinations.
    InputError, with every problem at once: names that no rule takes, quotas, priorities, environments given twice.
    """
    problems = Problems(gate)
    compiler = _Compiler(access, gate, problems, today, check_proxies(access, gate, proxies or {}, problems))
    _check(environments, first_priority, problems)
    allows: list[FirewallRule] = []
    denies: list[FirewallRule] = []
    for environment in environments:
        allows += _own(environment)
        allows += compiler.egress(environment)
        denies += _rest(environment)
    rules = (*_numbered(allows, first_priority, ALLOWS), *_numbered(denies, first_priority + ALLOWS, DENIES))
    _check_attributes(rules, {one.environment: one for one in environments}, max_rule_attributes, problems)
    problems.raise_any()
    return FirewallPlan(rules, compiler.ipv6_only())


def _check(environments: Sequence[Placed], first_priority: int, problems: Problems) -> None:
    last = LAST_PRIORITY - ALLOWS - DENIES
    if not 0 <= first_priority <= last:
        problems.add("first_priority", f"{first_priority}: rules take {ALLOWS + DENIES} priorities from there: write 0 to {last}")
    if not environments:
        problems.add("environments", "none: give the `network` of each environment")
    seen: set[str] = set()
    for one in environments:
        path = f"environments[{one.environment}]"
        if one.environment in seen:
            problems.add(path, "given twice: give each environment once")
        seen.add(one.environment)
        if not one.source_cidrs:
            problems.add(f"{path}.source_cidrs", "none: without addresses, rules would be for every VM of the network")
        if len(one.source_cidrs) > MAX_RANGES:
            problems.add(f"{path}.source_cidrs", f"{len(one.source_cidrs)} ranges: a rule takes {MAX_RANGES}")
        for need in one.needs:
            if not need.cidrs:
                message = f"{need.what}: its network is not known, and would be cut off: write {need.said_by} of the placement"
                problems.add(f"{path}.needs", message)
        for cidr in one.source_cidrs:
            if not _is_v4(cidr):
                problems.add(f"{path}.source_cidrs", f"{cidr!r} is no IPv4 network; write 10.40.0.0/24")


def _is_v4(cidr: str) -> bool:
    try:
        return isinstance(ip_network(cidr), IPv4Network)
    except ValueError:
        return False


def _numbered(rules: Iterable[FirewallRule], first: int, room: int) -> Iterator[FirewallRule]:
    """Gives each rule a priority by what it does, so that others keep theirs when one comes or goes.

    Among rules that allow, no order matters; nor among those that deny.
    """
    taken: set[int] = set()
    for one in sorted({rule.key: rule for rule in rules}.values(), key=lambda rule: rule.key):
        place = int(one.key, 16) % room
        while place in taken:
            place = (place + 1) % room
        taken.add(place)
        yield replace(one, priority=first + place)


def attributes(rule: FirewallRule, sources: int, by_account: bool) -> int:
    """How many attributes a rule has, as Google counts them."""
    services = sum(1 + len(one.ports) for one in rule.services)
    return sources + int(by_account) + len(rule.ranges) + len(rule.fqdns) + services


def _check_attributes(rules: Iterable[FirewallRule], environments: Mapping[str, Placed], quota: int, problems: Problems) -> None:
    counts: dict[str, int] = {}
    for rule in rules:
        placed = environments[rule.environment]
        counts[rule.environment] = counts.get(rule.environment, 0) + attributes(rule, len(placed.source_cidrs), placed.sees_nodes)
    total = sum(counts.values())
    if total > quota:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        message = (
            f"{total} rule attributes are over {quota}: give neighbouring destinations one CIDR, or, where the project's quota "
            f'"Rule attributes per global network firewall policy" is higher, raise `max_rule_attributes` ({listed})'
        )
        problems.add("rules", message)


# Needs, and the rest


def _rest(environment: Placed) -> Iterator[FirewallRule]:
    """What denies all that no rule allows; into Composer 3's addresses too, where no rule of GKE's is needed."""
    name = environment.environment
    yield FirewallRule(name, False, ("0.0.0.0/0",), (), (Layer4("all"),), f"{name}: everything else")
    if not environment.sees_nodes:
        yield FirewallRule(name, False, ("0.0.0.0/0",), (), (Layer4("all"),), f"{name}: everything that calls in", inward=True)


def _own(environment: Placed) -> Iterator[FirewallRule]:
    for need in environment.needs:
        services = Services.union(Services.of(*one) for one in need.services) if need.services else Services.every()
        text = f"{environment.environment}: {need.what}"
        yield FirewallRule(environment.environment, True, tuple(sorted(need.cidrs)), (), _layer4(services), text)


# Routes


class _Compiler:
    """Resolves the names of one access file for one gate."""

    def __init__(
        self, access: Access, gate: str, problems: Problems, today: date | None, proxies: Mapping[str, ProxyEntry]
    ) -> None:
        self._proxies = proxies
        self._principals = {one.name: one for one in access.principals}
        self._destinations = {one.name: one for one in access.destinations}
        self._zones = {name for name, zone in access.zones.items() if gate in zone.gates}
        self._routes = tuple(one for one in access.routes if one.expires is None or today is None or one.expires >= today)
        self._problems = problems
        self._reported: set[str] = set()

    def egress(self, environment: Placed) -> Iterator[FirewallRule]:
        """What the tasks of an environment may call, in the fewest rules."""
        wants = list(self._wants(environment))
        for addresses, names, services, routes in _fewest(wants):
            text = cut_list(MAX_DESCRIPTION - len(environment.environment) - 2, routes)
            ranges = [str(network) for network in Hosts(v4=addresses).networks()]
            yield from _pieces(environment.environment, ranges, sorted(names), _layer4(services), text)

    def ipv6_only(self) -> tuple[str, ...]:
        """Destinations of workloads' routes that no IPv4 address has been written down for."""
        found = {
            one.name
            for route, one in self._uses()
            if one.cidrs and not Hosts.from_cidrs(one.cidrs).v4 and any(who.group is None for who in self._of(route))
        }
        return tuple(sorted(found))

    def _wants(self, environment: Placed) -> Iterator[_Want]:
        for route, destination in self._uses():
            if not any(_runs_in(one, environment) for one in self._of(route)):
                continue
            services = Services.union(Services.of(*one) for one in destination.services())
            if (proxy := self._proxies.get(destination.zone)) is not None:
                yield _Want(route.name, proxy.addresses, frozenset(), proxy.services)
            elif destination.cidrs:
                # Names resolve to the declared addresses: those are exact, and wait for no DNS.
                addresses = Hosts.from_cidrs(destination.cidrs).v4
                if addresses:
                    yield _Want(route.name, addresses, frozenset(), services)
            elif names := self._names(destination):
                yield _Want(route.name, Intervals(), names, services)

    def _names(self, destination: Destination) -> frozenset[str]:
        for host in destination.hosts:
            if host.startswith("*."):
                fix = "write the names out, or its `cidrs`"
                self._report(destination, f"{host}: an FQDN object of Google's firewall is one whole name: {fix}")
            elif not _FQDN.fullmatch(host.lower()):
                fix = "write its `cidrs`"
                self._report(destination, f"{host} is no name of two or more labels of letters, digits and -: {fix}")
        return frozenset(host.lower() for host in destination.hosts)

    def _uses(self) -> Iterator[tuple[Route, Destination]]:
        for route in self._routes:
            for name in route.to:
                destination = self._destinations[name]
                if destination.zone in self._zones:
                    yield route, destination

    def _of(self, route: Route) -> Iterator[Principal]:
        return (self._principals[name] for name in route.from_)

    def _report(self, destination: Destination, message: str) -> None:
        if message not in self._reported:
            self._reported.add(message)
            self._problems.add(f"destinations.{destination.name}.hosts", message)


def _runs_in(principal: Principal, environment: Placed) -> bool:
    return principal.group is None and principal.environment in (None, environment.environment)


def _fewest(wants: Sequence[_Want]) -> Iterator[tuple[Intervals, frozenset[str], Services, list[str]]]:
    """Rules whose union is that of the wants: each any set of addresses and names, and any set of services."""
    places = _cuts(want.addresses for want in wants)
    ports = _cuts(want.services.cells for want in wants)
    boxes = []
    for position, want in enumerate(wants):
        hosts: frozenset[Hashable] = _within(places, want.addresses) | want.names
        boxes.append(Box((hosts, _within(ports, want.services.cells)), (position,)))
    for box in fewest_boxes(boxes):
        hosts, services = box.sets
        addresses = Intervals.of(one for one in hosts if isinstance(one, tuple))
        names = frozenset(one for one in hosts if isinstance(one, str))
        cells = Intervals.of(one for one in services if isinstance(one, tuple))
        yield addresses, names, Services(cells), sorted({wants[origin].route for origin in box.origins})


def _cuts(sets: Iterable[Intervals]) -> list[tuple[int, int]]:
    """The pieces that none of the sets tells apart."""
    edges = sorted({edge for one in sets for first, last in one.spans for edge in (first, last + 1)})
    return [(first, following - 1) for first, following in pairwise(edges)]


def _within(pieces: Iterable[tuple[int, int]], whole: Intervals) -> frozenset[Hashable]:
    return frozenset(piece for piece in pieces if whole.covers(Intervals((piece,))))


def _pieces(
    environment: str, ranges: Sequence[str], names: Sequence[str], services: tuple[Layer4, ...], text: str
) -> Iterator[FirewallRule]:
    """One rule, or as many as its limits ask for."""
    count = max(-(-len(ranges) // MAX_RANGES), -(-len(names) // MAX_FQDNS))
    for number in range(count):
        some = tuple(ranges[number * MAX_RANGES : (number + 1) * MAX_RANGES])
        named = tuple(names[number * MAX_FQDNS : (number + 1) * MAX_FQDNS])
        yield FirewallRule(environment, True, some, named, services, f"{environment}: {text}")


def _layer4(services: Services) -> tuple[Layer4, ...]:
    """Services as a rule has them: each protocol once, with its ports."""
    if services == Services.every():
        return (Layer4("all"),)
    found: dict[int, list[str]] = {}
    for number, first, last in services.ranges():
        ports = found.setdefault(number, [])
        if (first, last) != (0, _PORTS - 1):
            ports.append(str(first) if first == last else f"{first}-{last}")
    return tuple(Layer4(_protocol(number), tuple(ports)) for number, ports in found.items())


def _protocol(number: int) -> str:
    """Google's name of a protocol, else its number."""
    name = protocol_name(number)
    return name if name in ("tcp", "udp", "icmp", "esp", "sctp") else str(number)
