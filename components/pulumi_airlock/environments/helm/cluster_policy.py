"""The cluster policy that gives every task the service account of its principal: generated text, no DAG is changed.

It is what the chart takes as `airflowLocalSettings`. Airflow asks it three times (Airflow 3.3 and its Kubernetes provider 10.25,
run in tests/real/test_cluster_policy.py):

- `task_policy`, where DAGs are parsed: the account shows in the serialized DAG, and what a DAG must not choose is refused, so
  that its author is told. The DAG's own code runs in that process and could undo this.
- `task_instance_mutation_hook`, in the scheduler, where no DAG's code runs: this is what holds. It goes by the database's ids.
- `pod_mutation_hook`, in the scheduler for the pods of tasks, and in a task's own process for pods that it starts itself. The
  executor merges a DAG's override last, over the ids that it writes onto the pod itself: only because overrides have been
  cleaned before are these ids true. For pods that tasks start admission decides (`authority`): a task may go around a hook.

Of a DAG's `pod_override` sizes, placement and plain variables are taken over. All else could make the pod another one to gates:
labels and annotations take it out of a policy or a mesh, volumes and references to Secrets hand it what belongs to Airflow.
"""

from collections.abc import Iterable, Mapping, Sequence

from ...access.model import Access
from .network import principals_of
from .workloads import PRINCIPAL_LABEL, WORKER, default_account, labels_of

_TEXT = '''"""Gives the pod of every task the service account of its principal. Generated from the access file: change that."""

from fnmatch import fnmatchcase

from airflow.exceptions import AirflowClusterPolicyViolation
from kubernetes.client import models as k8s

__all__ = ["pod_mutation_hook", "task_instance_mutation_hook", "task_policy"]

ACCOUNTS = (
{accounts})
"""(globs on DAG ids, globs on task ids, service account): the first that fits decides."""
DEFAULT = {default!r}
"""As whom a task runs that no principal covers: an account to which no route belongs."""
LAUNCHERS = frozenset({launchers!r})
"""Accounts whose tasks start pods themselves, and have a token of the API server for that."""
TOKENS = {tokens!r}
"""Whether all have such a token, which lets its owner do nothing: Consul's sidecar signs in with it."""
LABEL = {label!r}
LABELS = {labels!r}
"""Of the pods of all tasks, by the chart: gates go by them."""
PLACEMENT = ("active_deadline_seconds", "affinity", "node_selector", "termination_grace_period_seconds", "tolerations")
SIZES = ("env", "name", "resources")


def account_of(dag_id, task_id):
    """The service account of a task."""
    for dags, tasks, account in ACCOUNTS:
        if any(fnmatchcase(dag_id, one) for one in dags) and any(fnmatchcase(task_id, one) for one in tasks):
            return account
    return DEFAULT


def _given(one, *but):
    """The fields of one of Kubernetes' objects that are set, without some."""
    return sorted(name for name in one.openapi_types if name not in but and getattr(one, name) not in (None, [], {{}}))


def _plain(variable):
    return variable.value_from is None and not variable.name.upper().startswith("AIRFLOW")


def _excess(config, account):
    """What a DAG chooses of its task's pod that is not for it to choose."""
    yield from (key for key in config if key != "pod_override")
    pod = config.get("pod_override")
    if pod is None:
        return
    if not isinstance(pod, k8s.V1Pod):
        yield "pod_override (no V1Pod)"
        return
    if pod.metadata is not None and _given(pod.metadata) and pod.metadata.labels != {{LABEL: account}}:
        yield "metadata"
    if pod.spec is None:
        return
    own = ("containers", "automount_service_account_token", "service_account_name")
    yield from (f"spec.{{name}}" for name in _given(pod.spec, *PLACEMENT, *own))
    if pod.spec.service_account_name not in (None, account):
        yield "spec.service_account_name"
    containers = pod.spec.containers or []
    if len(containers) > 1 or any(one.name != "base" for one in containers):
        yield "spec.containers"
    for one in containers:
        yield from (f"spec.containers[base].{{name}}" for name in _given(one, *SIZES))
        yield from (f"spec.containers[base].env[{{each.name}}]" for each in one.env or () if not _plain(each))


def _override(config, account):
    """A pod with an account, and with what a DAG may choose."""
    pod = config.get("pod_override") if isinstance(config, dict) else None
    spec = pod.spec if isinstance(pod, k8s.V1Pod) else None
    kept = {{name: getattr(spec, name) for name in PLACEMENT if getattr(spec, name, None)}}
    base = next((one for one in (spec.containers if spec else None) or () if one.name == "base"), None)
    variables = [one for one in (base.env if base else None) or () if _plain(one)]
    return {{
        "pod_override": k8s.V1Pod(
            metadata=k8s.V1ObjectMeta(labels={{LABEL: account}}),
            spec=k8s.V1PodSpec(
                containers=[k8s.V1Container(name="base", env=variables or None, resources=base.resources if base else None)],
                service_account_name=account,
                automount_service_account_token=TOKENS or account in LAUNCHERS,
                **kept,
            ),
        )
    }}


def task_policy(task):
    """Puts the account into what the executor makes the task's pod of, and refuses what is not for a DAG to choose."""
    account = account_of(task.dag_id, task.task_id)
    config = dict(task.executor_config or {{}})
    wrong = list(_excess(config, account))
    if wrong:
        raise AirflowClusterPolicyViolation(
            f"{{task.dag_id}}.{{task.task_id}}: executor_config: not for a DAG to choose: {{', '.join(wrong)}}. "
            f"Its pod runs as {{account}}; sizes, placement and plain variables of the container base may be chosen."
        )
    if isinstance(getattr(task, "partial_kwargs", None), dict):  # a mapped task has no such field of its own
        task.partial_kwargs["executor_config"] = _override(config, account)
    else:
        task.executor_config = _override(config, account)


def task_instance_mutation_hook(task_instance):
    """The same in the scheduler, whatever became of the serialized DAG on its way there."""
    account = account_of(task_instance.dag_id, task_instance.task_id)
    task_instance.executor_config = _override(task_instance.executor_config, account)


def pod_mutation_hook(pod):
    """The same for a pod that is about to be made, by what Airflow writes onto it; one that says otherwise is not made."""
    labels, annotations = ((pod.metadata and getattr(pod.metadata, name)) or {{}} for name in ("labels", "annotations"))
    said = annotations if "dag_id" in annotations else labels
    account = account_of(said.get("dag_id", ""), said.get("task_id", ""))
    if labels.get(LABEL, account) != account:
        raise ValueError(f"a pod of {{said}} is labelled as one of {{labels[LABEL]}}, and belongs to {{account}}")
    pod.metadata = pod.metadata or k8s.V1ObjectMeta()
    pod.metadata.labels = {{**labels, **LABELS, LABEL: account}}
    pod.spec = pod.spec or k8s.V1PodSpec(containers=[k8s.V1Container(name="base")])
    pod.spec.service_account_name = account
    pod.spec.service_account = None  # the field's old name, which would win where both are set
    # Of those that may start pods, the pods of their tasks alone, which have this label from the executor.
    pod.spec.automount_service_account_token = TOKENS or (account in LAUNCHERS and "airflow-worker" in labels)
    pod.spec.host_network = pod.spec.host_pid = pod.spec.host_ipc = None
'''


def cluster_policy(
    access: Access,
    environment: str,
    release: str,
    accounts: Mapping[str, str],
    launchers: Iterable[str] = (),
    *,
    tokens: bool = False,
) -> str:
    """The module's text, for an environment whose principals run as `accounts`.

    `launchers`: the principals whose tasks start pods themselves. `tokens`: whether every pod has a token of the API server.
    """
    lines = [
        f"    ({_tuple(one.dags)}, {_tuple(one.tasks)}, {accounts[one.name]!r}),\n" for one in principals_of(access, environment)
    ]
    return _TEXT.format(
        accounts="".join(lines),
        default=default_account(release),
        launchers=sorted({accounts[one] for one in launchers}),
        tokens=tokens,
        label=PRINCIPAL_LABEL,
        labels=labels_of(WORKER, release),
    )


def _tuple(globs: Sequence[str]) -> str:
    return f"({', '.join(map(repr, globs))},)"
