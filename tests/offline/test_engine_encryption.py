"""Encrypted configuration: `cases/encrypted.yaml` is what the Pulumi CLI wrote for this passphrase."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.offline.config import load_config
from pulumi_airlock.offline.packs import PackSpec
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.session import Session

PASSPHRASE = "correct horse battery staple"
SECRETS = ("open sesame, Ünïcode", "deep-secret", "first-token", 'p"wd\\1 {x}', "AKIAEXAMPLE")


@pytest.fixture
def encrypted(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    shutil.copy(Path(__file__).parent / "cases" / "encrypted.yaml", tiny.stack_file("dev"))
    return tiny


def test_values_are_what_the_pulumi_cli_decrypts(encrypted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    config = load_config(encrypted, "dev")
    assert config.values == {
        "aws:secretKey": "AKIAEXAMPLE",
        "tiny:database": '{"password":"p\\"wd\\\\1 {x}","user":"airflow"}',
        "tiny:empty": "",
        "tiny:nested": '{"deep":[{"key":"deep-secret"}]}',
        "tiny:plain": "visible",
        "tiny:port": "8443",
        "tiny:psk": "open sesame, Ünïcode",
        "tiny:size": "2",
        "tiny:tokens": '["first-token","plain-token"]',
    }
    assert config.secret_keys == config.values.keys() - {"tiny:plain", "tiny:size"}
    assert config.plaintexts >= set(SECRETS)
    assert not config.encrypted


def test_the_passphrase_may_be_in_a_file(encrypted: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    assert load_config(encrypted, "dev").values["tiny:port"] == "8443"
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="PULUMI_CONFIG_PASSPHRASE_FILE: cannot be read"):
        load_config(encrypted, "dev")


def test_without_a_passphrase_every_encrypted_value_is_unknown(encrypted: Project) -> None:
    config = load_config(encrypted, "dev")
    assert set(config.encrypted) == config.secret_keys
    assert config.values["tiny:plain"] == "visible"
    assert not config.plaintexts


@pytest.mark.parametrize("wrong", ["correct horse", ""])
def test_a_wrong_passphrase_is_an_error_that_says_whose(encrypted: Project, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", wrong)
    with pytest.raises(InputError) as caught:
        load_config(encrypted, "dev")
    (problem,) = caught.value.problems
    assert problem.place.endswith("Pulumi.dev.yaml")
    assert "the passphrase in PULUMI_CONFIG_PASSPHRASE is not this stack's" in problem.message
    assert PASSPHRASE not in str(caught.value)


def test_a_wrong_passphrase_is_no_matter_where_nothing_is_encrypted(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of another project")
    assert load_config(tiny, "dev").values["aws:region"] == "eu-central-1"


def test_values_that_cannot_be_decrypted_are_told_all_at_once(encrypted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    file = encrypted.stack_file("dev")
    foreign = "v1:QahPBXy5HmktDAt9:" + "A" * 48
    added = f"  tiny:one: {{secure: '{foreign}'}}\n  tiny:two: {{deep: [{{secure: 'v2:x'}}]}}\n"
    file.write_text(file.read_text() + added)
    with pytest.raises(InputError) as caught:
        load_config(encrypted, "dev")
    assert [one.path for one in caught.value.problems] == ["config.tiny:one", "config.tiny:two"]


def test_a_salt_that_is_none_is_told(encrypted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    encrypted.stack_file("dev").write_text("encryptionsalt: v1:abc\nconfig:\n  tiny:psk: {secure: v1:xyz}\n")
    with pytest.raises(InputError, match="encryptionsalt: is not what Pulumi writes there"):
        load_config(encrypted, "dev")


def test_decrypted_values_reach_the_program_and_are_shown_nowhere(
    encrypted: Project, monkeypatch: pytest.MonkeyPatch, update: Callable[[str], Plan]
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    plan = update(
        """
        config = pulumi.Config()
        aws.ssm.Parameter("psk", type="SecureString", value=config.require_secret("psk"))
        database = config.require_secret_object("database")
        aws.ssm.Parameter("database", type="SecureString", value=database.apply(lambda one: one["password"]))
        pulumi.export("port", config.require_secret_int("port").apply(lambda port: port + 1))
        pulumi.log.warn(config.require_object("nested")["deep"][0]["key"])
        """
    )
    value = {one.name: one.registration.inputs.get("value", {}).get("value") for one in plan.steps if one.type.startswith("aws:")}
    assert value == {"psk": SECRETS[0], "database": SECRETS[3]}
    assert plan.outputs["port"]["value"] == 8444
    assert [one.message for one in plan.logs] == ["[secret]"]
    shown = json.dumps(plan.document(), ensure_ascii=False)
    written = "".join(one.read_text(errors="replace") for one in (encrypted.root / ".airlock").rglob("*.json"))
    assert written
    for secret in SECRETS:
        assert json.dumps(secret, ensure_ascii=False)[1:-1] not in shown + written


def test_what_packs_say_of_structured_secrets_is_masked(
    encrypted: Project, monkeypatch: pytest.MonkeyPatch, program: Callable[[str], Session]
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    program("")
    printed: list[str] = []
    pack = PackSpec(Path(__file__).parent / "packs" / "indiscreet")
    with Session(encrypted, "dev", packs=[pack], on_pack_output=lambda name, line: printed.append(line)) as session:
        plan = session.preview()
        deadline = time.monotonic() + 5
        while not printed and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [one.message for one in plan.diagnostics] == ["the password is [secret]"]
    assert printed == ["the password is [secret]"]
