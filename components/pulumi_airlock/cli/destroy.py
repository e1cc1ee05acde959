"""`airlock destroy`: deletes everything that the state file holds."""

from pathlib import Path

from . import _run
from .up import _confirm


def destroy(
    stack: _run.Stack, yes: _run.Yes = False, json_: _run.Json = False, diff: _run.Diff = False, cwd: _run.Cwd = Path()
) -> None:
    """Delete a stack's resources, dependents first. Protected ones are refused, all at once."""
    from ..report.plan import show_plan, summary

    with (
        _run.session(stack, cwd, without_packs=True, json_=json_) as (opened, console),
        opened.locked(f"airlock destroy --stack {stack}"),
    ):
        plan = opened.destruction()
        show_plan(console, plan, diff=diff)
        if plan.changes and not yes:
            _confirm()
        opened.apply(plan, _run.tell_done(console))
        console.print(summary(plan, done=True))
    if json_:
        _run.print_json({**plan.document(), "applied": True})
