"""What the proxy tells: a line of JSON for each tunnel at its start and its end, for each refusal, and for each failed handshake.

And the body of a refusal. A token never stands in either.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .issuers import TASK_CLAIMS, TaskIssuer
from .plan import ProxyPlan
from .settings import Settings

JWT = "envoy.filters.http.jwt_authn"
RBAC = "envoy.filters.http.rbac"
AIRLOCK = "airlock"
"""The namespace of metadata of routes."""
_LOGGERS = "type.googleapis.com/envoy.extensions.access_loggers"
_DENIED = "rbac_access_denied_matched_policy["
_NOBODY = f"response.code_details.startsWith('{_DENIED}none')"
"""Only the default was left: the route says what it is called."""
_DENY = f"xds.route_metadata.filter_metadata['{AIRLOCK}']['deny']"
_POLICY = f"{_NOBODY} ? {_DENY} : metadata.filter_metadata['{RBAC}']['enforced_effective_policy_id']"
_BLOCKING = f"{_NOBODY} ? {_DENY} : response.code_details.replace('{_DENIED}', '').replace(']', '')"
"""The same in the body of a refusal, where the filter has not said it yet."""
_UNPROVEN = "response.code_details.startsWith('jwt_authn_access_denied')"
_ABSENT = "metadata.filter_metadata['-'].absent"
"""What cannot be looked up becomes JSON's null; CEL's own would become a text."""
_REASON = (
    f"response.code == 200 ? {_ABSENT} : response.code == 401 ? 'token' : "
    "response.code == 403 || response.code == 404 ? 'permission' : 'routing'"
)
_METADATA = f"metadata.filter_metadata['{JWT}']"


def tunnels(plan: ProxyPlan, settings: Settings) -> list[dict[str, Any]]:
    """The access log of tunnels and refusals."""
    return [_logger(settings, _line(plan))]


def handshakes(plan: ProxyPlan, settings: Settings) -> list[dict[str, Any]]:
    """The access log of connections that failed before anything was asked: no certificate, or a wrong one."""
    line = {
        **_common(plan),
        "event": "handshake",
        "reason": "permission",
        "detail": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
        "duration_ms": "%DURATION%",
    }
    only = {
        "name": "failed",
        "typed_config": {
            "@type": f"{_LOGGERS}.filters.cel.v3.ExpressionFilter",
            "expression": "connection.transport_failure_reason != ''",
        },
    }
    return [{**_logger(settings, line), "filter": {"extension_filter": only}}]


def _logger(settings: Settings, line: dict[str, Any]) -> dict[str, Any]:
    said = {"log_format": {"json_format": line, "formatters": _FORMATTERS}}
    if settings.log is None:
        return {"name": "log", "typed_config": {"@type": f"{_LOGGERS}.stream.v3.StdoutAccessLog", **said}}
    return {"name": "log", "typed_config": {"@type": f"{_LOGGERS}.file.v3.FileAccessLog", "path": settings.log, **said}}


_FORMATTERS = [
    {
        "name": "envoy.formatter.cel",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.formatter.cel.v3.Cel",
            "cel_config": {"enable_string_functions": True},
        },
    }
]


def _common(plan: ProxyPlan) -> dict[str, Any]:
    return {
        "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
        "gate": plan.gate,
        "client": "%DOWNSTREAM_REMOTE_ADDRESS%",
        "certificate": "%DOWNSTREAM_PEER_SUBJECT%",
        "certificate_uri": "%DOWNSTREAM_PEER_URI_SAN%",
        "certificate_serial": "%DOWNSTREAM_PEER_SERIAL%",
        "connection": "%CONNECTION_ID%",
    }


def _line(plan: ProxyPlan) -> dict[str, Any]:
    claims = {name: _claim(plan.issuers, name) for name in TASK_CLAIMS if name != "correlation"}
    return {
        **_common(plan),
        "event": "%CEL(" + _event() + ")%",
        "target": "%REQ(:AUTHORITY)%",
        "destination": f"%METADATA(ROUTE:{AIRLOCK}:destination)%",
        **claims,
        "correlation": _correlation(plan.issuers),
        "session": "%REQ(X-AIRLOCK-SESSION)%",  # as the forwarder's events call it
        "stream": "%STREAM_ID%",
        "issuer": _of_issuer(plan.issuers, lambda one: f"'{one.name}'"),
        "assurance": _of_issuer(plan.issuers, lambda one: f"'{one.assurance}'"),
        "sub": _of_issuer(plan.issuers, lambda one: f"{_METADATA}['{one.name}'].sub"),
        "jti": _of_issuer(plan.issuers, lambda one: f"{_METADATA}['{one.name}'].jti"),
        "policy": f"%CEL({_POLICY})%",
        "reason": f"%CEL({_REASON})%",
        "response_code": "%RESPONSE_CODE%",
        "response_code_details": "%RESPONSE_CODE_DETAILS%",
        "response_flags": "%RESPONSE_FLAGS%",
        "bytes_in": "%BYTES_RECEIVED%",
        "bytes_out": "%BYTES_SENT%",
        "duration_ms": "%DURATION%",
        "upstream": "%UPSTREAM_HOST%",
        "upstream_local": "%UPSTREAM_LOCAL_ADDRESS%",  # the caller that gates behind the proxy see
        "upstream_failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    }


def _event() -> str:
    """`open` is the line of a tunnel's start; `close` that of its end; `refused` has no tunnel, and `asked` wanted none."""
    answered = "response.code_details == 'direct_response' ? 'asked' : 'close'"
    return f"response.code != 200 ? 'refused' : response.code_details == 'via_upstream' ? 'open' : {answered}"


def _claim(issuers: Sequence[TaskIssuer], name: str) -> str:
    """A claim of whichever issuer signed the token."""
    if name == "environment":
        # What the proxy knows of the issuer: a token that says another is refused.
        return _of_issuer(issuers, lambda one: f"'{one.environment}'")
    telling = [one for one in issuers if one.claims]
    return _of_issuer(telling, lambda one: f"{claims_path(one)}['{name}']")


def claims_path(issuer: TaskIssuer) -> str:
    """Where a token's claims on its task are, as CEL says it."""
    return f"{_METADATA}['{issuer.name}']" + "".join(f"['{key}']" for key in issuer.claims)


def _of_issuer(issuers: Sequence[TaskIssuer], value: Callable[[TaskIssuer], str]) -> str:
    found = _ABSENT
    for one in reversed(issuers):
        found = f"'{one.name}' in {_METADATA} ? {value(one)} : {found}"
    return f"%CEL({found})%" if issuers else "-"


def _correlation(issuers: Sequence[TaskIssuer]) -> str:
    """By the token where it says so; else as the client says."""
    header = "request.headers['x-airlock-correlation']"
    found = _ABSENT
    for one in reversed(issuers):
        said = f"{claims_path(one)}['correlation']" if one.claims else header
        found = f"'{one.name}' in {_METADATA} ? {said} : {found}"
    return f"%CEL({found})%"


def refusals(plan: ProxyPlan) -> dict[str, Any]:
    """What a task is told: which gate and policy refused it, and what to look at. The reasons are those of the log."""
    return {
        "mappers": [
            _mapper(plan, _UNPROVEN, "token", status=401),
            _mapper(plan, "response.code_details.startsWith('rbac_')", "permission", policy=f"%CEL({_BLOCKING})%"),
            _mapper(plan, "response.code == 404", "permission"),
            _mapper(plan, "response.code >= 400", "routing"),
        ],
    }


def _mapper(plan: ProxyPlan, when: str, reason: str, policy: str | None = None, status: int | None = None) -> dict[str, Any]:
    only = {"@type": f"{_LOGGERS}.filters.cel.v3.ExpressionFilter", "expression": when}
    found: dict[str, Any] = {
        "filter": {"extension_filter": {"name": "which", "typed_config": only}},
        "body_format_override": _body(plan, reason, policy),
    }
    # Envoy answers 403 for a token of another audience.
    return found | ({"status_code": status} if status else {})


def _body(plan: ProxyPlan, reason: str, policy: str | None = None) -> dict[str, Any]:
    said = {"gate": plan.gate, "policy": policy, "reason": reason, "detail": "%RESPONSE_CODE_DETAILS%"}
    return {"json_format": said, "formatters": _FORMATTERS}
