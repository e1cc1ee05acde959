"""Windows in words: `Mon–Fri 22:00–04:00 Europe/Zurich, until 2027-06-30`."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from .times import ALWAYS, NEVER, WEEK_MINUTES, DagRun, Once, Times, Weekly, Window

_DAY = 24 * 60
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def times_text(times: Times) -> str:
    """A `Times`: its sets with commas, the windows of a set with "or"."""
    if times == ALWAYS:
        return "always"
    if times == NEVER or any(not one for one in times):
        return "never"
    return ", ".join(" or ".join(sorted(map(window_text, windows))) for windows in times)


def window_text(window: Window) -> str:
    """One window."""
    if isinstance(window, DagRun):
        return f"while DAG {window.dag} runs"
    if isinstance(window, Weekly):
        return weekly_text(window)
    return once_text(window)


def once_text(window: Once) -> str:
    """A span of time; one that ends at midnight is told by its last day."""
    if window.start is None and window.end is None:
        return "always"
    if window.start is None:
        assert window.end is not None  # noqa: S101  # for mypy: just looked at
        return f"until {last_moment(window.end)}"
    if window.end is None:
        return f"from {moment_text(window.start)}"
    return f"{moment_text(window.start)} – {moment_text(window.end)}"


def last_moment(end: datetime) -> str:
    """The end of something, exclusive: the day before where it is midnight, else the instant."""
    if (end.hour, end.minute, end.second) == (0, 0, 0):
        return f"{(end - timedelta(days=1)).date()}{_zone(end)}"
    return moment_text(end)


def moment_text(moment: datetime) -> str:
    """An instant on its own clock."""
    return f"{moment:%Y-%m-%d %H:%M}{_zone(moment)}"


def _zone(moment: datetime) -> str:
    name = str(moment.tzinfo)
    return " UTC" if name == "UTC" else f" {name}"


def weekly_text(window: Weekly) -> str:
    """A weekly window: the days on which it opens, grouped by their hours."""
    hours: dict[str, list[int]] = {}
    for first, last in _whole(window.spans):
        for day, begin, end in _by_day(first, last):
            hours.setdefault("" if (begin, end) == (0, _DAY) else f" {_clock(begin)}–{_clock(end)}", []).append(day)
    return "; ".join(f"{_days(days)}{text}" for text, days in hours.items()) + f" {window.timezone}" if hours else "never"


def _whole(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of a week, with the one over Sunday's midnight in one piece, at its beginning."""
    found = sorted(spans)
    if len(found) > 1 and found[0][0] == 0 and found[-1][1] == WEEK_MINUTES and found[0][1] < _DAY:
        (_, end), (start, _) = found.pop(0), found.pop()
        found.append((start, WEEK_MINUTES + end))
    return found


def _by_day(first: int, last: int) -> Iterable[tuple[int, int, int]]:
    """(day, begin, end) in minutes of that day; one that ends by the next noon belongs to the day on which it opens."""
    while first < last:
        day = first // _DAY
        midnight = (day + 1) * _DAY
        # Up to the next noon, and of at most 24 hours, it is a night; beyond, days of their own.
        is_night = first % _DAY and last - midnight <= _DAY // 2 and last - first <= _DAY
        end = last if last <= midnight or is_night else midnight
        yield day % 7, first % _DAY, end - day * _DAY
        first = end


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}" if minute != _DAY else "24:00"


def _days(days: list[int]) -> str:
    """`Mon–Fri`, `Mon, Wed`, `every day`."""
    listed = sorted(set(days))
    if len(listed) == len(_DAYS):
        return "every day"
    runs: list[list[int]] = []
    for day in listed:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        _DAYS[run[0]] if len(run) == 1 else f"{_DAYS[run[0]]}{'–' if len(run) > 2 else ', '}{_DAYS[run[-1]]}" for run in runs
    )
