"""A configuration that leads nowhere, or nobody knows where: what of it is broken refuses, and no more is taken for granted."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pulumi_airlock.gates.tcp_proxy import read
from pulumi_airlock.gates.tcp_proxy.haproxy import syntax
from pulumi_airlock.gates.tcp_proxy.haproxy.read import HaproxyConfiguration
from pulumi_airlock.gates.tcp_proxy.read_config import Configuration
from pulumi_airlock.proof.filters import Action, Match
from pulumi_airlock.proof.sets import Hosts, Services
from tcp_proxy_program import compiled, fargate
from test_tcp_proxy_proven import edited, hosts, proven

Edit = Callable[[Any], None]
ELSEWHERE = Hosts.from_cidr("10.99.0.1/32")
DIRECT = Match(hosts=Hosts.from_cidr("10.20.4.10/32"), services=Services.of("tcp", 5432, 5432))


def _routes(change: Callable[[dict[str, Any]], None]) -> Edit:
    """A change of every route that leads somewhere."""

    def edit(document: Any) -> None:
        for host in hosts(document):
            for route in host["routes"]:
                if "route" in route:
                    change(route["route"])

    return edit


def _clusters(change: Callable[[dict[str, Any]], None]) -> Edit:
    def edit(document: Any) -> None:
        for one in document["resources"]:
            change(one)

    return edit


def _tunnels(document: Any) -> dict[str, Any]:
    (found,) = [one for one in document["static_resources"]["listeners"] if one["name"] == "tunnels"]
    return dict(found["filter_chains"][0])


def _manager(change: Callable[[dict[str, Any]], None]) -> Edit:
    return lambda document: change(_tunnels(document)["filters"][0]["typed_config"])


NOWHERE: Mapping[str, tuple[str, Edit]] = {
    "no listener": ("envoy.json", lambda document: document["static_resources"].update(listeners=[])),
    "a listener without chains": (
        "envoy.json",
        lambda document: [one.update(filter_chains=[]) for one in document["static_resources"]["listeners"]],
    ),
    "routes of another name": ("envoy.json", _manager(lambda one: one["rds"].update(route_config_name="others"))),
    "no target": ("targets.json", lambda document: hosts(document).clear()),
    "targets without routes": ("targets.json", lambda document: [one.update(routes=[]) for one in hosts(document)]),
    "a cluster that is not there": ("targets.json", _routes(lambda one: one.update(cluster="nothing"))),
    "no cluster": ("clusters.json", lambda document: document["resources"].clear()),
    "a cluster without endpoints": ("clusters.json", _clusters(lambda one: one.pop("load_assignment"))),
}


@pytest.mark.parametrize("name", NOWHERE)
def test_what_leads_nowhere_refuses_and_a_way_around_it_is_still_found(name: str) -> None:
    stack = edited(compiled(fargate()), *NOWHERE[name])
    found = proven(stack)
    assert {route for one in found.blocked for route in one.routes} == {"etl-warehouse", "ledger"}
    assert {one.gate for one in found.blocked} == {"tcp-proxy"}
    assert not found.excess
    # No task has to come by a proxy that leads nowhere: what the network lets past it is let through.
    said = [one.message for one in proven(stack, DIRECT).excess]
    assert said
    assert all(one.startswith("around tcp-proxy: ") for one in said)


def _by_pipe(one: dict[str, Any]) -> None:
    one["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"] = {"pipe": {"path": "/run/other"}}


def _by_filter(name: str) -> Edit:
    kind = f"type.googleapis.com/envoy.extensions.filters.network.{name}"
    return lambda document: _tunnels(document)["filters"].__setitem__(0, {"name": "leads", "typed_config": {"@type": kind}})


def _scoped(one: dict[str, Any]) -> None:
    one["scoped_routes"] = {"name": one.pop("rds")["route_config_name"]}


WHO_KNOWS: Mapping[str, tuple[str, Edit]] = {
    "endpoints of a control plane": ("clusters.json", _clusters(lambda one: one.update(type="EDS"))),
    "wherever a packet went": ("clusters.json", _clusters(lambda one: one.update(type="ORIGINAL_DST"))),
    "a kind of cluster": ("clusters.json", _clusters(lambda one: one.update(cluster_type={"name": "envoy.clusters.aggregate"}))),
    "a socket of the machine": ("clusters.json", _clusters(_by_pipe)),
    "scopes": ("envoy.json", _manager(_scoped)),
    "a filter that leads on itself": ("envoy.json", _by_filter("redis_proxy.v3.RedisProxy")),
    "listeners of a control plane": (
        "envoy.json",
        lambda document: (
            document["static_resources"].update(listeners=[]),
            document["dynamic_resources"].update(lds_resources_locator="xdstp://control/envoy.config.listener.v3.Listener/a"),
        ),
    ),
}


@pytest.mark.parametrize("name", WHO_KNOWS)
def test_what_leads_nobody_knows_where_may_lead_anywhere(name: str) -> None:
    stack = edited(compiled(fargate()), *WHO_KNOWS[name])
    (mine,) = read(stack)
    rules = [one for one in mine.rules if one.action is Action.ALLOW and one.match.hosts & ELSEWHERE]
    assert rules
    assert all(one.unknown for one in rules)
    found = proven(stack)
    assert found.unproven
    assert not found.ok


def test_a_cluster_that_a_client_chooses_may_be_any() -> None:
    """By a header of its request, in a route or for a part of its requests: each target is led to by each of them."""
    for action in ({"cluster_header": "x-cluster"}, {"weighted_clusters": {"clusters": [{"cluster_header": "x-cluster"}]}}):

        def choosing(one: dict[str, Any], action: Mapping[str, Any] = action) -> None:
            one.pop("cluster")
            one.update(action)

        found = proven(edited(compiled(fargate()), "targets.json", _routes(choosing)))
        # Among the clusters are also those that issuers' keys are fetched from.
        reached = {name for one in found.excess for name in one.destinations}
        assert reached == {"warehouse", "ledger-db", "hosts outside of every zone"}


def _of_tcp(config: Mapping[str, Any]) -> Configuration:
    kind = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "10.20.4.10", "port_value": 5432}}}}
    cluster = {"name": "a", "type": "STATIC", "load_assignment": {"endpoints": [{"lb_endpoints": [endpoint]}]}}
    chain = {"filters": [{"name": "tcp", "typed_config": {"@type": kind, **config}}]}
    bootstrap = {"static_resources": {"listeners": [{"name": "l", "filter_chains": [chain]}], "clusters": [cluster]}}
    return Configuration({"envoy.json": bootstrap}, "envoy.json")


@pytest.mark.parametrize("config", [{"cluster": "a"}, {"weighted_clusters": {"clusters": [{"name": "a", "weight": 1}]}}])
def test_a_listener_of_tcp_leads_where_its_clusters_are(config: Mapping[str, Any]) -> None:
    (way,) = _of_tcp(config).ways()
    assert (str(way.hosts), [one.answer for one in way.cases]) == ("10.20.4.10/32", [True])


def test_a_listener_that_tunnels_on_leads_nobody_knows_where() -> None:
    (way,) = _of_tcp({"cluster": "a", "tunneling_config": {"hostname": "elsewhere:443"}}).ways()
    assert [one.answer for one in way.cases] == [None]


HAPROXY = """\
frontend tunnels
  mode tcp
  bind :8443
  default_backend a
backend a
  mode tcp
  server a {server}
"""


@pytest.mark.parametrize("server", ["0.0.0.0:0", "[::]:0", "[::]:5432"])
def test_a_server_of_haproxy_that_is_wherever_a_client_went_may_be_anywhere(server: str) -> None:
    (way,) = HaproxyConfiguration(syntax.parsed(HAPROXY.format(server=server)), "haproxy.cfg").ways()
    assert way.hosts & ELSEWHERE


@pytest.mark.parametrize("without", ["  default_backend a\n", "  server a {server}\n", "  bind :8443\n"])
def test_a_haproxy_that_leads_nowhere_has_no_way(without: str) -> None:
    assert list(HaproxyConfiguration(syntax.parsed(HAPROXY.replace(without, "")), "haproxy.cfg").ways()) == []
