"""Which policies are on which device, how they are linked, and what a component tells of the interfaces they stand on."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fortigate_helpers import POLICY, PROVIDER, Point, decide, named, policy, resource, run_program, urn_of
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.fortigate import FortigateGate, read
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof.sets import Hosts

ADDRESS = "fortios:firewall/address:Address"
GROUP = "fortios:firewall/addrgrp:Addrgrp"
SERVICE = "fortios:firewall/service/custom:Custom"
RECURRING = "fortios:firewall/schedule/recurring:Recurring"

UTC_DEVICE = resource("fortios:system/global:Global", "settings", timezone="UTC")
WAREHOUSE = resource(ADDRESS, "wh", name="warehouse", type="ipmask", subnet="10.20.4.0 255.255.255.0")
INSIDE = Point(host="10.20.4.10")
BESIDE = Point(host="10.20.5.10")


def only(*resources):
    found = list(read(Stack(resources)))
    assert len(found) == 1
    return found[0]


def verdicts(found, *points):
    return [decide(found, one) for one in points]


# Tokens, devices, links


def test_objects_of_a_device_without_policies_say_nothing_of_its_policies():
    assert not list(read(Stack([WAREHOUSE, UTC_DEVICE])))


def test_the_other_packages_tokens_and_plurals_read_the_same():
    stack = [
        resource(
            "fortios:index/firewallPolicy:FirewallPolicy",
            "p",
            **{**policy("p").properties, "dstaddrs": None, "dstaddr": named("a"), "schedule": "w"},
        ),
        resource("fortios:index/firewallAddress:FirewallAddress", "a", name="a", type="ipmask", subnet="10.20.4.0 255.255.255.0"),
        resource(
            "fortios:index/firewallscheduleRecurring:FirewallscheduleRecurring",
            "w",
            name="w",
            day="tuesday",
            start="02:00",
            end="04:00",
        ),
        resource("fortios:index/systemGlobal:SystemGlobal", "s", timezone="UTC"),
    ]
    assert verdicts(only(*stack), INSIDE, BESIDE, Point(at=datetime(2026, 11, 24, 5, tzinfo=UTC))) == ["allow", "deny", "deny"]


def test_references_hold_before_names_are_known():
    first = resource(ADDRESS, "a", subnet="10.20.4.0/24")
    second = resource(ADDRESS, "b", subnet="10.20.6.0/24")
    urns = [urn_of(ADDRESS, "a"), urn_of(ADDRESS, "b")]
    given = policy("p", dstaddrs=named(UNKNOWN, UNKNOWN)).properties
    found = only(first, second, resource(POLICY, "p", **given, depends={"dstaddrs": urns}))
    assert verdicts(found, INSIDE, Point(host="10.20.6.1"), BESIDE) == ["allow", "allow", "deny"]
    partly = only(first, second, resource(POLICY, "p", **{**given, "dstaddrs": UNKNOWN}, depends={"dstaddrs": urns}))
    assert verdicts(partly, INSIDE, BESIDE) == ["unproven", "unproven"]


def test_objects_of_another_device_do_not_count():
    elsewhere = Resource(
        urn=urn_of(ADDRESS, "wh"),
        type=ADDRESS,
        properties=dict(WAREHOUSE.properties),
        provider=PROVIDER.replace("datacenter", "branch"),
    )
    found = only(policy("p", dstaddrs=named("warehouse")), elsewhere)
    assert decide(found, INSIDE) == "unproven"


def test_two_devices_are_two_filters_called_after_their_providers():
    other = Resource(
        urn=urn_of(POLICY, "q"), type=POLICY, properties=policy("q").properties, provider=PROVIDER.replace("datacenter", "branch")
    )
    assert [one.gate for one in read(Stack([policy("p"), other]))] == ["datacenter", "branch"]


def test_a_rule_says_what_the_engineer_calls_it_and_what_it_comes_from():
    found = only(policy("p", policyid=7.0, name="open-warehouse", dstaddrs=named("warehouse")), WAREHOUSE)
    source = found.rules[0].source
    assert (source.urn, source.label, source.through) == (urn_of(POLICY, "p"), 'policy 7 "open-warehouse"', (WAREHOUSE.urn,))


@pytest.mark.parametrize(
    "kind", ["firewall/securitypolicy:Securitypolicy", "firewall/policy6:Policy6", "firewall/proxypolicy:Proxypolicy"]
)
def test_tables_that_are_not_read_are_said_to_be(kind):
    found = only(policy("p"), resource(f"fortios:{kind}", "extra"))
    assert found.rules[0].unknown == ("extra: a kind of policy that is not read",)


@pytest.mark.parametrize(
    ("type_", "properties", "answer"),
    [
        ("fortios:json/genericApi:GenericApi", {"path": "/api/v2/cmdb/firewall/policy", "method": "POST"}, "unproven"),
        ("fortios:json/genericApi:GenericApi", {"path": "/api/v2/monitor/system/status", "method": "GET"}, "deny"),
        ("fortios:index/jsonGenericApi:JsonGenericApi", {"path": "/", "method": UNKNOWN}, "unproven"),
        ("fortios:system/autoscript:Autoscript", {"script": "config firewall policy"}, "unproven"),
        ("fortios:fmg/firewallSecurityPolicy:FirewallSecurityPolicy", {"action": "accept"}, "unproven"),
        ("fortios:webproxy/explicit:Explicit", {"status": "enable", "secDefaultAction": "accept"}, "unproven"),
        ("fortios:webproxy/explicit:Explicit", {"status": "enable"}, "deny"),
        ("fortios:webproxy/explicit:Explicit", {"secDefaultAction": "accept"}, "deny"),
    ],
)
def test_what_may_let_through_beside_the_policies_is_told(type_, properties, answer):
    assert decide(gated(resource(type_, "extra", **properties)), ELSEWHERE) == answer


def test_what_may_write_policies_counts_on_a_device_of_which_the_stack_has_none():
    script = resource("fortios:system/autoscript:Autoscript", "extra")
    other = provider("default_0_0_6")
    found = gated(other, replace(script, provider=other.urn))
    assert decide(found, ELSEWHERE) == "unproven"
    assert len(list(read(Stack([other, replace(script, provider=other.urn)])))) == 0


@pytest.mark.parametrize(
    ("interfaces", "intrazone", "answers"),
    [
        (["vpn", "port3"], "allow", ["unproven", "unproven", "deny"]),
        (["vpn", "port3"], UNKNOWN, ["unproven", "unproven", "deny"]),
        (["vpn", "port3"], "deny", ["deny", "deny", "deny"]),
        (["port2", "port3"], "allow", ["deny", "unproven", "deny"]),
        (["vpn", UNKNOWN], "allow", ["unproven", "unproven", "unproven"]),
    ],
)
def test_between_the_interfaces_of_a_zone_that_allows_it_no_policy_is_asked(interfaces, intrazone, answers):
    listed = [{"interfaceName": one} for one in interfaces]
    zone = resource("fortios:system/zone:Zone", "z", name="all-in-one", interfaces=listed, intrazone=intrazone)
    people = Point(host="10.20.7.7", environment=None, source="10.77.0.1")
    assert verdicts(gated(zone), ELSEWHERE, people, Point(host="10.20.99.1")) == answers


@pytest.mark.parametrize("strange", [None, 7, "x", [], {}, [None], [[]], [{"name": None}], UNKNOWN, [UNKNOWN]])
@pytest.mark.parametrize(
    "key",
    ["srcaddrs", "dstaddrs", "services", "groups", "users", "schedule", "status", "action", "srcintfs", "dstintfs", "policyid"],
)
def test_strange_input_is_read_without_a_fault(key, strange):
    assert len(list(read(Stack([policy("p", **{key: strange}), WAREHOUSE])))) == 1


# With a component: interfaces and zones


def gated(*extra):
    access = Access.model_validate(
        {
            "principals": [
                {"name": "etl", "dags": ["*"], "environment": "finance"},
                {"name": "analysts", "group": "airflow-finance"},
            ],
            "zones": {
                "dc": {"cidrs": ["10.20.0.0/16"], "gates": ["fortigate"]},
                "lab": {"cidrs": ["10.20.99.0/24"], "gates": ["fortigate"]},
            },
            "destinations": [{"name": "warehouse", "zone": "dc", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]}],
            "routes": [{"name": "r", "from": ["etl"], "to": ["warehouse"], "reason": "FIN-1"}],
        }
    )

    def program():
        FortigateGate(
            "fortigate",
            access=access,
            sources={"finance": ["10.0.1.0/24"]},
            tunnel_interface="vpn",
            interfaces={"dc": "port3", "lab": "port4"},
            people_interface="port2",
        )

    found = list(read(Stack([*run_program(program).resources, *extra])))
    return next(one for one in found if one.gate == "fortigate")


def before_deny(name):
    """A move of a hand-written policy before the component's deny-all."""
    deny = f"urn:pulumi:test::bank::airlock:index:FortigateGate${POLICY}::fortigate-deny-all"
    ends = {"policyidSrc": [urn_of(POLICY, name)], "policyidDst": [deny]}
    return resource(
        "fortios:firewall/policyMove:PolicyMove",
        f"{name}-first",
        move="before",
        policyidSrc=UNKNOWN,
        policyidDst=UNKNOWN,
        depends=ends,
    )


ELSEWHERE = Point(host="10.20.7.7")


def test_the_gate_lets_through_what_was_declared_and_nothing_else():
    assert verdicts(gated(), Point(), ELSEWHERE, Point(port=22), Point(environment="other", source="10.0.9.9")) == [
        "allow",
        "deny",
        "deny",
        "deny",
    ]


def test_a_hand_written_policy_that_is_moved_first_is_seen():
    extra = policy("oops", srcintfs=named("vpn"))
    assert decide(gated(extra, before_deny("oops")), ELSEWHERE) == "allow"


def test_a_hand_written_policy_that_nothing_puts_in_a_place_may_come_first():
    found = gated(policy("oops", srcintfs=named("vpn")))
    assert decide(found, ELSEWHERE) == "unproven"
    (reason,) = {reason for rule in found.rules for reason in rule.unknown}
    assert reason.endswith("no PolicyMove or dependency tells")
    assert "oops" in reason
    assert "fortigate-deny-all" in reason
    assert decide(found, Point()) == "allow"


def test_a_policy_on_another_interface_is_not_for_the_environments():
    extra = policy("lan", srcintfs=named("port7"))
    found = gated(extra, before_deny("lan"))
    assert verdicts(found, ELSEWHERE, Point(host="10.20.7.7", environment=None, source="10.77.0.1")) == ["deny", "allow"]


def test_a_policy_on_the_zone_that_the_tunnel_is_in_is():
    zone = resource("fortios:system/zone:Zone", "z", name="clouds", interfaces=[{"interfaceName": "vpn"}])
    extra = policy("cloud", srcintfs=named("clouds"))
    assert decide(gated(extra, before_deny("cloud"), zone), ELSEWHERE) == "allow"


def test_the_deny_all_on_the_tunnel_does_not_hide_what_comes_in_elsewhere():
    after = resource(
        POLICY,
        "late",
        **policy("late", srcintfs=named("port7")).properties,
        after=[before_deny("x").property_dependencies["policyidDst"][0]],
    )
    found = gated(after)
    assert verdicts(found, ELSEWHERE, Point(host="10.20.7.7", environment=None, source="10.77.0.1")) == ["deny", "allow"]


def test_a_policy_out_of_another_interface_does_not_reach_the_zone():
    found = gated(policy("lab", srcintfs=named("vpn"), dstintfs=named("port4")), before_deny("lab"))
    assert verdicts(found, ELSEWHERE, Point(host="10.20.99.1")) == ["deny", "allow"]


def test_an_unknown_interface_is_unproven():
    found = gated(policy("some", srcintfs=named(UNKNOWN)), before_deny("some"))
    assert decide(found, ELSEWHERE) == "unproven"
    assert any("some.srcintfs" in rule.unknown for rule in found.rules)


def test_all_is_every_address_of_its_family_and_every_name():
    rule = only(policy("p")).rules[0]
    assert rule.match.hosts == Hosts(v4=Hosts.every().v4, names=Hosts.every().names)
    assert only(policy("p", srcaddr6s=named("all"), dstaddr6s=named("all"))).rules[0].match.hosts == Hosts.every()


# Which device a provider is


def on(provider, name, **properties):
    return Resource(urn=urn_of(POLICY, name), type=POLICY, properties=policy(name, **properties).properties, provider=provider)


def provider(name, **properties):
    type_ = "pulumi:providers:fortios"
    return Resource(urn=urn_of(type_, name), type=type_, properties=properties)


def test_two_providers_for_one_host_are_one_device():
    one, two = provider("edge", hostname="fgt.bank.example"), provider("default", hostname="FGT.bank.example")
    found = list(read(Stack([one, two, on(one.urn, "p", status="disable"), on(two.urn, "q")])))
    assert [(each.gate, len(each.rules)) for each in found] == [("edge", 1)]


def test_a_policy_of_a_provider_without_a_host_may_be_on_the_gates_device():
    default = provider("default_0_0_6")
    found = gated(default, on(default.urn, "oops", srcintfs=named("vpn")))
    assert decide(found, ELSEWHERE) == "unproven"
    assert "default_0_0_6.hostname: whether this is the same FortiGate as datacenter" in found.rules[0].unknown
    assert decide(found, Point()) == "allow"


def test_a_policy_on_another_host_is_not():
    edge, branch = provider("datacenter", hostname="fgt-1"), provider("branch", hostname="fgt-2")
    found = gated(edge, branch, on(branch.urn, "other", srcintfs=named("vpn")))
    assert decide(found, ELSEWHERE) == "deny"


@pytest.mark.parametrize(
    ("vdom", "own", "answer"),
    [("root", None, "unproven"), (UNKNOWN, "root", "unproven"), ("dmz", "root", "deny"), ("root", "root", "allow")],
)
def test_a_policy_of_a_vdom_may_be_beside_those_that_leave_theirs_to_the_provider(vdom, own, answer):
    edge = provider("datacenter", hostname="fgt-1", **({"vdom": own} if own else {}))
    extra = on(edge.urn, "extra", srcintfs=named("vpn"), vdomparam=vdom)
    assert decide(gated(edge, extra, before_deny("extra")), ELSEWHERE) == answer


def test_a_zone_of_a_vdom_may_be_beside_them_as_well():
    edge = provider("datacenter", hostname="fgt-1")
    interfaces = [{"interfaceName": one} for one in ("vpn", "port3")]
    zone = resource("fortios:system/zone:Zone", "z", name="z", interfaces=interfaces, intrazone="allow", vdomparam="root")
    assert decide(gated(edge, zone), ELSEWHERE) == "unproven"
