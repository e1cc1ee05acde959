"""Pods of a mesh in a cluster that is shut: they start only if their sidecars reach the control plane, and go by its ports."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, HelmEnvironment, Image
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.cilium import CiliumGate
from pulumi_airlock.gates.kubernetes import ClusterDeclaration, workload
from pulumi_airlock.gates.network_policy import NetworkPolicyGate
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof import Proof, prove

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
CILIUM_POLICY = "kubernetes:cilium.io/v2:CiliumNetworkPolicy"
MARKS = {
    "istio": {"istio-injection": "enabled"},
    "linkerd": {"linkerd.io/inject": "enabled"},
    "consul": {"consul.hashicorp.com/connect-inject": "true"},
}
CONTROL = {
    "istio": {("istio-system", 15012)},
    "linkerd": {("linkerd", 8080), ("linkerd", 8086), ("linkerd", 8090)},
    "consul": {("consul", 8501), ("consul", 8502)},
}
"""Namespace and port of what sidecars of each mesh call (Istio, "Application Requirements"; charts of Linkerd and Consul)."""
REASONS = {
    "istio": {"certificates and configuration of Istio's sidecars"},
    "linkerd": {"certificates of Linkerd's sidecars", "destinations and policies of Linkerd's sidecars"},
    "consul": {"sign-in and configuration of Consul's sidecars"},
}
TUNNEL = {"istio": None, "linkerd": 4143, "consul": 20000}


def access(gate: str) -> Access:
    return Access.model_validate(
        {
            "principals": [{"name": "etl", "dags": ["fin_*"], "environment": "finance"}],
            "zones": {"cluster": {"gates": [gate]}},
            "destinations": [
                {"name": "ledger", "zone": "cluster", "hosts": ["ledger.data.svc.cluster.local"], "ports": ["443/tcp"]}
            ],
            "routes": [{"name": "etl-ledger", "from": ["etl"], "to": ["ledger"], "reason": "FIN-1"}],
        }
    )


def stack(mesh: str | None, gate: str = "network_policy", api_server_port: int = 443) -> Stack:
    given = access(gate)

    def program() -> object:
        cluster = ClusterDeclaration(
            "bank",
            cni="cilium",
            pod_cidrs=["10.60.0.0/16"],
            service_cidrs=["10.61.0.0/16"],
            api_server_cidrs=["10.50.0.0/28"],
            api_server_port=api_server_port,
            namespaces={"data": MARKS.get(mesh or "", {})},
            workloads=[workload("data", "ledger", {"app": "ledger"}, services={"ledger": {443: 8443}})],
        ).facts
        finance = HelmEnvironment(
            "finance",
            access=given,
            owner="airflow@bank.example",
            platform=Eks(),
            airflow_version="3.0.6",
            chart_version="1.22.0",
            image=Image("registry.bank.example/airflow", digest="sha256:" + "0" * 64),
            secrets=ChartSecrets("metadata", "fernet", "api", "jwt"),
            database=Database(5432, cidrs=("10.20.9.9/32",)),
            pod_cidrs=["10.60.0.0/18"],
            remote_logs="s3://logs/airflow",
            cluster=cluster,
            mesh=mesh,
        )
        make = NetworkPolicyGate if gate == "network_policy" else CiliumGate
        return make(gate, access=given, environments=[finance.network], cluster=cluster, namespaces=["data"], today=NOW.date())

    return Stack(run(program))


def proven(found: Stack, gate: str) -> Proof:
    given = access(gate)
    reading = read_all(found, given)
    return prove(given, reading.environments, reading.filters, at=NOW, around=reading.around)


def to_control(rule: dict[str, Any], mesh: str) -> set[tuple[str, int]]:
    """What of the control plane an egress rule leads to, of either kind."""
    peers = rule.get("to") or rule.get("toEndpoints") or []
    spaces = {
        value
        for peer in peers
        for labels in (peer.get("namespaceSelector", peer).get("matchLabels", {}),)
        for key, value in labels.items()
        if key in ("kubernetes.io/metadata.name", "k8s:io.kubernetes.pod.namespace")
    }
    ports = [*rule.get("ports", ()), *(port for each in rule.get("toPorts", ()) for port in each["ports"])]
    numbers = {number for one in ports for number in range(int(one["port"]), int(one.get("endPort", one["port"])) + 1)}
    return {(space, number) for space in spaces & {space for space, _ in CONTROL[mesh]} for number in numbers}


def without(found: Stack, mesh: str, name: str) -> Stack:
    """The stack after somebody took the control plane out of one policy."""

    def changed(one: Resource) -> Resource:
        spec = one.properties.get("spec")
        if not one.name.endswith(name) or not isinstance(spec, dict) or "egress" not in spec:
            return replace(one)
        left = [rule for rule in spec["egress"] if not to_control(rule, mesh)]
        assert len(left) < len(spec["egress"])
        return replace(one, properties={**one.properties, "spec": {**spec, "egress": left}})

    return Stack(map(changed, found.resources))


GATES = {"network_policy": NETWORK_POLICY, "cilium": CILIUM_POLICY}


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("mesh", MARKS)
def test_every_pod_of_the_mesh_reaches_its_control_plane_and_no_more_of_it(mesh: str, gate: str) -> None:
    found = stack(mesh, gate)
    reached = {
        one.name: set().union(*(to_control(rule, mesh) for rule in one.get_list("spec", "egress")))
        for one in found.of_type(GATES[gate])
        if "default-deny" not in one.name
    }
    # The scheduler, tasks, the migration that runs at an upgrade, and the desk's own service.
    assert {f"{gate}-airflow-{name}" for name in ("airflow-scheduler", "etl", "airflow-migrate-database-job")} < reached.keys()
    assert reached[f"{gate}-data-ledger"] == CONTROL[mesh]
    assert all(one == CONTROL[mesh] for one in reached.values())


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("mesh", [None, *MARKS])
def test_it_is_no_excess_and_nothing_is_missing(mesh: str | None, gate: str) -> None:
    proof = proven(stack(mesh, gate), gate)
    assert [one.message for one in (*proof.blocked, *proof.unproven)] == []
    assert not [one for one in proof.excess if any(name in str(one.witness) for name, _ in CONTROL.get(mesh or "", ()))]
    # Neither gate sees requests that a mesh hides: that tasks call the execution API alone, the mesh tells; and behind Linkerd's
    # port are all ports, which its Servers tell apart.
    if mesh != "linkerd":
        assert [one.message for one in proof.excess if "airflow-api-server" not in str(one.witness)] == []


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(("who", "caller"), [("airflow-scheduler", "airflow/airflow-scheduler"), ("data-ledger", "data/ledger")])
@pytest.mark.parametrize("mesh", MARKS)
def test_where_it_is_missing_the_environment_does_not_get_what_it_needs(mesh: str, who: str, caller: str, gate: str) -> None:
    proof = proven(without(stack(mesh, gate), mesh, who), gate)
    assert {need for one in proof.blocked for need in one.needs} == {f"finance: {reason}" for reason in REASONS[mesh]}
    for one in proof.blocked:
        assert one.gate == gate
        assert one.principals == (caller,)
        assert one.message.startswith(f"{caller} cannot reach ")
        assert "which finance needs itself" in one.message


@pytest.mark.parametrize("gate", GATES)
def test_without_a_mesh_there_is_no_control_plane(gate: str) -> None:
    text = str([one.properties for one in stack(None, gate).of_type(GATES[gate])])
    assert all(name not in text for name in ("istio-system", "linkerd", "consul"))


@pytest.mark.parametrize(("mesh", "tunnel"), TUNNEL.items())
def test_members_meet_by_the_port_of_the_mesh(mesh: str, tunnel: int | None) -> None:
    """Linkerd's and Consul's sidecars connect to the other sidecar's port, not to the application's."""
    (etl,) = (one for one in stack(mesh).of_type(NETWORK_POLICY) if one.name == "network_policy-airflow-etl")
    (rule,) = (
        rule
        for rule in etl.get_list("spec", "egress")
        if any(
            peer.get("namespaceSelector", {}).get("matchLabels") == {"kubernetes.io/metadata.name": "data"} for peer in rule["to"]
        )
    )
    ports = {port["port"] for port in rule["ports"]}
    assert ports == ({8443} if tunnel is None else {tunnel} if mesh == "consul" else {8443, tunnel})


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("port", [443, 6443])
def test_the_api_server_is_met_at_the_port_of_its_endpoints(port: int, gate: str) -> None:
    """Callers connect to `kubernetes.default`, port 443; a policy sees where that leads."""
    found = stack(None, gate, port)
    (scheduler,) = (one for one in found.of_type(GATES[gate]) if one.name == f"{gate}-airflow-airflow-scheduler")
    rules = [
        rule for rule in scheduler.get_list("spec", "egress") if "10.50.0.0/28" in str(rule) or "kube-apiserver" in str(rule)
    ]
    assert [str(port) in str(rule) for rule in rules] == [True]
    assert ("6443" in str(rules)) == (port == 6443)
    proof = proven(found, gate)
    assert not proof.blocked
    assert not [one for one in proof.excess if "kubernetes.default" in str(one.witness) or "10.50.0" in str(one.witness)]


def test_another_port_of_the_api_server_is_none_that_airflow_needs() -> None:
    found = stack(None, "network_policy", 6443)

    def changed(one: Resource) -> Resource:
        if one.type != NETWORK_POLICY:
            return replace(one)
        return replace(one, properties=json.loads(json.dumps(one.properties).replace("6443", "443")))

    proof = proven(Stack(map(changed, found.resources)), "network_policy")
    assert {need for one in proof.blocked for need in one.needs} == {"finance: starts tasks' pods, and reads their logs"}
