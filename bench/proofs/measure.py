"""Runs every measurement, one after the other, each as a process of its own, and takes the fastest of some runs."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .questions import OURS, SERIES, Series

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Measured:
    """What a question took."""

    name: str
    size: int
    unit: str
    engine: str
    rules: int | None = None
    seconds: float | None = None
    """The fastest run; None: it did not end in time, or was not tried since a smaller one had not."""
    megabytes: float | None = None
    """Most memory of the whole process, input included."""
    input_megabytes: float | None = None
    """Of that, what the process had before the question was asked."""
    goal_seconds: float | None = None
    goal_megabytes: float | None = None
    tried: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal_seconds is None:
            return None
        fits = self.goal_megabytes is None or (self.megabytes is not None and self.megabytes < self.goal_megabytes)
        return self.seconds is not None and self.seconds < self.goal_seconds and fits


def measure_all(
    only: str | None, sizes: Sequence[int], runs: int, timeout: float, progress: Callable[[str], None]
) -> list[Measured]:
    """Everything, by question and size. `only` this series and `sizes`, if given."""
    found: list[Measured] = []
    for series in SERIES:
        if only is None or series.name == only:
            chosen = sizes or series.sizes
            for engine in series.engines:
                found += _grown(series, engine, chosen, runs, timeout, progress)
    order = [one.name for one in SERIES]
    return sorted(found, key=lambda one: (order.index(one.name), one.size))


def _grown(
    series: Series, engine: str, sizes: Sequence[int], runs: int, timeout: float, progress: Callable[[str], None]
) -> Iterator[Measured]:
    """One engine at growing sizes; where it did not end, larger ones are not tried."""
    late = False
    for size in sorted(sizes):
        goal = series.goals.get(size) if engine == OURS else None
        limits = (goal.seconds, goal.megabytes) if goal else (None, None)
        base = Measured(series.name, size, series.unit, engine, None, None, None, None, *limits)
        progress(f"{series.name}, {size:,} {series.unit}, {engine}")
        taken = [] if late else [*_taken(series.name, size, engine, runs if engine == OURS else 1, timeout)]
        yield replace(_fastest(base, taken), tried=not late)
        late = not taken


def _fastest(base: Measured, taken: Sequence[dict[str, Any]]) -> Measured:
    if not taken:
        return base
    best = min(taken, key=lambda one: float(one["seconds"]))
    return replace(base, **best)


def _taken(name: str, size: int, engine: str, runs: int, timeout: float) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "bench.proofs.once", name, str(size), engine]
    for _ in range(runs):
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=None if engine == OURS else timeout
            )
        except subprocess.TimeoutExpired:
            return
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\nexited with status {done.returncode}:\n{done.stdout}{done.stderr}")
        yield json.loads(done.stdout)


def growth(measured: Sequence[Measured], one: Measured) -> float | None:
    """The exponent with which time grew from the next smaller size: 1 is in proportion, 2 with the square."""
    same = [each for each in measured if (each.name, each.engine) == (one.name, one.engine) and each.size < one.size]
    before = max(same, key=lambda each: each.size, default=None)
    if before is None or not before.seconds or not one.seconds:
        return None
    return math.log(one.seconds / before.seconds) / math.log(one.size / before.size)


def ratio(measured: Sequence[Measured], one: Measured) -> float | None:
    """How often our time fits into an engine's."""
    ours = next((each for each in measured if (each.name, each.size, each.engine) == (one.name, one.size, OURS)), None)
    return one.seconds / ours.seconds if ours is not None and ours.seconds and one.seconds else None
