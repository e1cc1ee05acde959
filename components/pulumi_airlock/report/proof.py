"""A proof and an explanation in the terminal, and their JSON twins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..access import Access
from ..errors import InputError, Problem
from ..gates import read_all
from ..gates.declared import declared_access
from ..gates.stack import Stack
from ..proof.explaining import explain
from ..proof.findings import (
    Blocked,
    Cell,
    Excess,
    ExpectationResult,
    Explanation,
    Outcome,
    Proof,
    Row,
    Share,
    Unproven,
)
from ..proof.proving import prove

MATRIX_CELLS = 600
"""Cells up to which the matrix of principals and destinations is shown in a terminal."""

SHOWN = 20
"""Findings of a kind that are shown with their path; of the others only how many there are."""

_STYLE = {Outcome.ALLOW: "green", Outcome.DENY: "red", Outcome.UNKNOWN: "yellow"}


def prove_stack(stack: Stack, *, at: datetime | None = None) -> Proof:
    """The proof of a stack against the access that it declares. InputError where it declares none."""
    reading = read_all(stack)
    return prove(_declared(stack), reading.environments, reading.filters, at=at or datetime.now(UTC))


def explain_stack(stack: Stack, principal: str, destination: str, *, at: datetime, when: datetime | None = None) -> Explanation:
    """Why somebody can, or cannot, reach something in a stack. InputError where it declares no access, or nothing is meant."""
    reading = read_all(stack)
    return explain(_declared(stack), reading.environments, reading.filters, principal, destination, at=at, when=when)


def _declared(stack: Stack) -> Access:
    declared = declared_access(stack)
    if declared is None:
        fix = "declare it with AccessDeclaration(name, access)"
        raise InputError([Problem(stack.name, "", f"the stack declares no access to prove: {fix}")])
    return declared


def prove_if_declared(stack: Stack) -> Proof | None:
    """The proof of a stack that declares access; None where there is nothing to prove."""
    return None if declared_access(stack) is None else prove_stack(stack)


def show(proof: Proof, console: Console | None = None, *, brief: bool = False) -> bool:
    """Shows a proof: failures first, each with its witness and what every gate does. Returns whether all is well.

    `brief` leaves out what is no failure, and says how to see it.
    """
    out = console or Console(highlight=False, soft_wrap=True)
    out.print()
    for title, found in _failures(proof):
        if found:
            out.print(Text(f"{title} ({len(found)})", style="bold red"))
            for one in found[:SHOWN]:
                _show_failure(out, one)
            if len(found) > SHOWN:
                out.print(f"  … and {len(found) - SHOWN} more")
    if not brief:
        _show_rest(out, proof)
    _show_summary(out, proof, brief)
    return proof.ok


_Failure = Excess | Blocked | Unproven | ExpectationResult


def _failures(proof: Proof) -> Iterable[tuple[str, Sequence[_Failure]]]:
    return (
        ("Excess: let through, not declared", proof.excess),
        ("Blocked: declared, not let through", proof.blocked),
        ("Unproven", proof.unproven),
        ("Expectations that do not hold", proof.failed),
    )


def _show_failure(out: Console, one: _Failure) -> None:
    message = f"{one.expectation}: {one.message}" if isinstance(one, ExpectationResult) else one.message
    out.print(Text(f"  ✗ {message}"))
    if one.witness is not None:
        out.print(Text(f"    witness: {one.witness}", style="cyan"))
    if one.path:
        out.print(_path_table(one.path))


def _path_table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    for style in ("dim", "bold", "", ""):
        table.add_column(style=style, overflow="fold")
    for row in rows:
        verdict = Text(row.outcome.value, style=_STYLE[row.outcome])
        table.add_row("     ", escape(row.gate), verdict, Text(f"{row.filter.name}: {row.why}\n{row.source.urn}"))
    return table


def _show_rest(out: Console, proof: Proof) -> None:
    if proof.expectations:
        out.print(
            Text(f"Expectations: {len(proof.expectations) - len(proof.failed)} of {len(proof.expectations)} hold", style="bold")
        )
        for one in proof.expectations:
            if one.passed:
                out.print(Text(f"  ✓ {one.expectation}", style="green"))
    matrix = proof.matrix
    if 0 < len(matrix.cells) <= MATRIX_CELLS:
        _show_matrix(out, proof)
    _show_list(out, "Never in effect", [one.message for one in proof.dead])
    _show_list(out, "Granted by one gate, stopped by another (no failure)", [one.message for one in proof.internal])
    blind = [f"{one.route} → {one.destination}" for one in proof.identity if not one.gates]
    _show_list(out, "No single gate tells these routes' principals from everybody else", blind)
    _show_list(out, "Taken for granted", proof.assumptions)


def _show_list(out: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        out.print(Text(f"{title} ({len(lines)})", style="bold"))
        for line in lines:
            out.print(Text(f"  - {line}"))


def _show_matrix(out: Console, proof: Proof) -> None:
    matrix = proof.matrix
    out.print(
        Text("Principals × destinations: ● declared, ◐ in a window, a number: refused by so many gates, ", style="bold")
        + Text("· no path", style="bold dim")
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("")
    for number, _ in enumerate(matrix.destinations, 1):
        table.add_column(str(number), justify="right")
    for principal in matrix.principals:
        table.add_row(Text(principal), *(_symbol(matrix.cells[principal, one]) for one in matrix.destinations))
    out.print(table)
    out.print(Text("  " + ", ".join(f"{number} {name}" for number, name in enumerate(matrix.destinations, 1)), style="dim"))


def _symbol(cell: Cell) -> Text:
    if cell.declared is Share.NONE:
        if cell.depth is None:
            return Text("·", style="dim")
        return Text(str(cell.depth), style="red" if cell.depth == 0 else "dim")
    well = cell.allowed is cell.declared and not cell.possible
    return Text("●" if cell.declared is Share.ALL else "◐", style="green" if well else "red")


def _show_summary(out: Console, proof: Proof, brief: bool) -> None:
    what = f"{proof.routes} routes, {len(proof.gates)} gates ({', '.join(proof.gates)}), {proof.rules} rules"
    held = f"{len(proof.expectations) - len(proof.failed)} of {len(proof.expectations)} expectations hold"
    depth = proof.matrix.depth
    deep = "" if depth is None else f"; what is not declared is refused by at least {depth} gate{'s' if depth != 1 else ''}"
    if proof.ok:
        out.print(Text(f"✓ proven: what all gates let through is what is declared: {what}; {held}{deep}", style="green"))
    else:
        counts = f"{len(proof.excess)} excess, {len(proof.blocked)} blocked, {len(proof.unproven)} unproven"
        out.print(Text(f"✗ not proven: {counts}; {held} ({what})", style="bold red"))
    if brief and (proof.assumptions or proof.internal or proof.dead):
        rest = f"{len(proof.internal)} grants stopped elsewhere, {len(proof.dead)} never in effect"
        out.print(Text(f"  ({len(proof.assumptions)} assumptions, {rest}: `airlock prove` shows them)", style="dim"))


def show_explanation(explanation: Explanation, console: Console | None = None) -> None:
    """Shows an explanation: the verdict, then every gate on the path, in order."""
    out = console or Console(highlight=False, soft_wrap=True)
    out.print(Text(explanation.message, style=_STYLE[explanation.outcome]))
    out.print(_path_table(explanation.rows))
    for note in explanation.notes:
        out.print(Text(f"  note: {note}", style="dim"))


def to_json(proof: Proof) -> dict[str, Any]:
    """A proof as plain data: `ok`, every finding with its witness and path, the matrix as a list of cells."""
    matrix = [
        {"principal": principal, "destination": destination, **_plain(cell)}
        for (principal, destination), cell in proof.matrix.cells.items()
    ]
    return {"ok": proof.ok, **{key: value for key, value in _plain(proof).items() if key != "matrix"}, "matrix": matrix}


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """An explanation as plain data."""
    found: dict[str, Any] = _plain(explanation)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Row):
        return {
            "gate": value.gate,
            "filter": value.filter.name,
            "kind": value.filter.kind.value,
            "outcome": value.outcome.value,
            "rule": _plain(value.source),
            "why": value.why,
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
