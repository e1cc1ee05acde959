import pytest
from policy_testing import UNKNOWN, on, resource

EXCEPTION = {"reason": "SEC-7", "approvedBy": "ciso@bank.example", "expires": "2027-01-31"}
ROLES = [{"name": "finance", "clearance": "high"}, {"name": "desk"}]


def access(*, trust="high", principal=None, route=None, **sections):
    document = {
        "roles": ROLES,
        "principals": [
            {"name": "etl", "dags": ["x"], **(principal or {})},
            {"name": "chief", "dags": ["y"], "clearance": "high"},
        ],
        "zones": {"center": {"gates": ["wall"], "trust": trust}, "office": {"gates": ["wall"]}},
        "destinations": [{"name": "ledger-db", "zone": "center"}, {"name": "mail", "zone": "office"}],
        "routes": [{"name": "ledger", "from": ["chief", "etl"], "to": ["mail", "ledger-db"], "reason": "F-1", **(route or {})}],
        **sections,
    }
    return [resource("airlock:index:Access", "access", document=document)]


def policy(**config):
    return on("trust-above-clearance", today="2026-11-21", **config)


def test_above_clearance():
    policy().undecided("zones.center.trust", access(trust=UNKNOWN))
    on("trust-above-clearance").passes(access(trust="medium"))
    policy().passes(access(principal={"clearance": "high"}))
    policy().passes(access(principal={"role": "finance"}))
    policy().passes(access(trust="medium"))
    policy().passes(access(trust="medium", principal={"role": "desk"}))
    policy().fails("routes[ledger].to[1] leads etl, cleared for medium, into center, whose trust is high", access())
    policy().fails("leads etl, cleared for medium", access(principal={"role": "desk"}))
    policy().fails("leads etl, cleared for low", access(principal={"role": "finance", "clearance": "low"}))
    policy().fails("routes[ledger].to[0] leads etl, cleared for low, into office", access(principal={"clearance": "low"}))


def test_an_exception_lifts_it_until_its_last_day():
    policy().passes(access(route={"exception": EXCEPTION}))
    policy().passes(access(route={"exception": EXCEPTION | {"expires": "2026-11-21"}}))
    policy().fails(
        "into center, whose trust is high, and its exception ended on 2026-11-20",
        access(route={"exception": EXCEPTION | {"expires": "2026-11-20"}}),
    )
    on("trust-above-clearance").fails("its exception ended", access(route={"exception": EXCEPTION | {"expires": "2001-01-01"}}))
    on("trust-above-clearance").passes(access(route={"exception": EXCEPTION | {"expires": "2999-01-01"}}))


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("document.routes", {"routes": UNKNOWN}),
        ("routes[0]", {"routes": [UNKNOWN]}),
        ("routes[ledger].to", {"route": {"to": UNKNOWN}}),
        ("routes[ledger].from", {"route": {"from": UNKNOWN}}),
        ("principals[etl].clearance", {"principal": {"clearance": UNKNOWN}}),
        ("principals[etl].role", {"principal": {"role": UNKNOWN}}),
        ("roles[desk].clearance", {"principal": {"role": "desk"}, "roles": [{"name": "desk", "clearance": UNKNOWN}]}),
        ("document.roles", {"principal": {"role": "desk"}, "roles": UNKNOWN}),
        ("document.principals", {"principals": UNKNOWN}),
        ("document.destinations", {"destinations": UNKNOWN}),
        ("zones.center.trust", {"trust": UNKNOWN}),
        ("routes[ledger].exception.expires", {"route": {"exception": EXCEPTION | {"expires": UNKNOWN}}}),
        ("routes[ledger].exception.expires", {"route": {"exception": UNKNOWN}}),
    ],
)
def test_what_decides_may_be_unknown(path, changes):
    policy().undecided(path, access(**changes))


def test_what_cannot_matter_may_be_unknown():
    for config in ({}, {"unknown": "violation"}):
        assert policy(**config).findings(access(trust="low", principal={"clearance": UNKNOWN}, route={"to": ["ledger-db"]})) == []
        assert policy(**config).findings(access(trust=UNKNOWN, route={"from": ["chief"]})) == []


def test_exception_expires_soon():
    soon = on("trust-exception-expires-soon", today="2026-11-21")
    soon.passes(access(route={"exception": EXCEPTION}))
    soon.passes(access())
    soon.passes(access(route={"exception": EXCEPTION | {"expires": "2026-11-20"}}))
    soon.fails(
        "routes[ledger].exception.expires is 2026-12-05", access(route={"exception": EXCEPTION | {"expires": "2026-12-05"}})
    )
    soon.undecided("routes[ledger].exception.expires", access(route={"exception": EXCEPTION | {"expires": UNKNOWN}}))
    soon.undecided("document.routes", access(routes=UNKNOWN))
    on("trust-exception-expires-soon", today="2026-11-21", days=90).fails("is 2027-01-31", access(route={"exception": EXCEPTION}))
