"""Lines of a log as DuckDB reads them: a million in seconds, where Python takes ten microseconds for each.

A format says in SQL what its parser says in Python, for its *plain* lines: those of which both surely say the same. What is not
plain (IPv6, a collector's head, a damaged line, a refusal that has to be told why) is left to the parser. The tests hold the two
against each other on the same lines. No DuckDB is imported here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .connection import EPHEMERAL, PROTOCOLS

FIELDS = (
    *("source", "destination", "name", "port", "protocol", "minute", "last", "allowed", "user"),
    *("environment", "dag_id", "task_id"),
)
"""What is known of a connection once lines are counted, in this order; `minute`, in which it began, and `last`, in which it was
seen last, count from 1970."""

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9][0-9]|6[0-4][0-9]{3}|[0-5]?[0-9]{1,4})"
SOCKET = f"{_V4}:{PORT}"
"""Regular expressions of a port, and of an IPv4 address with one."""


@dataclass(frozen=True)
class Columns:
    """How a format's plain lines are read. Each is an expression of DuckDB's SQL over `line` and `row`."""

    format: str
    row: str
    """What is worked out once for each line."""
    plain: str
    """Whether it is a plain line of this format, beyond what is looked at for all formats."""
    source: str
    destination: str
    """Addresses as text; empty where the line has none."""
    port: str
    """A number as text; empty where the line has none."""
    protocol: str
    """IANA's number as text, or a name."""
    seconds: str
    """When it began, in seconds since 1970."""
    allowed: str
    ended: str = "seconds"
    """When it was seen last; an expression over `seconds`, too."""
    name: str = "''"
    source_port: str = "''"
    answers: str = "NULL"
    user: str = "''"
    environment: str = "''"
    dag_id: str = "''"
    task_id: str = "''"

    def read(self, table: str) -> str:
        """A query: each line of a table (its column `line`), with `odd` where it is not plain, `answer`, and `FIELDS`."""
        plain = " AND ".join(
            (
                self.plain,
                f"(source = '' OR {is_v4('source')})",
                f"(destination = '' OR {is_v4('destination')})",
                "(destination <> '' OR name <> '')",
                "(source <> '' OR user <> '')",
                _is_port("port"),
                _is_port("source_port"),
                "seconds BETWEEN 1e9 AND 7e9 AND ended BETWEEN seconds AND 7e9",
            )
        )
        answer = (
            f"coalesce(answers, source_port NOT IN ('', '-') AND TRY_CAST(source_port AS INTEGER) < {EPHEMERAL} "
            f"AND TRY_CAST(port AS INTEGER) >= {EPHEMERAL})"
        )
        shown = ", ".join(f"CASE WHEN plain AND NOT answer THEN {_shown(one)} END AS {one}" for one in FIELDS)
        return f"""
            WITH rows AS (SELECT line, {self.row} AS row FROM {table}),
            columns AS (SELECT line, row, {", ".join(f"{getattr(self, one)} AS {one}" for one in _READ)} FROM rows),
            checked AS (SELECT *, coalesce({plain}, false) AS plain, coalesce({answer}, false) AS answer FROM columns)
            SELECT CASE WHEN NOT plain THEN line END AS odd, plain AND answer AS answer, {shown} FROM checked"""  # noqa: S608  # of expressions of ours alone

    def count(self, table: str) -> str:
        """A query: one row for each different connection of a minute, with how many there are; and one for each odd line."""
        return f"SELECT *, count(*) AS connections FROM ({self.read(table)}) GROUP BY ALL"  # noqa: S608  # the same


_READ = (
    *("source", "source_port", "destination", "name", "port", "protocol", "seconds", "ended"),
    *("allowed", "answers", "user"),
    *("environment", "dag_id", "task_id"),
)


def _shown(field: str) -> str:
    if field == "port":
        return "coalesce(TRY_CAST(port AS INTEGER), 0)"
    if field == "protocol":
        named = " ".join(f"WHEN '{number}' THEN '{name}'" for number, name in PROTOCOLS.items())
        return f"CASE protocol {named} ELSE protocol END"
    moment = {"minute": "seconds", "last": "ended"}.get(field)
    return f"CAST(floor({moment} / 60) AS BIGINT)" if moment else field


def _is_port(column: str) -> str:
    """As `port_of` takes it."""
    return f"({column} IN ('', '-') OR (regexp_full_match({column}, '[0-9]{{1,5}}') AND TRY_CAST({column} AS INTEGER) < 65536))"


def is_v4(expression: str) -> str:
    """Whether a text is an IPv4 address, written as `address_of` writes it."""
    return f"regexp_full_match({expression}, '{_V4}')"


def listed(texts: Iterable[str]) -> str:
    """A list for `IN`."""
    return ", ".join(f"'{one}'" for one in sorted(texts))


def document(shape: str) -> str:
    """A line of JSON as a struct, NULL where it is none. Every value comes as text."""
    return f"TRY(json_transform(line, '{shape}'))"


def text(path: str, nothing: Iterable[str] = ("", "-")) -> str:
    """A value of a document; empty where it says nothing."""
    return f"CASE WHEN coalesce({path}, '') IN ({listed(nothing)}) THEN '' ELSE {path} END"


def first(*expressions: str) -> str:
    """The first text that is not empty."""
    return f"coalesce({', '.join(f'nullif({one}, {quote})' for one in expressions for quote in [chr(39) * 2])}, '')"


def iso_seconds(expression: str) -> str:
    """Seconds since 1970 of ISO 8601 in UTC, without their parts; NULL where it is not exactly that."""
    pattern = r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z"
    return f"CASE WHEN regexp_full_match({expression}, '{pattern}') THEN epoch(TRY_CAST(({expression})[:19] AS TIMESTAMP)) END"


def is_name(expression: str) -> str:
    """Whether a text is a host's name in ASCII, and cannot be an address."""
    return f"regexp_full_match({expression}, '([A-Za-z0-9_-]+[.])*[A-Za-z0-9_-]*[A-Za-z][A-Za-z0-9_-]*[.]?')"
