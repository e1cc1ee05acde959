"""Times an offline preview of a stack of 500 resources: the program alone, the preview, the preview with both policy packs.

python -m bench [--runs N] [--json]
"""

import argparse
import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from .measure import GOAL, Measured, measure_all


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--runs", type=int, default=3, help="how often each is run; the fastest counts (default: 3)")
    arguments.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = arguments.parse_args()
    console = Console(stderr=True)
    with console.status("measuring …") as status:
        measured = measure_all(given.runs, lambda name: status.update(f"measuring {name} …"))
    if given.json:
        print(json.dumps([asdict(one) for one in measured], indent=2))
    else:
        Console().print(_table(measured))


def _table(measured: list[Measured]) -> Table:
    alone, packs = measured[0], measured[-1]
    goal = "met" if packs.fastest < GOAL else "missed"
    table = Table(
        title=f"{alone.resources} resources, the fastest of {len(alone.seconds)} runs",
        caption=f"Whole processes, from start to end. Goal with both packs: under {GOAL:g} s ({goal}).",
    )
    table.add_column("")
    for heading in ("seconds", "slowest", "CPU", "× alone"):
        table.add_column(heading, justify="right")
    for one in measured:
        shown = (one.fastest, max(one.seconds), min(one.cpu), one.fastest / alone.fastest)
        table.add_row(one.name, *(f"{number:.2f}" for number in shown))
    return table


if __name__ == "__main__":
    main()
