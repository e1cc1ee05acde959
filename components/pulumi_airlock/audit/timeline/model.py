"""What the trail of tasks is made of: entries, each of one line of a log; sessions; task runs; and all of it together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class What(StrEnum):
    """What an entry tells."""

    STARTED = "task started"
    ENDED = "task ended"
    TOKEN = "token"  # noqa: S105
    NO_TOKEN = "no token"  # noqa: S105
    CREDENTIAL = "credential"
    NO_CREDENTIAL = "no credential"
    OPENED = "reached"
    CLOSED = "left"
    REFUSED = "refused"
    FAILED = "failed"
    PASSED = "let through"
    DROPPED = "dropped"
    LOST = "events lost"

    @property
    def is_denial(self) -> bool:
        """Whether somebody was kept out."""
        return self in (What.REFUSED, What.FAILED, What.NO_TOKEN, What.NO_CREDENTIAL, What.DROPPED)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a log."""

    file: str
    number: int
    """From 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@dataclass(frozen=True, slots=True)
class Who:
    """A task run, as far as a line tells."""

    environment: str = ""
    dag_id: str = ""
    task_id: str = ""
    run_id: str = ""
    try_number: int = 0
    map_index: int = -1
    principal: str = ""
    assurance: str = ""
    agent_id: str = ""

    @property
    def task(self) -> str:
        """`dag.task`; empty where it is not known."""
        return f"{self.dag_id}.{self.task_id}" if self.dag_id else ""

    @property
    def key(self) -> tuple[str, str, str, str, int, int]:
        """What tells one try from another."""
        return self.environment, self.dag_id, self.task_id, self.run_id, self.try_number, self.map_index

    def completed(self, other: "Who") -> "Who":
        """With what another line of the same run knows more."""
        return Who(
            self.environment or other.environment,
            self.dag_id or other.dag_id,
            self.task_id or other.task_id,
            self.run_id or other.run_id,
            self.try_number or other.try_number,
            other.map_index if self.map_index < 0 else self.map_index,
            self.principal or other.principal,
            self.assurance or other.assurance,
            self.agent_id or other.agent_id,
        )


@dataclass(slots=True)
class Entry:
    """What one line tells."""

    time: datetime
    what: What
    by: str
    """Who tells it: `provider`, or the name of a gate."""
    place: Place
    who: Who = Who()
    correlation: str = ""
    session: str = ""
    """The name that forwarder and proxy give to a session."""
    stream: str = ""
    """The proxy's own name for it."""
    destination: str = ""
    target: str = ""
    client: str = ""
    """`address:port` of the caller, as the proxy or the forwarder sees it."""
    upstream: str = ""
    upstream_local: str = ""
    """Both ends of the proxy's connection to the destination."""
    gate: str = ""
    rule: str = ""
    kind: str = ""
    """`permission`, `routing`, `token`, `trust` or `credential`, of a denial."""
    text: str = ""
    bytes_in: int = 0
    """Of the task: what came from the destination."""
    bytes_out: int = 0
    ends: datetime | None = None
    """When a session, a token or a credential ends at the latest."""
    joined: str = ""
    """How a line of a device came to its session: `addresses`, or `time`, which is a guess."""


@dataclass(slots=True)
class Session:
    """One connection of a task run to a destination, or the attempt at one, as all logs together tell it."""

    destination: str
    target: str
    entries: list[Entry] = field(default_factory=list)

    @property
    def opened(self) -> datetime | None:
        """When it was let through; None: it was not."""
        return min((one.time for one in self.entries if one.what is What.OPENED), default=None)

    @property
    def closed(self) -> datetime | None:
        """When it ended; None: no log tells."""
        return max((one.time for one in self.entries if one.what is What.CLOSED), default=None)

    @property
    def denial(self) -> Entry | None:
        """Why it was not let through. The forwarder's word first: it says in one sentence what each gate's log says in part."""
        found = [one for one in self.entries if one.what.is_denial]
        return min(found, key=lambda one: (one.by != PROVIDER, one.time), default=None)

    @property
    def reached(self) -> bool:
        """Whether the destination was reached."""
        return self.opened is not None

    @property
    def seen_by(self) -> tuple[str, ...]:
        """Whose logs show it."""
        return tuple(dict.fromkeys(one.by for one in self.entries))

    @property
    def bytes_in(self) -> int:
        """Bytes from the destination."""
        return max((one.bytes_in for one in self.entries), default=0)

    @property
    def bytes_out(self) -> int:
        """Bytes to the destination."""
        return max((one.bytes_out for one in self.entries), default=0)

    @property
    def ended_by(self) -> str:
        """What ended it, in the forwarder's words."""
        return next((one.text for one in self.entries if one.what is What.CLOSED and one.by == PROVIDER), "")

    def overlaps(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether it was there at some time from `start` until, and without, `end`."""
        times = [one.time for one in self.entries]
        first, last = min(times), max(times)
        if self.reached and self.closed is None:
            last = max(last, *(one.ends for one in self.entries if one.ends is not None and one.what is What.OPENED), last)
        return (end is None or first < end) and (start is None or last >= start)


PROVIDER = "provider"


@dataclass(slots=True, eq=False)
class Run:
    """One try of one task, with everything that is known of it."""

    who: Who
    correlation: str = ""
    entries: list[Entry] = field(default_factory=list)
    """What is of no session: start, end, tokens, credentials."""
    sessions: list[Session] = field(default_factory=list)

    def all(self) -> list[Entry]:
        """Every entry, in the order of time."""
        return sorted(self._entries(), key=lambda one: (one.time, one.what is not What.STARTED))

    def _entries(self) -> Iterator[Entry]:
        yield from self.entries
        for session in self.sessions:
            yield from session.entries

    @property
    def started(self) -> datetime:
        """When its first entry is of."""
        return min(one.time for one in self._entries())

    @property
    def ended(self) -> datetime:
        """When its last entry is of."""
        return max(one.time for one in self._entries())

    @property
    def outcome(self) -> str:
        """Airflow's word for how the task ended; empty: no log tells."""
        return next((one.text for one in self.entries if one.what is What.ENDED), "")


@dataclass(slots=True)
class Unread:
    """A line that could not be read."""

    place: Place
    why: str
    text: str


@dataclass(slots=True)
class Trail:
    """What all logs together tell."""

    runs: list[Run] = field(default_factory=list)
    lines: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    """What was read, by its kind."""
    unread: list[Unread] = field(default_factory=list)
    unread_count: int = 0
    strange: Place | None = None
    strange_count: int = 0
    """Lines of no log that is known here, as a task's log has many; and the first of them."""
    lost: int = 0
    """Events that sinks did not take, by the trail's own word."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Why lines were understood and say nothing here."""
    notices: list[str] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None
    """Which time the trail and the proxies' logs tell of."""

    def sessions(self) -> Iterator[tuple[Run, Session]]:
        """Every session with its run."""
        for run in self.runs:
            for session in run.sessions:
                yield run, session


LONGEST = timedelta(hours=25)
"""A session lasts a day at most (the proxy's own limit), and clocks differ: what is further away is of no session of a time."""
