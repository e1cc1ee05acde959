"""Sessions as bars on a clock: where they lie, in units of a drawing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..timeline import Denied, Reached, Shown

WIDTH, LABEL, ROW, TOP = 1200, 330, 24, 26
MOST = 60
"""Lanes that are drawn; the table has all of them."""
MOST_BARS = 2000
"""Bars of a lane that are drawn."""
_STEPS = [timedelta(seconds=one) for one in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400)]
_LABELS = 10
_Place = Callable[[datetime], float]


@dataclass(frozen=True)
class Bar:
    """A session, or what kept one out (a mark without a length)."""

    x: float
    width: float
    title: str
    denied: bool = False


@dataclass(frozen=True)
class Lane:
    """One task at one destination."""

    y: int
    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Lanes:
    """The drawing."""

    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    height: int
    lanes_left_out: int
    bars_left_out: int
    width: int = WIDTH


def lanes(shown: Shown, reached: Sequence[Reached], denied: Sequence[Denied]) -> Lanes | None:
    """The drawing of what answers a question; None where there is nothing to draw."""
    rows: dict[tuple[str, str, str], tuple[str, list[Reached], list[Denied]]] = {}
    for row in reached:
        rows.setdefault((row.label, row.who.agent_id, row.destination), (f"{row.label} → {row.destination}", [], []))[1].append(
            row
        )
    for one in denied:
        label = f"{one.label} → {one.destination}" if one.destination else one.label
        rows.setdefault((one.label, one.run.who.agent_id, one.destination), (label, [], []))[2].append(one)
    if not rows:
        return None
    first, last = _span(shown, reached, denied)
    length = max((last - first).total_seconds(), 1e-3)
    room = WIDTH - LABEL - 10

    def x(at: datetime) -> float:
        return round(LABEL + room * min(max((at - first).total_seconds() / length, 0.0), 1.0), 1)

    drawn, left_out = list[Lane](), 0
    for number, (label, came, kept_out) in enumerate(list(rows.values())[:MOST]):
        bars = [_bar(shown, one.opened or first, one.closed or last, x) for row in came for one in row.sessions]
        marks = [entry for one in kept_out for entry in one.entries]
        bars += [Bar(x(entry.time), 0, f"{shown.moment(entry.time)} {entry.kind}", True) for entry in marks]
        left_out += max(0, len(bars) - MOST_BARS)
        drawn.append(Lane(TOP + number * ROW, label if len(label) <= 44 else f"{label[:43]}…", tuple(bars[:MOST_BARS])))
    return Lanes(tuple(drawn), _ticks(shown, first, last, x), TOP + len(drawn) * ROW + 6, max(0, len(rows) - MOST), left_out)


def _bar(shown: Shown, opened: datetime, closed: datetime, x: _Place) -> Bar:
    return Bar(x(opened), max(3.0, round(x(closed) - x(opened), 1)), f"{shown.moment(opened)} – {shown.moment(closed)}")


def _span(shown: Shown, reached: Sequence[Reached], denied: Sequence[Denied]) -> tuple[datetime, datetime]:
    """The time of the drawing: what is asked for, as far as there is something in it."""
    times = [entry.time for one in denied for entry in one.entries]
    for row in reached:
        for one in row.sessions:
            times += [at for at in (one.opened, one.closed) if at is not None]
    first, last = min(times), max(times)
    if shown.question.start is not None:
        first = max(first, shown.question.start)
    if shown.question.end is not None:
        last = min(last, shown.question.end)
    spare = max((last - first) / 50, timedelta(milliseconds=20))
    return first - spare, max(last, first) + spare


def _ticks(shown: Shown, first: datetime, last: datetime, x: _Place) -> tuple[tuple[float, str], ...]:
    length = last - first
    step = next((one for one in _STEPS if length / one <= _LABELS), timedelta(days=max(1, length.days // _LABELS + 1)))
    local = first.astimezone(shown.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * (int((local - midnight) / step) + 1)
    form = "%d %b" if step >= timedelta(days=1) else "%H:%M" if step >= timedelta(minutes=1) else "%H:%M:%S"
    found: list[tuple[float, str]] = []
    while at < last and len(found) < 40:
        found.append((x(at), f"{at.astimezone(shown.zone):{form}}"))
        at += step
    return tuple(found)
