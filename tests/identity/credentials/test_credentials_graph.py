"""What a user of `Credentials` relies on: which resource, how set, after which, readable by whom."""

import json
import sys
from typing import Any

import pytest
from credential_engine import ACCOUNT, DEPLOYER, REGION, ROLE, ROUTES, SECRET, access, credentials, route, run
from credential_vendors import CANARY
from pulumi_airlock.gates.stack import UNKNOWN
from pulumi_airlock.identity.credentials import FunctionNetwork
from pulumi_airlock.identity.credentials.package import HANDLER, files


def arn(name: str) -> str:
    """As the engine here makes them up."""
    return f"arn:aws:mock:{REGION}:{ACCOUNT}:{name}"


@pytest.mark.parametrize("preview", [True, False])
def test_every_secret_has_a_key_a_policy_and_rotation_on_its_cadence(preview: bool) -> None:
    engine = run(credentials, preview)
    secrets = {one.inputs["name"]: name for name, one in engine.of("Secret").items()}
    assert set(secrets) == {
        "api/ledger",
        "feed",
        "airlock/credentials/fortigate",
        "airlock/credentials/zpa",
        "airlock/credentials/zia",
    }
    rates = {name: one.inputs["rotationRules"] for name, one in engine.of("SecretRotation").items()}
    assert rates.pop("credentials-secret-feed") == {"scheduleExpression": "rate(7 days)"}
    assert set(rates) == set(secrets.values()) - {"credentials-secret-feed"}
    assert all(rules == {"scheduleExpression": "rate(30 days)"} for rules in rates.values())
    for one in engine.of("Secret").values():
        assert one.inputs["kmsKeyId"] == (UNKNOWN if preview else arn("credentials-key"))
        assert one.inputs["recoveryWindowInDays"] == 30
        assert one.parent == "credentials"
    assert set(engine.of("SecretPolicy")) == set(secrets.values())
    assert all(one.inputs["rotateImmediately"] is False for one in engine.of("SecretRotation").values())


def test_a_secret_is_for_its_readers_whoever_rotates_it_and_administrators_alone() -> None:
    policies = run(credentials).of("SecretPolicy")
    api = policies["credentials-secret-api-ledger"].document()
    assert api["Readers"]["Principal"] == {"AWS": [ROLE]}
    function = arn("credentials-function")
    denied = api["NobodyElse"]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": sorted([ROLE, DEPLOYER, function])}}
    feed = policies["credentials-secret-feed"].document()["NobodyElse"]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
    assert feed == sorted([ROLE, DEPLOYER, f"arn:aws:iam::{ACCOUNT}:role/feed"])
    gate = policies["credentials-gate-fortigate"].document()
    assert set(gate) == {"NobodyElse"}
    assert gate["NobodyElse"]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] == sorted([DEPLOYER, function])


def test_a_role_may_read_its_secrets_and_connect_as_its_database_user_and_no_other() -> None:
    policy = run(credentials).of("RolePolicy")["credentials-reader-ledger"]
    assert policy.inputs["role"] == "finance"
    statements = policy.document()
    assert statements["ReadSecrets"]["Resource"] == [arn("credentials-secret-api-ledger"), arn("credentials-secret-feed")]
    database = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:db-ABCDEFGHIJKL01234/ledger"
    assert statements["ConnectToDatabases"]["Resource"] == [database]
    assert statements["DecryptSecrets"]["Condition"]["StringEquals"]["kms:ViaService"] == f"secretsmanager.{REGION}.amazonaws.com"


def test_the_function_rotates_its_own_secrets_and_only_looks_at_the_others() -> None:
    statements = run(credentials).of("RolePolicy")["credentials-function"].document()
    own = [arn(f"credentials-{key}") for key in ("secret-api-ledger", "gate-fortigate", "gate-zpa", "gate-zia")]
    assert statements["RotateSecrets"]["Resource"] == own
    assert statements["WatchSecrets"]["Resource"] == [arn("credentials-secret-feed")]
    assert statements["WatchSecrets"]["Action"] == ["secretsmanager:DescribeSecret"]
    assert all("*" not in action for one in statements.values() for action in one["Action"])
    open_to_all = [sid for sid, one in statements.items() if "*" in one["Resource"]]
    assert open_to_all == ["Metrics"]  # PutMetricData knows no resource: it is held to a namespace


def test_only_secrets_manager_for_each_of_its_secrets_and_the_watch_may_call_the_function() -> None:
    engine = run(credentials)
    callers = {(one.inputs["principal"], one.inputs["sourceArn"]) for one in engine.of("Permission").values()}
    secrets = {arn(f"credentials-{key}") for key in ("secret-api-ledger", "gate-fortigate", "gate-zpa", "gate-zia")}
    expected = {("secretsmanager.amazonaws.com", secret) for secret in secrets} | {
        ("events.amazonaws.com", arn("credentials-watch"))
    }
    assert callers == expected
    assert {one.inputs["sourceAccount"] for one in engine.of("Permission").values()} == {ACCOUNT}
    assert not [one for one in engine if "FunctionUrl" in one.type]
    for name, one in engine.of("SecretRotation").items():
        if name != "credentials-secret-feed":
            assert name in one.depends_on, "switched on before Secrets Manager may call"


def test_the_function_is_encrypted_logged_bounded_and_has_a_queue_for_what_fails() -> None:
    engine = run(credentials)
    function = engine.of("Function")["credentials-function"]
    assert function.inputs["kmsKeyArn"] == arn("credentials-key")
    assert function.inputs["reservedConcurrentExecutions"] == 5
    assert function.inputs["deadLetterConfig"] == {"targetArn": arn("credentials-function-failed")}
    assert function.inputs["tracingConfig"] == {"mode": "PassThrough"}
    assert "environment" not in function.inputs
    assert "vpcConfig" not in function.inputs
    log = engine.of("LogGroup")["credentials-function-logs"]
    assert log.inputs["name"] == f"/aws/lambda/{function.inputs['name']}"
    assert log.inputs["retentionInDays"] == 365
    assert {"credentials-function", "credentials-function-logs"} <= function.depends_on


def test_a_function_in_a_network_gets_the_rights_for_it() -> None:
    network = FunctionNetwork(subnet_ids=["subnet-1"], security_group_ids=["sg-1"])
    engine = run(lambda: credentials(network=network, tracing=True))
    function = engine.of("Function")["credentials-function"]
    assert function.inputs["vpcConfig"] == {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    assert function.inputs["tracingConfig"] == {"mode": "Active"}
    statements = engine.of("RolePolicy")["credentials-function-network"].document()
    assert statements["NotByTheCode"]["Effect"] == "Deny"


def test_failures_are_loud() -> None:
    engine = run(credentials)
    alarms = engine.of("MetricAlarm")
    topic = arn("credentials-alarms")
    for one in alarms.values():
        assert one.inputs["alarmActions"] == [topic], one.name
        assert one.inputs["actionsEnabled"] is True
        assert one.inputs["treatMissingData"] in ("breaching", "notBreaching")
    metrics = {(one.inputs["namespace"], one.inputs["metricName"]) for one in alarms.values()}
    assert {("AWS/Lambda", "Errors"), ("AWS/Lambda", "Throttles")} <= metrics
    routes = {one.inputs["dimensions"]["Route"] for one in alarms.values() if one.inputs["metricName"] == "RefreshFailed"}
    assert routes == {one["name"] for one in ROUTES}
    feed = alarms["credentials-secret-feed-overdue"]
    assert feed.inputs["threshold"] == 8 * 86400
    assert feed.inputs["treatMissingData"] == "breaching", "nobody looks any more"
    assert feed.inputs["dimensions"] == {"Secret": "feed"}


def test_a_secret_that_is_rotated_elsewhere_is_watched_for_its_age() -> None:
    edge = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:edge-abcdef"
    engine = run(lambda: credentials(watched={"edge": edge}))
    statements = engine.of("RolePolicy")["credentials-function"].document()
    assert statements["WatchSecrets"]["Resource"] == [arn("credentials-secret-feed"), edge]
    assert engine.of("MetricAlarm")["credentials-watched-edge-overdue"].inputs["threshold"] == 31 * 86400
    settings = json.loads(
        engine.of("Function")["credentials-function"].raw["code"]["assets"]["rotation_function/settings.json"]["text"]
    )
    assert settings["secrets"]["edge"] == {"kind": "elsewhere"}


def test_secrets_managers_own_word_reaches_the_topic() -> None:
    engine = run(credentials)
    pattern = json.loads(engine.of("EventRule")["credentials-rotation-failed"].inputs["eventPattern"])
    assert pattern["detail"]["eventName"][0] == "RotationFailed"
    assert arn("credentials-secret-feed") in pattern["detail"]["additionalEventData"]["SecretId"]
    target = engine.of("EventTarget")["credentials-rotation-failed"]
    assert target.inputs["arn"] == arn("credentials-alarms")
    assert "roleArn" not in target.inputs
    statements = engine.of("TopicPolicy")["credentials-alarms"].document()
    assert "Condition" not in statements["Events"], "EventBridge sends no context: a condition would drop every event"
    assert "Condition" in statements["Alarms"]
    key = engine.of("Key")["credentials-key"].document()
    assert "Condition" not in key["Events"]
    assert engine.of("Topic")["credentials-alarms"].inputs["kmsMasterKeyId"] == arn("credentials-key")


def test_the_first_value_is_a_secret_and_is_written_once() -> None:
    engine = run(credentials)
    first = engine.of("SecretVersion")["credentials-secret-api-ledger-initial"]
    assert SECRET in first.raw["secretString"]
    assert list(first.request.ignoreChanges) == ["secretString"]
    assert first.request.retainOnDelete
    assert first.name in engine.of("SecretRotation")["credentials-secret-api-ledger"].depends_on
    for one in engine:
        if one.name != first.name:
            assert "canary" not in json.dumps(one.raw), one.name


def test_what_policies_read_is_among_the_inputs() -> None:
    recorded = run(credentials, preview=True).of("Credentials")["credentials"].inputs
    by_ref = {one["ref"]: one for one in recorded["credentials"]}
    assert {ref: one["rotatedBy"] for ref, one in by_ref.items()} == {
        "api/ledger": "function",
        "feed": "brought",
        "rds": "token",
        "database/creds/ledger": "vault",
        "bq@bank.example": "token",
    }
    assert by_ref["feed"]["rotate"] == "7d"
    assert by_ref["database/creds/ledger"]["ttl"] == "1h"
    assert [one["gate"] for one in recorded["gates"]] == ["fortigate", "zpa", "zia"]
    assert recorded["rotation"] == "30d"


def test_a_static_credential_with_an_end_is_recorded_and_warned_of() -> None:
    declared = access(route("legacy", "static", "vaulted-by-hand", expires="2099-06-30"))
    engine = run(lambda: credentials(declared, rotators={}, databases={}, gates=[], vault={}))
    assert engine.of("Credentials")["credentials"].inputs["credentials"][0]["expires"] == "2099-06-30"
    assert any("static until 2099-06-30" in one for one in engine.warnings)
    assert not engine.of("Secret")
    assert not engine.of("Function")


def test_a_brought_key_and_topic_are_used() -> None:
    key, topic = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k", f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
    engine = run(lambda: credentials(kms_key_arn=key, alarm_topic_arn=topic, alarm_emails=()))
    assert not engine.of("Key")
    assert not engine.of("Topic")
    assert {one.inputs["kmsKeyId"] for one in engine.of("Secret").values()} == {key}
    assert {tuple(one.inputs["alarmActions"]) for one in engine.of("MetricAlarm").values()} == {(topic,)}


def test_the_archive_is_the_source_and_the_settings_and_the_same_every_time() -> None:
    engine, again = run(credentials), run(credentials)
    code = engine.of("Function")["credentials-function"].raw["code"]
    assert code == again.of("Function")["credentials-function"].raw["code"]
    assert "/work" not in json.dumps(code), "no path of a machine"
    texts = {path: one["text"] for path, one in code["assets"].items()}
    settings = json.loads(texts["rotation_function/settings.json"])["secrets"]
    assert settings["airlock/credentials/fortigate"] == {
        "kind": "fortigate",
        "url": "https://fw.corp.example:8443",
        "users": ["airlock-a", "airlock-b"],
        "grace_minutes": 60,
    }
    assert settings["airlock/credentials/zpa"]["manager"] == "airlock/credentials/zia"
    assert settings["feed"] == {"kind": "brought"}
    assert "canary" not in json.dumps(settings)


def test_what_is_shipped_runs_alone(make: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """The archive, unpacked where nothing else of this package is imported from, rotates a secret by its own entry point."""
    secret = make("fortigate", grace=0)
    certificates = open(secret.ca_file, encoding="utf-8").read()  # noqa: SIM115
    for path, text in files({secret.name: secret.settings}, certificates).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    module, entry = HANDLER.rsplit(".", 1)
    for known in [one for one in sys.modules if one.startswith("rotation_function")]:
        monkeypatch.delitem(sys.modules, known)
    handle = getattr(__import__(module, fromlist=[entry]), entry)
    assert str(tmp_path) in sys.modules[module].__file__
    version = secret.begin()
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        handle({"Step": step, "SecretId": secret.name, "ClientRequestToken": version}, None)
    handle({"action": "watch"}, None)
    assert secret.value()["user"] == "airlock-b"
    assert secret.value()["token"] in secret.vendor.valid
    assert secret.first["token"] not in secret.vendor.valid
    out = capsys.readouterr()
    assert CANARY not in out.out + out.err
