"""What Consul's objects let through: what is not known of them is told, and whom the gateway to beyond takes."""

from typing import Any

import pytest
from istio_filters import passes
from pulumi_airlock.gates.consul import read
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof.filters import Action, Filter

HTTP = {"kind": "ServiceDefaults", "name": "db", "spec": {"protocol": "http"}}
DENY = {
    "kind": "ServiceIntentions",
    "name": "deny",
    "spec": {"destination": {"name": "*"}, "sources": [{"name": "*", "action": "deny"}]},
}


def _object(kind: str, name: str, spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "data"}
    return {"apiVersion": "consul.hashicorp.com/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _pod(name: str, namespace: str, mark: str = "true") -> dict[str, Any]:
    annotations = {"consul.hashicorp.com/connect-inject": mark}
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"serviceAccountName": name}}


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "db", "namespace": "data"},
    "spec": {"selector": {"app": "db"}, "ports": [{"port": 80}]},
}
PODS = [_pod("db", "data"), _pod("etl", "airflow"), _pod("stray", "airflow", "false"), SERVICE]


def _filters(*objects: dict[str, Any]) -> list[Filter]:
    return list(read(stack_from_manifests([*PODS, *(_object(one["kind"], one["name"], one["spec"]) for one in objects)])))


def _intention(*sources: Any, **more: Any) -> dict[str, Any]:
    return {"kind": "ServiceIntentions", "name": "db", "spec": {"destination": {"name": "db"}, "sources": list(sources), **more}}


def _lets(filters: list[Filter], caller: str = "airflow/etl", request: tuple[str, str] | None = ("GET", "/v1")) -> bool | None:
    return passes(filters, caller, "10.0.0.1", "db.data.svc.cluster.local", 80, request)


ALLOW = {"name": "etl", "action": "allow"}


def _permissions(*given: Any) -> dict[str, Any]:
    return {"name": "etl", "permissions": list(given)}


@pytest.mark.parametrize(
    "intention",
    [
        _intention({"name": "etl", "action": UNKNOWN}),
        _intention({"name": UNKNOWN, "action": "allow"}),
        _intention(UNKNOWN),
        _intention(ALLOW, jwt={"providers": [{"name": "okta"}]}),
        _intention(_permissions({"action": "allow", "http": UNKNOWN})),
        _intention(_permissions({"action": UNKNOWN, "http": {"pathPrefix": "/"}})),
        _intention(_permissions({"action": "allow", "http": {"pathPrefix": "/", "header": [{"name": "x", "present": True}]}})),
        _intention(_permissions({"action": "allow", "http": {"pathRegex": "/v[12]"}})),
        _intention(_permissions({"action": "allow", "http": {"pathPrefix": "/"}, "jwt": {"providers": [{"name": "okta"}]}})),
    ],
)
def test_what_is_not_known_is_not_guessed(intention: dict[str, Any]) -> None:
    assert _lets(_filters(DENY, HTTP, intention)) is None


@pytest.mark.parametrize("what", [{"action": "allow"}, {"permissions": [{"action": "allow", "http": {"pathPrefix": "/"}}]}])
def test_a_source_of_another_cluster_is_nobody_here_and_somebody_elsewhere(what: dict[str, Any]) -> None:
    found = _filters(DENY, HTTP, _intention({"name": "etl", "peer": "dc2", **what}))
    assert [_lets(found, caller) for caller in ("airflow/etl", "airflow/stray", "")] == [False, False, None]
    assert _lets(_filters(DENY, HTTP, _intention({"name": "etl", "peer": "dc2", "action": "deny"})), "") is False


def test_a_namespace_of_consul_may_mirror_one_of_this_cluster() -> None:
    found = _filters(DENY, HTTP, _intention({"name": "etl", "namespace": "airflow", "action": "allow"}))
    assert [_lets(found, caller) for caller in ("airflow/etl", "airflow/stray")] == [None, False]


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("ServiceDefaults", {"protocol": "http", "envoyExtensions": [{"name": "builtin/lua"}]}, None),
        ("ServiceDefaults", {"protocol": "http", "envoyExtensions": UNKNOWN}, None),
        ("ServiceDefaults", {"protocol": "http", "envoyExtensions": [{"name": "builtin/ext-authz"}]}, False),
        ("ProxyDefaults", {"config": {"protocol": "http", "envoy_public_listener_json": "{}"}}, None),
        ("ProxyDefaults", {"config": {"protocol": "http", "local_connect_timeout_ms": 1000}}, False),
        ("ProxyDefaults", {"envoyExtensions": [{"name": "builtin/property-override"}]}, None),
    ],
)
def test_what_is_written_into_a_proxy_may_let_in_whoever_comes(kind: str, spec: dict[str, Any], expected: bool | None) -> None:
    found = _filters(
        DENY, _intention(ALLOW), {"kind": kind, "name": "db" if kind == "ServiceDefaults" else "global", "spec": spec}
    )
    assert _lets(found, "airflow/stray") is expected


def test_paths_that_all_proxies_expose_are_open() -> None:
    exposed = {"expose": {"paths": [{"listenerPort": 80, "path": "/healthz"}]}}
    found = _filters(DENY, HTTP, {"kind": "ProxyDefaults", "name": "global", "spec": exposed})
    assert [_lets(found, "airflow/stray", ("GET", path)) for path in ("/healthz", "/v1")] == [True, False]


@pytest.mark.parametrize(("enabled", "expected"), [(False, True), (True, False), (None, False)])
def test_without_redirection_the_proxy_holds_nothing(enabled: bool | None, expected: bool) -> None:
    values = {"connectInject": {"transparentProxy": {"defaultEnabled": enabled}}, "global": {"acls": {"manageSystemACLs": True}}}
    chart = Resource("urn:consul", "kubernetes:helm.sh/v3:Release", {"chart": "hashicorp/consul", "values": values})
    objects = [_object(one["kind"], one["name"], one["spec"]) for one in (DENY, HTTP)]
    stack = stack_from_manifests([*PODS, *objects])
    assert _lets(list(read(Stack([*stack.resources, chart])))) is expected


def test_permissions_at_a_service_that_is_not_http_refuse() -> None:
    allowed = _intention(_permissions({"action": "allow", "http": {"pathPrefix": "/"}}))
    assert _lets(_filters(DENY, HTTP, allowed)) is True
    assert _lets(_filters(DENY, allowed)) is False


def test_a_pod_without_a_proxy_is_nobody_whatever_its_account() -> None:
    everybody = _intention({"name": "*", "action": "allow"})
    assert _lets(_filters(everybody)) is True
    assert _lets(_filters(everybody), "airflow/stray") is False


def test_the_gateway_takes_certificates_of_the_mesh_alone() -> None:
    beyond = {"kind": "ServiceDefaults", "name": "bank", "spec": {"destination": {"addresses": ["bank.example"], "port": 443}}}
    allowed = {"destination": {"name": "bank"}, "sources": [{"name": "*", "action": "allow"}]}
    found = _filters(DENY, beyond, {"kind": "ServiceIntentions", "name": "bank", "spec": allowed})
    (gateway,) = [one for one in found if one.name == "intentions at the terminating gateway"]
    assert {rule.action for rule in gateway.rules} == {Action.ALLOW, Action.DENY}
    assert passes([gateway], "airflow/etl", "10.0.0.1", "bank.example", 443, None) is True
    assert passes([gateway], "airflow/stray", "10.0.0.1", "bank.example", 443, None) is False


def test_without_a_word_of_the_default_policy_nothing_is_said_of_the_rest() -> None:
    assert _lets(_filters(_intention({"name": "web", "action": "allow"}))) is None
