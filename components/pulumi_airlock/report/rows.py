"""What one gate does with a point, in the words that every report uses."""

from dataclasses import dataclass

from ..proof.filters import Kind, Source
from ..proof.findings import Outcome, Row

SIGNS = {Outcome.ALLOW: "✓", Outcome.DENY: "✗", Outcome.UNKNOWN: "?"}


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
