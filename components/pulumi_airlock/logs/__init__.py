"""Log lines of the devices on the way, read into one shape. No Pulumi, no access file, no state from line to line.

Each format is a module with `parse(line) -> Connection | None`: None for a line that is not of this format, or of no connection;
ValueError, which says why, for one that is and cannot be read. `read` goes through many lines and finds the format of each.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import envoy, flow, fortigate
from .connection import Connection

__all__ = ["Connection", "Unreadable", "parse", "read"]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line of which no connection could be told."""

    number: int
    """The line's number, from 1."""
    line: str
    why: str

    def __str__(self) -> str:
        shown = self.line if len(self.line) <= 120 else self.line[:117] + "…"
        return f"line {self.number}: {self.why}: {shown}"


def parse(line: str, fields: tuple[str, ...] = ()) -> Connection | None:
    """The connection of one line, whatever its format; None when none of them knows it.

    `fields`: the names of a VPC flow log's custom format (`flow.layout`). ValueError for a damaged line, with what is wrong.
    """
    text = line.strip()
    if text[:1] in "{[":
        return envoy.parse(text)
    found = fortigate.parse(text) if "=" in text else None
    return found or flow.parse(text, fields)


def read(lines: Iterable[str], log_format: str = "") -> Iterator[tuple[int, Connection | Unreadable]]:
    """Every line with its number (from 1), empty lines left out.

    `log_format` is a VPC flow log's custom format; a header line in the log says it as well. ValueError where it names no fields.
    """
    fields = flow.layout(log_format) if log_format else ()
    if log_format and not fields:
        raise ValueError(f"no format of flow logs: {log_format[:80]!r}; write its fields, as in '${{srcaddr}} ${{dstaddr}} …'")
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        try:
            header = flow.layout(text) if text[0].isalpha() and "=" not in text else ()
            if header:
                fields = header
                continue
            found = parse(text, fields)
        except ValueError as error:
            yield number, Unreadable(number, text, str(error))
        else:
            yield number, found or Unreadable(number, text, _unknown(text))


def _unknown(text: str) -> str:
    words = text.split()
    if words[-1] in ("NODATA", "SKIPDATA"):
        return "a flow log record without data"
    if len(words) > 4 and all(one.replace("-", "").replace(".", "").replace(":", "").isalnum() for one in words):
        return "a flow log of a custom format? give its fields with --log-format, or its header line first"
    return "no FortiGate traffic log, flow log, or Envoy access log"
