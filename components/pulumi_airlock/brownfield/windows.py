"""Weekly windows of rules in the words of an access file: found again by how the proof says them."""

from collections.abc import Iterable, Sequence

from ..access import Window
from ..access.values import DAYS
from ..proof.filters import Filter
from ..proof.times import Times, Weekly
from ..proof.windows import times_text

_DAY = 24 * 60
_ALWAYS = "always"
_OR = " or "


class Windows:
    """What times that rules have are called, and how an access file writes them."""

    def __init__(self, filters: Iterable[Filter]) -> None:
        every = {rule.match.times for one in filters for rule in one.rules}
        windows = {window for times in every for part in times for window in part if isinstance(window, Weekly)}
        sets: list[Times] = [(frozenset({one}),) for one in windows]
        sets += [times for times in every if len(times) == 1 and all(isinstance(one, Weekly) for one in times[0])]
        self._known = {times_text(one): sorted(one[0], key=str) for one in sets}

    def of(self, text: str) -> tuple[Window | None, ...] | None:
        """The windows of which any holds; (None,) for always; None where an access file cannot say it."""
        if text == _ALWAYS:
            return (None,)
        found = self._known.get(text)
        if found is None:
            parts = [self._known.get(one) for one in text.split(_OR)]
            if not all(parts):
                return None
            found = [window for part in parts if part for window in part]
        return tuple(window for one in found if isinstance(one, Weekly) for window in weekly_windows(one))


def weekly_windows(one: Weekly) -> Sequence[Window]:
    """A weekly set of spans as windows: the days that begin and end alike are one. A span over Sunday's midnight is one again."""
    spans = list(one.spans)
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == 7 * _DAY:
        (_, end), (start, _) = spans.pop(0), spans.pop()
        spans.append((start, end + 7 * _DAY))
    found: dict[tuple[int, int], list[int]] = {}
    for start, end in (piece for span in spans for piece in _pieces(*span)):
        found.setdefault((start % _DAY, end - start), []).append(start // _DAY)
    return [_window(days, start, length, one.timezone) for (start, length), days in found.items()]


def _pieces(start: int, end: int) -> Iterable[tuple[int, int]]:
    """A span in pieces of at most a day: a window ends within a day of its beginning."""
    while end - start > _DAY:
        following = start - start % _DAY + _DAY
        yield start, following
        start = following
    yield start, end


def _window(days: list[int], start: int, length: int, timezone: str) -> Window:
    names = tuple(DAYS[day % 7] for day in sorted(days))
    if start == 0 and length == _DAY:
        return Window.model_validate({"days": names, "timezone": timezone})
    shown = names if len(names) < len(DAYS) else ()
    return Window.model_validate({"days": shown, "from": _clock(start), "to": _clock(start + length), "timezone": timezone})


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
