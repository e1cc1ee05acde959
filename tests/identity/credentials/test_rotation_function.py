"""The rotation function, run against moto's Secrets Manager and imitations of what issues the credentials."""

import json
import logging
from typing import Any

import moto.awslambda.utils
import pytest
from credential_vendors import CANARY, STEPS
from pulumi_airlock.identity.credentials.rotation_function.service import RotationError, ServiceError


def held(value: dict[str, str] | None) -> str:
    """The part of a secret that its service checks."""
    assert value is not None
    return value.get("client_secret") or value["token"]


def test_four_steps_make_a_new_current_credential_and_keep_the_old_as_previous(secret: Any) -> None:
    secret.rotate()
    assert held(secret.value("AWSPREVIOUS")) == held(secret.first)
    assert held(secret.value()) != held(secret.first)
    assert held(secret.value()) in secret.vendor.valid
    assert secret.value("AWSPENDING") is None


@pytest.mark.parametrize("kind", ["fortigate", "zscaler", "token-endpoint"])
def test_in_the_middle_both_are_valid_then_one(make: Any, kind: str) -> None:
    secret = make(kind, grace=0)
    old = held(secret.first)
    version = secret.begin()
    assert set(secret.vendor.valid) == {old}
    secret.step("createSecret", version)
    new = held(secret.value("AWSPENDING"))
    for step in STEPS[1:]:
        assert {old, new} == set(secret.vendor.valid), step
        assert held(secret.value()) == old, step
        secret.step(step, version)
    assert held(secret.value()) == new
    assert {old, new} == set(secret.vendor.valid)
    secret.watch()
    assert old not in secret.vendor.valid
    assert new in secret.vendor.valid
    # Nobody has a further one: a FortiGate's user gets a key that is thrown away.
    assert secret.value("AWSPREVIOUS") is None


def test_the_one_before_is_kept_while_its_grace_lasts(secret: Any) -> None:
    secret.rotate()
    secret.watch()
    assert {held(secret.first), held(secret.value())} <= set(secret.vendor.valid)
    assert secret.value("AWSPREVIOUS") is not None


def test_nothing_is_retired_in_the_middle_of_the_next_rotation(make: Any) -> None:
    secret = make("fortigate", grace=0)
    secret.rotate()
    version = secret.begin()
    secret.step("createSecret", version)
    pending = held(secret.value("AWSPENDING"))
    secret.watch()
    assert pending in secret.vendor.valid
    secret.step("testSecret", version)


@pytest.mark.parametrize("crash", range(len(STEPS)))
def test_each_step_can_be_run_again_after_a_crash(secret: Any, crash: int) -> None:
    version = secret.begin()
    for step in STEPS[: crash + 1]:
        secret.step(step, version)
    asked = len(secret.vendor.calls)
    issued = secret.vendor.made
    # Secrets Manager begins again from the first step.
    for step in STEPS:
        secret.step(step, version)
    assert secret.vendor.made == issued, "a second credential was issued"
    assert held(secret.value()) in secret.vendor.valid
    assert held(secret.value("AWSPREVIOUS")) == held(secret.first)
    if crash == 3:
        assert len(secret.vendor.calls) == asked, "a finished rotation asks nobody"


def test_a_crash_after_issuing_and_before_keeping_loses_nothing(secret: Any) -> None:
    version = secret.begin()

    class Crashing:
        """Secrets Manager's client, gone at the moment of writing."""

        exceptions = secret.secretsmanager.exceptions

        def __getattr__(self, name: str) -> Any:
            return getattr(secret.secretsmanager, name)

        def put_secret_value(self, **_: Any) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        secret.step("createSecret", version, secret.function(Crashing()))
    assert held(secret.first) in secret.vendor.valid
    for step in STEPS:
        secret.step(step, version)
    assert held(secret.value()) in secret.vendor.valid
    if secret.settings["kind"] == "zscaler":
        # The lost one is not left behind at the API client.
        assert set(secret.vendor.valid) == {held(secret.first), held(secret.value())}


class Failing:
    """Secrets Manager's client, gone at the moment of taking a label off."""

    def __init__(self, client: Any, stage: str) -> None:
        self._client, self._stage, self.exceptions = client, stage, client.exceptions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_secret_version_stage(self, **wanted: Any) -> Any:
        if wanted["VersionStage"] == self._stage:
            raise SystemExit
        return self._client.update_secret_version_stage(**wanted)


def test_a_crash_within_the_last_step_leaves_the_new_one_current_and_no_rotation_stuck(secret: Any) -> None:
    version = secret.begin()
    for step in STEPS[:3]:
        secret.step(step, version)
    with pytest.raises(SystemExit):
        secret.step("finishSecret", version, secret.function(Failing(secret.secretsmanager, "AWSPENDING")))
    new = held(secret.value())
    assert new != held(secret.first)
    secret.step("finishSecret", version)
    assert secret.value("AWSPENDING") is None
    assert held(secret.value()) == new
    secret.rotate()
    assert held(secret.value()) in secret.vendor.valid


@pytest.mark.parametrize("kind", ["fortigate", "zscaler", "token-endpoint"])
def test_a_crash_after_retiring_is_made_up_for_by_the_next_watch(make: Any, kind: str) -> None:
    secret = make(kind, grace=0)
    secret.rotate()
    with pytest.raises(SystemExit):
        secret.function(Failing(secret.secretsmanager, "AWSPREVIOUS"))({"action": "watch"})
    assert held(secret.first) not in secret.vendor.valid
    assert secret.value("AWSPREVIOUS") is not None
    secret.watch()
    assert secret.value("AWSPREVIOUS") is None
    assert held(secret.value()) in secret.vendor.valid


def test_secrets_managers_own_sequence(secret: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here moto's Secrets Manager itself invokes the function, step by step."""

    class Lambda:
        def get_function(self, _: str) -> None: ...

        def invoke(self, *_: Any, body: str, **__: Any) -> None:
            steps.append(json.loads(body)["Step"])
            secret.function()(json.loads(body))

    steps: list[str] = []
    monkeypatch.setattr(moto.awslambda.utils, "get_backend", lambda *_: Lambda())
    secret.secretsmanager.rotate_secret(
        SecretId=secret.name, RotationLambdaARN="arn:aws:lambda:f", RotationRules={"AutomaticallyAfterDays": 30}
    )
    assert tuple(steps) == STEPS
    assert held(secret.value("AWSPREVIOUS")) == held(secret.first)
    assert held(secret.value()) in secret.vendor.valid


def test_a_credential_that_its_service_refuses_never_becomes_current(secret: Any) -> None:
    secret.vendor.refuse_new = True
    version = secret.begin()
    secret.step("createSecret", version)
    secret.step("setSecret", version)
    with pytest.raises(RotationError, match="abandoned, the old one stays"):
        secret.step("testSecret", version)
    assert secret.pauses, "it tries again before it gives up"
    with pytest.raises(RotationError, match="the rotation was abandoned"):
        secret.step("finishSecret", version)
    assert secret.value() == secret.first
    assert held(secret.first) in secret.vendor.valid
    # And the next rotation is not stuck on it.
    secret.vendor.refuse_new = False
    secret.rotate()
    assert held(secret.value()) in secret.vendor.valid


def test_a_service_that_is_down_is_an_error_and_abandons_nothing(secret: Any) -> None:
    version = secret.begin()
    secret.step("createSecret", version)
    secret.vendor.broken = True
    with pytest.raises(ServiceError, match="status 500"):
        secret.step("testSecret", version)
    secret.vendor.broken = False
    for step in STEPS:
        secret.step(step, version)
    assert held(secret.value()) in secret.vendor.valid


def test_a_second_invocation_that_loses_the_race_promotes_nothing_that_does_not_hold(secret: Any) -> None:
    """Two invocations of createSecret at once: Secrets Manager refuses the second write, moto would not, so it is done here."""
    version = secret.begin()
    first, racing = secret.function(), None

    class Slow:
        """The client of the second invocation: between its question and its write, the first one runs through."""

        exceptions = secret.secretsmanager.exceptions

        def __getattr__(self, name: str) -> Any:
            return getattr(secret.secretsmanager, name)

        def put_secret_value(self, **_: Any) -> None:
            raise secret.secretsmanager.exceptions.ResourceExistsException(
                {"Error": {"Code": "ResourceExistsException", "Message": ""}}, "PutSecretValue"
            )

    class Interleaved(Slow):
        def get_secret_value(self, **wanted: Any) -> Any:
            if wanted.get("VersionStage") == "AWSCURRENT" and not kept:
                kept.append(True)
                secret.step("createSecret", version, first)
            return secret.secretsmanager.get_secret_value(**wanted)

    kept: list[bool] = []
    try:
        secret.step("createSecret", version, secret.function(Interleaved()))
    except RotationError as error:
        racing = error
    assert kept
    if racing is None:  # what the first one kept still holds
        for step in STEPS:
            secret.step(step, version)
    else:
        assert "abandoned" in str(racing)
        assert secret.value() == secret.first
        secret.rotate()
    assert held(secret.value()) in secret.vendor.valid


def test_a_watch_that_retires_a_key_while_it_is_being_renewed_ends_in_an_abandoned_rotation(make: Any) -> None:
    """The watch looked before the rotation began and acts after its key was issued: the new key is dead, the current one not."""
    secret = make("fortigate", grace=0)
    secret.rotate()
    began: list[str] = []

    class Late:
        exceptions = secret.secretsmanager.exceptions

        def __getattr__(self, name: str) -> Any:
            return getattr(secret.secretsmanager, name)

        def describe_secret(self, **wanted: Any) -> Any:
            found = secret.secretsmanager.describe_secret(**wanted)
            if not began:
                began.append(secret.begin())
                secret.step("createSecret", began[0])
            return found

    current = held(secret.value())
    secret.function(Late())({"action": "watch"})
    with pytest.raises(RotationError, match="abandoned"):
        secret.step("testSecret", began[0])
    assert held(secret.value()) == current
    assert current in secret.vendor.valid
    secret.rotate()
    assert held(secret.value()) in secret.vendor.valid


def test_users_of_a_fortigate_take_turns(make: Any) -> None:
    secret = make("fortigate")
    users = [secret.value()["user"]]
    for _ in range(3):
        secret.rotate()
        users.append(secret.value()["user"])
    assert users == ["airlock-a", "airlock-b", "airlock-a", "airlock-b"]


def test_a_manager_signs_in_for_an_api_client_that_may_not_manage_itself(make: Any) -> None:
    secret = make("zscaler")
    secret.secretsmanager.create_secret(Name="gates/manager", SecretString=json.dumps(secret.first))
    secret.settings["manager"] = "gates/manager"
    secret.rotate()
    assert held(secret.value()) in secret.vendor.valid


def test_a_zscaler_secret_with_a_wrong_id_deletes_nothing(make: Any) -> None:
    secret = make("zscaler")
    secret.secretsmanager.put_secret_value(SecretId=secret.name, SecretString=json.dumps({**secret.first, "secret_id": "gone"}))
    with pytest.raises(RotationError, match="correct the secret"):
        secret.step("createSecret", secret.begin())
    assert held(secret.first) in secret.vendor.valid


def test_nothing_is_done_for_a_secret_of_somebody_else(make: Any) -> None:
    secret = make("fortigate")
    secret.secretsmanager.create_secret(Name="other", SecretString="{}")
    with pytest.raises(RotationError, match="none of the secrets"):
        secret.function()({"Step": "createSecret", "SecretId": "other", "ClientRequestToken": "x"})
    with pytest.raises(RotationError, match="has no SecretId"):
        secret.function()({"Step": "createSecret", "ClientRequestToken": "x"})
    with pytest.raises(RotationError, match="no step"):
        secret.step("deleteSecret", secret.begin())
    assert secret.vendor.calls == []


def test_versions_that_are_not_pending_are_refused(make: Any) -> None:
    secret = make("fortigate")
    secret.rotate()
    with pytest.raises(RotationError, match="no version"):
        secret.step("createSecret", "00000000-0000-4000-8000-00000000dead")
    with pytest.raises(RotationError, match="has no value: createSecret has not run"):
        secret.step("setSecret", secret.begin())


def test_a_secret_that_does_not_rotate_is_left_alone(make: Any) -> None:
    secret = make("fortigate")
    version = secret.begin()
    secret.secretsmanager.cancel_rotate_secret(SecretId=secret.name)
    with pytest.raises(RotationError, match="rotation is off"):
        secret.step("createSecret", version)
    assert secret.vendor.calls == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (json.dumps({"user": "airlock-a", "token": f"{CANARY}\r\nX: y"}), r"no answer \(ValueError\)"),
        ("no json " + CANARY, "is no JSON object"),
        (json.dumps([CANARY]), "is no JSON object"),
        (json.dumps({"user": "airlock-a"}), 'no "token"'),
        (json.dumps({"user": CANARY, "token": CANARY}), "none of airlock-a and airlock-b"),
    ],
)
def test_a_secret_of_another_form_is_told_without_showing_it(make: Any, value: str, says: str) -> None:
    secret = make("fortigate")
    secret.secretsmanager.put_secret_value(SecretId=secret.name, SecretString=value)
    with pytest.raises(RotationError, match=says) as caught:
        secret.step("createSecret", secret.begin())
    error = caught.value
    assert CANARY not in "".join(map(repr, (error, str(error), error.__cause__, error.__context__)))


def test_no_secret_is_ever_logged_or_raised(secret: Any, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    caplog.set_level(logging.DEBUG, logger="airlock")
    said: list[str] = []

    def attempt(step: str, version: str) -> None:
        try:
            secret.step(step, version)
        except Exception as error:
            said.append(f"{error!r} {error} {error.__cause__!r}")

    secret.rotate()
    secret.watch()
    for fault in ("broken", "refuse_new"):
        version = secret.begin()
        setattr(secret.vendor, fault, True)
        for step in STEPS:
            attempt(step, version)
        setattr(secret.vendor, fault, False)
    secret.vendor.valid.clear()
    attempt("createSecret", secret.begin())
    assert said
    out = capsys.readouterr()
    assert CANARY not in "".join([*said, caplog.text, out.out, out.err])
    assert "done for version" in caplog.text


def test_a_token_goes_only_to_a_host_whose_certificate_is_trusted(make: Any) -> None:
    from pulumi_airlock.identity.credentials.rotation_function.https import Https

    secret = make("fortigate")
    secret.ca_file = ""
    with pytest.raises(ServiceError, match="no answer"):
        secret.step("createSecret", secret.begin())
    assert secret.vendor.calls == []
    with pytest.raises(ServiceError, match="only https"):
        Https().call("GET", secret.vendor.url.replace("https", "http"))


def test_an_answer_that_is_no_json_is_told_without_showing_it(make: Any) -> None:
    secret = make("fortigate")
    secret.vendor.answer = lambda *_: (200, CANARY)
    with pytest.raises(ServiceError, match=r"no results\.access_token"):
        secret.step("createSecret", secret.begin())
    secret.vendor.raw = f"token={CANARY}"
    with pytest.raises(ServiceError, match="is no JSON") as caught:
        secret.step("createSecret", secret.begin())
    assert CANARY not in f"{caught.value!r} {caught.value.__context__!r}"


def test_switching_rotation_on_tries_the_function_and_changes_nothing(secret: Any) -> None:
    """Secrets Manager runs testSecret on a pending copy of the current version then."""
    version = secret.begin(RotateImmediately=False)
    secret.step("testSecret", version)
    assert secret.value() == secret.first
    assert set(secret.vendor.valid) == {held(secret.first)}


def test_a_redirect_is_not_followed(make: Any) -> None:
    secret = make("fortigate")
    secret.vendor.answer = lambda *_: (302, {})
    with pytest.raises(ServiceError, match="status 302"):
        secret.step("createSecret", secret.begin())


def test_the_watch_measures_every_secret_and_tells_of_all_that_went_wrong(make: Any) -> None:
    secret = make("fortigate", grace=0)
    secret.secretsmanager.create_secret(Name="brought", SecretString="{}")
    everything = {"gone": {"kind": "brought"}, secret.name: secret.settings, "brought": {"kind": "brought"}}
    function = secret.function()
    function._secrets = everything
    secret.rotate()
    secret.vendor.broken = True
    with pytest.raises(RotationError) as caught:
        function({"action": "watch"})
    assert "gone: ResourceNotFoundException" in str(caught.value)
    assert f"{secret.name}: POST" in str(caught.value)
    assert secret.ages()
    assert secret.ages("brought")
