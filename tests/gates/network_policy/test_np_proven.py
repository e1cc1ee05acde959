"""The gate in a program: read back and proven to be what is declared; what is added by hand is found, with its rule."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from in_process import run
from np_program import ACCESS, POLICY, network
from pulumi_airlock.gates.kubernetes import API_SERVER, ClusterDeclaration, workload
from pulumi_airlock.gates.kubernetes.declared import describe
from pulumi_airlock.gates.network_policy import NetworkPolicyGate, read
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Environment
from pulumi_airlock.proof.findings import Excess, Proof
from pulumi_airlock.proof.sets import Hosts
from pulumi_airlock.tokens import ACCESS as ACCESS_TYPE
from pulumi_airlock.tokens import CILIUM_GATE, CLUSTER, HELM_ENVIRONMENT

ADMIN = "kubernetes:policy.networking.k8s.io/v1"
NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
API_NETWORK = Hosts.from_cidrs(["10.50.0.0/28"])

DOCUMENT = ACCESS.model_dump(mode="json", by_alias=True, exclude_none=True)


def _program(cni: str, ambient: bool) -> Callable[[], object]:
    def program() -> object:
        declared = ClusterDeclaration(
            "bank",
            cni=cni,
            pod_cidrs=["10.60.0.0/16"],
            service_cidrs=["10.61.0.0/16"],
            api_server_cidrs=["10.50.0.0/28"],
            namespaces={"data": {"istio.io/dataplane-mode": "ambient"} if ambient else {}, "kube-system": {}},
            workloads=[workload("data", "ledger", {"app": "ledger"}, services={"ledger": {443: 8443}})],
        )
        return NetworkPolicyGate(
            "network_policy",
            access=ACCESS,
            environments=[network()],
            cluster=declared.facts,
            namespaces=["data"],
            ambient=ambient,
            today=NOW.date(),
        )

    return program


def _stack(*more: Resource, cni: str = "aws-vpc-cni", ambient: bool = False) -> Stack:
    environment = Resource(
        f"urn:pulumi:test::bank::{HELM_ENVIRONMENT}::finance",
        HELM_ENVIRONMENT,
        {"workloads": [describe(one) for one in network().workloads]},
    )
    return Stack([environment, *run(_program(cni, ambient)), *more])


def _by_hand(name: str, namespace: str, **spec: Any) -> Resource:
    metadata = {"name": name, "namespace": namespace}
    return Resource(f"urn:pulumi:test::bank::{POLICY}::{name}", POLICY, {"metadata": metadata, "spec": spec})


def _prove(stack: Stack) -> Proof:
    finance = network()
    api_server = Hosts.from_names([API_SERVER])
    own = tuple(replace(one.match(), hosts=one.to | API_NETWORK if one.to == api_server else one.to) for one in finance.flows)
    environment = Environment("finance", "urn", Hosts.from_cidrs(finance.pod_cidrs), own, finance.as_workloads())
    return prove(ACCESS, [environment], list(read(stack)), at=NOW)


@pytest.mark.parametrize("cni", ["aws-vpc-cni", "cilium"])
def test_what_is_compiled_is_what_is_declared(cni: str) -> None:
    proof = _prove(_stack(cni=cni))
    assert not proof.blocked, proof.blocked[0]
    assert not proof.unproven, proof.unproven[0]
    # Tasks may call the execution API alone, and no NetworkPolicy sees requests: that is the mesh's to tell.
    assert all(one.rule is None and "airflow-api-server" in str(one.witness) for one in _of_finance(proof))


def test_in_an_ambient_mesh_all_tcp_comes_by_its_port() -> None:
    proof = _prove(_stack(ambient=True))
    assert not proof.blocked, proof.blocked[0]
    # The tunnel is no destination; which port is meant behind it is for the mesh to decide.
    assert all(one.witness.port != 15008 for one in proof.excess)
    assert _tasks_to_ledger(proof, "etl")
    assert not _tasks_to_ledger(proof, "var")


def _of_finance(proof: Proof) -> list[Excess]:
    return [one for one in proof.excess if one.witness.source.startswith("10.60.")]


def test_the_objects_are_named_and_say_their_routes() -> None:
    found = {
        one.get("metadata", "name"): one for one in _stack().of_type(POLICY) if one.get("metadata", "namespace") == "airflow"
    }
    assert found["network-policy-etl"].get("metadata", "annotations") == {"airlock/routes": "etl-ledger"}
    assert found["network-policy-etl"].name == "network_policy-airflow-etl"
    assert found["network-policy-default-deny"].get("spec", "podSelector") == {}


SELECT_ALL: Mapping[str, Any] = {"podSelector": {}, "policyTypes": ["Egress"]}


@pytest.mark.parametrize(
    ("added", "rule"),
    [
        (_by_hand("open", "airflow", **SELECT_ALL, egress=[{}]), "NetworkPolicy airflow/open egress[0]"),
        (
            _by_hand("wide", "airflow", **SELECT_ALL, egress=[{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}]),
            "NetworkPolicy airflow/wide egress[0]",
        ),
        (
            _by_hand("typo", "airflow", podSelector={"matchLabels": {"tier": "airflow"}}, egress=[{"ports": [{"port": 5432}]}]),
            "NetworkPolicy airflow/typo egress[0]",
        ),
    ],
    ids=["everything", "a wide block", "a port to everybody"],
)
def test_what_is_added_by_hand_is_found_with_its_rule(added: Resource, rule: str) -> None:
    proof = _prove(_stack(added))
    assert rule in {one.rule.label for one in proof.excess if one.rule is not None}


def test_both_ends_have_to_be_opened_for_more_to_be_let_through() -> None:
    out = _by_hand("out", "airflow", **SELECT_ALL, egress=[{"to": [{"namespaceSelector": {}}]}])
    into = _by_hand("in", "data", podSelector={}, ingress=[{"from": [{"namespaceSelector": {}}]}])
    assert not _tasks_to_ledger(_prove(_stack(out)))
    assert not _tasks_to_ledger(_prove(_stack(into)), "var")
    assert _tasks_to_ledger(_prove(_stack(out, into)), "var")


def _tasks_to_ledger(proof: Proof, principal: str = "") -> list[Excess]:
    return [one for one in _of_finance(proof) if "ledger" in one.destinations and (not principal or principal in one.principals)]


def test_unknown_policies_are_unproven_not_guessed() -> None:
    proof = _prove(_stack(_by_hand("later", "airflow", **SELECT_ALL, egress=[{"to": UNKNOWN, "ports": [{"port": 5432}]}])))
    assert proof.unproven
    later = Resource("urn:pulumi:test::bank::a::cnp", f"{ADMIN}alpha2:ClusterNetworkPolicy", {"metadata": {"name": "later"}})
    assert _prove(_stack(later)).unproven


@pytest.mark.parametrize(
    ("type_", "rule", "opens"),
    [
        ("policy.networking.k8s.io/v1alpha2:ClusterNetworkPolicy", {"action": "Accept"}, True),
        ("projectcalico.org/v3:GlobalNetworkPolicy", {"action": "Allow"}, True),
        ("crd.projectcalico.org/v1:NetworkPolicy", {"action": UNKNOWN}, True),
        ("crd.antrea.io/v1beta1:ClusterNetworkPolicy", {"action": "Allow"}, True),
        ("crd.antrea.io/v1beta1:NetworkPolicy", {"action": "Drop"}, False),
        ("networking.k8s.aws/v1alpha1:ApplicationNetworkPolicy", {"to": []}, True),
    ],
)
def test_policies_that_are_not_read_may_let_through_what_others_refuse(type_: str, rule: dict[str, Any], opens: bool) -> None:
    spec = {"egress": [rule], "ingress": [rule]}
    other = Resource("urn:pulumi:test::bank::a::other", f"kubernetes:{type_}", {"metadata": {"name": "other"}, "spec": spec})
    found = _prove(_stack(other)).unproven
    assert {True} <= {one.declared for one in found}
    # Where a rule says nothing of hosts, a name is judged by its addresses.
    let = [one for one in found if not one.declared and "any other DAG of finance" in one.principals]
    assert any("warehouse" in one.destinations for one in let) is opens


def _admin(action: str, **to: Any) -> Resource:
    subject = {
        "pods": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "airflow"}},
            "podSelector": {"matchLabels": {"airlock/principal": "etl"}},
        }
    }
    spec = {"priority": 5, "subject": subject, "egress": [{"action": action, "to": [to]}]}
    kind = f"{ADMIN}alpha1:AdminNetworkPolicy"
    return Resource(f"urn:pulumi:test::bank::{kind}::anp", kind, {"metadata": {"name": "anp"}, "spec": spec})


def test_admin_policies_decide_before_the_others() -> None:
    (blocked,) = _prove(_stack(_admin("Deny", namespaces={}))).blocked
    assert (blocked.routes, blocked.rule.label) == (("etl-ledger",), "AdminNetworkPolicy anp egress[0]")
    opened = _prove(_stack(_admin("Allow", networks=["10.20.4.0/24"]))).excess
    assert "AdminNetworkPolicy anp egress[0]" in {one.rule.label for one in opened if one.rule is not None}
    passed = _prove(_stack(_admin("Pass", namespaces={})))
    assert not passed.blocked
    assert not passed.unproven
    # Beside Cilium nobody enforces them as they are meant.
    beside = Resource(f"urn:pulumi:test::bank::{CILIUM_GATE}::cilium", CILIUM_GATE, {})
    assert [one.name for one in read(_stack(_admin("Deny", namespaces={}), beside))] == ["policies that are not read"]


def _in_the_stack(stack: Stack) -> Stack:
    return Stack(
        [*stack.resources, Resource(f"urn:pulumi:test::bank::{ACCESS_TYPE}::access", ACCESS_TYPE, {"document": DOCUMENT})]
    )


def test_a_pod_that_no_policy_isolates_is_open_to_everybody() -> None:
    """Before `data/ledger` stands no policy once the gate leaves its namespace alone: it is not as if nothing led there."""
    stack = _in_the_stack(_stack())
    assert not [one for one in _prove(stack).excess if "ledger" in one.destinations]
    kept = Stack([one for one in stack.resources if not (one.type == POLICY and one.get("metadata", "namespace") == "data")])
    found = [one for one in _prove(kept).excess if "ledger" in one.destinations]
    assert "anything outside Airflow" in {one.witness.principal for one in found}
    assert "no policy isolates data/ledger" in {str(one.rule).split(" (")[0] for one in found}


def test_of_a_destination_without_a_workload_nobody_knows_whether_policies_isolate_it() -> None:
    kept = [one for one in _in_the_stack(_stack()).resources if one.get("metadata", "namespace") != "data"]
    unknown = [replace(one, properties={**one.properties, "workloads": []}) if one.type == CLUSTER else one for one in kept]
    proof = _prove(Stack(unknown))
    assert any("policies on ledger.data.svc.cluster.local" in str(one) for one in proof.unproven)
