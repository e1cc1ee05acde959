"""What is asked of a trail: of which time, to where, by whom; and days as people say them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...errors import InputError, Problem
from .model import LONGEST, Entry, Run, Session, Trail

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_AGO = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Question:
    """A part of a trail. What is empty asks for all of it."""

    start: datetime | None = None
    end: datetime | None = None
    """Without this instant itself."""
    to: str = ""
    """A destination's name, a host, or `host:port`; globs."""
    run: str = ""
    """A correlation id, or the begin of it, or a glob on Airflow's run id."""
    who: str = ""
    """A glob on `dag.task`, DAG, principal or agent."""

    def near(self, entry: Entry) -> bool:
        """Whether an entry may have to do with the time that is asked for: cheap, and before anything is joined."""
        return (self.start is None or entry.time >= self.start - LONGEST) and (
            self.end is None or entry.time < self.end + LONGEST
        )

    def answered(self, trail: Trail) -> list[Run]:
        """The runs that have to do with it, each with the sessions that do alone."""
        return list(self._answers(trail))

    def _answers(self, trail: Trail) -> Iterator[Run]:
        for run in trail.runs:
            if not self._is_run(run) or not self._is_who(run):
                continue
            sessions = [one for one in run.sessions if self._leads_there(one) and one.overlaps(self.start, self.end)]
            entries = [one for one in run.entries if self._within(one) and (not self.to or self._names(one))]
            if self.to and (sessions or any(one.what.is_denial for one in entries)):
                entries += [one for one in run.entries if not one.destination]  # the task's own start, end and tokens
            if sessions or (entries and (not self.to or any(one.what.is_denial for one in entries))):
                yield Run(run.who, run.correlation, entries, sessions)

    def _is_run(self, run: Run) -> bool:
        return not self.run or run.correlation.startswith(self.run.lower()) or fnmatchcase(run.who.run_id, self.run)

    def _is_who(self, run: Run) -> bool:
        who = run.who
        names = (who.task, who.dag_id, who.principal, who.agent_id)
        return not self.who or any(name and fnmatchcase(name, self.who) for name in names)

    def _leads_there(self, session: Session) -> bool:
        return not self.to or _is_named(session.destination, session.target, self.to)

    def _names(self, entry: Entry) -> bool:
        return bool(entry.destination) and _is_named(entry.destination, entry.target, self.to)

    def _within(self, entry: Entry) -> bool:
        return (self.start is None or entry.time >= self.start) and (self.end is None or entry.time < self.end)


def _is_named(destination: str, target: str, wanted: str) -> bool:
    host = target.rpartition(":")[0].strip("[]")
    return any(name and fnmatchcase(name.lower(), wanted.lower()) for name in (destination, target, host))


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name. InputError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError([Problem("", "--timezone", f"{name!r} is no time zone: write one as in Europe/Zurich")]) from None


def day(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A day from its midnight to the next: `2026-11-24`, `today`, `yesterday`, or a weekday, which is the last one before today.

    InputError when it is none of these.
    """
    today, word = now.astimezone(zone).date(), text.strip().lower().removeprefix("last ")
    if word in ("today", "yesterday"):
        found = today - timedelta(days=word == "yesterday")
    elif matching := [number for number, name in enumerate(_DAYS) if len(word) >= 3 and name.startswith(word)]:
        found = today - timedelta(days=(today.weekday() - matching[0] - 1) % 7 + 1)
    else:
        try:
            found = date.fromisoformat(word)
        except ValueError:
            message = f"{text!r} is no day: write one as in tuesday, yesterday or 2026-11-24"
            raise InputError([Problem("", "--on", message)]) from None
    return _midnight(found, zone), _midnight(found + timedelta(days=1), zone)


def _midnight(when: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(when, time(), zone).astimezone(UTC)


def moment(text: str, option: str, now: datetime, zone: ZoneInfo) -> datetime:
    """An instant: ISO 8601, in the time zone unless it has an offset; or so long ago, as `90m`, `24h`, `7d`, `2w`."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no instant: write one as in 2026-11-23T23:30, or how long ago, as in 24h"
        raise InputError([Problem("", option, message)]) from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
