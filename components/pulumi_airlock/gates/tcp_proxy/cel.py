"""Windows as CEL expressions, and read back: Envoy takes the parsed form alone (`google.api.expr.v1alpha1.Expr`).

An expression that cannot be evaluated (an unknown time zone) holds for nobody: Envoy's RBAC then finds that its policy does not
match, and only allowing policies have conditions that matter.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from ...proof.sets import Intervals
from ...proof.times import Once, Times, Weekly, Window

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
        return reduce(_or, (_piece(days, *minutes, window.timezone) for minutes, days in _pieces(window.spans).items()))
    if isinstance(window, Once):
        ends = []
        if window.start is not None:
            ends.append(_call("_>=_", _TIME, _instant(window.start)))
        if window.end is not None:
            ends.append(_call("_<_", _TIME, _instant(window.end)))
        return reduce(_and, ends)
    raise TypeError(f"{window!r} is no window of a clock")


def _pieces(spans: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[int]]:
    """(First minute of the day, last one, exclusive) → the days of which that is a part, Monday 0: days alike are said once."""
    found: dict[tuple[int, int], list[int]] = {}
    for first, last in spans:
        while first < last:
            day = first // _DAY
            end = min(last, (day + 1) * _DAY)
            found.setdefault((first - day * _DAY, end - day * _DAY), []).append(day)
            first = end
    return found


def _piece(days: Sequence[int], first: int, last: int, timezone: str) -> Expr:
    # CEL's days begin with Sunday.
    listed = {"list_expr": {"elements": [_number((day + 1) % 7) for day in days]}}
    found = _call("@in", _of_clock("getDayOfWeek", timezone), listed)
    if first:
        found = _and(found, _call("_>=_", _minute(timezone), _number(first)))
    return found if last == _DAY else _and(found, _call("_<_", _minute(timezone), _number(last)))


def _minute(timezone: str) -> Expr:
    """Minutes since midnight on the clock of a zone."""
    hours = _call("_*_", _of_clock("getHours", timezone), _number(60))
    return _call("_+_", hours, _of_clock("getMinutes", timezone))


def _of_clock(function: str, timezone: str) -> Expr:
    return {"call_expr": {"target": _TIME, "function": function, "args": [_text(timezone)]}}


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

    Understood are comparisons of the time of the request with an instant, and of its day and its minute of the day (as `holds`
    writes them) with numbers, joined with `&&`, `||` and `!`.
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
        case "@in":
            return (frozenset({_on_days(args, said)}),)
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
    before = min(max(number + (function in ("_<=_", "_>_")), 0), _DAY)
    minutes = (0, before) if (function in ("_<_", "_<=_")) is said else (before, _DAY)
    days = [(day * _DAY + minutes[0], day * _DAY + minutes[1]) for day in range(7)]
    return _weekly(_minutes(days), timezone)


def _on_days(args: Sequence[Any], said: bool) -> Window:
    left, right = args
    timezone = left["call_expr"]["args"][0]["const_expr"]["string_value"]
    if left != _of_clock("getDayOfWeek", timezone):
        raise _UnclearError
    listed = {(int(one["const_expr"]["int64_value"]) - 1) % 7 for one in right["list_expr"]["elements"]}
    days = listed if said else set(range(7)) - listed
    return _weekly(_minutes((day * _DAY, (day + 1) * _DAY) for day in days), timezone)
