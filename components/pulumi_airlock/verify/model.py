"""What comes out of a verification: what was seen as compiled, what was not, and findings with their lines."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Fault(StrEnum):
    """What is wrong."""

    AROUND = "around"
    """Reached without the gate that stands before it."""
    UNDECLARED = "undeclared"
    """A gate let through what no route declares."""
    BLOCKED = "blocked"
    """A gate refused what a route declares."""
    FOREIGN = "foreign rule"
    """A rule decided that the stack does not have."""
    DRIFT = "drift"
    """The gate decided otherwise than the rules of the stack do."""
    LOCATION = "unknown location"
    """The environment's traffic came by a way that the stack does not have."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log."""

    file: str
    number: int
    """From 1."""
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@dataclass(slots=True)
class Tally:
    """How often something was seen, when, and the first line that shows it."""

    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    example: Line | None = None

    def add(self, other: "Tally") -> None:
        """Counts what another tally has counted, too."""
        self.count += other.count
        self.example = self.example or other.example
        self.first = _first(self.first, other.first)
        self.last = _last(self.last, other.last)


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def _last(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as compiled; all lines that show the same are one."""

    fault: Fault
    who: str
    """The environment, with the component where it is known; or the person."""
    gate: str
    """The gate that was gone around, or that decided."""
    where: str
    """The destination, as `explain` takes it."""
    message: str
    fix: str
    seen: Tally
    rule: str = ""
    """The rule that the log names."""


@dataclass(slots=True)
class Row:
    """One component of an environment at one gate: what the stack has there, and what the logs show."""

    environment: str
    component: str
    """`scheduler`, `worker`, `web server`, or those of them that nothing tells apart."""
    gate: str
    through: str
    """The location, port, group or network by which it is known there."""
    routes: tuple[str, ...]
    """The routes that go through the gate."""
    rules: tuple[str, ...] = ()
    """Where no routes are about it (a scheduler, a web server): the rules of the gate that let it through."""
    seen: Tally = field(default_factory=Tally)
    """What the gate's own log shows, as compiled."""
    entered: Tally = field(default_factory=Tally)
    """What flow logs show to be on its way to the gate."""
    missing: tuple[str, ...] = ()
    """Routes of which nothing was seen yet."""


@dataclass(slots=True)
class Verification:
    """What logs show of a stack."""

    rows: list[Row]
    findings: list[Finding]
    more_findings: int = 0
    """Lines of further findings, beyond those that are kept."""
    lines: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    """Format → connections."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Why connections were not looked at → how many."""
    notices: list[str] = field(default_factory=list)
    unreadable: list[tuple[Line, str]] = field(default_factory=list)
    """The first lines that cannot be read, and why."""
    unreadable_count: int = 0
    decided: int = 0
    """Distinct connections that were decided: the cost, beside one look at every line."""

    @property
    def unseen(self) -> list[Row]:
        """Rows with something to be seen, of which the gate's log shows nothing."""
        return [row for row in self.rows if (row.routes or row.rules) and not row.seen.count]
