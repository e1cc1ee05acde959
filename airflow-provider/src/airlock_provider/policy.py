"""Airflow's cluster policy (entry point `airflow.policy`): the trust gate before each task, and service accounts of pods.

`task_policy` is asked wherever a DAG file is read, in a task's own process too, and puts the gate before whatever the task does
itself. A DAG's code could take it away again, as could whoever has the worker's role claim another task: the backend checks the
same conditions when a connection is asked for, and the proxy decides by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import context, gate, pods, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _Hook = TypeVar("_Hook", bound=Callable[..., None])

    def hookimpl(function: _Hook) -> _Hook:
        """Airflow's mark of its hooks, for type checking without Airflow."""
        return function
else:
    from airflow.policies import hookimpl


@hookimpl
def task_policy(task: Any) -> None:
    """Puts the trust gate before a task, and its principal's service account into its pod."""
    context.remember(task)
    gate.put_before(task)
    if settings.current().service_accounts:
        pods.choose_account(task)


@hookimpl
def task_instance_mutation_hook(task_instance: Any) -> None:
    """The service account once more in the scheduler, where no DAG's code runs."""
    if settings.current().service_accounts:
        pods.insist_on_account(task_instance)


@hookimpl
def pod_mutation_hook(pod: Any) -> None:
    """And on the pod that is about to be made, by the ids that the executor has written onto it."""
    if settings.current().service_accounts:
        pods.check_account(pod)
