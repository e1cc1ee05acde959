"""A line of a log as entries: the provider's events (OCSF), wherever they were kept, and the log of Airlock's proxy.

What is kept elsewhere comes back wrapped: by CloudWatch, Cloud Logging, Splunk, a syslog receiver, or Airflow's own task log,
where events go that nobody sent elsewhere. Whatever is wrapped into JSON is looked into.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .model import PROVIDER, Entry, Place, What, Who

OCSF, PROXY = "provider events", "proxy log"
_PRODUCT = "airflow-provider-airlock"
_INSIDE = ("message", "event", "jsonPayload", "textPayload", "_raw", "result", "log", "logEvents", "events", "Records", "entries")
"""Keys under which others keep a record, or several."""
_DEEPEST = 6
_DENIED = {5: What.REFUSED, 4: What.FAILED}
_ADDRESS = re.compile(r"\[?([^\]]+)\]?:(\d{1,5})")


class Foreign(Exception):  # noqa: N818  # no error: somebody else's line
    """A line that is neither: perhaps a device's."""


def entries(line: str, place: Place) -> Iterator[tuple[str, Entry | None]]:
    """What a line tells, each with the kind of log it is of; None: of no task. Foreign for others' lines; ValueError for one that
    is damaged."""
    text = line.strip()
    start = text.find('{"')  # and no brace of a collector's own
    if not is_ours(text) or start < 0:
        raise Foreign
    # A collector's head may stand before the object: a date, a priority, a logger's name.
    begin = 0 if text[:1] == "[" and text[1:2] in '{["' else start
    try:
        document = json.loads(text[begin:])
    except (ValueError, RecursionError):
        raise ValueError("a line of JSON that is damaged") from None
    found = list(_inside(document, place, 0))
    if not found:
        raise Foreign
    yield from found


def is_ours(text: str) -> bool:
    """Whether a line can hold an event of the provider, or a line of the proxy, as it looks at first sight."""
    return _PRODUCT in text or ("duration_ms" in text and "certificate" in text)


def _inside(value: Any, place: Place, depth: int) -> Iterator[tuple[str, Entry | None]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            yield from _inside(one, place, depth + 1)
    elif isinstance(value, str):
        if value[:1] in ("{", "[") and is_ours(value):
            try:
                yield from _inside(json.loads(value), place, depth + 1)
            except (ValueError, RecursionError):
                raise ValueError("a record of JSON in a record that is damaged") from None
    elif isinstance(value, dict):
        if _is_ours(value):
            yield from ((OCSF, one) for one in _event(value, place))
        elif value.get("gate") and "event" in value and "connection" in value:
            yield from ((PROXY, one) for one in _proxied(value, place))
        else:
            for key in _INSIDE:
                yield from _inside(value.get(key), place, depth + 1)


def _is_ours(value: Mapping[str, Any]) -> bool:
    metadata = value.get("metadata")
    product = metadata.get("product") if isinstance(metadata, dict) else None
    return isinstance(product, dict) and product.get("name") == _PRODUCT and "class_uid" in value


# --- the provider's events


def _event(event: Mapping[str, Any], place: Place) -> Iterator[Entry]:
    kind, activity, good = event.get("class_uid"), event.get("activity_id"), event.get("status_id") == 1
    if kind == 1008:
        yield Entry(_at(event), What.LOST, PROVIDER, place, text=_text(event, "message"), bytes_in=_number(event, "count"))
        return
    entry = Entry(
        _at(event),
        What.STARTED,
        PROVIDER,
        place,
        who=_who(event),
        correlation=_text(event, "metadata", "correlation_uid"),
        destination=_text(event, "unmapped", "airlock", "destination") or _text(event, "dst_endpoint", "svc_name"),
        target=_end(event, "dst_endpoint"),
        gate=_text(event, "unmapped", "airlock", "gate"),
        rule=_text(event, "unmapped", "airlock", "rule"),
        kind=_text(event, "unmapped", "airlock", "kind"),
        text=_text(event, "message"),
    )
    if kind == 6002:
        entry.what = What.STARTED if activity == 3 else What.ENDED
        entry.text = _text(event, "status_code")
    elif kind == 3002:
        credential = bool(entry.destination)
        what = (What.CREDENTIAL, What.NO_CREDENTIAL) if credential else (What.TOKEN, What.NO_TOKEN)
        entry.what = what[0] if good else what[1]
        entry.ends = _instant(event, "session", "expiration_time")
        if good:
            entry.text = _text(event, "unmapped", "airlock", "source") + (", renewed" if activity == 5 else "")
    elif kind == 4001:
        _session(event, entry, activity)
    else:
        raise ValueError(f"an event of class {kind!r}, which the provider does not write: of a later release?")
    yield entry


def _session(event: Mapping[str, Any], entry: Entry, activity: Any) -> None:
    entry.session = _text(event, "actor", "session", "uid")
    entry.client = _end(event, "src_endpoint", only_address=True)
    entry.ends = _instant(event, "actor", "session", "expiration_time")
    if activity == 1:
        entry.what = What.OPENED
    elif activity == 2:
        entry.what = What.CLOSED
        entry.text = _text(event, "actor", "session", "expiration_reason")
        entry.bytes_in, entry.bytes_out = _number(event, "traffic", "bytes_in"), _number(event, "traffic", "bytes_out")
    elif activity in _DENIED:
        entry.what = _DENIED[activity]
    else:
        raise ValueError(f"network activity {activity!r}, which the provider does not write: of a later release?")


def _who(event: Mapping[str, Any]) -> Who:
    airflow, airlock = _part(event, "unmapped", "airflow"), _part(event, "unmapped", "airlock")
    if not isinstance(airflow, dict) or not airflow.get("dag_id"):
        raise ValueError("an event that does not say which task it is of (unmapped.airflow.dag_id)")
    return _identity(airflow, _text(event, "metadata", "tenant_uid"), airlock if isinstance(airlock, dict) else {})


def _identity(ids: Mapping[str, Any], environment: str, more: Mapping[str, Any]) -> Who:
    return Who(
        environment=environment,
        dag_id=str(ids.get("dag_id") or ""),
        task_id=str(ids.get("task_id") or ""),
        run_id=str(ids.get("run_id") or ""),
        try_number=_whole(ids.get("try_number"), "try_number", 0),
        map_index=_whole(ids.get("map_index"), "map_index", -1),
        principal=str(more.get("principal") or ""),
        assurance=str(more.get("identity_assurance") or more.get("assurance") or ""),
        agent_id=str(more.get("agent_id") or ""),
    )


def _at(event: Mapping[str, Any]) -> datetime:
    found = _instant(event, "time")
    if found is None:
        raise ValueError("an event without a time")
    return found


def _instant(event: Mapping[str, Any], *path: str) -> datetime | None:
    value = _part(event, *path)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 7_258_118_400_000:  # the year 2200
        raise ValueError(f"{'.'.join(path)} is no time in milliseconds: {value!r}"[:120])
    return datetime.fromtimestamp(value / 1000, UTC)


def _end(event: Mapping[str, Any], name: str, *, only_address: bool = False) -> str:
    host = _text(event, name, "ip") or ("" if only_address else _text(event, name, "hostname"))
    port = _number(event, name, "port")
    return _joined(host, port) if host and port else ""


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# --- the proxy's log


def _proxied(line: Mapping[str, Any], place: Place) -> Iterator[Entry | None]:
    """A line of the proxy: at the start of a tunnel, at its end, of a refusal, or of TLS that failed. None: somebody asked which
    manifests it goes by, or whether a tunnel may be had."""
    event = str(line.get("event"))
    if event == "asked":
        yield None
        return
    if line.get("engine") == "haproxy" and event == "close":
        # It tells of a tunnel once, at its end, and by its flags of one that reached nobody (HAProxy, "Session state").
        if _string(line, "response_flags")[1:2] in ("C", "Q"):
            yield _entry({**line, "event": "refused", "reason": "routing", "response_code": 503}, place)
            return
        yield _entry({**line, "event": "open", "duration_ms": 0}, place)
    yield _entry(line, place)


def _entry(line: Mapping[str, Any], place: Place) -> Entry:
    event = str(line.get("event"))
    if event not in ("open", "close", "refused", "handshake"):
        raise ValueError(f"event {event[:40]!r}, which the proxy does not log: of a later release?")
    start = _clock(line.get("time"))
    duration = timedelta(milliseconds=_whole(line.get("duration_ms"), "duration_ms", 0))
    status = _whole(line.get("response_code"), "response_code", 0)
    what = {"open": What.OPENED, "close": What.CLOSED}.get(event)
    if what is None:
        what = What.FAILED if status >= 500 else What.REFUSED
    detail = " ".join(
        str(line.get(key)) for key in ("response_code_details", "detail", "upstream_failure") if _said(line.get(key))
    )
    return Entry(
        time=start + duration,
        what=what,
        by=str(line["gate"]),
        place=place,
        who=_identity(line, _string(line, "environment"), line),
        correlation=_string(line, "correlation"),
        session=_string(line, "session"),
        stream=_string(line, "stream"),
        destination=_string(line, "destination"),
        target=_string(line, "target"),
        client=_address(_string(line, "client")),
        upstream=_address(_string(line, "upstream")),
        upstream_local=_address(_string(line, "upstream_local")),
        gate=str(line["gate"]),
        rule=_string(line, "policy"),
        kind=_string(line, "reason") if what.is_denial else "",
        text=detail if what is not What.OPENED else "",
        # What the proxy received is what the task sent.
        bytes_in=_whole(line.get("bytes_out"), "bytes_out", 0) if what is What.CLOSED else 0,
        bytes_out=_whole(line.get("bytes_in"), "bytes_in", 0) if what is What.CLOSED else 0,
    )


def _clock(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"time is no instant: {str(value)[:40]!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    return _joined(found[1], int(found[2])) if found else ""


# --- values


def _part(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if type(value) is dict else None
    return value


def _text(value: Any, *path: str) -> str:
    found = _part(value, *path)
    return str(found) if _said(found) else ""


def _string(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    return str(value) if _said(value) else ""


def _said(value: Any) -> bool:
    return value not in (None, "", "-") and not isinstance(value, dict | list)


def _number(value: Any, *path: str) -> int:
    return _whole(_part(value, *path), ".".join(path), 0)


def _whole(value: Any, name: str, default: int) -> int:
    """A whole number, which claims of STS are as text."""
    if not _said(value):
        return default
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is no whole number: {str(value)[:40]!r}") from None
