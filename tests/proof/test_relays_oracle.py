"""Carried traffic against packets that are sent on one by one: a simulation of three gates in a row, which shares no code."""

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Relay, Rule, Source, Who
from pulumi_airlock.proof.relays import carried
from pulumi_airlock.proof.sets import Hosts, Services

BASE = 10 << 24
SIZE = 8
ZONE = range(4)
"""The addresses of the zone; the others lie in none."""
PORTS = (1, 2)
ENVIRONMENTS = ("a", "b", None)


@dataclass(frozen=True)
class Packet:
    environment: str | None
    source: int
    host: int
    port: int


@dataclass(frozen=True)
class Box:
    """One rule: None stands for all."""

    allow: bool
    environment: str | None
    sources: frozenset[int] | None
    hosts: frozenset[int]
    ports: frozenset[int]

    def holds(self, packet: Packet) -> bool:
        return (
            self.environment in (None, packet.environment)
            and (self.sources is None or packet.source in self.sources)
            and packet.host in self.hosts
            and packet.port in self.ports
        )


def decide(boxes: list[Box], combine: Combine, packet: Packet) -> bool:
    hits = [box.allow for box in boxes if box.holds(packet)]
    if combine is Combine.FIRST_MATCH:
        return bool(hits) and hits[0]
    return any(hits) and (combine is Combine.ANY_ALLOW or all(hits))


def addresses(numbers: frozenset[int] | range) -> Hosts:
    return Hosts.union(Hosts.from_range(str(_ip(one)), str(_ip(one))) for one in numbers)


def _ip(number: int) -> str:
    return f"10.0.0.{number}"


def services(ports: frozenset[int]) -> Services:
    return Services.union(Services.of("tcp", port, port) for port in ports)


def rule(box: Box, number: int) -> Rule:
    who = Who(
        environments=None if box.environment is None else frozenset({box.environment}),
        sources=None if box.sources is None else addresses(box.sources),
    )
    action = Action.ALLOW if box.allow else Action.DENY
    return Rule(action, Match(who, addresses(box.hosts), services(box.ports)), Source(f"urn::{number}"))


def boxes(allow_only: bool = False) -> st.SearchStrategy[list[Box]]:
    numbers = st.frozensets(st.integers(0, SIZE - 1), min_size=1)
    one = st.builds(
        Box,
        st.just(True) if allow_only else st.booleans(),
        st.sampled_from(["a", "b", None]),
        st.none() | numbers,
        numbers,
        st.frozensets(st.sampled_from(PORTS), min_size=1),
    )
    return st.lists(one, max_size=4)


combines = st.sampled_from([Combine.FIRST_MATCH, Combine.ANY_ALLOW, Combine.DENY_OVERRIDES])


def made(gate: str, found: list[Box], combine: Combine, **more: object) -> Filter:
    listed = [box for box in found if box.allow or combine is not Combine.ANY_ALLOW]
    rules = tuple(rule(box, number) for number, box in enumerate(listed))
    return Filter(gate, gate, combine, Action.DENY, rules, f"urn::{gate}", **more)


def access(*gates: str) -> Access:
    return Access.model_validate(
        {
            "principals": [],
            "zones": {"zone": {"cidrs": [f"{_ip(0)}/30"], "gates": list(gates)}},
            "destinations": [{"name": "all", "zone": "zone", "cidrs": [f"{_ip(0)}/30"], "ports": ["1/tcp"]}],
            "routes": [],
        }
    )


def packets(hosts: range = ZONE) -> Iterator[Packet]:
    for environment in ENVIRONMENTS:
        for source in range(SIZE):
            for host in hosts:
                for port in PORTS:
                    yield Packet(environment, source, host, port)


def outcomes(one: Filter, packet: Packet) -> set[bool]:
    """What a filter may decide: both, where an unknown rule may match."""
    found: set[bool] = set()
    for perhaps in (False, True):
        hits = [each.action is Action.ALLOW for each in one.rules if _holds(each, packet) and (perhaps or not each.unknown)]
        if one.combine is Combine.FIRST_MATCH:
            found.add(bool(hits) and hits[0])
        else:
            found.add(any(hits) and (one.combine is Combine.ANY_ALLOW or all(hits)))
    return found


def _holds(one: Rule, packet: Packet) -> bool:
    who, address = one.match.who, BASE + packet.host
    return (
        (who.environments is None or packet.environment in who.environments or (not who.environments and not packet.environment))
        and (who.outside is None or packet.environment not in who.outside)
        and (who.sources is None or BASE + packet.source in who.sources.v4)
        and address in one.match.hosts.v4
        and 6 * 65536 + packet.port in one.match.services.cells
    )


EVERYWHERE = (frozenset(ZONE), frozenset(PORTS))


@given(boxes(), combines, st.frozensets(st.integers(0, SIZE - 1), min_size=1, max_size=2))
@example(
    [
        Box(True, None, frozenset({5}), *EVERYWHERE),
        Box(False, None, frozenset({5, 6}), *EVERYWHERE),
        Box(True, None, frozenset({6}), *EVERYWHERE),
    ],
    Combine.FIRST_MATCH,
    frozenset({5, 6}),
)
def test_behind_a_connector_every_packet_comes_from_it(found: list[Box], combine: Combine, connectors: frozenset[int]):
    behind = made("behind", found, combine)
    connector = made("connector", [], Combine.FIRST_MATCH, relays=(Relay(addresses(ZONE), addresses(connectors)),))
    seen = next(one for one in carried(access("connector", "behind"), [connector, behind]) if one.gate == "behind")
    plain = [box for box in found if box.allow or combine is not Combine.ANY_ALLOW]
    for packet in packets():
        truth = {decide(plain, combine, Packet(None, source, packet.host, packet.port)) for source in connectors}
        told = outcomes(seen, packet)
        assert truth <= told, packet
        if len(connectors) == 1:
            assert told == truth, packet
    for packet in packets(range(4, SIZE)):
        assert outcomes(seen, packet) == {decide(plain, combine, packet)}, packet


@given(boxes(), combines, st.integers(4, SIZE - 1), st.sampled_from(PORTS), st.sampled_from([None, "a"]))
def test_before_a_proxy_every_packet_goes_to_it(found: list[Box], combine: Combine, host: int, port: int, whose: str | None):
    before = made("before", found, combine)
    entry = Match(hosts=addresses(frozenset({host})), services=Services.of("tcp", port, port))
    environments = None if whose is None else frozenset({whose})
    proxy = made("proxy", [], Combine.FIRST_MATCH, relays=(Relay(addresses(ZONE), entry=entry, environments=environments),))
    seen = next(one for one in carried(access("before", "proxy"), [proxy, before]) if one.gate == "before")
    plain = [box for box in found if box.allow or combine is not Combine.ANY_ALLOW]
    for packet in packets():
        mine = whose is None or packet.environment == whose
        sent = Packet(packet.environment, packet.source, host, port) if mine else packet
        assert outcomes(seen, packet) == {decide(plain, combine, sent)}, packet
    for packet in packets(range(4, SIZE)):
        assert outcomes(seen, packet) == {decide(plain, combine, packet)}, packet
