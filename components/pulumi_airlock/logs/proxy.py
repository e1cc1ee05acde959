"""The log of Airlock's own TCP proxy: one line of JSON for each tunnel at its start and its end, for each refusal and handshake.

What it writes is `gates/tcp_proxy/log.py`. A tunnel is told by the line of its start; the task is that of the verified token.
HAProxy (`gates/tcp_proxy/haproxy/log.py`) tells of a tunnel at its end alone, and knows whose certificate was shown.
"""

from collections.abc import Mapping
from typing import Any

from . import columns
from .connection import Connection, NoConnectionError, address_of, clock_of, port_of

FORMAT = "airlock-proxy"

_NEEDED = frozenset({"gate", "event", "connection", "client"})


def of(fields: Mapping[str, Any]) -> Connection | None:
    """The tunnel that was opened or refused; None when it is no line of the proxy.

    NoConnectionError for its other lines; ValueError, with what is wrong, when it is damaged.
    """
    if not fields.keys() >= _NEEDED:
        return None
    event = _text(fields, "event")
    whole = event == "close" and fields.get("engine") == "haproxy"
    if not (event in ("open", "refused") or whole) or not _text(fields, "target"):
        raise NoConnectionError(f"a line of the proxy of {event[:40]!r}: tunnels are told by their start")
    source, source_port = _socket(_text(fields, "client"), "client")
    upstream, _ = _socket(_text(fields, "upstream").removesuffix("-:-"), "upstream")
    # Its second flag says what it waited for at the end: for the destination, or for its turn (HAProxy, "Session state").
    lost = whole and _text(fields, "response_flags")[1:2] in ("C", "Q")
    host, _, port = _text(fields, "target").rpartition(":")
    address = _address(host.strip("[]"))
    return Connection(
        format=FORMAT,
        source=source,
        source_port=source_port,
        destination=address or upstream,
        name="" if address else host.lower().rstrip("."),
        port=port_of(port, "target's port") or 0,
        protocol="tcp",
        time=clock_of(_text(fields, "time"), "time"),
        allowed=event == "open" or (whole and not lost),
        action=event,
        rule=_text(fields, "policy"),
        user=_text(fields, "sub") or _text(fields, "principal"),
        detail="routing" if lost else _text(fields, "reason"),
        device=_text(fields, "gate"),
        environment=_text(fields, "environment"),
        dag_id=_text(fields, "dag_id"),
        task_id=_text(fields, "task_id"),
        answers=False,
    )


def _socket(text: str, field: str) -> tuple[str, int | None]:
    if not text:
        return "", None
    host, _, port = text.rpartition(":")
    return address_of(host.strip("[]"), field), port_of(port, field)


def _address(text: str) -> str:
    try:
        return address_of(text, "target")
    except ValueError:
        return ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    found = fields.get(name)
    return "" if found in (None, "", "-") or isinstance(found, dict | list) else str(found)


_KEYS = (*("gate", "event", "connection", "client", "target", "upstream", "time", "sub", "environment", "dag_id", "task_id"),)
_HOST = "lower(split_part(coalesce(row.target, ''), ':', 1))"

COLUMNS = columns.Columns(
    format=FORMAT,
    row=columns.document("{" + ", ".join(f'"{one}": "VARCHAR"' for one in _KEYS) + "}"),
    plain="row.gate IS NOT NULL AND row.connection IS NOT NULL AND row.event = 'open' "
    f"AND regexp_full_match(row.client, '{columns.SOCKET}') "
    f"AND regexp_full_match({columns.text('row.upstream')}, '({columns.SOCKET})?') "
    rf"AND regexp_full_match(row.target, '[^:\[\]]+:{columns.PORT}') AND ({columns.is_v4(_HOST)} OR {columns.is_name(_HOST)}) "
    "AND NOT ends_with(name, '.')",
    source="split_part(coalesce(row.client, ''), ':', 1)",
    source_port="split_part(coalesce(row.client, ''), ':', 2)",
    destination=f"CASE WHEN {columns.is_v4(_HOST)} THEN {_HOST} ELSE split_part({columns.text('row.upstream')}, ':', 1) END",
    name=f"CASE WHEN {columns.is_v4(_HOST)} THEN '' ELSE {_HOST} END",
    port="split_part(coalesce(row.target, ''), ':', 2)",
    protocol="'tcp'",
    seconds=columns.iso_seconds("row.time"),
    allowed="true",
    answers="false",
    **{one: columns.text(f"row.{one}") for one in ("environment", "dag_id", "task_id")},
    user=columns.text("row.sub"),
)
"""How DuckDB reads plain lines: tunnels that were opened."""
