"""Runs a program with the gate in process and hands back its resources; an access file, and the environment's network."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi.runtime
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import ClusterNetwork, cluster_network
from pulumi_airlock.environments.helm.workloads import KUBERNETES
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Resource

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ACCESS = Access.model_validate(
    {
        "principals": [
            {"name": "etl", "dags": ["fin_*"], "environment": "finance"},
            {"name": "var", "dags": ["var_*"], "environment": "finance"},
        ],
        "zones": {
            "cluster": {"gates": ["network_policy"]},
            "datacenter": {"gates": ["network_policy"], "cidrs": ["10.20.0.0/16"]},
        },
        "destinations": [
            {"name": "ledger", "zone": "cluster", "hosts": ["ledger.data.svc.cluster.local"], "ports": ["443/tcp"]},
            {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
        ],
        "routes": [
            {"name": "etl-ledger", "from": ["etl"], "to": ["ledger"], "reason": "FIN-1"},
            {"name": "var-warehouse", "from": ["var"], "to": ["warehouse"], "reason": "FIN-2"},
        ],
    }
)


class _Recorder(mocks.MockMonitor):
    """Answers registrations with their inputs."""

    def __init__(self) -> None:
        super().__init__(mocks=None)
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in self.requests, f"{urn} is registered twice"
        self.requests[urn] = request
        return resource_pb2.RegisterResourceResponse(urn=urn, id="id" if request.custom else "", object=request.object)

    def found(self) -> list[Resource]:
        return [
            resource_from_wire(
                urn=urn,
                type_=request.type,
                inputs=json_format.MessageToDict(request.object),
                outputs={},
                custom=request.custom,
                parent=request.parent,
                provider="",
                dependencies=request.dependencies,
                property_dependencies={},
            )
            for urn, request in self.requests.items()
        ]


def run(program: Callable[[], object]) -> list[Resource]:
    recorder = _Recorder()
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=False, monitor=recorder)
    pulumi.runtime.test(lambda: program() and None)()
    return recorder.found()


def network() -> ClusterNetwork:
    return cluster_network(
        ACCESS,
        "finance",
        namespace="airflow",
        release="airflow",
        executor=KUBERNETES,
        database=Database(5432, cidrs=("10.20.9.9/32",)),
        pod_cidrs=("10.60.0.0/16",),
    )
