"""Events in OCSF, the Open Cybersecurity Schema Framework, release 1.6.0 (https://schema.ocsf.io/1.6.0).

| what happens | class | activity |
|---|---|---|
| a task starts, ends | Application Lifecycle 6002 | Start 3, Stop 4 |
| a session opens, closes | Network Activity 4001 | Open 1, Close 2 |
| a session, or access, is refused by a rule | Network Activity 4001 | Refuse 5 |
| a session fails on the way | Network Activity 4001 | Fail 4 |
| a token or credential is had, renewed, or not | Authentication 3002 | Service Ticket Request 4, Renew 5 |
| events are lost | Event Log Activity 1008 | Other 99 |

Profiles `host` (`actor`), `security_control` (`action_id`, `disposition_id`, `authorizations`) and `network_proxy`
(`proxy_endpoint`). What OCSF has no place for stands under `unmapped.airflow` and `unmapped.airlock`. Times are milliseconds.
"""

from __future__ import annotations

import re
import socket
import time
import uuid
from typing import Any

from .model import PERMISSION, ROUTING, TOKEN, Destination, Refusal, Session, TaskRun

OCSF_VERSION = "1.6.0"

Event = dict[str, Any]
"""An OCSF event as JSON takes it."""

NETWORK, AUTHENTICATION, LIFECYCLE, EVENT_LOG = 4001, 3002, 6002, 1008
OPEN, CLOSE, FAIL, REFUSE = 1, 2, 4, 5
START, STOP = 3, 4
REQUEST, RENEW = 4, 5
_CLASSES = {
    NETWORK: (
        "Network Activity",
        4,
        "Network Activity",
        {OPEN: "Open", CLOSE: "Close", FAIL: "Fail", REFUSE: "Refuse"},
    ),
    AUTHENTICATION: (
        "Authentication",
        3,
        "Identity & Access Management",
        {REQUEST: "Service Ticket Request", RENEW: "Service Ticket Renew"},
    ),
    LIFECYCLE: ("Application Lifecycle", 6, "Application Activity", {START: "Start", STOP: "Stop"}),
}
_SUCCESS, _FAILURE = (1, "Success"), (2, "Failure")
_INFORMATIONAL, _MEDIUM, _HIGH = (1, "Informational"), (3, "Medium"), (4, "High")
_ALLOWED, _DENIED = (1, "Allowed"), (2, "Denied")
_SERVICE_USER = 4
_OUTBOUND, _TCP = 2, 6

_SECRETS = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.?[\w-]*"  # a JWT
    r"|(?i:bearer)\s+[\w.~+/=-]+"
    r"|(?i:password|passwd|secret|token|x-amz-signature|x-amz-security-token)=[^&\s\"']+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password of a URL
)
"""What must not stand in words that come from elsewhere."""


def task_started(run: TaskRun, at: float | None = None) -> Event:
    """A try of a task begins; `at`: when it did, where it is told later (seconds since 1970)."""
    event = _lifecycle(run, START, _SUCCESS, f"{run} started")
    return event if at is None else event | {"time": _ms(at)}


def task_ended(run: TaskRun, *, success: bool, state: str = "") -> Event:
    """A try of a task ends; `state` is Airflow's word for how."""
    ended = state or ("success" if success else "failed")
    return _lifecycle(run, STOP, _SUCCESS if success else _FAILURE, f"{run} ended: {ended}", ended)


def session_opened(run: TaskRun, session: Session) -> Event:
    """A connection reached its destination's gate and was let through."""
    event = _network(run, OPEN, session.destination, session, f"{run} reached {_place(session.destination)}")
    return event | {**_decided(_ALLOWED), "start_time": _ms(session.opened)}


def session_closed(
    run: TaskRun, session: Session, *, bytes_in: int, bytes_out: int, reason: str, ended: float | None = None
) -> Event:
    """A session is over. Bytes as the task sees them: `bytes_in` came from the destination. `reason`: `client`, `destination`,
    `deadline`, `task-ended`, `proxy-lost` …"""
    at = time.time() if ended is None else ended
    event = _network(run, CLOSE, session.destination, session, f"{run} left {_place(session.destination)}: {reason}", at)
    event["actor"]["session"]["expiration_reason"] = reason
    return event | {
        **_decided(_ALLOWED),
        "start_time": _ms(session.opened),
        "end_time": _ms(at),
        "duration": max(0, _ms(at) - _ms(session.opened)),
        "traffic": {"bytes": bytes_in + bytes_out, "bytes_in": bytes_in, "bytes_out": bytes_out},
    }


def session_refused(run: TaskRun, session: Session, refusal: Refusal) -> Event:
    """A connection was not let through, or failed on the way: Refuse for a rule and a token, Fail for routing."""
    return _refused(run, session.destination, session, refusal)


def access_refused(run: TaskRun, destination: Destination, refusal: Refusal) -> Event:
    """The provider itself refused, before any packet: no route, window closed, trust condition not met, no credential."""
    return _refused(run, destination, None, refusal)


def token_issued(
    run: TaskRun, *, issuer: str, uid: str = "", expires: float | None = None, source: str = "", renewed: bool = False
) -> Event:
    """The task has a token for the proxy. `source`: `sts`, `kms`, `projected`, `oidc`; `uid`: the token's `jti`."""
    event = _authentication(run, RENEW if renewed else REQUEST, _SUCCESS, issuer, source, f"token for {run}")
    event["auth_protocol_id"], event["auth_protocol"] = 4, "OpenID"
    event["session"] = _clean({"credential_uid": uid, "issuer": issuer, "expiration_time": expires and _ms(expires)})
    return event


def token_failed(run: TaskRun, refusal: Refusal, *, issuer: str, source: str = "", renewed: bool = False) -> Event:
    """No token was to be had, or the one there is could not be renewed."""
    event = _authentication(run, RENEW if renewed else REQUEST, _FAILURE, issuer, source, refusal.text)
    event["auth_protocol_id"], event["auth_protocol"] = 4, "OpenID"
    return _because(event, refusal)


def credential_issued(
    run: TaskRun, destination: Destination, *, kind: str, ref: str = "", expires: float | None = None, user: str = ""
) -> Event:
    """The task was given a credential of its route. `kind`: `rds-iam`, `secrets-manager`, `vault` …; `ref`: its reference, never
    its value; `user`: the name that it signs in with."""
    event = _authentication(run, REQUEST, _SUCCESS, ref or kind, kind, f"credential {kind} for {destination.name} to {run}")
    event["session"] = _clean({"credential_uid": ref, "expiration_time": expires and _ms(expires)})
    event["dst_endpoint"] = _endpoint(destination)
    event["unmapped"]["airlock"] |= _clean({"destination": destination.name, "route": destination.route, "login": user})
    return event


def credential_refused(run: TaskRun, destination: Destination, refusal: Refusal, *, kind: str, ref: str = "") -> Event:
    """No credential was to be had for a destination that the task may reach."""
    event = _authentication(run, REQUEST, _FAILURE, ref or kind, kind, refusal.text)
    event["dst_endpoint"] = _endpoint(destination)
    event["unmapped"]["airlock"] |= _clean({"destination": destination.name, "route": destination.route})
    return _because(event, refusal)


def events_lost(count: int, sink: str) -> Event:
    """A sink did not take some events: told to it in their place."""
    return {
        "activity_id": 99,
        "activity_name": "Lost",
        "category_uid": 1,
        "category_name": "System Activity",
        "class_uid": EVENT_LOG,
        "class_name": "Event Log Activity",
        "type_uid": EVENT_LOG * 100 + 99,
        "type_name": "Event Log Activity: Other",
        "time": _ms(time.time()),
        "severity_id": _HIGH[0],
        "severity": _HIGH[1],
        "status_id": _FAILURE[0],
        "status": _FAILURE[1],
        "count": count,
        "message": f"{count} audit events are lost: sink {sink} did not take them",
        "log_name": "airlock",
        "log_type_id": 2,
        "log_type": "Application",
        "device": _device(),
        "metadata": {
            "version": OCSF_VERSION,
            "uid": str(uuid.uuid4()),
            "log_name": "airlock",
            "product": {"name": "airflow-provider-airlock", "vendor_name": "Airlock"},
        },
    }


# --- the parts of an event


def _base(
    run: TaskRun,
    class_uid: int,
    activity: int,
    status: tuple[int, str],
    message: str,
    profiles: list[str],
    at: float | None = None,
) -> Event:
    class_name, category, category_name, activities = _CLASSES[class_uid]
    severity = _INFORMATIONAL if status is _SUCCESS else _MEDIUM
    return {
        "activity_id": activity,
        "activity_name": activities[activity],
        "category_uid": category,
        "category_name": category_name,
        "class_uid": class_uid,
        "class_name": class_name,
        "type_uid": class_uid * 100 + activity,
        "type_name": f"{class_name}: {activities[activity]}",
        "time": _ms(time.time() if at is None else at),
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1],
        "message": plain(message),
        "metadata": _clean(
            {
                "version": OCSF_VERSION,
                "uid": str(uuid.uuid4()),
                "correlation_uid": run.correlation,
                "tenant_uid": run.environment,
                "log_name": "airlock",
                "profiles": profiles,
                "product": {"name": "airflow-provider-airlock", "vendor_name": "Airlock"},
            }
        ),
        "unmapped": {
            "airflow": {
                "dag_id": run.dag_id,
                "task_id": run.task_id,
                "run_id": run.run_id,
                "try_number": run.try_number,
                "map_index": run.map_index,
                **_clean({"ti_id": run.ti_id}),
            },
            "airlock": _clean(
                {
                    "environment": run.environment,
                    "principal": run.principal,
                    "identity_assurance": run.assurance,
                    "agent_id": run.agent_id,
                }
            ),
        },
    }


def _lifecycle(run: TaskRun, activity: int, status: tuple[int, str], message: str, state: str = "") -> Event:
    event = _base(run, LIFECYCLE, activity, status, message, ["host"])
    event["app"] = _clean({"name": f"{run.dag_id}.{run.task_id}", "uid": run.ti_id or run.correlation, "vendor_name": "Airflow"})
    event |= {"actor": _actor(run), "device": _device()}
    return event | _clean({"status_code": state})


def _network(
    run: TaskRun, activity: int, destination: Destination, session: Session | None, message: str, at: float | None = None
) -> Event:
    refused = activity in (FAIL, REFUSE)
    event = _base(
        run,
        NETWORK,
        activity,
        _FAILURE if refused else _SUCCESS,
        message,
        ["host", "security_control", "network_proxy"],
        at if session is None or activity != OPEN else session.opened,
    )
    event["unmapped"]["airlock"] |= _clean(
        {"destination": destination.name, "route": destination.route, "zone": destination.zone}
    )
    actor = _actor(run)
    event |= {
        "app_name": "airflow",
        "actor": actor,
        "device": _device(),
        "dst_endpoint": _endpoint(destination),
        "src_endpoint": {"hostname": _host()},
        "connection_info": {"direction_id": _OUTBOUND, "direction": "Outbound", "protocol_num": _TCP, "protocol_name": "tcp"},
        "is_alert": activity == REFUSE,
    }
    if session is not None:
        event["connection_info"]["uid"] = session.uid
        event["src_endpoint"] |= _clean({"ip": session.source_ip, "port": session.source_port})
        actor["session"] = _clean(
            {
                "uid": session.uid,
                "created_time": _ms(session.opened),
                "expiration_time": session.deadline and _ms(session.deadline),
                "credential_uid": session.token_uid,
                "issuer": session.issuer,
            }
        )
        event["unmapped"]["airlock"] |= _clean({"gate": session.gate})
        if session.proxy:
            event["proxy_endpoint"] = _host_port(session.proxy)
    return event


def _refused(run: TaskRun, destination: Destination, session: Session | None, refusal: Refusal) -> Event:
    activity = FAIL if refusal.kind == ROUTING else REFUSE
    return _because(_network(run, activity, destination, session, refusal.text), refusal)


def _because(event: Event, refusal: Refusal) -> Event:
    """The event with why: which gate, which rule, what kind."""
    if refusal.kind != ROUTING:
        event |= _decided(_DENIED)
        event["severity_id"], event["severity"] = _HIGH if refusal.kind == PERMISSION else _MEDIUM
        if refusal.rule or refusal.gate:
            policy = _clean({"name": refusal.rule or refusal.gate, "type": refusal.kind, "is_applied": True})
            event["authorizations"] = [{"decision": "denied", "policy": policy}]
    if event["class_uid"] == AUTHENTICATION:
        event["metadata"]["profiles"] = ["host", "security_control"]
    event |= _clean({"status_code": str(refusal.status or "") or refusal.kind, "status_detail": plain(refusal.detail)})
    event["unmapped"]["airlock"] |= _clean({"gate": refusal.gate, "rule": refusal.rule, "kind": refusal.kind})
    return event


def _authentication(run: TaskRun, activity: int, status: tuple[int, str], service: str, source: str, message: str) -> Event:
    event = _base(run, AUTHENTICATION, activity, status, message, ["host"])
    event |= {
        "user": _user(run),
        "actor": _actor(run),
        "device": _device(),
        "service": {"name": service or source or TOKEN},
    }
    event["unmapped"]["airlock"] |= _clean({"source": source})
    return event


def _decided(action: tuple[int, str]) -> Event:
    allowed = action is _ALLOWED
    return {
        "action_id": action[0],
        "action": action[1],
        "disposition_id": 1 if allowed else 2,
        "disposition": "Allowed" if allowed else "Blocked",
    }


def _actor(run: TaskRun) -> Event:
    return {"app_name": "airflow", "user": _user(run)} | _clean({"invoked_by": run.agent_id})


def _user(run: TaskRun) -> Event:
    return {"name": run.principal or f"{run.dag_id}.{run.task_id}", "type_id": _SERVICE_USER, "type": "Service"}


def _device() -> Event:
    return {"hostname": _host(), "type_id": 0, "type": "Unknown"}


def _endpoint(destination: Destination) -> Event:
    where = _host_port(destination.target) if destination.host else {}
    return _clean({**where, "svc_name": destination.name, "zone": destination.zone})


def _host_port(text: str) -> Event:
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    named = {"ip": host} if _is_address(host) else {"hostname": host}
    return _clean({**named, "port": int(port) if port.isdigit() else 0})


def _is_address(text: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
        except OSError:
            continue
        return True
    return False


def _place(destination: Destination) -> str:
    return f"{destination.name} ({destination.target})" if destination.host else destination.name


_hostname: list[str] = []


def _host() -> str:
    """This machine's name; asked for once."""
    if not _hostname:
        _hostname.append(socket.gethostname() or "localhost")
    return _hostname[0]


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _clean(fields: Event) -> Event:
    """Without what is empty: OCSF has no empty strings for what is not known."""
    return {key: value for key, value in fields.items() if value not in ("", None, 0, [], {})}


def plain(text: str) -> str:
    """Words that come from elsewhere, without what looks like a secret, on one line."""
    return _SECRETS.sub("***", " ".join(text.split()))[:2000]
