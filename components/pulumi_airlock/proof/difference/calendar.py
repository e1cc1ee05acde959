"""Windows in words: `Mon–Fri 22:00–04:00 Europe/Zurich`, `until 2027-06-30 00:00 UTC`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from ..atoms.instants import Bools, Clock, from_minute
from ..times import WEEK_MINUTES

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = 24 * 60
_MOST_SPANS = 2000
"""Spans of a horizon that are looked at: more than one a day is rare, and five a day are not told as a week any more."""
_SHOWN = 3
_ODD = 3
"""Weeks in which a span may be missing or cut: the first, the last, and the changes of the clock."""


def weekly_text(spans: Iterable[tuple[int, int]], timezone: str) -> str:
    """A weekly window, given in minutes since Monday 00:00, end exclusive."""
    found = sorted(spans)
    if len(found) > 1 and found[0][0] == 0 and found[-1][1] == WEEK_MINUTES:
        (_, end), (start, _) = found.pop(0), found.pop()
        found.append((start, WEEK_MINUTES + end))
    if found == [(0, WEEK_MINUTES)]:
        return "every day"
    hours: dict[tuple[int, int], list[int]] = {}
    for start, end in found:
        if start % _DAY == 0 and end % _DAY == 0:
            hours.setdefault((0, _DAY), []).extend(day % 7 for day in range(start // _DAY, end // _DAY))
        else:
            hours.setdefault((start % _DAY, end - start), []).append(start // _DAY)
    return f"{', '.join(_on_days(days, start, length) for (start, length), days in hours.items()) or 'never'} {timezone}"


def _on_days(days: Sequence[int], start: int, length: int) -> str:
    if length > _DAY:
        return ", ".join(
            f"{DAYS[day]} {_clock(start)} – {DAYS[(day + (start + length) // _DAY) % 7]} {_clock(start + length)}" for day in days
        )
    shown = _days(sorted(set(days)))
    return shown if (start, length) == (0, _DAY) else f"{shown} {_clock(start)}–{_clock(start + length)}"


def _days(days: Sequence[int]) -> str:
    if len(days) == 7:
        return "daily"
    runs = [[day for _, day in found] for _, found in groupby(enumerate(days), key=lambda item: item[1] - item[0])]
    return ", ".join(f"{DAYS[run[0]]}–{DAYS[run[-1]]}" if len(run) > 2 else ", ".join(DAYS[day] for day in run) for run in runs)


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def mask_text(clock: Clock, mask: Bools, timezones: Sequence[str]) -> str:
    """A set of instants (classes of the clock) in words; empty for the whole horizon.

    `timezones` are those of the windows that matter, the likeliest first; the one in which the set is simplest is taken.
    """
    if bool(mask[clock.inside].all()):
        return ""
    within = _part_text(clock, mask & clock.inside, timezones)
    without = _part_text(clock, ~mask & clock.inside, timezones)
    if not without or without.startswith(("until", "from")):
        return within
    outside = f"outside of {without}"
    # "outside of Mon–Fri 09:00–17:00" rather than all that is left of the week.
    mostly = sum(last - first for first, last in _spans(clock, mask & clock.inside)) * 2 > clock.last - clock.first
    return outside if len(outside) < len(within) + (len("outside of ") if mostly else 0) else within


def _part_text(clock: Clock, mask: Bools, timezones: Sequence[str]) -> str:
    spans = _spans(clock, mask)
    if not spans:
        return "never"
    begin, end = spans[0][0], spans[-1][1]
    since = begin > clock.first + WEEK_MINUTES
    until = end < clock.last - WEEK_MINUTES
    if len(spans) == 1:
        since, until = begin > clock.first, end < clock.last
    edges = [f"from {_moment(begin)}" if since else "", f"until {_moment(end)}" if until else ""]
    weekly = [text for zone in dict.fromkeys((*timezones, "UTC")) if (text := _weekly(spans, zone))] if len(spans) > 1 else []
    if weekly:
        return " ".join(filter(None, [min(weekly, key=len), *edges]))
    if len(spans) == 1:
        return " ".join(filter(None, edges))
    shown = "; ".join(f"{_moment(first)} to {_moment(last)}" for first, last in spans[:_SHOWN])
    return shown + (f"; and {len(spans) - _SHOWN} more" if len(spans) > _SHOWN else "")


def _moment(minute: int) -> str:
    return f"{from_minute(minute):%Y-%m-%d %H:%M} UTC"


def _spans(clock: Clock, mask: Bools) -> list[tuple[int, int]]:
    """The spans of a set of classes over the horizon, in minutes since 1970."""
    found: list[tuple[int, int]] = []
    here = from_minute(clock.first) - timedelta(minutes=1)
    beyond = ~mask | ~clock.inside
    while len(found) < _MOST_SPANS:
        begin = clock.first_after(mask, here)
        if begin is None:
            return found
        end = clock.first_after(beyond, from_minute(begin))
        found.append((begin, clock.last if end is None else min(end, clock.last)))
        if end is None:
            return found
        # One minute before the end: a new span may begin right there.
        here = from_minute(end - 1)
    return found


def _weekly(spans: Sequence[tuple[int, int]], timezone: str) -> str:
    """The spans as a weekly window on the wall clock of a zone; empty where they are none."""
    zone = ZoneInfo(timezone)
    weeks = (spans[-1][1] - spans[0][0]) / WEEK_MINUTES
    if weeks < _ODD:
        return ""
    seen: Counter[tuple[int, int]] = Counter()
    for first, last in spans:
        local = from_minute(first).astimezone(zone)
        wall = from_minute(last).astimezone(zone).replace(tzinfo=None) - local.replace(tzinfo=None)
        start = local.weekday() * _DAY + local.hour * 60 + local.minute
        seen[start, start + int(wall.total_seconds() // 60)] += 1
    regular = [span for span, count in seen.items() if count > weeks - _ODD]
    odd = sum(count for span, count in seen.items() if span not in regular)
    if not regular or odd > _ODD * len(regular) or any(last - first > WEEK_MINUTES for first, last in regular):
        return ""
    return weekly_text(regular, timezone)
