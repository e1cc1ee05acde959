"""A plan in the terminal: the tree of resources, property differences, and what the policy packs say. Secrets are masked."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from ..offline import paths
from ..offline.packs import Diagnostic, Level
from ..offline.plan import UNCHANGED, Plan
from ..offline.steps import Change, Op, Step
from ..offline.urns import name_of
from ..offline.wire import is_secret, is_unknown, masked

_STYLES: dict[Op, tuple[str, str]] = {
    Op.CREATE: ("+", "green"),
    Op.IMPORT: ("=", "green"),
    Op.UPDATE: ("~", "yellow"),
    Op.REPLACE: ("±", "magenta"),
    Op.DELETE: ("-", "red"),
    Op.FORGET: ("·", "red"),
    Op.READ: (">", "cyan"),
    Op.SAME: (" ", "dim"),
}
_WORDS: dict[Op, str] = {
    Op.CREATE: "to create",
    Op.IMPORT: "to import",
    Op.UPDATE: "to update",
    Op.REPLACE: "to replace",
    Op.DELETE: "to delete",
    Op.FORGET: "to let go",
    Op.READ: "read",
    Op.SAME: "unchanged",
}
_DONE: dict[Op, str] = {
    Op.CREATE: "created",
    Op.IMPORT: "imported",
    Op.UPDATE: "updated",
    Op.REPLACE: "replaced",
    Op.DELETE: "deleted",
    Op.FORGET: "let go",
    Op.READ: "read",
    Op.SAME: "unchanged",
}
_LEVELS = {
    Level.MANDATORY: ("mandatory", "bold red"),
    Level.REMEDIATE: ("mandatory", "bold red"),
    Level.ADVISORY: ("advisory", "yellow"),
}
_LONGEST_VALUE = 160
SIMULATED = "Provider outputs (ids, ARNs, addresses) are simulated: no cloud was asked, and none is changed."


def show_plan(console: Console, plan: Plan, *, diff: bool = False) -> None:
    """The tree of what changes, its summary, and every finding of the packs."""
    if plan.changes:
        console.print(tree(plan, diff=diff))
    console.print(summary(plan))
    show_notes(console, plan)
    show_policies(console, plan)


def tree(plan: Plan, *, diff: bool = False) -> Tree:
    """Every resource that changes, under its parents; what stays as it is only where it leads to something that changes."""
    children: dict[str, list[Step]] = {}
    known = {step.urn for step in plan.steps}
    for step in plan.steps:
        children.setdefault(step.parent if step.parent in known else "", []).append(step)
    root = Tree(Text(f"{plan.project}/{plan.stack_name}", style="bold"), guide_style="dim")
    _grow(root, "", children, diff)
    return root


def _grow(branch: Tree, parent: str, children: dict[str, list[Step]], diff: bool) -> bool:
    """Adds the children of a resource; false where there is nothing to show among them."""
    shown = False
    for step in sorted(children.get(parent, ()), key=lambda one: (one.type, one.name)):
        twig = Tree(_line(step, diff), guide_style="dim")
        below = _grow(twig, step.urn, children, diff)
        if below or step.op not in UNCHANGED:
            branch.children.append(twig)
            shown = True
    return shown


def _line(step: Step, diff: bool) -> RenderableType:
    sign, style = _STYLES[step.op]
    line = Text.assemble((f"{sign} ", style), (step.name, style if step.op is not Op.SAME else "dim"), (f"  {step.type}", "dim"))
    if step.op is Op.REPLACE:
        forced = dict.fromkeys(paths.show(change.path[:1]) for change in step.changes if change.replaces)
        line.append(f"  replaced for {', '.join(forced)}" if forced else "", style)
    details = list(_details(step)) if diff else []
    if not details:
        return line
    return Group(line, *(Text.assemble("    ", one) for one in details))


def _details(step: Step) -> Iterator[Text]:
    if step.op in (Op.CREATE, Op.IMPORT) and step.registration:
        for key, value in sorted(step.registration.inputs.items()):
            yield Text(f"+ {key}: {show_value(value)}", "green")
    for change in step.changes:
        yield _changed(change)


def _changed(change: Change) -> Text:
    path, why = paths.show(change.path), "  (forces replacement)" if change.replaces else ""
    match change.kind:
        case "add":
            return Text(f"+ {path}: {show_value(change.new)}{why}", "green")
        case "delete":
            return Text(f"- {path}: {show_value(change.old)}{why}", "red")
        case _:
            return Text(f"~ {path}: {show_value(change.old)} → {show_value(change.new)}{why}", "yellow")


def show_value(value: Any) -> str:
    """A property's value on one line: secrets masked, unknown ones said to be, long ones cut."""
    if is_secret(value):
        return "[secret]"
    if is_unknown(value):
        return "(known after the update)"
    shown = json.dumps(_readable(masked(value)), ensure_ascii=False)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}… ({len(shown)} characters)"


def _readable(value: Any) -> Any:
    if is_unknown(value):
        return "(known after the update)"
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items()}
    return [_readable(item) for item in value] if isinstance(value, list) else value


def summary(plan: Plan, *, done: bool = False) -> Text:
    """How many resources each operation touches, on one line."""
    words = _DONE if done else _WORDS
    parts = [(f"{plan.counts[op]} {words[op]}", style) for op, (_, style) in _STYLES.items() if plan.counts.get(op)]
    text = Text(f"{plan.stack_name}: ", "bold")
    for position, (part, style) in enumerate(parts):
        text.append(", " if position else "").append(part, style)
    return text if parts else text.append("no resources")


def show_notes(console: Console, plan: Plan) -> None:
    """What the reader must know to trust the plan: what is simulated, what is encrypted, what the program logged."""
    console.print(Text(SIMULATED, "dim"))
    if plan.encrypted:
        keys = ", ".join(plan.encrypted)
        console.print(Text(f"Encrypted configuration is not decrypted here, and stays an unknown secret: {keys}", "yellow"))
    for one in plan.logs:
        style = {"error": "bold red", "warning": "yellow"}.get(one.severity, "")
        console.print(Text(f"{one.severity}: {one.message}" + (f"  ({name_of(one.urn)})" if one.urn else ""), style))


def show_outputs(console: Console, plan: Plan) -> None:
    """The stack's outputs."""
    for key, value in plan.outputs.items():
        console.print(Text.assemble((f"{key}: ", "bold"), show_value(value)))


def show_policies(console: Console, plan: Plan) -> None:
    """Every pack: what it fixed, what it found wrong and how to make it right, what did not apply."""
    for pack in plan.packs:
        found = [one for one in plan.diagnostics if one.pack == pack.name]
        fixed = [one for one in plan.remediations if one.pack == pack.name]
        title = Text.assemble((pack.name, "bold"), f" {pack.version}".rstrip(), f": {len(pack.policies)} policies, ")
        title.append(f"{len(found)} found" if found else "nothing found", _worst(found))
        console.print(title)
        for one in fixed:
            verb = "fixed" if one.applied else "not fixed"
            console.print(Text(f"  {verb}: {name_of(one.urn)}: {one.policy}: {one.message}".rstrip(": "), "cyan"))
        for finding in found:
            console.print(_finding(finding))


def _worst(found: Sequence[Diagnostic]) -> str:
    if not found:
        return "green"
    return "bold red" if any(one.level is not Level.ADVISORY for one in found) else "yellow"


def _finding(one: Diagnostic) -> RenderableType:
    word, style = _LEVELS.get(one.level, (one.level.value, ""))
    about = " ".join(part for part in (one.severity, one.framework) if part)
    where = name_of(one.urn) if one.urn.count("::") >= 3 else "the stack"
    text = Text.assemble((f"[{word}] ", style), (one.policy, "bold"), f" on {where}", (f"  ({about})" if about else "", "dim"))
    text.append(f"\n{one.message.strip()}")
    if one.remediation_steps:
        text.append(f"\nFix: {one.remediation_steps.strip()}", "cyan")
    if one.url:
        text.append(f"\nSee {one.url}", "dim")
    return Text("\n").join(Text.assemble("  ", line) for line in text.split("\n"))
