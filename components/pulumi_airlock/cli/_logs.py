"""What the commands that read logs by DuckDB have in common: the progress, and what could not be read."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError, Problem, Problems
from ..logs.files import STDIN, check_files
from ._secrets import token_of

if TYPE_CHECKING:
    from ..access import Access
    from ..learn import Learnt, Seen, Worker
    from ..learn.seen import Progress, Told

Logs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="LOG",
        show_default=False,
        help="FortiGate traffic logs, VPC flow logs, Hubble's flows, ZPA's LSS, Envoy's and Airlock's proxy's logs; plain or "
        "gzip; `-`: standard input.",
    ),
]
Aggregated = Annotated[
    list[Path] | None,
    typer.Option("--aggregated", help="What the query of --sql answered, as CSV or JSON lines; several times.", dir_okay=False),
]
LogFormat = Annotated[
    str, typer.Option("--log-format", help="The fields of a flow log with a custom format, as in `${srcaddr} ${dstaddr} …`.")
]
Runs = Annotated[
    list[str] | None,
    typer.Option(
        "--runs",
        metavar="[ENVIRONMENT=]SOURCE",
        help="Task runs: a dump of Airflow's table task_instance (CSV, JSON), or the URL of its REST API; once for each "
        "environment.",
    ),
]
WorkerAt = Annotated[
    list[str] | None,
    typer.Option(
        "--worker", metavar="HOST=ADDRESS", help="The address, or network, of workers whose host name (a glob) does not tell it."
    ),
]
TokenEnv = Annotated[str, typer.Option("--token-env", help="The variable with the token for the REST API.")]
AccessFile = Annotated[
    Path | None, typer.Option("--access", help="The access file that there is: only what it lacks is proposed.", dir_okay=False)
]


@contextmanager
def seen_in(logs: list[str] | None, aggregated: list[Path] | None, log_format: str) -> Iterator["Seen"]:
    """All that the logs show, counted. InputError where none is given, or one cannot be read."""
    from ..learn import opened, read_aggregated

    if not logs and not aggregated:
        raise InputError([Problem("", "LOG", "give logs, or --aggregated FILE with what the query of --sql answered")])
    check_files(logs or [])
    with opened(log_format) as seen:
        read_all(seen, logs or [])
        for path in aggregated or []:
            read_aggregated(seen, path)
        tell(seen.told)
        yield seen


def learnt(
    seen: "Seen", runs: list[str] | None, workers: Sequence["Worker"], access: "Access | None", token_env: str
) -> "Learnt":
    """What the logs show, joined with the task runs of their time."""
    from ..learn import learn, read_runs

    covered = seen.covered()
    if not covered:
        return learn(seen, [], workers, access)
    since, until = min(one.first for one in covered), max(one.last for one in covered) + timedelta(minutes=1)
    token = token_of(os.environ, token_env)
    found = [one for source in runs or [] for one in read_runs(source, since=since, until=until, token=token)]
    if runs and not found:
        between = f"between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M} UTC, the time of the logs"
        print(f"note: no task ran {between}", file=sys.stderr)
    return learn(seen, found, workers, access)


def workers(texts: list[str] | None, runs: list[str] | None, logs: list[str] | None) -> list["Worker"]:
    """What --worker says. InputError, before anything is read, where it says nothing, or where a file is not there."""
    from ..learn import check_runs, worker_of

    problems, found = Problems(""), []
    with problems.noting(""):
        check_files(logs or [])
    with problems.noting(""):
        check_runs(runs or [])
    for text in texts or []:
        try:
            found.append(worker_of(text))
        except ValueError as error:
            problems.add("--worker", str(error))
    problems.raise_any()
    return found


def read_all(seen: "Seen", logs: Sequence[str]) -> None:
    """Reads every log, with a bar on a terminal."""
    with _bar(logs) as tell:
        for name in logs:
            seen.read(name, tell(name))


class _Bar:
    """Bytes of all files, whatever each of them takes."""

    def __init__(self, logs: Sequence[str]) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._sizes = {name: Path(name).stat().st_size if name != STDIN else 0 for name in logs}
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), transient=True
        )
        self.progress.console.stderr = True
        self._task = self.progress.add_task("reading logs", total=sum(self._sizes.values()))
        self._done = 0

    def __call__(self, name: str) -> "Progress":
        begin, size = self._done, self._sizes[name]
        self._done += size
        self.progress.update(self._task, description=Path(name).name, completed=begin)
        return lambda share: self.progress.update(self._task, completed=begin + int(size * share))


@contextmanager
def _bar(logs: Sequence[str]) -> Iterator["_Bar | _Silent"]:
    if not sys.stderr.isatty():
        yield _Silent()
        return
    bar = _Bar(logs)
    with bar.progress:
        yield bar


class _Silent:
    def __call__(self, name: str) -> None:
        return None


def tell(told: "Told") -> None:
    """What of the logs was not used, on standard error."""
    notes = (
        ("lines of what servers answered", told.answers),
        ("lines of something else than connections", told.understood),
        ("connections without a time", told.untimed),
    )
    for what, count in notes:
        if count:
            print(f"note: {what}: {count:,}", file=sys.stderr)
    for one in told.examples[:5]:
        print(f"{one.file}:{one.number}: {one.why}: {one.line[:120]}", file=sys.stderr)
    if told.unreadable:
        print(f"error: lines that cannot be read: {told.unreadable:,}", file=sys.stderr)
