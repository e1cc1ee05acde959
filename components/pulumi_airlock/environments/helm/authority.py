"""Who may start pods in Airflow's namespace, and as whom: roles, and the admission policy that holds them to it. No SDK in here.

Kubernetes asks nobody for the right to a service account: whoever may create a pod may create it as any account of the namespace,
mount its Secrets, and label it as somebody else's (Kubernetes, "Role Based Access Control Good Practices", workload creation). So
the API server itself compares (ValidatingAdmissionPolicy, Kubernetes 1.30; a real one, in tests/real/test_task_accounts.py). Pods
of principals are created by the scheduler, and by a principal's own tasks where those may.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .workloads import PRINCIPAL_LABEL, SCHEDULER, account_of

SCHEDULER_RULES: Sequence[Mapping[str, Sequence[str]]] = (
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "delete", "get", "list", "patch", "watch"]},
)
"""What the Kubernetes executor does: it patches labels of pods that it takes over. Unlike the chart's role, no `pods/exec`."""
LAUNCHER_RULES: Sequence[Mapping[str, Sequence[str]]] = (
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "delete", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
)
"""What KubernetesPodOperator does without XCom. No `patch` (another's pod could be given another image) and no `pods/exec`."""
_SECRETS = (
    ("volumes", "!has(one.secret) && (!has(one.projected) || one.projected.sources.all(each, !has(each.secret)))"),
    *(
        (place, "(!has(one.envFrom) || one.envFrom.all(each, !has(each.secretRef))) && (!has(one.env) || "
        "one.env.all(each, !has(each.valueFrom) || !has(each.valueFrom.secretKeyRef)))")
        for place in ("containers", "initContainers")
    ),
)  # fmt: skip
"""Where a pod may refer to Secrets."""
_AROUND_A_MESH = (
    r"^(traffic\\.sidecar\\.istio\\.io/exclude|config\\.linkerd\\.io/skip-|consul\\.hashicorp\\.com/transparent-proxy-exclude)"
)
_INJECTED = ("sidecar.istio.io/inject", "linkerd.io/inject", "consul.hashicorp.com/connect-inject")


def admission(namespace: str, release: str, accounts: Sequence[str], launchers: Sequence[str]) -> dict[str, Any]:
    """The policy's spec. `accounts`: those that tasks run as; `launchers`: those of them whose tasks start pods."""
    user = f"system:serviceaccount:{namespace}:"
    scheduler = user + account_of(SCHEDULER, release)
    starts = "request.userInfo.username in variables.launchers"
    variables = {
        "accounts": _list(accounts),
        "launchers": _list([user + one for one in launchers]),
        "account": "has(object.spec.serviceAccountName) ? object.spec.serviceAccountName : 'default'",
        "labels": "has(object.metadata.labels) ? object.metadata.labels : {}",
        "annotations": "has(object.metadata.annotations) ? object.metadata.annotations : {}",
        "label": f"'{PRINCIPAL_LABEL}' in variables.labels ? variables.labels['{PRINCIPAL_LABEL}'] : ''",
    }
    rules = [
        (
            "variables.label == (variables.account in variables.accounts ? variables.account : '')",
            f"the label {PRINCIPAL_LABEL} says whose pod it is, as the service account does: both are a principal's, or neither",
        ),
        (
            f"request.operation != 'CREATE' || ({starts} ? request.userInfo.username == '{user}' + variables.account : "
            f"!(variables.account in variables.accounts) || request.userInfo.username == '{scheduler}')",
            "a principal's pods are created by the scheduler, and by tasks of that principal where they may start pods",
        ),
    ]
    if launchers:
        no_secret = (f"(!has(object.spec.{place}) || object.spec.{place}.all(one, {no}))" for place, no in _SECRETS)
        rules.append((f"!({starts}) || ({' && '.join(no_secret)})", "tasks start no pods with Secrets of Airflow's namespace"))
        off = " && ".join(
            f"!(['false', 'disabled'].exists(no, '{key}' in variables.{place} && variables.{place}['{key}'] == no))"
            for key in _INJECTED
            for place in ("labels", "annotations")
        )
        around = f"variables.annotations.all(key, !key.matches('{_AROUND_A_MESH}'))"
        rules.append((f"!({starts}) || ({off} && {around})", "tasks start no pods that go around the mesh"))
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
            ],
        },
        "variables": [{"name": name, "expression": text} for name, text in variables.items()],
        "validations": [{"expression": text, "message": says, "reason": "Forbidden"} for text, says in rules],
    }


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(repr(one) for one in texts)}]"
