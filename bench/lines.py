"""Contacts as lines of each kind of log, as the devices write them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from .traffic import Contact

_NUMBERS = {"tcp": "6", "udp": "17"}
_INTERVAL = 600
"""Seconds that a flow log's record is of at most, where nobody has set another."""


def records(one: Contact) -> Iterator[Contact]:
    """What a flow log has of it: records of ten minutes at most, and of each the answers; nothing of a session is known."""
    for begin in range(0, max(1, one.lasts), _INTERVAL):
        part = replace(one, time=one.time + timedelta(seconds=begin), lasts=min(_INTERVAL, one.lasts - begin))
        yield part
        if not one.refused:
            back = {"source": one.address, "address": one.source, "source_port": one.port, "port": one.source_port}
            yield replace(part, **back)  # type: ignore[arg-type]  # its fields


def fortigate(one: Contact) -> str:
    """Written when the session ends, with the name where the FortiGate knows it."""
    ended = one.time + timedelta(seconds=one.lasts)
    seconds, action = int(ended.timestamp()), "deny" if one.refused else "close"
    name = f' hostname="{one.host}"' if one.host and not one.hidden else ""
    return (
        f'date={ended:%Y-%m-%d} time={ended:%H:%M:%S} devname="edge-fw-1" devid="FGT60FTK20000001" '
        f'eventtime={seconds}369913239 tz="+0000" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" '
        f'srcip={one.source} srcport={one.source_port} srcintf="vpn-aws" srcintfrole="undefined" dstip={one.address} '
        f'dstport={one.port} dstintf="dc" dstintfrole="lan" srccountry="Reserved" dstcountry="Reserved" sessionid=105048 '
        f'proto={_NUMBERS[one.protocol]} action="{action}" policyid=7 policytype="policy" policyname="finance = ledger" '
        f'service="tcp/{one.port}" trandisp="noop" duration={one.lasts} sentbyte=0 rcvdbyte=0{name}'
    )


def vpc_flow(one: Contact) -> str:
    """The default format, version 2."""
    seconds = int(one.time.timestamp())
    return (
        f"2 123456789012 eni-0a1b2c3d {one.source} {one.address} {one.source_port} {one.port} {_NUMBERS[one.protocol]} "
        f"6 4249 {seconds} {seconds + one.lasts} {'REJECT' if one.refused else 'ACCEPT'} OK"
    )


def hubble(one: Contact) -> str:
    """Of a task's pod, by the labels that Airflow gives it."""
    labels = ["k8s:app=airflow", "k8s:io.kubernetes.pod.namespace=airflow"]
    if one.run:
        labels += [f"k8s:dag_id={one.run.dag}", f"k8s:task_id={one.run.task}"]
    flow = {
        "time": f"{one.time:%Y-%m-%dT%H:%M:%S.%f}000Z",
        "uuid": "5b3f7c1e-7a52-4e0a-8a52-0c6d3f1d2f10",
        "verdict": "DROPPED" if one.refused else "FORWARDED",
        "IP": {"source": one.source, "destination": one.address, "ipVersion": "IPv4"},
        "l4": {one.protocol.upper(): {"source_port": one.source_port, "destination_port": one.port}},
        "source": {"ID": 1205, "identity": 21034, "namespace": "airflow", "labels": labels, "pod_name": "task"},
        "destination": {"identity": 2, "labels": ["reserved:world"]},
        "Type": "L3_L4",
        "node_name": "node-1",
        "destination_names": [one.host] if one.host else [],
        "is_reply": False,
        "traffic_direction": "EGRESS",
        "Summary": "TCP Flags: SYN",
    }
    return json.dumps({"flow": flow, "node_name": "node-1", "time": flow["time"]})


def lss(one: Contact) -> str:
    """ZPA's user activity, of a Cloud Connector."""
    return json.dumps(
        {
            "LogTimestamp": f"{one.time + timedelta(seconds=one.lasts):%a %b %d %H:%M:%S %Y}",
            "TimestampConnectionStart": f"{one.time:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            "Customer": "Bank",
            "ConnectionID": "SqyZIMkg0JTj7EABsvwA,1",
            "InternalReason": "BRK_MT_SETUP_FAIL_REJECTED_BY_POLICY" if one.refused else "",
            "ConnectionStatus": "close",
            "IPProtocol": int(_NUMBERS[one.protocol]),
            "Username": "cloud-connector",
            "ServicePort": one.port,
            "ClientPublicIP": "192.0.2.10",
            "ClientPrivateIP": one.source,
            "Policy": "airlock-finance",
            "Connector": "dc-1",
            "Host": one.host or one.address,
            "ServerIP": one.address,
            "ServerPort": one.port,
        }
    )


def proxy(one: Contact) -> str:
    """Airlock's own proxy, which names the task; what is no task's does not get through it."""
    run = one.run
    event = "refused" if one.refused else "open"
    line = {
        "time": f"{one.time:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "gate": "tcp_proxy",
        "client": f"{one.source}:{one.source_port}",
        "connection": 7,
        "event": event if run else "asked",
        "target": f"{one.host or one.address}:{one.port}",
        "upstream": f"{one.address}:{one.port}",
        "environment": run.environment if run else None,
        "dag_id": run.dag if run else None,
        "task_id": run.task if run else None,
        "run_id": run.run_id if run else None,
        "response_code": 200,
        "duration_ms": 0,
    }
    return json.dumps(line)


def envoy(one: Contact) -> str:
    """A mesh's sidecar, as Istio's JSON format has it."""
    return json.dumps(
        {
            "start_time": f"{one.time:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            "protocol": None,
            "response_code": 0,
            "response_flags": "UAEX" if one.refused else "-",
            "response_code_details": None,
            "bytes_received": 1024,
            "bytes_sent": 2048,
            "duration": 1000 * one.lasts,
            "upstream_host": f"{one.address}:{one.port}",
            "upstream_cluster": "outbound",
            "downstream_local_address": f"{one.address}:{one.port}",
            "downstream_remote_address": f"{one.source}:{one.source_port}",
            "requested_server_name": None if one.hidden else one.host or None,
        }
    )


LINES: dict[str, Callable[[Contact], str]] = {
    "FortiGate": fortigate,
    "VPC flow log": vpc_flow,
    "Hubble": hubble,
    "ZPA (LSS)": lss,
    "Envoy (JSON)": envoy,
    "Airlock's proxy": proxy,
}
