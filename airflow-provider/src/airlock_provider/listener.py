"""What Airflow tells when a task starts and ends: the first and the last events of its trail, and the end of its connections.

The hooks take fewer arguments than Airflow 2.11 and 3 offer (a session, an error), so that one listener serves both. A listener
is a guest: whatever goes wrong in here is logged, and the task does not feel it.

A task that is deferred, or rescheduled, ends its process without one of these hooks; on Airflow 3 `before_stopping` sees it, and
closes what it has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from airflow import listeners

from . import audit, broker, context, manifest, settings
from .audit import TaskRun
from .forwarder import close_all

log = logging.getLogger("airflow.task.airlock")

F = TypeVar("F", bound=Callable[..., Any])
hookimpl: Callable[[F], F] = listeners.hookimpl
FLUSHED_WITHIN = 5.0
"""Seconds that the end of a task waits for its events to be written: its process ends without running exit handlers."""


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    """A try begins. Airflow 2.11 says so after templates and the trust gate: the event has the time when Airflow started it."""
    started = getattr(task_instance, "start_date", None)
    at = started.timestamp() if started is not None else None
    _guarded(lambda: _emit(task_instance, lambda run: audit.task_started(run, at)))


@hookimpl
def on_task_instance_success(previous_state: Any, task_instance: Any) -> None:
    """A try ends well."""
    _ended(task_instance, success=True)


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any) -> None:
    """A try ends badly; Airflow may try again."""
    _ended(task_instance, success=False)


@hookimpl
def on_task_instance_skipped(previous_state: Any, task_instance: Any) -> None:
    """A task skips itself (Airflow 3.1 and later tell)."""
    _ended(task_instance, success=True)


@hookimpl
def before_stopping(component: Any) -> None:
    """The process ends, whatever became of the task."""
    _guarded(_closed)
    _guarded(_flush)


def _ended(task_instance: Any, *, success: bool) -> None:
    """Sessions are closed first, so that the trail has them before the task's own end."""
    _guarded(_closed)
    found = getattr(task_instance, "state", None)
    state = str(getattr(found, "value", found) or ("success" if success else "failed"))
    _guarded(lambda: _emit(task_instance, lambda run: audit.task_ended(run, success=success, state=state)))
    _guarded(_flush)


def _closed() -> None:
    broker.end()
    close_all()


_patience = [FLUSHED_WITHIN]
"""How long the next flush may wait: a sink that takes nothing holds up the end of a task once, and not at every hook."""


def _flush() -> None:
    _patience[0] = FLUSHED_WITHIN if audit.flush(_patience[0]) else 0.1


def _emit(task_instance: Any, event: Callable[[TaskRun], audit.Event]) -> None:
    run = run_of(task_instance)
    if run is not None:
        audit.emit(event(run))


def run_of(task_instance: Any) -> TaskRun | None:
    """The task run of Airflow's task instance; None where no manifest says what environment this is."""
    options = settings.current()
    try:
        known = manifest.load(options.manifest, options.digest)
    except manifest.ManifestError:
        return None  # told wherever a connection is asked for
    mapped = getattr(task_instance, "map_index", -1)
    key = (
        str(task_instance.dag_id),
        str(task_instance.task_id),
        str(task_instance.run_id),
        int(task_instance.try_number),
        int(-1 if mapped is None else mapped),
    )
    asker = context.Asker(key, str(getattr(task_instance, "id", "") or ""), _context(task_instance))
    return context.task_run(asker, known)


def _context(task_instance: Any) -> Mapping[str, Any]:
    """Airflow 3's own context, which is at hand; of Airflow 2, where it is made of many queries, what is needed of it."""
    found = getattr(task_instance, "dag_run", None)
    if found is not None:
        return {"ti": task_instance, "dag_run": found, "params": getattr(task_instance.task, "params", None)}
    made: Mapping[str, Any] = task_instance.get_template_context()
    return made


def _guarded(step: Callable[[], object]) -> None:
    try:
        step()
    except Exception as error:
        log.warning("the audit trail of this task is not whole: %s", audit.plain(repr(error)))
