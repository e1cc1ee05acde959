"""`airlock preview`: what an update would do, and whether policies and proof allow it."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from . import _reports, _run

if TYPE_CHECKING:
    from rich.console import Console

    from ..offline.plan import Plan
    from ..offline.session import Session


def preview(
    stack: _run.Stack,
    policy_pack: _run.PolicyPack = None,
    policy_pack_config: _run.PolicyPackConfig = None,
    no_policy_packs: _run.NoPolicyPacks = False,
    json_: _run.Json = False,
    diff: _run.Diff = False,
    sarif: _reports.Sarif = None,
    junit: _reports.Junit = None,
    cwd: _run.Cwd = Path(),
) -> None:
    """Show what an update would do, with no cloud, credentials or provider plugins.

    Exit status: 0 all well, 1 the program or a file is wrong, 2 a mandatory policy is violated, 3 the proof fails.
    """
    reports = _reports.Reports(sarif, junit, cwd, stack)
    given = {"without_packs": no_policy_packs, "json_": json_}
    with reports.of_failures(), _run.session(stack, cwd, policy_pack, policy_pack_config, **given) as (opened, console):
        plan, proving = previewed(opened, reports)
    if json_:
        _run.print_json(plan.document())
    else:
        show(console, plan, diff=diff)
    raise typer.Exit(_run.judge(plan, proving, json_=json_))


def previewed(opened: "Session", reports: _reports.Reports) -> "tuple[Plan, _run.Proving]":
    """A preview and its proof, with the reports that are asked for."""
    proving = _run.Proving()
    plan = opened.preview(proving)
    if reports.wanted:
        from ..report.ci.stack import report_of_stack

        found = plan.stack()
        places = reports.places(found)
        reports.write(report_of_stack(plan.stack_name, places, plan=plan, proof=proving.proof, identity=proving.identity))
    return plan, proving


def show(console: "Console", plan: "Plan", *, diff: bool = False) -> None:
    """A plan with its outputs."""
    from ..report.plan import show_outputs, show_plan

    show_plan(console, plan, diff=diff)
    show_outputs(console, plan)
