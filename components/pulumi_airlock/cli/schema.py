"""`airlock schema`: the JSON Schema of the access file, for editors and other tools."""

from pathlib import Path
from typing import Annotated

import typer

from ..access.schema import schema_text
from ..errors import InputError, Problem

_Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file instead of printing it.")]


def schema(output: _Output = None) -> None:
    """Print the JSON Schema of the access file (draft 2020-12)."""
    text = schema_text()
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(str(output), "", f"cannot be written: {error.strerror}")]) from None
