"""An OCSF event of ours in the Elastic Common Schema (8.17): for those who search by its fields.

`event.category` and `event.type` hold allowed values alone. What ECS has no field for stands under `airflow` and `airlock`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .ocsf import AUTHENTICATION, CLOSE, FAIL, LIFECYCLE, NETWORK, OPEN, REFUSE, START, Event

ECS_VERSION = "8.17.0"

_CATEGORIES = {NETWORK: ["network"], AUTHENTICATION: ["authentication"], LIFECYCLE: ["process"]}
_TYPES = {
    (NETWORK, OPEN): ["connection", "start", "allowed"],
    (NETWORK, CLOSE): ["connection", "end"],
    (NETWORK, REFUSE): ["connection", "denied"],
    (NETWORK, FAIL): ["connection", "info"],
}


def to_ecs(event: Event) -> Event:
    """The same event by ECS's names."""
    class_uid, activity = event["class_uid"], event["activity_id"]
    unmapped = event.get("unmapped", {})
    actor = event.get("actor", {})
    session = actor.get("session") or event.get("session") or {}
    traffic = event.get("traffic", {})
    started, ended = event.get("start_time"), event.get("end_time")
    cleaned: Event = _clean(
        {
            "@timestamp": _instant(event["time"]),
            "ecs": {"version": ECS_VERSION},
            "message": event.get("message"),
            "event": {
                "id": event["metadata"].get("uid"),
                "kind": "alert" if event.get("is_alert") else "event",
                "category": _CATEGORIES.get(class_uid, ["configuration"]),
                "type": _TYPES.get((class_uid, activity)) or _plain_type(class_uid, activity),
                "action": event.get("type_name", "").lower().replace(": ", "-").replace(" ", "-"),
                "outcome": {1: "success", 2: "failure"}.get(event.get("status_id", 0), "unknown"),
                "reason": event.get("status_detail"),
                "code": event.get("status_code"),
                "severity": event.get("severity_id"),
                "start": started and _instant(started),
                "end": ended and _instant(ended),
                "duration": event["duration"] * 1_000_000 if "duration" in event else None,
                "provider": "airlock",
            },
            "trace": {"id": event["metadata"].get("correlation_uid")},
            "host": {"hostname": event.get("device", {}).get("hostname")},
            "user": {"name": (event.get("user") or actor.get("user") or {}).get("name")},
            "source": _end(event.get("src_endpoint"), bytes_=traffic.get("bytes_out")),
            "destination": _end(event.get("dst_endpoint"), bytes_=traffic.get("bytes_in")),
            "network": {
                "transport": event.get("connection_info", {}).get("protocol_name"),
                "direction": "egress" if class_uid == NETWORK else None,
                "bytes": traffic.get("bytes"),
            },
            "rule": {"name": next((one["policy"]["name"] for one in event.get("authorizations", ())), None)},
            "service": {"name": (event.get("service") or {}).get("name")},
            "airflow": unmapped.get("airflow"),
            "airlock": {
                **unmapped.get("airlock", {}),
                "session": session,
                "proxy": event.get("proxy_endpoint"),
            },
        }
    )
    return cleaned


def _plain_type(class_uid: int, activity: int) -> list[str]:
    if class_uid == LIFECYCLE:
        return ["start"] if activity == START else ["end"]
    return ["info"]


def _end(endpoint: Event | None, *, bytes_: int | None) -> Event:
    if not endpoint:
        return {}
    named = {"ip": endpoint.get("ip"), "port": endpoint.get("port"), "domain": endpoint.get("hostname")}
    return {**named, "address": endpoint.get("hostname") or endpoint.get("ip"), "bytes": bytes_}


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clean(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    cleaned = {key: _clean(one) for key, one in value.items()}
    return {key: one for key, one in cleaned.items() if one not in (None, "", {}, [])}
