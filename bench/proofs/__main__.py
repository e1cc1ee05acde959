"""Measures the proof as it grows, beside oxidd and z3 with the same questions.

python -m bench.proofs [--only NAME] [--sizes N…] [--runs N] [--timeout SECONDS] [--json] [--markdown PAGE]
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..pages import machine, replace_table
from .measure import Measured, growth, measure_all, ratio
from .questions import SERIES

BEGIN, END = "<!-- bench.proofs: begin -->", "<!-- bench.proofs: end -->"
HEADINGS = ("question", "size", "rules", "engine", "seconds", "MB", "growth", "× Airlock", "goal")


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.proofs", description=__doc__)
    arguments.add_argument("--only", choices=[one.name for one in SERIES], help="this question alone")
    arguments.add_argument("--sizes", type=int, nargs="+", default=[], help="these sizes instead of the usual ones")
    arguments.add_argument("--runs", type=int, default=3, help="how often Airlock is run; the fastest counts (default: 3)")
    arguments.add_argument(
        "--timeout", type=float, default=120, help="seconds after which the others are given up (default: 120)"
    )
    arguments.add_argument("--json", action="store_true", help="print the numbers as JSON")
    arguments.add_argument("--markdown", type=Path, help="replace the table of this page")
    given = arguments.parse_args()
    with Console(stderr=True).status("measuring …") as status:
        measured = measure_all(
            given.only, given.sizes, given.runs, given.timeout, lambda what: status.update(f"measuring {what} …")
        )
    if given.markdown is not None:
        replace_table(given.markdown, BEGIN, END, _markdown(measured, given.timeout))
    if given.json:
        print(json.dumps([asdict(one) for one in measured], indent=2))
    else:
        Console().print(_table(measured, given.timeout))


def _rows(measured: Sequence[Measured], timeout: float) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for one in measured:
        grown, times = growth(measured, one), ratio(measured, one)
        found.append(
            (
                one.name,
                f"{one.size:,} {one.unit}",
                "" if one.rules is None else f"{one.rules:,}",
                one.engine,
                _seconds(one, timeout),
                "–" if one.megabytes is None else f"{one.megabytes:,.0f}",
                "" if grown is None else f"n^{grown:.2f}",
                "" if times is None else f"{times:.1f}",
                _goal(one),
            )
        )
    return found


def _seconds(one: Measured, timeout: float) -> str:
    if one.seconds is None:
        return f"over {timeout:g}" if one.tried else "–"
    return f"{one.seconds:.3f}" if one.seconds < 1 else f"{one.seconds:.2f}"


def _goal(one: Measured) -> str:
    if one.met is None:
        return ""
    memory = "" if one.goal_megabytes is None else f", {one.goal_megabytes:,.0f} MB"
    return f"{one.goal_seconds:g} s{memory}: {'met' if one.met else 'missed'}"


def _table(measured: Sequence[Measured], timeout: float) -> Table:
    table = Table(title=f"Proofs on {machine()}", caption=_caption(timeout))
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if number in (0, 3, 8) else "right", no_wrap=True)
    rows = _rows(measured, timeout)
    for place, row in enumerate(rows):
        if place and measured[place].name != measured[place - 1].name:
            table.add_section()
        table.add_row(*row)
    return table


def _caption(timeout: float) -> str:
    return (
        "Seconds for the question alone; MB of the whole process, input included; growth since the size before. "
        f"Others are given up after {timeout:g} s, and not tried at larger sizes (–)."
    )


def _markdown(measured: Sequence[Measured], timeout: float) -> str:
    lines = [f"Measured on {machine()}. {_caption(timeout)}", ""]
    lines += [f"| {' | '.join(HEADINGS)} |", "|---|--:|--:|---|--:|--:|--:|--:|---|"]
    lines += [f"| {' | '.join(row)} |" for row in _rows(measured, timeout)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
