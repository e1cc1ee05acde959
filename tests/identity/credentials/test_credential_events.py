"""Which events ring: the patterns of the rules, given to moto's matcher; and how many rules many secrets take."""

import json
from typing import Any

import pytest
from credential_engine import ACCOUNT, REGION, ROLE, Engine, access, credentials, route, run
from moto.events.models import EventPattern
from pulumi_airlock.identity.credentials import TokenEndpoint

LIMIT = 2048


def heard(engine: Engine, event: dict[str, Any]) -> set[str]:
    """Rules that an event reaches the topic by."""
    rules = engine.of("EventRule")
    return {name for name, one in rules.items() if "eventPattern" in one.inputs and _matches(one.inputs["eventPattern"], event)}


def _matches(pattern: str, event: dict[str, Any]) -> bool:
    # moto's annotation is that of its own bus, whose events have more fields.
    return EventPattern.load(pattern).matches_event(event)  # type: ignore[arg-type]


def asked(role: str, error: str | None = "AccessDenied", name: str = "GetSecretValue") -> dict[str, Any]:
    """A request as CloudTrail logs it; a refused one without its parameters."""
    detail: dict[str, Any] = {
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": name,
        "requestParameters": None if error else {"secretId": "api/ledger"},
        "userIdentity": {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}}},
    }
    if error:
        detail["errorCode"] = error
    return {"source": "aws.secretsmanager", "detail-type": "AWS API Call via CloudTrail", "detail": detail}


@pytest.mark.parametrize("error", ["AccessDenied", "InvalidRequestException", "DecryptionFailure"])
def test_a_task_that_does_not_get_its_secret_is_heard(error: str) -> None:
    engine = run(credentials)
    assert heard(engine, asked(ROLE, error)) == {"credentials-reading-failed"}
    assert engine.of("EventTarget")["credentials-reading-failed"].inputs["arn"].endswith("credentials-alarms")
    # EventBridge hands reading on only to rules in this state.
    assert engine.of("EventRule")["credentials-reading-failed"].inputs["state"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert "credentials-reading-failed-undelivered" in engine.of("MetricAlarm")


@pytest.mark.parametrize(
    "event",
    [
        asked(ROLE, None),
        asked(ROLE, "ResourceNotFoundException"),
        asked(f"arn:aws:iam::{ACCOUNT}:role/somebody-else"),
        asked(ROLE, name="DescribeSecret"),
    ],
    ids=["one that got it", "a connection of another backend", "another role", "another request"],
)
def test_what_is_no_failure_of_a_task_is_not_heard(event: dict[str, Any]) -> None:
    assert heard(run(credentials), event) == set()


def test_a_failed_rotation_of_these_secrets_is_heard_and_of_others_not() -> None:
    engine = run(credentials)

    def failed(secret: str) -> dict[str, Any]:
        detail = {"eventName": "RotationFailed", "additionalEventData": {"SecretId": secret}}
        return {"source": "aws.secretsmanager", "detail-type": "AWS Service Event via CloudTrail", "detail": detail}

    assert heard(engine, failed(f"arn:aws:mock:{REGION}:{ACCOUNT}:credentials-secret-feed")) == {"credentials-rotation-failed"}
    assert heard(engine, failed(f"arn:aws:mock:{REGION}:{ACCOUNT}:another")) == set()


def test_many_secrets_take_as_many_rules_as_their_patterns_need() -> None:
    refs = [f"bank/finance/warehouse/reporting/service-{number:03}" for number in range(60)]
    declared = access(*(route(f"r{number}", "secrets-manager", ref) for number, ref in enumerate(refs)))
    endpoint = TokenEndpoint(issue_url="https://api.corp.example/token", test_url="https://api.corp.example/me")
    engine = run(lambda: credentials(declared, rotators=dict.fromkeys(refs, endpoint), databases=None, vault=None, gates=()))
    rules = {name: one for name, one in engine.of("EventRule").items() if "rotation-failed" in name}
    assert len(rules) > 1
    named = [
        arn
        for one in rules.values()
        for arn in json.loads(one.inputs["eventPattern"])["detail"]["additionalEventData"]["SecretId"]
    ]
    assert len(named) == len(set(named)) == len(refs)
    assert all(len(one.inputs["eventPattern"]) <= LIMIT for one in rules.values())
    assert set(rules) <= set(engine.of("EventTarget"))


def test_what_tasks_may_say_is_not_what_the_function_says() -> None:
    policies = run(credentials).of("RolePolicy")

    def namespace(name: str) -> Any:
        return policies[name].document()["Metrics"]["Condition"]["StringEquals"]["cloudwatch:namespace"]

    alarms = run(credentials).of("MetricAlarm").values()
    assert {one.inputs["namespace"] for one in alarms if one.inputs["metricName"] == "RefreshFailed"} == {
        namespace("credentials-reader-ledger")
    }
    assert namespace("credentials-reader-ledger") != namespace("credentials-function")
