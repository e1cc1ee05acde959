"""How many decisions the proxy makes in a second while keys, routes and certificates are replaced.

The load is that of tests/real/test_tcp_proxy_load.py: each decision on a connection, and after a handshake, of its own, and each
judged.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from .parts import real

RATE = 1000
HEADINGS = (
    "asked for",
    "decisions/s",
    "Envoy's processor time for each, ms",
    "the clients', ms",
    "decisions",
    "changes of everything meanwhile",
    "wrong",
)


@dataclass(frozen=True)
class Row:
    """What came of one load."""

    asked: str
    rate: float
    envoy: float
    """Milliseconds of processor time for a decision."""
    clients: float
    """The same of those who asked."""
    decisions: int
    turns: int
    wrong: int

    def cells(self) -> tuple[str, ...]:
        """As text, under HEADINGS."""
        whole = (f"{one:,}" for one in (self.decisions, self.turns, self.wrong))
        return self.asked, f"{self.rate:,.0f}", f"{self.envoy:.2f}", f"{self.clients:.2f}", *whole


def measured(seconds: float) -> list[Row]:
    """A thousand a second, and as many as it goes, for so many seconds each."""
    return [_measured(f"{RATE:,} a second", seconds, RATE), _measured("as many as it goes", seconds, None)]


def _measured(asked: str, seconds: float, rate: float | None) -> Row:
    load, parts = real("real_load", "real_parts")
    with tempfile.TemporaryDirectory() as folder:
        found = load.load(parts.ENVOY, Path(folder), seconds, 1000, 2, rate)
    made = len(found.asked)
    used = (1000 * found.envoy / made, 1000 * found.clients / made)
    return Row(asked, found.rate, *used, made, len(found.turns.seen) - 1, len(found.wrong()))


def markdown(rows: list[Row]) -> str:
    """As a table of a page."""
    lines = [f"| {' | '.join(HEADINGS)} |", "|---|" + "--:|" * (len(HEADINGS) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(one.cells())} |" for one in rows)])
