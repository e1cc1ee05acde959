"""The API users of a FortiGate, and their key under Pulumi: renewed by the other user, once a period, and a secret everywhere."""

import json
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pulumi
import pulumiverse_fortios as fortios
import pytest
from credential_engine import SECRET, Engine, access, run
from pulumi_airlock.errors import InputError
from pulumi_airlock.identity.credentials import FortigateApiToken
from pulumi_airlock.identity.credentials.fortigate import token_of

DAY = date(2026, 11, 26)


def token(today: date = DAY, by_pulumi: bool = True, **changed: Any) -> FortigateApiToken:
    users = ("airlock-a", "airlock-b")
    providers = None
    if by_pulumi:
        first, second = (fortios.Provider(user, hostname="fw", token=pulumi.Output.secret("x")) for user in users)
        providers = (first, second)
    arguments: dict[str, Any] = {
        "gate": "fortigate",
        "access": access(),
        "users": users,
        "trusted_hosts": ["10.1.0.0/24", "2001:db8::/48"],
        "providers": providers,
        "today": today,
        "secret_id": "edge" if by_pulumi else None,
        **changed,
    }
    return FortigateApiToken("edge", **arguments)


def asked(engine: Engine) -> tuple[str, str, str]:
    """Whose key was asked for, through whom, and in which period."""
    one = engine.of("GenericApi")["edge-key"]
    through = one.request.provider.split("::")[-2]
    return json.loads(one.inputs["json"])["api-user"], through, one.inputs["forceRecreate"]


def test_a_user_is_renewed_through_the_other_in_turn_and_once_a_period() -> None:
    days = [asked(run(lambda day=day: token(DAY + timedelta(days=day)))) for day in range(0, 91, 5)]
    assert len(set(days)) == 4, "three periods and a bit are four requests"
    assert all(user != through for user, through, _ in days)
    in_turn = [user for user, _, _ in dict.fromkeys(days)]
    assert all(one != other for one, other in pairwise(in_turn))


def test_the_key_is_a_secret_everywhere() -> None:
    engine = run(token)
    key = engine.of("GenericApi")["edge-key"]
    assert list(key.request.additionalSecretOutputs) == ["response"]
    assert key.inputs["path"] == "/api/v2/monitor/system/api-user/generate-key"
    version = engine.of("SecretVersion")["edge-key"]
    assert SECRET in version.raw["secretString"]
    kept = json.loads(version.inputs["secretString"])
    assert kept == {"user": asked(engine)[0], "token": f"canary-{asked(engine)[2]}"}
    for one in engine:
        if one.name != version.name:
            assert "canary" not in json.dumps(one.raw), one.name


def test_at_preview_nothing_has_to_be_known() -> None:
    assert asked(run(token, preview=True)) == asked(run(token))


def test_where_the_function_renews_it_pulumi_makes_the_users_alone() -> None:
    engine = run(lambda: token(by_pulumi=False))
    assert not engine.of("GenericApi")
    assert set(engine.of("Apiuser")) == {"edge-airlock-a", "edge-airlock-b"}
    assert engine.of("FortigateApiToken")["edge"].inputs["rotatedBy"] == "function"


def test_the_users_come_from_trusted_hosts_with_one_narrow_profile() -> None:
    engine = run(token)
    for one in engine.of("Apiuser").values():
        assert one.inputs["trusthosts"] == [
            {"id": 1, "type": "ipv4-trusthost", "ipv4Trusthost": "10.1.0.0 255.255.255.0"},
            {"id": 2, "type": "ipv6-trusthost", "ipv6Trusthost": "2001:db8::/48"},
        ]
        assert one.inputs["accprofile"] == "airlock"
    profile = engine.of("Accprofile")["edge-profile"].inputs
    assert profile["sysgrpPermission"] == {"admin": "read-write", "cfg": "read", "mnt": "none", "upd": "none"}
    writes = {key for key, value in profile.items() if value == "read-write"}
    assert writes == {"authgrp", "vpngrp"}
    assert not [key for key, value in profile.items() if value == "enable"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"users": ("a", "a")}, "edge: users: a, a: two different API users renew each other's key"),
        ({"trusted_hosts": []}, "edge: trusted_hosts: from everywhere: name the networks"),
        ({"trusted_hosts": ["0.0.0.0/0"]}, "edge: trusted_hosts[0]: 0.0.0.0/0 is open to the world"),
        ({"trusted_hosts": ["10.1.0.1/24"]}, "edge: trusted_hosts[0]: '10.1.0.1/24' is no network"),
        ({"rotate": "60d"}, "edge: rotate: 60d is slower than the access file's rotation, 30d"),
        ({"rotate": "12h"}, "edge: rotate: 12h is no whole number of days"),
        ({"rotate": "often"}, 'edge: rotate: "often" is no duration'),
        ({"access": access(rotation=None)}, "edge: rotate: nothing says how often the key is renewed"),
        ({"providers": None}, "edge: secret_id: the function writes the key that it renews"),
    ],
)
def test_what_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        run(lambda: token(**changed))
    assert any(str(one).startswith(says) for one in caught.value.problems), caught.value


@pytest.mark.parametrize(
    "answer", ["", "canary", '{"results": {}}', '{"results": "canary"}', "[]", '{"results": {"access_token": 1}}']
)
def test_an_answer_without_a_key_is_told_without_showing_it(answer: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        token_of(answer)
    assert "canary" not in str(caught.value)
