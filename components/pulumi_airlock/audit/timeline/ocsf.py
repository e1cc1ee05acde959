"""What proxies and other gates logged of task runs, as OCSF events under the run's id; the provider's own are such already.

Network Activity 4001 of OCSF 1.6.0, the release that the provider pins: Open, Close, Fail and Refuse of the proxy, Traffic and
Refuse of gates that know no tasks, which the join alone gives a run.
"""

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from .model import PROVIDER, Entry, Run, Session, What

VERSION = "1.6.0"
_ACTIVITIES = {
    What.OPENED: (1, "Open"),
    What.CLOSED: (2, "Close"),
    What.FAILED: (4, "Fail"),
    What.REFUSED: (5, "Refuse"),
    What.DROPPED: (5, "Refuse"),
    What.PASSED: (6, "Traffic"),
}
_NAMESPACE = uuid.UUID("5f3f2d4e-6f0b-5c0e-9f57-3d7a4c1b2a90")
"""Of the names of events: the same line becomes the same event however often it is read."""

Json = dict[str, Any]


def ocsf(runs: Iterable[Run]) -> Iterator[Json]:
    """An event for each line of a proxy or another gate that is of a session of these runs."""
    for run in runs:
        for session in run.sessions:
            for entry in session.entries:
                if entry.by != PROVIDER and entry.what in _ACTIVITIES:
                    yield _event(run, session, entry)


def _event(run: Run, session: Session, entry: Entry) -> Json:
    activity, name = _ACTIVITIES[entry.what]
    refused, failed = activity == 5, activity in (4, 5)
    who = run.who
    where = f"{session.destination or session.target} at {entry.by}"
    event: Json = {
        "activity_id": activity,
        "activity_name": name,
        "category_uid": 4,
        "category_name": "Network Activity",
        "class_uid": 4001,
        "class_name": "Network Activity",
        "type_uid": 400100 + activity,
        "type_name": f"Network Activity: {name}",
        "time": _ms(entry.time),
        "severity_id": 4 if refused else 3 if failed else 1,
        "severity": "High" if refused else "Medium" if failed else "Informational",
        "status_id": 2 if failed else 1,
        "status": "Failure" if failed else "Success",
        "message": f"{who.task or 'an unknown task'} {entry.what.value} {where}",
        "metadata": _clean(
            {
                "version": VERSION,
                "uid": str(
                    uuid.uuid5(_NAMESPACE, f"{run.correlation} {entry.session} {entry.by} {entry.what} {_ms(entry.time)}")
                ),
                "correlation_uid": run.correlation,
                "tenant_uid": who.environment,
                "log_name": entry.place.file,
                "profiles": ["host", "security_control"],
                "product": {"name": entry.by, "vendor_name": "Airlock" if not entry.joined else entry.text.partition(":")[0]},
            }
        ),
        "is_alert": refused,
        "actor": _actor(run, session, entry),
        "src_endpoint": _end(entry.client),
        "dst_endpoint": _clean({**_end(entry.target.partition("/")[0]), "svc_name": session.destination}),
        "connection_info": _clean({"direction_id": 2, "direction": "Outbound", "uid": entry.session}),
        "unmapped": {
            "airflow": {
                "dag_id": who.dag_id,
                "task_id": who.task_id,
                "run_id": who.run_id,
                "try_number": who.try_number,
                "map_index": who.map_index,
            },
            "airlock": _clean(
                {
                    "environment": who.environment,
                    "identity_assurance": who.assurance,
                    "agent_id": who.agent_id,
                    "destination": session.destination,
                    "gate": entry.gate,
                    "rule": entry.rule,
                    "kind": entry.kind,
                    "joined_by": entry.joined,
                    "line": str(entry.place),
                }
            ),
        },
    }
    if entry.what is not What.FAILED:  # nobody decided that
        event |= {"action_id": 2, "action": "Denied"} if refused else {"action_id": 1, "action": "Allowed"}
        event |= {"disposition_id": 2, "disposition": "Blocked"} if refused else {"disposition_id": 1, "disposition": "Allowed"}
    if entry.rule:
        decision = "denied" if refused else "allowed"
        event["authorizations"] = [{"decision": decision, "policy": {"name": entry.rule, "is_applied": True}}]
    if entry.what is What.CLOSED:
        event["traffic"] = {
            "bytes": entry.bytes_in + entry.bytes_out,
            "bytes_in": entry.bytes_in,
            "bytes_out": entry.bytes_out,
        }
    if entry.text:
        event["status_detail"] = entry.text
    return {key: value for key, value in event.items() if value not in ({}, "")}


def _actor(run: Run, session: Session, entry: Entry) -> Json:
    who = run.who
    told = {"uid": entry.session, "created_time": _ms(session.opened) if session.opened else None}
    user = {"name": who.principal or who.task or "unknown", "type_id": 4, "type": "Service"}
    return _clean({"app_name": "airflow", "user": user, "session": _clean(told), "invoked_by": who.agent_id})


def _end(text: str) -> Json:
    host, _, port = text.rpartition(":")
    host = (host or text).strip("[]")
    if not host:
        return {}
    try:
        named = {"ip": str(ip_address(host))}
    except ValueError:
        named = {"hostname": host}
    return {**named, **({"port": int(port)} if port.isdigit() else {})}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _clean(fields: Json) -> Json:
    return {key: value for key, value in fields.items() if value not in ("", None, {}, [])}
