import pytest
from policy_testing import UNKNOWN, on, resource

ROUTE = {
    "name": "ledger",
    "from": ["etl"],
    "to": ["ledger-db"],
    "window": {"days": ["mon"], "from": "22:00", "to": "04:00"},
    "session": "1h",
    "credential": {"kind": "vault", "ref": "db/ledger", "rotate": "30d"},
    "reason": "FIN-1234",
    "expires": "2030-06-30",
}


def access(*routes, **sections):
    destinations = [{"name": "ledger-db", "zone": "dc", "class": "confidential"}, {"name": "mail", "zone": "dc"}]
    principals = [{"name": "etl", "dags": ["x"], "owner": "team@bank.example"}]
    document = {"principals": principals, "destinations": destinations, "routes": list(routes), **sections}
    return [resource("airlock:index:Access", "access", document=document)]


def without(*keys, **changed):
    return {key: value for key, value in (ROUTE | changed).items() if key not in keys}


def test_route_not_expired():
    policy = on("access-route-not-expired", today="2026-11-21")
    policy.passes(access(ROUTE, without("expires"), without(expires="2026-11-21")))
    policy.fails("routes[ledger].expires was 2026-11-20", access(without(expires="2026-11-20", reason=UNKNOWN)))
    policy.undecided("routes[ledger].expires", access(without(expires=UNKNOWN)))
    policy.undecided("document.routes", [resource("airlock:index:Access", "access", document=UNKNOWN)])
    assert "airlock:index:Access" in policy.not_applicable([resource("aws:ec2/vpc:Vpc", "vpc")])


def test_without_a_day_in_its_configuration_today_is_today():
    on("access-route-not-expired").fails("was 2001-01-01", access(without(expires="2001-01-01")))
    on("access-route-not-expired").passes(access(without(expires="2999-01-01")))


def test_route_expires_soon():
    policy = on("access-route-expires-soon", today="2026-11-21")
    policy.passes(access(ROUTE, without(expires="2026-11-20")))
    policy.fails("is 2026-12-01", access(without(expires="2026-12-01", session=UNKNOWN)))
    policy.undecided("expires", access(without(expires=UNKNOWN)))


def test_confidential_expires():
    policy = on("access-confidential-expires")
    policy.passes(access(ROUTE, without("expires", to=["mail"])))
    policy.fails("leads to ledger-db for ever", access(without("expires", to=["mail", "ledger-db"], reason=UNKNOWN)))
    policy.undecided("to", access(without("expires", to=UNKNOWN)))
    hidden = [{"name": "ledger-db", "class": UNKNOWN}]
    policy.undecided("routes[ledger].to", access(without("expires"), destinations=hidden))
    on("access-confidential-expires", classes=["restricted"]).passes(access(without("expires")))


def test_window_has_session():
    policy = on("access-window-has-session")
    policy.passes(access(ROUTE, without("window", "session")))
    policy.fails("session is missing", access(without("session", expires=UNKNOWN)))
    policy.undecided("session", access(without(session=UNKNOWN)))


@pytest.mark.parametrize(("session", "ok"), [("6h", True), ("361m", False), ("1d", False)])
def test_a_window_may_end_on_the_next_day(session, ok):
    policy = on("access-session-within-window")
    if ok:
        policy.passes(access(without(session=session)))
    else:
        policy.fails("the window lasts 6h", access(without(session=session)))


def test_session_within_window():
    policy = on("access-session-within-window")
    policy.passes(access(ROUTE, without(window={"dagrun": "finance_daily"}, session="9h")))
    policy.fails("is 9h", access(without(session="9h", reason=UNKNOWN)))
    policy.undecided("window", access(without(window={"from": UNKNOWN, "to": "04:00"})))


def test_window_scheduled():
    def rule(**changed):
        props = {"action": "accept", "status": "enable", "schedule": "always", "comments": "mail: OPS-1; ledger: FIN-1234"}
        return resource("fortios:firewall/policy:Policy", "rule", **props | changed)

    policy = on("access-window-scheduled")
    policy.passes([*access(ROUTE), rule(schedule="nights")])
    policy.passes([*access(ROUTE), rule(comments="general-ledger: FIN-1; ledger-archive: FIN-2")])
    policy.passes([*access(ROUTE), rule(status="disable")])
    policy.passes([*access(without("window"), without(name="dag", window={"dagrun": "ledger"})), rule()])
    policy.fails("the route ledger has a window", [*access(ROUTE), rule(srcaddrs=UNKNOWN)], at="rule")
    policy.undecided("schedule", [*access(ROUTE), rule(schedule=UNKNOWN)])
    policy.undecided("comments", [*access(ROUTE), rule(comments=UNKNOWN)])


def test_credential_rotation():
    policy = on("access-credential-rotation")
    policy.passes(access(ROUTE, without("credential"), without(credential={"kind": "rds-iam", "ref": "db"})))
    policy.fails("rotate is missing", access(without(credential={"kind": "vault", "ref": UNKNOWN})))
    policy.fails("is 365d; at most 90d", access(without(credential={"kind": "vault", "ref": "x", "rotate": "365d"})))
    policy.undecided("credential.rotate", access(without(credential={"kind": "vault", "ref": "x", "rotate": UNKNOWN})))
    on("access-credential-rotation", maximumDays=7).fails("at most 7d", access(ROUTE))
    bare = without(credential={"kind": "vault", "ref": "x"})
    policy.passes(access(bare, rotation="30d"))
    policy.fails("is 365d; at most 90d", access(bare, rotation="365d"))
    policy.undecided("document.rotation", access(bare, rotation=UNKNOWN))


def test_no_static_credential():
    policy = on("access-no-static-credential")
    policy.passes(access(ROUTE, without("credential")))
    policy.fails("routes[ledger].credential.kind is static", access(without(credential={"kind": "static", "ref": UNKNOWN})))
    policy.undecided("credential", access(without(credential=UNKNOWN)))


def test_reason_ticket():
    policy = on("access-reason-ticket")
    policy.passes(access(ROUTE))
    policy.fails("is because", access(without(reason="because", session=UNKNOWN)))
    policy.undecided("reason", access(without(reason=UNKNOWN)))


def test_principal_owner():
    policy = on("access-principal-owner")
    policy.passes(access())
    policy.fails("principals[x].owner is missing", access(principals=[{"name": "x", "dags": UNKNOWN}]))
    policy.undecided("owner", access(principals=[{"name": "x", "owner": UNKNOWN}]))
