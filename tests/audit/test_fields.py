"""The dictionary of fields: its table in the documentation, the parsers of logs, and the documentation's own examples."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pulumi_airlock import logs
from pulumi_airlock.audit.dictionary import table, with_table
from pulumi_airlock.audit.fields import FIELDS, LOGS, named, normalise, stream_parts
from pulumi_airlock.environments.mwaa.flow_format import FIELDS as FLOW_FIELDS
from pulumi_airlock.environments.mwaa.flow_format import LOG_FORMAT
from pulumi_airlock.logs import lss, nss

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"

NETWORK = [log for log, one in LOGS.items() if one.parser]
SAMPLES = {
    "time": {
        "eventtime": "1795658402000000000",
        "TimestampConnectionStart": "2026-11-26T02:00:02Z",
        "start": "1795658402",
        "": "Thu Nov 26 02:00:02 2026",
    },
    "source": {"": "10.140.0.17"},
    "source_port": {"": "41822"},
    "destination": {"": "10.20.4.10"},
    "name": {"": "warehouse.corp.example"},
    "port": {"": "5432"},
    "protocol": {"ipproto": "TCP", "": "6"},
    "user": {"": "ada@bank.example"},
    "group": {"": "airflow-finance"},
    "rule": {"": "airlock-finance-warehouse"},
    "rule_id": {"": "1007"},
    "action": {"ConnectionStatus": "active", "": "Allow"},
    "location": {"": "finance-worker"},
    "way": {"traffic-path": "3", "": "GRE"},
    "device": {"": "eni-07"},
    "service": {"": "S3"},
    "method": {"": "GET"},
    "server": {"": "203.0.113.9"},
    "server_port": {"": "8443"},
}
"""Attribute of a connection → field → what a line says there; `""` for any other field."""
EXPECTED = {
    "time": datetime(2026, 11, 26, 2, 0, 2, tzinfo=UTC),
    "source_port": 41822,
    "port": 5432,
    "server_port": 8443,
    "protocol": "tcp",
}


def sample(attribute, field):
    told = SAMPLES[attribute]
    return told.get(field, told[""])


def whole(log):
    """A record with the first field of every canonical one that a connection has."""
    found = {}
    for one in FIELDS:
        if one.attribute and log in one.names:
            found[one.names[log][0]] = sample(one.attribute, one.names[log][0])
    if log == "zpa":
        found |= {"LogTimestamp": "Thu Nov 26 02:00:05 2026", "InternalReason": ""}
    if log == "vpc":
        found |= {"log-status": "OK", "action": "ACCEPT"}
    return found


def parsed(log, record):
    if log == "fortigate":
        return logs.parse(" ".join(f'{key}="{value}"' for key, value in {"type": "traffic", **record}.items()))
    if log == "vpc":
        return logs.parse(" ".join(record.get(field, "-") for field in FLOW_FIELDS), FLOW_FIELDS)
    return logs.parse(json.dumps(record))


@pytest.mark.parametrize("log", NETWORK)
def test_parsers_find_each_field_where_the_dictionary_says(log):
    found = parsed(log, whole(log))
    assert found.format == LOGS[log].parser
    checked = 0
    for one in FIELDS:
        if one.attribute and log in one.names and one.attribute != "action":
            told = sample(one.attribute, one.names[log][0])
            assert getattr(found, one.attribute) == EXPECTED.get(one.attribute, told), one.name
            checked += 1
    assert checked >= 8


@pytest.mark.parametrize(
    ("log", "name", "field"),
    [
        (log, one.name, field)
        for log in NETWORK
        for one in FIELDS
        if one.attribute not in ("", "time", "action") and len(one.names.get(log, ())) > 1
        for field in one.names[log]
    ],
)
def test_every_name_of_a_field_alone_is_found(log, name, field):
    one = named(name)
    record = whole(log)
    for other in one.names[log]:
        record.pop(other, None)
    record[field] = sample(one.attribute, field)
    if log == "zia-firewall":
        record.setdefault("cdip", "10.20.4.10")
    found = parsed(log, record)
    expected = EXPECTED.get(one.attribute, sample(one.attribute, field))
    assert getattr(found, one.attribute) == expected
    assert str(normalise(log, record)[name]) == sample(one.attribute, field)


@pytest.mark.parametrize(
    ("log", "used"),
    [("zpa", lss.USED), ("zia-firewall", nss.FIREWALL_FIELDS), ("zia-web", nss.WEB_FIELDS)],
)
def test_what_parsers_look_at_is_in_the_dictionary(log, used):
    known = {name for one in FIELDS for name in one.names.get(log, ())}
    # A web log's `proto` is a scheme (`HTTPS`), of which the port is guessed: no field of its own.
    assert set(used) - known <= {"proto"}


def test_all_that_our_flow_logs_tell_is_in_the_dictionary():
    known = {name for one in FIELDS for name in one.names.get("vpc", ())}
    assert set(FLOW_FIELDS) - known == {"version", "log-status"}
    assert known <= set(FLOW_FIELDS)
    assert logs.flow.layout(LOG_FORMAT) == FLOW_FIELDS


def test_names_are_written_once():
    assert len({one.name for one in FIELDS}) == len(FIELDS)
    for one in FIELDS:
        assert one.names, one.name
        assert set(one.names) <= set(LOGS)


def test_the_table_is_what_the_dictionary_says():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "out of date; run: python -m pulumi_airlock.audit.dictionary docs/audit.md"
    assert table().count("\n") == len(FIELDS) + 2
    with pytest.raises(ValueError, match="fields: begin"):
        with_table("a page without marks")


# The examples of the documentation


def examples(section):
    """(Log, record, line) of each block in a section of the page."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {section}")[2].partition("\n## ")[0]
    for log, line in re.findall(r"```log (\S+)\n(.*?)\n```", text, re.S):
        if log == "vpc":
            yield log, dict(zip(FLOW_FIELDS, line.split(), strict=True)), line
        elif log == "fortigate":
            yield log, {key: value.strip('"') for key, value in re.findall(r'(\w+)=("[^"]*"|\S+)', line)}, line
        else:
            yield log, json.loads(line), line


TASK = list(examples("One task run, through all gates"))
PERSON = list(examples("One person, through all gates"))


@pytest.mark.parametrize("example", [*TASK, *PERSON], ids=lambda one: one[0])
def test_examples_are_lines_that_are_read(example):
    log, record, line = example
    found = normalise(log, record)
    assert found["time"]
    if LOGS[log].parser:
        connection = logs.parse(line, FLOW_FIELDS if log == "vpc" else ())
        assert connection.format == LOGS[log].parser
        assert connection.source == found["src_endpoint.ip"]
        assert str(connection.port) == str(found["dst_endpoint.port"])
        assert connection.rule == found.get("policy.name", "")
        assert connection.user == found.get("actor.user.name", "")


def test_the_task_is_followed_from_log_to_log():
    said = {log: normalise(log, record) for log, record, _ in TASK}
    run = said["mwaa"]
    assert (run["airflow.dag_id"], run["airflow.task_id"], run["airflow.try_number"]) == ("finance_daily", "load_orders", "1")
    assert run["airflow.run_id"] == "scheduled__2026-11-25T01_00_00+00_00"
    assert said["cloudtrail"]["airflow.dag_id"] == run["airflow.dag_id"]
    assert said["cloudtrail"]["airflow.task_id"] == run["airflow.task_id"]
    worker = said["vpc"]["src_endpoint.ip"]
    assert f"ip-{worker.replace('.', '-')}." in run["message"]
    assert {said[log]["src_endpoint.ip"] for log in ("vpc", "fortigate", "zia-firewall", "cloudtrail")} == {worker}
    session = ["src_endpoint.port", "dst_endpoint.ip", "dst_endpoint.port"]
    assert [said["vpc"][one] for one in session] == [said["fortigate"][one] for one in session]
    seconds = int(run["time"]) // 1000
    assert 0 <= int(said["vpc"]["time"]) - seconds <= 60
    assert 0 <= int(said["fortigate"]["time"]) // 10**9 - seconds <= 60


def test_the_person_is_followed_from_log_to_log():
    said = {log: normalise(log, record) for log, record, _ in PERSON}
    assert said["zpa"]["proxy_endpoint.ip"] == said["vpc"]["src_endpoint.ip"]
    assert str(said["zpa"]["proxy_endpoint.port"]) == said["vpc"]["src_endpoint.port"]
    assert said["zpa"]["dst_endpoint.ip"] == said["vpc"]["dst_endpoint.ip"]
    assert said["cloudtrail"]["actor.user.name"].endswith(f"/{said['zpa']['actor.user.name']}")
    assert said["cloudtrail"]["src_endpoint.ip"] == said["zpa"]["src_endpoint.intermediate_ips"]


def test_what_a_record_does_not_say_is_left_out():
    assert normalise("vpc", {"srcaddr": "10.0.0.1", "dstaddr": "-"}) == {
        "src_endpoint.ip": "10.0.0.1",
        "src_endpoint.intermediate_ips": "10.0.0.1",
    }
    assert normalise("cloudtrail", {"requestParameters": None, "userIdentity": "strange"}) == {}
    assert normalise("mwaa", {"logStream": "scheduler/2026"}) == {}
    assert stream_parts("") == {}
    with pytest.raises(KeyError, match="no such log: 'syslog'; one of fortigate"):
        normalise("syslog", {})
