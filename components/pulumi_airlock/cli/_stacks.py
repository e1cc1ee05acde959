"""Where `prove`, `explain` and others get a stack from: a file, or the offline preview of a stack of the project."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError, Problem

if TYPE_CHECKING:
    from ..gates.stack import Stack

Chosen = Annotated[str | None, typer.Option("--stack", "-s", help="A stack of the project: its offline preview is looked at.")]
From = Annotated[
    Path | None,
    typer.Option(
        "--from", help="A JSON file instead: of `pulumi preview --json`, `pulumi stack export` or `airlock`.", dir_okay=False
    ),
]


def stack_of(stack: str | None, from_file: Path | None, cwd: Path) -> "Stack":
    """The stack that the options name. InputError unless there is exactly one, and where it cannot be read."""
    if (stack is None) == (from_file is None):
        raise InputError([Problem("", "", "give either --stack NAME or --from FILE")])
    if from_file is not None:
        from ..gates.documents import read_document

        return stack_in(read_document(from_file), str(from_file))
    from . import _run

    with _run.session(str(stack), cwd, without_packs=True, json_=True) as (opened, _):
        plan = opened.preview()
    if plan.failed:
        raise InputError([Problem(str(stack), "", "the preview of the stack fails; `airlock preview` says why")])
    return plan.stack()


def stack_in(document: object, name: str) -> "Stack":
    """The stack in a JSON document; what an interrupted update left open is told on standard error."""
    from ..gates.documents import pending
    from ..gates.sources import stack_of_document

    stack = stack_of_document(document, name)
    left = pending(document)
    if left:
        print(f"note: {name}: {left}", file=sys.stderr)
    return stack


def instant(text: str | None, option: str) -> datetime | None:
    """An instant that somebody typed: ISO 8601, in UTC unless it has an offset. InputError when it is none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no instant: write one as in 2026-11-23T23:30:00+01:00"
        raise InputError([Problem("", option, message)]) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
