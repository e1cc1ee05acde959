"""The gate in a program: read back and proven to be what is declared; what is added by hand is found, with its rule."""

from typing import Any

import pytest
from cilium_program import ACCESS, POLICY, by_hand, make, proven
from pulumi_airlock.gates.stack import UNKNOWN, Resource


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
