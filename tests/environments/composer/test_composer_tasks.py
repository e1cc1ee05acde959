"""Airlock's provider in a Composer environment: what is shipped, what Airflow is told, and what the account may do for it."""

from typing import Any

import pytest
from programs import environment
from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import Manifest, TaskIdentity, manifest
from pulumi_airlock.environments.composer import ComposerSoftware, SecretsBackend, TaskProvider
from pulumi_airlock.errors import InputError

IMAGE = "composer-3-airflow-2.11.1-build.2"
KEY = "projects/bank/locations/europe-west1/keyRings/airflow/cryptoKeys/tokens"
SECRET = "projects/bank/secrets/airlock-client"
ACCESS = Access.model_validate(
    {
        "principals": [{"name": "ledger", "dags": ["ledger_*"]}],
        "zones": {"dc": {"gates": ["tcp_proxy"]}},
        "destinations": [{"name": "ledger-db", "zone": "dc", "hosts": ["ledger.corp.example"], "ports": ["1521/tcp"]}],
        "routes": [{"name": "close", "from": ["ledger"], "to": ["ledger-db"], "reason": "FIN-1"}],
    }
)


def manifested(key: str = f"{KEY}/cryptoKeyVersions/1") -> Manifest:
    return manifest(
        ACCESS, "finance", [], TaskIdentity("https://tokens.bank.example", "airlock-proxy", "kms", "asserted", key=key)
    )


def provider(**more: Any) -> TaskProvider:
    return TaskProvider(**{"manifest": manifested(), "version": "0.1.0", "client_certificate_secret": SECRET, **more})


def test_airflow_has_the_package_and_is_told_where_it_finds_what_it_goes_by(update: Any) -> None:
    software = ComposerSoftware(airflow_config={"core.parallelism": "8"}, pypi_packages={"pandas": "==2.1.1"})
    tasks = provider(pass_on=("slack_*",), vault_address="https://vault.corp.example:8200")
    config = update(lambda: environment(image_version=IMAGE, tasks=tasks, software=software)).config()["softwareConfig"]
    assert config["pypiPackages"] == {"pandas": "==2.1.1", "airflow-provider-airlock": "==0.1.0"}
    assert config["airflowConfigOverrides"] == {
        "core-parallelism": "8",
        "secrets-backend": "airlock_provider.backend.AirlockBackend",
        "airlock-manifest": "/home/airflow/gcs/dags/airlock/manifest.json",
        "airlock-pass_on": "slack_*",
        "airlock-vault_address": "https://vault.corp.example:8200",
        "airlock-client_certificate": f"gcp-secret:{SECRET}",
    }


def test_a_secrets_backend_that_is_declared_moves_behind_it_and_keeps_its_grants(update: Any) -> None:
    software = ComposerSoftware(secrets=SecretsBackend(secrets=("airflow-variables-region",)))
    engine = update(lambda: environment(image_version=IMAGE, tasks=provider(), software=software))
    options = engine.config()["softwareConfig"]["airflowConfigOverrides"]
    assert options["secrets-backend"] == "airlock_provider.backend.AirlockBackend"
    assert options["airlock-next_backend"].endswith("CloudSecretManagerBackend")
    assert '"variables_prefix": "airflow-variables"' in options["airlock-next_backend_kwargs"]
    assert "secrets-backend_kwargs" not in options
    members = engine.of("secretmanager/secretIamMember:SecretIamMember")
    assert {one.inputs["secretId"] for one in members.values()} == {"airflow-variables-region", SECRET}


def test_the_account_may_sign_with_the_one_key_before_the_environment_starts(update: Any) -> None:
    engine = update(lambda: environment(image_version=IMAGE, tasks=provider()))
    granted = engine.of("kms/cryptoKeyIAMMember:CryptoKeyIAMMember")["finance-tokens"]
    assert (granted.inputs["cryptoKeyId"], granted.inputs["role"]) == (KEY, "roles/cloudkms.signerVerifier")
    assert granted.inputs["member"].startswith("serviceAccount:airflow-finance@")
    started = engine.only("composer/environment:Environment")
    assert started.depends_on >= {"finance-tokens", "finance-client-certificate"}


def test_where_each_principal_has_a_certificate_the_account_may_read_each_and_no_other(update: Any) -> None:
    secret = "projects/bank-airflow/secrets/airflow-{principal}-certificate"
    engine = update(lambda: environment(image_version=IMAGE, tasks=provider(client_certificate_secret=secret)))
    config = engine.config()["softwareConfig"]["airflowConfigOverrides"]
    assert config["airlock-client_certificate"] == f"gcp-secret:{secret}"
    members = engine.of("secretmanager/secretIamMember:SecretIamMember")
    names = [one["name"] for one in manifested().document["principals"]]
    assert names
    assert {one.inputs["secretId"] for one in members.values()} == {secret.replace("{principal}", name) for name in names}
    assert set(members) == {f"finance-client-certificate-{name}" for name in names}


def test_the_manifest_lies_beside_the_dags(run: Any) -> None:
    made = run(lambda: environment(image_version=IMAGE, tasks=provider())).only("storage/bucketObject:BucketObject")
    assert (made.inputs["name"], made.inputs["content"]) == ("dags/airlock/manifest.json", manifested().text())
    assert "finance-environment" in made.from_["bucket"]


def test_without_it_nothing_changes(run: Any) -> None:
    engine = run(lambda: environment(image_version=IMAGE))
    assert not engine.of("storage/bucketObject:BucketObject")
    assert "pypiPackages" not in engine.config()["softwareConfig"]


def test_the_options_are_ones_that_the_provider_has(update: Any) -> None:
    from airlock_provider.settings import OPTIONS

    tasks = provider(pass_on=("a",), vault_address="https://v.example")
    software = ComposerSoftware(secrets=SecretsBackend(secrets=("airflow-variables-x",)))
    options = update(lambda: environment(image_version=IMAGE, tasks=tasks, software=software)).config()["softwareConfig"]
    told = {one.removeprefix("airlock-") for one in options["airflowConfigOverrides"] if one.startswith("airlock-")}
    assert told <= set(OPTIONS)


@pytest.mark.parametrize(
    ("tasks", "changes", "says"),
    [
        ({}, {"image_version": "composer-3-airflow-2.10.5-build.12"}, "tasks: the provider runs in Airflow 2.11 and later"),
        ({"version": "latest"}, {}, "tasks.version: 'latest' is no version"),
        ({"manifest": manifested(KEY)}, {}, "is no version of a key of Cloud KMS"),
        ({"client_certificate_secret": "client"}, {}, "tasks.client_certificate_secret: 'client' is no secret"),
        (
            {},
            {"software": ComposerSoftware(airflow_config={"secrets.backend": "x.Y"})},
            'software.airflow_config["secrets.backend"]: is set by tasks',
        ),
        (
            {},
            {"software": ComposerSoftware(pypi_packages={"airflow-provider-airlock": "==0.1.0"})},
            'software.pypi_packages["airflow-provider-airlock"]: is installed by tasks',
        ),
    ],
)
def test_what_would_leave_tasks_without_the_provider_is_refused(
    run: Any, tasks: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError) as caught:
        run(lambda: environment(**{"image_version": IMAGE, "tasks": provider(**tasks), **changes}))
    assert says in str(caught.value)
