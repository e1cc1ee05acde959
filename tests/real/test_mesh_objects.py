"""What is made for the meshes' certificates, for Linkerd and for Consul passes a strict dry run on a real API server."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.gates.consul.compile import TerminatingGateway
from pulumi_airlock.gates.consul.compile import compile_mesh as consul_objects
from pulumi_airlock.gates.kubernetes import workload
from pulumi_airlock.gates.kubernetes.certificates import Anchor, MeshCertificates
from pulumi_airlock.gates.kubernetes.cluster import Cluster
from pulumi_airlock.gates.kubernetes.wanted import Wanted
from pulumi_airlock.gates.linkerd.compile import compile_mesh as linkerd_objects
from pulumi_airlock.proof.filters import HttpOperation
from pulumi_airlock.proof.sets import Hosts, Services
from real_kubernetes import KubeApi

DAY = date(2026, 11, 26)
PORT = Services.of("tcp", 8080, 8080)
DB = workload("data", "db", {"app": "db"}, services={"db": {8080: 8080}})
CALLERS = [workload("airflow", name, {"app": name}) for name in ("etl", "var", "web")]
CLUSTER = Cluster((DB, *CALLERS), {})
REQUESTS = (
    frozenset({HttpOperation("*", "/execution/*"), HttpOperation("GET", "/v2")}),
    frozenset({HttpOperation("*", "/*", frozenset({"DELETE"}), frozenset({"/execution", "/execution/*"}))}),
    None,
)
INSIDE = [
    Wanted(frozenset({one.name}), (), DB.hosts, PORT, (DB,), PORT, operations, ("r",))
    for one, operations in zip(CALLERS, REQUESTS, strict=True)
]
BEYOND = Wanted(
    frozenset({"airflow/etl"}), (), Hosts.from_names(["bank.example"]), Services.of("tcp", 443, 443), routes=("bank",)
)


def _taken(api: KubeApi, found: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    for one in found:
        api.dry_run(one)
        count += 1
    return count


@pytest.mark.parametrize("mesh", ["linkerd", "istio"])
def test_the_server_takes_what_keeps_a_meshs_certificates(kube_api: KubeApi, mesh: str) -> None:
    anchors = [
        Anchor("2025", trusted=date(2026, 1, 10)),
        Anchor("2026", trusted=date(2026, 11, 20), restarted=date(2026, 11, 21), signs=date(2026, 11, 24)),
    ]
    made = run(lambda: MeshCertificates("trust", mesh=mesh, anchors=anchors, today=DAY))
    assert _taken(kube_api, (dict(one.properties) for one in made if one.type.startswith("kubernetes:"))) > 6


def test_the_server_takes_what_linkerd_gets(kube_api: KubeApi) -> None:
    objects = linkerd_objects(INSIDE, CLUSTER, ["data"], "linkerd", ("10.9.0.0/16",))
    manifests = (
        {
            "apiVersion": f"policy.linkerd.io/{one.version}",
            "kind": one.kind,
            "metadata": {"name": one.name, "namespace": one.namespace},
            "spec": dict(one.spec),
        }
        for one in objects
    )
    assert _taken(kube_api, manifests) > 10


def test_the_server_takes_what_consul_gets(kube_api: KubeApi) -> None:
    objects = consul_objects([*INSIDE, BEYOND], CLUSTER, ["data", "airflow"], "consul", TerminatingGateway())
    manifests = (
        {
            "apiVersion": "consul.hashicorp.com/v1alpha1",
            "kind": one.kind,
            "metadata": {"name": one.name, "namespace": one.namespace},
            "spec": dict(one.spec),
        }
        for one in objects
    )
    assert _taken(kube_api, manifests) > 4
