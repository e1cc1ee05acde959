"""Windows and what was seen: the one that holds all of it, with a margin; and what lies outside of those that are declared."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..access import Route, Window
from ..access.values import parse_timezone
from .attributing import Ints
from .evidence import Evidence
from .seen import at

MARGIN = 60
"""Minutes before the first and after the last time of day at which something was seen."""
LEAST_DAYS = 10
"""Days on which something has to be seen before a window is proposed: fewer may be all at the same hour by chance."""
LONGEST = 20 * 60
"""Minutes of a window that is worth one."""
_WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
_STEP = 30
_DAY = 1440
_WEEK = 7 * _DAY
_QUARTER = 15
"""Minutes. Clocks are only changed at the begin of a quarter of an hour."""
_THURSDAY = 3
"""The first of January 1970, counted from Monday."""


def window_of(evidence: Sequence[Evidence]) -> Window | None:
    """The window of all of it, in UTC; None where it was seen too seldom, or at all times of the day."""
    minutes = np.unique(np.concatenate([one.minutes for one in evidence]))
    days = np.unique(minutes // _DAY)
    if len(days) < LEAST_DAYS:
        return None
    times = np.unique(minutes % _DAY)
    gaps = np.diff(np.concatenate((times, times[:1] + _DAY)))
    widest = int(gaps.argmax())  # the window is all but the longest time of day without anything
    begin = int(times[(widest + 1) % len(times)])
    start = (begin - MARGIN) // _STEP * _STEP
    end = -(-(begin + _DAY - int(gaps[widest]) + MARGIN) // _STEP) * _STEP
    if end - start > LONGEST:
        return None
    # By the day on which the window opens, which may be the one before.
    opened = np.unique((minutes - start % _DAY) // _DAY)
    workdays = bool((((opened + _THURSDAY) % 7) < len(_WORKDAYS)).all())
    given = {"from": _clock(start), "to": _clock(end), "timezone": "UTC"}
    return Window.model_validate({"days": _WORKDAYS, **given} if workdays else given)


def _clock(minute: int) -> str:
    return f"{minute % _DAY // 60:02}:{minute % 60:02}"


def declared_at(routes: Sequence[Route], minutes: Ints) -> NDArray[np.bool_]:
    """Which minutes since 1970 lie in some route's window. One that follows a DAG's runs may hold at any."""
    found = np.zeros(len(minutes), dtype=bool)
    quarters, places = np.unique(minutes // _QUARTER, return_inverse=True)
    for route in routes:
        window = route.window
        if window is None or window.dagrun is not None:
            return np.ones(len(minutes), dtype=bool)
        ahead = np.array([_ahead(window.timezone, int(one)) for one in quarters], dtype=np.int64)
        local = (minutes + ahead[places] + _THURSDAY * _DAY) % _WEEK
        for first, end in window.spans():
            found |= (first <= local) & (local < end)
    return found


@lru_cache(maxsize=65536)
def _ahead(timezone: str, quarter: int) -> int:
    """How many minutes a clock is ahead of UTC."""
    offset = at(quarter * _QUARTER).astimezone(parse_timezone(timezone)).utcoffset()
    return int(offset.total_seconds()) // 60 if offset is not None else 0
