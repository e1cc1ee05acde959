"""Windows as CEL expressions, and read back: Envoy takes the parsed form alone (`google.api.expr.v1alpha1.Expr`).

An expression that cannot be evaluated (an unknown time zone) holds for nobody: Envoy's RBAC then finds that its policy does not
match, and only allowing policies have conditions that matter.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from ...proof.sets import Intervals
from ...proof.times import WEEK_MINUTES, Once, Times, Weekly, Window

Expr = dict[str, Any]
_DAY = 1440


def holds(times: Times) -> Expr:
    """Whether it is one of these times when a tunnel is asked for."""
    return reduce(_and, (reduce(_or, map(_window, clause)) for clause in times))


def closed(several: Iterable[Times]) -> Expr:
    """Whether it is none of several times."""
    return _call("!_", reduce(_or, map(holds, several)))


def _and(one: Expr, other: Expr) -> Expr:
    return _call("_&&_", one, other)


def _or(one: Expr, other: Expr) -> Expr:
    return _call("_||_", one, other)


def _window(window: Window) -> Expr:
    if isinstance(window, Weekly):
        spans = from_sunday(window.spans)
        return reduce(_or, (_span(first, last, window.timezone) for first, last in spans))
    if isinstance(window, Once):
        ends = []
        if window.start is not None:
            ends.append(_call("_>=_", _TIME, _instant(window.start)))
        if window.end is not None:
            ends.append(_call("_<_", _TIME, _instant(window.end)))
        return reduce(_and, ends)
    raise TypeError(f"{window!r} is no window of a clock")


def from_sunday(spans: Sequence[tuple[int, int]], by: int = _DAY) -> tuple[tuple[int, int], ...]:
    """Minutes since Monday 00:00 as minutes since Sunday 00:00, where CEL's week begins (`by=-1440`: back)."""
    cut = Intervals.of(
        (start, end - 1) for first, last in spans for start, end in _wrapped((first + by) % WEEK_MINUTES, last - first)
    )
    return tuple((first, last + 1) for first, last in cut.spans)


def _wrapped(start: int, length: int) -> Iterator[tuple[int, int]]:
    yield start, min(start + length, WEEK_MINUTES)
    if start + length > WEEK_MINUTES:
        yield 0, start + length - WEEK_MINUTES


def _span(first: int, last: int, timezone: str) -> Expr:
    return _and(
        _call("_>=_", _minute(timezone), _number(first)),
        _call("_<_", _minute(timezone), _number(last)),
    )


def _minute(timezone: str) -> Expr:
    """Minutes since Sunday's midnight on the clock of a zone."""
    day, hour, minute = (
        {"call_expr": {"target": _TIME, "function": name, "args": [_text(timezone)]}}
        for name in ("getDayOfWeek", "getHours", "getMinutes")
    )
    hours = _call("_+_", _call("_*_", day, _number(1440)), _call("_*_", hour, _number(60)))
    return _call("_+_", hours, minute)


def _call(function: str, *args: Expr) -> Expr:
    return {"call_expr": {"function": function, "args": list(args)}}


def _number(value: int) -> Expr:
    return {"const_expr": {"int64_value": str(value)}}


def _text(value: str) -> Expr:
    return {"const_expr": {"string_value": value}}


def _instant(moment: datetime) -> Expr:
    return _call("timestamp", _text(moment.isoformat()))


_TIME: Expr = {"select_expr": {"operand": {"ident_expr": {"name": "request"}}, "field": "time"}}
