"""The gate of Istio in a program: read back and proven; what somebody changes by hand is found, with its rule."""

from datetime import UTC, datetime
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, HelmEnvironment, Image
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.istio import EgressGateway, IstioGate, gateway_workload
from pulumi_airlock.gates.kubernetes import ClusterDeclaration, workload
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.findings import Proof

AUTHORIZATION = "kubernetes:security.istio.io/v1:AuthorizationPolicy"
PEER = "kubernetes:security.istio.io/v1:PeerAuthentication"
NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
FILE: dict[str, Any] = {
    "principals": [
        {"name": "etl", "dags": ["fin_*"], "environment": "finance"},
        {"name": "var", "dags": ["var_*"], "environment": "finance"},
    ],
    "zones": {"cluster": {"gates": ["istio"], "cidrs": ["10.60.0.0/16"]}, "saas": {"gates": ["istio"]}},
    "destinations": [
        {
            "name": "ledger",
            "zone": "cluster",
            "hosts": ["ledger.data.svc.cluster.local"],
            "ports": ["443/tcp"],
            "protocol": "https",
        },
        {"name": "stripe", "zone": "saas", "hosts": ["api.stripe.com"], "ports": ["443/tcp"], "protocol": "https"},
    ],
    "routes": [
        {
            "name": "etl-ledger",
            "from": ["etl"],
            "to": ["ledger"],
            "http": [{"methods": ["GET"], "paths": ["/v1/*"]}],
            "reason": "F-1",
        },
        {"name": "var-stripe", "from": ["var"], "to": ["stripe"], "reason": "F-2"},
    ],
    "expect": [
        {"from": "etl", "to": "ledger:443", "allow": True},
        {"from": "var", "to": "ledger:443", "allow": False},
        {"from": "var", "to": "stripe:443", "allow": True},
        {"from": "etl", "to": "stripe:443", "allow": False},
        {"from": "other", "to": "ledger:443", "allow": False},
    ],
}
ACCESS = Access.model_validate(FILE)
EGRESS = EgressGateway()


def _program(access: Access, version: str, egress: EgressGateway | None) -> object:
    mesh = {"istio-injection": "enabled"}
    declared = ClusterDeclaration(
        "bank",
        cni="cilium",
        pod_cidrs=["10.60.0.0/16"],
        service_cidrs=["10.61.0.0/16"],
        namespaces={"data": mesh, "istio-egress": mesh},
        workloads=[workload("data", "ledger", {"app": "ledger"}, services={"ledger": {443: 8443}}), gateway_workload(EGRESS)],
    )
    finance = HelmEnvironment(
        "finance",
        access=access,
        owner="airflow@bank.example",
        platform=Eks(),
        airflow_version="3.1.8",
        chart_version="1.21.0",
        image=Image("registry.bank.example/airflow", tag="3.0.6"),
        secrets=ChartSecrets("metadata", "fernet", "api", "jwt"),
        database=Database(5432, cidrs=("10.20.9.9/32",)),
        pod_cidrs=["10.60.0.0/18"],
        remote_logs="s3://logs",
        cluster=declared.facts,
        mesh="istio",
    )
    return IstioGate(
        "istio",
        access=access,
        environments=[finance.network],
        cluster=declared.facts,
        istio_version=version,
        namespaces=["data"],
        egress_gateway=egress,
        today=NOW.date(),
    )


def _stack(version: str = "1.27") -> list[Resource]:
    return run(lambda: _program(ACCESS, version, EGRESS))


def _prove(resources: list[Resource]) -> Proof:
    found = read_all(Stack(resources), ACCESS)
    return prove(ACCESS, found.environments, found.filters, at=NOW)


def _mentions(proof: Proof, text: str) -> list[Any]:
    return [one for one in proof.excess if text in str(one.witness) or text in one.destinations]


@pytest.mark.parametrize("version", ["1.24", "1.27.3"])
def test_what_is_compiled_lets_through_what_is_declared(version: str) -> None:
    proof = _prove(_stack(version))
    assert not proof.blocked, proof.blocked[0]
    assert not proof.unproven, proof.unproven[0]
    assert all(one.passed for one in proof.expectations), [one for one in proof.expectations if not one.passed]
    assert not _mentions(proof, "ledger")
    assert not _mentions(proof, "airflow-api-server"), _mentions(proof, "airflow-api-server")[0]


def _changed(resources: list[Resource], type_: str, name: str, spec: dict[str, Any]) -> list[Resource]:
    found = []
    for one in resources:
        if one.type == type_ and one.get("metadata", "name") == name:
            one = Resource(one.urn, one.type, {**one.properties, "spec": spec}, parent=one.parent)
        found.append(one)
    return found


def _by_hand(name: str, namespace: str, spec: dict[str, Any]) -> Resource:
    properties = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
    return Resource(f"urn:pulumi:test::bank::{AUTHORIZATION}::{name}", AUTHORIZATION, properties)


def test_a_policy_with_an_empty_rule_lets_everybody_in_and_is_named() -> None:
    proof = _prove([*_stack(), _by_hand("open", "data", {"rules": [{}]})])
    excess = _mentions(proof, "ledger")
    assert excess
    assert "AuthorizationPolicy data/open" in {str(one.rule.label) for one in excess if one.rule is not None}


def test_a_policy_without_rules_lets_nobody_in() -> None:
    proof = _prove([*_stack(), _by_hand("nothing", "data", {})])
    assert not proof.blocked


def test_a_deny_for_the_whole_mesh_blocks_the_route_and_is_named() -> None:
    deny = {"action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/v1/*"]}}]}]}
    blocked = _prove([*_stack(), _by_hand("no-v1", "istio-system", deny)]).blocked
    print([(str(one.routes), str(one.rule)) for one in blocked])
    assert "AuthorizationPolicy istio-system/no-v1" in {one.rule.label for one in blocked if one.rule is not None}


def test_without_the_default_deny_and_its_policy_a_workload_is_open() -> None:
    kept = [one for one in _stack() if not (one.type == AUTHORIZATION and one.get("metadata", "namespace") == "data")]
    assert any("no ALLOW policy selects data/ledger" in str(one.rule) for one in _mentions(_prove(kept), "ledger"))


def test_permissive_lets_whoever_has_no_certificate_use_rules_without_identities() -> None:
    anybody = _by_hand("health", "data", {"rules": [{"to": [{"operation": {"paths": ["/healthz"]}}]}]})
    strict = _prove([*_stack(), anybody])
    assert not [one for one in _mentions(strict, "ledger") if "anything outside Airflow" in one.principals]
    permissive = [
        one if one.type != PEER else Resource(one.urn, one.type, {**one.properties, "spec": {"mtls": {"mode": "PERMISSIVE"}}})
        for one in _stack()
    ]
    loose = _prove([*permissive, anybody])
    assert [one for one in _mentions(loose, "ledger") if "anything outside Airflow" in one.principals]


def test_the_egress_gateway_tells_identities_apart_by_server_name() -> None:
    rule = {"when": [{"key": "connection.sni", "values": ["api.stripe.com"]}]}
    proof = _prove([*_stack(), _by_hand("sni", "istio-egress", {"rules": [rule]})])
    assert _mentions(proof, "stripe")


def test_all_that_the_mesh_cannot_hold_is_refused_at_once() -> None:
    changed = {**FILE, "routes": [{**FILE["routes"][0], "http": [{"paths": ["/a/*/b"]}]}, FILE["routes"][1]]}
    with pytest.raises(InputError) as caught:
        run(lambda: _program(Access.model_validate(changed), "1.27", None))
    assert "path '/a/*/b': Istio has a * at one end of a path alone" in str(caught.value)
    assert "without an egress gateway a sidecar holds nothing there" in str(caught.value)
