"""A proof and an explanation in the terminal, and their JSON twins."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from ..gates import read_all
from ..gates.declaration import declared_access, required_access
from ..gates.stack import Stack
from ..proof.findings import (
    Assumption,
    Blocked,
    Excess,
    ExpectationResult,
    Ground,
    Proof,
    Unproven,
)
from ..proof.proving import prove
from ..proof.wording import MOST
from .legend import OVERLAPS, OWNERS
from .lines import console as standard_output
from .lines import write
from .matrix import show_matrix
from .plain import plain
from .rows import show_path

SHOWN = 20
"""Findings of a kind that are shown with their path; of the others only how many there are."""

LISTED = 5
"""What is no failure is listed up to here; all of it with `verbose`."""

_GROUNDS = {
    Ground.ENVIRONMENTS: (
        "{} environment runs the DAGs, and has the addresses,",
        "{} environments run the DAGs, and have the addresses,",
    ),
    Ground.NAMES: (
        "host names of {} destination resolve to the addresses",
        "host names of {} destinations resolve to the addresses",
    ),
    Ground.PEOPLE: ("{} group of people connects from the sources", "{} groups of people connect from the sources"),
}


def prove_stack(stack: Stack, *, at: datetime | None = None) -> Proof:
    """The proof of a stack against the access that it declares. InputError where it declares none."""
    reading = read_all(stack)
    access = required_access(stack)
    return prove(access, reading.environments, reading.filters, at=at or datetime.now(UTC), around=reading.around)


def prove_if_declared(stack: Stack) -> Proof | None:
    """The proof of a stack that declares access; None where there is nothing to prove."""
    return None if declared_access(stack) is None else prove_stack(stack)


def show(
    proof: Proof, console: Console | None = None, *, brief: bool = False, verbose: bool = False, summary: bool = True
) -> bool:
    """Shows a proof: failures first, each with its witness and what every gate does. Returns whether all is well.

    Checks without exactly one owner are shown with them, and do not count here: nothing is let through by them. `brief` leaves
    out what is no failure, and says how to see it; `verbose` lists everything, with URNs. Without `summary` its last lines are
    left to the caller, who has more to show before them.
    """
    out = console or standard_output()
    out.print()
    for title, found in _failures(proof):
        if found:
            write(out, f"{title} ({len(found)})", style="bold red")
            for one in found if verbose else found[:SHOWN]:
                _show_failure(out, one, verbose)
            if len(found) > SHOWN and not verbose:
                write(out, f"… and {len(found) - SHOWN} more: --verbose shows them", indent=2)
            out.print()
    _show_overlaps(out, proof, verbose)
    if not brief:
        _show_rest(out, proof, verbose)
    if summary:
        show_summary(out, proof, brief=brief)
    return proof.ok


_Failure = Excess | Blocked | Unproven | ExpectationResult


def _failures(proof: Proof) -> Iterable[tuple[str, Sequence[_Failure]]]:
    return (
        ("Excess: let through, not declared", proof.excess),
        ("Blocked: declared, not let through", proof.blocked),
        ("Unproven", proof.unproven),
        ("Expectations that do not hold", proof.failed),
    )


def _show_failure(out: Console, one: _Failure, verbose: bool) -> None:
    message = f"{one.expectation}: {one.message}" if isinstance(one, ExpectationResult) else one.message
    write(out, f"✗ {message}", indent=2)
    if not isinstance(one, ExpectationResult):
        _show_names(out, "principals", one.principals)
        _show_names(out, "destinations", one.destinations)
    if isinstance(one, Blocked):
        _show_names(out, "routes", one.routes)
        _show_names(out, "flows", one.needs)
    if one.witness is not None:
        write(out, f"witness: {one.witness}", style="cyan", indent=4)
    show_path(out, one.path, 4, verbose)


def _show_overlaps(out: Console, proof: Proof, verbose: bool) -> None:
    found = proof.overlaps
    if not found:
        return
    write(out, f"{OVERLAPS} ({len(found)})", style="bold red")
    for one in found if verbose else found[:SHOWN]:
        write(out, f"✗ {one.message}", indent=2)
        for owner in one.owners if verbose else ():
            write(out, f"{owner.gate}: {owner.rule.urn}", style="dim", indent=4)
    if len(found) > SHOWN and not verbose:
        write(out, f"… and {len(found) - SHOWN} more: --verbose shows them", indent=2)
    out.print()


def _show_names(out: Console, title: str, names: Sequence[str]) -> None:
    """All of them, where the message names only some."""
    if len(names) > MOST:
        write(out, f"all {len(names)} {title}: {', '.join(names)}", style="dim", indent=4)


def _show_rest(out: Console, proof: Proof, verbose: bool) -> None:
    if proof.matrix.cells:
        show_matrix(out, proof.matrix, proof)
        out.print()
    if verbose and proof.expectations:
        write(out, f"Expectations ({len(proof.expectations)})", style="bold")
        for one in proof.expectations:
            write(out, f"{'✓' if one.passed else '✗'} {one.expectation}", style="green" if one.passed else "red", indent=2)
    _show_list(out, "Never in effect", [one.message for one in proof.dead], verbose)
    _show_list(out, "Granted by one gate, stopped by another (no failure)", [one.message for one in proof.internal], verbose)
    _show_list(out, OWNERS, [one.message for one in proof.checks if one.fault is None], verbose)
    blind = [f"{one.route} → {one.destination}" for one in proof.identity if not one.gates]
    _show_list(out, "No single gate tells these routes' principals from everybody else", blind, verbose)
    assumed = [one.message for one in proof.assumptions] if verbose else list(_grouped(proof.assumptions))
    _show_list(out, "Taken for granted", assumed, True, len(proof.assumptions))
    if not verbose:
        write(out, "(--verbose lists every expectation, assumption and finding)", style="dim", indent=2)


def _grouped(assumptions: Sequence[Assumption]) -> Iterable[str]:
    """One line for each ground; whose word is taken, and what is absent, one by one."""
    for ground, (one, many) in _GROUNDS.items():
        number = sum(each.ground is ground for each in assumptions)
        if number:
            yield f"{(one if number == 1 else many).format(number)} that the access file says, and no others"
    ways = sum(each.ground is Ground.RELAYS for each in assumptions)
    if ways:
        yield f"{ways} way{'' if ways == 1 else 's'} by which gates carry traffic on from hosts of their own, as they say"
    yield from (each.message for each in assumptions if each.ground in (Ground.IDENTITY, Ground.ABSENT))


def _show_list(out: Console, title: str, lines: Sequence[str], verbose: bool, number: int | None = None) -> None:
    if not lines:
        return
    write(out, f"{title} ({len(lines) if number is None else number})", style="bold")
    shown = lines if verbose or len(lines) <= LISTED else lines[: LISTED - 1]
    for line in shown:
        write(out, f"- {line}", indent=2)
    if len(shown) < len(lines):
        write(out, f"- … and {len(lines) - len(shown)} more: --verbose lists them", style="dim", indent=2)


def show_summary(out: Console, proof: Proof, *, brief: bool = False) -> None:
    """The verdict in a line or two."""
    what = f"{proof.routes} routes, {len(proof.gates)} gates ({', '.join(proof.gates)}), {proof.rules} rules"
    held = f"{len(proof.expectations) - len(proof.failed)} of {len(proof.expectations)} expectations hold"
    depth = proof.matrix.depth
    deep = "" if depth is None else f"; what is not declared is refused by at least {depth} gate{'s' if depth != 1 else ''}"
    if proof.ok:
        write(out, f"✓ proven: what all gates let through is what is declared: {what}; {held}{deep}", style="green")
    else:
        counts = f"{len(proof.excess)} excess, {len(proof.blocked)} blocked, {len(proof.unproven)} unproven"
        write(out, f"✗ not proven: {counts}; {held} ({what})", style="bold red")
    if proof.overlaps:
        number = len(proof.overlaps)
        write(out, f"✗ {number} check{' has' if number == 1 else 's have'} not exactly one owner", style="bold red")
    if brief and (proof.assumptions or proof.internal or proof.dead):
        rest = f"{len(proof.internal)} grants stopped elsewhere, {len(proof.dead)} never in effect"
        write(out, f"({len(proof.assumptions)} assumptions, {rest}: `airlock prove` shows them)", style="dim", indent=2)


def to_json(proof: Proof) -> dict[str, Any]:
    """A proof as plain data: `ok`, every finding with its witness and path, who checks what, the matrix as a list of cells."""
    matrix = [
        {"principal": principal, "destination": destination, **plain(cell)}
        for (principal, destination), cell in proof.matrix.cells.items()
    ]
    return {"ok": proof.ok, **{key: value for key, value in plain(proof).items() if key != "matrix"}, "matrix": matrix}
