"""An environment's five log streams, with their log groups made before it: MWAA would make them without retention or key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from ...errors import Problems
from .checks import one_of
from .limits import LOG_LEVELS, RETENTION_DAYS

STREAMS: Final[Mapping[str, str]] = {
    "dag_processing": "DAGProcessing",
    "scheduler": "Scheduler",
    "task": "Task",
    "webserver": "WebServer",
    "worker": "Worker",
}
"""Stream → how its log group's name ends, `airflow-<environment>-<stream>` (MWAA User Guide, "Viewing Airflow logs")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MwaaLogs:
    """The least level that each stream keeps, and for how long. All five are on: an auditor asks for those that are off."""

    dag_processing: str = "INFO"
    scheduler: str = "INFO"
    task: str = "INFO"
    webserver: str = "INFO"
    worker: str = "INFO"
    retention_days: int = 365


def check_logs(logs: MwaaLogs, problems: Problems) -> None:
    """Notes levels and retentions that AWS does not have."""
    for stream in STREAMS:
        one_of(f"logs.{stream}", getattr(logs, stream), LOG_LEVELS, problems)
    if logs.retention_days not in RETENTION_DAYS:
        nearest = min(RETENTION_DAYS, key=lambda days: (abs(days - logs.retention_days), -days))
        problems.add(
            "logs.retention_days", f"{logs.retention_days}: CloudWatch keeps logs {nearest} days, or another of {RETENTION_DAYS}"
        )


def make_log_groups(
    name: str,
    environment_name: str,
    logs: MwaaLogs,
    key_arn: pulumi.Output[str],
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> tuple[Any, ...]:
    """One encrypted group for each stream, in their order (`aws.cloudwatch.LogGroup`)."""
    return tuple(
        aws.cloudwatch.LogGroup(
            f"{name}-{stream.replace('_', '-')}-logs",
            name=f"airflow-{environment_name}-{suffix}",
            retention_in_days=logs.retention_days,
            kms_key_id=key_arn,
            tags=tags,
            opts=opts,
        )
        for stream, suffix in STREAMS.items()
    )


def logging_configuration(logs: MwaaLogs) -> dict[str, Any]:
    """The environment's own part: every stream on, at its level."""
    return {f"{stream}_logs": {"enabled": True, "log_level": getattr(logs, stream)} for stream in STREAMS}
