"""Log lines of the devices on the way, read into one shape. No Pulumi, no access file, no state from line to line.

Each format is a module with `parse(line) -> Connection | None`, or `of(fields)` for lines that are JSON objects or rows of a
table: None for a line that is not of this format, or of no connection; ValueError, which says why, for one that is and cannot be
read.
`read` goes through many lines and finds the format of each; all it keeps is the head of a table.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import envoy, flow, fortigate, gcp, hubble, lss, nss, proxy
from .connection import Connection, NoConnectionError, Session

__all__ = ["NO_LOG", "Connection", "NoConnectionError", "Reader", "Session", "Unreadable", "parse", "read"]

_OF: tuple[Callable[[Mapping[str, Any]], Connection | None], ...] = (
    lss.of,
    nss.of,
    flow.of,
    gcp.of,
    hubble.of,
    proxy.of,
    envoy.of,
)
_BUNDLES = ("logEvents", "events", "Records")
"""Keys under which exports of CloudWatch Logs and S3 put many records into one object."""
_DEEPEST = 6
"""Levels of bundles in bundles."""
NO_LOG = "no log of a FortiGate, of AWS flow logs, Google Cloud's network, ZPA's LSS, ZIA's NSS, Hubble or Envoy"
"""Why a line is unreadable that nothing here takes for its own."""
_NO_DATA = ("NODATA", "SKIPDATA")
_SPREAD = "a JSON document over several lines: write one record a line, as `jq -c` does"
_DAMAGED = "a line of JSON that is damaged"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line of which no connection could be told."""

    number: int
    """The line's number, from 1."""
    line: str
    why: str
    understood: bool = False
    """The line is of something else than a connection: nothing is wrong with it."""
    session: Session | None = None
    """Who signed in, where it is about that."""

    def __str__(self) -> str:
        shown = self.line if len(self.line) <= 120 else self.line[:117] + "…"
        return f"line {self.number}: {self.why}: {shown}"


def parse(line: str, fields: tuple[str, ...] = ()) -> Connection | None:
    """The connection of one line, whatever its format; None when none of them knows it.

    `fields`: the names of a VPC flow log's custom format (`flow.layout`). ValueError for a damaged line, with what is wrong; of a
    line with several records, the first counts.
    """
    reader = Reader()
    reader.fields = fields
    for found in reader.connections(line.strip()):
        if isinstance(found, ValueError):
            raise found
        if found:
            return found
    return None


def read(lines: Iterable[str], log_format: str = "") -> Iterator[tuple[int, Connection | Unreadable]]:
    """Every line with its number (from 1), empty lines left out; a line with several records stands several times.

    `log_format` is a VPC flow log's custom format; a header line in the log says it as well. ValueError where it names no fields.
    """
    reader = Reader(log_format)
    for number, line in enumerate(lines, 1):
        for found in reader.line(number, line):
            yield number, found


class Reader:
    """Lines of one file, one after the other. What it remembers is how rows of a table, or of a flow log, are to be read."""

    def __init__(self, log_format: str = "") -> None:
        self.fields: tuple[str, ...] = flow.layout(log_format) if log_format else ()
        if log_format and not self.fields:
            raise ValueError(
                f"no format of flow logs: {log_format[:80]!r}; write its fields, as in '${{srcaddr}} ${{dstaddr}} …'"
            )
        self._table: tuple[str, tuple[str, ...]] | None = None

    def line(self, number: int, line: str) -> Iterator[Connection | Unreadable]:
        """What a line says; nothing for an empty one, and for the head of a table."""
        text = line.strip()
        if not text:
            return
        try:
            if self._is_head(text):
                return
        except ValueError as error:
            yield Unreadable(number, text, str(error))
            return
        for found in self.connections(text):
            if isinstance(found, ValueError):
                session = found.session if isinstance(found, NoConnectionError) else None
                yield Unreadable(number, text, str(found), isinstance(found, NoConnectionError), session)
            else:
                yield found or Unreadable(number, text, _unknown(text))

    def connections(self, text: str) -> Iterator[Connection | ValueError | None]:
        """Every connection of a line, or what is wrong with it; None for what no format knows."""
        try:
            yield from self._connections(text)
        except ValueError as error:
            yield error

    def _connections(self, text: str) -> Iterator[Connection | ValueError | None]:
        if text[0:1] == "{" or text[0:2] in ("[{", '["'):
            yield from self._document(text, 0)
        elif text[-1:] == "}" and (start := text.find("{")) >= 0 and text[:1] in "<ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":
            yield from self._document(text[start:], 0)  # a collector's head stands before the object
        else:
            yield self._plain(text)

    def _is_head(self, text: str) -> bool:
        """Whether a line names the fields of those that follow, which is then remembered."""
        if not (text[0].isalpha() or text[0] == '"') or "=" in text or text[-1] == "}":
            return False
        if names := flow.layout(text.replace('"', "")):
            self.fields, self._table = names, None
            return True
        for delimiter in ("\t", ","):
            row = _row(text, delimiter) if delimiter in text else ()
            if len(row) > 3 and (lss.layout(row) or nss.layout(row)):
                self._table = (delimiter, row)
                return True
        return False

    def _plain(self, text: str) -> Connection | None:
        if "=" in text or "|Zscaler|" in text:
            found = fortigate.parse(text) or (nss.parse(text) if self._table is None or "CEF:" in text else None)
            if found:
                return found
        if text[:1] == "[":
            return envoy.parse(text)
        if (row := self._columns(text)) is not None:
            return lss.of(row) or nss.of(row)
        found = flow.parse(text.replace(",", " ") if "," in text and self.fields else text, self.fields)
        if found is None and text.endswith(_NO_DATA):
            raise NoConnectionError("a flow log record without data")
        return found

    def _columns(self, text: str) -> dict[str, str] | None:
        """A row of the table whose head was read, or of the one that needs no head; None: it is no row."""
        if self._table is not None:
            delimiter, names = self._table
            row = _row(text, delimiter)
            if delimiter not in text:
                return None
            if len(row) != len(names):
                raise ValueError(f"{len(row)} columns, where the head has {len(names)}")
            return dict(zip(names, row, strict=True))
        row = _row(text, ",") if text[:1] == '"' and text.count(",") >= len(nss.DEFAULT_TABLE) - 1 else ()
        return dict(zip(nss.DEFAULT_TABLE, row, strict=True)) if len(row) == len(nss.DEFAULT_TABLE) else None

    def _document(self, text: str, depth: int) -> Iterator[Connection | ValueError | None]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(_SPREAD if text[-1] in "{[," else _DAMAGED) from None
        yield from self._inside(found, depth)

    def _inside(self, found: Any, depth: int) -> Iterator[Connection | ValueError | None]:
        """The connections of a JSON value: an object of one, or one with many records in it."""
        if isinstance(found, list) and found and depth < _DEEPEST:
            for one in found:
                try:
                    yield from self._inside(one, depth + 1)
                except ValueError as error:  # one that is damaged does not hide those behind it
                    yield error
        elif isinstance(found, str) and depth:
            yield from self.connections(found.strip()) if depth < _DEEPEST else (None,)
        elif isinstance(found, dict):
            yield from self._of(found, depth)
        else:
            yield None

    def _of(self, fields: dict[str, Any], depth: int) -> Iterator[Connection | ValueError | None]:
        if depth < _DEEPEST:
            inner = next((fields[key] for key in _BUNDLES if isinstance(fields.get(key), list)), None)
            if inner is not None:
                yield from self._inside(inner, depth + 1)
                return
        one = next((found for read in _OF if (found := read(fields)) is not None), None)
        message = fields.get("message")
        if one is None and isinstance(message, str) and depth < _DEEPEST:
            yield from self._inside(message, depth + 1)
            return
        yield one


def _row(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(one.strip() for one in next(csv.reader([text], delimiter=delimiter), ()))
    except csv.Error:
        return ()


def _unknown(text: str) -> str:
    words = text.split()
    numbers = sum(any(map(str.isdigit, one)) for one in words)  # addresses, ports, bytes: a sentence has few
    if numbers > 2 and all(one.replace("-", "").replace(".", "").replace(":", "").isalnum() for one in words):
        return "a flow log of a custom format? give its fields with --log-format, or its header line first"
    return NO_LOG
