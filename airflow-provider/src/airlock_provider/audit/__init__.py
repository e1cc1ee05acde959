"""Audit events of what tasks reach, in OCSF, to sinks of your choice. Standard library alone, but for CloudWatch's `boto3`.

    from airlock_provider import audit

    audit.emit(audit.task_started(run))
    audit.emit(audit.access_refused(run, destination, refusal))

`emit` never raises and never waits for a sink: each has a bounded queue and a thread of its own. What does not fit is counted,
and the count is told in the log and, as an event, to the sink itself. `flush` waits, for a bounded time: a task's process ends
without running exit handlers.
"""

from .model import (
    CREDENTIAL,
    PERMISSION,
    ROUTING,
    TOKEN,
    TRUST,
    Destination,
    Refusal,
    Session,
    TaskRun,
)
from .ocsf import (
    OCSF_VERSION,
    Event,
    access_refused,
    credential_issued,
    credential_refused,
    events_lost,
    plain,
    session_closed,
    session_opened,
    session_refused,
    task_ended,
    task_started,
    token_failed,
    token_issued,
)
from .pipeline import configure, emit, flush, lost

__all__ = [
    "CREDENTIAL",
    "OCSF_VERSION",
    "PERMISSION",
    "ROUTING",
    "TOKEN",
    "TRUST",
    "Destination",
    "Event",
    "Refusal",
    "Session",
    "TaskRun",
    "access_refused",
    "configure",
    "credential_issued",
    "credential_refused",
    "emit",
    "events_lost",
    "flush",
    "lost",
    "plain",
    "session_closed",
    "session_opened",
    "session_refused",
    "task_ended",
    "task_started",
    "token_failed",
    "token_issued",
]
