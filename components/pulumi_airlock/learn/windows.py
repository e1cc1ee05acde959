"""The window in which something was seen: the shortest part of the day that holds all of it, with a margin."""

from collections.abc import Sequence

import numpy as np

from ..access import Window
from .evidence import Evidence

MARGIN = 60
"""Minutes before the first and after the last time of day at which something was seen."""
LEAST_DAYS = 10
"""Days on which something has to be seen before a window is proposed: fewer may be all at the same hour by chance."""
LONGEST = 20 * 60
"""Minutes of a window that is worth one."""
_WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
_STEP = 30
_DAY = 1440
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
