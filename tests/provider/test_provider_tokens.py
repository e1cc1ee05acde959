"""Tokens of each source. STS, the metadata server and Google's KMS are fakes on this machine; AWS KMS is moto, and signs."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from airlock_provider import aws, google, tokens
from airlock_provider.manifest import Identity
from airlock_provider.tokens import Holder, Token, TokenError, kms
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto import mock_aws
from provider_cases import run_of
from provider_fakes import Fake

RUN = run_of(map_index=2, correlation="019a-c", ti_id="ti-1", agent_id="invoice-bot")
KEY = ec.generate_private_key(ec.SECP256R1())


def identity(**more: str) -> Identity:
    return Identity("https://issuer.example", "airlock-proxy", assurance="asserted", **more)


def signed(**claims: Any) -> str:
    now = int(time.time())
    base = {"iss": "https://issuer.example", "aud": ["airlock-proxy", "other"], "iat": now, "exp": now + 600, "jti": "j-1"}
    return jwt.encode(base | claims, KEY, algorithm="ES256")


@pytest.fixture
def aws_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws.forget()
    yield
    aws.forget()


def test_a_token_of_a_kms_key_verifies_by_its_public_key_and_says_which_task_it_is(aws_account: None) -> None:
    import boto3

    with mock_aws():
        client = boto3.client("kms")
        key = client.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]
        token = tokens.issue(identity(source="kms", key=key["Arn"], region="eu-central-1"), RUN, 300)
        public = serialization.load_der_public_key(client.get_public_key(KeyId=key["KeyId"])["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    claims = jwt.decode(token.value, public, algorithms=["ES256"], audience="airlock-proxy", issuer="https://issuer.example")
    assert claims["exp"] - claims["iat"] == 300
    assert claims["sub"] == "finance/ledger_daily.close"
    assert claims["airlock"] == {
        "environment": "finance",
        "dag_id": "ledger_daily",
        "task_id": "close",
        "run_id": RUN.run_id,
        "try_number": 1,
        "map_index": 2,
        "ti_id": "ti-1",
        "assurance": "asserted",
        "correlation": "019a-c",
        "agent_id": "invoice-bot",
    }
    assert token.uid == claims["jti"]


def test_a_key_that_signs_rsa_gives_rs256(aws_account: None) -> None:
    import boto3

    with mock_aws():
        client = boto3.client("kms")
        key = client.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]
        token = tokens.issue(identity(source="kms", key=key["Arn"], region="eu-central-1"), RUN)
        public = serialization.load_der_public_key(client.get_public_key(KeyId=key["KeyId"])["PublicKey"])
    assert jwt.decode(token.value, public, algorithms=["RS256"], audience="airlock-proxy")["airlock"]["task_id"] == "close"  # type: ignore[arg-type]


def test_a_key_that_may_not_be_used_is_told(aws_account: None) -> None:
    arn = "arn:aws:kms:eu-central-1:123456789012:key/0b5a5cd3-0000-4000-8000-000000000000"
    with mock_aws(), pytest.raises(TokenError, match=r"AWS KMS does not sign with arn:aws:kms.*NotFoundException"):
        tokens.issue(identity(source="kms", key=arn, region="eu-central-1"), RUN)


def test_a_token_of_googles_kms_verifies_by_its_public_key(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"

    def sign(body: Any) -> dict[str, str]:
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

        digest = base64.b64decode(body["digest"]["sha256"])
        return {"signature": base64.b64encode(KEY.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))).decode()}

    monkeypatch.setenv("GCE_METADATA_HOST", fake.url.removeprefix("http://"))
    monkeypatch.setattr(kms, "GOOGLE", f"{fake.url}/v1")
    google.forget()
    fake.answers |= {
        "/computeMetadata/v1/instance/service-accounts/default/token": {"access_token": "ya29.x", "expires_in": 3600},
        f"/v1/{name}/publicKey": {"algorithm": "EC_SIGN_P256_SHA256"},
        f"/v1/{name}:asymmetricSign": sign,
    }
    token = tokens.issue(identity(source="kms", key=name), RUN)
    assert jwt.decode(token.value, KEY.public_key(), algorithms=["ES256"], audience="airlock-proxy")["airlock"]["dag_id"]
    assert {headers["Authorization"] for _, path, headers, _ in fake.asked if path.startswith("/v1/")} == {"Bearer ya29.x"}


def test_sts_is_asked_in_its_region_for_this_audience_with_the_tasks_ids_as_tags(
    fake: Fake, aws_account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.url)
    fake.raw["/"] = (
        '<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>'
        f"<WebIdentityToken>{signed()}</WebIdentityToken><Expiration>2030-01-01T00:00:00Z</Expiration>"
        "</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>"
    )
    token = tokens.issue(identity(source="sts", region="eu-central-1"), replace(run_of(), run_id="manual__x~1"), 20)
    assert token.uid == "j-1"
    (said,) = [body for _, _, _, body in fake.asked]
    assert (said["Action"], said["Audience.member.1"]) == ("GetWebIdentityToken", "airlock-proxy")
    assert (said["DurationSeconds"], said["SigningAlgorithm"]) == ("60", "RS256")
    tags = {said[f"Tags.member.{n}.Key"]: said[f"Tags.member.{n}.Value"] for n in range(1, 8)}
    assert tags["dag_id"] == "ledger_daily"
    assert tags["run_id"] == "manual__x_1", "STS refuses tags with other characters"
    assert "agent_id" not in tags


def test_a_projected_token_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    who = identity(source="projected", path=str(file))
    with pytest.raises(TokenError, match="no token is projected into this pod: No such file"):
        tokens.issue(who, RUN)
    file.write_text(signed(jti="one") + "\n")
    assert tokens.issue(who, RUN).uid == "one"
    file.write_text(signed(jti="two"))
    assert tokens.issue(who, RUN).uid == "two"


def test_an_issuers_endpoint_is_told_the_task(fake: Fake) -> None:
    fake.answers["/token"] = {"access_token": signed()}
    tokens.issue(identity(source="oidc", endpoint=f"{fake.url}/token"), RUN, 120)
    (_, _, _, form) = fake.asked[0]
    assert (form["grant_type"], form["audience"], form["lifetime"]) == ("client_credentials", "airlock-proxy", "120")
    assert json.loads(form["claims"])["airlock"]["task_id"] == "close"


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"iss": "https://evil.example"}, "of issuer https://evil.example, and the proxy trusts https://issuer.example"),
        ({"aud": "other"}, "is for other, and the proxy is airlock-proxy"),
        ({"exp": -5}, "ended"),
        ({"iat": 300, "exp": 900}, "one of the clocks is wrong"),
    ],
)
def test_a_token_that_the_proxy_would_refuse_is_not_used(fake: Fake, claims: dict[str, Any], says: str) -> None:
    now = int(time.time())  # numbers are seconds from now
    fake.answers["/token"] = {"access_token": signed(**{k: now + v if isinstance(v, int) else v for k, v in claims.items()})}
    with pytest.raises(TokenError, match=says):
        tokens.issue(identity(source="oidc", endpoint=f"{fake.url}/token"), RUN)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((503, {"error": "down for maintenance"}), "answers 503: down for maintenance"),
        ({"token": "x"}, "has no access_token"),
        ({"access_token": "not.a.jwt"}, "is no JWT"),
        ({"access_token": "x"}, "is no JWT"),
    ],
)
def test_an_issuer_that_gives_none_is_told_with_its_words(fake: Fake, answer: Any, says: str) -> None:
    fake.answers["/token"] = answer
    with pytest.raises(TokenError, match=says):
        tokens.issue(identity(source="oidc", endpoint=f"{fake.url}/token"), RUN)


def test_an_issuer_beyond_this_machine_is_not_asked_in_the_clear() -> None:
    with pytest.raises(TokenError, match="only https is spoken beyond this machine"):
        tokens.issue(identity(source="oidc", endpoint="http://issuer.example/token"), RUN)


def holder(fake: Fake, answer: Callable[[Any], Any]) -> Holder:
    fake.answers["/token"] = answer
    return Holder(identity(source="oidc", endpoint=f"{fake.url}/token"), RUN)


def test_a_token_is_kept_until_half_of_its_life_is_over(fake: Fake) -> None:
    now, lives = int(time.time()), iter([(0, 600), (-400, 200), (0, 600)])

    def answer(_: Any) -> dict[str, str]:
        since, until = next(lives)
        return {"access_token": signed(iat=now + since, exp=now + until, jti=str(until))}

    held = holder(fake, answer)
    first = held.get()
    assert held.get() is first
    held = holder(fake, answer)
    assert held.get().uid == "200"  # two thirds of it are over
    assert held.get().uid == "600"


def test_while_the_issuer_is_away_an_ageing_token_is_still_used_and_an_ended_one_is_not(fake: Fake) -> None:
    now = int(time.time())
    answers: Iterator[Any] = iter([{"access_token": signed(iat=now - 500, exp=now + 60)}, (500, {}), (500, {})])
    held = holder(fake, lambda _: next(answers))
    token = held.get()
    assert held.get() is token
    with pytest.raises(TokenError, match="answers 500"):
        holder(fake, lambda _: next(answers)).get()


def test_a_token_is_never_printed() -> None:
    token = Token.read(signed())
    assert token.value not in repr(token)
    assert token.value.split(".")[2] not in f"{token}"
