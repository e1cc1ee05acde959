"""What hand-written policies let through, in every form that a FortiGate knows."""

from datetime import UTC, datetime

import pytest
from fortigate_helpers import POLICY, Point, decide, named, policy, resource, urn_of
from pulumi_airlock.gates.fortigate import read
from pulumi_airlock.gates.stack import UNKNOWN, Stack

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


# The basics


def test_no_policy_is_a_deny():
    assert decide(only(policy("off", status="disable")), Point()) == "deny"
    assert only(policy("off", status="disable")).rules == ()


def test_a_policy_that_accepts_everything_does():
    found = only(policy("open"))
    assert decide(found, Point()) == "allow"
    assert decide(found, Point(host="anything.example", port=1)) == "allow"


def test_a_policy_without_an_action_denies():
    given = {key: value for key, value in policy("p").properties.items() if key != "action"}
    assert decide(only(resource(POLICY, "p", **given)), Point()) == "deny"


def test_fields_are_and_and_their_entries_or():
    office = resource(ADDRESS, "office", name="office", subnet="10.0.1.0/24")
    found = only(
        policy("p", srcaddrs=named("office"), dstaddrs=named("warehouse"), services=named("HTTPS", "SSH")), office, WAREHOUSE
    )
    assert verdicts(
        found,
        Point(host="10.20.4.10", port=443),
        Point(host="10.20.4.10", port=22),
        Point(host="10.20.4.10", port=80),
        Point(host="10.20.5.10", port=443),
        Point(host="10.20.4.10", port=443, source="10.0.2.10"),
    ) == ["allow", "allow", "deny", "deny", "deny"]


@pytest.mark.parametrize("subnet", ["10.20.4.0 255.255.255.0", "10.20.4.0/24", "10.20.4.0/255.255.255.0", "10.20.4.7/24"])
def test_subnets_in_each_spelling(subnet):
    found = only(policy("p", dstaddrs=named("a")), resource(ADDRESS, "a", name="a", type="ipmask", subnet=subnet))
    assert verdicts(found, INSIDE, BESIDE) == ["allow", "deny"]


def test_ranges():
    found = only(
        policy("p", dstaddrs=named("a")),
        resource(ADDRESS, "a", name="a", type="iprange", startIp="10.20.4.5", endIp="10.20.4.12"),
    )
    assert verdicts(found, INSIDE, Point(host="10.20.4.13")) == ["allow", "deny"]


@pytest.mark.parametrize(("fqdn", "other"), [("wh.corp.example", "deny"), ("*.corp.example", "allow")])
def test_names_and_wildcards(fqdn, other):
    found = only(policy("p", dstaddrs=named("a")), resource(ADDRESS, "a", name="a", type="fqdn", fqdn=fqdn))
    assert verdicts(found, Point(host="wh.corp.example"), Point(host="x.y.corp.example"), Point(host="example")) == [
        "allow",
        other,
        "deny",
    ]


@pytest.mark.parametrize("kind", ["dynamic", "geography", "mac", "interface-subnet", "wildcard"])
def test_addresses_that_only_the_device_resolves_are_not_guessed(kind):
    found = only(policy("p", dstaddrs=named("a")), resource(ADDRESS, "cloud", name="a", type=kind, sdn="aws", country="CH"))
    assert decide(found, Point()) == "unproven"
    assert found.rules[0].unknown == ("cloud.type",)


def test_an_unknown_subnet_is_unproven_and_says_which():
    found = only(
        policy("p", dstaddrs=named("warehouse", "a")),
        WAREHOUSE,
        resource(ADDRESS, "lake", name="a", type="ipmask", subnet=UNKNOWN),
    )
    assert verdicts(found, INSIDE, BESIDE) == ["allow", "unproven"]
    assert [rule.unknown for rule in found.rules] == [(), ("lake.subnet",)]


def test_an_address_that_the_stack_does_not_have_is_unproven_and_named():
    found = only(policy("p", dstaddrs=named("lake")))
    assert found.rules[0].unknown == ("p.dstaddrs: address 'lake' is not in the stack",)


def test_none_matches_nothing():
    assert only(policy("p", dstaddrs=named("none"))).rules == ()


# Groups and negation


def test_groups_nest_and_exclude():
    stack = [
        WAREHOUSE,
        resource(ADDRESS, "vault", name="vault", subnet="10.20.4.128/25"),
        resource(GROUP, "inner", name="inner", members=named("warehouse")),
        resource(GROUP, "outer", name="outer", members=named("inner"), exclude="enable", excludeMembers=named("vault")),
    ]
    found = only(policy("p", dstaddrs=named("outer")), *stack)
    assert verdicts(found, INSIDE, Point(host="10.20.4.200")) == ["allow", "deny"]
    assert {urn.rsplit("::", 1)[-1] for urn in found.rules[0].source.through} == {"outer", "inner", "wh", "vault"}


def test_a_group_that_contains_itself_is_not_followed_for_ever():
    found = only(policy("p", dstaddrs=named("loop")), resource(GROUP, "loop", name="loop", members=named("loop")))
    assert decide(found, Point()) == "unproven"


@pytest.mark.parametrize(
    ("negation", "field", "inside", "outside"),
    [
        ("dstaddrNegate", {"dstaddrs": named("warehouse")}, INSIDE, BESIDE),
        ("srcaddrNegate", {"srcaddrs": named("warehouse")}, Point(source="10.20.4.10"), Point()),
        ("serviceNegate", {"services": named("HTTPS", "SSH")}, Point(port=22), Point(port=80)),
    ],
)
def test_negation_turns_the_whole_field_round(negation, field, inside, outside):
    found = only(policy("p", **field, **{negation: "enable"}), WAREHOUSE)
    assert verdicts(found, inside, outside) == ["deny", "allow"]
    found = only(policy("p", **field, **{negation: UNKNOWN}), WAREHOUSE)
    assert verdicts(found, inside, outside) == ["unproven", "unproven"]


def test_a_negated_name_lets_nothing_through_for_sure():
    found = only(
        policy("p", dstaddrs=named("a"), dstaddrNegate="enable"),
        resource(ADDRESS, "a", name="a", type="fqdn", fqdn="wh.corp.example"),
    )
    assert verdicts(found, Point(), Point(host="wh.corp.example")) == ["unproven", "deny"]


# Services


def test_custom_services_of_every_protocol():
    stack = [
        resource(
            SERVICE,
            "app",
            name="app",
            protocol="TCP/UDP/SCTP",
            tcpPortrange="8000-8010:1024-65535",
            udpPortrange="53",
            sctpPortrange="36412",
        ),
        resource(SERVICE, "tunnel", name="tunnel", protocol="IP", protocolNumber=47.0),
        resource(SERVICE, "pings", name="pings", protocol="ICMP"),
        resource("fortios:firewall/service/group:Group", "all-of-it", name="all-of-it", members=named("app", "tunnel", "pings")),
    ]
    found = only(policy("p", services=named("all-of-it")), *stack)
    assert verdicts(
        found,
        Point(port=8005),
        Point(port=53, protocol="udp"),
        Point(port=36412, protocol="sctp"),
        Point(port=0, protocol="gre"),
        Point(port=0, protocol="icmp"),
        Point(port=53),
    ) == ["allow"] * 5 + ["deny"]


def test_the_stacks_own_definition_of_a_built_in_service_wins():
    found = only(
        policy("p", services=named("HTTPS")),
        resource(SERVICE, "https", name="HTTPS", protocol="TCP/UDP/SCTP", tcpPortrange="8443"),
    )
    assert verdicts(found, Point(port=8443), Point(port=443)) == ["allow", "deny"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"tcpPortrange": UNKNOWN}, "app.tcpPortrange"),
        ({"tcpPortrange": "http"}, "app.tcpPortrange"),
        ({"tcpPortrange": "443", "iprange": "10.0.0.1-10.0.0.9"}, "app.iprange"),
        ({"protocol": "HTTP"}, "app.protocol"),
        ({"protocol": UNKNOWN}, "app.protocol"),
        ({"protocol": "ICMP", "icmptype": 8.0}, "app.icmptype"),
    ],
)
def test_services_that_are_not_understood_are_unproven(given, reason):
    found = only(policy("p", services=named("app")), resource(SERVICE, "app", name="app", **given))
    assert [rule.unknown for rule in found.rules] == [(reason,)]


# Schedules and expiry

TUESDAY_3 = Point()
TUESDAY_5 = Point(at=datetime(2026, 11, 24, 5, 0, tzinfo=UTC))


def test_a_schedule_holds_on_the_devices_clock():
    window = resource(RECURRING, "w", name="w", day="tuesday", start="02:00", end="04:00")
    found = only(policy("p", schedule="w"), window, UTC_DEVICE)
    assert verdicts(found, TUESDAY_3, TUESDAY_5) == ["allow", "deny"]
    zurich = resource("fortios:system/global:Global", "settings", timezone="Europe/Zurich")
    found = only(policy("p", schedule="w"), resource(RECURRING, "w", name="w", day="tuesday", start="04:30", end="06:30"), zurich)
    assert verdicts(found, TUESDAY_3, TUESDAY_5) == ["deny", "allow"]


@pytest.mark.parametrize("settings", [[], [resource("fortios:system/global:Global", "settings", timezone="26")]])
def test_a_schedule_on_an_unknown_clock_is_unproven(settings):
    window = resource(RECURRING, "w", name="w", day="tuesday", start="02:00", end="04:00")
    assert verdicts(only(policy("p", schedule="w"), window, *settings), TUESDAY_3) == ["unproven"]


def test_a_schedule_past_midnight_and_past_sunday():
    window = resource(RECURRING, "w", name="w", day="sunday", start="22:00", end="02:00")
    found = only(policy("p", schedule="w"), window, UTC_DEVICE)
    moments = [
        datetime(2026, 11, 22, 23, tzinfo=UTC),
        datetime(2026, 11, 23, 1, tzinfo=UTC),
        datetime(2026, 11, 22, 1, tzinfo=UTC),
    ]
    assert verdicts(found, *(Point(at=at) for at in moments)) == ["allow", "allow", "deny"]


def test_equal_start_and_end_are_a_whole_day():
    found = only(
        policy("p", schedule="w"), resource(RECURRING, "w", name="w", day="tuesday", start="00:00", end="00:00"), UTC_DEVICE
    )
    assert verdicts(found, TUESDAY_3, Point(at=datetime(2026, 11, 25, 0, tzinfo=UTC))) == ["allow", "deny"]


def test_a_schedule_whose_name_is_known_is_that_one_whatever_it_was_computed_from():
    nights = resource(
        "fortios:firewall/schedule/recurring:Recurring", "nights", name="nights", day="monday", start="22:00", end="23:00"
    )
    found = only(policy("p", schedule="always", depends={"schedule": [nights.urn]}), nights)
    assert decide(found, Point()) == "allow"


def test_one_time_schedules_and_groups_of_schedules():
    stack = [
        UTC_DEVICE,
        resource(
            "fortios:firewall/schedule/onetime:Onetime", "once", name="once", start="04:30 2026/11/24", end="06:00 2026/11/24"
        ),
        resource(RECURRING, "w", name="w", day="tuesday", start="02:00", end="04:00"),
        resource("fortios:firewall/schedule/group:Group", "both", name="both", members=named("once", "w")),
    ]
    found = only(policy("p", schedule="both"), *stack)
    assert verdicts(found, TUESDAY_3, TUESDAY_5, Point(at=datetime(2026, 11, 24, 7, tzinfo=UTC))) == ["allow", "allow", "deny"]


def test_an_unknown_schedule_is_unproven_and_none_is_never():
    assert verdicts(only(policy("p", schedule="lunch")), TUESDAY_3) == ["unproven"]
    assert only(policy("p", schedule="none")).rules == ()


def test_a_policy_expires():
    found = only(policy("p", policyExpiry="enable", policyExpiryDate="2026-11-24 04:00:00"), UTC_DEVICE)
    assert verdicts(found, TUESDAY_3, TUESDAY_5) == ["allow", "deny"]
    assert verdicts(only(policy("p", policyExpiry="enable", policyExpiryDate="2026-11-24 04:00:00")), TUESDAY_3) == ["unproven"]


# People


def test_groups_are_people_and_never_headless_tasks():
    found = only(policy("p", groups=named("airflow-finance")))
    assert verdicts(found, Point(), Point(environment=None, group="airflow-finance"), Point(environment=None, group="x")) == [
        "deny",
        "allow",
        "deny",
    ]


def test_a_user_group_stands_for_the_groups_that_it_matches_at_the_identity_provider():
    group = resource(
        "fortios:user/group:Group", "g", name="SAML-finance", matches=[{"serverName": "okta", "groupName": "airflow-finance"}]
    )
    found = only(policy("p", groups=named("SAML-finance")), group)
    assert verdicts(found, Point(environment=None, group="airflow-finance"), Point(environment=None, group="SAML-finance")) == [
        "allow",
        "deny",
    ]


@pytest.mark.parametrize("key", ["users", "fssoGroups"])
def test_users_and_fsso_groups_are_somebody_but_nobody_knows_who(key):
    found = only(policy("p", **{key: named("jane")}))
    assert [rule.unknown for rule in found.rules] == [(f"p.{key}",)]


# What narrows or replaces the fields


@pytest.mark.parametrize(
    "given",
    [
        {"ztnaStatus": "enable", "ztnaEmsTags": named("compliant")},
        {"srcVendorMacs": [{"id": 1}]},
        {"internetServiceSrc": "enable", "internetServiceSrcNames": named("x")},
        {"reputationMinimum": 3},
        {"status": UNKNOWN},
        {"action": "learn"},
        {"action": UNKNOWN},
    ],
)
def test_what_narrows_a_policy_makes_it_unproven(given):
    assert decide(only(policy("p", **given)), Point()) == "unproven"


def test_an_internet_service_replaces_destination_and_service():
    found = only(policy("p", internetService="enable", internetServiceNames=named("Amazon-AWS"), dstaddrs=[], services=[]))
    assert decide(found, Point()) == "unproven"
    assert "p.internetService" in found.rules[0].unknown


def test_a_virtual_ip_is_not_a_plain_address():
    vip = resource("fortios:firewall/vip:Vip", "vip", name="vip", extip="10.20.4.10", mappedips=[{"range": "10.99.0.1"}])
    assert decide(only(policy("p", dstaddrs=named("vip")), vip), INSIDE) == "unproven"
    deny, allow = policy("stop", action="deny"), resource(POLICY, "p", **policy("p").properties, after=[urn_of(POLICY, "stop")])
    assert verdicts(only(deny, allow, vip), INSIDE, BESIDE) == ["unproven", "deny"]
    catching = policy("stop", action="deny", matchVip="enable")
    assert verdicts(only(catching, allow, vip), INSIDE, BESIDE) == ["deny", "deny"]


def test_policies_for_ipv6_are_apart_from_those_for_ipv4():
    prefix = resource("fortios:firewall/address6:Address6", "six", name="six", type="ipprefix", ip6="2001:db8:20::/48")
    both = policy("p", srcaddr6s=named("all"), dstaddr6s=named("six"), dstaddrs=named("warehouse"))
    found = only(both, prefix, WAREHOUSE)
    six = Point(source="2001:db8::1", host="2001:db8:20::5", environment=None)
    assert verdicts(found, INSIDE, six, Point(source="2001:db8::1", host="2001:db8:30::5", environment=None)) == [
        "allow",
        "allow",
        "deny",
    ]
    assert decide(only(policy("p")), six) == "deny"


def test_a_name_in_the_ipv4_field_is_nothing_for_ipv6_sources():
    name = resource(ADDRESS, "a", name="a", type="fqdn", fqdn="wh.corp.example")
    prefix = resource("fortios:firewall/address6:Address6", "six", name="six", type="ipprefix", ip6="2001:db8:20::/48")
    found = only(policy("p", srcaddr6s=named("all"), dstaddr6s=named("six"), dstaddrs=named("a")), name, prefix)
    assert verdicts(
        found, Point(host="wh.corp.example"), Point(host="wh.corp.example", source="2001:db8::1", environment=None)
    ) == ["allow", "deny"]
