"""Days and lengths as access files write them, and the day that policies judge by."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from .registry import Config, setting

TODAY = {"today": setting("The day to judge by (ISO 8601), for repeatable evidence; empty: today, in UTC.", "")}
"""The setting of a policy that judges by the day."""


def judged_on(config: Config) -> date:
    """The day to judge by."""
    return day_of(config["today"]) or datetime.now(UTC).date()


def day_of(text: Any) -> date | None:
    """A day; None where the text says none."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def length_of(text: Any) -> timedelta | None:
    """The length of `30d`; None where the text says none: the access file's own check reports that."""
    from pulumi_airlock.access.values import parse_duration  # not before a stack declares access: starting up counts

    try:
        return parse_duration(str(text))
    except ValueError:
        return None
