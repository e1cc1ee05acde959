"""Access files: reading one whole, with every problem at its line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import Problem
from .check import document_order, draft_findings
from .document import Document, Loc, parse_document, read_document
from .draft import Draft
from .errors import AccessError
from .findings import Finding, Severity, error
from .messages import located_problems
from .model import Access
from .references import located_references

_BY_THE_CALENDAR = ("route-expired", "exception-expired")
"""The errors that come with the days.

They do not keep a file from loading, so that what loads today also loads tomorrow; `check` tells them, the proof the one, and the
policy `trust-above-clearance` the other.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """An access file as it was read: the access, where it is sound, and every finding with its line."""

    document: Document
    access: Access | None
    """None when a value is wrong or a name does not exist."""
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the file unusable."""
        return tuple(one for one in self.findings if one.severity is Severity.ERROR)


def load(path: str | Path) -> Access:
    """The access that a file declares.

    AccessError with every problem of the file, each at its line: syntax, unknown keys, wrong values, names that do not exist,
    routes that cannot be meant. Warnings, and routes that have expired, are for `check`.
    """
    return _sound(read(path, datetime.now(UTC).date()))


def loads(content: str | bytes, path: str = "access.yaml") -> Access:
    """The same for a file's content; `path` stands in the messages."""
    return _sound(read_content(content, path, datetime.now(UTC).date()))


def read(path: str | Path, today: date) -> Reading:
    """Reads a file and checks it for a day. Never raises."""
    return _reading(read_document(path), today)


def read_content(content: str | bytes, path: str, today: date) -> Reading:
    """The same for a file's content."""
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return _reading(parse_document(data, Document(path)), today)


def _sound(reading: Reading) -> Access:
    problems = [Problem(one.place, one.path, one.message) for one in reading.errors if one.code not in _BY_THE_CALENDAR]
    if problems or reading.access is None:
        raise AccessError(problems)
    return reading.access


def _reading(document: Document, today: date) -> Reading:
    found = [_placed(document, error(code, loc, message), span) for code, loc, span, message in document.problems]
    if document.unreadable:
        return Reading(document, None, tuple(found))
    access, shape = _validated(document.data)
    draft = Draft.parse(document.data)
    told = {loc for _, loc, _, _ in document.problems}
    later = [*shape, *(error("unknown-name", loc, message) for loc, message in located_references(draft))]
    wrong = bool(later)
    later += draft_findings(draft, today)
    found += [_placed(document, one) for one in _first_at_each(later, told)]
    found.sort(key=lambda one: (one.line or 0, one.column or 0, document_order(one)))
    return Reading(document, None if wrong else access, tuple(found))


def _validated(data: Any) -> tuple[Access | None, list[Finding]]:
    try:
        # Files are in camelCase alone: one spelling for each key.
        return Access.__pydantic_validator__.validate_python(data, by_alias=True, by_name=False), []
    except ValidationError as problems:
        return None, [error(code, loc, message) for code, loc, message in _shape(problems)]


def _shape(problems: ValidationError) -> Iterator[tuple[str, Loc, str]]:
    for loc, message in located_problems(problems, Access):
        kind = "unknown-key" if message.startswith("unknown key") else "missing" if message.startswith("is missing") else "value"
        yield kind, loc, message


def _first_at_each(findings: Iterable[Finding], told: set[Loc]) -> Iterator[Finding]:
    """Without what is wrong only because the file could not be read there."""
    return (one for one in findings if one.loc not in told)


def _placed(document: Document, finding: Finding, span: Any = None) -> Finding:
    span = span or document.span(finding.loc, key=finding.code == "unknown-key")
    if span is None:
        return replace(finding, place=document.place(None))
    return replace(finding, place=document.place(span), line=span.line, column=span.column, end=span.end)
