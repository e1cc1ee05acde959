"""A plan in the terminal: the tree of resources, property differences, and what the policy packs say. Secrets are masked."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from ..offline import paths
from ..offline.call_budget import plan_calls
from ..offline.dynamic import PROVIDER
from ..offline.packs import Diagnostic, Level
from ..offline.plan import UNCHANGED, Plan
from ..offline.steps import Change, Op, Step
from ..offline.urns import name_of, type_of
from ..offline.wire import is_secret, is_unknown, masked
from .audit import show_audit

_STYLES: dict[Op, tuple[str, str]] = {
    Op.CREATE: ("+", "green"),
    Op.IMPORT: ("=", "green"),
    Op.UPDATE: ("~", "yellow"),
    Op.REPLACE: ("±", "magenta"),
    Op.DELETE: ("-", "red"),
    Op.DELETE_REPLACED: ("-", "red"),
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
    Op.DELETE_REPLACED: "left over from an interrupted update, to delete",
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
    Op.DELETE_REPLACED: "left over from an interrupted update, deleted",
    Op.FORGET: "let go",
    Op.READ: "read",
    Op.SAME: "unchanged",
}
_LEVELS = {
    Level.MANDATORY: ("mandatory", "bold red"),
    Level.REMEDIATE: ("mandatory", "bold red"),
    Level.ADVISORY: ("advisory", "yellow"),
}
_DELETED_FIRST = "∓"
_LONGEST_VALUE = 160
_MOST_LINES = 60
SIMULATED = "Provider outputs (ids, ARNs, addresses) are simulated: no cloud was asked, and none is changed."


def show_plan(console: Console, plan: Plan, *, diff: bool = False) -> None:
    """The tree of what changes, its summary, and every finding of the packs."""
    if plan.changes:
        console.print(tree(plan, diff=diff))
    console.print(summary(plan))
    show_notes(console, plan)
    show_audit(console, plan.stack())
    show_policies(console, plan)


def tree(plan: Plan, *, diff: bool = False) -> Tree:
    """Every resource that changes, under its parents; what stays as it is only where it leads to something that changes."""
    children: dict[str, list[Step]] = {}
    known = {step.urn for step in plan.steps}
    for step in plan.steps:
        # What an interrupted update left over has the URN of what took its place, and no children.
        leftover = step.op is Op.DELETE_REPLACED
        children.setdefault("" if leftover or step.parent not in known else step.parent, []).append(step)
    root = Tree(Text(f"{plan.project}/{plan.stack_name}", style="bold"), guide_style="dim")
    _grow(root, "", children, diff)
    return root


def _grow(branch: Tree, parent: str, children: dict[str, list[Step]], diff: bool) -> bool:
    """Adds the children of a resource; false where there is nothing to show among them."""
    shown = False
    for step in sorted(children.get(parent, ()), key=lambda one: (one.type, one.name)):
        twig = Tree(_line(step, diff), guide_style="dim")
        below = step.op is not Op.DELETE_REPLACED and _grow(twig, step.urn, children, diff)
        if below or step.op not in UNCHANGED:
            branch.children.append(twig)
            shown = True
    return shown


def _line(step: Step, diff: bool) -> RenderableType:
    sign, style = _STYLES[step.op]
    sign = _DELETED_FIRST if step.deletes_first else sign
    name = shown_name(step.urn)
    line = Text.assemble((f"{sign} ", style), (name, style if step.op is not Op.SAME else "dim"), (f"  {step.type}", "dim"))
    line.append(_why(step), style)
    details = list(_details(step)) if diff else []
    if not details:
        return line
    return Group(line, *(Text.assemble("    ", one) for one in details))


def _why(step: Step) -> str:
    """How and why a resource is replaced, or goes early."""
    if step.op is Op.DELETE_REPLACED:
        return "  left over from an interrupted update"
    if step.because and step.op is not Op.REPLACE:
        return f"  deleted before {shown_name(step.because)} is replaced"
    if step.op is not Op.REPLACE:
        return ""
    pending = step.old is not None and step.old.pending_replacement
    how = "created again" if pending else "deleted, then created" if step.deletes_first else "created, then the old one deleted"
    if step.because:
        return f"  {how}: goes before {shown_name(step.because)} does"
    reasons = ", ".join(step.reasons) or "an interrupted update"
    return f"  replaced for {reasons}: {how}"


def shown_name(urn: str) -> str:
    """A resource's name as it is shown: the name of a default provider without the address that its plugin is loaded from."""
    name = name_of(urn)
    if not type_of(urn).startswith("pulumi:providers:"):
        return name
    default = re.match(r"default(_\d+)*", name)
    return default[0] if default else name


def _details(step: Step) -> Iterator[Text]:
    if step.op in (Op.CREATE, Op.IMPORT) and step.registration:
        for key, value in sorted(step.registration.inputs.items()):
            if key == PROVIDER:
                continue  # code, which nobody reads in this form
            yield Text(f"+ {key}: {show_value(value)}", "green")
    for change in step.changes:
        yield _changed(change)


def _changed(change: Change) -> Text:
    path, why = paths.show(change.path), "  (forces replacement)" if change.replaces else ""
    if change.path[0] == PROVIDER:
        return Text(f"~ the provider's code{why}", "yellow")
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
    first = sum(step.deletes_first and not (step.old and step.old.pending_replacement) for step in plan.steps)
    if first and plan.counts.get(Op.REPLACE):
        at = next(at for at, (part, _) in enumerate(parts) if part.endswith(words[Op.REPLACE]))
        parts[at] = (f"{parts[at][0]} ({first} of them deleted first)", parts[at][1])
    text = Text(f"{plan.stack_name}: ", "bold")
    for position, (part, style) in enumerate(parts):
        text.append(", " if position else "").append(part, style)
    return text if parts else text.append("no resources")


def show_notes(console: Console, plan: Plan) -> None:
    """What the reader must know to trust the plan: what is simulated, what is encrypted, what the program logged."""
    console.print(Text(SIMULATED, "dim"))
    if plan.encrypted:
        keys = ", ".join(plan.encrypted)
        told = f"Nobody gave the passphrase (PULUMI_CONFIG_PASSPHRASE) of encrypted configuration, which stays unknown: {keys}"
        console.print(Text(told, "yellow"))
    for spent in plan_calls(plan):
        console.print(Text(spent.text, "dim"))
        for over in spent.over:
            names = ", ".join(map(shown_name, spent.replaced))
            console.print(Text(f"warning: {over}; replaced or deleted: {names}", "yellow"))
    for one in plan.logs:
        style = {"error": "bold red", "warning": "yellow"}.get(one.severity, "")
        console.print(Text(f"{one.severity}: {one.message}" + (f"  ({shown_name(one.urn)})" if one.urn else ""), style))


def show_outputs(console: Console, plan: Plan) -> None:
    """The stack's outputs: one line each, what is nested below and indented."""
    for key, value in plan.outputs.items():
        lines = list(_output(key, value))
        for line in lines[:_MOST_LINES]:
            console.print(line)
        if len(lines) > _MOST_LINES:
            console.print(Text(f"  … and {len(lines) - _MOST_LINES} more lines: `--json` has them all", "dim"))


def _output(key: str, value: Any, indent: str = "") -> Iterator[Text]:
    nested = not (is_secret(value) or is_unknown(value))
    if nested and isinstance(value, dict) and value:
        yield Text.assemble(indent, (f"{key}:", "bold"))
        for name, item in value.items():
            yield from _output(name, item, f"{indent}  ")
    elif nested and isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        yield Text.assemble(indent, (f"{key}:", "bold"))
        for at, item in enumerate(value):
            yield from _output(f"[{at}]", item, f"{indent}  ")
    else:
        yield Text.assemble(indent, (f"{key}: ", "bold"), show_value(value))


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
            console.print(Text(f"  {verb}: {shown_name(one.urn)}: {one.policy}: {one.message}".rstrip(": "), "cyan"))
        for _, same in groupby(sorted(found, key=_alike), key=_alike):
            console.print(_findings(list(same)))


def _worst(found: Sequence[Diagnostic]) -> str:
    if not found:
        return "green"
    return "bold red" if any(one.level is not Level.ADVISORY for one in found) else "yellow"


def _alike(one: Diagnostic) -> tuple[str, ...]:
    """What findings that are told together have in common: mandatory ones come first."""
    return ("" if one.level is not Level.ADVISORY else "advisory", one.policy, one.severity, one.remediation_steps, one.url)


def _findings(found: Sequence[Diagnostic]) -> RenderableType:
    """Findings of one policy that one fix answers to: what is wrong with each resource, then the fix, once."""
    one = found[0]
    word, style = _LEVELS.get(one.level, (one.level.value, ""))
    about = " ".join(part for part in (one.severity, one.framework) if part)
    text = Text.assemble((f"[{word}] ", style), (one.policy, "bold"))
    text.append(f" on {_where(one)}" if len(found) == 1 else f" on {len(found)} resources")
    text.append(f"  ({about})" if about else "", "dim")
    for each in found:
        name, message = _where(each), each.message.strip()
        named = len(found) == 1 or message.startswith(name)
        text.append("\n" + ("" if named else f"{name}: ") + message)
    if one.remediation_steps:
        text.append(f"\nFix: {one.remediation_steps.strip()}", "cyan")
    if one.url:
        text.append(f"\nSee {one.url}", "dim")
    first, *others = text.split("\n")
    return Text("\n").join([Text.assemble("  ", first), *(Text.assemble("    ", line) for line in others)])


def _where(one: Diagnostic) -> str:
    return shown_name(one.urn) if one.urn.count("::") >= 3 else "the stack"
