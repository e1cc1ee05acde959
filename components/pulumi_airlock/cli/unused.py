"""`airlock unused`: declared routes that logs do not show to be used."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, Problem
from . import _logs, _stacks
from ._run import EXIT_WRONG, Cwd, print_json


def unused(
    logs: _logs.Logs = None,
    days: Annotated[int, typer.Option("--days", min=1, help="For how many days, back from the last day of the logs.")] = 30,
    stack: _stacks.Chosen = None,
    from_file: _stacks.From = None,
    access: Annotated[Path | None, typer.Option("--access", help="An access file instead of a stack.", dir_okay=False)] = None,
    runs: _logs.Runs = None,
    worker: _logs.WorkerAt = None,
    aggregated: _logs.Aggregated = None,
    log_format: _logs.LogFormat = "",
    token_env: _logs.TokenEnv = "AIRFLOW_TOKEN",  # noqa: S107  # a variable's name
    json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the routes that are used, too.")] = False,
    cwd: Cwd = Path(),
) -> None:
    """List declared routes that logs do not show to be used, with when they were seen last.

    A route is unused where a gate on its destination's path wrote logs on every one of these days, and none shows it. With task
    runs, or a log that names tasks, that is told for the route's own principals, else for the destination.

    Exit status: 0 answered, whatever the answer; 1 a file, a line or the command is wrong.
    """
    from ..access import load
    from ..gates.declaration import required_access
    from ..learn import gate_kinds, unused
    from ..report.unused import show_usage, usage_to_json

    if (access is not None) + (stack is not None) + (from_file is not None) != 1:
        raise InputError([Problem("", "", "give one of --access FILE, --stack NAME and --from FILE")])
    resources = None if access is not None else _stacks.stack_of(stack, from_file, cwd)
    known = load(access) if access is not None else required_access(resources) if resources is not None else None
    assert known is not None  # noqa: S101  # one of them was given
    workers = _logs.workers(worker, runs, logs)
    with _logs.seen_in(logs, aggregated, log_format) as seen:
        found = unused(
            seen,
            _logs.learnt(seen, runs, workers, known, token_env),
            known,
            gate_kinds(known, resources),
            days,
        )
        covered, told = seen.covered(), seen.told
    if json_:
        print_json(usage_to_json(found, covered, days))
    else:
        show_usage(found, covered, days, verbose=verbose)
    raise typer.Exit(EXIT_WRONG if told.unreadable else 0)
