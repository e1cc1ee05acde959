"""The gateway's objects, by each engine, in a strict dry run on a real API server with the real definitions."""

from typing import Any

import pytest
from nginx_program import ACCESS, DOCUMENT, compiled, document
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.nginx import Certificate, Exposure, Upstream

ALIKE = Access.model_validate(document(routes=[DOCUMENT["routes"][1]]))
ELSEWHERE = Upstream("risk-api-server.risk.svc.cluster.local", 8080, "risk/risk-api-server")
SHOWN = Exposure(annotations={"lb": "internal"}, source_ranges=("10.0.0.0/8",), load_balancer_class="internal")


@pytest.mark.parametrize(
    ("engine", "access", "given"),
    [
        ("nginx", ACCESS, {"exposure": SHOWN, "certificate": Certificate(issuer="bank-ca")}),
        ("f5-nic", ALIKE, {}),
        ("nginx-gateway-fabric", ALIKE, {"upstreams": {"airflow": ELSEWHERE, "risk": ELSEWHERE}}),
    ],
)
def test_the_server_takes_every_object(kube_api: Any, engine: str, access: Access, given: dict[str, Any]) -> None:
    found = [one for one in compiled(access, engine=engine, **given).resources if one.type.startswith("kubernetes:")]
    assert len(found) > 5
    for one in found:
        group, _, kind = one.type.removeprefix("kubernetes:").rpartition(":")
        version = group.removeprefix("core/")
        kube_api.dry_run({**one.properties, "apiVersion": version, "kind": kind})
