"""Time as a finite set of classes: every minute of a horizon falls in one, and no window tells the minutes of a class apart.

Exact with time zones and daylight saving: a weekly window holds at an instant exactly when the wall clock of its zone says so,
which covers hours that a change of the clock skips or repeats.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ..sets import Intervals
from ..times import WEEK_MINUTES, DagRun, Once, Times, Weekly, Window

HORIZON_DAYS = 400
"""How far ahead a proof looks: over a year, so that every daylight-saving change and every season of a calendar is met."""

MAX_RUNS = 10
"""DAG-run conditions that are told apart at one destination in every combination; beyond, each one alone and all but each."""

_WORD = 8
"""Bytes of a machine's number."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WEEKDAY_MINUTES = 3 * 24 * 60
"""1970-01-01 was a Thursday."""

Bools = NDArray[np.bool_]


def to_minute(moment: datetime) -> int:
    """Minutes since 1970 in UTC, rounded down. ValueError for a datetime without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return int((moment - _EPOCH).total_seconds() // 60)


def from_minute(minute: int) -> datetime:
    """The instant, in UTC."""
    return _EPOCH + timedelta(minutes=minute)


class Clock:
    """The classes of instants in a horizon under a set of windows."""

    def __init__(self, start: datetime, windows: Iterable[Window], marks: Iterable[datetime] = ()) -> None:
        """`marks` are instants with a class of their own (those that expectations ask for), within the horizon or not."""
        asked = [to_minute(mark) for mark in marks]
        self.first = to_minute(start)
        self.last = self.first + HORIZON_DAYS * 24 * 60
        low, high = min([self.first, *asked]), max([self.last, *(one + 1 for one in asked)])
        self._windows = [one for one in dict.fromkeys(windows) if not isinstance(one, DagRun)]
        spans = [sorted(_spans(window, low, high)) for window in self._windows]
        edges = {low, self.first, self.last, high, *asked, *(one + 1 for one in asked)}
        edges.update(edge for found in spans for span in found for edge in span)
        cells = np.array(sorted(edge for edge in edges if low <= edge < high), dtype=np.int64)
        table = np.zeros((len(spans) + 1 + len(asked), len(cells)), dtype=bool)
        for row, found in zip(table, spans, strict=False):
            for begin, end in found:
                row[np.searchsorted(cells, begin) : np.searchsorted(cells, end)] = True
        table[len(spans)] = (cells >= self.first) & (cells < self.last)
        for row, mark in zip(table[len(spans) + 1 :], asked, strict=True):
            row[np.searchsorted(cells, mark)] = True
        first, inverse = unique_columns(table)
        self.starts = cells[first]
        """The first minute of each class."""
        self.inside = table[len(spans), first]
        """Which classes lie within the horizon; the others are there for marks alone."""
        self._cells, self._class = cells, inverse
        self._table = {window: table[number, first] for number, window in enumerate(self._windows)}
        self._marks = {mark: int(inverse[np.searchsorted(cells, mark)]) for mark in asked}

    def __len__(self) -> int:
        return len(self.starts)

    def knows(self, windows: Iterable[Window], marks: Iterable[datetime]) -> bool:
        """Whether these windows and instants are among those that it was cut by."""
        return all(isinstance(one, DagRun) or one in self._table for one in windows) and all(
            to_minute(mark) in self._marks for mark in marks
        )

    def class_of(self, mark: datetime) -> int:
        """The class of an instant that was given as a mark."""
        return self._marks[to_minute(mark)]

    def first_after(self, classes: Bools, mark: datetime) -> int | None:
        """The first minute after an instant that is in one of these classes."""
        later = np.flatnonzero(classes[self._class] & (self._cells > to_minute(mark)))
        return int(self._cells[later[0]]) if len(later) else None

    def spans(self, classes: Bools) -> Intervals:
        """The minutes since 1970 that are in these classes."""
        ends = [*self._cells[1:].tolist(), max(self.last, int(self._cells[-1]) + 1)]
        held = classes[self._class].tolist()
        return Intervals.of((first, end - 1) for first, end, mine in zip(self._cells.tolist(), ends, held, strict=True) if mine)

    def holds(self, times: Times, running: frozenset[str] = frozenset()) -> Bools:
        """In which classes a `Times` holds, while runs of the given DAGs are under way."""
        result = np.ones(len(self), dtype=bool)
        for alternatives in times:
            if not any(isinstance(one, DagRun) and one.dag in running for one in alternatives):
                rows = [self._table[one] for one in alternatives if not isinstance(one, DagRun)]
                result &= np.logical_or.reduce(rows) if rows else False
        return result


def assignments(dags: Sequence[str]) -> list[frozenset[str]]:
    """Which DAGs may run at the same time: every combination; past `MAX_RUNS`, those that single conditions can tell."""
    if len(dags) <= MAX_RUNS:
        return [
            frozenset(dag for dag, on in zip(dags, bits, strict=True) if on) for bits in product((True, False), repeat=len(dags))
        ]
    every = frozenset(dags)
    return [every, frozenset(), *(frozenset({dag}) for dag in dags), *(every - {dag} for dag in dags)]


def unique_columns(table: NDArray[np.bool_] | NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first index of each distinct column of a table, in order of appearance, and for every column which one it is."""
    width = table.shape[1]
    if not table.shape[0]:
        return np.zeros(min(width, 1), dtype=np.intp), np.zeros(width, dtype=np.intp)
    packed = np.packbits(table, axis=0) if table.dtype == np.bool_ else table
    kind: np.dtype[Any] = np.dtype((np.void, packed.shape[0]))
    if packed.shape[0] <= _WORD:  # a number is sorted several times as fast as a string of bytes
        packed = np.concatenate([packed, np.zeros((_WORD - packed.shape[0], width), dtype=packed.dtype)])
        kind = np.dtype(np.uint64)
    keys = np.ascontiguousarray(packed.T).view(kind).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.ravel()]


def runs_of(times: Times) -> frozenset[str]:
    """The DAGs whose runs a `Times` depends on."""
    return frozenset(one.dag for alternatives in times for one in alternatives if isinstance(one, DagRun))


def _spans(window: Window, low: int, high: int) -> Iterator[tuple[int, int]]:
    """The minutes [begin, end) of low…high in which a window holds."""
    if isinstance(window, Once):
        begin = low if window.start is None else max(low, to_minute(window.start))
        end = high if window.end is None else min(high, to_minute(window.end))
        if begin < end:
            yield begin, end
    elif isinstance(window, Weekly):
        for start, stop, offset in _offsets(window.timezone, low, high):
            yield from _weekly(window, start, stop, offset)


def _weekly(window: Weekly, start: int, stop: int, offset: int) -> Iterator[tuple[int, int]]:
    """A weekly window within [start, stop), where the zone's clock is `offset` minutes ahead of UTC throughout."""
    # From the week before: a span may run on past Sunday's midnight.
    monday = start + offset - (start + offset + _EPOCH_WEEKDAY_MINUTES) % WEEK_MINUTES - WEEK_MINUTES
    while monday < stop + offset:
        for first, last in window.spans:
            begin, end = max(start, monday + first - offset), min(stop, monday + last - offset)
            if begin < end:
                yield begin, end
        monday += WEEK_MINUTES


@lru_cache(maxsize=256)
def _offsets(timezone: str, low: int, high: int) -> tuple[tuple[int, int, int], ...]:
    """[begin, end) of low…high with the zone's offset from UTC in minutes, constant within each."""
    zone = ZoneInfo(timezone)

    def offset(minute: int) -> int:
        return int((from_minute(minute).astimezone(zone).utcoffset() or timedelta()).total_seconds() // 60)

    found, begin, here = [], low, offset(low)
    step = 24 * 60
    for day in range(low, high, step):
        until = min(day + step, high)
        while offset(until - 1) != here:
            left, right = max(day, begin), until - 1
            while right - left > 1:
                middle = (left + right) // 2
                left, right = (middle, right) if offset(middle) == here else (left, middle)
            found.append((begin, right, here))
            begin, here = right, offset(right)
    found.append((begin, high, here))
    return tuple(found)
