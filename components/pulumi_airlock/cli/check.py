"""`airlock check`: access files alone, without a stack. Every finding with its line, the line itself, and what would be right."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..access import Finding, Reading, Severity, read
from ..errors import InputError, Problem
from ._reports import Junit, Reports, Sarif

_WIDEST = 160
"""Columns of a source line that are shown; of a longer line, those around the value."""
_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTICE: "bold cyan"}

_Files = Annotated[
    list[Path] | None,
    typer.Argument(help="Access files; without any, those in stacks/access.", show_default=False, metavar="ACCESS"),
]
_Json = Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")]
_Strict = Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")]
_Today = Annotated[
    str | None, typer.Option("--today", help="Check as of this day (2027-06-30) instead of today, in UTC.", show_default=False)
]


_Rbac = Annotated[
    bool, typer.Option("--rbac", help="Show who is cleared how far, and the most sensitive zone that each has a route into.")
]


def check(
    files: _Files = None,
    json_: _Json = False,
    strict: _Strict = False,
    today: _Today = None,
    rbac: _Rbac = False,
    sarif: Sarif = None,
    junit: Junit = None,
) -> None:
    """Check access files: syntax, values, names, routes, clearances and expectations.

    Exit status 0: nothing wrong, or warnings and notices alone; 1: an error was found.
    """
    day = _day(today)
    readings = [read(_shown(path), day) for path in files or _default_files()]
    reports = Reports(sarif, junit, Path.cwd())
    if reports.wanted:
        from ..report.ci.access import report_of_access

        reports.write(report_of_access(readings, strict=strict))
    if json_:
        typer.echo(json.dumps(_document(readings) | (_clearances(readings) if rbac else {}), indent=2, ensure_ascii=False))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for text in _report(readings):
            console.print(text)
        if rbac:
            _show_clearances(readings, day)
    refused = sum(_count_of(one, Severity.ERROR) + (_count_of(one, Severity.WARNING) if strict else 0) for one in readings)
    if refused:
        raise typer.Exit(1)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError([Problem("--today", "", f'"{text}" is no day: write year, month and day, as in 2027-06-30')]) from None


def _default_files() -> list[Path]:
    folder = Path("stacks") / "access"
    found = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not found:
        raise InputError(
            [Problem("airlock check", "", f"no access files in {folder}: name them, as in airlock check access.yaml")]
        )
    return found


def _shown(path: Path) -> Path:
    """The path as it was given; below the current folder, relative to it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


# --- for programs


def _document(readings: Iterable[Reading]) -> dict[str, object]:
    listed = list(readings)
    findings = [one for reading in listed for one in reading.findings]
    return {
        "files": [{"path": one.document.path, "valid": not one.errors} for one in listed],
        "findings": [{"file": one.document.path, **_finding(finding)} for one in listed for finding in one.findings],
        "errors": sum(one.severity is Severity.ERROR for one in findings),
        "warnings": sum(one.severity is Severity.WARNING for one in findings),
        "notices": sum(one.severity is Severity.NOTICE for one in findings),
    }


def _clearances(readings: Iterable[Reading]) -> dict[str, object]:
    from ..report.clearance import clearances_to_json

    return {"rbac": {one.document.path: clearances_to_json(one.access) for one in readings if one.access is not None}}


def _show_clearances(readings: Iterable[Reading], day: date) -> None:
    from ..report.clearance import show_clearances
    from ..report.lines import console

    for one in readings:
        if one.access is not None:
            show_clearances(console(), one.access, one.document.path, day)


def _count_of(reading: Reading, severity: Severity) -> int:
    return sum(one.severity is severity for one in reading.findings)


def _finding(one: Finding) -> dict[str, object]:
    return {
        "line": one.line,
        "column": one.column,
        "severity": one.severity.value,
        "code": one.code,
        "path": one.path,
        "message": one.message,
    }


# --- for people


def _report(readings: list[Reading]) -> Iterator[Text]:
    for reading in readings:
        for finding in reading.findings:
            yield _shown_finding(reading, finding)
    for reading in readings:
        if all(one.severity is Severity.NOTICE for one in reading.findings) and reading.access is not None:
            access = reading.access
            counts = (
                _count(len(access.principals), "principal"),
                _count(len(access.destinations), "destination"),
                _count(len(access.routes), "route"),
                _count(len(access.expect), "expectation"),
            )
            yield Text.assemble((reading.document.path, "bold"), f": {', '.join(counts)}: ", ("all well", "green"))
    counted = {one: sum(_count_of(reading, one) for reading in readings) for one in Severity}
    parts = [_count(number, one.value) for one, number in counted.items() if number]
    if parts:
        said = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
        yield Text(f"{said} in {_count(sum(bool(one.findings) for one in readings), 'file')}", style="bold")


def _shown_finding(reading: Reading, finding: Finding) -> Text:
    colour = _COLOURS[finding.severity]
    where = f":{finding.line}:{finding.column}" if finding.line else ""
    text = Text.assemble(
        (f"{reading.document.path}{where}", "bold"), ": ", (finding.severity.value, colour), (f"[{finding.code}]", "dim"), " "
    )
    if finding.path:
        text.append(f"{finding.path}: ", style="cyan")
    text.append(finding.message)
    source = _source(reading, finding)
    if source is not None:
        line, before, width = source
        margin = " " * len(str(finding.line))
        text.append(f"\n{margin} |\n{finding.line} | ", style="blue")
        text.append(line)
        text.append(f"\n{margin} | ", style="blue")
        text.append(" " * before + "^" * width, style=colour)
        text.append("\n")
    return text


def _source(reading: Reading, finding: Finding) -> tuple[str, int, int] | None:
    """The source line as it is shown, the cells before its value, and the cells of its value."""
    lines = reading.document.lines
    if finding.line is None or finding.column is None or finding.line > len(lines):
        return None
    line = "".join(char if char.isprintable() else " " for char in lines[finding.line - 1])
    start, end = finding.column - 1, max(finding.end or 0, finding.column + 1) - 1
    if cell_len(line) > _WIDEST:
        cut = max(0, start - _WIDEST // 4)
        line = ("…" if cut else "") + line[cut : cut + _WIDEST] + ("…" if cut + _WIDEST < len(line) else "")
        start, end = start - cut + bool(cut), end - cut + bool(cut)
    end = max(start + 1, min(end, len(line)))
    return line, cell_len(line[:start]), max(1, cell_len(line[start:end]))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
