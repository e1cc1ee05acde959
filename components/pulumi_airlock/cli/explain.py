"""`airlock explain`: why somebody can, or cannot, reach something."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from . import _stacks
from ._run import Cwd, print_json


def explain(
    principal: Annotated[
        str, typer.Argument(help="A principal's name, `dag.task`, `environment/dag.task`, `environment/other` or `outside`.")
    ],
    destination: Annotated[str, typer.Argument(metavar="DESTINATION[:PORT]", help="A destination's name, a host or an address.")],
    stack: _stacks.Chosen = None,
    from_file: _stacks.From = None,
    at: Annotated[str | None, typer.Option(help="When (ISO 8601; UTC unless it has an offset); now without it.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
    urns: Annotated[bool, typer.Option("--urns", help="Name resources by their whole URNs.")] = False,
    cwd: Cwd = Path(),
) -> None:
    """Explain, gate by gate, why a principal can or cannot reach a destination: which rule decides, and on which resource.

    Exit status: 0 explained, whatever the answer; 1 the program, a file or the question is wrong.
    """
    from ..report.proof import explain_stack, explanation_to_json, show_explanation

    found = _stacks.stack_of(stack, from_file, cwd)
    when = _stacks.instant(at, "--at")
    explanation = explain_stack(found, principal, destination, at=datetime.now(UTC), when=when)
    if json_:
        print_json(explanation_to_json(explanation))
    else:
        show_explanation(explanation, urns=urns)
