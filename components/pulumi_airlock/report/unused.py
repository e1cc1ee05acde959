"""What logs say of the use of routes, in the terminal and as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from ..learn.usage import Usage, Verdict
from .lines import console, write

if TYPE_CHECKING:
    from ..learn.seen import Covered

_COLOURS = {Verdict.UNUSED: "bold red", Verdict.SOMEBODY: "yellow", Verdict.UNKNOWN: "yellow", Verdict.USED: "green"}


def show_usage(found: Sequence[Usage], covered: Sequence["Covered"], days: int, *, verbose: bool) -> None:
    """The logs with their time, the routes that are not used or of which nothing is known, and how many there are of each."""
    out = console()
    for one in covered:
        write(out, f"{one.format}: {one.lines:,} connections from {_day(one.first)} to {_day(one.last)}, on {one.days} days")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("route", "destination", f"in {days} days", "last seen", "why"):
        table.add_column(heading, overflow="fold")
    shown = [one for one in found if verbose or one.verdict is not Verdict.USED]
    for used in sorted(shown, key=lambda one: list(_COLOURS).index(one.verdict)):
        verdict = f"[{_COLOURS[used.verdict]}]{used.verdict.value}[/]"
        table.add_row(used.route.name, used.destination, verdict, _day(used.last) if used.last else "never", used.why)
    if shown:
        out.print()
        out.print(table)
        out.print()
    counted = {verdict: sum(one.verdict is verdict for one in found) for verdict in _COLOURS}
    write(out, ", ".join(f"{count} {verdict.value}" for verdict, count in counted.items() if count) or "no routes")


def usage_to_json(found: Sequence[Usage], covered: Sequence["Covered"], days: int) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "days": days,
        "logs": [
            {
                "format": one.format,
                "connections": one.lines,
                "first": one.first.isoformat(),
                "last": one.last.isoformat(),
                "days": one.days,
            }
            for one in covered
        ],
        "routes": [
            {
                "route": one.route.name,
                "destination": one.destination,
                "verdict": one.verdict.value,
                "why": one.why,
                "connections": one.connections,
                "last": one.last.isoformat() if one.last else None,
                "coveredDays": one.covered,
            }
            for one in found
        ],
    }


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
