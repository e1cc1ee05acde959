"""`airlock learn`: routes that logs speak for, with what speaks for each."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import _logs
from ._run import EXIT_WRONG, print_json, write_file

if TYPE_CHECKING:
    from ..learn import Learnt, Proposed


def learn(
    logs: _logs.Logs = None,
    runs: _logs.Runs = None,
    access: _logs.AccessFile = None,
    worker: _logs.WorkerAt = None,
    aggregated: _logs.Aggregated = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a whole access file: the one of --access with what it lacks.", dir_okay=False),
    ] = None,
    windows: Annotated[bool, typer.Option("--windows", help="Propose windows by the times of day at which it was seen.")] = False,
    least: Annotated[int, typer.Option("--least", min=1, help="Connections that a task has to have made to a destination.")] = 1,
    sql: Annotated[
        str, typer.Option("--sql", metavar="athena|bigquery", help="Print the query to run where the logs live.")
    ] = "",
    of: Annotated[str, typer.Option("--of", metavar="FORMAT", help="The logs of --sql: vpc-flow, gcp-flow or fortigate.")] = "",
    table: Annotated[str, typer.Option("--table", help="The table of --sql.")] = "",
    since: Annotated[str, typer.Option("--since", metavar="DAY", help="The first day of --sql; 30 days ago without it.")] = "",
    partition: Annotated[str, typer.Option("--partition", help="By what Athena's table is partitioned: date or day.")] = "date",
    log_format: _logs.LogFormat = "",
    token_env: _logs.TokenEnv = "AIRFLOW_TOKEN",  # noqa: S107  # a variable's name
    json_: Annotated[bool, typer.Option("--json", help="Print the proposals as JSON.")] = False,
) -> None:
    """Propose least-privilege routes from logs, joined with the runs of Airflow's tasks.

    Where the log names the task, that is exact; where it shows the worker alone, the runs there at that time are weighed. Each
    route stands with what speaks for it. Nothing is proposed that the access file's own expectations and clearances refuse.

    Exit status: 0 done, whatever was found; 1 a file, a line or the command is wrong.
    """
    from ..access import load
    from ..learn import added, fragment, merged, propose, query, to_json

    today = datetime.now(UTC).date()
    if sql:
        print(query(sql, of, table, since, today, partition))
        return
    known = load(access) if access is not None else None
    workers = _logs.workers(worker, runs, logs)
    with _logs.seen_in(logs, aggregated, log_format) as seen:
        found = _logs.learnt(seen, runs, workers, known, token_env)
        told = seen.told
    proposed = propose(found, known, today, windows=windows, least=least)
    added(known, proposed)
    if output is not None:
        text = merged(access.read_text("utf-8"), str(access), proposed) if access else fragment(proposed, found, whole=True)
        write_file(output, text)
    if json_:
        print_json(to_json(proposed, found))
    elif output is None:
        print(fragment(proposed, found, whole=known is None), end="")
    _tell(found, proposed)
    if not runs and found.unexplained:
        print("note: without --runs only logs that name tasks, or service accounts, tell who it was", file=sys.stderr)
    raise typer.Exit(EXIT_WRONG if told.unreadable else 0)


def _tell(found: "Learnt", proposed: "Proposed") -> None:
    """What came of it in short, on standard error."""
    notes = (
        ("routes proposed", len(proposed.routes)),
        ("routes that the access file's own rules refuse", len(proposed.refused)),
        ("tasks that nothing tells apart from others, by destination", len(proposed.unclear)),
        ("destinations that are reached as routes declare", proposed.declared),
        ("uses of declared routes outside their windows", len(proposed.outside)),
        ("connections that no task explains", sum(found.unexplained.values())),
        ("of these from addresses of no worker", found.not_of_workers),
        (f"workers without an address ({', '.join(found.lost[:3])}; give --worker)", len(found.lost)),
    )
    for what, count in notes:
        if count:
            print(f"note: {what}: {count:,}", file=sys.stderr)
