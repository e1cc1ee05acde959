"""The local stack's issuer: what a client of OIDC expects of one, and tokens that say nothing but what they may."""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from local_ports import free_port
from pulumi_airlock.environments.local.processes import LocalProcessProvider, stop

RUN = {"environment": "desk", "dag_id": "finance_daily", "task_id": "load", "run_id": "r", "try_number": 1, "map_index": -1}


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    outs = (
        LocalProcessProvider()
        .create(
            {
                "command": [sys.executable, "-m", "pulumi_airlock.environments.local.issuer", str(port), str(tmp_path), "proxy"],
                "environment": {},
                "cwd": str(tmp_path),
                "log": str(tmp_path / "issuer.log"),
                "ready": f"http://127.0.0.1:{port}/jwks.json",
                "ready_seconds": 20,
            }
        )
        .outs
    )
    assert outs is not None
    yield f"http://127.0.0.1:{port}"
    stop(outs)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
        return json.load(answer)


def ask(issuer: str, run: Any = RUN, **changes: str) -> Any:
    form = {"grant_type": "client_credentials", "audience": "proxy", "claims": json.dumps({"airlock": run}), **changes}
    request = urllib.request.Request(f"{issuer}/token", data=urllib.parse.urlencode(form).encode())  # noqa: S310
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        return json.load(answer)


def test_a_token_verifies_by_the_keys_that_discovery_leads_to(issuer: str) -> None:
    said = ask(issuer, lifetime="60")
    found = get(f"{issuer}/.well-known/openid-configuration")
    key = jwt.PyJWKClient(found["jwks_uri"]).get_signing_key_from_jwt(said["access_token"])
    token = jwt.decode(said["access_token"], key, algorithms=["ES256"], audience="proxy", issuer=found["issuer"])
    assert token["airlock"] == RUN
    assert token["sub"] == "desk/finance_daily.load"
    assert token["exp"] - token["iat"] == said["expires_in"] == 60


def test_a_token_lives_no_longer_than_a_quarter_of_an_hour(issuer: str) -> None:
    assert ask(issuer, lifetime="999999")["expires_in"] == 900


@pytest.mark.parametrize(
    ("run", "changes", "told"),
    [
        ({**RUN, "principal": "admin"}, {}, "no such claims: principal"),
        ({"dag_id": "x"}, {}, "says environment, dag_id and task_id"),
        (RUN, {"claims": "{"}, "must be JSON"),
        (RUN, {"audience": "another"}, "wrong audience 'another'"),
        (RUN, {"lifetime": "long"}, "no number of seconds"),
    ],
)
def test_anything_else_is_refused_and_told_why(issuer: str, run: Any, changes: dict[str, str], told: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(issuer, run, **changes)
    assert refused.value.code == 400
    assert told in json.load(refused.value)["error"]


def test_the_key_outlives_a_restart_and_is_for_its_owner_alone(issuer: str, tmp_path: Path) -> None:
    (key,) = tmp_path.glob("signing-*.pem")
    assert key.stat().st_mode & 0o777 == 0o600
    assert [one["kid"] for one in get(f"{issuer}/jwks.json")["keys"]] == [key.stem]
