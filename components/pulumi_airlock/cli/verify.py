"""`airlock verify`: whether logs show what the stack compiled."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AirlockError, InputError, Problem
from . import _stacks
from ._run import EXIT_PROOF, EXIT_WRONG, Cwd, print_json

if TYPE_CHECKING:
    from ..verify import Verification, Verifier

_AGO = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def verify(
    logs: Annotated[
        list[str],
        typer.Argument(
            metavar="LOG",
            show_default=False,
            help="Logs of ZPA (LSS, user activity), ZIA (NSS, firewall and web), VPC and transit gateway flow logs, FortiGate "
            "traffic logs; plain or gzip, mixed or not; `-`: standard input.",
        ),
    ],
    stack: _stacks.Chosen = None,
    from_file: _stacks.From = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only what began since then: ISO 8601, or so long ago (`90m`, `24h`, `7d`)."),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option("--log-format", help="The fields of a flow log with a custom format, as in `${srcaddr} ${dstaddr} …`."),
    ] = None,
    require_seen: Annotated[bool, typer.Option("--require-seen", help="Fail as well where something was not seen yet.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List every finding.")] = False,
    cwd: Cwd = Path(),
) -> None:
    """Verify by logs, after an `up`, that the traffic of scheduler, worker and web server goes through Zscaler as compiled.

    What is reached around it, let through undeclared, refused although declared, or decided by a rule that the stack does not
    have is a finding, with the line of the log.

    Exit status: 0 nothing is wrong; 1 the stack, a file or a line cannot be read; 3 there are findings, or, with --require-seen,
    something was not seen yet.
    """
    from ..verify import Verifier, check_files, expected_of

    now = datetime.now(UTC)
    start = _since(since, now)
    check_files(logs)
    expected = expected_of(_stacks.stack_of(stack, from_file, cwd))
    try:
        verifier = Verifier(expected, at=now, since=start, log_format=log_format or "")
    except ValueError as error:
        if isinstance(error, AirlockError):
            raise
        raise InputError([Problem("", "--log-format", str(error))]) from None
    found = _read(verifier, logs)
    _show(found, json_=json_, verbose=verbose)
    raise typer.Exit(_status(found, require_seen=require_seen))


def _since(text: str | None, now: datetime) -> datetime | None:
    ago = _AGO.fullmatch(text or "")
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    return _stacks.instant(text, "--since")


def _read(verifier: "Verifier", logs: list[str]) -> "Verification":
    from ..verify import lines_of

    with _progress() as tell:
        for name in logs:
            verifier.read("standard input" if name == "-" else name, lines_of(name), tell(name))
    return verifier.result()


@contextmanager
def _progress() -> Iterator[Callable[[str], Callable[[int], None] | None]]:
    """A line that tells how far it is, on a terminal alone."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("reading logs") as status:
        yield lambda name: lambda number: status.update(f"{name}: {number:,} lines")


def _show(found: "Verification", *, json_: bool, verbose: bool) -> None:
    from ..report.verify import show_verification, to_json

    if json_:
        print_json(to_json(found))
    else:
        show_verification(found, verbose=verbose)
    if found.unreadable_count and json_:
        print(f"error: {found.unreadable_count} lines cannot be read", file=sys.stderr)


def _status(found: "Verification", *, require_seen: bool) -> int:
    if found.findings or (require_seen and found.unseen):
        return EXIT_PROOF
    return EXIT_WRONG if found.unreadable_count else 0
