"""Who may start pods, and as whom: the roles and the admission policy of an environment, in a real Kubernetes API server."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from pulumi_airlock.environments.helm.authority import LAUNCHER_RULES, SCHEDULER_RULES, admission
from real_kubernetes import KubeApi, RefusedError

SPACE = f"task-accounts-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
"""All processes of a run share the server."""
ACCOUNTS = ("ledger", "risk", "airflow-tasks")
Ask = Callable[..., str]


def _made(api: KubeApi, path: str, wanted: Mapping[str, Any]) -> None:
    api.ask("POST", path, json.dumps(wanted))


def _role(api: KubeApi, name: str, rules: Any, account: str) -> None:
    group = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{SPACE}"
    _made(api, f"{group}/roles", {"metadata": {"name": name}, "rules": list(rules)})
    subject = {"kind": "ServiceAccount", "name": account, "namespace": SPACE}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    _made(api, f"{group}/rolebindings", {"metadata": {"name": name}, "roleRef": ref, "subjects": [subject]})


@pytest.fixture(scope="module")
def ask(kube_api: KubeApi) -> Iterator[Ask]:
    """`ask(account, method, path, body)`: what the server says to a service account; empty: it does it, without effect."""
    kube_api.make_namespace(SPACE)
    _role(kube_api, "scheduler", SCHEDULER_RULES, "airflow-scheduler")
    _role(kube_api, "launcher", LAUNCHER_RULES, "risk")
    group = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    _made(kube_api, f"{group}ies", {"metadata": {"name": SPACE}, "spec": admission(SPACE, "airflow", ACCOUNTS, ["risk"])})
    _made(
        kube_api, f"{group}ybindings", {"metadata": {"name": SPACE}, "spec": {"policyName": SPACE, "validationActions": ["Deny"]}}
    )

    def asked(account: str, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "application/json") -> str:
        headers = {
            "Authorization": f"Bearer {kube_api.token}",
            "Content-Type": kind,
            **({"Impersonate-User": f"system:serviceaccount:{SPACE}:{account}"} if account else {}),
        }
        data = json.dumps(body).encode() if body is not None else None
        url = f"{kube_api.url}/api/v1/namespaces/{SPACE}/{path}"
        request = urllib.request.Request(f"{url}?dryRun=All", data, headers, method=method)  # noqa: S310  # our own server
        try:
            with urllib.request.urlopen(request, timeout=30, context=kube_api._context()):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            return str(json.loads(error.read())["message"])

    deadline = time.monotonic() + 30
    while not asked("airflow-scheduler", "POST", "pods", pod("ledger", None)) and time.monotonic() < deadline:
        time.sleep(0.2)  # the server takes note of new policies within a second or so
    _made(kube_api, f"/api/v1/namespaces/{SPACE}/pods", pod("other", None, name="standing"))
    yield asked
    kube_api.ask("DELETE", f"{group}ybindings/{SPACE}")
    kube_api.ask("DELETE", f"{group}ies/{SPACE}")
    kube_api.ask("DELETE", f"/api/v1/namespaces/{SPACE}/pods/standing?gracePeriodSeconds=0")
    for kind, name in product(("roles", "rolebindings"), ("scheduler", "launcher")):
        kube_api.ask("DELETE", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{SPACE}/{kind}/{name}")


def pod(account: str, label: str | None, *, name: str = "p", container: Any = None, metadata: Any = None, **spec: Any) -> Any:
    labels = {"airlock/principal": label} if label else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels | (metadata or {}).get("labels", {}), **_without_labels(metadata)},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": False,
            "containers": [{"name": "base", "image": "example", **(container or {})}],
            **spec,
        },
    }


def _without_labels(metadata: Any) -> Any:
    return {key: value for key, value in (metadata or {}).items() if key != "labels"}


def test_the_scheduler_starts_everybodys_pods_and_they_say_whose_they_are(ask: Ask) -> None:
    for account in ACCOUNTS:
        assert ask("airflow-scheduler", "POST", "pods", pod(account, account)) == ""
    assert "says whose pod it is" in ask("airflow-scheduler", "POST", "pods", pod("risk", "ledger"))
    assert "says whose pod it is" in ask("airflow-scheduler", "POST", "pods", pod("risk", None))


def test_a_task_starts_pods_as_its_own_principal_alone(ask: Ask) -> None:
    assert ask("risk", "POST", "pods", pod("risk", "risk")) == ""
    assert "created by the scheduler" in ask("risk", "POST", "pods", pod("ledger", "ledger"))
    assert "created by the scheduler" in ask("risk", "POST", "pods", pod("airflow-scheduler", None))
    assert "created by the scheduler" in ask("risk", "POST", "pods", pod("default", None))


def test_tasks_that_may_not_start_pods_have_no_right_to(ask: Ask) -> None:
    assert 'cannot create resource "pods"' in ask("ledger", "POST", "pods", pod("ledger", "ledger"))
    assert 'cannot create resource "pods/exec"' in ask("risk", "POST", "pods/standing/exec")
    assert 'cannot patch resource "pods"' in ask("risk", "PATCH", "pods/standing", {}, "application/merge-patch+json")
    assert 'cannot create resource "pods/exec"' in ask("airflow-scheduler", "POST", "pods/standing/exec")
    assert 'cannot get resource "secrets"' in ask("airflow-scheduler", "GET", "secrets/airflow-jwt")


def test_nobody_else_starts_a_principals_pods(ask: Ask) -> None:
    """The first account has all rights: it is the policy that refuses."""
    assert "created by the scheduler" in ask("", "POST", "pods", pod("ledger", "ledger"))
    assert ask("", "POST", "pods", pod("warehouse", None)) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"volumes": [{"name": "v", "secret": {"secretName": "airflow-jwt"}}]},
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "airflow-jwt"}}]}}]},
        {"container": {"envFrom": [{"secretRef": {"name": "airflow-jwt"}}]}},
        {"container": {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "airflow-jwt", "key": "k"}}}]}},
        {"initContainers": [{"name": "i", "image": "e", "envFrom": [{"secretRef": {"name": "airflow-jwt"}}]}]},
    ],
)
def test_a_task_starts_no_pod_with_a_secret(ask: Ask, changed: dict[str, Any]) -> None:
    assert "with Secrets of Airflow's namespace" in ask("risk", "POST", "pods", pod("risk", "risk", **changed))


def test_what_is_no_secret_is_taken(ask: Ask) -> None:
    token = {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token", "audience": "sts.amazonaws.com"}}]}}
    variables = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    more: dict[str, Any] = {"volumes": [token, {"name": "e", "emptyDir": {}}], "container": {"env": variables}}
    assert ask("risk", "POST", "pods", pod("risk", "risk", **more)) == ""


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"sidecar.istio.io/inject": "false"}},
        {"annotations": {"sidecar.istio.io/inject": "false"}},
        {"annotations": {"linkerd.io/inject": "disabled"}},
        {"annotations": {"consul.hashicorp.com/connect-inject": "false"}},
        {"annotations": {"traffic.sidecar.istio.io/excludeOutboundPorts": "443"}},
        {"annotations": {"config.linkerd.io/skip-outbound-ports": "443"}},
    ],
)
def test_a_task_starts_no_pod_around_the_mesh(ask: Ask, metadata: dict[str, Any]) -> None:
    assert "go around the mesh" in ask("risk", "POST", "pods", pod("risk", "risk", metadata=metadata))
    injected = {"annotations": {"sidecar.istio.io/inject": "true", "linkerd.io/inject": "enabled"}}
    assert ask("risk", "POST", "pods", pod("risk", "risk", metadata=injected)) == ""


def test_a_pod_that_stands_is_not_relabelled(ask: Ask) -> None:
    change = {"metadata": {"labels": {"airlock/principal": "ledger"}}}
    assert "says whose pod it is" in ask("airflow-scheduler", "PATCH", "pods/standing", change, "application/merge-patch+json")
    other = {"metadata": {"labels": {"team": "x"}}}
    assert ask("airflow-scheduler", "PATCH", "pods/standing", other, "application/merge-patch+json") == ""


def test_the_policy_is_of_this_namespace(kube_api: KubeApi, ask: Ask) -> None:
    assert ask("", "POST", "pods", pod("ledger", "risk")) != ""
    try:
        kube_api.dry_run(pod("ledger", "risk", metadata={"namespace": "another"}))
    except RefusedError as error:
        pytest.fail(str(error))
