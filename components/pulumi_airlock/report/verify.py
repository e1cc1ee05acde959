"""A verification in the terminal and as JSON: what was seen at each gate, then findings with their lines."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..proof.wording import listed
from ..verify.model import Fault, Finding, Line, Row, Tally, Verification
from .lines import console as standard_output
from .lines import write
from .visible import visible

_TITLES = {
    Fault.AROUND: "Reached around the gate",
    Fault.UNDECLARED: "Let through, and declared by no route",
    Fault.BLOCKED: "Refused, and declared by a route",
    Fault.FOREIGN: "Decided by rules that the stack does not have",
    Fault.DRIFT: "Decided otherwise than the stack says",
    Fault.LOCATION: "Came by a way that the stack does not have",
}
_SHOWN = 20
"""Findings of a kind that are listed; JSON has all of them."""
_WIDE = 160
"""Characters of a line that are shown."""


def show_verification(found: Verification, console: Console | None = None, *, verbose: bool = False) -> None:
    """Shows what was seen, what is wrong, what could not be read, and a summary."""
    out = console or standard_output()
    if found.rows:
        told = [row for row in found.rows if row.routes or row.rules or row.seen.count or row.entered.count]
        out.print(_table(told), soft_wrap=not out.is_terminal)
        if len(found.rows) > len(told):
            write(out, f"{len(found.rows) - len(told)} more have nothing to reach there, and were not seen.", style="dim")
        out.print()
        _show_rows(out, found.rows)
    for fault, title in _TITLES.items():
        _show_fault(out, title, [one for one in found.findings if one.fault is fault], verbose)
    if found.more_findings:
        write(out, f"… and {found.more_findings} lines of further findings, which are not kept", style="bold red")
    _show_unreadable(out, found)
    for one in found.notices:
        write(out, one, label="Note: ", style="yellow")
    _show_skipped(out, found)
    _show_summary(out, found)


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for title in (
        "",
        "environment",
        "component",
        "gate",
        "through",
        "routes",
        "seen",
        "first",
        "last",
        "on its way",
        "not seen yet",
    ):
        table.add_column(title, justify="right" if title in ("routes", "seen", "on its way") else "left", overflow="fold")
    for row in rows:
        seen = bool(row.seen.count)
        cells = (
            "✓" if seen else "·" if row.routes or row.rules else "",
            row.environment,
            row.component,
            row.gate,
            row.through,
            str(len(row.routes)) if row.routes else f"{len(row.rules)} rule{'s' * (len(row.rules) > 1)}" if row.rules else "none",
            str(row.seen.count),
            _moment(row.seen.first),
            _moment(row.seen.last),
            str(row.entered.count) if row.entered.count else "",
            listed(row.missing, 3) if row.missing and seen else "all" if row.missing else "",
        )
        table.add_row(*map(Text, cells), style="green" if seen else "yellow" if row.routes or row.rules else "dim")
    return table


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else ""


def _show_rows(out: Console, rows: list[Row]) -> None:
    """An example of each, so that one can be looked up."""
    for row in rows:
        for tally, what in ((row.seen, "seen"), (row.entered, "on its way")):
            if tally.example is not None:
                label = f"{row.environment} {row.component} at {row.gate}, {what}: "
                write(out, f"{label}{tally.example}", style="dim")
                write(out, _text(tally.example), indent=2, style="dim")
    if any(row.seen.example or row.entered.example for row in rows):
        out.print()


def _text(line: Line) -> str:
    text = visible(line.text)
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"


def _show_fault(out: Console, title: str, found: list[Finding], verbose: bool) -> None:
    if not found:
        return
    write(out, f"{title} ({len(found)})", style="bold red")
    for one in found if verbose else found[:_SHOWN]:
        write(out, f"✗ {visible(one.message)}{_times(one.seen)}", indent=2, style="red")
        if one.seen.example is not None:
            write(out, f"{one.seen.example}: {_text(one.seen.example)}", indent=4, style="dim")
        write(out, visible(one.fix), indent=4)
    if len(found) > _SHOWN and not verbose:
        write(out, f"… and {len(found) - _SHOWN} more: --verbose lists them", indent=2, style="dim")
    out.print()


def _times(tally: Tally) -> str:
    if tally.first is None:
        return f" ({tally.count} times)" if tally.count > 1 else ""
    if tally.count == 1:
        return f" ({_moment(tally.first)} UTC)"
    return f" ({tally.count} times, {_moment(tally.first)} – {_moment(tally.last)} UTC)"


def _show_unreadable(out: Console, found: Verification) -> None:
    if not found.unreadable_count:
        return
    write(out, f"Cannot be read ({found.unreadable_count} lines)", style="bold yellow")
    for line, why in found.unreadable:
        write(out, f"{line}: {visible(why)}: {_text(line)}", indent=2, style="yellow")
    left = found.unreadable_count - len(found.unreadable)
    if left:
        write(out, f"… and {left} more", indent=2, style="dim")
    out.print()


def _show_skipped(out: Console, found: Verification) -> None:
    for why, count in found.skipped.items():
        write(out, f"{count} × {visible(why)}", label="Not judged: ", style="dim")


def _show_summary(out: Console, found: Verification) -> None:
    formats = ", ".join(f"{count} {name}" for name, count in sorted(found.formats.items())) or "no connections"
    write(out, f"{found.lines} line{'' if found.lines == 1 else 's'}: {formats}; {found.decided} distinct ones decided.")
    meant = [row for row in found.rows if row.routes or row.rules]
    said = f"{len(meant) - len(found.unseen)} of {len(meant)} seen as compiled"
    if found.findings:
        many = "1 finding" if len(found.findings) == 1 else f"{len(found.findings)} findings"
        write(out, f"✗ {said}, {many}.", style="bold red")
    elif found.unseen:
        names = listed((f"{row.environment} {row.component} at {row.gate}" for row in found.unseen), 6)
        write(out, f"{said}, nothing else found. Not seen yet: {names}.", style="bold yellow")
    else:
        write(out, f"✓ {said}, nothing else found.", style="bold green")


def to_json(found: Verification) -> dict[str, Any]:
    """The same as plain data, with every finding that was kept."""
    return {
        "rows": [
            {
                "environment": row.environment,
                "component": row.component,
                "gate": row.gate,
                "through": row.through,
                "routes": list(row.routes),
                "seen": _tally(row.seen),
                "onItsWay": _tally(row.entered),
                "notSeen": list(row.missing),
            }
            for row in found.rows
        ],
        "findings": [
            {
                "kind": one.fault.value,
                "who": visible(one.who),
                "gate": one.gate,
                "destination": visible(one.where),
                "rule": visible(one.rule) or None,
                "message": visible(one.message),
                "fix": visible(one.fix),
                "seen": _tally(one.seen),
            }
            for one in found.findings
        ],
        "moreFindings": found.more_findings,
        "lines": found.lines,
        "formats": found.formats,
        "decided": found.decided,
        "notJudged": {visible(why): count for why, count in found.skipped.items()},
        "notices": found.notices,
        "unreadable": {
            "count": found.unreadable_count,
            "first": [{**_line(line), "why": visible(why)} for line, why in found.unreadable],
        },
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "count": tally.count,
        "first": tally.first.isoformat() if tally.first else None,
        "last": tally.last.isoformat() if tally.last else None,
        "example": _line(tally.example) if tally.example else None,
    }


def _line(line: Line) -> dict[str, Any]:
    return {"file": line.file, "line": line.number, "text": visible(line.text)}
