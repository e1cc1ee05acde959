"""The gate in a program: read back and proven to be what is declared; what is added by hand is found, with its rule."""

import subprocess
import sys
from typing import Any

import pytest
from cilium_program import ACCESS, POLICY, by_hand, make, proven
from pulumi_airlock.gates.cilium import read
from pulumi_airlock.gates.network_policy import read as read_network_policies
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.tokens import ACCESS as ACCESS_TYPE
from pulumi_airlock.tokens import HELM_ENVIRONMENT, NETWORK_POLICY_GATE


def test_what_is_compiled_is_what_is_declared() -> None:
    proof = proven(make())
    assert not proof.blocked, proof.blocked[0]
    assert not proof.unproven, proof.unproven[0]
    assert not proof.excess, proof.excess[0]
    assert not proof.dead, proof.dead


def test_the_objects_are_named_and_say_their_routes() -> None:
    found = {one.get("metadata", "name"): one for one in make().of_type(POLICY)}
    assert found["cilium-etl"].get("metadata", "annotations") == {"airlock/routes": "etl-ledger etl-files"}
    assert found["cilium-default-deny"].get("spec") == {"endpointSelector": {}, "ingress": [{}], "egress": [{}]}
    assert "cilium-ledger" in found


SELECT_ALL: dict[str, Any] = {"endpointSelector": {}}
DNS = [{"ports": [{"port": "53", "protocol": "ANY"}], "rules": {"dns": [{"matchPattern": "*"}]}}]


@pytest.mark.parametrize(
    ("added", "rule"),
    [
        (by_hand("open", **SELECT_ALL, egress=[{"toEntities": ["all"]}]), "CiliumNetworkPolicy airflow/open egress[0]"),
        (by_hand("world", **SELECT_ALL, egress=[{"toEntities": ["world"]}]), "CiliumNetworkPolicy airflow/world egress[0]"),
        (
            by_hand("wide", None, **SELECT_ALL, egress=[{"toCIDR": ["10.20.0.0/16"]}]),
            "CiliumClusterwideNetworkPolicy wide egress[0]",
        ),
        (
            by_hand("name", **SELECT_ALL, egress=[{"toFQDNs": [{"matchName": "api.rates.example"}]}]),
            "CiliumNetworkPolicy airflow/name egress[0]",
        ),
    ],
    ids=["all", "world", "a wide block clusterwide", "a name without its port"],
)
def test_what_is_added_by_hand_is_found_with_its_rule(added: Resource, rule: str) -> None:
    proof = proven(make(ACCESS, added))
    assert rule in {one.rule.label for one in proof.excess if one.rule is not None}


def test_a_deny_blocks_what_is_declared() -> None:
    deny = by_hand(
        "no", None, endpointSelector={"matchLabels": {"airlock/principal": "var"}}, egressDeny=[{"toCIDR": ["10.20.4.0/24"]}]
    )
    proof = proven(make(ACCESS, deny))
    assert {route for one in proof.blocked for route in one.routes} == {"var-warehouse"}


def test_unknown_is_unproven() -> None:
    assert proven(make(ACCESS, by_hand("later", **SELECT_ALL, egress=[{"toCIDR": UNKNOWN}]))).unproven


def test_network_policies_add_up_with_cilium_s() -> None:
    kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}]}
    added = Resource(
        f"urn:pulumi:test::bank::{kind}::np", kind, {"metadata": {"name": "np", "namespace": "airflow"}, "spec": spec}
    )
    proof = proven(make(ACCESS, added))
    assert "NetworkPolicy airflow/np egress[0]" in {one.rule.label for one in proof.excess if one.rule is not None}


def test_without_a_gate_of_cilium_the_filters_are_those_of_network_policies() -> None:
    gate = Resource(f"urn:pulumi:test::bank::{NETWORK_POLICY_GATE}::np_gate", NETWORK_POLICY_GATE, {})
    kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    metadata = {"name": "deny", "namespace": "airflow"}
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    deny = Resource(f"urn:pulumi:test::bank::{kind}::deny", kind, {"metadata": metadata, "spec": spec})
    workloads = {"workloads": [{"namespace": "airflow", "serviceAccount": "etl", "labels": {"app": "etl"}}]}
    environment = Resource(f"urn:pulumi:test::bank::{HELM_ENVIRONMENT}::finance", HELM_ENVIRONMENT, workloads)
    alone = Stack([gate, deny, environment])
    assert {one.gate for one in read_network_policies(alone)} == {"np_gate"}
    assert not list(read(alone))
    mixed = Stack([gate, deny, environment, by_hand("open", **SELECT_ALL, egress=[{"toEntities": ["all"]}])])
    assert not list(read_network_policies(mixed))
    found = {one.name: one for one in read(mixed)}
    assert {one.gate for one in found.values()} == {"np_gate"}
    assert set(found) == {"egress of pods", "ingress of pods"}
    assert [rule.source.label for rule in found["egress of pods"].rules] == ["CiliumNetworkPolicy airflow/open egress[0]"]


def test_zones_may_name_both_gates() -> None:
    gate = Resource(f"urn:pulumi:test::bank::{NETWORK_POLICY_GATE}::network_policy", NETWORK_POLICY_GATE, {})
    zones = {name: {**zone, "gates": ["network_policy", "cilium"]} for name, zone in ACCESS["zones"].items()}
    given = {**ACCESS, "zones": zones}
    proof = proven(make(given, gate), given)
    assert not [*proof.blocked, *proof.excess, *proof.unproven]


@pytest.mark.parametrize("named", ["cilium", "network_policy"], ids=["by its own name", "by that of NetworkPolicies"])
def test_an_endpoint_that_no_policy_selects_is_open_to_everybody(named: str) -> None:
    beside = Resource(f"urn:pulumi:test::bank::{NETWORK_POLICY_GATE}::network_policy", NETWORK_POLICY_GATE, {})
    given = {**ACCESS, "zones": {name: {**zone, "gates": [named]} for name, zone in ACCESS["zones"].items()}}
    declared = Resource(f"urn:pulumi:test::bank::{ACCESS_TYPE}::access", ACCESS_TYPE, {"document": given})
    stack = make(ACCESS, beside, declared)
    assert not [one for one in proven(stack, given).excess if "ledger" in one.destinations]
    kept = Stack([one for one in stack.resources if one.get("metadata", "name") not in ("cilium-ledger", "cilium-default-deny")])
    found = [one for one in proven(kept, given).excess if "ledger" in one.destinations]
    assert "anything outside Airflow" in {one.witness.principal for one in found}


def test_policies_that_the_chart_does_not_enforce_refuse_nothing() -> None:
    def chart(mode: Any) -> Resource:
        kind = "kubernetes:helm.sh/v3:Release"
        values = {"policyEnforcementMode": mode}
        return Resource(f"urn:pulumi:test::bank::{kind}::cilium", kind, {"chart": "cilium", "values": values})

    assert not proven(make(ACCESS, chart("default"))).excess
    found = proven(make(ACCESS, chart("never")))
    assert "no policy is enforced" in {one.rule.label for one in found.excess if one.rule is not None}
    # No rule names `ledger` any more: it is among the hosts outside of every zone.
    assert {"warehouse", "hosts outside of every zone"} <= {name for one in found.excess for name in one.destinations}
    unsure = proven(make(ACCESS, chart(UNKNOWN)))
    assert not unsure.excess
    assert any("cilium.values.policyEnforcementMode" in str(one) for one in unsure.unproven)


def test_reading_needs_no_sdk() -> None:
    code = "import sys; sys.modules.update(dict.fromkeys(['pulumi', 'pulumi_kubernetes'])); import pulumi_airlock.gates.cilium"
    subprocess.run([sys.executable, "-c", code], check=True)
