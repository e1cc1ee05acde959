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
CILIUM_ALL = """
by_hand(
    "cilium.io/v2", "CiliumNetworkPolicy", "debug", "airflow",
    {"endpointSelector": {}, "egress": [{"toEntities": ["all"]}], "ingress": [{"fromEntities": ["all"]}]},
)
"""
CILIUM_REQUESTS = """
by_hand(
    "cilium.io/v2", "CiliumNetworkPolicy", "requests", "positions",
    {
        "endpointSelector": {},
        "ingress": [
            {"fromEntities": ["cluster"], "toPorts": [{"ports": [{"port": "8443"}], "rules": {"http": [{"method": "GET"}]}}]}
        ],
    },
)
"""
NO_CONTROL_PLANE = """
by_hand(
    "cilium.io/v2", "CiliumNetworkPolicy", "no-istiod", "airflow",
    {
        "endpointSelector": {},
        "egressDeny": [
            {"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "istio-system", "k8s:app": "istiod"}}]}
        ],
    },
)
"""
OPEN_EGRESS = """
kubernetes.networking.v1.NetworkPolicy(
    "hand-written-egress", metadata={"name": "egress", "namespace": "airflow"},
    spec={"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}]},
)
"""


FORWARDED = "proxy_set_header X-Auth-Request-Groups $http_x_auth_request_groups;"
GATEWAY_TRUSTS_CLIENTS = f"""
def trust_clients(args):
    text = args.props.get("data", {{}}).get("nginx.conf") if args.type_ == "kubernetes:core/v1:ConfigMap" else None
    if text is None:
        return None
    changed = text.replace("proxy_set_header X-Auth-Request-Groups $airlock_groups;", "{FORWARDED}")
    assert changed != text
    return pulumi.ResourceTransformationResult({{**args.props, "data": {{"nginx.conf": changed}}}}, args.opts)


"""


def _before_all(text: str) -> Callable[[Path], None]:
    """Something that the program does before it makes anything."""

    def change(stacks: Path) -> None:
        program = stacks / "on_kubernetes.py"
        lines = program.read_text()
        first = "settings = Settings.load()\n"
        assert first in lines
        program.write_text(lines.replace(first, f"{text}pulumi.runtime.register_stack_transformation(trust_clients)\n{first}"))

    return change


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
        ("prod-eks", _append(CILIUM_ALL), ["CiliumNetworkPolicy airflow/debug egress[0]", "ledger-db"]),
        ("prod-eks", _append(CILIUM_REQUESTS), ["not exactly one owner", "cannot see which requests are sent", "Istio encrypts"]),
        ("prod-eks", _append(NO_CONTROL_PLANE), ["istiod.istio-system", "which finance needs itself", "refused by cilium"]),
        ("prod-eks", _before_all(GATEWAY_TRUSTS_CLIENTS), ["airflow-ui-finance", "nginx"]),
        ("dev-gke", _append(OPEN_SERVER), ["Server prices/open", "price-load"]),
    ],
    ids=[
        "an empty rule",
        "an egress that the FortiGate cannot tell apart",
        "a policy of Cilium for all",
        "requests that the mesh hides from Cilium",
        "a deny before the control plane",
        "a gateway that believes its clients",
        "an open Server",
    ],
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
        ("prod-eks", _append(CILIUM_ALL), "cilium-no-entity-all", "all"),
        ("prod-eks", _before_all(GATEWAY_TRUSTS_CLIENTS), "nginx-", "X-Auth-Request-Groups"),
        ("dev-consul", _append(ANY_TO_ANY), "consul-no-any-intention", "lets every service call *"),
    ],
    ids=[
        "a permissive mesh",
        "an empty rule",
        "a policy of Cilium for all",
        "a gateway that believes its clients",
        "an intention from any to any",
    ],
)
def test_what_the_policies_find(
    airlock, project: Path, stack: str, change: Callable[[Path], None], policy: str, says: str
) -> None:
    change(project / "stacks")
    done = airlock("preview", "--stack", stack, "--policy-pack", "policy-packs/least-privilege")
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert policy in done.stdout
    assert says in done.stdout
