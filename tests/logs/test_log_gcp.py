"""Google Cloud's firewall rules logging and VPC flow logs, as Cloud Logging hands them out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pulumi_airlock.logs import Connection, Unreadable, parse, read

ENDS = {"src_ip": "10.80.0.10", "src_port": 51234, "dest_ip": "10.20.4.11", "dest_port": 1521, "protocol": 6}
VPC = {"project_id": "bank-airflow-prod", "vpc_name": "airflow", "subnetwork_name": "airflow-finance"}


def entry(payload: dict[str, Any], **fields: Any) -> str:
    return json.dumps(
        {
            "insertId": "1abc",
            "logName": "projects/bank-airflow-prod/logs/compute.googleapis.com%2Ffirewall",
            "resource": {"type": "gce_subnetwork", "labels": {"location": "europe-west6", "subnetwork_name": "airflow-finance"}},
            "timestamp": "2026-11-23T22:30:01.123456789Z",
            "jsonPayload": payload,
            **fields,
        }
    )


def firewall(disposition: str = "DENIED", reference: str = "network:airflow/firewallPolicy:gcp-firewall", **details: Any) -> str:
    rule = {"reference": reference, "priority": 1547477, "action": "DENY", "direction": "EGRESS", **details}
    return entry({"connection": ENDS, "disposition": disposition, "rule_details": rule, "vpc": VPC})


def flow(**payload: Any) -> str:
    started = {"start_time": "2026-11-23T22:29:58.5Z", "end_time": "2026-11-23T22:30:00Z"}
    return entry({"connection": ENDS, "reporter": "SRC", "src_vpc": VPC, "packets_sent": "6", **started, **payload})


def test_a_rule_of_a_policy_is_known_by_its_priority() -> None:
    found = parse(firewall())
    assert found is not None
    assert (found.format, found.source, found.source_port, found.where) == (
        "gcp-firewall",
        "10.80.0.10",
        51234,
        "10.20.4.11:1521/tcp",
    )
    assert (found.allowed, found.action, found.rule, found.rule_id) == (False, "DENIED", "", "1547477")
    assert found.time == datetime(2026, 11, 23, 22, 30, 1, 123456, UTC)
    assert (found.device, found.detail) == ("airflow", "egress, network:airflow/firewallPolicy:gcp-firewall")


def test_a_vpc_firewall_rule_is_known_by_its_name() -> None:
    found = parse(firewall("ALLOWED", "network:airflow/firewall:allow-internal"))
    assert found is not None
    assert (found.allowed, found.rule, found.rule_id) == (True, "allow-internal", "")


def test_a_flow_was_let_through() -> None:
    found = parse(flow())
    assert found is not None
    assert (found.format, found.allowed, found.rule_id, found.device) == ("gcp-flow", True, "", "airflow")
    assert found.time == datetime(2026, 11, 23, 22, 29, 58, 500000, UTC)


def test_protocols_without_ports() -> None:
    found = parse(flow(connection={"src_ip": "10.80.0.10", "dest_ip": "10.20.4.11", "protocol": 1}))
    assert found is not None
    assert (found.protocol, found.port, found.source_port) == ("icmp", 0, None)


def test_an_export_with_many_entries_in_one_line() -> None:
    both = [one for _, one in read([f"[{firewall()}, {flow()}]"])]
    assert [one.format for one in both if isinstance(one, Connection)] == ["gcp-firewall", "gcp-flow"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (flow(connection={**ENDS, "src_ip": "10.80.0.300"}), "src_ip is no address"),
        (flow(connection={**ENDS, "dest_port": 70000}), "dest_port is no port"),
        (entry({"connection": ENDS, "disposition": "DENIED"}, timestamp="yesterday"), "timestamp is no instant"),
        (flow(connection={"protocol": 6}), "src_ip is missing"),
    ],
)
def test_what_is_damaged_says_why(line: str, why: str) -> None:
    ((_, found),) = read([line])
    assert isinstance(found, Unreadable)
    assert why in found.why
    assert not found.understood


@pytest.mark.parametrize(
    "payload",
    [{"message": "x"}, {"connection": "x", "disposition": "DENIED"}, {"connection": ENDS}, {"connection": [], "reporter": "SRC"}],
)
def test_entries_of_other_logs_are_none_of_these(payload: dict[str, Any]) -> None:
    assert parse(entry(payload)) is None


def test_strange_details_are_no_reason_to_stop() -> None:
    found = parse(entry({"connection": ENDS, "disposition": "PERHAPS", "rule_details": 7, "vpc": None}))
    assert found is not None
    assert (found.allowed, found.rule, found.rule_id, found.device) == (None, "", "", "")
