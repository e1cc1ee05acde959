"""`airlock audit`: who reached what, when, and why others did not, from the logs of tasks, proxies and gates."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AirlockError, InputError, Problem
from ._run import EXIT_WRONG, print_json, write_file

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from ..audit.timeline import Trail


def audit(
    logs: Annotated[
        list[str],
        typer.Argument(
            metavar="LOG",
            show_default=False,
            help="The provider's events (JSON lines, also wrapped by CloudWatch, Cloud Logging, Splunk or a syslog receiver), "
            "the TCP proxy's log, and FortiGate, flow and other logs to join; plain or gzip, mixed or not; `-`: standard input.",
        ),
    ],
    to: Annotated[str, typer.Option("--to", metavar="DESTINATION", help="A destination's name, host, or host:port; globs.")] = "",
    who: Annotated[str, typer.Option("--who", help="A `dag.task`, DAG, principal or AI agent; globs.")] = "",
    run: Annotated[
        str, typer.Option("--run", help="A run: its correlation id, the begin of it, or Airflow's run id; globs.")
    ] = "",
    on: Annotated[
        str | None, typer.Option("--on", metavar="DAY", help="A day: `tuesday` (the last one), `yesterday`, `2026-11-24`.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From then on: ISO 8601, or so long ago (`90m`, `24h`, `7d`).")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Until then.")] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="The time zone of days, and of what is shown.")] = "UTC",
    log_format: Annotated[
        str, typer.Option("--log-format", help="The fields of a flow log with a custom format, as in `${srcaddr} ${dstaddr} …`.")
    ] = "",
    html: Annotated[Path | None, typer.Option("--html", help="Write a page, too.", dir_okay=False)] = None,
    ocsf_: Annotated[
        Path | None,
        typer.Option("--ocsf", help="Write what proxies and other gates logged of it as OCSF events, too.", dir_okay=False),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the timeline of every run.")] = False,
) -> None:
    """Tell from logs who reached what, when, and why others did not: one timeline a task run, with its sessions and denials.

    `airlock audit events.jsonl proxy.jsonl fortigate.log --to warehouse --on tuesday` answers who reached the warehouse last
    Tuesday. A session counts for every day on which it was open.

    Exit status: 0 answered, whatever the answer; 1 the question or a file is wrong, or nothing in it could be read.
    """
    from ..audit.timeline import Question, ocsf, read
    from ..logs.files import STDIN, check_files, lines_of
    from ..report.timeline import Shown, show_trail
    from ..report.timeline_json import trail_to_json

    start, end, zone = _time(on, from_, until, timezone)
    check_files(logs)
    question = Question(start, end, to, run, who)
    try:
        with _progress() as tell:
            names = ["standard input" if one == STDIN else one for one in logs]
            once = frozenset({"standard input"} if STDIN in logs else ())
            trail = read(
                names,
                lambda name: lines_of(STDIN if name in once else name),
                question,
                log_format=log_format,
                once=once,
                tell=tell,
            )
    except ValueError as error:
        if isinstance(error, AirlockError):
            raise
        raise InputError([Problem("", "--log-format", str(error))]) from None
    shown = Shown(trail, question, question.answered(trail), zone, tuple(logs))
    if html is not None:
        from ..report.timeline_page import render_timeline

        write_file(html, render_timeline(shown))
    if ocsf_ is not None:
        write_file(ocsf_, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in ocsf(shown.runs)))
    if json_:
        print_json(trail_to_json(shown))
    else:
        show_trail(shown, verbose=verbose)
    raise typer.Exit(_status(trail))


def _time(
    on: str | None, from_: str | None, until: str | None, timezone: str
) -> "tuple[datetime | None, datetime | None, ZoneInfo]":
    from ..audit.timeline import day, moment, zone_of

    now, zone = datetime.now(UTC), zone_of(timezone)
    if on is not None:
        if from_ is not None or until is not None:
            raise InputError([Problem("", "--on", "says from when until when: leave --from and --until out")])
        return (*day(on, now, zone), zone)
    start = moment(from_, "--from", now, zone) if from_ is not None else None
    end = moment(until, "--until", now, zone) if until is not None else None
    if start is not None and end is not None and start >= end:
        raise InputError([Problem("", "--until", f"{until} is not after {from_}")])
    return start, end, zone


def _status(trail: "Trail") -> int:
    return EXIT_WRONG if not trail.formats and (trail.unread_count or trail.strange_count) else 0


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None] | None]:
    """A line that tells how far it is, on a terminal alone."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with console.status("reading logs") as status:
        yield lambda name, number: status.update(f"{name}: {number:,} lines")
