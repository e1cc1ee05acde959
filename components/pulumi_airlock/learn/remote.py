"""Logs that are too many for one machine: the query that counts them where they live, and its answer.

Facts: Amazon Athena, "Create a table for Amazon VPC flow logs and query it" (columns, partition `date`) and "… using partition
projection" (partition `day`, as in `2026/11/20`); Google Cloud, "VPC Flow Logs records" and sinks to BigQuery, whose tables are
partitioned by `timestamp`. Of FortiGate's logs nobody says how a table has to look: columns are expected by the log's own names,
and a partition `date` or `day`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ..access.errors import nearest, quoted
from ..errors import InputError, Problem, Problems
from ..logs import flow, fortigate, gcp
from ..logs.columns import is_v4
from ..logs.connection import EPHEMERAL, PROTOCOLS
from ..logs.fortigate import REFUSED
from ..unreadable import why
from .seen import Seen, literal

COLUMNS = ("format", "source", "destination", "name", "port", "protocol", "started", "ended", "allowed", "connections")
"""What the query answers, in this order; `started` and `ended` are begins of minutes, in seconds since 1970: a long connection is
seen from one to the other."""
DAYS = 30


@dataclass(frozen=True, slots=True)
class _Dialect:
    text: str
    integer: str
    quote: str


_DIALECTS = {"athena": _Dialect("varchar", "bigint", '"'), "bigquery": _Dialect("STRING", "INT64", "`")}


def query(dialect: str, of: str, table: str, since: str, today: date, partition: str = "date") -> str:
    """The query to run. `since`: the first day, 30 days ago where it is empty; `partition`: `date` or `day`, as Athena has it.

    InputError, with everything that is wrong.
    """
    problems = []
    if dialect not in _DIALECTS:
        problems.append(Problem("", "--sql", f"no dialect {quoted(dialect)}{nearest(dialect, _DIALECTS)}"))
    made = _QUERIES.get((dialect, of or {"athena": flow.VPC, "bigquery": gcp.FLOW}.get(dialect, "")))
    if made is None and not problems:
        known = [kind for name, kind in _QUERIES if name == dialect]
        problems.append(Problem("", "--of", f"no logs {quoted(of)} in {dialect}{nearest(of, known)}"))
    if not table or any(char in table for char in "`\"';\n\\"):
        problems.append(Problem("", "--table", f"{quoted(table)} is no table: write its name, as in logs.vpc_flow_logs"))
    if partition not in ("date", "day"):
        problems.append(Problem("", "--partition", f"no partition {quoted(partition)}: date or day"))
    try:
        first = date.fromisoformat(since) if since else today - timedelta(days=DAYS)
    except ValueError:
        problems.append(Problem("", "--since", f"{quoted(since)} is no day: write year, month and day, as in 2026-10-27"))
    if problems or made is None:
        raise InputError(problems)
    return made(_DIALECTS[dialect], table, first, partition)


def read_aggregated(seen: Seen, path: Path) -> None:
    """The answer of a query, as CSV with a head or as JSON lines, into the table. InputError where it is not that."""
    source = f"read_{'json' if _is_json(path) else 'csv'}({literal(str(path))}, {_options(path)})"
    try:
        seen.sql.execute(f"CREATE OR REPLACE TEMP TABLE answer AS FROM {source}")
    except Exception as error:  # DuckDB's own, which is only there where the extra is
        raise InputError([Problem(str(path), "", f"cannot be read: {str(error).splitlines()[0]}")]) from None
    there = {row[0].lower() for row in seen.sql.execute("DESCRIBE answer").fetchall()}
    missing = [one for one in COLUMNS if one not in there]
    if missing:
        message = f"has no column {', '.join(missing)}: give what the query of --sql answered, with its head"
        raise InputError([Problem(str(path), "", message)])
    _require_sound(seen, path)
    seen.sql.execute(
        f"INSERT INTO seen SELECT format, source, coalesce(destination, ''), coalesce(name, ''), "  # noqa: S608
        f"coalesce(TRY_CAST(port AS INTEGER), 0), protocol, {_STARTED} // 60, greatest({_STARTED}, {_ENDED}) // 60, "
        f"TRY_CAST(allowed AS BOOLEAN), '', '', '', '', {_COUNT} FROM answer"
    )
    (lines,) = seen.sql.execute(f"SELECT sum({_COUNT}) FROM answer").fetchone() or (0,)  # noqa: S608
    seen.told.lines += int(lines or 0)


def _require_sound(seen: Seen, path: Path) -> None:
    """InputError, with the first of its rows that cannot be meant, each with its line."""
    problems = Problems(str(path))
    above = 0 if _is_json(path) else 1
    for column, (sound, meaning) in _SOUND.items():
        rows = f"SELECT row_number() OVER () AS number, {column}, coalesce({sound}, false) AS sound FROM answer"  # noqa: S608
        for number, value in seen.sql.execute(f"SELECT number, {column} FROM ({rows}) WHERE NOT sound LIMIT {_MOST}").fetchall():  # noqa: S608
            problems.add(column, f"{quoted(value)} is no {meaning}", f"{path}:{number + above}")
    problems.raise_any()


_MOST = 5
"""Problems of one column that are told."""
_STARTED, _ENDED = "TRY_CAST(started AS BIGINT)", "TRY_CAST(ended AS BIGINT)"
_COUNT = "TRY_CAST(connections AS BIGINT)"
_SOUND = {
    "source": (f"source LIKE '%:%' OR {is_v4('source')}", "address"),
    "destination": (f"coalesce(destination, '') = '' OR destination LIKE '%:%' OR {is_v4('destination')}", "address"),
    "port": ("coalesce(port, '') = '' OR TRY_CAST(port AS INTEGER) BETWEEN 0 AND 65535", "port"),
    "started": (f"{_STARTED} IS NOT NULL", "number of seconds"),
    "ended": (f"{_ENDED} IS NOT NULL", "number of seconds"),
    "connections": (f"{_COUNT} IS NOT NULL", "number"),
}
"""Column → what is sound there, and what that is called."""


def _is_json(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(1) in (b"{", b"[")
    except OSError as error:
        raise InputError([Problem(str(path), "", why(error))]) from None


def _options(path: Path) -> str:
    text = "VARCHAR"
    columns = "{" + ", ".join(f"'{one}': '{text}'" for one in COLUMNS) + "}"
    return f"columns = {columns}" if _is_json(path) else "header = true, all_varchar = true, delim = ','"


# --- the queries


def _vpc(to: _Dialect, table: str, since: date, partition: str) -> str:
    return _select(
        flow.VPC,
        to,
        table,
        source="srcaddr",
        destination="dstaddr",
        name="''",
        port="dstport",
        protocol=_protocol("protocol", to),
        started=_minute("start"),
        ended=_minute(f"{to.quote}end{to.quote}"),
        allowed="CASE action WHEN 'ACCEPT' THEN true WHEN 'REJECT' THEN false END",
        where=[_days(to, since, partition), "log_status = 'OK'", _no_answer("srcport", "dstport")],
    )


def _gcp(to: _Dialect, table: str, since: date, partition: str) -> str:
    end = "jsonPayload.connection"
    ports = [f"CAST({end}.{one} AS {to.integer})" for one in ("src_port", "dest_port")]
    return _select(
        gcp.FLOW,
        to,
        table,
        source=f"{end}.src_ip",
        destination=f"{end}.dest_ip",
        name="''",
        port=ports[1],
        protocol=_protocol(f"CAST({end}.protocol AS {to.integer})", to),
        started=_truncated("start_time"),
        ended=_truncated("end_time"),
        allowed="true",
        where=[f"timestamp >= TIMESTAMP('{since}')", _no_answer(*ports)],
    )


def _fortigate(to: _Dialect, table: str, since: date, partition: str) -> str:
    refused = ", ".join(f"'{one}'" for one in sorted(REFUSED))
    protocol = f"CAST(proto AS {to.integer})"
    # Seconds before FortiOS 6.2, nanoseconds since; of the line, which is written when the session ends.
    ended = f"CAST(substr(CAST(eventtime AS {to.text}), 1, 10) AS {to.integer})"
    return _select(
        fortigate.FORMAT,
        to,
        table,
        source="srcip",
        destination="dstip",
        name="coalesce(hostname, '')",
        port=f"CASE WHEN {protocol} IN (1, 58) THEN 0 ELSE CAST(dstport AS {to.integer}) END",
        protocol=_protocol(protocol, to),
        started=_minute(f"({ended} - coalesce(CAST(duration AS {to.integer}), 0))"),
        ended=_minute(ended),
        allowed=f"CASE WHEN action <> '' THEN action NOT IN ({refused}) END",
        where=[_days(to, since, partition), "type = 'traffic'"],
    )


_QUERIES: dict[tuple[str, str], Callable[[_Dialect, str, date, str], str]] = {
    ("athena", flow.VPC): _vpc,
    ("athena", fortigate.FORMAT): _fortigate,
    ("bigquery", gcp.FLOW): _gcp,
    ("bigquery", fortigate.FORMAT): _fortigate,
}


def _select(format_: str, to: _Dialect, table: str, *, where: list[str], **columns: str) -> str:
    shown = [
        f"'{format_}' AS format",
        *(f"{columns[one]} AS {one}" for one in COLUMNS if one in columns),
        "count(*) AS connections",
    ]
    name = ".".join(f"{to.quote}{part}{to.quote}" for part in table.split("."))
    grouped = ", ".join(map(str, range(1, len(COLUMNS))))
    lines = ["SELECT", ",\n".join(f"  {one}" for one in shown), f"FROM {name}", "WHERE " + "\n  AND ".join(where)]
    return "\n".join([*lines, f"GROUP BY {grouped}"])


def _minute(seconds: str) -> str:
    return f"{seconds} - MOD({seconds}, 60)"


def _truncated(field: str) -> str:
    return f"UNIX_SECONDS(TIMESTAMP_TRUNC(TIMESTAMP(jsonPayload.{field}), MINUTE))"


def _protocol(number: str, to: _Dialect) -> str:
    named = " ".join(f"WHEN {known} THEN '{name}'" for known, name in PROTOCOLS.items())
    return f"CASE {number} {named} ELSE CAST({number} AS {to.text}) END"


def _days(to: _Dialect, since: date, partition: str) -> str:
    """Only the partitions that are asked for are read, and paid for."""
    column = f"{to.quote}{partition}{to.quote}"
    return f"{column} >= DATE '{since}'" if partition == "date" else f"{column} >= '{since:%Y/%m/%d}'"


def _no_answer(source: str, destination: str) -> str:
    """Not what servers answered, by the ports."""
    return f"NOT (coalesce({source}, {EPHEMERAL}) < {EPHEMERAL} AND coalesce({destination}, 0) >= {EPHEMERAL})"
