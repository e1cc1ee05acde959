import pytest
from policy_testing import UNKNOWN, on, resource

SHAPES = ("fortios:firewall/policy:Policy", "fortios:index/firewallPolicy:FirewallPolicy")
NATIVE = SHAPES[0]
GATE = "airlock:index:FortigateGate"


def names(*found):
    return [{"name": name} for name in found]


RULE = {
    "action": "accept",
    "status": "enable",
    "srcintfs": names("vpn"),
    "dstintfs": names("lan"),
    "srcaddrs": names("airflow-1"),
    "dstaddrs": names("ledger-db"),
    "services": names("tcp-1521"),
    "schedule": "always",
    "logtraffic": "all",
    "comments": "finance-ledger FIN-1234",
}
DENY = RULE | {"action": "deny", "srcaddrs": names("all"), "dstaddrs": names("all"), "services": names("ALL")}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("policy", "bad"),
    [
        ("fortigate-no-any-any", {"srcaddrs": names("all"), "dstaddrs": names("all")}),
        ("fortigate-no-all-services", {"services": names("ALL")}),
        ("fortigate-log-all", {"logtraffic": "utm"}),
    ],
)
def test_both_token_shapes_are_policies(shape, policy, bad):
    on(policy, shape).passes(**RULE)
    on(policy, shape).fails("", **RULE | bad)


def test_no_any_any():
    policy = on("fortigate-no-any-any", NATIVE)
    policy.passes(**RULE | {"srcaddrs": names("all")})
    policy.passes(**DENY)
    policy.passes(**RULE | {"srcaddrs": names("all"), "dstaddrs": names("all"), "status": "disable"})
    policy.fails("from all to all", **RULE | {"srcaddrs": names("all"), "dstaddrs": names("all"), "name": UNKNOWN})
    policy.fails("from all to all", **RULE | {"srcaddrs": [UNKNOWN, {"name": "all"}], "dstaddrs": names("all")})
    policy.undecided("srcaddrs", **RULE | {"srcaddrs": UNKNOWN, "dstaddrs": names("all")})


def test_no_all_sources():
    policy = on("fortigate-no-all-sources", NATIVE)
    policy.passes(**RULE)
    policy.fails("srcaddrs is all", **RULE | {"srcaddrs": names("all"), "dstaddrs": UNKNOWN})
    policy.undecided("srcaddrs", **RULE | {"srcaddrs": [{"name": UNKNOWN}]})


def test_no_all_destinations():
    policy = on("fortigate-no-all-destinations", NATIVE)
    policy.passes(**RULE)
    policy.passes(**RULE | {"dstaddrs": names("all"), "internetService": "enable"})
    policy.fails("dstaddrs is all", **RULE | {"dstaddrs": names("ledger-db", "all"), "action": UNKNOWN})
    policy.fails("dstaddrs is all", **RULE | {"dstaddrs": [], "dstaddr6s": names("all")})
    policy.undecided("dstaddrs", **RULE | {"dstaddrs": UNKNOWN})


def test_no_all_services():
    policy = on("fortigate-no-all-services", NATIVE)
    policy.passes(**RULE)
    policy.fails("services is ALL_TCP", **RULE | {"services": names("ALL_TCP")})
    policy.undecided("services", **RULE | {"services": UNKNOWN})


def test_no_any_interface():
    policy = on("fortigate-no-any-interface", NATIVE)
    policy.passes(**RULE)
    policy.fails("dstintfs is any", **RULE | {"dstintfs": names("any"), "srcintfs": UNKNOWN})
    policy.undecided("srcintfs", **RULE | {"srcintfs": UNKNOWN})


def test_log_all():
    policy = on("fortigate-log-all", NATIVE)
    policy.passes(**RULE)
    policy.passes(**RULE | {"status": "disable", "logtraffic": "disable"})
    policy.fails("logtraffic is disable", **DENY | {"logtraffic": "disable", "srcaddrs": UNKNOWN})
    policy.fails("logtraffic is utm", **{key: value for key, value in RULE.items() if key != "logtraffic"})
    policy.undecided("logtraffic", **RULE | {"logtraffic": UNKNOWN})
    assert policy.remedied(**RULE | {"logtraffic": "utm", "srcaddrs": UNKNOWN}) == RULE | {"srcaddrs": UNKNOWN}
    assert policy.remedied(**RULE | {"logtraffic": UNKNOWN}) is None


def test_schedule_timeout():
    policy = on("fortigate-schedule-timeout", NATIVE)
    policy.passes(**RULE)
    policy.passes(**RULE | {"schedule": "nights", "scheduleTimeout": "enable"})
    policy.fails("the schedule is nights", **RULE | {"schedule": "nights", "dstaddrs": UNKNOWN})
    policy.undecided("schedule", **RULE | {"schedule": UNKNOWN})
    assert policy.remedied(**RULE | {"schedule": "nights"}) == RULE | {"schedule": "nights", "scheduleTimeout": "enable"}


def test_no_plaintext_services():
    policy = on("fortigate-no-plaintext-services", NATIVE)
    policy.passes(**RULE | {"services": names("HTTPS", "SSH")})
    policy.fails("services holds TELNET", **RULE | {"services": [UNKNOWN, {"name": "TELNET"}]})
    policy.undecided("services", **RULE | {"services": UNKNOWN})
    custom = on("fortigate-no-plaintext-services", "fortios:firewall/service/custom:Custom")
    custom.passes(name="tcp-8080", tcpPortrange="8080 443:80")
    custom.fails("tcpPortrange holds 23-23", name=UNKNOWN, tcpPortrange="443 23-23:1024-65535")
    custom.undecided("tcpPortrange", tcpPortrange=UNKNOWN)
    on("fortigate-no-plaintext-services", "fortios:index/firewallServiceCustom:FirewallServiceCustom").fails(
        "80", tcpPortrange="80"
    )


def test_no_negate():
    policy = on("fortigate-no-negate", NATIVE)
    policy.passes(**RULE | {"dstaddrNegate": "disable"})
    policy.fails("dstaddrNegate", **RULE | {"dstaddrNegate": "enable", "serviceNegate": UNKNOWN})
    policy.undecided("srcaddrNegate", **RULE | {"srcaddrNegate": UNKNOWN})


def test_policy_reason():
    policy = on("fortigate-policy-reason", NATIVE)
    policy.passes(**RULE)
    policy.passes(**DENY | {"comments": ""})
    policy.fails("names no ticket", **RULE | {"comments": "temporary", "srcaddrs": UNKNOWN})
    policy.undecided("comments", **RULE | {"comments": UNKNOWN})


def rule(called, base=RULE, **changed):
    return resource(NATIVE, called, **base | changed)


def test_deny_all_last():
    policy = on("fortigate-deny-all-last")
    policy.passes([rule("a"), rule("last", DENY)])
    policy.passes([rule("last", DENY)])
    policy.fails("no policy that denies all", [rule("a"), rule("last", DENY, logtraffic="disable")], at="a")
    policy.fails("no policy that denies all", [rule("a"), rule("last", DENY, schedule="nights")], at="a")
    # The deny of another VDOM or another device does not count.
    policy.fails("no policy that denies all", [rule("a"), rule("last", DENY, vdomparam="dmz")], at="a")
    policy.fails("no policy that denies all", [rule("a"), resource(NATIVE, "last", provider="other", **DENY)], at="a")
    policy.undecided("last", [rule("a"), rule("last", DENY, srcaddrs=UNKNOWN)])


def test_foreign_policy():
    policy = on("fortigate-foreign-policy")
    gate, own = resource(GATE, "fortigate"), resource(NATIVE, "own", parent="fortigate", **RULE)
    policy.passes([gate, own, rule("denies", DENY), rule("off", status="disable")])
    policy.passes([gate, own, resource(NATIVE, "elsewhere", provider="other-device", **RULE)])
    policy.passes([gate, own, rule("another-vdom", vdomparam="dmz")])
    policy.passes([rule("no-gate-here")])
    policy.fails("that fortigate manages", [gate, own, rule("foreign", srcaddrs=UNKNOWN)], at="foreign")
    policy.fails("fortigate", [gate, own, resource(SHAPES[1], "foreign", **RULE)], at="foreign")
    policy.undecided("action", [gate, own, rule("foreign", action=UNKNOWN)])
