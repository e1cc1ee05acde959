"""Envoy access logs: JSON, Envoy's default text format, and the one that Istio sets.

Facts: Envoy, "Access logging" (default format string, command operators, response flags) and "Role Based Access Control (RBAC)
network filter" (`rbac_access_denied_matched_policy[name]` in the details, `none` where no policy matched); Istio, "Envoy Access
Logs". In JSON the keys are those that Istio uses, the operators' names in small letters; `principal` is whom the proxy took the
caller for. `start_time` is when the request, or the connection, began; the line is written at its end, `duration` milliseconds
later.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from . import columns
from .connection import Connection, address_of, port_of

FORMAT = "envoy"

_TEXT = re.compile(
    r'\[(?P<start_time>\d{4}-[^\]]*)\] "(?P<method>\S+) (?P<path>[^"]*?) (?P<protocol>\S+)" (?P<response_code>\d+|-) '
    r"(?P<response_flags>[A-Z0-9,]+|-) "
    # Istio's format has these three, Envoy's own has not.
    r'(?:(?P<response_code_details>[^\s"]+) (?P<connection_termination_details>[^\s"]+) "[^"]*" )?'
    r'\S+ \S+ (?P<duration>\S+) \S+ "(?P<x_forwarded_for>[^"]*)" "[^"]*" "[^"]*" '
    r'"(?P<authority>[^"]*)" "(?P<upstream_host>[^"]*)"'
    r"(?: \S+ \S+ (?P<downstream_local_address>\S+) (?P<downstream_remote_address>\S+) (?P<requested_server_name>\S+))?"
)
_POLICY = re.compile(r"rbac_access_denied_matched_policy\[(\S*)\]")
_DENIED = {
    "UAEX": "the external authorization service refused it",
    "NR": "no route of the proxy leads there",
    "NC": "the proxy has no such cluster",
    "RL": "a rate limit refused it",
}
"""Response flags by which Envoy itself says no."""
_BEYOND = {
    "UF": "the proxy let it through, and could not connect to the destination",
    "UH": "the proxy let it through, and has no healthy destination",
    "URX": "the proxy let it through, and its attempts to connect failed",
    "UT": "the proxy let it through, and the destination did not answer in time",
}
"""Response flags of what went wrong behind the proxy."""
_KNOWN = frozenset({"response_flags", "downstream_remote_address", "upstream_host", "requested_server_name"})
"""Keys of which an access log in JSON has at least one."""
_DURATION = re.compile("[0-9]{1,11}")
_TOKENS = ("jwt_authn_access_denied", "jwt_authn")


def parse(line: str) -> Connection | None:
    """The connection, or the request, of an access log; None when it is no line of Envoy.

    ValueError, with what is wrong, when it is one that does not tell who connected where.
    """
    text = line.strip()
    if text.startswith("{"):
        return of(_document(text))
    found = _TEXT.search(text) if text.startswith("[") else None
    return _read(found.groupdict()) if found else None


def of(fields: Mapping[str, Any]) -> Connection | None:
    """The connection of a line's fields in JSON; None when they are none of Envoy's."""
    return _read(fields) if _KNOWN & fields.keys() else None


def _document(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("a line of JSON that is damaged") from None
    return found if isinstance(found, dict) else {}


def _read(fields: Mapping[str, Any]) -> Connection:
    source, source_port = _source(fields)
    host, port = _authority(_text(fields, "authority", ":authority"))
    name = host or _text(fields, "requested_server_name")
    address, upstream_port = _socket(_text(fields, "upstream_host"))
    local, local_port = _socket(_text(fields, "downstream_local_address"))
    if name and _is_address(name):
        address, name = address or name, ""
    if not name and not address:
        address = local  # a transparent proxy's own end is where the caller meant to go
    if not name and not address:
        raise ValueError("neither a destination's address nor its name")
    port = upstream_port or port or local_port or _usual_port(fields)
    if not port:
        raise ValueError("no destination's port: the format has neither %UPSTREAM_HOST% nor %DOWNSTREAM_LOCAL_ADDRESS%")
    began = _time(_text(fields, "start_time"))
    allowed, action, rule, detail = _decision(fields)
    return Connection(
        format=FORMAT,
        source=source,
        source_port=source_port,
        destination=address,
        name=name.lower().rstrip("."),
        port=port,
        protocol="tcp",
        time=began,
        allowed=allowed,
        action=action,
        rule=rule,
        user=_text(fields, "principal", "downstream_peer_subject", "user"),
        method=_text(fields, "method"),
        path=_text(fields, "path"),
        detail=detail,
        device=_text(fields, "proxy", "node_id", "upstream_cluster"),
        answers=False,  # whose connection it is says who called
        until=began and _end(began, _text(fields, "duration")),
    )


def _usual_port(fields: Mapping[str, Any]) -> int:
    """The port of a request that names none; 0 where it is no HTTP: of a raw connection nothing is usual."""
    if not (_text(fields, "authority", ":authority", "method") or _text(fields, "protocol").startswith("HTTP")):
        return 0
    return 443 if _text(fields, "requested_server_name") else 80


def _end(began: datetime, duration: str) -> datetime:
    """When it ended; when it began, where the line does not say how long it took."""
    return began + timedelta(milliseconds=int(duration)) if _DURATION.fullmatch(duration) else began


def _source(fields: Mapping[str, Any]) -> tuple[str, int | None]:
    for name in ("downstream_direct_remote_address", "downstream_remote_address"):
        if found := _text(fields, name):
            return _socket(found)
    # The last entry is the one that the proxy before this one saw; earlier ones anybody can write.
    forwarded = _text(fields, "x_forwarded_for").rpartition(",")[2].strip()
    if not forwarded:
        raise ValueError("no caller's address: the format has no %DOWNSTREAM_REMOTE_ADDRESS%, and x-forwarded-for is empty")
    return address_of(forwarded, "x-forwarded-for"), None


def _decision(fields: Mapping[str, Any]) -> tuple[bool | None, str, str, str]:
    """Allowed or not, in Envoy's words, the RBAC policy, and what that means."""
    flags = [one for one in _text(fields, "response_flags").split(",") if one]
    code = _text(fields, "response_code")
    details = " ".join(filter(None, (_text(fields, "response_code_details"), _text(fields, "connection_termination_details"))))
    action = " ".join(filter(None, (code if code != "0" else "", *flags, details)))
    policy = _POLICY.search(details)
    if policy:
        rule = "" if policy[1] == "none" else policy[1]
        return False, action, rule, f"RBAC policy {rule} refused it" if rule else "no RBAC policy allows it"
    if any(one in details for one in _TOKENS):
        return False, action, "", "the token was not accepted"
    for flag in flags:
        if flag in _DENIED:
            return False, action, "", _DENIED[flag]
        if flag in _BEYOND:
            return True, action, "", _BEYOND[flag]
    if code in ("401", "403") and not _text(fields, "upstream_host"):
        return False, action, "", ""
    return (True if flags or code or _text(fields, "upstream_host") else None), action, "", ""


def _text(fields: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = fields.get(name)
        if value not in (None, "", "-"):
            return str(value)
    return ""


def _socket(text: str) -> tuple[str, int | None]:
    """`10.0.0.1:443`, `[2001:db8::1]:443`, or an address alone."""
    if not text:
        return "", None
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, ""
    return address_of(host.strip("[]"), "address"), port_of(port, "port") or None


def _authority(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.startswith("[")):
        return text.strip("[]"), None
    return host.strip("[]"), port_of(port, "authority's port")


def _is_address(text: str) -> bool:
    try:
        address_of(text, "")
    except ValueError:
        return False
    return True


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"start_time is no instant: {text[:40]!r}") from None
    if found.tzinfo is None:
        raise ValueError(f"start_time has no time zone: {text[:40]!r}")
    return found


def _said(*names: str) -> str:
    return columns.first(*(f"nullif(row.{name}, '-')" for name in names))


def _part(text: str, number: int) -> str:
    return f"split_part({text}, ':', {number})"


_KEYS = (
    *("start_time", "authority", ":authority", "requested_server_name", "upstream_host", "downstream_local_address"),
    *("downstream_direct_remote_address", "downstream_remote_address", "response_flags", "response_code"),
    *("response_code_details", "connection_termination_details", "principal", "downstream_peer_subject", "user"),
    *("protocol", "method", "duration"),
)
_SOCKET = f"({columns.SOCKET})?"
_NAMED = f"([A-Za-z0-9_.-]+(:{columns.PORT})?)?"
_CALLER = _said("downstream_direct_remote_address", "downstream_remote_address")
_AUTHORITY, _UPSTREAM = _said("authority", '":authority"'), _said("upstream_host")
_LOCAL, _SERVER_NAME = _said("downstream_local_address"), _said("requested_server_name")
_HOST = f"lower({columns.first(_part(_AUTHORITY, 1), _SERVER_NAME)})"
_PART = "CAST(rpad(regexp_extract(row.start_time, '[.]([0-9]{1,3})', 1), 3, '0') AS BIGINT)"
"""Milliseconds of the instant."""
_LASTED = _said("duration")
_CODE, _FLAGS = _said("response_code"), _said("response_flags")
_DETAILS = f"concat({_said('response_code_details')}, ' ', {_said('connection_termination_details')})"


COLUMNS = columns.Columns(
    format=FORMAT,
    row=columns.document("{" + ", ".join(f'"{one}": "VARCHAR"' for one in _KEYS) + "}"),
    # What Envoy refused, or failed at, has flags, or details that say so.
    plain=f"(row.downstream_remote_address IS NOT NULL OR {_UPSTREAM} <> '') AND {_FLAGS} = '' AND {_CODE} NOT IN ('401', '403') "
    f"AND NOT contains({_DETAILS}, 'rbac_access_denied') AND NOT contains({_DETAILS}, 'jwt_authn')"
    + "".join(f" AND regexp_full_match({one}, '{_SOCKET}')" for one in (_CALLER, _UPSTREAM, _LOCAL))
    + f" AND regexp_full_match({_AUTHORITY}, '{_NAMED}') "
    f"AND ({_HOST} = '' OR {columns.is_v4(_HOST)} OR {columns.is_name(_HOST)}) "
    "AND source <> '' AND NOT ends_with(name, '.') AND port <> ''",
    source=_part(_CALLER, 1),
    source_port=f"CASE WHEN {_part(_CALLER, 2)} = '0' THEN '' ELSE {_part(_CALLER, 2)} END",
    destination=columns.first(
        _part(_UPSTREAM, 1),
        f"CASE WHEN {columns.is_v4(_HOST)} THEN {_HOST} END",
        f"CASE WHEN {_HOST} = '' THEN {_part(_LOCAL, 1)} END",
    ),
    name=f"CASE WHEN {columns.is_v4(_HOST)} THEN '' ELSE {_HOST} END",
    port=columns.first(
        f"nullif({_part(_UPSTREAM, 2)}, '0')",
        f"nullif({_part(_AUTHORITY, 2)}, '0')",
        f"nullif({_part(_LOCAL, 2)}, '0')",
        f"CASE WHEN {_AUTHORITY} = '' AND {_said('method')} = '' AND NOT starts_with({_said('protocol')}, 'HTTP') THEN '' "
        f"WHEN {_SERVER_NAME} <> '' THEN '443' ELSE '80' END",
    ),
    protocol="'tcp'",
    seconds=columns.iso_seconds("row.start_time"),
    ended=f"seconds + ({_PART} + CASE WHEN regexp_full_match({_LASTED}, '[0-9]{{1,11}}') THEN CAST({_LASTED} AS BIGINT) "
    "ELSE 0 END) // 1000",
    answers="false",
    allowed=f"CASE WHEN {_CODE} <> '' OR {_UPSTREAM} <> '' THEN true END",
    user=_said("principal", "downstream_peer_subject", "user"),
)
"""How DuckDB reads plain lines: JSON, of what went through."""
