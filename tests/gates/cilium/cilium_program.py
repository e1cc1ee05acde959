"""A bank's program with the gate, run in process: its resources as a stack, and the proof over them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from in_process import run
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import ClusterNetwork, cluster_network
from pulumi_airlock.environments.helm.workloads import KUBERNETES
from pulumi_airlock.gates.cilium import CiliumGate, read
from pulumi_airlock.gates.kubernetes import API_SERVER, ClusterDeclaration, Workload, workload
from pulumi_airlock.gates.kubernetes.declared import describe
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Environment
from pulumi_airlock.proof.findings import Proof
from pulumi_airlock.proof.sets import Hosts
from pulumi_airlock.tokens import HELM_ENVIRONMENT

POLICY = "kubernetes:cilium.io/v2:CiliumNetworkPolicy"
CLUSTERWIDE = "kubernetes:cilium.io/v2:CiliumClusterwideNetworkPolicy"
NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
GET = [{"methods": ["GET"], "paths": ["/v1/*"]}]
ACCESS: dict[str, Any] = {
    "principals": [
        {"name": "etl", "dags": ["fin_*"], "environment": "finance"},
        {"name": "var", "dags": ["var_*"], "environment": "finance"},
    ],
    "zones": {
        "cluster": {"gates": ["cilium"]},
        "datacenter": {"gates": ["cilium"], "cidrs": ["10.20.0.0/16"]},
        "partners": {"gates": ["cilium"]},
    },
    "destinations": [
        {
            "name": "ledger",
            "zone": "cluster",
            "hosts": ["ledger.data.svc.cluster.local"],
            "ports": ["80/tcp"],
            "protocol": "http",
        },
        {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
        {"name": "rates", "zone": "partners", "hosts": ["api.rates.example"], "ports": ["443/tcp"], "protocol": "https"},
        {"name": "files", "zone": "partners", "hosts": ["*.files.example"], "ports": ["443/tcp"], "protocol": "https"},
    ],
    "routes": [
        {"name": "etl-ledger", "from": ["etl"], "to": ["ledger"], "http": GET, "reason": "FIN-1"},
        {"name": "var-warehouse", "from": ["var"], "to": ["warehouse"], "reason": "FIN-2"},
        {"name": "var-rates", "from": ["var"], "to": ["rates"], "reason": "FIN-3"},
        {"name": "etl-files", "from": ["etl"], "to": ["files"], "reason": "FIN-4"},
    ],
}


def network(access: Access) -> ClusterNetwork:
    return cluster_network(
        access,
        "finance",
        namespace="airflow",
        release="airflow",
        executor=KUBERNETES,
        database=Database(5432, cidrs=("10.20.9.9/32",)),
        pod_cidrs=("10.60.0.0/16",),
    )


def make(
    access: Mapping[str, Any] = ACCESS,
    *more: Resource,
    cni: str = "cilium",
    egress_gateway: Workload | None = None,
    labels: Mapping[str, str] | None = None,
    **options: Any,
) -> Stack:
    """The stack of a program with the gate; `labels`: those of the namespace of the service beside Airflow."""
    given = Access.model_validate(access)

    def program() -> object:
        declared = ClusterDeclaration(
            "bank",
            cni=cni,
            pod_cidrs=["10.60.0.0/16"],
            service_cidrs=["10.61.0.0/16"],
            node_cidrs=["10.62.0.0/24"],
            api_server_cidrs=["10.50.0.0/28"],
            namespaces={"data": dict(labels or {}), "kube-system": {}},
            workloads=[
                workload("data", "ledger", {"app": "ledger"}, services={"ledger": {80: 8080}}),
                *([egress_gateway] if egress_gateway else []),
            ],
        )
        return CiliumGate(
            "cilium",
            access=given,
            environments=[network(given)],
            cluster=declared.facts,
            namespaces=["data"],
            egress_gateway=egress_gateway,
            today=NOW.date(),
            **options,
        )

    environment = Resource(
        f"urn:pulumi:test::bank::{HELM_ENVIRONMENT}::finance",
        HELM_ENVIRONMENT,
        {"workloads": [describe(one) for one in network(given).workloads]},
    )
    return Stack([environment, *run(program), *more])


def by_hand(name: str, namespace: str | None = "airflow", **spec: Any) -> Resource:
    kind = POLICY if namespace else CLUSTERWIDE
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return Resource(f"urn:pulumi:test::bank::{kind}::{name}", kind, {"metadata": metadata, "spec": spec})


def proven(stack: Stack, access: Mapping[str, Any] = ACCESS) -> Proof:
    given = Access.model_validate(access)
    finance = network(given)
    api_server = Hosts.from_names([API_SERVER])
    api_network = Hosts.from_cidrs(["10.50.0.0/28"])
    own = tuple(replace(one.match(), hosts=one.to | api_network if one.to == api_server else one.to) for one in finance.flows)
    environment = Environment("finance", "urn", Hosts.from_cidrs(finance.pod_cidrs), own, finance.as_workloads())
    return prove(given, [environment], list(read(stack)), at=NOW)
