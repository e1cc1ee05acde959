"""`airlock calls`: how many calls of rate-limited APIs an update spends."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, Problem
from . import _run, _stacks


def calls(
    stack: _stacks.Chosen = None,
    from_file: Annotated[
        Path | None, typer.Option("--from", help="The output of `pulumi preview --json` instead.", dir_okay=False)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    cwd: _run.Cwd = Path(),
) -> None:
    """Count the calls of Zscaler's APIs that an update would make, and tell how long that takes at their rate limits.

    Exit status: 0 answered; 1 the program or a file is wrong.
    """
    from ..offline.call_budget import Spent, plan_calls, preview_calls

    if (stack is None) == (from_file is None):
        raise InputError([Problem("", "", "give either --stack NAME or --from FILE")])
    found: tuple[Spent, ...]
    if from_file is not None:
        from ..gates.documents import read_document

        document = read_document(from_file)
        if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
            raise InputError([Problem(str(from_file), "", "is no preview: give the output of `pulumi preview --json`")])
        if not all(isinstance(one, dict) and isinstance(one.get("op"), str) for one in document["steps"]):
            raise InputError([Problem(str(from_file), "steps", "is no preview: not all of its steps have an operation (`op`)")])
        found = preview_calls(document)
    else:
        with _run.session(str(stack), cwd, without_packs=True, json_=json_) as (opened, _):
            found = plan_calls(opened.preview())
    if json_:
        _run.print_json([one.document() for one in found])
        return
    for one in found:
        print(one.text)
        for over in one.over:
            print(f"  warning: {over}; replaced or deleted: {', '.join(urn.rsplit('::', 1)[-1] for urn in one.replaced)}")
    if not found:
        print("no calls of a rate-limited API")
