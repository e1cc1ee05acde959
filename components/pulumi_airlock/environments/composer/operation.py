"""How an environment is kept: maintenance, snapshots, retention of task logs and of Airflow's database."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import pulumi_gcp as gcp

from ...errors import Problems
from .checks import one_of
from .limits import METADATA_DAYS, SLOT_HOURS, TASK_LOGS, WINDOW_HOURS

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MONDAY: Final = date(2026, 1, 5)
"""Windows are told by a first one; the week does not matter, and a fixed one never changes by itself."""

_START = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LOCATION = re.compile(r"gs://(?P<bucket>[a-z0-9][a-z0-9._-]{1,61}[a-z0-9])(/[^?#]*)?")
_FIELD = r"(\*|\d+(-\d+)?)(/\d+)?(,(\*|\d+(-\d+)?)(/\d+)?)*"
_CRON = re.compile(rf"{_FIELD}( {_FIELD}){{4}}")
_ZONE = re.compile(r"UTC([+-](0?\d|1[0-2]))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """When Google may restart parts of the environment, weekly, in UTC: together at least 12 hours. Default: gcloud's."""

    days: tuple[str, ...] = ("FR", "SA", "SU")
    start: str = "00:00"
    hours: float = 4
    """Length of each window, from 4 to 24."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Copies of DAGs, configuration and database on a schedule, to load into another environment after a loss."""

    location: str
    """Folder of a bucket, best in another region: `gs://bank-airflow-snapshots/finance`. The environment's account is granted the
    bucket's objects."""
    schedule: str
    """In cron's form: `0 4 * * *`."""
    time_zone: str = "UTC"
    """An offset: UTC, UTC-01, UTC+03."""

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        found = _LOCATION.fullmatch(self.location)
        return found["bucket"] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how long what runs have left behind is kept."""

    metadata_days: int | None = None
    """Runs in Airflow's database, in days (Composer 3, 30 to 730); None: 60, Google's own default."""
    task_logs: str | None = None
    """Where task logs go (Composer 2): `CLOUD_LOGGING_ONLY`, or `CLOUD_LOGGING_AND_CLOUD_STORAGE`, the default."""


DEFAULT_METADATA_DAYS: Final = 60
"""What Google sets for new environments of Composer 3 ("Configure database retention policy")."""


def check_maintenance(window: Maintenance, problems: Problems) -> None:
    """Notes a window that Google refuses."""
    for position, day in enumerate(window.days):
        one_of(f"maintenance.days[{position}]", day, DAYS, problems)
    if len(set(window.days)) != len(window.days):
        problems.add("maintenance.days", f"{', '.join(window.days)}: name each day once")
    if not _START.fullmatch(window.start):
        problems.add("maintenance.start", f"{window.start!r}: write HH:MM in UTC, 03:30")
    if not SLOT_HOURS <= window.hours <= 24:
        problems.add("maintenance.hours", f"{window.hours:g}: each window is {SLOT_HOURS} to 24 hours long")
    elif len(set(window.days)) * window.hours < WINDOW_HOURS:
        total = len(set(window.days)) * window.hours
        fix = f"Google needs {WINDOW_HOURS} hours a week; add days or hours"
        problems.add("maintenance", f"{total:g} hours a week ({', '.join(window.days)}): {fix}")


def maintenance_config(window: Maintenance) -> Any:
    """The block of the provider: a first window, and how it recurs."""
    days = [day for day in DAYS if day in window.days]
    first = datetime.combine(_MONDAY + timedelta(days=DAYS.index(days[0])), time.fromisoformat(window.start))
    every_day = len(days) == len(DAYS)
    return gcp.composer.EnvironmentConfigMaintenanceWindowArgs(
        start_time=f"{first.isoformat()}Z",
        end_time=f"{(first + timedelta(hours=window.hours)).isoformat()}Z",
        recurrence="FREQ=DAILY" if every_day else f"FREQ=WEEKLY;BYDAY={','.join(days)}",
    )


def check_snapshots(snapshots: Snapshots, problems: Problems) -> None:
    """Notes snapshots that Google refuses."""
    if not _LOCATION.fullmatch(snapshots.location):
        problems.add(
            "snapshots.location", f"{snapshots.location!r}: write a bucket's folder, gs://bank-airflow-snapshots/finance"
        )
    if not _CRON.fullmatch(snapshots.schedule):
        problems.add("snapshots.schedule", f"{snapshots.schedule!r}: write the five fields of cron, 0 4 * * *")
    if not _ZONE.fullmatch(snapshots.time_zone):
        problems.add("snapshots.time_zone", f"{snapshots.time_zone!r}: write an offset from UTC-12 to UTC+12, UTC+01")


def snapshots_config(snapshots: Snapshots) -> Any:
    """The block of the provider."""
    return gcp.composer.EnvironmentConfigRecoveryConfigArgs(
        scheduled_snapshots_config=gcp.composer.EnvironmentConfigRecoveryConfigScheduledSnapshotsConfigArgs(
            enabled=True,
            snapshot_location=snapshots.location,
            snapshot_creation_schedule=snapshots.schedule,
            time_zone=snapshots.time_zone,
        )
    )


def check_retention(retention: Retention, problems: Problems) -> None:
    """Notes a retention that Google refuses."""
    days, (least, most) = retention.metadata_days, METADATA_DAYS
    if days is not None and not least <= days <= most:
        problems.add("retention.metadata_days", f"{days}: Google keeps runs for {least} to {most} days")
    if retention.task_logs is not None:
        one_of("retention.task_logs", retention.task_logs, TASK_LOGS, problems)


def retention_config(retention: Retention, generation: int) -> Any:
    """The block of the provider, always said: a default that Google changes would change what an audit finds."""
    block = gcp.composer.EnvironmentConfigDataRetentionConfigArgs
    if generation == 2:
        mode = retention.task_logs or "CLOUD_LOGGING_AND_CLOUD_STORAGE"
        logs = gcp.composer.EnvironmentConfigDataRetentionConfigTaskLogsRetentionConfigArgs(storage_mode=mode)
        return block(task_logs_retention_configs=[logs])
    days = retention.metadata_days or DEFAULT_METADATA_DAYS
    kept = gcp.composer.EnvironmentConfigDataRetentionConfigAirflowMetadataRetentionConfigArgs(
        retention_mode="RETENTION_MODE_ENABLED", retention_days=days
    )
    return block(airflow_metadata_retention_configs=[kept])
