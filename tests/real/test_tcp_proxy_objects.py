"""The TCP proxy's objects in a strict dry run on a real API server."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.environments.helm import Image
from pulumi_airlock.environments.helm.pods import pod_template
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.tcp_proxy import Engine, InTaskPods, InternalBalancer, TaskCertificates

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "tcp_proxy"))
from tcp_proxy_program import DOCUMENT, cluster, compiled

BALANCER = InternalBalancer("proxy.airlock.internal", "10.70.0.9", ("10.70.8.0/22",), ("10.72.0.0/16",))


def taken(kube_api: Any, one: Resource) -> None:
    """The server takes a resource, as an object."""
    group, _, kind = one.type.removeprefix("kubernetes:").rpartition(":")
    kube_api.dry_run({**one.properties, "apiVersion": group.removeprefix("core/"), "kind": kind})


@pytest.mark.parametrize("balancer", [None, BALANCER])
def test_the_server_takes_every_object(kube_api: Any, balancer: InternalBalancer | None) -> None:
    found = [one for one in compiled(cluster(balancer=balancer)).resources if one.type.startswith("kubernetes:")]
    assert len(found) > 5
    for one in found:
        taken(kube_api, one)


@pytest.mark.parametrize("engine", ["envoy", "haproxy"])
def test_the_server_takes_a_task_s_pod_with_the_proxy_beside_it(kube_api: Any, engine: Engine) -> None:
    beside = InTaskPods(name="tcp-proxy", namespace="airflow", issuer="bank-ca", engine=engine)
    pod = pod_template("airflow", Image("registry.bank.example/airflow", tag="3.0.6"), {}, proxy=beside)
    kube_api.dry_run({**pod, "metadata": {**pod["metadata"], "namespace": "airflow"}})
    for one in (compiled(beside) if engine == "envoy" else _by_certificate(beside)).resources:
        if one.type.startswith("kubernetes:"):
            taken(kube_api, one)


def _by_certificate(platform: Any) -> Stack:
    routes = [{"name": "r", "from": ["etl"], "to": ["warehouse"], "reason": "T"}]
    access = Access.model_validate({**DOCUMENT, "routes": routes, "expect": []})
    return compiled(platform, access, engine="haproxy", issuers=(TaskCertificates("pods", "finance", namespace="airflow"),))


def test_the_server_takes_the_other_engine(kube_api: Any) -> None:
    stack = _by_certificate(cluster())
    found = [one for one in stack.resources if one.type.startswith("kubernetes:")]
    assert len(found) > 5
    for one in found:
        taken(kube_api, one)
