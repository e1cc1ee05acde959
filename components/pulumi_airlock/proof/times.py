"""When a rule or a route holds: weekly windows, one-time windows, and DAG runs.

A `Times` is a conjunction of alternatives: at an instant, at least one window of *every* set must hold. `ALWAYS` is the empty
conjunction; a set without windows never holds.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

WEEK_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Weekly:
    """A window that recurs every week on the wall clock of a time zone: `spans` in minutes since Monday 00:00, end exclusive.

    A window past midnight runs on into the next day (`22:00`–`02:00` on Friday ends on Saturday); one past Sunday's midnight is
    two spans.
    """

    spans: tuple[tuple[int, int], ...]
    timezone: str
    """An IANA name (`UTC`, `Europe/Zurich`)."""


@dataclass(frozen=True, slots=True)
class Once:
    """One span of time, end exclusive; None is open. Both ends are aware datetimes. An expiry is `Once(None, expires)`."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class DagRun:
    """While a run of a DAG is under way.

    Only a gate that sees the task can tell; to every other gate it is no restriction at all.
    """

    dag: str


Window: TypeAlias = Weekly | Once | DagRun
Times: TypeAlias = tuple[frozenset[Window], ...]

ALWAYS: Times = ()
NEVER: Times = (frozenset(),)
