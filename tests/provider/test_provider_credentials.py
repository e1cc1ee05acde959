"""Credentials of each kind. Vault and Google are fakes on this machine, Secrets Manager and STS are moto; RDS tokens are real."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airlock_provider import aws, credentials, google, settings
from airlock_provider.credentials import Asked, CredentialError
from airlock_provider.tokens import Token
from moto import mock_aws
from provider_cases import run_of
from provider_fakes import Fake

HOST = "ledger.abc123.eu-central-1.rds.amazonaws.com"
TOKEN = Token("the.tasks.token", "https://issuer.example", ("airlock-proxy",), time.time(), time.time() + 600, "j")


def asked(kind: str, ref: str, **more: Any) -> Asked:
    given = {"host": HOST, "port": 5432, "user": "", "protocol": "postgres", "region": "eu-west-1", "seconds": 3600} | more
    run = run_of(principal="ledger-close")
    return Asked(kind, ref, run, settings=settings.current(), token=lambda: TOKEN, **given)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws.forget()
    with mock_aws():
        import boto3

        yield boto3
    aws.forget()


def option(monkeypatch: pytest.MonkeyPatch, **named: str) -> None:
    for name, value in named.items():
        monkeypatch.setenv(f"AIRFLOW__AIRLOCK__{name.upper()}", value)
    settings.current.cache_clear()


def test_an_rds_token_is_for_one_user_of_one_instance_in_its_own_region_and_for_15_minutes(account: Any) -> None:
    login = credentials.issue(asked("rds-iam", "ledger-db", user="airflow"))
    assert login.user == "airflow"
    parts = urlsplit(f"https://{login.secret}")
    query = parse_qs(parts.query)
    assert parts.netloc == f"{HOST}:5432"
    assert (query["DBUser"], query["X-Amz-Expires"]) == (["airflow"], ["900"])
    assert "/eu-central-1/rds-db/" in query["X-Amz-Credential"][0]
    assert login.expires <= time.time() + 900


def test_with_a_role_the_token_is_signed_by_a_session_that_is_tagged_with_the_task(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    option(monkeypatch, aws_role="arn:aws:iam::123456789012:role/tasks")
    made: list[dict[str, Any]] = []
    real = account.client

    def client(name: str, **more: Any) -> Any:
        found = real(name, **more)
        found.meta.events.register("before-parameter-build.sts.AssumeRole", lambda params, **_: made.append(dict(params)))
        return found

    monkeypatch.setattr(account, "client", client)
    one = credentials.issue(asked("rds-iam", "ledger-db", user="airflow"))
    again = credentials.issue(asked("rds-iam", "ledger-db", user="airflow"))
    (params,) = made
    assert {tag["Key"]: tag["Value"] for tag in params["Tags"]}["dag_id"] == "ledger_daily"
    assert (params["RoleSessionName"], params["DurationSeconds"]) == ("ledger_daily.close", 900)
    assert "X-Amz-Security-Token" in one.secret
    assert "X-Amz-Security-Token" in again.secret


def test_an_rds_token_needs_a_user() -> None:
    with pytest.raises(CredentialError, match="ledger-db: which user"):
        credentials.issue(asked("rds-iam", "ledger-db"))


@pytest.mark.parametrize(
    ("secret", "user", "password", "schema", "extra"),
    [
        ({"engine": "postgres", "host": "evil", "username": "u", "password": "p", "dbname": "d"}, "u", "p", "d", {}),
        ({"login": "u", "password": "p", "schema": "d", "extra": {"sslmode": "require"}}, "u", "p", "d", {"sslmode": "require"}),
        ({"password": "p", "extra": '{"a": 1}'}, "of-the-manifest", "p", None, {"a": 1}),
        ("bare", "of-the-manifest", "bare", None, {}),
    ],
)
def test_a_secret_is_read_in_the_forms_that_there_are(
    account: Any, secret: Any, user: str, password: str, schema: str | None, extra: dict[str, Any]
) -> None:
    text = secret if isinstance(secret, str) else json.dumps(secret)
    account.client("secretsmanager", region_name="eu-west-1").create_secret(Name="feeds/ledger", SecretString=text)
    login = credentials.issue(asked("secrets-manager", "feeds/ledger", user="of-the-manifest"))
    assert (login.user, login.secret, login.schema, dict(login.extra)) == (user, password, schema, extra)
    assert time.time() < login.expires <= time.time() + 300


def test_a_secret_that_is_not_there_or_has_no_password_is_told_without_what_it_has(account: Any) -> None:
    with pytest.raises(CredentialError, match=r"secret feeds/none is not to be had: .*ResourceNotFoundException"):
        credentials.issue(asked("secrets-manager", "feeds/none"))
    account.client("secretsmanager", region_name="eu-west-1").create_secret(Name="odd", SecretString='{"api_key": "hidden-1"}')
    with pytest.raises(CredentialError, match="has no password: it has api_key") as caught:
        credentials.issue(asked("secrets-manager", "odd"))
    assert "hidden-1" not in str(caught.value)


@pytest.fixture
def vault(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Fake:
    option(monkeypatch, vault_address=f"{fake.url}/", vault_auth="airflow", vault_namespace="desk")
    fake.answers |= {
        "/v1/auth/airflow/login": {"auth": {"client_token": "hvs.1"}},
        "/v1/database/creds/ledger": {
            "lease_id": "l/1",
            "lease_duration": 100,
            "data": {"username": "v-1", "password": "p-1"},
        },
        "/v1/kv/data/ledger": {"lease_duration": 0, "data": {"data": {"username": "u", "password": "p"}, "metadata": {}}},
        "/v1/sys/leases/revoke": (204, None),
    }
    return fake


def test_vault_is_signed_in_to_with_the_tasks_token_as_its_principals_role(vault: Fake) -> None:
    login = credentials.issue(asked("vault", "database/creds/ledger"))
    assert (login.user, login.secret) == ("v-1", "p-1")
    assert time.time() + 75 < login.expires < time.time() + 81, "it is renewed before its lease ends"
    (_, _, head, body), (method, _, headers, _) = vault.asked
    assert body == {"role": "ledger-close", "jwt": "the.tasks.token"}
    assert (method, headers["X-Vault-Token"]) == ("GET", "hvs.1")
    assert head["X-Vault-Namespace"] == headers["X-Vault-Namespace"] == "desk"


def test_a_lease_can_be_given_back_and_a_key_value_secret_has_none(vault: Fake) -> None:
    login = credentials.issue(asked("vault", "database/creds/ledger"))
    assert login.release is not None
    login.release()
    assert vault.asked[-1][1] == "/v1/sys/leases/revoke"
    assert vault.asked[-1][3] == {"lease_id": "l/1"}
    kept = credentials.issue(asked("vault", "kv/data/ledger"))
    assert (kept.user, kept.secret, kept.release) == ("u", "p", None)


def test_what_vault_refuses_is_told_in_its_words(vault: Fake) -> None:
    vault.answers["/v1/auth/airflow/login"] = (403, {"errors": ["permission denied"]})
    with pytest.raises(CredentialError, match=r"Vault does not give database/creds/ledger: .* answers 403: permission denied"):
        credentials.issue(asked("vault", "database/creds/ledger"))


def test_without_an_address_of_vault_nothing_is_asked() -> None:
    with pytest.raises(CredentialError, match="which Vault"):
        credentials.issue(asked("vault", "database/creds/ledger"))


@pytest.mark.parametrize(
    ("protocol", "user"), [("postgres", "etl@project.iam"), ("mysql", "etl"), ("MySQL", "etl"), ("", "etl@project.iam")]
)
def test_googles_token_is_of_the_impersonated_account_for_logins_alone(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, protocol: str, user: str
) -> None:
    monkeypatch.setenv("GCE_METADATA_HOST", fake.url.removeprefix("http://"))
    monkeypatch.setattr(google, "CREDENTIALS", fake.url)
    google.forget()
    account = "etl@project.iam.gserviceaccount.com"
    fake.answers |= {
        "/computeMetadata/v1/instance/service-accounts/default/token": {"access_token": "ya29.own", "expires_in": 3600},
        f"/projects/-/serviceAccounts/{account.replace('@', '%40')}:generateAccessToken": {"accessToken": "ya29.login"},
    }
    login = credentials.issue(asked("gcp-iam", account, protocol=protocol, seconds=600))
    assert (login.user, login.secret) == (user, "ya29.login")
    _, _, headers, body = fake.asked[-1]
    assert headers["Authorization"] == "Bearer ya29.own"
    assert body == {"scope": ["https://www.googleapis.com/auth/sqlservice.login"], "lifetime": "600s"}


def test_a_static_credential_is_not_handed_out() -> None:
    with pytest.raises(CredentialError, match="a credential of kind static is not handed out to tasks: give the route one of"):
        credentials.issue(asked("static", "ftp/ledger"))


def test_a_login_is_never_printed(vault: Fake) -> None:
    login = credentials.issue(asked("vault", "database/creds/ledger"))
    assert "p-1" not in repr(login)
    assert base64.b64encode(b"p-1").decode() not in repr(login)
