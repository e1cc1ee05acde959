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


# Read back


def times_of(expr: Any) -> Times | None:
    """The times at which an expression holds; None where it says something else than that.

    Understood are comparisons of the time of the request with an instant, and of its minute of the week (as `holds` writes it)
    with a number, joined with `&&`, `||` and `!`.
    """
    try:
        return _times(expr, True)
    except (_UnclearError, KeyError, TypeError, ValueError, AttributeError):
        return None


class _UnclearError(Exception):
    """Not an expression on time."""


def _times(expr: Any, said: bool) -> Times:
    call = expr["call_expr"]
    function, args = call["function"], call["args"]
    match function:
        case "!_":
            return _times(args[0], not said)
        case "_&&_" | "_||_":
            found = [_times(one, said) for one in args]
            return _met(*found) if (function == "_&&_") is said else _one_of(*found)
        case "_<_" | "_<=_" | "_>_" | "_>=_":
            return (frozenset({_compared(function, args, said)}),)
    raise _UnclearError


def _met(one: Times, other: Times) -> Times:
    if len(one) == len(other) == 1:
        (a, *more), (b, *others) = one[0], other[0]
        if not more and not others and isinstance(a, Weekly) and isinstance(b, Weekly) and a.timezone == b.timezone:
            return (frozenset({_weekly(_minutes(a.spans) & _minutes(b.spans), a.timezone)}),)
    return tuple(dict.fromkeys((*one, *other)))


def _one_of(one: Times, other: Times) -> Times:
    return tuple(_united(a | b) for a in one for b in other)


def _united(windows: frozenset[Window]) -> frozenset[Window]:
    """Weekly windows of one time zone as one."""
    zones: dict[str, Intervals] = {}
    for one in windows:
        if isinstance(one, Weekly):
            zones[one.timezone] = zones.get(one.timezone, Intervals()) | _minutes(one.spans)
    others = [one for one in windows if not isinstance(one, Weekly)]
    return frozenset([*others, *(_weekly(found, zone) for zone, found in zones.items())])


def _minutes(spans: Iterable[tuple[int, int]]) -> Intervals:
    return Intervals.of((first, last - 1) for first, last in spans if last > first)


def _weekly(minutes: Intervals, timezone: str) -> Weekly:
    return Weekly(tuple((first, last + 1) for first, last in minutes.spans), timezone)


def _compared(function: str, args: Sequence[Any], said: bool) -> Window:
    left, right = args
    if left == _TIME:
        moment = datetime.fromisoformat(str(right["call_expr"]["args"][0]["const_expr"]["string_value"]).replace("Z", "+00:00"))
        if right["call_expr"]["function"] != "timestamp" or moment.tzinfo is None or function not in ("_<_", "_>=_"):
            raise _UnclearError
        return Once(None, moment) if (function == "_<_") is said else Once(moment, None)
    timezone = left["call_expr"]["args"][1]["call_expr"]["args"][0]["const_expr"]["string_value"]
    if left != _minute(timezone):
        raise _UnclearError
    number = int(right["const_expr"]["int64_value"])
    below = {"_<_": number, "_>=_": number, "_<=_": number + 1, "_>_": number + 1}[function]
    earlier = function in ("_<_", "_<=_")
    below = min(max(below, 0), WEEK_MINUTES)
    span = (0, below) if earlier is said else (below, WEEK_MINUTES)
    return Weekly(from_sunday([span], -_DAY) if span[0] < span[1] else (), timezone)
