"""Service accounts of task pods (`[airlock] service_accounts`): each task's pod runs as the account of its principal.

For charts that Airlock's Helm component has not made. That component's own cluster policy does this too, and keeps a DAG from
choosing anything else of its pod by which a gate could take it for another.
"""

from __future__ import annotations

from typing import Any

from . import manifest, settings


def choose_account(task: Any) -> None:
    """Where a DAG file is read: the account shows in the serialized DAG, and a DAG that chooses another is told."""
    account = _account(task.dag_id, task.task_id)
    config = getattr(task, "executor_config", None) or {}
    chosen = _chosen(config)
    if account and chosen not in (None, account):
        from airflow.exceptions import AirflowClusterPolicyViolation

        raise AirflowClusterPolicyViolation(
            f"{task.dag_id}.{task.task_id}: its pod runs as {account}, by the routes' manifest, and not as {chosen}"
        )
    if account:
        made = _with_account(config, account)
        if isinstance(getattr(task, "partial_kwargs", None), dict):
            task.partial_kwargs["executor_config"] = made
        else:
            task.executor_config = made


def insist_on_account(task_instance: Any) -> None:
    """In the scheduler: whatever became of the DAG on its way there."""
    account = _account(task_instance.dag_id, task_instance.task_id)
    if account:
        task_instance.executor_config = _with_account(task_instance.executor_config or {}, account)


def check_account(pod: Any) -> None:
    """A pod that says whose task it is, and has another's account, is not made: ValueError."""
    annotations = (pod.metadata and pod.metadata.annotations) or {}
    if "dag_id" not in annotations or pod.spec is None:
        return
    account = _account(annotations["dag_id"], annotations.get("task_id", ""))
    if account and pod.spec.service_account_name != account:
        raise ValueError(
            f"the pod of {annotations['dag_id']}.{annotations.get('task_id')} has account {pod.spec.service_account_name}, "
            f"and belongs to {account}"
        )


def _account(dag_id: str, task_id: str) -> str | None:
    """The account of the first principal that covers a task; None: it is none, and its account is not Airlock's matter."""
    options = settings.current()
    found = manifest.load(options.manifest, options.digest).principals_of(dag_id, task_id)
    return found[0].service_account if found else None


def _chosen(config: Any) -> str | None:
    pod = config.get("pod_override") if isinstance(config, dict) else None
    name = getattr(getattr(pod, "spec", None), "service_account_name", None)
    return str(name) if name else None


def _with_account(config: Any, account: str) -> dict[str, Any]:
    from kubernetes.client import models as k8s

    found = dict(config) if isinstance(config, dict) else {}
    pod = found.get("pod_override")
    if pod is None:
        pod = k8s.V1Pod()
    if pod.spec is None:
        pod.spec = k8s.V1PodSpec(containers=[k8s.V1Container(name="base")])
    pod.spec.service_account_name = account
    return found | {"pod_override": pod}
