"""When a route holds: weekly windows on a wall clock, or the runs of a DAG."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from . import values
from .base import Model
from .errors import MisplacedError
from .fields import Component, Time, Timezone


class Window(Model):
    """When a route holds: every week on these days between two times of a time zone, or while a DAG runs.

    `to` at or before `from` ends on the next day; without both, whole days; without days, every day. Exactly one of `dagrun` and
    the weekly fields.
    """

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    """The days on which the window starts; every day without it."""
    from_: Time | None = Field(default=None, alias="from")
    """When it starts on these days."""
    to: Time | None = None
    """When it ends; at or before `from`: on the next day."""
    timezone: Timezone = "UTC"
    """The IANA time zone of the wall clock."""
    dagrun: Component | None = None
    """The DAG during whose runs the route holds."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        found = []
        weekly = [key for key, value in (("days", self.days), ("from", self.from_), ("to", self.to)) if value]
        if self.dagrun is not None:
            found += [(key, "a window is weekly or follows a DAG's runs (dagrun), not both") for key in weekly]
            if "timezone" in self.model_fields_set and self.timezone != "UTC":
                found.append(("timezone", "a window that follows a DAG's runs has no time zone: leave it out"))
        elif not weekly:
            found.append(("", "write days, from and to, or dagrun; leave window out for a route that always holds"))
        elif (self.from_ is None) != (self.to is None):
            given, missing = ("from", "to") if self.to is None else ("to", "from")
            found.append((given, f"{given} without {missing}: write both, or leave both out for whole days"))
        if found:
            raise MisplacedError(*found)
        return self

    def spans(self) -> tuple[tuple[int, int], ...]:
        """The weekly window in minutes since Monday 00:00, end exclusive, in order and merged; empty for `dagrun`.

        What runs on past Sunday's midnight goes on at 0.
        """
        if self.dagrun is not None:
            return ()
        start = values.parse_time(self.from_) if self.from_ else 0
        end = values.parse_time(self.to) if self.to else 0
        length = (end - start) % 1440 or 1440
        week = 7 * 1440
        cut: list[tuple[int, int]] = []
        for day in self.days or values.DAYS:
            first = values.DAYS.index(day) * 1440 + start
            cut.append((first, min(first + length, week)))
            if first + length > week:
                cut.append((0, first + length - week))
        return _merged(cut)

    def length(self) -> timedelta | None:
        """The shortest time that the window stays open; None for `dagrun`, whose length nobody knows beforehand.

        Windows that meet are one, also over Sunday's midnight.
        """
        spans = list(self.spans())
        if not spans:
            return None
        week = 7 * 1440
        if len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == week:
            (_, end), (start, _) = spans.pop(0), spans.pop()
            spans.append((start, end + week))
        return timedelta(minutes=min(end - start for start, end in spans))


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)
