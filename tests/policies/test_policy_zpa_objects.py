"""Policies on what ZPA's rules rest on: segments, timeouts, keys, logs; each with wrong, right and unknown values."""

import pytest
from policy_testing import UNKNOWN, on, resource

RULE = "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2"
SEGMENT, GROUP = "zpa:index/applicationSegment:ApplicationSegment", "zpa:index/segmentGroup:SegmentGroup"
BROWSER = "zpa:index/applicationSegmentBrowserAccess:ApplicationSegmentBrowserAccess"
FORWARD = "zpa:index/policyAccessForwardingRuleV2:PolicyAccessForwardingRuleV2"
TIMEOUT = "zpa:index/policyAccessTimeOutRuleV2:PolicyAccessTimeOutRuleV2"
LOG, KEY = "zpa:index/lSSConfigController:LSSConfigController", "zpa:index/provisioningKey:ProvisioningKey"
SERVERS = "zpa:index/serverGroup:ServerGroup"
GATE, ACCESS = "airlock:index:ZpaGate", "airlock:index:Access"


def values(kind, *listed):
    return {"operator": "OR", "operands": [{"objectType": kind, "values": list(listed)}]}


APP = values("APP", "s-1")


def rule(name):
    return resource(RULE, name, id=f"r-{name}", action="ALLOW", conditions=[APP])


def segment():
    return resource(SEGMENT, "warehouse", id="s-1", enabled=True, domainNames=["wh.corp.example"])


# Segments and groups


@pytest.mark.parametrize("kind", [SEGMENT, BROWSER])
def test_no_bypass(kind):
    policy = on("zpa-no-bypass", kind)
    policy.passes(bypassType="NEVER", enabled=UNKNOWN)
    policy.passes()
    policy.fails("bypassType is ALWAYS", bypassType="ALWAYS")
    policy.fails("bypassType is ON_NET", bypassType="ON_NET")
    policy.undecided("bypassType", bypassType=UNKNOWN)
    assert policy.remedied(bypassType="ON_NET", domainNames=["a.example"]) == {
        "bypassType": "NEVER",
        "domainNames": ["a.example"],
    }
    assert policy.remedied(bypassType=UNKNOWN) is None


def test_no_bypass_by_a_forwarding_rule():
    policy = on("zpa-no-bypass", FORWARD)
    policy.passes(action="INTERCEPT")
    policy.fails("action is BYPASS", action="BYPASS", conditions=UNKNOWN)
    policy.undecided("action", action=UNKNOWN)


def test_no_wide_segment():
    policy = on("zpa-no-wide-segment", SEGMENT)
    policy.passes(domainNames=["wh.corp.example", "*.corp.example", "10.20.0.0/16", "10.20.4.10"])
    for text in ("*", "*.example", "10.0.0.0/8", "0.0.0.0/0"):
        policy.fails(f"is {text}", domainNames=["a.corp.example", UNKNOWN, text])
    on("zpa-no-wide-segment", SEGMENT, prefix=24).fails("wider than /24", domainNames=["10.20.0.0/16"])
    policy.undecided("domainNames[0]", domainNames=[UNKNOWN])
    policy.undecided("domainNames", domainNames=UNKNOWN)


def test_no_all_ports():
    policy = on("zpa-no-all-ports", SEGMENT)
    policy.passes(tcpPortRange=[{"from": "443", "to": "443"}], udpPortRanges=["53", "53"])
    policy.fails("holds 1-65535: 65535 ports", tcpPortRange=[{"from": "443", "to": "443"}, {"from": "1", "to": "65535"}])
    policy.fails("udpPortRanges holds 1-65535", udpPortRanges=["1", "65535"], tcpPortRange=UNKNOWN)
    policy.undecided("tcpPortRange", tcpPortRange=[{"from": "1", "to": UNKNOWN}])
    policy.undecided("udpPortRanges", udpPortRanges=UNKNOWN)


def test_multimatch():
    policy = on("zpa-multimatch", SEGMENT)
    policy.passes()
    policy.passes(matchStyle="EXCLUSIVE")
    policy.fails("matchStyle is INCLUSIVE", matchStyle="INCLUSIVE", domainNames=UNKNOWN)
    policy.undecided("matchStyle", matchStyle=UNKNOWN)
    bulk = "zpa:index/applicationSegmentMultimatchBulk:ApplicationSegmentMultimatchBulk"
    on("zpa-multimatch", bulk).fails("matchStyle is INCLUSIVE", matchStyle="INCLUSIVE", applicationIds=UNKNOWN)


@pytest.mark.parametrize("kind", [SEGMENT, GROUP, SERVERS])
def test_enabled_said(kind):
    policy = on("zpa-enabled-said", kind)
    policy.passes(enabled=True)
    policy.passes(enabled=False)
    policy.passes(enabled=UNKNOWN)
    policy.fails("enabled is left out", name=UNKNOWN)


@pytest.mark.parametrize("kind", [SEGMENT, GROUP])
def test_protect(kind):
    on("zpa-protect", kind, protect=True).passes(enabled=True)
    on("zpa-protect", kind).fails("is not protected", enabled=UNKNOWN)


# Timeouts


def test_timeout():
    policy = on("zpa-timeout", TIMEOUT)
    policy.passes(reauthTimeout="2 Hours", reauthIdleTimeout="10 Minutes")
    policy.fails("reauthTimeout is Never", reauthTimeout="Never")
    policy.fails("reauthIdleTimeout is 2 Days", reauthTimeout=UNKNOWN, reauthIdleTimeout="2 Days")
    policy.fails("write 10 Minutes", reauthTimeout="soon")
    on("zpa-timeout", TIMEOUT, longest="1h").fails("longer than 1h", reauthTimeout="2 Hours")
    policy.undecided("reauthTimeout", reauthTimeout=UNKNOWN)


def test_timeout_session():
    policy = on("zpa-timeout-session")
    routes = [
        {"name": "r", "from": ["etl"], "to": ["warehouse"], "session": "1h"},
        {"name": "s", "to": ["warehouse"], "session": "15m"},
    ]
    stack = [
        resource(ACCESS, "access", document={"routes": routes}),
        resource(GATE, "zpa", gate="zpa", segments={"airlock-warehouse": ["warehouse"]}),
        resource(SEGMENT, "airlock-warehouse", parent="zpa", id="s-1", enabled=True, domainNames=["wh.corp.example"]),
    ]

    def with_timeout(text, conditions=(APP,)):
        return [*stack, resource(TIMEOUT, "people", reauthTimeout=text, conditions=list(conditions))]

    policy.passes(with_timeout("1 Hour"))
    policy.passes(with_timeout("1 Day", [values("APP", "s-2")]))
    policy.fails("is 2 Hours, longer than 1h", with_timeout("2 Hours"), at="people")
    policy.fails("is Never", with_timeout("Never"), at="people")
    policy.undecided("reauthTimeout", with_timeout(UNKNOWN))


# App Connectors and logs


def test_key_uses():
    policy = on("zpa-key-uses", KEY)
    policy.passes(maxUsage="4")
    policy.fails("maxUsage is 1000: more than 10", maxUsage="1000", zcomponentId=UNKNOWN)
    policy.fails("there is no limit", maxUsage="-1")
    on("zpa-key-uses", KEY, most=2).fails("more than 2", maxUsage="4")
    policy.undecided("maxUsage", maxUsage=UNKNOWN)


def test_log_tls():
    policy = on("zpa-log-tls", LOG)
    policy.passes(config={"useTls": True, "lssHost": UNKNOWN})
    policy.fails("config.useTls is off", config={"lssHost": "siem"})
    policy.fails("config.useTls is off", config={"useTls": False, "format": UNKNOWN})
    policy.undecided("config.useTls", config={"useTls": UNKNOWN})
    policy.undecided("config.useTls", config=UNKNOWN)
    assert policy.remedied(config={"lssHost": "siem"}) == {"config": {"lssHost": "siem", "useTls": True}}


def test_log_receiver():
    policy = on("zpa-log-receiver")
    logs = [resource(LOG, kind, config={"sourceLogType": kind, "enabled": True}) for kind in ("zpn_trans_log", "zpn_auth_log")]
    policy.passes([rule("a"), *logs])
    policy.fails("sends no zpn_trans_log anywhere", [rule("a")], at="a")
    policy.fails("sends no zpn_auth_log anywhere", [rule("a"), logs[0]], at="a")
    off = resource(LOG, "off", config={"sourceLogType": "zpn_auth_log", "enabled": False})
    policy.fails("sends no zpn_auth_log", [rule("a"), logs[0], off])
    on("zpa-log-receiver", logs=[]).passes([rule("a")])
    policy.undecided("config.sourceLogType", [rule("a"), logs[0], resource(LOG, "other", config={"sourceLogType": UNKNOWN})])
    assert "policyAccessRule" in policy.not_applicable([segment()])
