"""Whether a weekly window is open at an instant, and when it closes: on a wall clock whose hours are skipped and repeated.

The same rule as the proof's (`pulumi_airlock.access.calendar.holds_at`): an instant is in the window when its local time is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from .manifest import Window

_WEEK = 7 * 1440
_STEP = timedelta(hours=12)
"""Within it a time zone changes its offset at most once."""


def is_open(window: Window, instant: datetime) -> bool:
    """Whether a weekly window is open."""
    return _span(window, _minute(instant.astimezone(_zone(window.timezone)))) is not None


def closes(window: Window, instant: datetime) -> datetime | None:
    """When a weekly window that is open at an instant closes, in UTC; None: not within a week and a day, as one of all days."""
    zone, at = _zone(window.timezone), instant.astimezone(UTC)
    horizon = at + timedelta(days=8)
    while at < horizon:
        local = at.astimezone(zone)
        span = _span(window, _minute(local))
        if span is None:
            return at
        left = timedelta(minutes=span[1] - _minute(local), seconds=-local.second, microseconds=-local.microsecond)
        end = min(at + left, at + _STEP)
        at = _change(zone, at, end) or end
    return None


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The instant between two at which the clocks are changed; None: they are not."""
    before = start.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == before:
        return None
    low, high = start, end
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high


def _minute(local: datetime) -> int:
    return local.weekday() * 1440 + local.hour * 60 + local.minute


def _span(window: Window, minute: int) -> tuple[int, int] | None:
    return next(((first, last) for first, last in window.spans if first <= minute < last), None)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
