"""Every event is valid by OCSF's own schema of the pinned release, and says who, where, when, and why not."""

import json
import re
from typing import Any

import pytest
from airlock_provider import audit
from airlock_provider.audit.ecs import to_ecs
from audit_cases import AT, FULL, REFUSALS, SESSION, WAREHOUSE, every_event
from ocsf_schema import wrong

EVENTS = list(every_event())


@pytest.mark.parametrize(("name", "event"), EVENTS, ids=[name for name, _ in EVENTS])
def test_event_is_valid_by_the_schema_of_its_release(name: str, event: audit.Event) -> None:
    assert wrong(json.loads(json.dumps(event))) == []


def test_the_check_of_the_schema_finds_mistakes() -> None:
    good = audit.session_opened(FULL, SESSION)
    assert wrong({**good, "action_id": 77})
    assert wrong({**good, "no_such_field": 1})
    assert wrong({**good, "action": "Denied"})
    assert wrong({key: value for key, value in good.items() if key != "severity_id"})


def test_event_of_a_session_tells_who_where_and_until_when() -> None:
    event = audit.session_opened(FULL, SESSION)

    assert (event["class_uid"], event["activity_id"], event["action_id"]) == (4001, 1, 1)
    assert event["time"] == event["start_time"] == int(AT * 1000)
    assert event["metadata"]["correlation_uid"] == FULL.correlation
    assert event["actor"]["session"]["expiration_time"] == int((AT + 3600) * 1000)
    assert event["actor"]["user"]["name"] == "ledger-close"
    assert event["dst_endpoint"]["hostname"] == "warehouse.corp.example"
    assert event["proxy_endpoint"] == {"hostname": "proxy.airlock.internal", "port": 8443}
    assert event["unmapped"]["airflow"]["map_index"] == 3
    assert event["unmapped"]["airlock"]["identity_assurance"] == "attested"
    assert event["unmapped"]["airlock"]["agent_id"] == "agent-7"


def test_a_rule_that_refuses_is_named_and_a_way_that_fails_is_no_denial() -> None:
    refused = {one.kind: audit.session_refused(FULL, SESSION, one) for one in REFUSALS}

    permission = refused[audit.PERMISSION]
    assert (permission["activity_id"], permission["action_id"], permission["disposition_id"]) == (5, 2, 2)
    assert permission["authorizations"][0]["policy"]["name"] == "deny-warehouse-5432"
    routing = refused[audit.ROUTING]
    assert (routing["activity_id"], "action_id" in routing, routing["is_alert"]) == (4, False, False)


def test_what_is_not_known_is_left_out_rather_than_empty() -> None:
    def empty(value: Any, path: str = "") -> list[str]:
        if isinstance(value, dict):
            return [found for key, one in value.items() for found in empty(one, f"{path}.{key}")]
        return [path] if value in ("", None) else []

    # An environment has no name in the bare run, nor has anything else; Airflow's own fields stay as Airflow has them.
    assert [(name, empty(event)) for name, event in EVENTS if empty(event)] == []


SECRETS = (
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "Bearer abc.def-ghi",
    "password=hunter2",
    "postgres://etl:hunter2@warehouse/db",
    "https://x/?X-Amz-Signature=0123456789abcdef&X-Amz-Security-Token=zzzz",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_passes_from_the_words_of_others_into_an_event(secret: str) -> None:
    refusal = audit.Refusal(audit.TOKEN, f"the issuer said: {secret}", detail=f"error\n{secret}")
    for event in (
        audit.session_refused(FULL, SESSION, refusal),
        audit.access_refused(FULL, WAREHOUSE, refusal),
        audit.token_failed(FULL, refusal, issuer="i"),
    ):
        text = json.dumps([event, to_ecs(event)])
        assert not re.search(r"hunter2|eyJhbGci|abc\.def|0123456789abcdef|zzzz", text)
        assert "***" in text


EXPECTED_TYPES = {
    "authentication": {"start", "end", "info"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "network": {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
    "process": {"access", "change", "end", "info", "start"},
}
"""ECS 8.17, "event.category": each value's expected event types."""


@pytest.mark.parametrize(("name", "event"), EVENTS, ids=[name for name, _ in EVENTS])
def test_event_in_ecs_has_allowed_values_and_loses_nothing_that_joins(name: str, event: audit.Event) -> None:
    found = to_ecs(event)

    (category,) = found["event"]["category"]
    assert set(found["event"]["type"]) <= EXPECTED_TYPES[category]
    assert found["event"]["outcome"] in ("success", "failure", "unknown")
    assert found["event"]["id"] == event["metadata"]["uid"]
    assert found.get("trace", {}).get("id") == event["metadata"].get("correlation_uid")
    assert found.get("airflow") == event.get("unmapped", {}).get("airflow")


def test_event_of_a_closed_session_in_ecs_has_bytes_and_nanoseconds() -> None:
    found = to_ecs(audit.session_closed(FULL, SESSION, bytes_in=10, bytes_out=20, reason="deadline", ended=AT + 5))

    assert found["event"]["duration"] == 5_000_000_000
    assert (found["source"]["bytes"], found["destination"]["bytes"], found["network"]["bytes"]) == (20, 10, 30)
    assert found["destination"]["domain"] == "warehouse.corp.example"
    assert found["airlock"]["session"]["expiration_reason"] == "deadline"
