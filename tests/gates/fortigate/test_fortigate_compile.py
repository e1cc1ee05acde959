"""What routes become on the device: which policy, on which objects, in which order; and what is refused, all of it at once."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from fortigate_helpers import POLICY, Point, decide, run_program
from pulumi_airlock.access.model import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.fortigate import FortigateGate, read
from pulumi_airlock.gates.fortigate.dialect import Sdk

MOVE = "fortios:firewall/policyMove:PolicyMove"
RECURRING = "fortios:firewall/schedule/recurring:Recurring"

pytestmark = pytest.mark.usefixtures("dialect")


def access(**changes):
    document = {
        "principals": [
            {"name": "etl", "dags": ["finance_*"], "environment": "finance"},
            {"name": "feeds", "dags": ["markets_*"], "environment": "markets"},
            {"name": "analysts", "group": "airflow-finance", "sources": ["10.60.8.0/22"]},
        ],
        "zones": {
            "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["aws_network", "fortigate"]},
            "partners": {"cidrs": ["203.0.113.0/26"], "gates": ["fortigate"]},
            "cloud": {"cidrs": ["10.99.0.0/16"], "gates": ["aws_network"]},
        },
        "destinations": [
            {
                "name": "warehouse",
                "zone": "datacenter",
                "hosts": ["wh.corp.example"],
                "cidrs": ["10.20.4.10/32"],
                "ports": ["5432/tcp"],
            },
            {"name": "ledger", "zone": "datacenter", "cidrs": ["10.20.5.0/28", "10.20.6.0/28"], "ports": ["1521/tcp"]},
            {"name": "api", "zone": "datacenter", "hosts": ["*.corp.example"], "ports": ["443/tcp", "8000-8010/tcp"]},
            {"name": "sftp", "zone": "partners", "cidrs": ["203.0.113.10/32"], "ports": ["22/tcp"]},
            {"name": "archive", "zone": "datacenter", "cidrs": ["10.20.9.0/28", "2001:db8::/64"], "ports": ["9000/tcp"]},
            {"name": "lake", "zone": "cloud", "cidrs": ["10.99.1.0/24"], "ports": ["443/tcp"]},
        ],
        "routes": [{"name": "finance-warehouse", "from": ["etl"], "to": ["warehouse"], "reason": "FIN-1234"}],
        **changes,
    }
    return Access.model_validate(document)


def route(name, to, *, who=("etl",), **more):
    return {"name": name, "from": list(who), "to": list(to), "reason": f"because of {name}", **more}


def gate(routes=None, **given):
    arguments = {
        "access": access(**({"routes": routes} if routes is not None else {})),
        "sources": {"finance": ["10.40.0.0/26", "10.40.0.64/26"], "markets": ["10.40.1.0/26"]},
        "tunnel_interface": "airflow-vpn",
        "interfaces": {"datacenter": "port3", "partners": "port5"},
        "people_interface": "port2",
        **given,
    }
    return FortigateGate("fortigate", **arguments)


def built(routes=None, **given):
    return run_program(lambda: gate(routes, **given))


def by_name(stack, type_, name):
    return next(one for one in stack.of_type(type_) if one.name == name)


def policies(stack):
    return {one.name.removeprefix("fortigate-"): one for one in stack.of_type(POLICY)}


def names_of(resource, key):
    return [one["name"] for one in resource.get_list(key)]


# The graph


def test_a_route_becomes_one_policy_from_the_environment_to_the_destination():
    stack = built()
    policy = policies(stack)["finance-warehouse"]
    assert names_of(policy, "srcintfs") == ["airflow-vpn"]
    assert names_of(policy, "dstintfs") == ["port3"]
    assert names_of(policy, "srcaddrs") == ["airlock-from-finance"]
    assert names_of(policy, "dstaddrs") == ["airlock-to-warehouse"]
    assert names_of(policy, "services") == ["airlock-tcp-5432"]
    assert policy.get("comments") == "finance-warehouse: FIN-1234"
    group = by_name(stack, "fortios:firewall/addrgrp:Addrgrp", "fortigate-to-warehouse")
    assert group in policy.refers_to("dstaddrs")
    address = by_name(stack, "fortios:firewall/address:Address", "fortigate-net-10.20.4.10_32")
    assert (address.get("type"), address.get("subnet")) == ("ipmask", "10.20.4.10 255.255.255.255")
    assert address in group.refers_to("members")


def test_everything_is_a_child_of_the_gate_and_named_once():
    stack = built([route("one", ["warehouse", "ledger"]), route("two", ["sftp", "archive", "api"], who=["etl", "analysts"])])
    component = stack.of_type("airlock:index:FortigateGate")[0]
    ours = [one for one in stack.resources if one.type.startswith("fortios:")]
    assert all(one.parent == component.urn for one in ours)
    named = [(one.type, one.get("name")) for one in ours if one.get("name")]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("name", ["finance-warehouse", "deny-all"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "enable"),
        ("logtraffic", "all"),
        ("nat", "disable"),
        ("utmStatus", "disable"),
        ("srcaddrNegate", "disable"),
        ("dstaddrNegate", "disable"),
        ("srcaddr6Negate", "disable"),
        ("dstaddr6Negate", "disable"),
        ("serviceNegate", "disable"),
        ("internetService", "disable"),
        ("internetServiceSrc", "disable"),
        ("ztnaStatus", "disable"),
        ("policyExpiry", "disable"),
        ("scheduleTimeout", "disable"),
        ("schedule", "always"),
        ("users", []),
        ("fssoGroups", []),
        ("groups", []),
    ],
)
def test_what_the_device_would_otherwise_keep_is_always_said(name, key, value):
    assert policies(built())[name].get(key) == value


def test_the_last_policy_denies_and_logs_everything_else_from_the_tunnel():
    last = policies(built())["deny-all"]
    assert last.get("action") == "deny"
    assert names_of(last, "srcintfs") == ["airflow-vpn"]
    assert names_of(last, "dstintfs") == ["any"]
    for key in ("srcaddrs", "dstaddrs", "srcaddr6s", "dstaddr6s"):
        assert names_of(last, key) == ["all"]
    assert names_of(last, "services") == ["ALL"]
    assert last.get("matchVip") == "enable"


def test_each_policy_is_moved_before_the_next_one_from_the_last_to_the_first():
    stack = built([route("one", ["warehouse"]), route("two", ["ledger"]), route("three", ["sftp"])])
    moves = {one.name: one for one in stack.of_type(MOVE)}
    found = policies(stack)
    chain = ["one", "two", "three", "deny-all"]
    for first, second in pairwise(chain):
        move = moves[f"fortigate-{first}-order"]
        assert move.get("move") == "before"
        assert move.refers_to("policyidSrc") == (found[first],)
        assert move.refers_to("policyidDst") == (found[second],)
    assert moves["fortigate-two-order"].urn in moves["fortigate-one-order"].dependencies
    assert moves["fortigate-three-order"].urn in moves["fortigate-two-order"].dependencies


def test_nothing_is_let_through_before_the_deny_all_is_there():
    found = policies(built([route("one", ["warehouse"]), route("two", ["ledger"])]))
    assert all(found["deny-all"].urn in found[name].dependencies for name in ("one", "two"))


def test_all_of_it_goes_before_a_policy_that_is_on_the_device():
    move = by_name(built(place_before=7), MOVE, "fortigate-deny-all-order")
    assert (move.get("move"), move.get("policyidDst")) == ("before", 7)


def test_routes_to_zones_without_this_gate_are_left_alone():
    assert set(policies(built([route("lake", ["lake"])]))) == {"deny-all"}


def test_the_same_program_gives_the_same_resources():
    routes = [
        route("one", ["warehouse", "ledger", "api"], who=["etl", "feeds", "analysts"]),
        route("two", ["sftp"], who=["feeds"]),
    ]
    # Which of them is registered first, and whether the root is, is the SDK's affair.
    first, second = (
        {one.urn: dict(one.properties) for one in built(routes).resources if one.type != "pulumi:pulumi:Stack"} for _ in range(2)
    )
    assert first == second


# Fewest policies, never wider


def test_principals_with_the_same_access_share_a_policy():
    found = policies(built([route("one", ["warehouse"]), route("two", ["warehouse"], who=["feeds"])]))
    assert set(found) == {"one", "deny-all"}
    assert names_of(found["one"], "srcaddrs") == ["airlock-from-finance", "airlock-from-markets"]
    assert found["one"].get("comments") == "one: because of one; two: because of two"


def test_destinations_with_other_ports_stay_apart():
    found = policies(built([route("one", ["warehouse", "ledger"])]))
    assert set(found) == {"one", "one-2", "deny-all"}
    assert [names_of(found[name], "services") for name in ("one", "one-2")] == [["airlock-tcp-5432"], ["airlock-tcp-1521"]]


def test_another_expiry_is_another_policy():
    found = policies(built([route("one", ["warehouse"], expires="2030-06-30"), route("two", ["warehouse"], who=["feeds"])]))
    assert set(found) == {"one", "two", "deny-all"}


# Windows and expiry

NIGHT = {"days": ["mon", "fri"], "from": "22:00", "to": "02:00", "timezone": "UTC"}


def test_a_window_is_a_schedule_that_ends_running_sessions():
    stack = built([route("night", ["warehouse"], window=NIGHT)])
    policy = policies(stack)["night"]
    schedule = stack.of_type(RECURRING)[0]
    assert schedule in policy.refers_to("schedule")
    assert [schedule.get(key) for key in ("day", "start", "end")] == ["monday friday", "22:00", "02:00"]
    assert policy.get("scheduleTimeout") == "enable"
    assert len(schedule.get("name")) <= 31


def test_two_windows_of_the_same_access_become_a_schedule_group():
    noon = {"days": ["mon"], "from": "12:00", "to": "13:00", "timezone": "UTC"}
    stack = built([route("night", ["warehouse"], window=NIGHT), route("noon", ["warehouse"], window=noon)])
    assert set(policies(stack)) == {"night", "deny-all"}
    group = stack.of_type("fortios:firewall/schedule/group:Group")[0]
    assert set(group.refers_to("members")) == set(stack.of_type(RECURRING))
    assert group in policies(stack)["night"].refers_to("schedule")


def test_a_dag_run_is_left_to_another_gate_and_the_comment_says_so():
    policy = policies(built([route("run", ["warehouse"], window={"dagrun": "finance_daily"})]))["run"]
    assert policy.get("schedule") == "always"
    assert "only while DAG finance_daily runs: enforced at another gate" in policy.get("comments")


@pytest.mark.parametrize(
    ("timezone", "expected"),
    [("UTC", "2030-07-01 00:00:00"), ("Europe/Zurich", "2030-07-01 02:00:00"), ("America/New_York", "2030-06-30 20:00:00")],
)
def test_a_route_expires_after_its_last_day_in_utc_on_the_devices_clock(timezone, expected):
    policy = policies(built([route("one", ["warehouse"], expires="2030-06-30")], timezone=timezone))["one"]
    assert (policy.get("policyExpiry"), policy.get("policyExpiryDate")) == ("enable", expected)


# People, names, address families


def test_people_come_by_their_group_interface_and_addresses():
    policy = policies(built([route("ui", ["warehouse"], who=["analysts"])]))["ui"]
    assert names_of(policy, "srcintfs") == ["port2"]
    assert names_of(policy, "groups") == ["airflow-finance"]
    assert names_of(policy, "srcaddrs") == ["airlock-net-10.60.8.0_22"]


def test_a_user_group_may_have_another_name_on_the_device():
    policy = policies(built([route("ui", ["warehouse"], who=["analysts"])], user_groups={"airflow-finance": "SAML-finance"}))[
        "ui"
    ]
    assert names_of(policy, "groups") == ["SAML-finance"]


def test_declared_addresses_are_used_rather_than_names_and_names_where_there_are_none():
    stack = built([route("one", ["warehouse", "api"])])
    named = [one.get("fqdn") for one in stack.of_type("fortios:firewall/address:Address") if one.get("type") == "fqdn"]
    assert named == ["*.corp.example"]


def test_port_ranges_are_one_service_each():
    stack = built([route("one", ["api"])])
    ranges = {one.get("name"): one.get("tcpPortrange") for one in stack.of_type("fortios:firewall/service/custom:Custom")}
    assert ranges == {"airlock-tcp-443": "443", "airlock-tcp-8000-8010": "8000-8010"}


def test_ipv6_is_only_there_where_both_ends_have_it():
    stack = built([route("one", ["archive"])])
    policy = policies(stack)["one"]
    assert not policy.get_list("srcaddr6s")
    assert not policy.get_list("dstaddr6s")
    both = built([route("one", ["archive"])], sources={"finance": ["10.40.0.0/26", "2001:db8:40::/64"]})
    policy = policies(both)["one"]
    assert names_of(policy, "srcaddr6s") == ["airlock-from-finance"]
    assert names_of(policy, "dstaddr6s") == ["airlock-to-archive"]
    assert both.of_type("fortios:firewall/address6:Address6")[0].get("ip6") == "2001:db8::/64"


def test_a_vdom_is_said_on_everything():
    stack = built([route("one", ["warehouse"], window=NIGHT)], vdom="airflow")
    assert all(one.get("vdomparam") == "airflow" for one in stack.resources if one.type.startswith("fortios:"))


# Refusals


def problems(routes=None, **given):
    with pytest.raises(InputError) as caught:
        built(routes, **given)
    return [str(one) for one in caught.value.problems]


def test_every_problem_is_told_at_once():
    window = {"days": ["mon"], "from": "22:00", "to": "02:00", "timezone": "Europe/Zurich"}
    found = problems(
        [route("night", ["warehouse"], window=window), route("ui", ["warehouse"], who=["analysts"])],
        people_interface=None,
        interfaces={"datacenter": "port3", "moon": "port9"},
        sources={"finance": ["10.40.0/26"]},
    )
    text = "\n".join(found)
    assert "fortigate: routes[night].window.timezone: 'Europe/Zurich': a FortiGate's schedules follow its own clock (UTC)" in text
    assert "fortigate: people_interface: missing" in text
    assert "fortigate: interfaces: no interface leads to zone 'partners'" in text
    assert "fortigate: interfaces[moon]: no zone 'moon'" in text
    assert "fortigate: sources[finance]: '10.40.0/26' is no CIDR" in text


def test_an_environment_without_sources_is_refused_with_those_there_are():
    found = problems([route("one", ["warehouse"], who=["feeds"])], sources={"finance": ["10.40.0.0/26"]})
    assert found == ["fortigate: principals[feeds].environment: no sources for environment 'markets'; sources: finance"]


def test_a_group_that_is_too_long_for_the_device_is_refused():
    people = {"name": "analysts", "group": "airflow-finance-controllers-and-auditors"}
    changed = access(principals=[people], routes=[route("ui", ["warehouse"], who=["analysts"])])
    assert "over 35 characters" in problems(access=changed)[0]


def test_a_destination_that_no_source_can_address_is_refused():
    only6 = {"name": "portal", "zone": "datacenter", "cidrs": ["2001:db8:1::/64"], "ports": ["443/tcp"]}
    changed = access(destinations=[only6], routes=[route("one", ["portal"])])
    assert problems(access=changed) == ["fortigate: routes[one]: 'etl' has no IPv6 source, and 'portal' no other address"]


def test_port_zero_is_refused():
    zero = {"name": "odd", "zone": "datacenter", "cidrs": ["10.20.1.0/24"], "ports": ["0-65535/tcp"]}
    changed = access(destinations=[zero], routes=[route("one", ["odd"])])
    assert problems(access=changed) == [
        "fortigate: destinations[odd].ports: '0-65535/tcp': FortiOS takes ports 1–65535: write 1-65535/tcp"
    ]


def test_a_time_zone_that_does_not_exist_is_refused():
    assert "no time zone" in problems(timezone="Europe/Zuerich")[0]


def test_no_window_is_held_against_a_time_zone_that_does_not_exist():
    window = {"days": ["mon"], "from": "22:00", "to": "02:00", "timezone": "Europe/Zurich"}
    changed = access(routes=[route("night", ["warehouse"], window=window)])
    assert [one.split(": ")[1] for one in problems(access=changed, timezone="Europe/Zuerich")] == ["timezone"]


# As part of a program


def test_a_tunnel_whose_name_is_not_known_yet_is_still_the_tunnel(dialect):
    def program():
        zone = Sdk(dialect).system_zone("vpn", interfaces=[{"interface_name": "vpn-1"}])
        gate([route("one", ["warehouse"])], tunnel_interface=zone.name)
        Sdk(dialect).firewall_policy(
            "lan",
            action="accept",
            srcintfs=[{"name": "port9"}],
            dstintfs=[{"name": "any"}],
            srcaddrs=[{"name": "all"}],
            dstaddrs=[{"name": "all"}],
            services=[{"name": "ALL"}],
            schedule="always",
        )

    found = next(iter(read(run_program(program))))
    point = Point(source="10.40.0.5", host="10.20.4.10")
    assert [decide(found, one) for one in (point, replace(point, port=22))] == ["allow", "deny"]


def test_reading_needs_no_fortios_sdk():
    code = "import sys; from pulumi_airlock.gates.fortigate import read; sys.exit('pulumiverse_fortios' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
