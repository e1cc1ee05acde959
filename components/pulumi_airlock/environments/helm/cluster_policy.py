"""The cluster policy that gives every task the service account of its principal: generated text, no DAG is changed.

It is what the chart takes as `airflowLocalSettings`. `task_policy` is seen in the serialized DAG (measured, Airflow 3.3); pods of
KubernetesPodOperator are met by `pod_mutation_hook`. A DAG's own choice of an account is overruled, and what no principal covers
runs as an account without routes: it fails closed.
"""

from collections.abc import Mapping, Sequence

from ...access.model import Access
from .network import principals_of
from .workloads import PRINCIPAL_LABEL, default_account

_TEXT = '''"""Gives the pod of every task the service account of its principal. Generated from the access file: change that."""

from fnmatch import fnmatchcase

from kubernetes.client import models as k8s

ACCOUNTS = (
{accounts})
"""(globs on DAG ids, globs on task ids, service account): the first that fits decides."""
DEFAULT = {default!r}
"""As whom a task runs that no principal covers: an account to which no route belongs."""
LABEL = {label!r}


def account_of(dag_id, task_id):
    """The service account of a task."""
    for dags, tasks, account in ACCOUNTS:
        if any(fnmatchcase(dag_id, one) for one in dags) and any(fnmatchcase(task_id, one) for one in tasks):
            return account
    return DEFAULT


def _set(pod, account):
    pod.metadata = pod.metadata or k8s.V1ObjectMeta()
    pod.metadata.labels = {{**(pod.metadata.labels or {{}}), LABEL: account}}
    pod.spec = pod.spec or k8s.V1PodSpec(containers=[k8s.V1Container(name="base")])
    pod.spec.service_account_name = account
    # The old name of the field wins over the new one where both are set.
    pod.spec.service_account = None
    pod.spec.automount_service_account_token = False
    pod.spec.host_network = None
    return pod


def task_policy(task):
    """Puts the account into what the executor makes the task's pod of; a DAG's own choice is overruled."""
    config = dict(task.executor_config or {{}})
    config["pod_override"] = _set(config.get("pod_override") or k8s.V1Pod(), account_of(task.dag_id, task.task_id))
    task.executor_config = config


def pod_mutation_hook(pod):
    """The same for pods that operators make themselves, by what Airflow writes onto them."""
    said = {{**((pod.metadata and pod.metadata.labels) or {{}}), **((pod.metadata and pod.metadata.annotations) or {{}})}}
    _set(pod, account_of(said.get("dag_id", ""), said.get("task_id", "")))
'''


def cluster_policy(access: Access, environment: str, release: str, accounts: Mapping[str, str]) -> str:
    """The module's text, for an environment whose principals run as `accounts`."""
    lines = [
        f"    ({_tuple(one.dags)}, {_tuple(one.tasks)}, {accounts[one.name]!r}),\n" for one in principals_of(access, environment)
    ]
    return _TEXT.format(accounts="".join(lines), default=default_account(release), label=PRINCIPAL_LABEL)


def _tuple(globs: Sequence[str]) -> str:
    return f"({', '.join(map(repr, globs))},)"
