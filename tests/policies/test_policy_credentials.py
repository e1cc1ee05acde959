import pytest
from policy_testing import UNKNOWN, on, resource

SECRET = "aws:secretsmanager/secret:Secret"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
ROLE = "aws:iam/role:Role"

FEED = {"kind": "secrets-manager", "ref": "feed", "rotate": "7d"}


def access(*credentials, sessions=("1h",), **document):
    routes = [{"name": f"r{position}", "credential": one} for position, one in enumerate(credentials)]
    routes += [{"name": f"s{position}", "session": session} for position, session in enumerate(sessions)]
    return resource("airlock:index:Access", "access", document={"routes": routes, **document})


def component(name="credentials", **props):
    return resource("airlock:index:Credentials", name, **{"credentials": [], "gates": [], **props})


def token(name="token", **props):
    return resource("airlock:index:FortigateApiToken", name, **{"gate": "fw", "rotate": "30d", "rotatedBy": "pulumi", **props})


def secret(name="feed", **props):
    return resource(SECRET, f"secret-{name}", name=name, **props)


def rotation(of="feed", rules=None, **props):
    given = {"rotationRules": rules if rules is not None else {"scheduleExpression": "rate(7 days)"}, **props}
    return resource(ROTATION, f"rotation-{of}", links={"secretId": f"secret-{of}"}, **given)


def test_secret_rotates():
    policy = on("credential-secret-rotates")
    policy.passes([access(FEED), secret(), rotation()])
    policy.passes([access(FEED), secret(), resource(ROTATION, "by-name", secretId="feed")])
    policy.passes([access(FEED), secret("other")])
    policy.fails("has no rotation", [access(FEED), secret()], at="secret-feed")
    policy.fails("has no rotation", [access(FEED), secret(), secret("other"), rotation("other")], at="secret-feed")
    policy.fails("has no rotation", [component(), secret("other", parent="credentials")], at="secret-other")
    on("credential-secret-rotates", every=True).fails("has no rotation", [secret("other")])
    policy.undecided("rotation", [access(FEED), secret(), resource(ROTATION, "somebody's", secretId=UNKNOWN)])
    policy.undecided("name", [access(FEED), resource(SECRET, "it", name=UNKNOWN)])
    policy.undecided("name", [access(UNKNOWN), secret()])
    policy.undecided("name", [access({"kind": "secrets-manager", "ref": UNKNOWN}), secret()])


def test_a_secret_that_pulumi_renews_needs_no_rotation_of_its_own():
    written = resource(VERSION, "version", links={"secretId": "secret-feed"}, parent="token")
    on("credential-secret-rotates").passes([access(FEED), secret(), token(), written])
    by_hand = resource(VERSION, "version", links={"secretId": "secret-feed"})
    on("credential-secret-rotates").fails("has no rotation", [access(FEED), secret(), by_hand])


def test_declared_renewed():
    policy = on("credential-declared-renewed")
    vault = {"kind": "vault", "ref": "db/creds/x"}
    policy.passes([access({"kind": "rds-iam", "ref": "db"}, {"kind": "static", "ref": "x"}, {"kind": "gcp-iam", "ref": "y"})])
    policy.passes([access(FEED, vault), component(credentials=[FEED, vault])])
    policy.passes([access(FEED), secret()])
    policy.fails("routes[r0].credential.ref is feed, and nothing in this stack renews it", [access(FEED)], at="access")
    policy.fails("r1", [access(FEED, vault), component(credentials=[FEED])])
    policy.fails("is feed", [access(FEED), component(credentials=[{**FEED, "kind": "vault"}])])
    policy.undecided("routes[r0].credential.ref", [access(FEED), component(credentials=UNKNOWN)])
    policy.undecided("routes[r0].credential.ref", [access(FEED), resource(SECRET, "it", name=UNKNOWN)])
    policy.undecided("routes[r0].credential", [access(UNKNOWN), component()])
    policy.undecided("routes[r0].credential", [access({"kind": UNKNOWN, "ref": "feed"}), component()])


NOT_COMPARED = [
    ("rotationRules", [access(FEED), secret(), rotation(rules={"automaticallyAfterDays": UNKNOWN})]),
    ("rotationRules", [access(FEED), secret(), rotation(rules={"scheduleExpression": "cron(0 8 1 * ? *)"})]),
    ("rotationRules", [access(FEED, rotation=UNKNOWN), secret("o"), rotation("o", {"automaticallyAfterDays": 9})]),
    ("rotationRules", [access({**FEED, "rotate": UNKNOWN}), secret(), rotation()]),
    ("rotationRules", [access(FEED), resource(SECRET, "secret-feed", name=UNKNOWN), rotation()]),
    ("rotate", [access(rotation="30d"), token(rotate=UNKNOWN)]),
    ("gates", [access(rotation="30d"), component(gates=UNKNOWN)]),
]
"""Cadences that nobody can compare."""


def test_rotation_cadence():
    policy = on("credential-rotation-cadence")
    policy.passes([access(FEED), secret(), rotation()])
    policy.passes([access(FEED), secret(), rotation(rules={"automaticallyAfterDays": 7})])
    policy.passes([access(FEED), secret(), rotation(rules={"scheduleExpression": "rate(12 hours)"})])
    policy.passes([secret(), rotation(rules={"automaticallyAfterDays": 900})])
    policy.passes([access(FEED), secret("other"), rotation("other", rules={"automaticallyAfterDays": 900})])
    slow = rotation(rules={"automaticallyAfterDays": 8})
    policy.fails("rotationRules is every 8d, and 7d is declared", [access(FEED), secret(), slow], at="rotation-feed")
    by_name = resource(ROTATION, "by-name", secretId="feed", rotationRules={"scheduleExpression": "rate(30 days)"})
    policy.fails("is every 30d, and 7d is declared", [access(FEED), by_name])
    bare = {"kind": "secrets-manager", "ref": "feed"}
    policy.fails("is every 8d, and 7d is declared", [access(bare, rotation="7d"), secret(), slow])
    policy.fails("is every 8d, and 1d is declared", [access(FEED, {**FEED, "rotate": "1d"}), secret(), slow])
    policy.fails("is every 8d", [access(bare, rotation="7d"), secret("other"), rotation("other", {"automaticallyAfterDays": 8})])
    policy.fails("is missing", [access(rotation="30d"), component(gates=[{"gate": "fw"}])], at="credentials")
    policy.fails("gates[fw].rotate is every 31d", [access(rotation="30d"), component(gates=[{"gate": "fw", "rotate": "31d"}])])
    policy.fails("rotate is every 60d", [access(rotation="30d"), token(rotate="60d")], at="token")
    for path, resources in NOT_COMPARED:
        policy.undecided(path, resources)


def test_static_expires():
    policy = on("credential-static-expires", today="2026-11-26")
    static = {"kind": "static", "ref": "x"}
    policy.passes([component(credentials=[FEED, {**static, "expires": "2026-11-26"}])])
    policy.fails("credentials[x] is static, and nothing says until when", [component(credentials=[static])], at="credentials")
    policy.fails("its exception ended on 2026-11-25", [component(credentials=[{**static, "expires": "2026-11-25"}])])
    policy.undecided("credentials", [component(credentials=[{**static, "expires": UNKNOWN}])])
    on("credential-static-expires").fails("ended on 2001-01-01", [component(credentials=[{**static, "expires": "2001-01-01"}])])


def test_outlives_session():
    policy = on("credential-outlives-session")
    lease = {"kind": "vault", "ref": "db/x", "ttl": "1h", "session": "1h"}
    policy.passes([component(credentials=[lease, {**lease, "session": None}, FEED])])
    policy.passes([component(credentials=[{"kind": "rds-iam", "ref": "db", "ttl": "15m", "session": "5m"}])])
    longer = component(credentials=[{**lease, "ttl": "2h"}])
    policy.fails("credentials[db/x].ttl is 2h, and a session of its routes lasts 1h", [longer], at="credentials")
    policy.fails("ttl is missing", [component(credentials=[{"kind": "vault", "ref": "db/x"}])])
    policy.undecided("credentials", [component(credentials=[{**lease, "ttl": UNKNOWN}])])
    policy.undecided("credentials", [component(credentials=UNKNOWN)])


def test_a_role_whose_sessions_outlast_the_routes():
    def stack(role, *sessions):
        grant = resource("aws:iam/rolePolicy:RolePolicy", "grant", links={"role": "role"}, parent="credentials")
        return [access(sessions=sessions or ("2h",)), component(), role, grant]

    policy = on("credential-outlives-session")
    policy.passes(stack(resource(ROLE, "role")))
    policy.passes(stack(resource(ROLE, "role", maxSessionDuration=7200)))
    policy.passes(stack(resource(ROLE, "role", maxSessionDuration=3600), "15m"))
    says = "maxSessionDuration is 43200 s; the longest session of a route is 7200 s"
    policy.fails(says, stack(resource(ROLE, "role", maxSessionDuration=43200)), at="role")
    policy.passes([access(), component(), resource(ROLE, "another", maxSessionDuration=43200)])
    policy.undecided("maxSessionDuration", stack(resource(ROLE, "role", maxSessionDuration=UNKNOWN)))
    policy.undecided("maxSessionDuration", stack(resource(ROLE, "role", maxSessionDuration=43200), "2h", UNKNOWN))


@pytest.mark.parametrize("gate", ["FortigateGate", "ZpaGate", "ZiaGate"])
def test_gate_token_rotates(gate):
    policy = on("credential-gate-token-rotates")
    fw = resource(f"airlock:index:{gate}", "fw")
    policy.passes([fw, component(gates=[{"gate": "fw", "rotate": "30d"}])])
    policy.passes([fw, token()])
    policy.passes([fw])
    strict = on("credential-gate-token-rotates", required=True)
    strict.fails("has an API token that nothing in this stack rotates", [fw], at="fw")
    policy.fails("has an API token that nothing in this stack rotates", [fw, access(rotation="30d")], at="fw")
    policy.fails("nothing in this stack rotates", [fw, component(gates=[{"gate": "another"}])], at="fw")
    policy.fails("none is told to", [fw, token(rotatedBy="function")], at="fw")
    policy.undecided("apiToken", [fw, component(gates=UNKNOWN)])
    policy.undecided("apiToken", [fw, component(gates=[{"gate": UNKNOWN}])])
    policy.undecided("apiToken", [fw, token(rotatedBy=UNKNOWN)])
    assert "ZpaGate" in policy.not_applicable([resource(ROLE, "role")])


def test_strange_resources_are_no_reason_to_stop():
    strange = [
        resource("airlock:index:Access", "access", document={"routes": ["x", None, {"credential": "y"}], "rotation": 7}),
        component(credentials=["x", {}], gates=[7, {}]),
        token(gate=None, rotate=7),
        secret(),
        rotation(rules="weekly"),
        resource(ROLE, "role", maxSessionDuration=3600),
        resource("airlock:index:ZpaGate", "zpa"),
    ]
    for name in (
        "secret-rotates",
        "declared-renewed",
        "rotation-cadence",
        "outlives-session",
        "gate-token-rotates",
        "static-expires",
    ):
        on(f"credential-{name}").findings(strange)
