"""What somebody changes by hand beside Airlock's objects in the cluster: found, with the object named."""

from collections.abc import Callable
from pathlib import Path

import pytest

HAND_WRITTEN = """
import pulumi_kubernetes as kubernetes


def by_hand(api_version, kind, name, namespace, spec):
    kubernetes.apiextensions.CustomResource(
        f"hand-written-{name}", api_version=api_version, kind=kind, metadata={"name": name, "namespace": namespace}, spec=spec
    )
"""
EMPTY_RULE = 'by_hand("security.istio.io/v1", "AuthorizationPolicy", "open", "positions", {"rules": [{}]})\n'
PERMISSIVE = 'by_hand("security.istio.io/v1", "PeerAuthentication", "migration", "airflow", {"mtls": {"mode": "PERMISSIVE"}})\n'
OPEN_EGRESS = """
kubernetes.networking.v1.NetworkPolicy(
    "hand-written-egress", metadata={"name": "egress", "namespace": "airflow"},
    spec={"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}]},
)
"""


def _append(text: str) -> Callable[[Path], None]:
    def change(stacks: Path) -> None:
        program = stacks / "on_kubernetes.py"
        program.write_text(program.read_text() + HAND_WRITTEN + text)

    return change


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        (_append(EMPTY_RULE), 3, ["AuthorizationPolicy positions/open", "positions"]),
        (_append(OPEN_EGRESS), 3, ["NetworkPolicy airflow/egress", "ledger-db"]),
    ],
    ids=["an empty rule", "an egress that the FortiGate cannot tell apart"],
)
def test_what_the_proof_finds(airlock, project: Path, change: Callable[[Path], None], status: int, says: list[str]) -> None:
    change(project / "stacks")
    done = airlock("prove", "--stack", "prod-eks")
    assert done.returncode == status, done.stdout + done.stderr
    for one in says:
        assert one in done.stdout


@pytest.mark.parametrize(
    ("change", "policy", "says"),
    [
        (_append(PERMISSIVE), "istio-mtls-strict", "spec.mtls.mode is PERMISSIVE"),
        (_append(EMPTY_RULE), "istio-no-empty-rule", "spec.rules[0] is empty"),
    ],
    ids=["a permissive mesh", "an empty rule"],
)
def test_what_the_policies_find(airlock, project: Path, change: Callable[[Path], None], policy: str, says: str) -> None:
    change(project / "stacks")
    done = airlock("preview", "--stack", "prod-eks", "--policy-pack", "policy-packs/least-privilege")
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert policy in done.stdout
    assert says in done.stdout
