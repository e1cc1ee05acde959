"""What is compiled for Teleport, in a strict dry run on a real API server: by the schemas of Teleport's own operator."""

import sys
from pathlib import Path
from typing import Any

import pytest
from real_parts import PARTS, needed

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "adapters"))
from adapter_program import CLOUDS, PODS, compiled
from pulumi_airlock.gates.adapters.read import parsed

# The newest definitions that a Go module has are of January 2024: roles of version 6, whose fields are those of version 7.
OPERATOR = {"role": ("v6", "TeleportRole"), "token": ("v2", "TeleportProvisionToken")}


def sent(product: Any) -> list[dict[str, Any]]:
    (one,) = (each for each in compiled(product).resources if each.get("product"))
    return [
        {
            "apiVersion": f"resources.teleport.dev/{OPERATOR[kind][0]}",
            "kind": OPERATOR[kind][1],
            "metadata": {"name": each["metadata"]["name"], "namespace": "teleport"},
            "spec": each["spec"],
        }
        for each in parsed(one.get("documents")["teleport.yaml"])
        if (kind := each["kind"]) in OPERATOR
    ]


@pytest.mark.parametrize("product", [PODS, CLOUDS], ids=["pods", "clouds"])
def test_the_server_takes_every_role_and_token(kube_api: Any, product: Any) -> None:
    needed(PARTS / "crds" / ".teleport", "definitions of Teleport's operator")
    found = sent(product)
    assert {one["kind"] for one in found} == {"TeleportRole", "TeleportProvisionToken"}
    for one in found:
        kube_api.dry_run(one)


def test_the_server_refuses_a_field_that_teleport_does_not_know(kube_api: Any) -> None:
    needed(PARTS / "crds" / ".teleport", "definitions of Teleport's operator")
    role = next(one for one in sent(PODS) if one["kind"] == "TeleportRole")
    role["spec"]["options"]["longest"] = "1h"
    with pytest.raises(ValueError, match="not declared in schema"):
        kube_api.dry_run(role)
