"""Which task asks: by what Airflow itself says of the process, never by environment variables, which may be another task's.

- Airflow's current context: while a task executes, and while its templates are rendered (`{{ conn.x }}`), on 2.11 and all of 3;
- else the task whose gate was passed last in this process: callbacks (`on_failure_callback`) have no current context;
- else, since 3.2, structlog's context variables, set when a process starts a task: its DAG file is read, or rendering failed.

A task's own code runs in the same process and could say otherwise. That is why the identity is called asserted, unless something
outside of the process vouches for it (`attested`).
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .audit import TaskRun
from .correlation import task_correlation
from .decide import Limits
from .manifest import Manifest

_IDS = ("dag_id", "task_id", "run_id", "try_number", "map_index", "ti_id")
Key = tuple[str, str, str, int, int]
"""DAG, task, run, try, map index."""


class UnknownTaskError(Exception):
    """Nothing says which task asks; the message tells what to do."""


@dataclass(frozen=True)
class Asker:
    """The task that asks, as far as it costs nothing to know."""

    key: Key
    ti_id: str
    context: Mapping[str, Any] | None
    """Airflow's context; None where structlog alone says which task it is."""


_agent: contextvars.ContextVar[str] = contextvars.ContextVar("airlock_agent", default="")


@contextlib.contextmanager
def agent(name: str) -> Iterator[None]:
    """Connections that are asked for inside go by the name of an AI agent (claim `agent_id`): the rules are the task's own."""
    token = _agent.set(name)
    try:
        yield
    finally:
        _agent.reset(token)


def asker() -> Asker:
    """The task that asks, in microseconds. UnknownTaskError where it cannot be known."""
    context = _current_context()
    if context is not None:
        return _of(context)
    if _began is not None:
        return _began
    bound = _bound()
    if bound is not None:
        key = (bound["dag_id"], bound["task_id"], bound["run_id"], int(bound["try_number"]), int(bound["map_index"]))
        return Asker(key, str(bound["ti_id"]), None)
    raise UnknownTaskError(
        "no task is running here: connections are asked for in tasks, not where a DAG file is read, in a trigger or in a server"
    )


def begin(context: Mapping[str, Any]) -> Asker:
    """The task of Airflow's context, which begins in this process."""
    global _began  # a process runs one task at a time
    _began = _of(context)
    return _began


_began: Asker | None = None


def _of(context: Mapping[str, Any]) -> Asker:
    ti = context["ti"]
    key = (ti.dag_id, ti.task_id, ti.run_id, int(ti.try_number), int(-1 if ti.map_index is None else ti.map_index))
    return Asker(key, str(getattr(ti, "id", "") or ""), context)


def task_run(asker: Asker, manifest: Manifest) -> TaskRun:
    """The task run of who asks; may ask Airflow once more for its DAG run."""
    dag_id, task_id, run_id, try_number, map_index = asker.key
    dag_run = _dag_run(asker)
    logical = getattr(dag_run, "logical_date", None) or getattr(dag_run, "run_after", None)
    principals = manifest.principals_of(dag_id, task_id)
    return TaskRun(
        environment=manifest.environment,
        dag_id=dag_id,
        task_id=task_id,
        run_id=run_id,
        try_number=try_number,
        map_index=map_index,
        ti_id=asker.ti_id,
        correlation=task_correlation(dag_id, task_id, try_number, logical, map_index) if logical is not None else "",
        assurance=manifest.identity.assurance,
        agent_id=agent_of(asker),
        principal=principals[0].name if principals else "",
    )


def agent_of(asker: Asker) -> str:
    """The AI agent on whose behalf the task asks: of `agent`, else of its parameter `agent_id`."""
    named = _agent.get()
    params = asker.context.get("params") if not named and asker.context is not None else None
    found = params.get("agent_id") if isinstance(params, Mapping) else None
    return named or (found if isinstance(found, str) else "")


def forget() -> None:
    """Forgets which task began: a forked process is another task's."""
    global _began
    _began = None


_seen: dict[Key, datetime] = {}
_timeouts: dict[tuple[str, str], tuple[Any, Any]] = {}


def remember(task: Any) -> None:
    """Keeps the timeouts of a task whose DAG is read in this process: without a context nothing else says them."""
    dag = getattr(task, "dag", None)
    _timeouts[task.dag_id, task.task_id] = getattr(dag, "dagrun_timeout", None), getattr(task, "execution_timeout", None)


def limits(asker: Asker, now: datetime) -> Limits:
    """When Airflow ends the task. The execution timeout counts from when the task was first seen: a deferred one starts anew."""
    started = getattr(_dag_run(asker), "start_date", None)
    timeout, longest = _timeouts.get(asker.key[:2], (None, None))
    if asker.context is not None:
        timeout = getattr(asker.context.get("dag"), "dagrun_timeout", timeout)
        longest = getattr(asker.context.get("task"), "execution_timeout", longest)
    ends = started.astimezone(UTC) + timeout if started is not None and isinstance(timeout, timedelta) else None
    execution = _seen.setdefault(asker.key, now) + longest if isinstance(longest, timedelta) else None
    return Limits(dagrun=ends, execution=execution)


def running(dag_id: str) -> bool | None:
    """Whether a run of a DAG is under way; None where Airflow does not say."""
    with contextlib.suppress(Exception):
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        return bool(RuntimeTaskInstance.get_dr_count(dag_id=dag_id, states=["running"]) > 0)
    with contextlib.suppress(Exception):
        from airflow.models.dagrun import DagRun

        return bool(DagRun.find(dag_id=dag_id, state="running"))
    return None


_dag_runs: dict[Key, Any] = {}


def _dag_run(asker: Asker) -> Any:
    if asker.context is not None and asker.context.get("dag_run") is not None:
        return asker.context["dag_run"]
    if asker.key not in _dag_runs:
        _dag_runs[asker.key] = None
        with contextlib.suppress(Exception):  # Airflow before 3.2 has no such question
            from airflow.sdk.execution_time.comms import GetDagRun
            from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

            found = SUPERVISOR_COMMS.send(GetDagRun(dag_id=asker.key[0], run_id=asker.key[2]))
            _dag_runs[asker.key] = found if hasattr(found, "start_date") else None
    return _dag_runs[asker.key]


def _current_context() -> Mapping[str, Any] | None:
    global _get_current_context  # found once: an import that fails costs a search each time
    if _get_current_context is None:
        _get_current_context = _airflows_own()
    try:
        found: Mapping[str, Any] = _get_current_context()
    except Exception:  # RuntimeError in Airflow 3, AirflowException in Airflow 2: no task executes
        return None
    return found if found.get("ti") is not None else None


_get_current_context: Any = None


def _airflows_own() -> Any:
    with contextlib.suppress(ImportError):
        from airflow.sdk import get_current_context

        return get_current_context
    with contextlib.suppress(ImportError):
        from airflow.operators.python import get_current_context

        return get_current_context
    return dict  # no Airflow, no context


def _bound() -> Mapping[str, Any] | None:
    try:
        from structlog.contextvars import get_contextvars
    except ImportError:
        return None
    found: Mapping[str, Any] = get_contextvars()
    return found if all(name in found for name in _IDS) else None
