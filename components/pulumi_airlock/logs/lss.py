"""ZPA's Log Streaming Service: user activity (`zpn_trans_log`), one JSON object or one row of a table a connection; and of user
status (`zpn_auth_log`) who came as what.

Facts: Zscaler, "About User Activity Log Fields" (the names, which the templates use as they are) and "Understanding ZPA Session
Status Codes" (`InternalReason`: codes that begin with `BRK_` are of the Service Edge, with `AST_` of the App Connector). Not seen
on a tenant: that `ConnectionStatus` is `open`, `active` or `close`, what `Username` is for a Cloud Connector, and whether
`ClientPrivateIP` is the workload's address there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from . import columns
from .connection import Connection, NoConnectionError, Session, address_of, clock_of, port_of, protocol_of

FORMAT = "zpa-lss"

NEEDED = ("LogTimestamp", "ConnectionStatus", "InternalReason", "IPProtocol", "ServicePort", "Host", "Policy", "Username")
"""Without these fields in the template a connection cannot be told, or not whose and why."""
USED = (*NEEDED, "ClientPublicIP", "ClientPrivateIP", "TimestampConnectionStart", "ServerIP", "Application", "Connector")
"""The fields that are looked at."""

_REFUSED = {
    "BRK_MT_SETUP_FAIL_REJECTED_BY_POLICY": "an access rule refused it",
    "BRK_MT_SETUP_FAIL_REJECTED_BY_POLICY_APPROVAL": "it has no approval for this time",
    "BRK_MT_SETUP_FAIL_NO_POLICY_FOUND": "no access rule allows it",
    "BRK_MT_SETUP_FAIL_SAML_EXPIRED": "the timeout policy wants its user to sign in again",
    "BRK_MT_SETUP_FAIL_SCIM_INACTIVE": "its user is not active in the identity provider",
}
"""Codes by which the policy itself says no."""
_BEYOND = "AST_MT_SETUP_ERR"
_UNDECIDED = ("BRK_MT_SETUP_FAIL", "BRK_MT_SETUP_TIMEOUT", "BRK_MT_AUTH", "ZPN_ERR", "CLT_", "INVALID_DOMAIN", "BROKER_NOT")
"""Codes of failures that say nothing of the policy."""
_OTHERS = {
    "SessionStatus": "user status",
    "auditOperationType": "audit",
    "AuditOperationType": "audit",
    "Exporter": "browser access",
    "AppConnectionsCreated": "App Connector metrics",
}
"""Fields of other logs of the service → what they are."""


def of(fields: Mapping[str, Any]) -> Connection | None:
    """The connection of a line's fields; None when they are none of the service's.

    NoConnectionError for its other logs; ValueError, with what is wrong, when a field that is needed is missing or damaged.
    """
    if "LogTimestamp" not in fields or "ConnectionStatus" not in fields or "Exporter" in fields:
        other = next((what for key, what in _OTHERS.items() if key in fields), "")
        if other and ("LogTimestamp" in fields or other == "audit"):
            why = f"a log of ZPA's {other}: only user activity (zpn_trans_log) shows connections"
            raise NoConnectionError(why, _session(fields))
        return None
    host, server = _text(fields, "Host"), _address(fields, "ServerIP")
    protocol = protocol_of(_text(fields, "IPProtocol") or "6")
    allowed, detail = _decision(fields)
    public, private = _address(fields, "ClientPublicIP"), _address(fields, "ClientPrivateIP")
    user = _text(fields, "Username")
    if not (public or private or user):
        raise ValueError("no caller: the template has neither Username nor ClientPublicIP")
    if not (host or server):
        raise ValueError("neither a destination's name nor its address: the template has no Host")
    address = _address(fields, "Host") if (host and host[-1].isdigit()) or ":" in host else ""
    return Connection(
        format=FORMAT,
        source=private or public,
        source_port=None,
        destination=address or server,
        name="" if address else host.lower().rstrip("."),
        port=port_of(_text(fields, "ServicePort") or _text(fields, "ServerPort"), "ServicePort") or 0,
        protocol=protocol,
        time=clock_of(_text(fields, "TimestampConnectionStart"), "TimestampConnectionStart")
        or clock_of(_text(fields, "LogTimestamp"), "LogTimestamp"),
        until=clock_of(_text(fields, "LogTimestamp"), "LogTimestamp"),
        answers=False,
        allowed=allowed,
        action=" ".join(filter(None, (_text(fields, "ConnectionStatus"), _text(fields, "InternalReason")))),
        rule=_text(fields, "Policy"),
        user=user,
        detail=detail,
        device=_text(fields, "Connector"),
        application=_text(fields, "Application"),
        seen_as=public,
    )


def _session(fields: Mapping[str, Any]) -> Session | None:
    user, client = _text(fields, "Username"), _text(fields, "ClientType")
    return Session(user, client) if user and client else None


def layout(names: Sequence[str]) -> bool:
    """Whether a table's head is one of user activity."""
    return "LogTimestamp" in names and "ConnectionStatus" in names


def _decision(fields: Mapping[str, Any]) -> tuple[bool | None, str]:
    """Allowed or not, and why. What has opened was allowed; what has closed, unless its reason says otherwise."""
    reason = _text(fields, "InternalReason").upper()
    if reason in _REFUSED:
        return False, _REFUSED[reason]
    if reason.startswith(_BEYOND):
        return True, "the policy let it through, and the App Connector could not connect it"
    if reason.startswith(_UNDECIDED):
        return None, "it failed for another reason than the policy"
    return (True if _text(fields, "ConnectionStatus").lower() in ("open", "active", "close") else None), ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A field as text; what stands for nothing is empty."""
    value = fields.get(name)
    return "" if value in (None, "", "-", "0", 0) or isinstance(value, dict | list) else str(value)


def _address(fields: Mapping[str, Any], name: str) -> str:
    text = _text(fields, name)
    try:
        return address_of(text, name) if text else ""
    except ValueError:
        if name == "Host":
            return ""  # a name that ends with a digit
        raise


def _said(name: str) -> str:
    return columns.text(f"row.{name}", ("", "-", "0"))


_WRITTEN = "[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} 20[0-9]{2}"
_KEYS = (*USED, "ServerPort", "Exporter")

COLUMNS = columns.Columns(
    format=FORMAT,
    row=columns.document("{" + ", ".join(f'"{one}": "VARCHAR"' for one in _KEYS) + "}"),
    plain="row.LogTimestamp IS NOT NULL AND row.ConnectionStatus IS NOT NULL AND row.Exporter IS NULL "
    f"AND {_said('InternalReason')} = '' AND {_said('Host')} <> '' "
    f"AND ({columns.is_v4(_said('Host'))} OR {columns.is_name('name')}) "
    + "".join(
        f"AND ({_said(one)} = '' OR {columns.is_v4(_said(one))}) " for one in ("ServerIP", "ClientPublicIP", "ClientPrivateIP")
    )
    + r"AND NOT regexp_matches(user, '^[{\[]')",
    source=columns.first(_said("ClientPrivateIP"), _said("ClientPublicIP")),
    destination=f"CASE WHEN {columns.is_v4(_said('Host'))} THEN row.Host ELSE {_said('ServerIP')} END",
    name=f"CASE WHEN {columns.is_v4(_said('Host'))} THEN '' ELSE rtrim(lower({_said('Host')}), '.') END",
    port=columns.first(_said("ServicePort"), _said("ServerPort")),
    protocol=columns.first(_said("IPProtocol"), "'6'"),
    seconds="coalesce("
    + columns.iso_seconds(_said("TimestampConnectionStart"))
    + f", CASE WHEN {_said('TimestampConnectionStart')} = '' AND regexp_full_match(row.LogTimestamp, '{_WRITTEN}') "
    "THEN epoch(try_strptime(row.LogTimestamp, '%a %b %d %H:%M:%S %Y')) END)",
    ended=f"CASE WHEN regexp_full_match(row.LogTimestamp, '{_WRITTEN}') "
    "THEN epoch(try_strptime(row.LogTimestamp, '%a %b %d %H:%M:%S %Y')) "
    f"ELSE {columns.iso_seconds('row.LogTimestamp')} END",
    answers="false",
    allowed=f"CASE WHEN lower({_said('ConnectionStatus')}) IN ('open', 'active', 'close') THEN true END",
    user=_said("Username"),
)
"""How DuckDB reads plain lines: JSON, of connections that nothing refused."""
