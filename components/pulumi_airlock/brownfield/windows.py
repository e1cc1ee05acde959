"""Weekly windows of rules in the words of an access file: found again by how the proof says them."""

from collections.abc import Iterable, Sequence

from ..access import Window
from ..access.values import DAYS
from ..proof.filters import Filter
from ..proof.sets import Intervals
from ..proof.times import WEEK_MINUTES, Times, Weekly
from ..proof.windows import times_text

Weeks = tuple[Weekly, ...]
"""Windows of which any holds. `ALWAYS` is one whole week; none is never."""

_DAY = 24 * 60
_OR = " or "
ALWAYS: Weeks = (Weekly(((0, WEEK_MINUTES),), "UTC"),)


class Texts:
    """What weekly times that rules have are called."""

    def __init__(self, filters: Iterable[Filter]) -> None:
        every = {rule.match.times for one in filters for rule in one.rules}
        windows = {window for times in every for part in times for window in part if isinstance(window, Weekly)}
        sets: list[Times] = [(frozenset({one}),) for one in windows]
        sets += [times for times in every if len(times) == 1 and all(isinstance(one, Weekly) for one in times[0])]
        self._known: dict[str, Weeks] = {
            times_text(one): tuple(sorted((each for each in one[0] if isinstance(each, Weekly)), key=str)) for one in sets
        }

    def weeks(self, text: str) -> Weeks | None:
        """The windows that a text says; None where it says something else."""
        if text == "always":
            return ALWAYS
        if text in self._known:
            return self._known[text]
        parts = [self._known.get(one, ()) for one in text.split(_OR)]
        return tuple(window for part in parts for window in part) if all(parts) else None


def both(one: Weeks, other: Weeks) -> Weeks:
    """When both hold; of windows on different clocks, never: weeks cannot say that."""
    if ALWAYS in (one, other):
        return other if one == ALWAYS else one
    zones = {each.timezone for each in (*one, *other)}
    if len(zones) > 1:
        return ()
    met = _spans(one) & _spans(other)
    spans = tuple((first, last + 1) for first, last in met.spans)
    return (Weekly(spans, zones.pop()),) if spans else ()


def _spans(weeks: Weeks) -> Intervals:
    return Intervals.of((first, last - 1) for one in weeks for first, last in one.spans)


def windows(weeks: Weeks) -> tuple[Window | None, ...]:
    """The same as an access file has it: (None,) for always."""
    if weeks == ALWAYS:
        return (None,)
    return tuple(window for one in weeks for window in _windows(one))


def _windows(one: Weekly) -> Sequence[Window]:
    """Spans that begin and end alike are one window; a span over Sunday's midnight is one again."""
    spans = list(one.spans)
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == WEEK_MINUTES:
        (_, end), (start, _) = spans.pop(0), spans.pop()
        spans.append((start, end + WEEK_MINUTES))
    found: dict[tuple[int, int], list[int]] = {}
    for start, end in (piece for span in spans for piece in _pieces(*span)):
        found.setdefault((start % _DAY, end - start), []).append(start // _DAY % len(DAYS))
    return [_window(days, start, length, one.timezone) for (start, length), days in found.items()]


def _pieces(start: int, end: int) -> Iterable[tuple[int, int]]:
    """A span in pieces of at most a day: a window ends within a day of its beginning."""
    while end - start > _DAY:
        following = start - start % _DAY + _DAY
        yield start, following
        start = following
    yield start, end


def _window(days: list[int], start: int, length: int, timezone: str) -> Window:
    names = tuple(DAYS[day] for day in sorted(days))
    if start == 0 and length == _DAY:
        return Window.model_validate({"days": names, "timezone": timezone})
    shown = names if len(names) < len(DAYS) else ()
    return Window.model_validate({"days": shown, "from": _clock(start), "to": _clock(start + length), "timezone": timezone})


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
