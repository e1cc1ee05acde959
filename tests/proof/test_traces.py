"""A trace goes down to the object: which member of which field of the deciding rule holds a point."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.gates.aws_network import read as read_network
from pulumi_airlock.gates.fortigate import read as read_fortigate
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof import Outcome, Row, explain
from pulumi_airlock.proof.atoms.places import Place
from pulumi_airlock.proof.atoms.subjects import Subject
from pulumi_airlock.proof.engine.tracing import Spot, holds, trace
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Part, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Intervals, Services

NIGHT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)  # a Tuesday
PROVIDER = "urn:pulumi:test::bank::pulumi:providers:fortios::edge"
FINANCE = Environment("finance", "urn::finance", Hosts.from_cidr("10.40.0.0/25"))

ACCESS = Access.model_validate(
    {
        "principals": [
            {"name": "close", "dags": ["*"], "environment": "finance"},
            {"name": "staff", "group": "bank-finance", "sources": ["10.60.0.0/24"]},
        ],
        "zones": {"center": {"cidrs": ["10.20.0.0/16", "2001:db8:20::/48"], "gates": ["edge"]}},
        "destinations": [
            {"name": "warehouse", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
            {"name": "api", "zone": "center", "hosts": ["api.corp.example"], "cidrs": ["10.20.9.0/30"], "ports": ["443/tcp"]},
        ],
        "routes": [{"name": "r", "from": ["close", "staff"], "to": ["warehouse", "api"], "reason": "T"}],
    }
)


def fortios(token: str, name: str, **properties: object) -> Resource:
    urn = f"urn:pulumi:test::bank::fortios:{token}::{name}"
    return Resource(urn, f"fortios:{token}", {"name": name, **properties}, provider=PROVIDER)


def address(name: str, subnet: str) -> Resource:
    return fortios("firewall/address:Address", name, type="ipmask", subnet=subnet)


def group(name: str, *members: str, **more: object) -> Resource:
    return fortios("firewall/addrgrp:Addrgrp", name, members=names(*members), **more)


def names(*listed: str) -> list[dict[str, str]]:
    return [{"name": one} for one in listed]


def policy(**given: object) -> Resource:
    default = {
        "policyid": 3,
        "action": "accept",
        "srcintfs": names("any"),
        "dstintfs": names("any"),
        "srcaddrs": names("all"),
        "dstaddrs": names("all"),
        "services": names("ALL"),
        "schedule": "always",
    }
    return fortios("firewall/policy:Policy", "finance-warehouse", **{**default, **given})


OBJECTS = [
    fortios("system/global:Global", "settings", timezone="Europe/Zurich"),
    address("warehouse", "10.20.4.10 255.255.255.255"),
    address("lake", "10.20.5.0/24"),
    group("dc-postgres", "warehouse"),
    group("dc-databases", "lake", "dc-postgres"),
    address("env-finance", "10.40.0.0/25"),
    fortios("firewall/service/custom:Custom", "TCP-5432", protocol="TCP/UDP/SCTP", tcpPortrange="5432"),
    fortios("firewall/service/group:Group", "databases", members=names("MS-SQL", "TCP-5432")),
    fortios("firewall/schedule/recurring:Recurring", "weeknights", day="monday tuesday", start="02:00", end="04:00"),
    fortios("firewall/schedule/group:Group", "nights", members=names("weeknights")),
    fortios("user/group:Group", "Finance", matches=[{"groupName": "bank-finance"}]),
]


def row(*resources: Resource, who: str = "close", to: str = "warehouse:5432") -> Row:
    filters = list(read_fortigate(Stack([*OBJECTS, *resources])))
    answer = explain(ACCESS, [FINANCE], filters, who, to, at=NIGHT)
    (found,) = answer.rows
    return found


def test_each_field_down_to_its_object_through_nested_groups() -> None:
    found = row(
        policy(srcaddrs=names("env-finance"), dstaddrs=names("dc-databases"), services=names("databases"), schedule="nights")
    )
    assert found.outcome is Outcome.ALLOW
    assert [str(one) for one in found.trace] == [
        'srcaddr address "env-finance" 10.40.0.0/25',
        'dstaddr group "dc-databases" → group "dc-postgres" → address "warehouse" 10.20.4.10/32',
        'service group "databases" → service "TCP-5432" 5432/tcp',
        'schedule group "nights" → schedule "weeknights" Mon, Tue 02:00–04:00 Europe/Zurich',
    ]
    assert [step.urn.rsplit("::", 1)[-1] for step in found.trace[1].steps] == ["dc-databases", "dc-postgres", "warehouse"]


def test_what_refuses_is_traced_as_well() -> None:
    found = row(policy(action="deny", dstaddrs=names("dc-postgres")))
    assert found.outcome is Outcome.DENY
    assert 'dstaddr group "dc-postgres" → address "warehouse" 10.20.4.10/32' in map(str, found.trace)


def test_of_several_entries_the_one_that_holds_and_how_many_others_do() -> None:
    found = row(policy(dstaddrs=names("lake", "warehouse", "dc-databases", "all")))
    (destination,) = [one for one in found.trace if one.field == "dstaddr"]
    assert str(destination) == 'dstaddr address "warehouse" 10.20.4.10/32 (and 2 other entries)'


def test_a_negated_field_says_what_it_leaves_out() -> None:
    found = row(policy(dstaddrs=names("lake"), dstaddrNegate="enable", services=names("SSH", "HTTP"), serviceNegate="enable"))
    assert [str(one) for one in found.trace if one.field in ("dstaddr", "service")] == [
        'dstaddr not "lake"',
        'service none of "SSH", "HTTP"',
    ]


def test_people_are_traced_to_their_user_group() -> None:
    found = row(policy(groups=names("Finance"), dstaddrs=names("warehouse")), who="staff")
    assert 'groups user group "Finance" for bank-finance' in map(str, found.trace)


def test_an_address_by_its_name_and_a_name_by_its_object() -> None:
    named = fortios("firewall/address:Address", "the-api", type="fqdn", fqdn="api.corp.example")
    other = fortios("firewall/address:Address", "elsewhere", type="fqdn", fqdn="elsewhere.corp.example")
    for to in ("10.20.9.1:443", "api.corp.example:443"):
        found = row(policy(dstaddrs=names("elsewhere", "the-api")), named, other, to=to)
        assert 'dstaddr address "the-api" api.corp.example' in [str(one).partition(" (")[0] for one in found.trace], to


def test_what_is_not_in_the_stack_or_not_known_is_said_to_be() -> None:
    undefined = row(policy(dstaddrs=names("nowhere")))
    assert undefined.outcome is Outcome.UNKNOWN
    assert 'dstaddr address "nowhere" not in the stack' in map(str, undefined.trace)
    computed = fortios("firewall/address:Address", "later", type="ipmask", subnet=UNKNOWN)
    assert 'dstaddr address "later" not known' in map(str, row(policy(dstaddrs=names("later")), computed).trace)


def test_an_end_of_the_policy_itself_is_an_entry() -> None:
    found = row(policy(policyExpiry="enable", policyExpiryDate="2026-12-31 00:00:00"))
    assert "policy-expiry-date 2026-12-30 Europe/Zurich" in map(str, found.trace)


def test_a_default_has_no_trace() -> None:
    assert row(policy(dstaddrs=names("lake"))).trace == ()


def test_a_sweep_never_asks_for_entries() -> None:
    def never() -> tuple[Part, ...]:
        raise AssertionError("asked for the entries of a rule without a witness")

    wall = Rule(Action.DENY, Match(hosts=Hosts.from_cidr("192.0.2.0/24")), Source("urn::p"), parts=never)
    filters = [Filter("edge", "p", Combine.FIRST_MATCH, Action.ALLOW, (wall,), "urn::edge")]
    assert explain(ACCESS, [FINANCE], filters, "close", "warehouse:5432", at=NIGHT).outcome is Outcome.ALLOW


# --- the AWS network


def aws(token: str, name: str, depends: dict[str, list[str]] | None = None, **properties: object) -> Resource:
    links = {key: tuple(urn_of(one) for one in found) for key, found in (depends or {}).items()}
    return Resource(urn_of(f"{token}::{name}"), f"aws:{token}", properties, property_dependencies=links)


def urn_of(what: str) -> str:
    return f"urn:pulumi:test::bank::aws:{what}"


def network(*rules: Resource) -> Stack:
    vpc, subnet, tasks = "ec2/vpc:Vpc::net", "ec2/subnet:Subnet::zone-0", "ec2/securityGroup:SecurityGroup::tasks"
    placed = {"networkConfiguration": [subnet, tasks]}
    return Stack(
        [
            aws("ec2/vpc:Vpc", "net", cidrBlock="10.40.0.0/16"),
            aws("ec2/subnet:Subnet", "zone-0", {"vpcId": [vpc]}, vpcId=UNKNOWN, cidrBlock="10.40.0.0/25"),
            aws("ec2/securityGroup:SecurityGroup", "tasks", {"vpcId": [vpc]}, vpcId=UNKNOWN),
            aws(
                "ec2/managedPrefixList:ManagedPrefixList",
                "partners",
                entries=[{"cidr": "10.20.4.0/28", "description": "databases"}],
            ),
            aws(
                "mwaa/environment:Environment",
                "finance",
                placed,
                networkConfiguration={"subnetIds": [UNKNOWN], "securityGroupIds": [UNKNOWN]},
            ),
            aws(
                "ec2/routeTable:RouteTable",
                "out",
                {"vpcId": [vpc]},
                vpcId=UNKNOWN,
                routes=[{"cidrBlock": "10.20.0.0/16", "gatewayId": "vgw-1"}],
            ),
            aws(
                "ec2/routeTableAssociation:RouteTableAssociation",
                "out",
                {"subnetId": [subnet], "routeTableId": ["ec2/routeTable:RouteTable::out"]},
                subnetId=UNKNOWN,
                routeTableId=UNKNOWN,
            ),
            *rules,
        ]
    )


def egress(name: str, depends: dict[str, list[str]], **properties: object) -> Resource:
    group_of = {"securityGroupId": ["ec2/securityGroup:SecurityGroup::tasks"]}
    given = {"securityGroupId": UNKNOWN, "ipProtocol": "tcp", "fromPort": 5432, "toPort": 5433, **properties}
    return aws("vpc/securityGroupEgressRule:SecurityGroupEgressRule", name, {**group_of, **depends}, **given)


def traces(stack: Stack) -> dict[str, list[str]]:
    answer = explain(ACCESS, [FINANCE], list(read_network(stack)), "close", "10.20.4.10:5432", at=NIGHT)
    return {one.filter.name.split()[0]: [str(each) for each in one.trace] for one in answer.rows}


@pytest.mark.parametrize(
    ("depends", "given", "said"),
    [
        ({}, {"cidrIpv4": "10.20.0.0/16"}, "cidrIpv4 10.20.0.0/16"),
        (
            {"prefixListId": ["ec2/managedPrefixList:ManagedPrefixList::partners"]},
            {"prefixListId": UNKNOWN},
            'prefixListId prefix list "partners" → entry "databases" 10.20.4.0/28',
        ),
    ],
)
def test_a_security_group_is_traced_to_the_network_and_the_ports(
    depends: dict[str, list[str]], given: dict[str, object], said: str
) -> None:
    found = traces(network(egress("db", depends, **given)))
    assert found["security"] == [said, "ports 5432-5433/tcp"]
    assert found["route"] == ["cidrBlock 10.20.0.0/16"]


# --- entries mean together what their rule means

cidrs = st.sampled_from(["10.20.4.10/32", "10.20.4.0/24", "10.20.0.0/16", "10.21.0.0/16"])


@given(
    st.lists(cidrs, min_size=1, max_size=4),
    st.lists(st.sampled_from(["SSH", "HTTPS", "DNS", "ALL"]), min_size=1, max_size=3),
    st.booleans(),
)
def test_the_entries_of_a_field_together_are_the_field(networks: list[str], services: list[str], negate: bool) -> None:
    objects = [address(f"a{number}", one) for number, one in enumerate(networks)]
    given = policy(dstaddrs=names("some", "a0"), services=names(*services), dstaddrNegate="enable" if negate else "disable")
    (wall,) = read_fortigate(Stack([given, *objects, group("some", *(f"a{number}" for number in range(len(networks))))]))
    (rule,) = [one for one in wall.rules if not one.unknown]
    parts = {field: [one for one in rule.parts() if one.field == field] for field in ("dstaddr", "service")}
    union = Hosts.union(one.match.hosts for one in parts["dstaddr"])
    assert (union.v4, union.v6) == (rule.match.hosts.v4, rule.match.hosts.v6)
    assert Services.union(one.match.services for one in parts["service"]) == rule.match.services
    for part in parts["dstaddr"]:
        if part.parts:
            assert Hosts.union(one.match.hosts for one in part.parts) == part.match.hosts


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), min_size=1, max_size=6),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_the_entry_that_is_told_holds_the_point_and_none_is_told_only_where_none_does(
    entries: list[tuple[int, int]], host: int, caller: int
) -> None:
    def span(first: int, more: int) -> Hosts:
        return Hosts(v4=Intervals(((first, first + more),)))

    parts = tuple(Part("to", "address", str(number), Match(hosts=span(*one))) for number, one in enumerate(entries))
    sources = tuple(Part("from", "", str(number), Match(who=Who(sources=span(*one)))) for number, one in enumerate(entries))
    rule = Rule(Action.ALLOW, Match(), Source("urn::r"), parts=lambda: (*parts, *sources))
    subject = Subject("finance", frozenset(), None, 4, caller, 0, "d.t")
    found = {one.field: one for one in trace(rule, Spot(subject, Place(4, host, None, None), (6, 443), NIGHT, frozenset()))}
    for field, point in (("to", host), ("from", caller)):
        holding = [str(number) for number, (first, more) in enumerate(entries) if first <= point <= first + more]
        assert ([found[field].steps[0].name, found[field].others] if holding else None) == (
            [holding[0], len(holding) - 1] if holding else found.get(field)
        )


def test_a_name_of_which_some_addresses_are_held_may_be_held() -> None:
    subject = Subject("finance", frozenset(), None, 4, 1, 0, "d.t")
    may = Hosts.from_cidr("10.20.9.0/30").v4
    spot = Spot(subject, Place(4, None, "api.corp.example", "center", may), (6, 443), NIGHT, frozenset())
    assert holds(Match(hosts=Hosts.from_cidr("10.20.9.1")), spot)
    assert not holds(Match(hosts=Hosts.from_cidr("10.20.8.1")), spot)
    assert holds(Match(hosts=Hosts.from_names(["*.corp.example"])), spot)
