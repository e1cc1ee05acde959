"""Every Kubernetes object of every stack passes a strict server-side dry run on a real API server with the real definitions."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from real_kubernetes import KubeApi, RefusedError
from real_parts import ROOT
from ruamel.yaml import YAML
from stack_objects import objects, stacks, unknown

SKELETONS = ROOT.parent / "shared" / "reference" / "kubernetes-objects.yaml"
GOOD: Mapping[str, Any] = {
    "apiVersion": "security.istio.io/v1",
    "kind": "AuthorizationPolicy",
    "metadata": {"name": "ledger", "namespace": "data"},
    "spec": {"action": "ALLOW", "rules": [{"from": [{"source": {"serviceAccounts": ["airflow/etl"]}}]}]},
}


def refusals(api: KubeApi, found: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """One line for each object that the server does not take: all of them, so that they are mended at once."""
    lines = []
    for name, one in found:
        if places := list(unknown(one)):
            lines.append(f"{name}: unknown: {', '.join(places)}")
            continue
        try:
            api.dry_run(one)
        except RefusedError as error:
            lines.append(f"{name}: {error}")
    return lines


@pytest.mark.parametrize("stack", stacks())
def test_the_server_takes_every_object_of_a_stack(kube_api: KubeApi, stack: str, tmp_path: Path) -> None:
    found = objects(stack, tmp_path)
    assert found, f"{stack}: no Kubernetes object"
    refused = refusals(kube_api, found.items())
    assert not refused, f"{len(refused)} of {len(found)} objects:\n" + "\n".join(refused)


def test_the_server_takes_other_peoples_skeletons(kube_api: KubeApi) -> None:
    if not SKELETONS.exists():
        pytest.skip(f"no {SKELETONS}")
    found = list(YAML(typ="safe", pure=True).load_all(SKELETONS.read_text()))
    assert len(found) > 20
    assert refusals(kube_api, ((f"{one['kind']} {one['metadata']['name']}", one) for one in found)) == []


def _with(change: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    made = copy.deepcopy(dict(GOOD))
    place = made
    for key in path:
        place = place[key]
    place.update(change)
    return made


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (_with({"rulez": []}, "spec"), "spec.rulez: field not declared in schema"),
        (_with({"action": "PERMIT"}, "spec"), 'Unsupported value: "PERMIT"'),
        (_with({"apiVersion": "security.istio.io/v7"}), "no API version security.istio.io/v7"),
        (_with({"kind": "AuthorisationPolicy"}), "no kind AuthorisationPolicy"),
        (_with({"name": "Ledger_1"}, "metadata"), "RFC 1123"),
        (_with({"name": ""}, "metadata"), "has no name"),
        # One of Kubernetes' own kinds, whose schema is compiled into the server.
        (
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "p", "namespace": "data"},
                "spec": {"podSelector": {}, "ingress": [{"form": []}]},
            },
            ".spec.ingress[0].form: field not declared in schema",
        ),
    ],
)
def test_what_is_wrong_is_refused_and_the_server_says_what(kube_api: KubeApi, wrong: Mapping[str, Any], says: str) -> None:
    assert refusals(kube_api, [("good", GOOD)]) == []
    (line,) = refusals(kube_api, [("wrong", wrong)])
    assert says in line


def test_a_dry_run_leaves_nothing_behind(kube_api: KubeApi) -> None:
    kube_api.dry_run(GOOD)
    assert kube_api.ask("GET", "/apis/security.istio.io/v1/namespaces/data/authorizationpolicies")["items"] == []
