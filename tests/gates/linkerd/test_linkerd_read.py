"""What Linkerd's objects let through: hand-written ones, read into the filter of the proof."""

from typing import Any

import pytest
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.linkerd import read
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof.filters import Action, Filter, HttpOperation, Rule

DEFAULT = "config.linkerd.io/default-inbound-policy"
HOST = "db.data.svc.cluster.local"


def _object(kind: str, name: str, spec: dict[str, Any], version: str = "v1alpha1") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "data"}
    return {"apiVersion": f"policy.linkerd.io/{version}", "kind": kind, "metadata": metadata, "spec": spec}


def _pod(name: str, namespace: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    spec = {"serviceAccountName": name, "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


BASE = [
    {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "data", "annotations": {"linkerd.io/inject": "enabled", DEFAULT: "deny"}},
    },
    _pod("db", "data"),
    _pod("etl", "airflow"),
    _pod("var", "airflow"),
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "db", "namespace": "data"},
        "spec": {"selector": {"app": "db"}, "ports": [{"port": 80, "targetPort": "http"}]},
    },
    _object(
        "Server", "db", {"podSelector": {"matchLabels": {"app": "db"}}, "port": "http", "accessPolicy": "deny"}, version="v1beta3"
    ),
]
ETL = _object(
    "MeshTLSAuthentication", "etl", {"identityRefs": [{"kind": "ServiceAccount", "name": "etl", "namespace": "airflow"}]}
)


def _policy(*refs: tuple[str, str], kind: str = "Server", name: str = "db") -> dict[str, Any]:
    listed = [{"group": "policy.linkerd.io", "kind": kind, "name": name} for kind, name in refs]
    target = {"group": "policy.linkerd.io", "kind": kind, "name": name}
    return _object("AuthorizationPolicy", "allow", {"targetRef": target, "requiredAuthenticationRefs": listed})


def _filter(*more: dict[str, Any]) -> Filter:
    (found,) = read(stack_from_manifests([*BASE, *more]))
    return found


def _allowing(found: Filter) -> list[Rule]:
    return [rule for rule in found.rules if rule.action is Action.ALLOW]


def _callers(found: Filter) -> set[str]:
    assert all(HOST in rule.match.hosts.names for rule in found.rules)
    return {name for rule in _allowing(found) for name in rule.match.who.workloads or {"anybody"}}


def test_a_server_that_denies_is_for_nobody() -> None:
    assert not _allowing(_filter())


def test_a_policy_lets_in_the_accounts_that_it_names_on_the_port_of_the_service() -> None:
    found = _filter(ETL, _policy(("MeshTLSAuthentication", "etl")))
    assert _callers(found) == {"airflow/etl"}
    assert str(found.rules[0].match.services) == "80/tcp"


def test_all_references_of_one_policy_must_hold() -> None:
    var = _object("MeshTLSAuthentication", "var", {"identities": ["var.airflow.serviceaccount.identity.linkerd.cluster.local"]})
    assert _callers(_filter(ETL, var, _policy(("MeshTLSAuthentication", "var")))) == {"airflow/var"}
    both = _filter(ETL, var, _policy(("MeshTLSAuthentication", "etl"), ("MeshTLSAuthentication", "var")))
    assert [rule.match.who.workloads for rule in _allowing(both)] == [frozenset()]


def test_a_reference_to_nothing_lets_nobody_in() -> None:
    found = _filter(_policy(("MeshTLSAuthentication", "typo")))
    assert [rule.match.who.workloads for rule in _allowing(found)] == [frozenset()]


def test_an_open_server_is_for_everybody() -> None:
    server = _object(
        "Server", "more", {"podSelector": {}, "port": 8080, "accessPolicy": "all-unauthenticated"}, version="v1beta3"
    )
    assert _callers(_filter(server)) == {"anybody"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ({"type": "Exact", "value": "/v1"}, {HttpOperation("GET", "/v1")}),
        ({"type": "PathPrefix", "value": "/v1/"}, {HttpOperation("GET", "/v1"), HttpOperation("GET", "/v1/*")}),
        ({"type": "RegularExpression", "value": r"/v1/.*"}, {HttpOperation("GET", "/v1/*")}),
        ({"type": "RegularExpression", "value": r"/a\.b"}, {HttpOperation("GET", "/a.b")}),
    ],
)
def test_routes_are_read_as_the_gateway_api_means_them(path: dict[str, str], expected: set[HttpOperation]) -> None:
    parent = [{"group": "policy.linkerd.io", "kind": "Server", "name": "db"}]
    spec = {"parentRefs": parent, "rules": [{"matches": [{"path": path, "method": "GET"}]}]}
    route = _object("HTTPRoute", "get", spec, version="v1beta3")
    found = _filter(ETL, route, _policy(("MeshTLSAuthentication", "etl"), kind="HTTPRoute", name="get"))
    assert {one for rule in _allowing(found) for one in rule.match.operations or ()} == expected
    assert not any(rule.unknown for rule in found.rules)


def test_a_pattern_that_is_more_than_a_prefix_is_not_guessed() -> None:
    parent = [{"group": "policy.linkerd.io", "kind": "Server", "name": "db"}]
    match = {"path": {"type": "RegularExpression", "value": "/v[12]/(a|b)"}}
    route = _object("HTTPRoute", "get", {"parentRefs": parent, "rules": [{"matches": [match]}]}, version="v1beta3")
    found = _filter(ETL, route, _policy(("MeshTLSAuthentication", "etl"), kind="HTTPRoute", name="get"))
    assert all(rule.unknown for rule in _allowing(found))


def test_ports_without_a_server_are_unknown_where_nobody_says_their_default() -> None:
    annotations = {"linkerd.io/inject": "enabled"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "data", "annotations": annotations}}
    (found,) = read(stack_from_manifests([space, *BASE[1:]]))
    assert [rule.unknown for rule in found.rules] == [("data/db: the default-inbound-policy of its pods",)]


def _route(name: str, match: dict[str, Any], group: str = "policy.linkerd.io/v1beta3", kind: str = "HTTPRoute") -> dict[str, Any]:
    parents = [{"group": "policy.linkerd.io", "kind": "Server", "name": "db"}]
    spec = {"parentRefs": parents, "rules": [{"matches": [match]}]}
    return {"apiVersion": group, "kind": kind, "metadata": {"name": name, "namespace": "data"}, "spec": spec}


@pytest.mark.parametrize("group", ["policy.linkerd.io/v1beta3", "gateway.networking.k8s.io/v1"])
def test_routes_of_both_kinds_take_requests(group: str) -> None:
    route = _route("get", {"path": {"type": "Exact", "value": "/v1"}}, group)
    policy = _policy(("MeshTLSAuthentication", "etl"), kind="HTTPRoute", name="get")
    policy["spec"]["targetRef"]["group"] = group.partition("/")[0]
    found = _filter(ETL, route, policy)
    assert [rule.match.operations for rule in _allowing(found)] == [frozenset({HttpOperation("*", "/v1")})]
    policy["spec"]["targetRef"]["group"] = "another.example"
    assert not _allowing(_filter(ETL, route, policy))


@pytest.mark.parametrize("match", [{"headers": [{"name": "x", "value": "y"}]}, {"queryParams": [{"name": "x", "value": "y"}]}])
def test_what_is_not_known_of_requests_is_not_guessed(match: dict[str, Any]) -> None:
    found = _filter(ETL, _route("get", match), _policy(("MeshTLSAuthentication", "etl"), kind="HTTPRoute", name="get"))
    assert all(rule.unknown for rule in _allowing(found))


def test_calls_of_grpc_are_posts_to_their_method() -> None:
    server = _object("Server", "db", {"podSelector": {}, "port": "http", "proxyProtocol": "gRPC"}, version="v1beta3")
    route = _route(
        "call", {"method": {"service": "ledger.v1.Book", "method": "Post"}}, "gateway.networking.k8s.io/v1", "GRPCRoute"
    )
    policy = _policy(("MeshTLSAuthentication", "etl"), kind="GRPCRoute", name="call")
    policy["spec"]["targetRef"]["group"] = "gateway.networking.k8s.io"
    (found,) = read(stack_from_manifests([*BASE[:-1], server, ETL, route, policy]))
    assert [rule.match.operations for rule in _allowing(found)] == [frozenset({HttpOperation("POST", "/ledger.v1.Book/Post")})]


def test_a_pod_without_a_proxy_is_held_by_nothing() -> None:
    pod = _pod("db", "data")
    pod["metadata"]["annotations"] = {"linkerd.io/inject": "disabled"}
    (found,) = read(stack_from_manifests([BASE[0], pod, *BASE[2:]]))
    assert found.name == "workloads without a proxy"
    assert _callers(found) == {"anybody"}


SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "data", "annotations": {"linkerd.io/inject": "enabled"}}}


def _under_chart(annotations: dict[str, str] | None = None, **values: Any) -> Filter:
    db = _pod("db", "data")
    db["metadata"]["annotations"] = annotations or {}
    manifests = stack_from_manifests([SPACE, db, *BASE[2:]])
    chart = Resource("urn:l5d", "kubernetes:helm.sh/v3:Release", {"chart": "linkerd/linkerd-control-plane", "values": values})
    (found,) = read(Stack([*manifests.resources, chart]))
    return found


def test_the_chart_of_the_mesh_says_what_ports_without_a_server_do() -> None:
    found = _under_chart(proxy={"defaultInboundPolicy": "all-authenticated"}, proxyInit={"ignoreInboundPorts": ""})
    assert {rule.unknown for rule in _allowing(found)} == {()}
    assert {rule.match.who.workloads for rule in _allowing(found)} == {frozenset({"data/db"})}


DENY = {"proxy": {"defaultInboundPolicy": "deny"}}


@pytest.mark.parametrize(
    ("annotations", "init", "ports"),
    [
        ({}, {}, "4567-4568/tcp"),
        ({}, {"ignoreInboundPorts": "9000"}, "9000/tcp"),
        ({"config.linkerd.io/skip-inbound-ports": "9001"}, {"ignoreInboundPorts": "9000"}, "9001/tcp"),
        ({"config.linkerd.io/skip-inbound-ports": ""}, {}, None),
    ],
)
def test_ports_that_proxies_skip_by_the_chart_or_the_pod(
    annotations: dict[str, str], init: dict[str, str], ports: str | None
) -> None:
    open_ = [rule for rule in _allowing(_under_chart(annotations, **DENY, proxyInit=init)) if rule.match.who.workloads is None]
    assert [str(rule.match.services) for rule in open_] == ([ports] if ports else [])


@pytest.mark.parametrize(
    ("annotations", "init"),
    [
        ({"config.linkerd.io/skip-subnets": "10.9.0.0/16"}, {}),
        ({}, {"skipSubnets": "10.9.0.0/16"}),
        ({"config.linkerd.io/skip-subnets": "10.9.0.0/16"}, {"skipSubnets": "10.8.0.0/16"}),
    ],
)
def test_nothing_that_comes_from_networks_which_proxies_skip_is_held(annotations: dict[str, str], init: dict[str, str]) -> None:
    found = _under_chart(annotations, **DENY, proxyInit={"ignoreInboundPorts": "", **init})
    assert [str(rule.match.who.sources) for rule in _allowing(found)] == ["10.9.0.0/16"]
