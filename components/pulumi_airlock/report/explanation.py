"""An explanation in the terminal, and its JSON twin: the answer first, who refuses, what to do, then the path."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from ..gates import read_all
from ..gates.declaration import required_access
from ..gates.stack import Stack
from ..proof.explanation.changing import Change
from ..proof.explanation.explaining import Inquiry
from ..proof.explanation.opposite import Opposite, opposite
from ..proof.findings import Explanation, Outcome, Row
from .lines import console as standard_output
from .lines import write
from .plain import plain
from .rows import STYLES, show_path


@dataclass(frozen=True, slots=True)
class Answered:
    """An explanation, with what would have to change for the opposite answer."""

    explanation: Explanation
    opposite: Opposite


def explain_stack(
    stack: Stack, principal: str, destination: str, *, at: datetime, when: datetime | None = None, source: str | None = None
) -> Answered:
    """Why somebody can, or cannot, reach something in a stack, and what would turn the answer.

    InputError where the stack declares no access, or nothing is meant.
    """
    reading = read_all(stack)
    access = required_access(stack)
    inquiry = Inquiry(access, reading.environments, reading.filters, principal, destination, at=at, when=when, source=source)
    return Answered(inquiry.explanation, opposite(inquiry))


def show_explanation(
    explanation: Explanation, console: Console | None = None, *, turned: Opposite | None = None, urns: bool = False
) -> None:
    """Shows an explanation: the answer in a sentence, what refuses, what to do; then every gate on the path, in order.

    `turned` is what would have to change for the opposite answer; `urns` names resources by their whole URNs.
    """
    out = console or standard_output()
    write(out, explanation.message, style=f"bold {STYLES[explanation.outcome]}")
    if refusing := refused_by(explanation.rows):
        write(out, refusing, label="Refused by: ")
    write(out, explanation.advice, label="What to do: ")
    write(out, str(explanation.witness), label="Looked at:  ")
    for note in explanation.notes:
        write(out, note, label="Note:       ")
    out.print()
    if turned is not None:
        show_opposite(out, explanation, turned)
    show_path(out, explanation.rows, 2, urns)
    if not explanation.rows:
        write(out, "No gate stands on the path.", indent=2)


def refused_by(rows: Sequence[Row]) -> str:
    """The gates that refuse, each with what kind of refusal it is, in the order in which a packet meets them."""
    return ", ".join(dict.fromkeys(f"{row.gate} ({row.filter.kind.value})" for row in rows if row.outcome is Outcome.DENY))


def show_opposite(out: Console, explanation: Explanation, turned: Opposite) -> None:
    """What would have to change: in the access file, and at the gates."""
    if explanation.outcome is Outcome.UNKNOWN:
        return
    title = "To allow it" if explanation.outcome is Outcome.DENY else "To refuse it"
    declare = turned.declare
    by_file = declare is not None and bool(declare.snippet or not explanation.routes or explanation.outcome is Outcome.ALLOW)
    if declare is not None and by_file:
        write(out, Text(f"{title}, in the access file: ", style="bold") + Text(declare.text))
        for line in declare.snippet.splitlines():
            out.print(Text(line, style="cyan"), soft_wrap=True)  # as it stands: to be pasted
    if turned.changes:
        where = "at every gate that refuses" if explanation.outcome is Outcome.DENY else "at one gate, which is enough"
        title = f"Or by hand, {where}:" if by_file else f"{title} by hand, {where}:"
        write(out, title, style="bold")
        _show_changes(out, turned.changes, turned.lost)
        if explanation.outcome is Outcome.ALLOW and turned.others:
            gates = dict.fromkeys(one.changes[0].filter.gate for one in turned.others)
            write(out, f"{len(turned.others)} other ways, at {', '.join(gates)}: --json lists them", style="dim", indent=2)
    if turned.unknown:
        write(out, f"Not known then is still {' and '.join(turned.unknown)}.", indent=2)
    out.print()


def _show_changes(out: Console, changes: Sequence[Change], lost: Sequence[str]) -> None:
    for change in changes:
        write(out, Text("- ") + Text(change.filter.gate, style="bold") + Text(f": {change}"), indent=2)
    if lost:
        shown = lost if len(lost) <= _LOST else [*lost[: _LOST - 1], f"{len(lost) - _LOST + 1} more"]
        write(out, f"This would also take away: {', '.join(shown)}", style="yellow", indent=4)


_LOST = 6
"""Pairs that would lose access, up to which all are named."""


def explanation_to_json(explanation: Explanation, turned: Opposite | None = None) -> dict[str, Any]:
    """An explanation as plain data, with the gates in `refused_by`; with `opposite`, where `turned` is given."""
    found: dict[str, Any] = plain(explanation)
    refusing = {(row.gate, row.filter.kind.value): None for row in explanation.rows if row.outcome is Outcome.DENY}
    found["refused_by"] = [{"gate": gate, "kind": kind} for gate, kind in refusing]
    if turned is not None:
        found["opposite"] = {
            "outcome": turned.outcome.value,
            "changes": [_change(one) for one in turned.changes],
            "lost": list(turned.lost),
            "others": [{"changes": [_change(each) for each in one.changes], "lost": list(one.lost)} for one in turned.others],
            "access": None if turned.declare is None else {"text": turned.declare.text, "yaml": turned.declare.snippet},
            "unknown": list(turned.unknown),
        }
    return found


def _change(change: Change) -> dict[str, Any]:
    return {
        "gate": change.filter.gate,
        "filter": change.filter.name,
        "kind": change.filter.kind.value,
        "step": change.step.value,
        "action": change.action.value if change.action else None,
        "rule": plain(change.source) if change.source else None,
        "text": str(change),
    }
