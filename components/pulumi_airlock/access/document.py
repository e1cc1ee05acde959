"""An access file as plain data that knows its lines: YAML read strictly, every problem collected.

Only what an access file needs of YAML 1.2: mappings, lists, text, numbers, true and false. Anchors, tags and several documents in
a file are refused, a key may stand once, and text that looks like a date or a time stays text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from .errors import quoted

MAX_BYTES = 8 * 1024 * 1024
_MAX_DEPTH = 12
"""An access file nests six levels deep; what is deeper is no access file."""
_MAX_DIGITS = 300
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_SKIP = object()

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file: a line and the columns of the value on it, from 1, end exclusive."""

    line: int
    column: int
    end: int


@dataclass(slots=True)
class Document:
    """A file's data, and where each part of it stands."""

    path: str
    lines: list[str] = field(default_factory=list)
    data: Any = None
    problems: list[tuple[str, Loc, Span | None, str]] = field(default_factory=list)
    """(code, location, place, message) of what keeps the file from being read."""
    unreadable: bool = False
    """Nothing could be made of it: `data` means nothing."""
    values: dict[Loc, Span] = field(default_factory=dict)
    keys: dict[Loc, Span] = field(default_factory=dict)

    def span(self, loc: Loc, key: bool = False) -> Span | None:
        """Where a location stands: its value, or its key; where it is missing, what it would be a part of."""
        if key and loc in self.keys:
            return self.keys[loc]
        while loc:
            if loc in self.values:
                return self.values[loc]
            loc = loc[:-1]
        return self.values.get(())

    def place(self, span: Span | None) -> str:
        """`access/prod.yaml:31`."""
        return f"{self.path}:{span.line}" if span else self.path

    def fail(self, message: str, span: Span | None = None) -> "Document":
        """The same, as one that cannot be read, for this reason."""
        self.unreadable = True
        self.problems.append(("syntax", (), span, message))
        return self


def read_document(path: str | Path) -> Document:
    """Reads a file. Never raises: what is wrong with it is among the document's problems."""
    document = Document(str(path))
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        return document.fail(f"cannot be read: {(error.strerror or str(error)).lower()}")
    except ValueError as error:  # a NUL in the path
        return document.fail(f"cannot be read: {error}")
    return parse_document(content, document)


def parse_document(content: bytes, document: Document) -> Document:
    """Parses a file's content into a document."""
    if len(content) > MAX_BYTES:
        return document.fail(f"is larger than {MAX_BYTES // 1024 // 1024} MiB: no access file")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return document.fail("is UTF-16: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        return document.fail(
            f"is not UTF-8 (byte 0x{content[error.start]:02x}): save it as UTF-8", Span(line, column, column + 1)
        )
    document.lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)  # what YAML counts as ends of lines
    try:
        _Builder(document, YAML(typ="rt", pure=True).parse(text)).build()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(mark.line + 1, mark.column + 1, mark.column + 2) if mark else None
        return document.fail(_syntax(error, document, span), span)
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return document.fail(
            f"no valid YAML: a control character ({ord(text[error.position]):#04x})", Span(line, column, column + 1)
        )
    except (YAMLError, ValueError, OverflowError) as error:
        return document.fail(f"no valid YAML: {' '.join(str(error).split())}")
    return document


def _syntax(error: MarkedYAMLError, document: Document, span: Span | None) -> str:
    line = document.lines[span.line - 1] if span and span.line <= len(document.lines) else ""
    if "\t" in line[: span.column if span else 0] or "'\\t'" in str(error.problem):
        return "a tab: YAML indents with spaces"
    problem = " ".join(str(error.problem or error.context or "is not understood").split())
    if error.context and error.context_mark and error.problem:
        problem = f"{' '.join(error.context.split())} (line {error.context_mark.line + 1}): {problem}"
    return f"no valid YAML: {problem}"


class _TooDeepError(Exception):
    """The nesting is deeper than any access file's."""


class _Builder:
    """Makes plain data of YAML events, and notes where each part stands."""

    def __init__(self, document: Document, events: Iterator[Event]) -> None:
        self._document = document
        self._events = iter(events)

    def build(self) -> None:
        started = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                started += 1
                if started > 1:
                    self._problem("syntax", (), event, "a second document begins here: one access file is one document")
                    return
            elif isinstance(event, NodeEvent):
                try:
                    self._document.data = self._value(event, ())
                except _TooDeepError:
                    return
        if () not in self._document.values or self._document.data is None:
            self._document.fail("is empty: an access file begins with apiVersion: airlock/v1")
        elif not isinstance(self._document.data, dict):
            kind = "a list" if isinstance(self._document.data, list) else "a single value"
            self._document.fail(f"is {kind}: an access file is a mapping that begins with apiVersion: airlock/v1", Span(1, 1, 2))

    def _value(self, event: Event, loc: Loc) -> Any:
        self._document.values[loc] = _span(event)
        if len(loc) > _MAX_DEPTH:
            self._problem("syntax", loc[:6], event, f"nested more than {_MAX_DEPTH} levels deep: no part of an access file is")
            self._document.unreadable = True
            raise _TooDeepError
        if isinstance(event, AliasEvent):
            self._problem(
                "anchor",
                loc,
                event,
                f"*{event.anchor} repeats an anchor: write the value out, so that each line says what it means",
            )
            return _SKIP
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self._problem(
                "anchor", loc, event, f"&{event.anchor} is an anchor: take it away and write values out where they are repeated"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problem("tag", loc, event, f"{quoted(str(tag))}: tags mean nothing here; take it away")
        if isinstance(event, MappingStartEvent):
            return self._mapping(loc)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(loc)
        return self._scalar(event, loc)

    def _sequence(self, loc: Loc) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self._value(event, (*loc, len(items))))
        return [None if item is _SKIP else item for item in items]

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, loc)
            inner = (*loc, key if isinstance(key, str) else "?")
            first = self._document.keys.get(inner)
            if first is None:
                self._document.keys[inner] = _span(event)
                value = self._value(next(self._events), inner)
                if value is None and self._document.values[inner].line != self._document.keys[inner].line:
                    self._document.values[inner] = self._document.keys[inner]  # nothing stands on its key's line
                if isinstance(key, str) and value is not _SKIP:
                    found[key] = value
            else:
                self._problem("duplicate-key", inner, event, f"{quoted(key)} is already on line {first.line}: a key stands once")
                kept = self._document.values[inner]
                self._value(next(self._events), (*loc, f"{key}\0"))
                self._document.values[inner] = kept
        return found

    def _key(self, event: Event, loc: Loc) -> Any:
        if isinstance(event, ScalarEvent):
            return event.value
        self._problem("syntax", loc, event, "a key must be text")
        return self._value(event, (*loc, "?")) and None

    def _scalar(self, event: Any, loc: Loc) -> Any:
        text: str = event.value
        if event.style is not None or not event.implicit[0]:
            return text
        if text.lower() in _CONSTANTS and text in (text.lower(), text.upper(), text.capitalize()):
            return _CONSTANTS[text.lower()]
        if re.fullmatch(r"[-+]?[0-9]+", text, re.ASCII):
            if len(text) > _MAX_DIGITS:
                self._problem("number", loc, event, f"a number of {len(text)} digits: no value of an access file is one")
                return _SKIP
            return int(text)
        return float(text) if re.fullmatch(r"[-+]?[0-9]+\.[0-9]+", text, re.ASCII) else text

    def _problem(self, code: str, loc: Loc, event: Event, message: str) -> None:
        self._document.problems.append((code, loc, _span(event), message))


def _span(event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    same = end.line == start.line and end.column > start.column
    return Span(start.line + 1, start.column + 1, end.column + 1 if same else start.column + 2)
