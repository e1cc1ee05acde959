"""The TCP proxy's objects in a strict dry run on a real API server."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.gates.tcp_proxy import InternalBalancer

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "tcp_proxy"))
from tcp_proxy_program import cluster, compiled

BALANCER = InternalBalancer("proxy.airlock.internal", "10.70.0.9", ("10.70.8.0/22",), ("10.72.0.0/16",))


@pytest.mark.parametrize("balancer", [None, BALANCER])
def test_the_server_takes_every_object(kube_api: Any, balancer: InternalBalancer | None) -> None:
    found = [one for one in compiled(cluster(balancer=balancer)).resources if one.type.startswith("kubernetes:")]
    assert len(found) > 5
    for one in found:
        group, _, kind = one.type.removeprefix("kubernetes:").rpartition(":")
        kube_api.dry_run({**one.properties, "apiVersion": group.removeprefix("core/"), "kind": kind})
