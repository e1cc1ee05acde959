"""The page of the environment: its snippet runs, and its tables say what is compiled."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.gates.kubernetes import ClusterDeclaration
from pulumi_airlock.gates.kubernetes.control_planes import CONTROLLERS, NAMESPACES
from pulumi_airlock.gates.kubernetes.meshes import TUNNELS
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.tokens import HELM_ENVIRONMENT

PAGE = (Path(__file__).parents[3] / "docs" / "environments" / "helm.md").read_text(encoding="utf-8")
SNIPPET, *_ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ACCESS = Access.model_validate(
    {
        "identityProvider": {"kind": "oidc", "issuer": "https://idp.bank.example", "audience": "airflow"},
        "principals": [
            {"name": "ledger-close", "environment": "finance", "dags": ["ledger_*"]},
            {"name": "analysts", "group": "airflow-finance", "role": "Viewer"},
        ],
        "zones": {"ui": {"gates": ["nginx"]}},
        "destinations": [
            {"name": "airflow-ui", "zone": "ui", "hosts": ["airflow.bank.example"], "ports": ["443/tcp"], "protocol": "https"}
        ],
        "routes": [{"name": "r", "from": ["analysts"], "to": ["airflow-ui"], "reason": "X-1"}],
    }
)


def test_the_page_composes_an_environment() -> None:
    given: dict[str, Any] = {"access": ACCESS, "digest": "sha256:" + "0" * 64}

    def program() -> None:
        facts = ClusterDeclaration("bank", cni="cilium", pod_cidrs=["10.60.0.0/16"], service_cidrs=["10.61.0.0/16"]).facts
        exec(SNIPPET, {**given, "cluster": SimpleNamespace(facts=facts)})  # noqa: S102

    (found,) = Stack(run(program)).of_type(HELM_ENVIRONMENT)
    assert (found.get("mesh"), found.get("gateway")) == ("istio", "nginx")


def test_the_page_says_what_sidecars_need_and_by_which_port_they_meet() -> None:
    rows = {
        mesh.lower(): (control, ways)
        for mesh, control, ways in re.findall(r"^\| (\w+) \| (`.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    }
    assert rows.keys() == CONTROLLERS.keys()
    for mesh, (control, ways) in rows.items():
        assert f"`{NAMESPACES[mesh]}`" in control
        ports = {port for one in CONTROLLERS[mesh] for port in one.ports}
        assert set(map(int, re.findall(r"\d{4,5}", control))) == ports
        tunnel = TUNNELS.get(mesh)
        assert list(map(int, re.findall(r"\d{4,5}", ways))) == ([tunnel.port] if tunnel else [])
