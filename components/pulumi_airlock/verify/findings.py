"""Findings and rows under way: what is the same is counted, and never more is kept than a report can show."""

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Fault, Finding, Row, Tally

MOST = 2000
"""Findings that are kept; the lines of others are counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one distinct connection means."""

    faults: tuple["Blame", ...] = ()
    row: tuple[str, str, str] | None = None
    """Environment, component and gate of which it was seen as compiled."""
    entering: bool = False
    """It was seen on its way to the gate, not by the gate."""
    routes: tuple[str, ...] = ()
    skipped: str = ""
    """Why it was not looked at, or says nothing."""
    unless_logged: "Blame | None" = None
    """What it is if the gate's own log shows nothing of it, which only the end of all logs tells."""


@dataclass(frozen=True, slots=True)
class Blame:
    """A finding without its lines."""

    fault: Fault
    who: str
    gate: str
    where: str
    message: str
    fix: str
    rule: str = ""


class Ledger:
    """Everything that verdicts add up to."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = {(row.environment, row.component, row.gate): row for row in rows}
        self.routes: dict[tuple[str, str, str], set[str]] = {}
        self.skipped: dict[str, int] = {}
        self.more = 0
        self._found: dict[tuple[object, ...], Finding] = {}

    def add(self, verdict: Verdict, tally: Tally) -> None:
        """Books what a verdict says of all the lines of a tally."""
        for one in verdict.faults:
            key = (one.fault, one.who, one.gate, one.where, one.rule)
            known = self._found.get(key)
            if known is not None:
                known.seen.add(tally)
            elif len(self._found) < MOST:
                seen = Tally()
                seen.add(tally)
                self._found[key] = Finding(one.fault, one.who, one.gate, one.where, one.message, one.fix, seen, one.rule)
            else:
                self.more += tally.count
        if verdict.row is not None:
            self._book(verdict, verdict.row, tally)
        if verdict.skipped:
            self.skipped[verdict.skipped] = self.skipped.get(verdict.skipped, 0) + tally.count

    def _book(self, verdict: Verdict, place: tuple[str, str, str], tally: Tally) -> None:
        row = self.rows.get(place)
        if row is None:
            row = self.rows[place] = Row(*place, through="", routes=())
        (row.entered if verdict.entering else row.seen).add(tally)
        if not verdict.entering:
            self.routes.setdefault(place, set()).update(verdict.routes)

    def findings(self) -> list[Finding]:
        """The findings, by what is wrong, then the most often seen first."""
        order = list(Fault)
        return sorted(self._found.values(), key=lambda one: (order.index(one.fault), -one.seen.count, one.who, one.where))
