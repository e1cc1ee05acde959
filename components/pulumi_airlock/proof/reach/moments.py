"""When something holds: the exact minutes of the horizon, and the shortest way to say them with the windows that are written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

import numpy as np

from ..atoms.instants import Bools, from_minute, to_minute
from ..atoms.space import Space, TimeCut
from ..sets import Intervals
from ..times import ALWAYS, DagRun, Times
from ..windows import moment_text, times_text

_MOST = 80
"""Windows that are combined in pairs to say when something holds; of more, only single ones and unions are tried."""

_SHOWN = 2
"""Spans that are listed where no window says it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Minutes at which something holds while some DAGs run and others do not."""

    running: frozenset[str]
    idle: frozenset[str]
    minutes: Intervals
    """Minutes since 1970, in UTC, within the proof's horizon."""


@dataclass(frozen=True, slots=True)
class When:
    """When something holds: under any of the conditions."""

    text: str
    """In words: `Mon–Fri 22:00–04:00 Europe/Zurich`, `always`, `while DAG ledger_close runs`."""
    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return self.text

    def holds(self, moment: datetime, running: frozenset[str] = frozenset()) -> bool:
        """Whether it holds at an instant within the horizon, while runs of these DAGs are under way."""
        minute = to_minute(moment)
        return any(one.running <= running and not one.idle & running and minute in one.minutes for one in self.conditions)

    @property
    def next(self) -> tuple[datetime, datetime] | None:
        """The first span of time in which it holds; its end is exclusive."""
        spans = [one.minutes.spans[0] for one in self.conditions if one.minutes]
        if not spans:
            return None
        first, last = min(spans)
        return from_minute(first), from_minute(last + 1)


Key = tuple[tuple[frozenset[str], frozenset[str], bytes], ...]
"""(DAGs that run, DAGs that do not, classes of instants) of each condition: the same key, the same times."""


class Moments:
    """Puts classes of time, as single groups of the sweep have them, in one form for all groups, and in words."""

    def __init__(self, space: Space, windows: Iterable[Times], within: Bools) -> None:
        """`windows` are those to say it with; `within` are the classes of instants that count."""
        self._space, self._within = space, within
        self._cuts: dict[int, tuple[TimeCut, list[Bools]]] = {}
        self._keys: dict[tuple[int, bytes, str | None], Key] = {}
        self._whens: dict[Key, When] = {}
        self._candidates = self._masks(windows)

    def key(self, cut: TimeCut, held: Bools, dag: str | None) -> Key:
        """Classes of a cut in the one form. `dag`: the caller's own DAG, which runs whenever the caller does."""
        known = (id(cut), held.tobytes(), dag)
        if known not in self._keys:
            self._keys[known] = self._key(cut, held, dag)
        return self._keys[known]

    def when(self, key: Key) -> When:
        """The same, in words."""
        if key not in self._whens:
            clock = self._space.clock
            found = [(running, idle, np.frombuffer(mask, dtype=bool)) for running, idle, mask in key]
            text = "; ".join(self._condition_text(*one) for one in found) or "never"
            conditions = (Condition(running, idle, clock.spans(mask)) for running, idle, mask in found)
            self._whens[key] = When(text, tuple(conditions))
        return self._whens[key]

    # --- one form

    def _key(self, cut: TimeCut, held: Bools, dag: str | None) -> Key:
        by_running: dict[frozenset[str], Bools] = {}
        for number, ((_, running), mask) in enumerate(zip(cut.starts, self._classes(cut), strict=True)):
            if dag is None or dag not in cut.runs or dag in running:
                found = by_running.setdefault(running - {dag} if dag else running, np.zeros(len(self._within), dtype=bool))
                if held[number]:
                    found |= mask
        runs = [run for run in cut.runs if run != dag]
        for run in list(runs):
            if all(np.array_equal(by_running.get(one ^ {run}, mask), mask) for one, mask in by_running.items()):
                by_running = {one - {run}: mask for one, mask in by_running.items()}
                runs.remove(run)
        every = frozenset(runs)
        return tuple(
            (running, every - running, mask.tobytes())
            for running, mask in sorted(by_running.items(), key=lambda item: (-len(item[0]), sorted(item[0])))
            if mask.any()
        )

    def _classes(self, cut: TimeCut) -> list[Bools]:
        """For each class of a cut, the instants in it."""
        found = self._cuts.get(id(cut))
        if found is None:
            masks = []
            for place, (_, running) in enumerate(cut.starts):
                alike = [self._space.time.where(number, running) == row[place] for number, row in cut.rows.items()]
                masks.append(np.logical_and.reduce([self._within, *alike]))
            found = self._cuts[id(cut)] = (cut, masks)
        return found[1]

    # --- in words

    def _masks(self, windows: Iterable[Times]) -> list[tuple[str, Bools]]:
        """What there is to say it with: whole conjunctions, their sets, and single windows, the shortest text of each mask."""
        listed = [one for times in windows for one in (times, *((part,) for part in times), *_single(times))]
        found: dict[bytes, tuple[str, Bools]] = {}
        for times in dict.fromkeys(listed):
            if times == ALWAYS or any(isinstance(one, DagRun) for part in times for one in part):
                continue
            mask = self._space.clock.holds(times) & self._within
            text = times_text(times)
            known = found.get(mask.tobytes())
            if mask.any() and (known is None or (len(text), text) < (len(known[0]), known[0])):
                found[mask.tobytes()] = (text, mask)
        return sorted(found.values(), key=lambda item: (len(item[0]), item[0]))

    def _condition_text(self, running: frozenset[str], idle: frozenset[str], mask: Bools) -> str:
        dags = [f"while DAG {one} runs" for one in sorted(running)] + [f"while DAG {one} does not run" for one in sorted(idle)]
        text = self._text(mask)
        return ", ".join([*dags, *([] if dags and text == "always" else [text])])

    def _text(self, mask: Bools) -> str:
        if (mask == self._within).all():
            return "always"
        by_mask = {one.tobytes(): text for text, one in self._candidates}
        if mask.tobytes() in by_mask:
            return by_mask[mask.tobytes()]
        rest = self._within & ~mask
        if rest.tobytes() in by_mask:
            return f"always but {by_mask[rest.tobytes()]}"
        return self._combined(mask) or self._listed(mask)

    def _combined(self, mask: Bools) -> str:
        """Two windows together, or one without another; else several that make it up."""
        few = self._candidates[:_MOST]
        ways: Sequence[tuple[str, Callable[[Bools, Bools], Bools]]] = (
            ("{} and also {}", np.logical_and),
            ("{}, but not {}", lambda one, other: one & ~other),
        )
        for text, way in ways:
            for (first, one), (second, other) in product(few, repeat=2):
                if (way(one, other) == mask).all():
                    return text.format(first, second)
        parts, covered = [], np.zeros(len(mask), dtype=bool)
        inside = [(text, one) for text, one in self._candidates if not (one & ~mask).any()]
        for text, one in sorted(inside, key=lambda item: -int(item[1].sum())):
            if (one & ~covered).any():
                parts.append(text)
                covered |= one
        return " or ".join(parts) if (covered == mask).all() else ""

    def _listed(self, mask: Bools) -> str:
        spans = self._space.clock.spans(mask).spans
        shown = [f"{moment_text(from_minute(first))} – {moment_text(from_minute(last + 1))}" for first, last in spans[:_SHOWN]]
        more = f" and {len(spans) - _SHOWN} more times" if len(spans) > _SHOWN else ""
        return ", ".join(shown) + more


def _single(times: Times) -> Iterable[Times]:
    return ((frozenset({window}),) for part in times if len(part) > 1 for window in part)
