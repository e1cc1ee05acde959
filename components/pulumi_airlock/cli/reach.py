"""`airlock reach`: what somebody can reach, and who can reach something."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, Problem
from . import _stacks
from ._run import Cwd, print_json


def reach(
    who: Annotated[
        str | None,
        typer.Argument(help="A principal's name, `dag.task`, `environment/dag.task`, `other` or `outside`."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="DESTINATION[:PORT]", help="A destination's name, a host or an address.")
    ] = None,
    stack: _stacks.Chosen = None,
    from_file: _stacks.From = None,
    at: Annotated[
        str | None, typer.Option(help="At this instant alone (ISO 8601; UTC unless it has an offset); at any time without it.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    cwd: Cwd = Path(),
) -> None:
    """List everything that WHO can reach, or, with --to, everybody who can reach a destination: ports, times, routes, gates.

    What no route declares is marked.

    Exit status: 0 answered, whatever the answer; 1 the program, a file or the question is wrong.
    """
    if who is None and to is None:
        raise InputError([Problem("", "", "say WHO, or --to DESTINATION, or both")])
    from ..report.reach import reach_stack, show_reach, to_json

    found = _stacks.stack_of(stack, from_file, cwd)
    answer = reach_stack(found, who=who, to=to, when=_stacks.instant(at, "--at"))
    if json_:
        print_json(to_json(answer))
    else:
        show_reach(answer)
