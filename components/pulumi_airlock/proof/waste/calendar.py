"""Time as atoms: spans between the dates that rules mention, times the weekly windows that hold, times the DAG runs under way.

There is no horizon: what begins after the last date goes on for ever.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import numpy as np

from ..atoms.instants import Clock, assignments, from_minute, runs_of, to_minute
from ..times import DagRun, Once, Times, Weekly, Window


class Moment(NamedTuple):
    """One class of instants."""

    span: int
    """Which span between dates, in order."""
    windows: frozenset[Weekly]
    """The weekly windows that hold."""
    running: frozenset[str]
    """The DAGs that run, of those that windows ask for."""


class Calendar:
    """All classes of instants from `at` on that some windows tell apart."""

    def __init__(self, times: Iterable[Times], at: datetime) -> None:
        listed = list(dict.fromkeys(times))
        windows = list(dict.fromkeys(one for conditions in listed for found in conditions for one in found))
        self.weekly = sorted((one for one in windows if isinstance(one, Weekly)), key=lambda one: (one.timezone, one.spans))
        self.runs = sorted(frozenset[str]().union(*map(runs_of, listed)))
        self._dates = [one for one in windows if isinstance(one, Once)]
        first = to_minute(at)
        edges = {to_minute(edge) for one in self._dates for edge in (one.start, one.end) if edge is not None}
        self.starts = [first, *sorted(edge for edge in edges if edge > first)]
        running = assignments(self.runs)
        self.moments = [
            Moment(span, held, each) for span in range(len(self.starts)) for held in self._patterns(span) for each in running
        ]
        self.full = (1 << len(self.moments)) - 1
        self._masks: dict[Window, int] = {one: self._mask(one) for one in windows}

    def _patterns(self, span: int) -> Iterator[frozenset[Weekly]]:
        """The sets of weekly windows that hold together, sometime in a span."""
        if not self.weekly:
            yield frozenset()
            return
        end = from_minute(self.starts[span + 1]) if span + 1 < len(self.starts) else None
        limit: Times = (frozenset({Once(None, end)}),) if end is not None else ()
        clock = Clock(from_minute(self.starts[span]), [*self.weekly, *(one for found in limit for one in found)])
        here = clock.inside & clock.holds(limit)
        table = np.array([clock.holds((frozenset({one}),)) for one in self.weekly])[:, here]
        for column in np.unique(table, axis=1).T:
            yield frozenset(one for one, holds in zip(self.weekly, column, strict=True) if holds)

    def _mask(self, window: Window) -> int:
        found = 0
        for number, one in enumerate(self.moments):
            if isinstance(window, DagRun):
                holds = window.dag in one.running
            elif isinstance(window, Weekly):
                holds = window in one.windows
            else:
                start = self.starts[one.span]
                holds = (window.start is None or to_minute(window.start) <= start) and (
                    window.end is None or start < to_minute(window.end)
                )
            found |= holds << number
        return found

    def bits(self, times: Times) -> int:
        """The moments at which a `Times` holds."""
        found = self.full
        for alternatives in times:
            held = 0
            for one in alternatives:
                held |= self._masks[one]
            found &= held
        return found

    def idle(self, dag: str) -> int:
        """The moments at which a DAG does not run."""
        return sum(1 << number for number, one in enumerate(self.moments) if dag in self.runs and dag not in one.running)
