"""`airlock preview`: what an update would do, and whether policies and proof allow it."""

from pathlib import Path

import typer

from . import _reports, _run


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
    from ..report.plan import show_outputs, show_plan

    reports, proving = _reports.Reports(sarif, junit, cwd, stack), _run.Proving()
    given = {"without_packs": no_policy_packs, "json_": json_}
    with reports.of_failures(), _run.session(stack, cwd, policy_pack, policy_pack_config, **given) as (opened, console):
        plan = opened.preview(proving)
        if reports.wanted:
            reports.write(reports.of_plan(plan, proving))
    if json_:
        _run.print_json(plan.document())
    else:
        show_plan(console, plan, diff=diff)
        show_outputs(console, plan)
    raise typer.Exit(_run.judge(plan, proving, json_=json_))
