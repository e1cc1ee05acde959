"""`airlock prove`: whether what all gates let through is what was declared."""

from pathlib import Path
from typing import Annotated

import typer

from . import _stacks
from ._run import EXIT_PROOF, Cwd, print_json

Json = Annotated[bool, typer.Option("--json", help="Print the proof as JSON.")]


def prove(
    stack: _stacks.Chosen = None,
    from_file: _stacks.From = None,
    at: Annotated[str | None, typer.Option(help="An instant instead of now (ISO 8601; UTC unless it has an offset).")] = None,
    json_: Json = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every expectation, every assumption and every finding, with URNs.")
    ] = False,
    cwd: Cwd = Path(),
) -> None:
    """Prove that what all gates let through is exactly what is declared, and that all expectations hold.

    Exit status: 0 proven, 1 the program or a file is wrong, 3 the proof fails.
    """
    from ..report.proof import prove_stack, show, to_json

    found = _stacks.stack_of(stack, from_file, cwd)
    proof = prove_stack(found, at=_stacks.instant(at, "--at"))
    if json_:
        print_json(to_json(proof))
    else:
        show(proof, verbose=verbose)
    raise typer.Exit(0 if proof.ok else EXIT_PROOF)
