"""The snippets of the meshes' pages run, with what they leave open filled in; the policies of their modules are named."""

import re
from pathlib import Path
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.helm.flows import Database
from pulumi_airlock.environments.helm.network import cluster_network
from pulumi_airlock.environments.helm.workloads import KUBERNETES
from pulumi_airlock.gates.consul import TerminatingGateway, terminating_workload
from pulumi_airlock.gates.istio import EgressGateway, gateway_workload
from pulumi_airlock.gates.kubernetes import ClusterDeclaration, workload
from pulumi_airlock.gates.stack import Stack

ROOT = Path(__file__).parents[3]
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "gates").glob("*.md")}
LEDGER = workload("data", "ledger", {"app": "ledger"}, services={"ledger": {443: 8443}})
WAYS = {"istio": [gateway_workload(EgressGateway())], "consul": [terminating_workload(TerminatingGateway())]}
MADE = {
    "istio": "kubernetes:networking.istio.io/v1:ServiceEntry",
    "linkerd": "kubernetes:policy.linkerd.io/v1beta3:Server",
    "consul": "kubernetes:consul.hashicorp.com/v1alpha1:TerminatingGateway",
}


def _snippets(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL)


def _access(gate: str) -> Access:
    beyond = [{"name": "bank", "zone": "saas", "hosts": ["bank.example"], "ports": ["443/tcp"]}]
    routes = [{"name": "etl-ledger", "from": ["etl"], "to": ["ledger"], "reason": "F-1"}]
    away = [{"name": "etl-bank", "from": ["etl"], "to": ["bank"], "reason": "F-2"}]
    return Access.model_validate(
        {
            "principals": [{"name": "etl", "dags": ["fin_*"], "environment": "finance"}],
            "zones": {"cluster": {"gates": [gate]}, "saas": {"gates": [gate]}},
            "destinations": [
                {"name": "ledger", "zone": "cluster", "hosts": ["ledger.data.svc.cluster.local"], "ports": ["443/tcp"]},
                *(beyond if gate in WAYS else []),
            ],
            "routes": [*routes, *(away if gate in WAYS else [])],
        }
    )


@pytest.mark.parametrize("gate", ["istio", "linkerd", "consul"])
def test_the_gate_is_composed(gate: str) -> None:
    access = _access(gate)
    network = cluster_network(
        access,
        "finance",
        namespace="airflow",
        release="airflow",
        executor=KUBERNETES,
        database=Database(5432, cidrs=("10.20.9.9/32",)),
        pod_cidrs=("10.60.0.0/16",),
    )
    (snippet,) = _snippets(gate)

    def program() -> None:
        cluster = ClusterDeclaration(
            "bank",
            cni="other",
            pod_cidrs=["10.60.0.0/16"],
            service_cidrs=["10.61.0.0/16"],
            node_cidrs=["10.62.0.0/24"],
            workloads=[LEDGER, *WAYS.get(gate, [])],
        )
        exec(snippet, {"access": access, "network": network, "cluster": cluster})  # noqa: S102

    assert Stack(run(program)).of_type(MADE[gate])


def test_certificates_are_kept() -> None:
    given: list[dict[str, Any]] = [{}, {}]

    def program() -> None:
        for snippet, each in zip(_snippets("mesh-certificates"), given, strict=True):
            # Read on any day, they are of this one.
            exec(snippet.replace("    anchor=", "    today=date(2026, 11, 26),\n    anchor="), each)  # noqa: S102

    stack = Stack(run(program))
    assert len(stack.of_type("kubernetes:cert-manager.io/v1:Certificate")) == 2
    assert len(stack.of_type("consul:index/certificateAuthority:CertificateAuthority")) == 1
    assert [next(iter(each["values"])) for each in given] == ["identity", "global"]


@pytest.mark.parametrize(("module", "page"), [("istio", "istio"), ("linkerd", "linkerd"), ("consul", "consul")])
def test_every_policy_is_named(module: str, page: str) -> None:
    text = (ROOT / "policy-packs/least-privilege/least_privilege" / f"{module}.py").read_text(encoding="utf-8")
    names = re.findall(rf'^    "({module}-[\w-]+)",', text, re.MULTILINE)
    assert len(names) > 3
    assert all(f"`{one}`" in PAGES[page] for one in names)
