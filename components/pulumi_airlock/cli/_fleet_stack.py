"""The preview of one stack of many, in a process of its own: a process has one set of the Pulumi SDK's settings.

Reads what is asked as JSON from standard input, prints what `airlock preview` prints, and writes what it came to to a file.
"""

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AirlockError
from ..offline.packs import Level
from ..report.ci.model import Level as ResultLevel
from ..report.ci.places import Folder
from ..report.fleet import Outcome
from . import _reports, _run, _stacks
from ._secrets import masking, without_secrets

if TYPE_CHECKING:
    from ..offline.plan import Plan
    from ..report.ci.model import Report


@dataclass(frozen=True)
class Request:
    """What is to be previewed, and where what comes of it goes."""

    cwd: str
    stack: str = ""
    result: str = ""
    """The file that the outcome is written to."""
    packs: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    without_packs: bool = False
    reports: str = ""
    """The folder of SARIF and JUnit; empty: none are written."""
    base: str = ""
    """The project as the base revision has it; empty: nothing is compared."""
    base_name: str = ""


def main() -> None:
    """Runs the request on standard input."""
    request, started = Request(**json.load(sys.stdin)), time.perf_counter()
    with masking():
        try:
            known, packs = _previewed(request)
        except AirlockError as error:
            told = without_secrets(str(error))
            print(f"error: {told}", file=sys.stderr)
            known, packs = {"status": _run.EXIT_WRONG, "error": told}, 0
    outcome = Outcome(stack=request.stack, seconds=time.perf_counter() - started, megabytes=_megabytes(packs), **known)
    Path(request.result).write_text(without_secrets(json.dumps(asdict(outcome))), encoding="utf-8")
    raise SystemExit(outcome.status)


def _previewed(request: Request) -> tuple[dict[str, Any], int]:
    """What is known of the stack, and how many packs ran."""
    from ..report.plan import show_outputs, show_plan

    cwd, proving = Path(request.cwd), _run.Proving()
    sarif, junit = (Path(request.reports, request.stack + end) if request.reports else None for end in (".sarif", ".junit.xml"))
    reports = _reports.Reports(sarif, junit, cwd, request.stack)
    packs, configs = list(map(Path, request.packs)), list(map(Path, request.configs))
    with reports.of_failures(), _run.session(request.stack, cwd, packs, configs, without_packs=request.without_packs) as found:
        opened, console = found
        plan = opened.preview(proving)
        report = reports.of_plan(plan, proving)
        reports.write(report)
    show_plan(console, plan)
    show_outputs(console, plan)
    status = _run.judge(plan, proving, json_=False)
    known = {"status": status, **_counted(plan, proving), "findings": _findings(report, cwd), **_compared(request, plan)}
    return known, len(plan.packs)


def _counted(plan: "Plan", proving: _run.Proving) -> dict[str, Any]:
    from ..identity.findings import Severity
    from ..offline.plan import UNCHANGED

    proof = proving.proof
    return {
        "resources": sum(one.registration is not None for one in plan.steps),
        "changes": sum(one.op not in UNCHANGED for one in plan.steps),
        "mandatory": sum(one.level is not Level.ADVISORY for one in plan.diagnostics),
        "advisory": sum(one.level is Level.ADVISORY for one in plan.diagnostics),
        "proven": proof is not None,
        "excess": len(proof.excess) if proof else 0,
        "blocked": len(proof.blocked) if proof else 0,
        "unproven": len(proof.unproven) if proof else 0,
        "expectations": len(proof.failed) if proof else 0,
        "identity": sum(one.severity is Severity.ERROR for one in proving.identity),
    }


def _findings(report: "Report", cwd: Path) -> tuple[str, ...]:
    """What fails the stack, each in a line."""
    folder = Folder.of(cwd)
    return tuple(
        f"{folder.relative(one.place.file)}:{one.place.line or 1}: {first}"
        for one in report.results
        for first in one.message.split("\n", 1)[:1]
        if one.level is ResultLevel.ERROR
    )


def _compared(request: Request, plan: "Plan") -> dict[str, Any]:
    """What access differs from the base revision. A base that cannot be previewed is said to be so: the change may mend it."""
    from ..offline.project import find_project
    from ..report.comment import body, verdict
    from .diff import Side, compare

    if not request.base:
        return {}
    try:
        if not find_project(Path(request.base)).stack_file(request.stack).is_file():
            return {"difference": "a new stack"}
        old = Side(request.base_name, stack=_stacks.stack_of(request.stack, None, Path(request.base)))
        found = compare((old, Side("this change", stack=plan.stack())), None, datetime.now(UTC))
    except AirlockError as error:
        print(f"note: {request.stack} is not compared with {request.base_name}: {error}", file=sys.stderr)
        return {"difference": "not compared"}
    said = verdict(found).replace("*", "")
    return {
        "difference": said,
        "comment": "" if found.same else body(found, (request.base_name, "this change"), stack=request.stack),
    }


def _megabytes(packs: int) -> float:
    """The most memory of this process, and of as many packs as there were, each taken for as large as the largest."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, kilobytes elsewhere
    own, largest = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own + packs * largest) / unit


if __name__ == "__main__":
    main()
