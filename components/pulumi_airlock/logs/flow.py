"""Flow logs of AWS: of a VPC's network interfaces, and of transit gateways.

Facts: Amazon VPC User Guide, "Flow log records" (version 2 is the default format; a custom one lists its fields, and files in S3
begin with a header line of their names); Amazon VPC Transit Gateways, "Transit Gateway Flow Log records". `start` and `end` are
seconds since 1970, when the first and the last packet of an aggregation interval came: a long connection has several records.
`action` is ACCEPT or REJECT by security groups and network ACLs. A transit gateway has no action: it counts the packets that it
had no route for.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from . import columns
from .connection import Connection, NoConnectionError, address_of, instant_of, port_of, protocol_of

VPC, TGW = "vpc-flow", "tgw-flow"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DEFAULT = _names(
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
"""The default format of a VPC flow log, version 2."""

TRANSIT = _names(
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id "
    "tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id "
    "tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type "
    "packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region "
    "flow-direction pkt-src-aws-service pkt-dst-aws-service"
)
"""The default format of a transit gateway flow log."""

_NEEDED = ("srcaddr", "dstaddr", "protocol")
_EMPTY = frozenset({"NODATA", "SKIPDATA"})
_RESOURCES = frozenset({"TransitGateway", "TransitGatewayAttachment"})
_SYN_ACK = "18"
"""`tcp-flags` of a flow that began with an answer: SYN and ACK."""
_ANSWERS = {"18": True, "19": True, "22": True, "2": False, "3": False, "6": False}
"""`tcp-flags` → whether the flow is what a server answers: SYN and ACK together, or SYN alone (FIN and RST beside them)."""


def parse(line: str, fields: Sequence[str] = ()) -> Connection | None:
    """The connection of a flow log record; None when it is none, or says that there was no data.

    `fields` are the names of a custom format, in order (`layout`); the default formats are recognised. ValueError, with what is
    wrong, when a record does not have these fields, or is damaged.
    """
    values = line.split()
    names = fields or _recognised(values)
    if not names:
        return None
    if len(values) == len(names) + 1 and values[0][4:5] == "-" and values[0][-1] == "Z":
        del values[0]  # an export of CloudWatch Logs puts the event's time before the record
    if len(values) != len(names) and fields:
        names = _recognised(values) or fields  # beside records of a custom format, one of a default one
    if len(values) != len(names):
        raise ValueError(f"{len(values)} fields, where the format has {len(names)}")
    record = dict(zip(names, values, strict=True))
    return None if record.get("log-status") in _EMPTY else _connection(record)


def of(fields: Mapping[str, Any]) -> Connection | None:
    """The connection of a record as a JSON object (files in S3, an export of Athena); None when it is no flow log.

    NoConnectionError where the record says that there was no data; ValueError, with what is wrong, when it is damaged.
    """
    record = {str(key).lower().replace("_", "-"): str(value) for key, value in fields.items() if value not in (None, "")}
    if not {"srcaddr", "dstaddr"} <= record.keys() and record.get("log-status") not in _EMPTY:
        return None
    if record.get("log-status") in _EMPTY:
        raise NoConnectionError("a flow log record without data")
    missing = [one for one in _NEEDED if one not in record]
    if missing:
        raise ValueError(f"the record lacks {', '.join(missing)}")
    return _connection(record)


def _connection(record: Mapping[str, str]) -> Connection:
    transit = "tgw-id" in record or "tgw-attachment-id" in record
    allowed, action, detail = _transit(record) if transit else _decision(record)
    return Connection(
        format=TGW if transit else VPC,
        # Behind a NAT gateway or an endpoint, `pkt-` are the addresses of who really talks.
        source=address_of(_first(record, "pkt-srcaddr", "srcaddr"), "srcaddr"),
        source_port=port_of(record.get("srcport", ""), "srcport"),
        destination=address_of(_first(record, "pkt-dstaddr", "dstaddr"), "dstaddr"),
        name="",
        port=port_of(record.get("dstport", ""), "dstport") or 0,
        protocol=protocol_of(_number(record["protocol"], "protocol")),
        time=_time(record, "start"),
        allowed=allowed,
        action=action,
        detail=detail,
        device=_first(record, "interface-id", "tgw-attachment-id", "tgw-id"),
        way=_first(record, "traffic-path"),
        service=_first(record, "pkt-dst-aws-service"),
        answers=_ANSWERS.get(record.get("tcp-flags", "")),
        until=_time(record, "end"),
    )


def layout(line: str) -> tuple[str, ...]:
    """The fields of a custom format: a header line, or what `--log-format` was (`${srcaddr} ${dstaddr} …`). Empty: it is neither.

    ValueError when it is one, and a field is missing without which no connection can be told.
    """
    names = tuple(word.removeprefix("${").removesuffix("}").replace("_", "-") for word in line.replace(",", " ").split())
    if not {"srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "interface-id", "account-id"} & set(names):
        return ()
    missing = [one for one in _NEEDED if one not in names]
    if missing:
        raise ValueError(f"the format lacks {', '.join(missing)}")
    return names


def _recognised(values: Sequence[str]) -> Sequence[str]:
    """The default format that a record is written in."""
    start = 1 if len(values) > 1 and values[0][4:5] == "-" and values[0][-1:] == "Z" else 0
    size = len(values) - start
    if size == len(DEFAULT) and values[start] in ("2", "3", "4", "5", "6", "7", "8") and values[start + 2][:4] in ("eni-", "-"):
        return DEFAULT
    return TRANSIT if size >= 2 and values[start + 1] in _RESOURCES else ()


def _decision(record: Mapping[str, str]) -> tuple[bool | None, str, str]:
    action = record.get("action", "")
    reason = record.get("reject-reason", "-")
    detail = "" if reason == "-" else f"rejected for {reason}"
    if record.get("tcp-flags") == _SYN_ACK:
        detail = "this flow is the answers of a server"
    return {"ACCEPT": True, "REJECT": False}.get(action), action, detail


def _transit(record: Mapping[str, str]) -> tuple[bool | None, str, str]:
    lost = {
        "no route": record.get("packets-lost-no-route", "0"),
        "a blackhole route": record.get("packets-lost-blackhole", "0"),
    }
    found = [f"{count} packets lost to {why}" for why, count in lost.items() if count not in ("0", "-")]
    return (not found, "lost" if found else "forwarded", "; ".join(found))


def _time(record: Mapping[str, str], field: str) -> datetime | None:
    found = record.get(field, "-")
    return None if found == "-" else instant_of(int(_number(found, field)))


def _first(record: Mapping[str, str], *names: str) -> str:
    for name in names:
        value = record.get(name, "-")
        if value != "-":
            return value
    return ""


def _number(text: str, field: str) -> str:
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return text
    raise ValueError(f"{field} is no number: {text[:60]!r}")


def columns_of(names: Sequence[str]) -> columns.Columns | None:
    """How DuckDB reads plain records of a VPC flow log with these fields (`layout`, `DEFAULT`); None of a transit gateway's."""
    if "tgw-id" in names or "tgw-attachment-id" in names:
        return None
    place = {name: f"row[{number}]" for number, name in enumerate(names, 1)}

    def field(*wanted: str) -> str:
        return (
            columns.first(*(f"nullif({place[one]}, '-')" for one in wanted if one in place)) if set(wanted) & set(place) else "''"
        )

    number = "regexp_full_match({}, '[0-9]{{1,10}}')"
    status = f"{place['log-status']} NOT IN ({columns.listed(_EMPTY)})" if "log-status" in place else "true"
    default = (
        "row[1] IN ('2', '3', '4', '5', '6', '7', '8') AND row[3][:4] IN ('eni-', '-')" if tuple(names) == DEFAULT else "true"
    )
    flags = " ".join(f"WHEN '{flag}' THEN {str(answer).lower()}" for flag, answer in _ANSWERS.items())
    start, end = place.get("start", "''"), place.get("end", "'-'")
    return columns.Columns(
        format=VPC,
        row="string_split(line, ' ')",
        plain=f"len(row) = {len(names)} AND NOT list_contains(row, '') AND {status} AND {default} "
        f"AND {number.format('protocol')} AND {number.format(start)} "
        f"AND ({end} = '-' OR {number.format(end)}) AND source <> '' AND destination <> ''",
        source=field("pkt-srcaddr", "srcaddr"),
        source_port=place.get("srcport", "''"),
        destination=field("pkt-dstaddr", "dstaddr"),
        port=place.get("dstport", "''"),
        protocol=place.get("protocol", "''"),
        seconds=f"TRY_CAST({start} AS BIGINT)",
        ended=f"coalesce(TRY_CAST({end} AS BIGINT), seconds)",
        allowed=f"CASE {place.get('action', 'NULL')} WHEN 'ACCEPT' THEN true WHEN 'REJECT' THEN false END",
        answers=f"CASE {place['tcp-flags']} {flags} END" if "tcp-flags" in place else "NULL",
    )
