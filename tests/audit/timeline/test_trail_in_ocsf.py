"""What gates logged becomes OCSF events of the same release as the provider's, valid by its schema, under the run's id."""

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from airlock_provider import audit
from pulumi_airlock.audit.timeline import ocsf
from pulumi_airlock.audit.timeline.ocsf import VERSION
from trail_lines import NOON, closed, fortigate, opened, proxied, refused, run, session, trail

sys.path.insert(0, str(Path(__file__).parents[2] / "provider" / "audit"))

from ocsf_schema import wrong

WHO, OTHER = run(1, agent_id="writer"), run(2, dag_id="marketing_daily", map_index=3)
ONE, TWO = session(), session(port=42000)
FOUND = trail(
    *[opened(WHO, ONE), closed(WHO, ONE), proxied(WHO, ONE, "open"), proxied(WHO, ONE, "close", 60)],
    proxied(OTHER, TWO, "refused", response_code=403, reason="permission", policy="deny-warehouse-5432"),
    proxied(OTHER, session(port=43000), "refused", response_code=503, reason="routing", upstream="-", upstream_local="-"),
    proxied(None, session(port=44000), "handshake", target=None, destination=None, session=None, stream=None, response_code=None),
    fortigate("10.9.9.1", 41001, "10.20.4.10", 5432, NOON + timedelta(seconds=1)),
    fortigate("10.9.9.1", 50000, "10.20.4.10", 5432, NOON + timedelta(seconds=2), "deny"),
    refused(OTHER, session(port=45000), audit.ROUTING),
)
EVENTS = list(ocsf(FOUND.runs))


@pytest.mark.parametrize("event", EVENTS, ids=[f"{one['metadata']['product']['name']} {one['activity_name']}" for one in EVENTS])
def test_each_event_is_valid_by_the_providers_release(event: dict[str, object]) -> None:
    assert VERSION == audit.OCSF_VERSION
    assert wrong(json.loads(json.dumps(event))) == []


def test_every_line_of_a_gate_is_an_event_and_none_of_the_providers() -> None:
    told = sorted((one["metadata"]["product"]["name"], one["activity_name"]) for one in EVENTS)

    assert told == [
        ("edge", "Traffic"),
        ("tcp_proxy", "Close"),
        ("tcp_proxy", "Fail"),
        ("tcp_proxy", "Open"),
        ("tcp_proxy", "Refuse"),
        ("tcp_proxy", "Refuse"),
    ]


def test_what_a_fortigate_logged_has_the_task_runs_id() -> None:
    (event,) = [one for one in EVENTS if one["metadata"]["product"]["name"] == "edge"]

    assert event["metadata"]["correlation_uid"] == WHO.correlation
    assert event["unmapped"]["airflow"]["dag_id"] == "finance_daily"
    assert event["unmapped"]["airlock"]["joined_by"] == "addresses"
    assert event["authorizations"][0]["policy"]["name"] == "proxy-to-warehouse"
    assert event["src_endpoint"] == {"ip": "10.9.9.1", "port": 41001}


def test_the_same_lines_are_the_same_events_however_often_they_are_read() -> None:
    uids = [one["metadata"]["uid"] for one in EVENTS]

    assert len(set(uids)) == len(uids)
    assert [one["metadata"]["uid"] for one in ocsf(FOUND.runs)] == uids
