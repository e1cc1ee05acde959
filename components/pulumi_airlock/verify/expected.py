"""What logs are held against: the environments of a stack, how their components go into Zscaler, and which rules there are.

Read from the stack's resources alone, as the proof is. What the ZIA gate calls a location is read from the locations themselves,
whoever wrote them: by the dedicated port that a component's proxy has, or by the addresses of an environment.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..access.model import Access
from ..environments import read_environments
from ..environments.mwaa.read_egress import WayOut, told_egress, ways_out
from ..gates.declaration import required_access
from ..gates.stack import Resource, Stack
from ..gates.zia import read as read_zia
from ..gates.zia.kinds import LOCATION
from ..gates.zia.place import Place, addresses
from ..gates.zia.tenant import Tenant, tenants
from ..gates.zpa import read as read_zpa
from ..proof.filters import Environment, Filter, Rule
from ..proof.sets import Hosts
from ..tokens import ZIA_GATE, ZPA_GATE

ZIA, ZPA = "zia", "zpa"
COMPONENTS = ("scheduler", "worker", "webserver")
TASKS = "scheduler, worker"
"""The components that ZPA does not tell apart: they share their subnets, and a Cloud Connector sees addresses."""
_RULES = {
    ZIA: re.compile(r"zia:index[:/].*Rule"),
    ZPA: re.compile(r"zpa:index/policy\w*Rule(V2)?:\w+"),
}
"""Types of the rules that logs name."""
_QUOTED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Way:
    """How a component of an environment goes into a gate, and how that gate's logs name it."""

    gate: str
    environment: str
    component: str
    """One of `COMPONENTS`, or several with commas where nothing tells them apart."""
    location: str = ""
    """The location or sub-location of ZIA, or the Cloud Connector group of ZPA."""
    port: int = 0
    """The dedicated port of an explicit proxy; 0: the traffic is forwarded as it is."""

    def __str__(self) -> str:
        port = f"port {self.port}" if self.port else ""
        return ", ".join(filter(None, (self.location, port))) or "its addresses"


@dataclass(frozen=True)
class Expected:
    """All of it."""

    access: Access
    environments: tuple[Environment, ...]
    filters: tuple[Filter, ...]
    kinds: Mapping[str, str]
    """Gate, by its component's name → `zia` or `zpa`."""
    ways: tuple[Way, ...] = ()
    proxies: Mapping[str, WayOut] = field(default_factory=dict)
    """Environment → its explicit proxy."""
    connectors: Hosts = field(default_factory=Hosts)
    """Addresses of App Connectors and Cloud Connectors."""
    rules: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """`zia` or `zpa` → the names of the stack's rules, in small letters."""
    names: Mapping[str, str] = field(default_factory=dict)
    """URN of a rule → its name."""
    bound: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """URN of a rule of ZIA → the only locations that it is for, in small letters."""
    routes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Name of a rule, in small letters → the routes that it was compiled from."""

    def gates(self, kind: str) -> tuple[str, ...]:
        """The gates of a kind."""
        return tuple(name for name, one in self.kinds.items() if one == kind)

    def of_gate(self, gate: str) -> tuple[Filter, ...]:
        """The filters of a gate."""
        return tuple(one for one in self.filters if one.gate == gate)

    def name_of(self, rule: Rule) -> str:
        """What logs call a rule: its name on the gate; where the stack does not tell, what its label quotes."""
        found = _QUOTED.search(rule.source.label)
        return self.names.get(rule.source.urn) or (found[1] if found else rule.source.label)


def expected_of(stack: Stack) -> Expected:
    """What a stack expects its logs to show. InputError where it declares no access; never raises on strange resources."""
    access, environments = required_access(stack), tuple(read_environments(stack))
    # As each gate reads itself: its log has the caller as it sees it, whatever other gates see of the same traffic.
    read = {ZIA: tuple(read_zia(stack)), ZPA: tuple(read_zpa(stack))}
    kinds = {one.gate: kind for kind, filters in read.items() for one in filters}
    names = {one.urn: name for one in _rules(stack) if (name := _text(one, "name"))}
    ways = [*_locations(stack, environments), *_connectors(stack, kinds)]
    known = {(one.environment, one.gate) for one in ways}
    ways += [one for one in _tasks(access, environments, kinds) if (one.environment, one.gate) not in known]
    return Expected(
        access=access,
        environments=environments,
        filters=(*read[ZIA], *read[ZPA]),
        kinds=kinds,
        ways=tuple(ways),
        proxies=_proxies(stack),
        connectors=Hosts.union(relay.sources.addresses() for one in read[ZPA] for relay in one.relays if relay.sources),
        rules={kind: frozenset(names[urn].lower() for urn in _urns(stack, kind) if urn in names) for kind in _RULES},
        names=names,
        bound=dict(_bound(stack)),
        routes=dict(_routes(stack)),
    )


def _rules(stack: Stack) -> Iterator[Resource]:
    for one in stack.resources:
        if any(pattern.fullmatch(one.type) for pattern in _RULES.values()):
            yield one


def _urns(stack: Stack, kind: str) -> Iterator[str]:
    yield from (one.urn for one in stack.resources if _RULES[kind].fullmatch(one.type))


def _text(resource: Resource, *path: str) -> str:
    value = resource.get(*path)
    return value if isinstance(value, str) else ""


def _locations(stack: Stack, environments: tuple[Environment, ...]) -> Iterator[Way]:
    """Every location that is an environment's, by the port of a component or by addresses of its subnets."""
    names = {one.name for one in environments}
    for tenant in tenants(stack):
        place = Place(tenant)
        for location in tenant.of_kind(LOCATION):
            ports = {int(port) for port in location.get_list("ports") if isinstance(port, int | float)}
            for environment in (name for name in place.owners[location.urn] if name in names):
                mine = place.ways[environment].ports
                by_port = [(part, port) for part, port in mine.items() if port in ports]
                parts = by_port or [(_part(tenant, location, environment), 0)]
                for gate, _ in tenant.names:
                    for part, port in parts:
                        yield Way(gate, environment, part, _text(location, "name"), port)


def _part(tenant: Tenant, location: Resource, environment: str) -> str:
    """The component whose subnets a sub-location has, as the gate tells, else as its name ends; else all of them."""
    here = _ranges(location.get_list("ipAddresses"))
    for gate in tenant.components:
        told = gate.get("environments", environment, "cidrs")
        for part, cidrs in told.items() if isinstance(told, Mapping) else ():
            if part in COMPONENTS and here and _ranges(cidrs) == here:
                return str(part)
    last = re.split(r"[^a-z]+", _text(location, "name").lower())[-1]
    return last if last in COMPONENTS else ", ".join(COMPONENTS)


def _ranges(entries: object) -> Hosts:
    found = [addresses(one) for one in entries if isinstance(one, str)] if isinstance(entries, list | tuple) else []
    return Hosts.union(one for one in found if one is not None)


def _proxies(stack: Stack) -> dict[str, WayOut]:
    """The explicit proxies that environments are told, or that a gate says they have."""
    found: dict[str, WayOut] = {}
    for gate in stack.of_type(ZIA_GATE):
        told = gate.get("environments", default=None)
        for name in told if isinstance(told, Mapping) else ():
            one = told_egress(replace(gate, properties={"egress": told[name]}))
            if one is not None:
                found[str(name)] = one
    return found | ways_out(stack)


def _bound(stack: Stack) -> Iterator[tuple[str, frozenset[str]]]:
    """Rules of ZIA that are for some locations alone, as far as that is certain."""
    for tenant in tenants(stack):
        above = {one.urn for each in tenant.of_kind(LOCATION) for one in each.refers_to("parentId")}
        for rule in tenant.resources:
            if not _RULES[ZIA].fullmatch(rule.type):
                continue
            found = tenant.named_by(rule, "locations", LOCATION)
            whole = found.given and not found.reasons and not any(one.urn in above for one in found.objects)
            if whole and not rule.get_list("locationGroups"):
                yield rule.urn, frozenset(_text(one, "name").lower() for one in found.objects)


def _routes(stack: Stack) -> Iterator[tuple[str, frozenset[str]]]:
    """What the gates' components say their rules are for: the rule's name → routes."""
    for gate in stack.of_type(ZIA_GATE, ZPA_GATE):
        for prop in ("rules", "routes"):
            told = gate.get(prop, default=None)
            for name, routes in told.items() if isinstance(told, Mapping) else ():
                yield str(name).lower(), frozenset(one for one in routes or () if isinstance(one, str))


def _connectors(stack: Stack, kinds: Mapping[str, str]) -> Iterator[Way]:
    """What the ZPA gate's component says of the environments that it knows."""
    for gate in stack.of_type(ZPA_GATE):
        name = _text(gate, "gate") or gate.name
        for told in gate.get_list("workloads") if name in kinds else ():
            if isinstance(told, Mapping) and isinstance(told.get("environment"), str):
                known = told.get("name")
                yield Way(name, str(told["environment"]), TASKS, known if isinstance(known, str) else "")


def _tasks(access: Access, environments: tuple[Environment, ...], kinds: Mapping[str, str]) -> Iterator[Way]:
    """Every environment at every gate of Zscaler that zones name, where nothing tells more."""
    used = {gate for zone in access.zones.values() for gate in zone.gates}
    for gate, kind in kinds.items():
        for environment in environments if gate in used else ():
            yield Way(gate, environment.name, TASKS if kind == ZPA else ", ".join(COMPONENTS))
