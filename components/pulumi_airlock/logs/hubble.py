"""Flows of Cilium's Hubble, as its exporter and `hubble observe -o json` write them: one JSON object a line.

Facts: Cilium, `api/v1/flow/flow.proto` (`Flow`, `Verdict`, `Layer4`): `is_reply` tells answers; labels have their source in
front (`k8s:`). Airflow's Kubernetes executor labels a pod with `dag_id` and `task_id` (Airflow, `PodGenerator.construct_pod`):
what does not fit into a label is cut there, and such a task is not told.
"""

from collections.abc import Mapping
from typing import Any

from . import columns
from .connection import Connection, NoConnectionError, address_of, clock_of, port_of

FORMAT = "hubble"

_PORTED = ("TCP", "UDP", "SCTP")
_PLAIN = {"ICMPv4": "icmp", "ICMPv6": "icmpv6"}
_VERDICTS = {"FORWARDED": True, "REDIRECTED": True, "AUDIT": True, "DROPPED": False}
"""`AUDIT`: a policy would have refused it, and was not enforced. Of the others, `ERROR` says nothing."""
_NOT_DECIDED = ("TRACED", "TRANSLATED")
_OTHERS = ("lost_events", "agent_event", "debug_event", "node_status")
_ACCOUNT, _DAG, _TASK = "k8s:io.cilium.k8s.policy.serviceaccount=", "k8s:dag_id=", "k8s:task_id="


def of(fields: Mapping[str, Any]) -> Connection | None:
    """The connection of a flow; None when it is no line of Hubble.

    NoConnectionError for its other events; ValueError, with what is wrong, when it is damaged.
    """
    flow = fields.get("flow")
    if not isinstance(flow, Mapping):
        if any(isinstance(fields.get(one), Mapping) for one in _OTHERS):
            raise NoConnectionError("an event of Hubble that is no flow")
        return None
    addresses, layer = flow.get("IP"), flow.get("l4")
    verdict = _text(flow, "verdict")
    if not isinstance(addresses, Mapping) or not isinstance(layer, Mapping) or verdict in _NOT_DECIDED:
        raise NoConnectionError("a flow of Hubble that is no connection's: it has no address, no protocol, or no verdict")
    protocol, ports = _protocol(layer)
    labels = _labels(flow)
    names = flow.get("destination_names")
    reply = flow.get("is_reply")
    return Connection(
        format=FORMAT,
        source=address_of(_text(addresses, "source"), "source"),
        source_port=port_of(_text(ports, "source_port"), "source_port"),
        destination=address_of(_text(addresses, "destination"), "destination"),
        name=str(names[0]).lower().rstrip(".") if isinstance(names, list) and names else "",
        port=port_of(_text(ports, "destination_port"), "destination_port") or 0,
        protocol=protocol,
        time=clock_of(_text(flow, "time") or _text(fields, "time"), "time"),
        allowed=_VERDICTS.get(verdict),
        action=verdict,
        user=_labelled(labels, _ACCOUNT),
        detail=_text(flow, "drop_reason_desc"),
        device=_text(flow, "node_name") or _text(fields, "node_name"),
        answers=reply if isinstance(reply, bool) else None,
        dag_id=_labelled(labels, _DAG),
        task_id=_labelled(labels, _TASK),
    )


def _protocol(layer: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for name in _PORTED:
        if isinstance(layer.get(name), Mapping):
            return name.lower(), layer[name]
    found = next((protocol for name, protocol in _PLAIN.items() if name in layer), "")
    if not found:
        raise NoConnectionError("a flow of Hubble of a protocol that is none of TCP, UDP, SCTP and ICMP")
    return found, {}


def _labels(flow: Mapping[str, Any]) -> list[Any]:
    source = flow.get("source")
    found = source.get("labels") if isinstance(source, Mapping) else None
    return found if isinstance(found, list) else []


def _labelled(labels: list[Any], key: str) -> str:
    return next((one.removeprefix(key) for one in labels if isinstance(one, str) and one.startswith(key)), "")


def _text(fields: Mapping[str, Any], name: str) -> str:
    found = fields.get(name)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _label(key: str) -> str:
    return f"""split_part(split_part(coalesce(row.flow.source.labels, ''), '"{key}', 2), '"', 1)"""


_SHAPE = (
    '{"flow": {"time": "VARCHAR", "verdict": "VARCHAR", "is_reply": "VARCHAR", '
    '"IP": {"source": "VARCHAR", "destination": "VARCHAR"}, '
    '"l4": {"TCP": {"source_port": "VARCHAR", "destination_port": "VARCHAR"}, '
    '"UDP": {"source_port": "VARCHAR", "destination_port": "VARCHAR"}}, '
    '"source": {"labels": "VARCHAR"}, "destination_names": ["VARCHAR"]}}'
)
_NAME = "lower(coalesce(row.flow.destination_names[1], ''))"

COLUMNS = columns.Columns(
    format=FORMAT,
    row=columns.document(_SHAPE),
    plain=f"(row.flow.l4.TCP IS NULL) <> (row.flow.l4.UDP IS NULL) AND row.flow.verdict IN ({columns.listed(_VERDICTS)}) "
    f"AND source <> '' AND destination <> '' AND (name = '' OR {columns.is_name('name')}) AND NOT ends_with(name, '.') "
    r"AND NOT contains(coalesce(row.flow.source.labels, ''), '\')",
    source="coalesce(row.flow.IP.source, '')",
    source_port="coalesce(row.flow.l4.TCP.source_port, row.flow.l4.UDP.source_port, '')",
    destination="coalesce(row.flow.IP.destination, '')",
    name=_NAME,
    port="coalesce(row.flow.l4.TCP.destination_port, row.flow.l4.UDP.destination_port, '')",
    protocol="CASE WHEN row.flow.l4.TCP IS NULL THEN 'udp' ELSE 'tcp' END",
    seconds=columns.iso_seconds("row.flow.time"),
    allowed=f"row.flow.verdict IN ({columns.listed(one for one, good in _VERDICTS.items() if good)})",
    answers="TRY_CAST(row.flow.is_reply AS BOOLEAN)",
    user=_label(_ACCOUNT),
    dag_id=_label(_DAG),
    task_id=_label(_TASK),
)
"""How DuckDB reads plain lines: connections by TCP or UDP."""
