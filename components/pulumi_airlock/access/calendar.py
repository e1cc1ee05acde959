"""When two windows of an access file hold at the same time, and whether one holds whenever the other does."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from .model import Route
from .values import parse_timezone
from .window import Window

Span = tuple[int, int]
_MONDAY = datetime(2026, 1, 5)
_WEEKS = 54
"""Windows of different time zones are compared over more than a year, so that each change of the clocks is seen.

Which year does not matter, as long as time zones keep their rules.
"""


def holds_at(route: Route, instant: datetime) -> bool:
    """Whether a route holds at an instant. A window that follows a DAG's runs may hold at any."""
    if route.expired(instant.astimezone(UTC).date()):
        return False
    window = route.window
    if window is None or window.dagrun is not None:
        return True
    local = instant.astimezone(parse_timezone(window.timezone))
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    return any(first <= minute < last for first, last in window.spans())


def overlap(one: Window | None, other: Window | None) -> bool:
    """Whether both windows hold at some time. Those of different DAGs' runs are not said to: nobody knows."""
    if one is None or other is None:
        return True
    if one.dagrun is not None or other.dagrun is not None:
        return one.dagrun == other.dagrun or one.dagrun is None or other.dagrun is None
    a, b = _comparable(one, other)
    return any(first < end and start < last for first, last in a for start, end in b)


def within(inner: Window | None, outer: Window | None) -> bool:
    """Whether `outer` holds whenever `inner` does."""
    if outer is None:
        return True
    if inner is None:
        return outer.dagrun is None and outer.spans() == ((0, 7 * 1440),)
    if inner.dagrun is not None or outer.dagrun is not None:
        return inner.dagrun == outer.dagrun
    a, b = _comparable(inner, outer)
    return all(any(first <= start and end <= last for first, last in b) for start, end in a)


def _comparable(one: Window, other: Window) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Spans on one clock: the weekly ones in one time zone, else those of the year to come in UTC."""
    if one.timezone == other.timezone:
        return one.spans(), other.spans()
    return _year(one), _year(other)


def _year(window: Window) -> tuple[Span, ...]:
    zone = parse_timezone(window.timezone)
    epoch = _MONDAY.replace(tzinfo=UTC)

    def minute(offset: timedelta) -> int:
        return int(((_MONDAY + offset).replace(tzinfo=zone) - epoch).total_seconds() // 60)

    spans = (
        (minute(timedelta(weeks=week, minutes=first)), minute(timedelta(weeks=week, minutes=last)))
        for week in range(_WEEKS)
        for first, last in window.spans()
    )
    return _joined(spans)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)
