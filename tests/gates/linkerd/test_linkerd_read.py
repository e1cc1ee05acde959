"""What Linkerd's objects let through: hand-written ones, read into the filter of the proof."""

from typing import Any

import pytest
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.linkerd import read
from pulumi_airlock.proof.filters import Action, Filter, HttpOperation

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
        "metadata": {"name": "data", "labels": {"config.linkerd.io/default-inbound-policy": "deny"}},
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


def _callers(found: Filter) -> set[str]:
    assert all(rule.action is Action.ALLOW and HOST in rule.match.hosts.names for rule in found.rules)
    return {name for rule in found.rules for name in rule.match.who.workloads or {"anybody"}}


def test_a_server_that_denies_is_for_nobody() -> None:
    assert not _filter().rules


def test_a_policy_lets_in_the_accounts_that_it_names_on_the_port_of_the_service() -> None:
    found = _filter(ETL, _policy(("MeshTLSAuthentication", "etl")))
    assert _callers(found) == {"airflow/etl"}
    assert str(found.rules[0].match.services) == "80/tcp"


def test_all_references_of_one_policy_must_hold() -> None:
    var = _object("MeshTLSAuthentication", "var", {"identities": ["var.airflow.serviceaccount.identity.linkerd.cluster.local"]})
    assert _callers(_filter(ETL, var, _policy(("MeshTLSAuthentication", "var")))) == {"airflow/var"}
    both = _filter(ETL, var, _policy(("MeshTLSAuthentication", "etl"), ("MeshTLSAuthentication", "var")))
    assert [rule.match.who.workloads for rule in both.rules] == [frozenset()]


def test_a_reference_to_nothing_lets_nobody_in() -> None:
    found = _filter(_policy(("MeshTLSAuthentication", "typo")))
    assert [rule.match.who.workloads for rule in found.rules] == [frozenset()]


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
    assert {one for rule in found.rules for one in rule.match.operations or ()} == expected
    assert not any(rule.unknown for rule in found.rules)


def test_a_pattern_that_is_more_than_a_prefix_is_not_guessed() -> None:
    parent = [{"group": "policy.linkerd.io", "kind": "Server", "name": "db"}]
    match = {"path": {"type": "RegularExpression", "value": "/v[12]/(a|b)"}}
    route = _object("HTTPRoute", "get", {"parentRefs": parent, "rules": [{"matches": [match]}]}, version="v1beta3")
    found = _filter(ETL, route, _policy(("MeshTLSAuthentication", "etl"), kind="HTTPRoute", name="get"))
    assert all(rule.unknown for rule in found.rules)


def test_ports_without_a_server_are_unknown_where_nobody_says_their_default() -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "data"}}
    (found,) = read(stack_from_manifests([space, *BASE[1:]]))
    assert [rule.unknown for rule in found.rules] == [("data/db: the default-inbound-policy of its pods",)]
