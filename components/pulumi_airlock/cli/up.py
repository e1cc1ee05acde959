"""`airlock up`: previews, asks, then updates the state file. Provider outputs are simulated, the state is real."""

import sys
from pathlib import Path

import typer

from . import _run


def up(
    stack: _run.Stack,
    yes: _run.Yes = False,
    policy_pack: _run.PolicyPack = None,
    policy_pack_config: _run.PolicyPackConfig = None,
    no_policy_packs: _run.NoPolicyPacks = False,
    json_: _run.Json = False,
    diff: _run.Diff = False,
    cwd: _run.Cwd = Path(),
) -> None:
    """Update a stack offline: simulated provider outputs, a real state file.

    Nothing is written when a mandatory policy is violated (exit status 2) or the proof fails (3).
    """
    from ..report.plan import show_outputs, show_plan, summary

    proving = _run.Proving()
    given = {"without_packs": no_policy_packs, "json_": json_}
    with (
        _run.session(stack, cwd, policy_pack, policy_pack_config, **given) as (opened, console),
        opened.locked(f"airlock up --stack {stack}"),
    ):
        plan = opened.preview(proving)
        show_plan(console, plan, diff=diff)
        status = _run.judge(plan, proving, json_=json_)
        if not status and plan.changes and not yes:
            _confirm()
        if not status and not plan.settled:
            # The same program with the values that an update gives: what was unknown may violate a policy now.
            plan = opened.update()
            status = _run.EXIT_WRONG if plan.failed else _run.EXIT_POLICY if plan.violated else 0
            if status:
                show_plan(console, plan, diff=diff)
        if not status:
            opened.apply(plan, _run.tell_done(console))
            console.print(summary(plan, done=True))
            show_outputs(console, plan)
        else:
            console.print(f"[bold red]refused[/]: nothing was changed, {opened.state_file.path} is as it was")
    if json_:
        _run.print_json({**plan.document(), "applied": not status})
    raise typer.Exit(status)


def _confirm() -> None:
    if not sys.stdin.isatty():
        print("error: nobody to ask: pass --yes", file=sys.stderr)
        raise typer.Exit(_run.EXIT_WRONG)
    if not typer.confirm("Update?", err=True):
        raise typer.Exit(0)
