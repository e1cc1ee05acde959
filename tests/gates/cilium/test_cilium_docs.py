"""The snippets of the documentation run as they stand there, with what they leave open filled in."""

import re
from pathlib import Path
from typing import Any

from cilium_program import ACCESS, POLICY, network, run
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.istio import EgressGateway, gateway_workload
from pulumi_airlock.gates.kubernetes import ClusterDeclaration
from pulumi_airlock.gates.stack import Stack

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "gates" / "cilium.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def _given() -> dict[str, Any]:
    access = Access.model_validate(ACCESS)
    return {"access": access, "network": network(access)}


def test_the_gate_is_composed() -> None:
    given = _given()
    assert Stack(run(lambda: exec(SNIPPETS[0], given))).of_type(POLICY)  # noqa: S102


def test_the_gate_is_composed_beside_a_mesh() -> None:
    given = _given()

    def program() -> None:
        gateway = gateway_workload(EgressGateway())
        meshed = ClusterDeclaration(
            "bank", cni="cilium", pod_cidrs=["10.60.0.0/16"], service_cidrs=["10.61.0.0/16"], workloads=[gateway]
        )
        exec(SNIPPETS[1], {**given, "meshed": meshed, "gateway": gateway})  # noqa: S102

    assert Stack(run(program)).of_type(POLICY)


def test_the_chart_s_values() -> None:
    given: dict[str, Any] = {}
    exec(SNIPPETS[2], given)  # noqa: S102
    assert {"socketLB", "cni", "hubble", "dnsProxy"} <= given["values"].keys()


def test_all_are_run_and_every_policy_is_named() -> None:
    assert len(SNIPPETS) == 3
    made = re.findall(
        r'^    "cilium(-[\w-]+)",', (ROOT / "policy-packs/least-privilege/least_privilege/cilium.py").read_text(), re.M
    )
    assert len(made) > 10
    assert all(f"`{one}`" in PAGE or f"`cilium{one}`" in PAGE for one in made)
