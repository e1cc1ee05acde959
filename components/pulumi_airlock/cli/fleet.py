"""`airlock fleet`: many stacks previewed at once, with one summary."""

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError, Problem, Problems
from . import _run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from ..offline.project import Project
    from ..report.fleet import Outcome

_Stacks = Annotated[
    list[str] | None,
    typer.Argument(help="Stacks, or patterns of their names (`prod-*`); without any, all of the project.", metavar="STACK"),
]
_Jobs = Annotated[int, typer.Option("--jobs", "-j", help="How many at once; 0: one for each processor.", min=0)]
_Base = Annotated[
    str | None, typer.Option("--base", metavar="REVISION", help="Compare the access of each stack with this git revision too.")
]
_Reports = Annotated[
    Path | None,
    typer.Option(
        "--reports", help="Write `<stack>.sarif`, `.junit.xml` and `.txt` (what its preview prints) there.", file_okay=False
    ),
]
_Markdown = Annotated[Path | None, typer.Option("--markdown", help="Write a comment for a pull request too.", dir_okay=False)]
_Json = Annotated[bool, typer.Option("--json", help="Print what each stack came to as JSON.")]


def fleet(
    stacks: _Stacks = None,
    jobs: _Jobs = 0,
    base: _Base = None,
    reports: _Reports = None,
    markdown: _Markdown = None,
    json_: _Json = False,
    policy_pack: _run.PolicyPack = None,
    policy_pack_config: _run.PolicyPackConfig = None,
    no_policy_packs: _run.NoPolicyPacks = False,
    cwd: _run.Cwd = Path(),
) -> None:
    """Preview many stacks at once, with policies and proof: one table, and one exit status.

    A stack that fails keeps no other from being previewed. Exit status: that of the worst stack: 1 the program or a file is
    wrong, 2 a mandatory policy is violated, 3 the proof fails; 0 when all are well. Stopped by Ctrl-C it is 130, and no process
    is left.
    """
    from rich.console import Console

    from ..offline.project import find_project
    from ..report.fleet import show_fleet, to_json, to_markdown, worst
    from ..report.lines import UNLIMITED
    from . import _revisions
    from ._fleet import Fleet, StoppedError
    from ._fleet_stack import Request

    project = find_project(cwd)
    chosen = _chosen(project, stacks or [])
    console = Console(stderr=json_, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = UNLIMITED
    with ExitStack() as held:
        scratch = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="airlock-")))
        logs = _folder(reports) if reports else scratch
        old = held.enter_context(_revisions.checkout_with_state(base, project.root)) if base else ""
        same = Request(
            cwd=str(cwd.absolute()),
            packs=tuple(str(one.absolute()) for one in policy_pack or ()),
            configs=tuple(str(one.absolute()) for one in policy_pack_config or ()),
            without_packs=no_policy_packs,
            reports=str(logs.absolute()) if reports else "",
            base=str(old),
            base_name=base or "",
        )
        requests = [replace(same, stack=stack, result=str(scratch / f"{stack}.json")) for stack in chosen]
        told = held.enter_context(_progress(console, len(chosen)))
        try:
            outcomes = Fleet(jobs or os.cpu_count() or 1, logs, *told).run(requests)
        except StoppedError as stopped:
            print(f"stopped by {stopped}: every process is ended", file=sys.stderr)
            raise typer.Exit(stopped.status) from None
    if markdown is not None:
        _run.write_file(markdown, to_markdown(outcomes, base=base or ""))
    if json_:
        _run.print_json(to_json(outcomes))
    else:
        console.print()
        show_fleet(console, outcomes, reports=str(reports or ""))
    raise typer.Exit(worst(outcomes))


def _chosen(project: "Project", patterns: Sequence[str]) -> tuple[str, ...]:
    """The stacks that the patterns mean, each once, in the project's order. InputError with every pattern that means none."""
    from ..access.errors import nearest

    known, problems = project.stacks(), Problems(str(project.settings))
    if not known:
        raise InputError([Problem(str(project.settings), "", "no stacks: there is no Pulumi.<stack>.yaml")])
    for pattern in patterns:
        if not any(fnmatchcase(stack, pattern) for stack in known):
            problems.add("", f"no stack {pattern!r}{nearest(pattern, known)}")
    problems.raise_any()
    return tuple(one for one in known if not patterns or any(fnmatchcase(one, pattern) for pattern in patterns))


def _folder(reports: Path) -> Path:
    try:
        reports.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError([Problem(str(reports), "--reports", f"cannot be made: {error.strerror}")]) from error
    return reports


@contextmanager
def _progress(console: "Console", number: int) -> "Iterator[tuple[Callable[[str], None], Callable[[Outcome], None]]]":
    """A line for each stack that is done, and on a terminal one that tells which are on their way."""
    from ..report.fleet import line

    status = console.status("starting") if console.is_terminal else None
    running: list[str] = []
    done = 0

    def tell() -> None:
        if status:
            status.update(f"{done} of {number} done; {', '.join(running)}")

    def started(stack: str) -> None:
        running.append(stack)
        tell()

    def ended(outcome: "Outcome") -> None:
        nonlocal done
        running.remove(outcome.stack)
        done += 1
        console.print(line(outcome))
        tell()

    if status is None:
        yield started, ended
    else:
        with status:
            yield started, ended
