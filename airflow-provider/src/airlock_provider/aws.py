"""AWS clients: as the worker's own role, or as another that is assumed with the task's ids as session tags.

With tags, policies and CloudTrail tell tasks apart although the worker has one role (`aws:PrincipalTag/dag_id`). IAM User Guide,
"Pass session tags in AWS STS": at most 50, keys of 128 and values of 256 characters.
"""

from __future__ import annotations

import re
import time
from typing import Any

from . import forks, settings
from .audit import TaskRun

SHORTEST = 900
"""Seconds that an assumed role lasts at least (STS API Reference, AssumeRole)."""
_UNFIT = re.compile(r"[^\w\s.:/=+\-@]")
_lock = forks.lock()
_sessions: dict[tuple[str, ...], tuple[Any, float]] = {}


def tags(run: TaskRun) -> list[dict[str, str]]:
    """The task's ids as tags; characters that a tag cannot have become `_`."""
    found = {
        "environment": run.environment,
        "dag_id": run.dag_id,
        "task_id": run.task_id,
        "run_id": run.run_id,
        "try_number": str(run.try_number),
        "map_index": str(run.map_index),
        "ti_id": run.ti_id,
        "assurance": run.assurance,
        "correlation": run.correlation,
        "agent_id": run.agent_id,
    }
    return [{"Key": key, "Value": _UNFIT.sub("_", value)[:256]} for key, value in found.items() if value]


def worker(service: str, region: str = "") -> Any:
    """A client of a service as the worker's own role. Raises what botocore raises."""
    import boto3

    return boto3.session.Session().client(service, region_name=region or None)  # type: ignore[call-overload]


def client(service: str, run: TaskRun, region: str = "") -> Any:
    """A client of a service for a task: as the role that is assumed for it, else as the worker's own."""
    role = settings.current().aws_role
    if not role:
        return worker(service, region)
    key = (role, run.dag_id, run.task_id, run.run_id, str(run.try_number), str(run.map_index), run.agent_id)
    with _lock:
        session, ends = _sessions.get(key, (None, 0.0))
        if ends < time.time():
            session, ends = _assumed(role, run)
            _sessions[key] = (session, ends)
    return session.client(service, region_name=region or None)


def forget() -> None:
    """Forgets roles that were assumed."""
    with _lock:
        _sessions.clear()


def _assumed(role: str, run: TaskRun) -> tuple[Any, float]:
    import boto3

    said = boto3.client("sts").assume_role(
        RoleArn=role,
        RoleSessionName=re.sub(r"[^\w+=,.@-]", "_", f"{run.dag_id}.{run.task_id}", flags=re.ASCII)[:64],
        DurationSeconds=SHORTEST,
        Tags=tags(run),
    )["Credentials"]
    session = boto3.session.Session(
        aws_access_key_id=said["AccessKeyId"],
        aws_secret_access_key=said["SecretAccessKey"],
        aws_session_token=said["SessionToken"],
    )
    return session, said["Expiration"].timestamp() - 120
