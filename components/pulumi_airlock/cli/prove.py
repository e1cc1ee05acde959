"""`airlock prove`: whether what all gates let through is what was declared; and what to tidy up."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import _stacks
from ._run import EXIT_PROOF, Cwd, print_json, write_file

if TYPE_CHECKING:
    from ..gates.stack import Stack
    from ..proof import Proof

Json = Annotated[bool, typer.Option("--json", help="Print the proof as JSON.")]
Html = Annotated[
    Path | None,
    typer.Option("--html", help="Write one page too, to look at in a browser: the matrix, and every path in it.", dir_okay=False),
]
Markdown = Annotated[Path | None, typer.Option("--markdown", help="Write the proof as Markdown too.", dir_okay=False)]
Waste = Annotated[
    bool,
    typer.Option("--waste", help="Look for rules and routes that are there for nothing, and count against the fewest possible."),
]


def prove(
    stack: _stacks.Chosen = None,
    from_file: _stacks.From = None,
    at: Annotated[str | None, typer.Option(help="An instant instead of now (ISO 8601; UTC unless it has an offset).")] = None,
    json_: Json = False,
    html: Html = None,
    markdown: Markdown = None,
    waste: Waste = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every expectation, every assumption and every finding, with URNs.")
    ] = False,
    cwd: Cwd = Path(),
) -> None:
    """Prove that what all gates let through is exactly what is declared, and that all expectations hold.

    Then what to tidy up, which fails nothing: what ends within two weeks, names that lead nowhere, objects that nothing uses.

    Exit status: 0 proven, 1 the program or a file is wrong, 3 the proof fails.
    """
    from ..report.proof import prove_stack

    found = _stacks.stack_of(stack, from_file, cwd)
    proof = prove_stack(found, at=_stacks.instant(at, "--at"))
    if html is not None:
        from ..report.page import stack_page

        source = f"--stack {shlex.quote(stack)}" if stack else f"--from {shlex.quote(str(from_file))}"
        write_file(html, stack_page(found, proof, generated_from=source))
    if markdown is not None:
        from ..report.markdown import to_markdown

        write_file(markdown, to_markdown(proof, title=f"Stack {found.name}" if found.name else "Access proof"))
    if json_:
        _print(found, proof, waste)
    else:
        _show(found, proof, waste, verbose)
    raise typer.Exit(0 if proof.ok else EXIT_PROOF)


def _show(found: "Stack", proof: "Proof", waste: bool, verbose: bool) -> None:
    from ..gates.references import references
    from ..report.hygiene import expiring_in, show_expiring, show_references
    from ..report.lines import console
    from ..report.proof import show, show_summary

    out = console()
    show(proof, out, verbose=verbose, summary=False)
    show_references(out, references(found), verbose=verbose)
    show_expiring(out, expiring_in(found, at=proof.at), verbose=verbose)
    if waste:
        from ..report.waste import show_waste, waste_in

        show_waste(out, waste_in(found, at=proof.at), verbose)
    show_summary(out, proof)


def _print(found: "Stack", proof: "Proof", waste: bool) -> None:
    from ..gates.references import references
    from ..report.hygiene import expiring_in, expiring_to_json, references_to_json
    from ..report.proof import to_json

    document = to_json(proof)
    document["references"] = references_to_json(references(found))
    document["expiring"] = expiring_to_json(expiring_in(found, at=proof.at))
    if waste:
        from ..report.waste import to_json as waste_to_json
        from ..report.waste import waste_in

        document["waste"] = waste_to_json(waste_in(found, at=proof.at))
    print_json(document)
