"""What one gate does with a point, in the words that every report uses."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from ..proof.filters import Kind, Source
from ..proof.findings import Outcome, Row
from .lines import write

SIGNS = {Outcome.ALLOW: "✓", Outcome.DENY: "✗", Outcome.UNKNOWN: "?"}
STYLES = {Outcome.ALLOW: "green", Outcome.DENY: "red", Outcome.UNKNOWN: "yellow"}


@dataclass(frozen=True, slots=True)
class RowWords:
    """A row of a path, in words."""

    says: str
    """`allow by policy 3 "finance"`, `deny by default: no rule matches`."""
    resource: str
    """The resource and the place in it; empty where `says` has it already."""


def row_words(row: Row) -> RowWords:
    """What is to be said of a row beside its gate and filter."""
    rule, resource = rule_text(row), resource_text(row.source)
    return RowWords(f"{_verb(row)} by {rule}", "" if resource == rule else resource)


def rule_text(row: Row) -> str:
    """The deciding rule, as an engineer of the gate calls it, or which default decides."""
    if row.rule is None:
        return "default: no rule matches" if row.filter.kind is not Kind.ROUTING else "default: no route leads there"
    return row.source.label or resource_text(row.source)


def resource_text(source: Source) -> str:
    """A resource's name, and the place in it."""
    return source.urn.rsplit("::", 1)[-1] + (f".{source.position}" if source.position else "")


def _verb(row: Row) -> str:
    perhaps = row.rule.action if row.rule else row.filter.default
    return f"perhaps {perhaps.value}" if row.outcome is Outcome.UNKNOWN else str(row.outcome.value)


def show_path(out: Console, rows: Sequence[Row], indent: int, urns: bool = False) -> None:
    """Every gate: what it does, by which rule and which entries of it, what else is to be said, and on which resource."""
    for row in rows:
        words, style = row_words(row), STYLES[row.outcome]
        sign = Text(f"{SIGNS[row.outcome]} ", style=style)
        write(out, sign + Text(row.gate, style="bold") + Text(f"  {row.filter.name}", style="default"), indent=indent)
        write(out, words.says, style=style, indent=indent + 2)
        for one in row.trace:
            if one.steps[-1].value:  # that a field is `all` or `always` tells nobody anything
                write(out, str(one), style="dim", indent=indent + 4)
        if row.detail:
            write(out, row.detail, indent=indent + 2)
        if urns and row.source.urn:
            position = f" {row.source.position}" if row.source.position else ""
            write(out, f"{row.source.urn}{position}", style="dim", indent=indent + 2)
        elif words.resource:
            write(out, f"resource {words.resource}", style="dim", indent=indent + 2)
