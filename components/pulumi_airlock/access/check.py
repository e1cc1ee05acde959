"""What is questionable about an access document, beyond names that do not exist: one function a rule in `rules/`."""

from collections.abc import Iterator
from datetime import date

from .draft import Draft
from .findings import Finding, Severity
from .model import Access
from .rules import RULES


def check(access: Access, today: date) -> list[Finding]:
    """Every finding about a document on a day, in the document's order. docs/access-file.md lists the codes."""
    return sorted(draft_findings(Draft.of(access), today), key=document_order)


def draft_findings(draft: Draft, today: date) -> Iterator[Finding]:
    """The findings about what can be understood of a document."""
    for rule in RULES:
        yield from rule(draft, today)


_SECTIONS = tuple(field.alias or name for name, field in Access.model_fields.items())


def document_order(finding: Finding) -> tuple[object, ...]:
    """Sorts findings by section and place, errors first at the same place."""
    section = _SECTIONS.index(str(finding.loc[0])) if finding.loc and finding.loc[0] in _SECTIONS else -1
    rest = tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in finding.loc[1:])
    return section, rest, list(Severity).index(finding.severity), finding.code


__all__ = ["Finding", "Severity", "check", "document_order", "draft_findings"]
