"""What logs are held against: the environments of a stack, how their components go into Zscaler, and which rules there are.

Read from the stack's resources alone, as the proof is. What the ZIA gate calls a location is read from the locations themselves,
whoever wrote them: by the dedicated port that a component's proxy has, or by the addresses of an environment.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..access.model import Access
from ..environments.read_egress import WayOut, ways_out
from ..gates import read_all
from ..gates.declaration import required_access
from ..gates.stack import Resource, Stack
from ..proof.filters import Environment, Filter, Rule
from ..proof.sets import Hosts

ZIA, ZPA = "zia", "zpa"
COMPONENTS = ("scheduler", "worker", "webserver")
TASKS = "scheduler, worker"
"""The components that ZPA does not tell apart: they share their subnets, and a Cloud Connector sees addresses."""
LOCATION = "zia:index:LocationManagement"
_RULES = {
    ZIA: re.compile(r"zia:index:\w*Rule"),
    ZPA: re.compile(r"zpa:index/policy\w*Rule(V2)?:\w+"),
}
"""Types of the rules that logs name."""
_QUOTED = re.compile(r'"([^"]+)"')
_GATES = {ZIA: "airlock:index:ZiaGate", ZPA: "airlock:index:ZpaGate"}


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
    access, reading, proxies = required_access(stack), read_all(stack), ways_out(stack)
    kinds = _kinds(stack, reading.filters)
    names = {one.urn: name for one in _rules(stack) if (name := _text(one, "name"))}
    rules = {
        kind: frozenset(names[one.urn].lower() for one in _rules(stack) if one.urn in names and _RULES[kind].fullmatch(one.type))
        for kind in _RULES
    }
    ways = [*_locations(stack, reading.environments, proxies, kinds), *_connectors(stack, kinds)]
    known = {(one.environment, one.gate) for one in ways}
    ways += [one for one in _tasks(access, reading.environments, kinds) if (one.environment, one.gate) not in known]
    connectors = Hosts.union(
        [
            _addresses(stack),
            *(
                relay.sources.addresses()
                for one in reading.filters
                if kinds.get(one.gate) == ZPA
                for relay in one.relays
                if relay.sources
            ),
        ]
    )
    return Expected(access, reading.environments, reading.filters, kinds, tuple(ways), proxies, connectors, rules, names)


def _kinds(stack: Stack, filters: tuple[Filter, ...]) -> dict[str, str]:
    """Every gate of Zscaler: those of Airlock's components, and those whose filters come from its resources."""
    found = {one.name: kind for kind, token in _GATES.items() for one in stack.of_type(token)}
    for one in filters:
        source = stack.find(one.urn)
        kind = source.type.partition(":")[0] if source is not None else ""
        if kind in (ZIA, ZPA):
            found.setdefault(one.gate, kind)
    return found


def _rules(stack: Stack) -> Iterator[Resource]:
    for one in stack.resources:
        if any(pattern.fullmatch(one.type) for pattern in _RULES.values()):
            yield one


def _text(resource: Resource, *path: str) -> str:
    value = resource.get(*path)
    return value if isinstance(value, str) else ""


def _locations(
    stack: Stack, environments: tuple[Environment, ...], proxies: Mapping[str, WayOut], kinds: Mapping[str, str]
) -> Iterator[Way]:
    """Every location that is an environment's, by the port of a component or by addresses of its subnets."""
    gates = [name for name, kind in kinds.items() if kind == ZIA]
    for one in stack.of_type(LOCATION):
        name = _text(one, "name")
        gate = next((above.name for above in one.ancestors() if above.name in gates), gates[0] if gates else "")
        ports = {int(port) for port in one.get_list("ports") if isinstance(port, int | float)}
        by_port = [(where, part, port) for where, way in proxies.items() for part, port in way.ports.items() if port in ports]
        for environment, component, port in by_port:
            yield Way(gate, environment, component, name, port)
        if not by_port and name:
            addresses = _ranges(one.get_list("ipAddresses"))
            for one_of in environments:
                if addresses and one_of.sources.covers_addresses(addresses):
                    yield Way(gate, one_of.name, _component_in(name), name)


def _component_in(name: str) -> str:
    """The component that a location's name ends with; all of them where it tells none."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((one for one in COMPONENTS if one in words), ", ".join(COMPONENTS))


def _ranges(entries: list[object]) -> Hosts:
    found = []
    for entry in entries:
        first, dash, last = str(entry).partition("-")
        try:
            found.append(Hosts.from_range(first.strip(), last.strip()) if dash else Hosts.from_cidr(first))
        except ValueError:
            continue
    return Hosts.union(found)


def _connectors(stack: Stack, kinds: Mapping[str, str]) -> Iterator[Way]:
    """What the ZPA gate's component says of the environments that it knows."""
    for gate in (one for one in stack.of_type(_GATES[ZPA]) if one.name in kinds):
        workloads = gate.get("workloads", default={})
        for environment, told in workloads.items() if isinstance(workloads, Mapping) else ():
            name = told.get("name") if isinstance(told, Mapping) else told
            yield Way(gate.name, str(environment), TASKS, name if isinstance(name, str) else "")


def _tasks(access: Access, environments: tuple[Environment, ...], kinds: Mapping[str, str]) -> Iterator[Way]:
    """Every environment at every gate of Zscaler that zones name, where nothing tells more."""
    used = {gate for zone in access.zones.values() for gate in zone.gates}
    for gate, kind in kinds.items():
        for environment in environments if gate in used else ():
            yield Way(gate, environment.name, TASKS if kind == ZPA else ", ".join(COMPONENTS))


def _addresses(stack: Stack) -> Hosts:
    """Where App Connectors are, as the gate's component was told."""
    found = []
    for gate in stack.of_type(_GATES[ZPA]):
        groups = gate.get("connectors", default={})
        for told in groups.values() if isinstance(groups, Mapping) else ():
            cidrs = told.get("cidrs") if isinstance(told, Mapping) else told
            found.append(_ranges(list(cidrs) if isinstance(cidrs, list | tuple) else []))
    return Hosts.union(found)
