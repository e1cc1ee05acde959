"""Logs of a VPC network in Google Cloud, as Cloud Logging hands them out: firewall rules logging, and VPC flow logs.

Facts: Google Cloud, "Firewall Rules Logging" (`jsonPayload` with `connection`, `disposition`, `rule_details`) and "VPC Flow Logs
records" (`connection`, `reporter`; `start_time` and `end_time` are of the first and the last packet in an interval). A firewall's
line is of one connection, written where the rule has logging; a rule of a policy has no name there, but the policy's and its
priority. A flow log samples what was let through, each direction by itself.
"""

import re
from collections.abc import Mapping
from typing import Any

from . import columns
from .connection import Connection, address_of, clock_of, port_of, protocol_of

FIREWALL, FLOW = "gcp-firewall", "gcp-flow"

_RULE = re.compile(r"/firewall:(?P<name>[^/]+)$")
_DISPOSITIONS = {"ALLOWED": True, "DENIED": False}


def of(fields: Mapping[str, Any]) -> Connection | None:
    """The connection of an entry of Cloud Logging; None when it is of neither log.

    ValueError, with what is wrong, when it is damaged.
    """
    payload = fields.get("jsonPayload")
    if not isinstance(payload, Mapping) or not isinstance(payload.get("connection"), Mapping):
        return None
    if "disposition" in payload:
        return _firewall(payload, fields)
    return _flow(payload, fields) if "reporter" in payload else None


def _firewall(payload: Mapping[str, Any], fields: Mapping[str, Any]) -> Connection:
    details = _mapping(payload, "rule_details")
    reference, disposition = _text(details, "reference"), _text(payload, "disposition")
    named = _RULE.search(reference)
    direction = _text(details, "direction").lower()
    return Connection(
        format=FIREWALL,
        **_ends(payload["connection"]),
        time=clock_of(_text(fields, "timestamp"), "timestamp"),
        allowed=_DISPOSITIONS.get(disposition),
        action=disposition,
        rule=named["name"] if named else "",
        rule_id="" if named else _text(details, "priority").removesuffix(".0"),
        detail=", ".join(filter(None, [direction, reference])),
        device=_network(payload),
        answers=False,  # what comes back on a connection is not logged again
    )


def _flow(payload: Mapping[str, Any], fields: Mapping[str, Any]) -> Connection:
    return Connection(
        format=FLOW,
        **_ends(payload["connection"]),
        time=clock_of(_text(payload, "start_time") or _text(fields, "timestamp"), "start_time"),
        # What a rule denies never becomes a flow.
        allowed=True,
        action="seen",
        detail={"SRC": "seen where it comes from", "DEST": "seen where it goes to"}.get(_text(payload, "reporter"), ""),
        device=_network(payload),
        until=clock_of(_text(payload, "end_time"), "end_time"),
    )


def _ends(connection: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source": address_of(_text(connection, "src_ip"), "src_ip"),
        "source_port": port_of(_text(connection, "src_port"), "src_port"),
        "destination": address_of(_text(connection, "dest_ip"), "dest_ip"),
        "name": "",
        "port": port_of(_text(connection, "dest_port"), "dest_port") or 0,
        "protocol": protocol_of(_text(connection, "protocol")),
    }


def _network(payload: Mapping[str, Any]) -> str:
    """The network that the line is of: where a firewall looks, or the end of a flow that is ours."""
    for side in ("vpc", "src_vpc", "dest_vpc"):
        name = _text(_mapping(payload, side), "vpc_name")
        if name:
            return name
    return ""


def _mapping(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = fields.get(key)
    return found if isinstance(found, Mapping) else {}


def _text(fields: Mapping[str, Any], key: str) -> str:
    found = fields.get(key)
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


_SHAPE = (
    '{"timestamp": "VARCHAR", "jsonPayload": {"reporter": "VARCHAR", "disposition": "VARCHAR", '
    '"start_time": "VARCHAR", "end_time": "VARCHAR", '
    '"connection": {"src_ip": "VARCHAR", "src_port": "VARCHAR", "dest_ip": "VARCHAR", '
    '"dest_port": "VARCHAR", "protocol": "VARCHAR"}}}'
)


def _end(name: str) -> str:
    return f"coalesce(row.jsonPayload.connection.{name}, '')"


COLUMNS = columns.Columns(
    format=FLOW,
    row=columns.document(_SHAPE),
    plain="row.jsonPayload.reporter IS NOT NULL AND row.jsonPayload.disposition IS NULL AND source <> '' AND destination <> '' "
    "AND regexp_full_match(protocol, '[0-9]{1,3}')",
    source=_end("src_ip"),
    source_port=_end("src_port"),
    destination=_end("dest_ip"),
    port=_end("dest_port"),
    protocol=_end("protocol"),
    seconds=columns.iso_seconds(columns.first("row.jsonPayload.start_time", "row.timestamp")),
    ended=f"CASE WHEN {columns.text('row.jsonPayload.end_time', ('',))} = '' THEN seconds "
    f"ELSE {columns.iso_seconds('row.jsonPayload.end_time')} END",
    allowed="true",
)
"""How DuckDB reads plain lines: of VPC flow logs."""
