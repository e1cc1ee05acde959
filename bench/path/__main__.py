"""Measures the way task → forwarder → Envoy → destination beside a direct connection, and Envoy's decisions, in one run.

python -m bench.path [--rounds N] [--megabytes N] [--sessions N] [--seconds N] [--json] [--markdown PAGE]
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..pages import busy, machine, replace_table
from . import decisions
from .parts import Parts, measure, running

BEGIN, END = "<!-- bench.path: begin -->", "<!-- bench.path: end -->"
DECISIONS = ("<!-- bench.path, decisions: begin -->", "<!-- bench.path, decisions: end -->")
HEADINGS = ("what", "unit", "direct", "through the proxy", "ratio")


@dataclass(frozen=True)
class Row:
    """One thing, both ways; None where there is no direct way."""

    what: str
    unit: str
    direct: float | None
    through: float
    higher_is_better: bool = False


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.path", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3, help="how often each is run; the best counts (default: 3)")
    arguments.add_argument("--megabytes", type=int, default=500, help="bytes of one transfer (default: 500)")
    arguments.add_argument("--sessions", type=int, default=1000, help="sessions that are held open (default: 1000)")
    arguments.add_argument("--seconds", type=float, default=10, help="how long decisions are asked for (default: 10)")
    arguments.add_argument("--json", action="store_true", help="print the numbers as JSON")
    arguments.add_argument("--markdown", type=Path, help="replace the table of this page")
    given = arguments.parse_args()
    load = os.getloadavg()[0]
    with (
        Console(stderr=True).status("measuring …") as status,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as parts,
    ):
        rows = list(_rows(parts, given, lambda what: status.update(f"measuring {what} …")))
        status.update("measuring decisions …")
        made = decisions.measured(given.seconds)
    if given.markdown is not None:
        replace_table(given.markdown, BEGIN, END, _markdown(rows, _caption(given, load)))
        replace_table(given.markdown, *DECISIONS, f"Measured on {machine()}.{busy(load)}\n\n{decisions.markdown(made)}")
    if given.json:
        print(json.dumps([*map(asdict, rows), *map(asdict, made)], indent=2))
    else:
        Console().print(_table(rows, _caption(given, load)))
        print(decisions.markdown(made))


def _rows(parts: Parts, given: argparse.Namespace, tell: Callable[[str], None]) -> Iterator[Row]:
    size = given.megabytes * 1_000_000
    for what, count, unit in (
        ("download", size, "MB/s"),
        ("upload", size, "MB/s"),
        ("opening", 200, "connections/s"),
        ("opening at once", 400, "connections/s"),
    ):
        tell(what)
        direct, through = _best(parts, given.rounds, max, what=what, count=count)
        yield Row(what, unit, direct[unit], through[unit], True)
    for label, more in (
        ("round trip of 100 bytes", {}),
        ("… by a program that the task started", {"apart": True, "busy": False}),
        ("… while the task computes in Python", {"apart": True, "busy": True}),
    ):
        tell(label)
        direct, through = _best(parts, given.rounds, min, what="latency", count=2000, **more)
        for unit in ("p50 ms", "p99 ms"):
            yield Row(f"{label}, {unit[:3]}", "ms", direct[unit], through[unit])
    tell("memory")
    memory = measure(what="memory", count=given.sessions, **parts.through)
    for name, taken in memory.items():
        yield Row(f"{name.removesuffix(' MB')}: memory of 1,000 sessions", "MB", None, taken)


def _best(parts: Parts, rounds: int, best: Callable[..., float], **what: object) -> tuple[dict[str, float], dict[str, float]]:
    """Both ways, round by round, so that a busy moment of the machine does not hit one of them alone; the best of each."""
    found: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    for _ in range(rounds):
        found[0].append(measure(address=parts.address, **what))
        found[1].append(measure(**what, **parts.through))
    direct, through = ({unit: best(one[unit] for one in runs) for unit in runs[0]} for runs in found)
    return direct, through


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.direct is None else f"{row.through / row.direct:.2f} ×"
    return row.what, row.unit, "–" if row.direct is None else _number(row.direct), _number(row.through), ratio


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def _caption(given: argparse.Namespace, load: float) -> str:
    return (
        f"The best of {given.rounds} rounds, direct and through the proxy in turns, all on the loopback address of one machine "
        f"that destination, Envoy, forwarder and client share.{busy(load)}"
    )


def _table(rows: list[Row], caption: str) -> Table:
    table = Table(title=f"The path on {machine()}", caption=caption)
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if number < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _markdown(rows: list[Row], caption: str) -> str:
    lines = [f"Measured on {machine()}. {caption}", ""]
    lines += [f"| {' | '.join(HEADINGS)} |", "|---|---|--:|--:|--:|"]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(row))} |" for row in rows)])


if __name__ == "__main__":
    main()
