"""What is refused, every problem at once, before anything is registered: each with the value and what would be right."""

from typing import Any

import pytest
from credential_engine import ACCOUNT, Engine, access, credentials, route, run
from pulumi_airlock.errors import InputError
from pulumi_airlock.identity.credentials import (
    BroughtRotator,
    FortigateToken,
    RdsDatabase,
    TokenEndpoint,
    VaultLease,
    ZscalerToken,
)

PLAIN = TokenEndpoint(issue_url="http://a.example/t", test_url="https://a.example/m")
PASSWORD = TokenEndpoint(issue_url="https://u:canary@a.example", test_url="https://a.example")
ENDPOINT = TokenEndpoint(issue_url="https://a.example/t", test_url="https://a.example/m")
NOTHING: dict[str, Any] = {"rotators": {}, "databases": {}, "vault": {}, "gates": [], "administrators": []}
FORTIGATE: dict[str, Any] = {"gate": "fw", "url": "https://fw.example", "users": ("a", "b")}
ZSCALER: dict[str, Any] = {"gate": "zpa", "vanity_domain": "bank", "api_client": "iq3"}


def refused(declared: Any = None, **changed: Any) -> list[str]:
    """What is said, one problem a line."""
    engine = Engine(preview=True)
    with pytest.raises(InputError) as caught:
        run(lambda: credentials(declared, **changed), engine=engine)
    assert not [one for one in engine if one.type.startswith(("aws:", "airlock:"))], "nothing is registered"
    return [str(problem) for problem in caught.value.problems]


def gates(*tokens: Any, **more: Any) -> list[str]:
    declared = access(route("x", "gcp-iam", "y"), **more)
    administrators = [f"arn:aws:iam::{ACCOUNT}:role/deploy"]
    return refused(declared, **{**NOTHING, "gates": list(tokens), "administrators": administrators})


CASES: list[tuple[str, dict[str, Any], str]] = [
    (
        "a secret that nobody rotates",
        {"rotators": {"feed": ENDPOINT}},
        'credentials: rotators["api/ledger"]: nobody rotates it, and route ledger-api uses it: give TokenEndpoint(…), which the '
        "function here rotates, or BroughtRotator(function_arn=…, role_arn=…)",
    ),
    (
        "a rotator for no credential",
        {"rotators": {"api/ledger": ENDPOINT, "feed": ENDPOINT, "api/ledgr": ENDPOINT}},
        'credentials: rotators["api/ledgr"]: no route has a secrets-manager credential with this ref; did you mean "api/ledger"?',
    ),
    (
        "an endpoint without TLS",
        {"rotators": {"api/ledger": PLAIN, "feed": ENDPOINT}},
        'credentials: rotators["api/ledger"].issue_url: http://a.example/t: write an https URL without user, password, fragment',
    ),
    (
        "a password in a URL",
        {"rotators": {"api/ledger": PASSWORD, "feed": ENDPOINT}},
        'credentials: rotators["api/ledger"].issue_url: https://a.example: write an https URL without user, password, fragment',
    ),
    (
        "a function that is none",
        {"rotators": {"api/ledger": ENDPOINT, "feed": BroughtRotator(function_arn="feed", role_arn="feed")}},
        "credentials: rotators[\"feed\"].function_arn: 'feed' is no ARN of a Lambda function",
    ),
    (
        "a database that nobody names",
        {"databases": {}},
        'credentials: databases["rds"]: which database, and which user? give RdsDatabase(resource_id=…, user=…)',
    ),
    (
        "every user of a database",
        {"databases": {"rds": RdsDatabase(resource_id="db-ABCDEFGHIJKL01234", user="*")}},
        "credentials: databases[\"rds\"].user: '*': name one database user, without wildcards",
    ),
    (
        "a database by its name",
        {"databases": {"rds": RdsDatabase(resource_id="ledger", user="x")}},
        "credentials: databases[\"rds\"].resource_id: 'ledger': write the DbiResourceId, as in db-ABCDEFGHIJKL01234",
    ),
    (
        "a lease that nobody tells",
        {"vault": {}},
        'credentials: vault["database/creds/ledger"]: how long does Vault let it live? give VaultLease(ttl="1h") as the role '
        "there says",
    ),
    (
        "a lease that outlives the session",
        {"vault": VaultLease(ttl="8h")},
        'credentials: vault["database/creds/ledger"].ttl: 8h outlives the session of ledger-db, 1h: write that or less',
    ),
    (
        "a lease that outlives the cadence",
        {"vault": VaultLease(ttl="1h", max_ttl="2d")},
        'credentials: vault["database/creds/ledger"].max_ttl: 2d is longer than 1d, after which it is to be renewed',
    ),
    (
        "a lease that is none",
        {"vault": VaultLease(ttl="soon")},
        'credentials: vault["database/creds/ledger"].ttl: "soon" is no duration: write a number of minutes, hours or days, as in '
        "15m, 1h, 30d",
    ),
    (
        "a principal without a role",
        {"readers": {}},
        'credentials: readers["ledger"]: which role do its tasks have? Only that one may use "rds": give its ARN',
    ),
    (
        "a role of nobody",
        {"readers": {"ledger": f"arn:aws:iam::{ACCOUNT}:role/x", "legder": f"arn:aws:iam::{ACCOUNT}:role/x"}},
        'credentials: readers["legder"]: is no principal; did you mean "ledger"?',
    ),
    (
        "a user in place of a role",
        {"readers": {"ledger": f"arn:aws:iam::{ACCOUNT}:user/x"}},
        f"credentials: readers[\"ledger\"]: 'arn:aws:iam::{ACCOUNT}:user/x' is no ARN of a role",
    ),
    (
        "alarms that nobody hears",
        {"alarm_emails": ()},
        "credentials: alarm_topic_arn: nobody would hear of a failed rotation: give the ARN of a topic, or alarm_emails",
    ),
    (
        "tokens that nobody may read",
        {"administrators": []},
        "credentials: administrators: gates have tokens, and nobody may read them: give the ARN of the role that deploys",
    ),
    (
        "a grace as long as the cadence",
        {"grace": "7d"},
        "credentials: grace: 7d: the credential before would live until after the next rotation, 7d later",
    ),
    (
        "a private key among the certificates",
        {"ca_certificates": "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"},
        "credentials: ca_certificates: holds a private key, which would be readable with the function's code: certificates only",
    ),
    (
        "a watched secret that is made here",
        {"watched": {"feed": "feed"}},
        'credentials: watched["feed"]: is a secret that is made and watched here: leave it out',
    ),
    (
        "a window that AWS has not",
        {"recovery_window_days": 3},
        "credentials: recovery_window_days: 3: Secrets Manager waits 7 to 30 days",
    ),
]


@pytest.mark.parametrize(("changed", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_argument_is_refused(changed: dict[str, Any], says: str) -> None:
    assert says in refused(**changed)


def test_every_problem_comes_at_once() -> None:
    found = refused(**{**NOTHING, "readers": {}, "alarm_emails": (), "grace": "x", "owner": " "})
    assert len(found) >= 8


def test_nothing_says_how_often() -> None:
    found = refused(access(route("x", "vault", "a/b"), rotation=None), **{**NOTHING, "vault": VaultLease(ttl="1h")})
    fix = "write rotation in the access file, or the credential's rotate"
    assert found == [f'credentials: access: credential "a/b": nothing says how often it is renewed: {fix}']


def test_slower_than_everything() -> None:
    declared = access(route("x", "vault", "a/b", rotate="60d"))
    found = refused(declared, **{**NOTHING, "vault": VaultLease(ttl="1h")})
    assert found == [
        'credentials: access: credential "a/b": is renewed every 60d, everything else at least every 30d: write 30d or less'
    ]


def test_oftener_than_secrets_manager_can() -> None:
    found = refused(access(route("x", "secrets-manager", "a", rotate="1h")), **{**NOTHING, "rotators": {"a": ENDPOINT}})
    assert 'credentials: rotators["a"]: 1h: Secrets Manager rotates every 4h to every 999d' in found


def test_a_static_credential_without_an_end() -> None:
    [said] = refused(access(route("x", "static", "typed-in")), **NOTHING)
    assert 'credential "typed-in": is static, for ever' in said
    assert "give each of its routes an expires" in said


def test_two_tokens_for_a_gate() -> None:
    assert gates(FortigateToken(**FORTIGATE), FortigateToken(**FORTIGATE)) == [
        'credentials: gates[1].gate: "fw" has a token already: gates[0]'
    ]


def test_one_user_for_both() -> None:
    [said] = gates(FortigateToken(**{**FORTIGATE, "users": ("a", "a")}))
    assert said == "credentials: gates[0].users: a, a: two different API users renew each other's key"


def test_a_gate_slower_than_everything() -> None:
    [said] = gates(FortigateToken(**FORTIGATE, rotate="31d"))
    assert said == "credentials: gates[0].rotate: 31d is slower than the access file's rotation, 30d"


def test_a_gate_without_a_cadence() -> None:
    [said] = gates(FortigateToken(**FORTIGATE), rotation=None)
    assert said.startswith("credentials: gates[0]: nothing says how often it is renewed")


def test_a_manager_that_is_managed() -> None:
    tokens = [ZscalerToken(**ZSCALER, manager="zia"), ZscalerToken(**{**ZSCALER, "gate": "zia"}, manager="zpa")]
    assert len(gates(*tokens)) == 2


def test_a_vanity_domain_that_leads_elsewhere() -> None:
    found = gates(ZscalerToken(**{**ZSCALER, "vanity_domain": "evil.example/"}))
    assert any("gates[0].vanity_domain" in one for one in found)


def test_refs_that_resources_cannot_tell_apart() -> None:
    declared = access(route("x", "secrets-manager", "a/b"), route("y", "secrets-manager", "a-b"))
    [said] = refused(declared, **{**NOTHING, "rotators": {"a/b": ENDPOINT, "a-b": ENDPOINT}})
    assert said.startswith('credentials: access: credential "a-b": is too like "a/b"')
