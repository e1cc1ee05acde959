"""What routes become on the AWS network: rules of each environment's security group, and entries of its route tables. Pure,
no Pulumi.

Network ACLs are read, never written: they are stateless, so that least privilege in them costs an open ephemeral range in the
other direction, with 20 rules at most, and they tell nothing apart that the security group does not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, collapse_addresses, ip_network
from typing import Protocol

from ...access.model import Access, Destination, Principal, Route, Zone
from ...access.values import parse_port
from ...errors import Problems
from ...proof.sets import V4_MAX, Hosts, Intervals, Services
from ..proxies import ProxyEntry, check_proxies
from .connectors import connector_addresses
from .cover import Box, Rectangle, fewest

MAX_RULES = 60
"""Inbound or outbound rules of one security group.

AWS's default quota, adjustable (VPC User Guide, "Amazon VPC quotas", L-0EA8095F).
"""
MAX_ROUTES = 50
"""Non-propagated routes of one route table: AWS's default quota, adjustable (the same page, L-93826ACB)."""
MAX_DESCRIPTION = 255
"""Characters of a security group rule's description (EC2 API Reference, "IpRange")."""

_NOT_IN_DESCRIPTIONS = re.compile(r"[^a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]")


class Placed(Protocol):
    """What compiling needs of an `EnvironmentNetwork`: its plain fields."""

    @property
    def environment(self) -> str:
        """The environment's name."""

    @property
    def vpc_cidr(self) -> str:
        """The VPC's CIDR."""

    @property
    def subnet_cidrs(self) -> tuple[str, ...]:
        """The CIDRs of the environment's subnets."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One rule of an environment's security group. The peer is a network, or the tasks of another environment."""

    environment: str
    ingress: bool
    peer: IPv4Network | str
    protocol: str
    first: int | None
    last: int | None
    description: str

    @property
    def key(self) -> str:
        """Names the rule among those of its gate: a changed rule is another resource, so that nothing is widened in between."""
        ports = "" if self.first is None else f"-{self.first}" if self.first == self.last else f"-{self.first}-{self.last}"
        peer = str(self.peer).replace("/", "-")
        protocol = "all" if self.protocol == "-1" else self.protocol
        return f"{self.environment}-{'from' if self.ingress else 'to'}-{peer}-{protocol}{ports}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One destination of an environment's route tables."""

    environment: str
    zone: str
    cidr: str

    @property
    def key(self) -> str:
        """Names the entry among those of its gate."""
        return f"{self.environment}-via-{self.cidr.replace('/', '-')}"


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """All that a gate puts into the network."""

    permissions: tuple[Permission, ...]
    entries: tuple[Entry, ...]
    ipv6_only: tuple[str, ...]
    """Destinations without an IPv4 address that workloads have routes to.

    MWAA tasks speak IPv4 alone, so nothing was written for them.
    """


@dataclass(frozen=True, slots=True)
class _Want:
    """One route to one destination, as addresses and services."""

    route: str
    zone: str
    box: Box
    note: str = ""


def compile_network(
    access: Access,
    gate: str,
    environments: Sequence[Placed],
    *,
    gateways: Mapping[str, object],
    connectors: Mapping[str, Sequence[str]] | None = None,
    proxies: Mapping[str, ProxyEntry] | None = None,
    max_rules: int = MAX_RULES,
    other_rules: int = 4,
    max_routes: int = MAX_ROUTES,
    today: date | None = None,
) -> NetworkPlan:
    """The plan of gate `gate` for these environments; expired routes are left out.

    `gateways` has, for each zone that has one, the gateway to route its CIDRs to: the same object, the same gateway.
    `connectors` has, for each zone that is reached through App Connectors, the networks of these: callers come from there.
    `proxies` has, for each zone that lies behind a proxy, where tasks connect to it in place of the zone's destinations.
    `other_rules` are those that the security group has already, of its environment, in each direction. InputError, with
    every problem at once: quotas, destinations without an address, people without sources, zones outside the VPC without a
    gateway.
    """
    problems = Problems(gate)
    behind = check_proxies(access, gate, proxies or {}, problems)
    before = connector_addresses(access, gate, connectors or {}, problems)
    compiler = _Compiler(access, gate, environments, problems, today, before, behind)
    permissions: list[Permission] = []
    entries: list[Entry] = []
    for environment in environments:
        for rules in (compiler.egress(environment), compiler.ingress(environment)):
            _check_rules(problems, environment.environment, rules, max_rules, other_rules)
            permissions += rules
        found = compiler.routes(environment, gateways)
        if len(found) > max_routes:
            listed = ", ".join(one.cidr for one in found)
            message = (
                f"{len(found)} routes are over {max_routes}, the quota of one route table: write the zones' CIDRs wider, "
                f"or raise it and `max_routes` ({listed})"
            )
            problems.add(f"environments[{environment.environment}].routes", message)
        entries += found
    problems.raise_any()
    return NetworkPlan(tuple(permissions), tuple(entries), compiler.ipv6_only())


def _check_rules(problems: Problems, environment: str, rules: list[Permission], quota: int, others: int) -> None:
    if not rules or len(rules) + others <= quota:
        return
    direction = "ingress" if rules[0].ingress else "egress"
    routes = ", ".join(sorted({rule.description for rule in rules}))
    message = (
        f"{len(rules)} {direction} rules and {others} of the environment's own are over {quota}, a security group's quota: "
        "give neighbouring destinations one CIDR, move principals to another environment, or raise the quota (L-0EA8095F) "
        f"and `max_rules`. {routes}"
    )
    problems.add(f"environments[{environment}].{direction}", message)


class _Compiler:
    """Resolves the names of one access file for one gate."""

    def __init__(
        self,
        access: Access,
        gate: str,
        environments: Sequence[Placed],
        problems: Problems,
        today: date | None,
        connectors: Mapping[str, Intervals],
        proxies: Mapping[str, ProxyEntry],
    ) -> None:
        self._principals = {one.name: one for one in access.principals}
        self._destinations = {one.name: one for one in access.destinations}
        self._zones = {name: zone for name, zone in access.zones.items() if gate in zone.gates}
        self._routes = tuple(one for one in access.routes if one.expires is None or today is None or one.expires >= today)
        self._environments = tuple(environments)
        self._connectors, self._proxies = connectors, proxies
        self._problems = problems
        self._reported: set[str] = set()

    def egress(self, environment: Placed) -> list[Permission]:
        """What the tasks of an environment may call."""
        wants = list(self._wants(environment))
        return [_permission(environment.environment, False, one, wants) for one in fewest(want.box for want in wants)]

    def ingress(self, environment: Placed) -> list[Permission]:
        """Who may call what runs in the environment's own subnets: people from their sources, tasks of other environments."""
        own = Hosts.from_cidrs(environment.subnet_cidrs).v4
        people: list[_Want] = []
        tasks: dict[str, list[_Want]] = {}
        for route, destination, zone in self._uses():
            want = self._want(route, destination, zone)
            if want is None or not want.box.addresses & own:
                continue
            if want.zone in self._connectors:
                people.append(_Want(route.name, want.zone, Box(self._connectors[want.zone], want.box.services)))
                continue
            for principal in self._of(route):
                if principal.group is not None:
                    sources = self._sources(principal)
                    people.append(_Want(route.name, want.zone, Box(sources, want.box.services)))
                else:
                    for other in self._environments:
                        if other.environment != environment.environment and _in(principal, other):
                            tasks.setdefault(other.environment, []).append(want)
        name = environment.environment
        found = [_permission(name, True, one, people) for one in fewest(want.box for want in people)]
        for caller, wants in sorted(tasks.items()):
            found += _from_environment(name, caller, wants)
        return found

    def routes(self, environment: Placed, gateways: Mapping[str, object]) -> list[Entry]:
        """The zones' CIDRs outside of the VPC that some route of the environment uses."""
        vpc = Hosts.from_cidr(environment.vpc_cidr).v4
        found: dict[str, Entry] = {}
        for want in self._wants(environment):
            beyond = want.box.addresses & vpc.complement(V4_MAX)
            if not beyond:
                continue
            if want.zone not in gateways:
                self._report(
                    f"zones.{want.zone}",
                    f"is outside of {environment.environment}'s VPC {environment.vpc_cidr}, and has no gateway: pass `gateway=`",
                )
                continue
            for cidr in self._towards(want.zone, beyond):
                entry = found.setdefault(cidr, Entry(environment.environment, want.zone, cidr))
                if gateways[entry.zone] is not gateways[want.zone]:
                    message = f"{cidr} is zone {entry.zone}'s as well, which has another gateway: a table has one route to it"
                    self._report(f"zones.{want.zone}.cidrs", message)
        return sorted(_collapsed(found.values(), gateways), key=lambda one: ip_network(one.cidr))

    def ipv6_only(self) -> tuple[str, ...]:
        """Destinations of workloads' routes that no IPv4 address has been written down for."""
        found = {
            destination.name
            for route, destination, zone in self._uses()
            if any(one.group is None for one in self._of(route)) and _addresses(destination, zone) and not _v4(destination, zone)
        }
        return tuple(sorted(found))

    def _towards(self, zone: str, beyond: Intervals) -> Iterator[str]:
        """The zone's CIDRs that the addresses lie in; the addresses themselves as far as they lie in none."""
        left = beyond
        networks = [network for network in map(ip_network, self._zones[zone].cidrs) if isinstance(network, IPv4Network)]
        # The widest first: what lies within another one of the zone needs no route of its own.
        for wide in sorted(networks, key=lambda one: one.prefixlen):
            span = Hosts.from_cidr(wide).v4
            if span & left:
                yield str(wide)
                left = left & span.complement(V4_MAX)
        for network in Hosts(v4=left).networks():
            yield str(network)

    def _wants(self, environment: Placed) -> Iterator[_Want]:
        for route, destination, zone in self._uses():
            if any(one.group is None and _in(one, environment) for one in self._of(route)):
                proxy = self._proxies.get(destination.zone)
                if proxy is not None:
                    yield _Want(route.name, destination.zone, Box(proxy.addresses, proxy.services))
                    continue
                want = self._want(route, destination, zone)
                if want is not None:
                    yield want

    def _uses(self) -> Iterator[tuple[Route, Destination, Zone]]:
        for route in self._routes:
            for name in route.to:
                destination = self._destinations[name]
                zone = self._zones.get(destination.zone)
                if zone is not None:
                    yield route, destination, zone

    def _of(self, route: Route) -> Iterator[Principal]:
        return (self._principals[name] for name in route.from_)

    def _want(self, route: Route, destination: Destination, zone: Zone) -> _Want | None:
        if not _addresses(destination, zone):
            hosts = ", ".join(destination.hosts) or "no host"
            self._report(
                f"destinations.{destination.name}",
                f"{hosts}: the AWS network knows addresses alone; write `cidrs` for it, or for its zone {destination.zone!r}",
            )
            return None
        addresses = _v4(destination, zone)
        if not addresses:
            return None
        services = Services.union(self._services(destination))
        names = " ".join(destination.hosts) or destination.name
        note = "" if destination.cidrs else f"{names} may be any address of zone {destination.zone}"
        return _Want(route.name, destination.zone, Box(addresses, services), note)

    def _services(self, destination: Destination) -> Iterator[Services]:
        for text in destination.ports:
            path = f"destinations.{destination.name}.ports"
            try:
                protocol, first, last = parse_port(text)
            except ValueError as error:
                self._report(path, str(error))
                continue
            if protocol == "sctp" and (first, last) != (0, 65535):
                self._report(
                    path, f"{text}: AWS knows ports of TCP and UDP alone, and would open all of SCTP: write 0-65535/sctp"
                )
            else:
                yield Services.of(protocol, first, last)

    def _sources(self, principal: Principal) -> Intervals:
        if not principal.sources:
            self._report(
                f"principals.{principal.name}.sources",
                f"none, so that group {principal.group!r} would come from anywhere: write the CIDRs of its offices or VPN pools",
            )
        return Hosts.from_cidrs(principal.sources).v4

    def _report(self, path: str, message: str) -> None:
        if (line := f"{path}: {message}") not in self._reported:
            self._reported.add(line)
            self._problems.add(path, message)


def _collapsed(entries: Iterable[Entry], gateways: Mapping[str, object]) -> Iterator[Entry]:
    """The same routes as fewer: what lies within another network to the same gateway, and halves of one.

    A network that overlaps with one to another gateway stays as it is: the longer prefix has to win.
    """
    networks = {IPv4Network(one.cidr): one for one in entries}
    alone: dict[int, list[IPv4Network]] = {}
    for network, one in networks.items():
        others = (other for other, two in networks.items() if gateways[two.zone] is not gateways[one.zone])
        if any(network.overlaps(other) for other in others):
            yield one
        else:
            alone.setdefault(id(gateways[one.zone]), []).append(network)
    for same in alone.values():
        for network in collapse_addresses(same):
            first = next(one for other, one in networks.items() if other.subnet_of(network))
            yield Entry(first.environment, first.zone, str(network))


def _addresses(destination: Destination, zone: Zone) -> tuple[str, ...]:
    return destination.cidrs or zone.cidrs


def _v4(destination: Destination, zone: Zone) -> Intervals:
    return Hosts.from_cidrs(_addresses(destination, zone)).v4


def _in(principal: Principal, environment: Placed) -> bool:
    return principal.environment is None or principal.environment == environment.environment


def _permission(environment: str, ingress: bool, one: Rectangle, wants: Iterable[_Want]) -> Permission:
    services, addresses = one.services(), one.addresses()
    served = [want for want in wants if want.box.addresses & addresses and want.box.services & services]
    first, last = (-1, -1) if one.protocol in ("icmp", "icmpv6") else (one.first, one.last)
    return Permission(environment, ingress, one.network, one.protocol, first, last, describe(served))


def _from_environment(environment: str, caller: str, wants: list[_Want]) -> list[Permission]:
    """Rules that let the tasks of one environment into another's subnets: by security group, so that its other hosts stay out."""
    placeholder = Hosts.from_cidr("0.0.0.0/32").v4
    found = []
    for one in fewest(Box(placeholder, want.box.services) for want in wants):
        served = [want for want in wants if want.box.services & one.services()]
        first, last = (-1, -1) if one.protocol in ("icmp", "icmpv6") else (one.first, one.last)
        found.append(Permission(environment, True, caller, one.protocol, first, last, describe(served)))
    return found


def describe(wants: Iterable[_Want]) -> str:
    """The routes that a rule serves, in AWS's characters and length: what is left out is counted."""
    served = list(wants)
    names = sorted({want.route for want in served})
    notes = sorted({want.note for want in served if want.note})
    for shown in range(len(names), -1, -1):
        more = f" and {len(names) - shown} more" if shown < len(names) else ""
        text = f"routes {', '.join(names[:shown])}{more}" + (f" ({'; '.join(notes)})" if notes else "")
        text = _NOT_IN_DESCRIPTIONS.sub("-", text)
        if len(text) <= MAX_DESCRIPTION:
            return text
    return text[: MAX_DESCRIPTION - 3] + "..."
