"""`airlock prove`: whether what all gates let through is what was declared; and what to tidy up."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import _reports, _stacks
from ._run import EXIT_PROOF, Cwd, print_json, write_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..gates.stack import Stack
    from ..identity.findings import IdentityFinding
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
    sarif: _reports.Sarif = None,
    junit: _reports.Junit = None,
    waste: Waste = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every expectation, every assumption and every finding, with URNs.")
    ] = False,
    cwd: Cwd = Path(),
) -> None:
    """Prove that what all gates let through is exactly what is declared, and that all expectations hold.

    Then the exceptions by which routes lead above their principals' clearance; and what to tidy up, which fails nothing: what
    ends within two weeks, names that lead nowhere, objects that nothing uses.

    Identity stands beside the network: groups, roles and service accounts that differ from system to system fail as well. And so
    does a check that has not exactly one owner: people's identity, or requests, that nobody looks at, or two gates.

    Exit status: 0 proven, 1 the program or a file is wrong, 3 the proof fails, or identity or an owner does.
    """
    from ..identity.findings import sound
    from ..report.identity import identity_in
    from ..report.proof import prove_stack

    reports = _reports.Reports(sarif, junit, cwd, stack or "", from_file)
    with reports.of_failures():
        found = _stacks.stack_of(stack, from_file, cwd)
        proof = prove_stack(found, at=_stacks.instant(at, "--at"))
        identity = identity_in(found, at=proof.at)
    if reports.wanted:
        from ..report.ci.stack import report_of_stack

        reports.write(report_of_stack(found.name or "stack", reports.places(found), proof=proof, identity=identity))
    if html is not None:
        from ..report.page import stack_page

        source = f"--stack {shlex.quote(stack)}" if stack else f"--from {shlex.quote(str(from_file))}"
        write_file(html, stack_page(found, proof, generated_from=source))
    if markdown is not None:
        from ..report.clearance import exemptions_in
        from ..report.markdown import to_markdown

        title = f"Stack {found.name}" if found.name else "Access proof"
        write_file(markdown, to_markdown(proof, title=title, exemptions=exemptions_in(found, proof), identity=identity))
    if json_:
        _print(found, proof, identity, waste)
    else:
        _show(found, proof, identity, waste, verbose)
    raise typer.Exit(0 if proof.ok and not proof.overlaps and sound(identity) else EXIT_PROOF)


def _show(found: "Stack", proof: "Proof", identity: "Sequence[IdentityFinding]", waste: bool, verbose: bool) -> None:
    from ..gates.references import references
    from ..report.clearance import exemptions_in, show_exemptions
    from ..report.hygiene import expiring_in, show_expiring, show_references
    from ..report.identity import compared_in, show_identity, show_identity_summary
    from ..report.lines import console
    from ..report.proof import show, show_summary

    out = console()
    show(proof, out, verbose=verbose, summary=False)
    show_exemptions(out, exemptions_in(found, proof))
    show_identity(out, identity, verbose=verbose)
    show_references(out, references(found), verbose=verbose)
    show_expiring(out, expiring_in(found, at=proof.at), verbose=verbose)
    if waste:
        from ..report.waste import show_waste, waste_in

        show_waste(out, waste_in(found, at=proof.at), verbose)
    show_summary(out, proof)
    show_identity_summary(out, identity, compared_in(found))


def _print(found: "Stack", proof: "Proof", identity: "Sequence[IdentityFinding]", waste: bool) -> None:
    from ..gates.references import references
    from ..report.clearance import exemptions_in, exemptions_to_json
    from ..report.hygiene import expiring_in, expiring_to_json, references_to_json
    from ..report.identity import identity_to_json
    from ..report.proof import to_json

    document = to_json(proof)
    document["identityFindings"] = identity_to_json(identity)
    document["ok"] = document["ok"] and not proof.overlaps and document["identityFindings"]["ok"]
    document["exceptions"] = exemptions_to_json(exemptions_in(found, proof))
    document["references"] = references_to_json(references(found))
    document["expiring"] = expiring_to_json(expiring_in(found, at=proof.at))
    if waste:
        from ..report.waste import to_json as waste_to_json
        from ..report.waste import waste_in

        document["waste"] = waste_to_json(waste_in(found, at=proof.at))
    print_json(document)
