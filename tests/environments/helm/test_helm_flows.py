"""What Airflow's pods need of the cloud where all is shut: endpoints for their logs and roles, GKE's metadata server."""

from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, Gke, HelmEnvironment, Image
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.kubernetes import ClusterDeclaration
from pulumi_airlock.gates.network_policy import NetworkPolicyGate
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof.sets import Hosts

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ACCESS = Access.model_validate(
    {
        "principals": [{"name": "etl", "dags": ["fin_*"], "environment": "finance"}],
        "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["network_policy"]}},
        "destinations": [{"name": "d", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]}],
        "routes": [{"name": "r", "from": ["etl"], "to": ["d"], "reason": "F-1"}],
    }
)


def _stack(platform: Eks | Gke, endpoints: list[str]) -> Stack:
    def program() -> object:
        cluster = ClusterDeclaration(
            "bank",
            cni="gke-dataplane-v2",
            pod_cidrs=["10.60.0.0/16"],
            service_cidrs=["10.61.0.0/16"],
            api_server_cidrs=["10.50.0.0/28"],
        ).facts
        finance = HelmEnvironment(
            "finance",
            access=ACCESS,
            owner="airflow@bank.example",
            platform=platform,
            airflow_version="3.0.6",
            chart_version="1.22.0",
            image=Image("registry.bank.example/airflow", digest="sha256:" + "0" * 64),
            secrets=ChartSecrets("metadata", "fernet", "api", "jwt"),
            database=Database(5432, cidrs=("10.20.9.9/32",)),
            pod_cidrs=["10.60.0.0/18"],
            remote_logs="s3://logs/airflow",
            endpoint_cidrs=endpoints,
            cluster=cluster,
        )
        return NetworkPolicyGate("network_policy", access=ACCESS, environments=[finance.network], cluster=cluster)

    return Stack(run(program))


def _to(stack: Stack, cidr: str) -> dict[str, list[dict[str, Any]]]:
    """Policy → the ports by which its pods reach a network."""
    return {
        one.name.removeprefix("network_policy-airflow-"): rule["ports"]
        for one in stack.of_type(POLICY)
        for rule in one.get_list("spec", "egress")
        if {"ipBlock": {"cidr": cidr}} in rule["to"]
    }


@pytest.mark.parametrize("platform", [Eks(), Gke("bank-airflow")], ids=["eks", "gke"])
def test_tasks_and_whoever_handles_their_logs_reach_the_clouds_endpoints(platform: Eks | Gke) -> None:
    reached = _to(_stack(platform, ["10.50.2.0/28"]), "10.50.2.0/28")
    assert reached.keys() == {"etl", "airflow-tasks", "airflow-api-server", "airflow-triggerer"}
    assert all(ports == [{"protocol": "TCP", "port": 443}] for ports in reached.values())
    assert not _to(_stack(platform, []), "10.50.2.0/28")


def test_on_gke_the_metadata_server_says_who_a_pod_is() -> None:
    metadata = {"169.254.169.254/32": {80}, "169.254.169.252/32": {987}}
    for cidr, ports in metadata.items():
        assert {each["port"] for each in _to(_stack(Gke("bank-airflow"), []), cidr)["etl"]} == ports
        assert not _to(_stack(Eks(), []), cidr)


def test_it_is_read_back_as_what_the_environment_needs() -> None:
    reading = read_all(_stack(Gke("bank-airflow"), ["199.36.153.8/30"]), ACCESS)
    needs = {need.reason: need.match.hosts for one in reading.filters for need in one.needs}
    assert needs["the cloud's endpoints: logs of tasks, and roles"] == Hosts.from_cidr("199.36.153.8/30")
    assert "who a pod is, from GKE's metadata server" in needs
    (finance,) = reading.environments
    assert any(match.hosts == Hosts.from_cidr("199.36.153.8/30") for match in finance.own)
