"""Runs a program with the gate in process and hands back its resources; an access file, and the environment's network."""

from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import ClusterNetwork, cluster_network
from pulumi_airlock.environments.helm.workloads import KUBERNETES

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
