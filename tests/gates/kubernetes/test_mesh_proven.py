"""The gates of Linkerd and Consul in a program: read back and proven; what somebody changes by hand is found, with its rule."""

from datetime import UTC, datetime
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, HelmEnvironment, Image
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.consul import ConsulGate, TerminatingGateway, terminating_workload
from pulumi_airlock.gates.kubernetes import ClusterDeclaration, workload
from pulumi_airlock.gates.linkerd import LinkerdGate
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.findings import Proof

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
MARKS = {
    "linkerd": {"linkerd.io/inject": "enabled", "config.linkerd.io/default-inbound-policy": "deny"},
    "consul": {"consul.hashicorp.com/connect-inject": "true"},
}
LINKERD = "kubernetes:policy.linkerd.io/v1alpha1:AuthorizationPolicy"
INTENTION = "kubernetes:consul.hashicorp.com/v1alpha1:ServiceIntentions"
MESHES = ["linkerd", "consul"]


def _access(mesh: str) -> Access:
    port = {"ports": ["443/tcp"], "protocol": "https"}
    beyond = [{"name": "stripe", "zone": "saas", "hosts": ["api.stripe.com"], **port}]
    requests = [{"methods": ["GET"], "paths": ["/v1/*"]}]
    out = [{"name": "var-stripe", "from": ["var"], "to": ["stripe"], "reason": "F-2"}]
    expected = [("etl", "ledger", True), ("var", "ledger", False), ("other", "ledger", False)]
    expected += [("var", "stripe", True), ("etl", "stripe", False)] if mesh == "consul" else []
    return Access.model_validate(
        {
            "principals": [
                {"name": "etl", "dags": ["fin_*"], "environment": "finance"},
                {"name": "var", "dags": ["var_*"], "environment": "finance"},
            ],
            "zones": {"cluster": {"gates": [mesh], "cidrs": ["10.60.0.0/16"]}, "saas": {"gates": [mesh]}},
            "destinations": [
                {"name": "ledger", "zone": "cluster", "hosts": ["ledger.data.svc.cluster.local"], **port},
                *(beyond if mesh == "consul" else []),
            ],
            "routes": [
                {"name": "etl-ledger", "from": ["etl"], "to": ["ledger"], "http": requests, "reason": "F-1"},
                *(out if mesh == "consul" else []),
            ],
            "expect": [{"from": who, "to": f"{to}:443", "allow": allow} for who, to, allow in expected],
        }
    )


def _stack(mesh: str) -> list[Resource]:
    access, gateway = _access(mesh), TerminatingGateway()

    def program() -> None:
        ledger = workload("data", "ledger", {"app": "ledger"}, services={"ledger": {443: 8443}})
        declared = ClusterDeclaration(
            "bank",
            cni="cilium",
            pod_cidrs=["10.60.0.0/16"],
            service_cidrs=["10.61.0.0/16"],
            node_cidrs=["10.62.0.0/24"],
            namespaces={"data": MARKS[mesh]},
            workloads=[ledger, *([terminating_workload(gateway)] if mesh == "consul" else [])],
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
            mesh=mesh,
        )
        given: dict[str, Any] = {"environments": [finance.network], "cluster": declared.facts, "namespaces": ["data"]}
        if mesh == "consul":
            ConsulGate(mesh, access=access, gateway=gateway, today=NOW.date(), **given)
        else:
            LinkerdGate(mesh, access=access, today=NOW.date(), **given)

    return run(program)


def _prove(mesh: str, resources: list[Resource]) -> Proof:
    access = _access(mesh)
    found = read_all(Stack(resources), access)
    return prove(access, found.environments, found.filters, at=NOW)


def _excess(proof: Proof, text: str) -> list[Any]:
    return [one for one in proof.excess if text in str(one.witness) or text in one.destinations]


def _by_hand(type_: str, name: str, spec: dict[str, Any]) -> Resource:
    properties = {"metadata": {"name": name, "namespace": "data"}, "spec": spec}
    return Resource(f"urn:pulumi:test::bank::{type_}::{name}", type_, properties)


def _named(found: list[Any]) -> set[str]:
    return {str(one.rule.label) for one in found if one.rule is not None}


@pytest.mark.parametrize("mesh", MESHES)
def test_what_is_compiled_lets_through_what_is_declared(mesh: str) -> None:
    proof = _prove(mesh, _stack(mesh))
    assert not proof.blocked, proof.blocked[0]
    assert not proof.unproven, proof.unproven[0]
    assert all(one.passed for one in proof.expectations), [one for one in proof.expectations if not one.passed]
    # Consul sees no ports: who may reach a service does so at each of them.
    reaching = {name for one in _excess(proof, "ledger") for name in one.principals}
    assert reaching <= ({"etl"} if mesh == "consul" else set())
    assert mesh == "consul" or not _excess(proof, "airflow-api-server"), _excess(proof, "airflow-api-server")[0]


def test_a_policy_of_linkerd_that_requires_nothing_lets_everybody_in_and_is_named() -> None:
    target = {"group": "policy.linkerd.io", "kind": "Server", "name": "ledger-8443"}
    spec = {"targetRef": target, "requiredAuthenticationRefs": []}
    found = _excess(_prove("linkerd", [*_stack("linkerd"), _by_hand(LINKERD, "open", spec)]), "ledger")
    assert "AuthorizationPolicy data/open" in _named(found)


def test_a_route_of_linkerd_that_takes_another_ones_requests_blocks_and_is_named() -> None:
    route = "kubernetes:policy.linkerd.io/v1beta3:HTTPRoute"
    match = {"path": {"type": "Exact", "value": "/v1/x"}, "method": "GET", "headers": []}
    parents = [{"group": "policy.linkerd.io", "kind": "Server", "name": "ledger-8443"}]
    found = _prove(
        "linkerd", [*_stack("linkerd"), _by_hand(route, "x", {"parentRefs": parents, "rules": [{"matches": [match]}]})]
    )
    assert [one for one in (*found.blocked, *found.unproven) if "HTTPRoute data/x" in str(one)]


def test_an_intention_from_everybody_is_excess_and_is_named() -> None:
    spec = {"destination": {"name": "ledger"}, "sources": [{"name": "*", "action": "allow"}]}
    found = _excess(_prove("consul", [*_stack("consul"), _by_hand(INTENTION, "open", spec)]), "ledger")
    assert "ServiceIntentions data/open" in _named(found)


def test_an_intention_that_denies_exactly_blocks_the_route_and_is_named() -> None:
    kept = [one for one in _stack("consul") if not (one.type == INTENTION and one.get("metadata", "name") == "ledger")]
    spec = {"destination": {"name": "ledger"}, "sources": [{"name": "*", "action": "deny"}]}
    blocked = _prove("consul", [*kept, _by_hand(INTENTION, "closed", spec)]).blocked
    assert "ServiceIntentions data/closed" in _named(list(blocked))


@pytest.mark.parametrize(("mesh", "mark"), [("linkerd", "linkerd.io/inject"), ("consul", "consul.hashicorp.com/connect-inject")])
def test_a_destination_without_a_proxy_is_open_and_said_to_be(mesh: str, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MARKS, mesh, {**MARKS[mesh], mark: "disabled" if mesh == "linkerd" else "false"})
    proof = _prove(mesh, _stack(mesh))
    assert not all(one.passed for one in proof.expectations)
    assert any("no proxy of the mesh stands before data/ledger" in str(one) for one in _excess(proof, "ledger"))


def test_a_destination_of_which_nobody_says_whether_it_has_a_proxy_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MARKS, "consul", {})
    proof = _prove("consul", _stack("consul"))
    assert any("data/ledger: whether its pods are in the mesh" in str(one) for one in proof.unproven)
