"""Compiled and read back, Google's firewall lets through what was declared for each environment: no more, no less."""

from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest
from gcp_programs import declared, environment, network
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.gates.gcp_firewall import GcpFirewallGate, read
from pulumi_airlock.proof.filters import Action, Filter
from pulumi_airlock.proof.sets import Hosts, Services

HOSTS = [f"10.20.0.{last}" for last in range(8)]
NAMES = ["a.example.com", "b.example.com"]
PORTS = list(range(8000, 8006))
ENVIRONMENTS = ("finance", "markets")

networks = st.sampled_from(
    [f"10.20.0.{base}/{length}" for length in (29, 30, 31, 32) for base in range(0, 8, 2 ** (32 - length))]
)
places = st.lists(networks, min_size=1, max_size=2).map(lambda cidrs: {"cidrs": sorted(set(cidrs))}) | st.lists(
    st.sampled_from(NAMES), min_size=1, max_size=2
).map(lambda hosts: {"hosts": sorted(set(hosts))})
ports = st.builds(
    lambda first, width, protocol: (first, min(first + width, PORTS[-1]), protocol),
    st.sampled_from(PORTS),
    st.integers(0, 3),
    st.sampled_from(["tcp", "tcp", "udp"]),
)
destinations = st.lists(st.tuples(places, st.lists(ports, min_size=1, max_size=2, unique=True)), min_size=1, max_size=5)
owners = st.lists(st.sampled_from([*ENVIRONMENTS, None]), min_size=5, max_size=5)


def access_of(found: list[Any], owning: list[str | None]) -> Any:
    return declared(
        principals=[{"name": f"p{i}", "dags": ["*"], "environment": owner} for i, owner in enumerate(owning)],
        destinations=[
            {"name": f"d{i}", "zone": "datacenter", **where, "ports": [f"{a}-{b}/{protocol}" for a, b, protocol in each]}
            for i, (where, each) in enumerate(found)
        ],
        routes=[{"name": f"r{i}", "from": [f"p{i}"], "to": [f"d{i}"], "reason": "R"} for i in range(len(found))],
    )


@pytest.mark.parametrize("generation", [2, 3])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(destinations, owners)
def test_what_is_read_is_what_was_declared(preview, generation, found, owning):
    access = access_of(found, owning)

    def program() -> None:
        vpc = network()
        made = [environment(name, vpc, f"10.{number}", generation) for number, name in enumerate(ENVIRONMENTS, 1)]
        GcpFirewallGate("gcp_firewall", access=access, environments=[one.network for one in made], network_id=vpc.id)

    filters = {next(iter(one.scope.who.environments)): one for one in read(preview(program)) if one.scope.who.environments}
    assert {one.gate for one in filters.values()} == {"gcp_firewall"}
    for name in ENVIRONMENTS:
        assert not any(rule.unknown for rule in filters[name].rules)
        for host, port, protocol in product([*HOSTS, *NAMES], PORTS, ["tcp", "udp"]):
            wanted = any(
                owner in (name, None) and _is_at(host, where) and any(a <= port <= b and p == protocol for a, b, p in each)
                for owner, (where, each) in zip(owning, found, strict=False)
            )
            assert _allowed(filters[name], host, port, protocol) == wanted, (name, host, port, protocol)


def _is_at(host: str, where: dict[str, list[str]]) -> bool:
    if "hosts" in where:
        return host in where["hosts"]
    return host not in NAMES and any(ip_address(host) in ip_network(cidr) for cidr in where["cidrs"])


def _allowed(found: Filter, host: str, port: int, protocol: str) -> bool:
    service = Services.of(protocol, port, port)
    for rule in found.rules:
        hosts = rule.match.hosts
        here = host in hosts.names if host in NAMES else hosts.covers_addresses(Hosts.from_cidr(host)) and bool(hosts.v4)
        if here and rule.match.services & service:
            return rule.action is Action.ALLOW
    raise AssertionError("the implied rules match everything")
