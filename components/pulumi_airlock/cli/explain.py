"""`airlock explain`: why somebody can, or cannot, reach something; of one, of many, or as a device's log shows it."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..access.values import is_address
from ..errors import InputError, Problem
from ..unreadable import why
from . import _stacks
from ._run import Cwd, print_json, write_file

if TYPE_CHECKING:
    from ..gates.stack import Stack


def explain(
    who: Annotated[
        str | None,
        typer.Argument(
            metavar="WHO",
            show_default=False,
            help="A principal's name, `dag.task`, `environment/dag.task`, `environment/other`, `outside`, or the caller's "
            "address; with wildcards, many.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Argument(
            metavar="WHERE[:PORT]", show_default=False, help="A destination's name, a host or an address; or wildcards."
        ),
    ] = None,
    from_log: Annotated[
        str | None,
        typer.Option(
            "--from-log",
            metavar="LINE",
            help="Instead: a line of a FortiGate traffic log, an AWS flow log, ZPA's LSS, ZIA's NSS, Hubble's flows or an Envoy "
            "access log; `-`: standard input.",
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option("--log-format", help="The fields of a flow log with a custom format, as in `${srcaddr} ${dstaddr} …`."),
    ] = None,
    from_response: Annotated[
        str | None,
        typer.Option(
            "--from-response",
            metavar="FILE",
            help="Instead: who gave an HTTP answer. A file with what `curl -i` prints, or a line of the gateway's or Envoy's "
            "JSON log; `-`: standard input.",
        ),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="The caller's address, if it is known.")] = None,
    stack: _stacks.Chosen = None,
    from_file: _stacks.From = None,
    at: Annotated[str | None, typer.Option(help="When (ISO 8601; UTC unless it has an offset); now without it.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Write a picture of the path too, for a document.", dir_okay=False)
    ] = None,
    urns: Annotated[bool, typer.Option("--urns", help="Name resources by their whole URNs.")] = False,
    cwd: Cwd = Path(),
) -> None:
    """Explain why somebody can, or cannot, reach something: which gate decides by which rule, and what would turn the answer.

    `airlock explain ledger_close.load ledger-db:1521 --stack prod` explains one connection, gate by gate. With wildcards
    (`'finance_*.load' warehouse`, `'*' 10.20.0.0/16:443`) the first of each outcome, and counts. With `--from-log` who can have
    made the connection that a line shows, and whether the device did as the stack says. With `--from-response` who on the way
    said no: Airflow's DAG permission, the gateway, or the mesh, by the marks that each leaves; a stack is not needed.

    Exit status: 0 explained, whatever the answer; 1 the program, a file, a line or the question is wrong.
    """
    if from_response is not None:
        _alone(who, where, from_log, log_format, source, at, svg)
        _response(from_response, stack, from_file, cwd, json_=json_)
        return
    _refuse_mixtures(who, where, from_log, log_format, source, at, svg)
    found = _stacks.stack_of(stack, from_file, cwd)
    when = _stacks.instant(at, "--at")
    if from_log is not None:
        _log(found, from_log, log_format or "", json_=json_, urns=urns)
    elif who is not None and where is not None:
        _question(found, who, where, when, source, svg, json_=json_, urns=urns)


def _refuse_mixtures(
    who: str | None,
    where: str | None,
    from_log: str | None,
    log_format: str | None,
    source: str | None,
    at: str | None,
    svg: Path | None,
) -> None:
    """InputError with everything that does not go together."""
    problems = []
    if from_log is None:
        if who is None or where is None:
            problems.append(
                Problem("", "", "say WHO and WHERE, as in `airlock explain finance_daily.load warehouse:5432`, or --from-log")
            )
        if log_format is not None:
            problems.append(Problem("", "--log-format", "only with --from-log: it says how the log is written"))
    else:
        if who is not None:
            problems.append(Problem("", "--from-log", f"the line says who and where: leave {who!r} out"))
        if at is not None:
            problems.append(Problem("", "--at", "a line of a log says when: leave --at out"))
        if source is not None:
            problems.append(Problem("", "--source", "a line of a log says where from: leave --source out"))
        if svg is not None:
            problems.append(Problem("", "--svg", "a picture shows one path: give WHO and WHERE without wildcards"))
    if problems:
        raise InputError(problems)


def _alone(*others: object) -> None:
    """InputError where something stands beside an answer."""
    if any(one is not None for one in others):
        raise InputError([Problem("", "--from-response", "an answer says it all: leave WHO, WHERE and other options out")])


def _response(file: str, stack: str | None, from_file: Path | None, cwd: Path, *, json_: bool) -> None:
    from ..logs.answer import read_answer, verdicts
    from ..report.answer import answer_to_json, show_answer

    try:
        text = sys.stdin.read() if file == "-" else (cwd / file).read_text(encoding="utf-8", errors="replace")
        answer = read_answer(text)
    except OSError as error:
        raise InputError([Problem(file, "", why(error))]) from None
    except ValueError as error:
        raise InputError([Problem("standard input" if file == "-" else file, "", str(error))]) from None
    found = _stacks.stack_of(stack, from_file, cwd) if stack is not None or from_file is not None else None
    if json_:
        print_json(answer_to_json(answer, verdicts(answer), found))
    else:
        show_answer(answer, verdicts(answer), found)


def _question(
    found: "Stack",
    who: str,
    where: str,
    when: datetime | None,
    source: str | None,
    svg: Path | None,
    *,
    json_: bool,
    urns: bool,
) -> None:
    from ..gates.declaration import required_access
    from ..proof.explanation.asking import is_wild
    from ..report.explanation import explain_stack, explanation_to_json, show_explanation

    now = datetime.now(UTC)
    one = not is_address(who) and not is_wild(required_access(found), who, where)
    if svg is not None and not one:
        raise InputError([Problem("", "--svg", "a picture shows one path: give WHO and WHERE without wildcards")])
    if is_address(who):
        from ..report.observation import explain_source
        from ..report.observation_shown import show_source, source_to_json

        observation = explain_source(found, _address(who) or who, where, at=now, when=when)
        if json_:
            print_json(source_to_json(observation))
        else:
            show_source(observation, urns=urns)
        return
    if not one:
        from ..report.survey import show_survey, survey_stack, survey_to_json

        if source is not None:
            raise InputError([Problem("", "--source", "only for one caller and one destination, without wildcards")])
        survey = survey_stack(found, who, where, at=now, when=when)
        if json_:
            print_json(survey_to_json(survey))
        else:
            show_survey(survey)
        return
    answered = explain_stack(found, who, where, at=now, when=when, source=_address(source))
    if svg is not None:
        from ..report.svg import explanation_svg

        write_file(svg, explanation_svg(answered.explanation))
    if json_:
        print_json(explanation_to_json(answered.explanation, answered.opposite))
    else:
        show_explanation(answered.explanation, turned=answered.opposite, urns=urns)


def _address(source: str | None) -> str | None:
    from ..logs.connection import address_of

    try:
        return None if source is None else address_of(source, "it")
    except ValueError as error:
        raise InputError([Problem("", "--source", str(error))]) from None


def _log(found: "Stack", line: str, log_format: str, *, json_: bool, urns: bool) -> None:
    """Explains lines; exits with 1 where none of them can be."""
    from ..report.observation import explain_log
    from ..report.observation_shown import line_to_json, show_line

    lines: Iterable[str] = sys.stdin if line == "-" else [line]
    explained = seen = 0
    documents = []
    for one in explain_log(found, lines, at=datetime.now(UTC), log_format=log_format):
        seen += 1
        explained += one.observation is not None
        if json_:
            documents.append(line_to_json(one))
        else:
            show_line(one, numbered=line == "-", urns=urns)
    if not seen:
        raise InputError([Problem("", "--from-log", "there is no line: give one of a log, or `-` and lines on standard input")])
    if json_:
        print_json(documents)
    if not explained:
        raise typer.Exit(1)
