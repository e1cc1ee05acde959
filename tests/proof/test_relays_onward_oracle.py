"""What a gateway sends on, against packets that are sent on one by one: it goes on as a workload of its own, to other hosts.

The gates behind it have scopes: pods that a policy selects, as callers or as destinations. Shares no code with `proof.relays`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st
from oracle_cases import often
from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Relay, Rule, Source, Who
from pulumi_airlock.proof.relays import carried
from pulumi_airlock.proof.sets import Hosts, Services

PEOPLE_TYPE = frozenset(range(4))
"""Hosts that lead to the gateway: those of the zone."""
UPSTREAMS = frozenset(range(4, 8))
HOSTS = PEOPLE_TYPE | UPSTREAMS
PORTS = frozenset({1, 2})
WORKLOADS = ("gateway", "other", "")
NAMES = {4: "first.cluster.example", 5: "second.cluster.example"}
"""Of two upstreams: half of the cases call them by name."""


@dataclass(frozen=True)
class Packet:
    workload: str
    source: int
    host: int
    port: int


@dataclass(frozen=True)
class Box:
    """Some packets; None stands for all."""

    workloads: frozenset[str] | None
    sources: frozenset[int] | None
    hosts: frozenset[int] | None
    ports: frozenset[int] | None
    allow: bool = True

    def holds(self, packet: Packet) -> bool:
        asked = (
            (self.workloads, packet.workload),
            (self.sources, packet.source),
            (self.hosts, packet.host),
            (self.ports, packet.port),
        )
        return all(held is None or value in held for held, value in asked)

    def match(self, named: bool) -> Match:
        workloads = None if self.workloads is None else frozenset(self.workloads)
        who = Who(workloads=workloads, sources=None if self.sources is None else hosts_of(self.sources, False))
        hosts = Hosts.every() if self.hosts is None else hosts_of(self.hosts, named)
        return Match(who, hosts, Services.every() if self.ports is None else services_of(self.ports))


def hosts_of(numbers: frozenset[int], named: bool) -> Hosts:
    """As addresses; where they are named, upstreams with a name by that alone."""
    by_name = [NAMES[one] for one in sorted(numbers) if named and one in NAMES]
    addresses = [f"10.0.0.{one}/32" for one in sorted(numbers) if not (named and one in NAMES)]
    return Hosts.from_cidrs(addresses) | Hosts.from_names(by_name)


def services_of(ports: frozenset[int]) -> Services:
    return Services.union(Services.of("tcp", port, port) for port in sorted(ports))


def some(values: frozenset[int] | tuple[str, ...]) -> st.SearchStrategy[frozenset[int] | frozenset[str] | None]:
    return st.none() | st.frozensets(st.sampled_from(sorted(values)), min_size=1)


boxes = st.builds(Box, some(WORKLOADS), some(HOSTS), some(HOSTS), some(PORTS), st.booleans())
scopes = st.builds(Box, some(WORKLOADS), st.none(), some(HOSTS), some(PORTS))
combines = st.sampled_from([Combine.FIRST_MATCH, Combine.ANY_ALLOW, Combine.DENY_OVERRIDES])


@dataclass(frozen=True)
class Gate:
    """The gate behind the gateway."""

    scope: Box
    rules: tuple[Box, ...]
    combine: Combine

    def lets(self, packet: Packet) -> bool:
        """What it does with one packet; what is not in its scope does not pass it."""
        if not self.scope.holds(packet):
            return True
        hits = [one.allow for one in self.rules if one.holds(packet) and (one.allow or self.combine is not Combine.ANY_ALLOW)]
        if self.combine is Combine.FIRST_MATCH:
            return bool(hits) and hits[0]
        return any(hits) and all(hits)

    def filter(self, named: bool) -> Filter:
        rules = tuple(
            Rule(Action.ALLOW if one.allow else Action.DENY, one.match(named), Source(f"urn::{number}"))
            for number, one in enumerate(self.rules)
        )
        return Filter(
            "policies", "", self.combine, Action.DENY, rules, "urn::policies", scope=self.scope.match(named), always=True
        )


gates = st.builds(Gate, scopes, st.lists(boxes, max_size=4).map(tuple), combines)


@dataclass(frozen=True)
class Gateway:
    """Where the gateway goes on to, and as whom."""

    hosts: frozenset[int]
    ports: frozenset[int]
    workload: str | None
    sources: frozenset[int] | None

    def sends(self, packet: Packet) -> Iterator[Packet]:
        """What may become of a packet."""
        if packet.host not in PEOPLE_TYPE:
            yield packet
            return
        for host, port, source in product(self.hosts, self.ports, self.sources or (packet.source,)):
            yield Packet(packet.workload if self.workload is None else self.workload, source, host, port)

    def filter(self, named: bool) -> Filter:
        relay = Relay(
            hosts_of(PEOPLE_TYPE, False),
            sources=None if self.sources is None else hosts_of(self.sources, False),
            workload=self.workload,
            onward=Match(hosts=hosts_of(self.hosts, named), services=services_of(self.ports)),
        )
        return Filter("gateway", "", Combine.FIRST_MATCH, Action.ALLOW, (), "urn::gateway", relays=(relay,))


gateways = st.builds(
    Gateway,
    st.frozensets(st.sampled_from(sorted(UPSTREAMS)), min_size=1, max_size=2),
    st.frozensets(st.sampled_from(sorted(PORTS)), min_size=1),
    st.sampled_from(["gateway", None]),
    st.none() | st.frozensets(st.sampled_from(sorted(HOSTS)), min_size=1, max_size=1),
)
ACCESS = Access.model_validate(
    {
        "principals": [],
        "zones": {"ui": {"cidrs": ["10.0.0.0/30"], "gates": ["gateway"]}},
        "destinations": [{"name": "ui", "zone": "ui", "cidrs": ["10.0.0.0/30"], "ports": ["1/tcp"]}],
        "routes": [],
    }
)


def told(found: list[Filter], packet: Packet) -> set[bool]:
    """What all filters together may do: of each both, where a rule that is not known may match."""
    outcomes = [_decided(one, packet) for one in found if _within(one.scope, packet)]
    return {True} - ({True} if any(True not in one for one in outcomes) else set()) | (
        {False} if any(False in one for one in outcomes) else set()
    )


def _decided(one: Filter, packet: Packet) -> set[bool]:
    found = set()
    unknown = [number for number, rule in enumerate(one.rules) if rule.unknown]
    for matching in product((False, True), repeat=min(len(unknown), 6)):
        absent = {number for number, matches in zip(unknown, matching, strict=False) if not matches}
        hits = [
            rule.action is Action.ALLOW
            for number, rule in enumerate(one.rules)
            if number not in absent and _within(rule.match, packet)
            if rule.action is Action.ALLOW or one.combine is not Combine.ANY_ALLOW
        ]
        found.add(bool(hits) and (hits[0] if one.combine is Combine.FIRST_MATCH else all(hits)))
    return found


def _within(match: Match, packet: Packet) -> bool:
    who, address = match.who, int(IPv4Address("10.0.0.0"))
    name = NAMES.get(packet.host, "")
    return (
        (who.workloads is None or packet.workload in who.workloads)
        and (who.sources is None or address + packet.source in who.sources.v4)
        and (address + packet.host in match.hosts.v4 or (name != "" and name in match.hosts.names))
        and 6 * 65536 + packet.port in match.services.cells
    )


def agree(gate: Gate, gateway: Gateway, named: bool) -> None:
    found = [one for one in carried(ACCESS, [gateway.filter(named), gate.filter(named)]) if one.gate == "policies"]
    for workload, source, host, port in product(WORKLOADS, sorted(HOSTS), sorted(HOSTS), sorted(PORTS)):
        packet = Packet(workload, source, host, port)
        truth = {gate.lets(one) for one in gateway.sends(packet)}
        answer = told(found, packet)
        assert truth <= answer, (packet, truth, answer)
        if len(list(gateway.sends(packet))) == 1:
            assert truth == answer, (packet, truth, answer)


INGRESS = Box(None, None, frozenset({4}), None)
EGRESS = Box(frozenset({"gateway"}), None, None, None)
TO_API = Box(frozenset({"gateway"}), None, frozenset({4}), frozenset({1}))
API = Gateway(frozenset({4}), frozenset({1}), "gateway", None)


@often(60)
@given(gates, gateways, st.booleans())
@example(Gate(INGRESS, (), Combine.ANY_ALLOW), API, True)
@example(Gate(INGRESS, (TO_API,), Combine.ANY_ALLOW), API, True)
@example(Gate(INGRESS, (replace(TO_API, workloads=frozenset({"other"})),), Combine.ANY_ALLOW), API, True)
@example(Gate(EGRESS, (), Combine.ANY_ALLOW), API, True)
@example(Gate(EGRESS, (TO_API,), Combine.ANY_ALLOW), API, True)
@example(Gate(replace(INGRESS, hosts=frozenset({5})), (), Combine.ANY_ALLOW), API, True)
@example(Gate(INGRESS, (), Combine.ANY_ALLOW), replace(API, hosts=frozenset({4, 5})), True)
def test_behind_a_gateway_gates_meet_its_workload_and_its_upstream(gate: Gate, gateway: Gateway, named: bool):
    agree(gate, gateway, named)
