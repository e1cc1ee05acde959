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
ANY_TO_ANY = """
spec = {"destination": {"name": "*"}, "sources": [{"name": "*", "action": "allow"}]}
by_hand("consul.hashicorp.com/v1alpha1", "ServiceIntentions", "any", "positions", spec)
"""
OPEN_SERVER = """
spec = {"podSelector": {"matchLabels": {"app": "prices"}}, "port": 8443, "accessPolicy": "all-unauthenticated"}
by_hand("policy.linkerd.io/v1beta3", "Server", "open", "prices", spec)
"""
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
    ("stack", "change", "says"),
    [
        ("prod-eks", _append(EMPTY_RULE), ["AuthorizationPolicy positions/open", "positions"]),
        ("prod-eks", _append(OPEN_EGRESS), ["NetworkPolicy airflow/egress", "ledger-db"]),
        ("dev-gke", _append(OPEN_SERVER), ["Server prices/open", "price-load"]),
    ],
    ids=["an empty rule", "an egress that the FortiGate cannot tell apart", "an open Server"],
)
def test_what_the_proof_finds(airlock, project: Path, stack: str, change: Callable[[Path], None], says: list[str]) -> None:
    change(project / "stacks")
    done = airlock("prove", "--stack", stack)
    assert done.returncode == 3, done.stdout + done.stderr
    for one in says:
        assert one in done.stdout


@pytest.mark.parametrize(
    ("stack", "change", "policy", "says"),
    [
        ("prod-eks", _append(PERMISSIVE), "istio-mtls-strict", "spec.mtls.mode is PERMISSIVE"),
        ("prod-eks", _append(EMPTY_RULE), "istio-no-empty-rule", "spec.rules[0] is empty"),
        ("dev-consul", _append(ANY_TO_ANY), "consul-no-any-intention", "lets every service call *"),
    ],
    ids=["a permissive mesh", "an empty rule", "an intention from any to any"],
)
def test_what_the_policies_find(
    airlock, project: Path, stack: str, change: Callable[[Path], None], policy: str, says: str
) -> None:
    change(project / "stacks")
    done = airlock("preview", "--stack", stack, "--policy-pack", "policy-packs/least-privilege")
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert policy in done.stdout
    assert says in done.stdout
