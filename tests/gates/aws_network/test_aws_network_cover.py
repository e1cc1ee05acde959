"""The fewest rules: never one packet more or less than was asked for."""

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.gates.aws_network.cover import Box, Rectangle, fewest
from pulumi_airlock.proof.sets import Hosts, Services


def box(cidr: str, *services: Services) -> Box:
    return Box(Hosts.from_cidr(cidr).v4, Services.union(services))


def tcp(first: int, last: int | None = None) -> Services:
    return Services.of("tcp", first, first if last is None else last)


networks = st.builds(
    lambda host, length: str(IPv4Network((host << (32 - 28), length), strict=False)), st.integers(0, 15), st.integers(26, 32)
)
services = st.builds(
    lambda protocol, first, width: Services.of(protocol, first, first + width),
    st.sampled_from(["tcp", "udp"]),
    st.integers(0, 6),
    st.integers(0, 3),
)
boxes = st.lists(st.builds(box, networks, services), min_size=1, max_size=7)


def points(found: list[Box]) -> set[tuple[int, int]]:
    return {
        (address, cell)
        for one in found
        for first, last in one.addresses.spans
        for address in range(first, last + 1)
        for start, end in one.services.cells.spans
        for cell in range(start, end + 1)
    }


@given(boxes)
def test_the_rules_let_through_exactly_what_was_asked_for(wanted):
    rules = fewest(wanted)

    assert points([Box(rule.addresses(), rule.services()) for rule in rules]) == points(wanted)


@given(boxes)
def test_aggregation_never_needs_more_rules_than_there_were_boxes(wanted):
    single = [one for one in wanted if len(list(Hosts(v4=one.addresses).networks())) == 1]

    assert len(fewest(single)) <= len(single)


def test_neighbouring_networks_with_the_same_ports_are_one_rule():
    assert fewest([box("10.0.0.0/25", tcp(443)), box("10.0.0.128/25", tcp(443))]) == (
        Rectangle(IPv4Network("10.0.0.0/24"), "tcp", 443, 443),
    )


def test_adjoining_ports_of_one_network_are_one_rule():
    assert fewest([box("10.0.0.0/24", tcp(8000, 8004)), box("10.0.0.0/24", tcp(8005, 8010))]) == (
        Rectangle(IPv4Network("10.0.0.0/24"), "tcp", 8000, 8010),
    )


def test_a_wide_rule_over_a_host_with_more_ports_is_shared():
    # The host's 443 is covered by the network's rule: 2 rules, where cutting the network around the host would take 9.
    wanted = [box("10.0.0.0/24", tcp(443)), box("10.0.0.7/32", tcp(443), tcp(5432))]

    assert [str(rule.network) for rule in fewest(wanted)] == ["10.0.0.0/24", "10.0.0.7/32"]


def test_a_protocol_without_ports_has_none():
    assert fewest([box("10.0.0.1/32", Services.of("icmp"))]) == (Rectangle(IPv4Network("10.0.0.1/32"), "icmp", None, None),)


def test_everything_is_one_rule():
    assert fewest([box("0.0.0.0/0", Services.every())]) == (Rectangle(IPv4Network("0.0.0.0/0"), "-1", None, None),)
