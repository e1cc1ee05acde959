"""Names that lead nowhere and objects that nothing uses: told with their place and the nearest name, and never guessed."""

import io

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.gates.references import Fault, Reference, references
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.report.hygiene import references_to_json, show_references
from pulumi_airlock.tokens import ACCESS, FORTIGATE_GATE
from rich.console import Console

PROVIDER = "urn:pulumi:test::bank::pulumi:providers:fortios::edge"
GROUP, RULE = "ec2/securityGroup:SecurityGroup", "vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def urn_of(type_: str, name: str) -> str:
    return f"urn:pulumi:test::bank::{type_}::{name}"


def fortios(
    token: str, name: str, /, *, provider: str = PROVIDER, depends: dict[str, list[str]] | None = None, **given: object
) -> Resource:
    type_ = f"fortios:{token}"
    links = {key: tuple(found) for key, found in (depends or {}).items()}
    return Resource(urn_of(type_, name), type_, {"name": name, **given}, provider=provider, property_dependencies=links)


def named(*listed: object) -> list[dict[str, object]]:
    return [{"name": one} for one in listed]


def policy(
    name: str = "p", /, *, provider: str = PROVIDER, depends: dict[str, list[str]] | None = None, **given: object
) -> Resource:
    default = {
        "srcintfs": named("any"),
        "dstintfs": named("port1"),
        "srcaddrs": named("all"),
        "dstaddrs": named("all"),
        "services": named("HTTPS", "ALL_TCP", "Web Access"),
        "schedule": "always",
    }
    return fortios("firewall/policy:Policy", name, provider=provider, depends=depends, **{**default, **given})


def address(name: str, **given: object) -> Resource:
    return fortios("firewall/address:Address", name, type="ipmask", subnet="10.20.4.10/32", **given)


def group(name: str, *members: str) -> Resource:
    return fortios("firewall/addrgrp:Addrgrp", name, members=named(*members))


def found(*resources: Resource) -> list[Reference]:
    return list(references(Stack(resources)))


def told(*resources: Resource) -> list[tuple[Fault, str, str, str]]:
    return [(one.fault, one.what, one.name, one.position) for one in found(*resources)]


# --- a FortiGate: undefined


@pytest.mark.parametrize(
    ("given", "what", "name", "position"),
    [
        ({"dstaddrs": named("all", "warehose")}, "address", "warehose", "dstaddrs[1]"),
        ({"srcaddr6s": named("six")}, "address", "six", "srcaddr6s[0]"),
        ({"services": named("TCP-5432")}, "service", "TCP-5432", "services[0]"),
        ({"schedule": "weeknights"}, "schedule", "weeknights", "schedule"),
        ({"dstintfs": named("datacenter")}, "interface", "datacenter", "dstintfs[0]"),
        ({"groups": named("finance")}, "user group", "finance", "groups[0]"),
        ({"poolnames": named("nat")}, "IP pool", "nat", "poolnames[0]"),
    ],
)
def test_a_name_that_nothing_defines_is_told_with_its_place(
    given: dict[str, object], what: str, name: str, position: str
) -> None:
    assert told(policy(**given)) == [(Fault.UNDEFINED, what, name, position)]


def test_members_of_groups_zones_and_route_maps_are_looked_at_too() -> None:
    zone = fortios("system/zone:Zone", "dc", interfaces=[{"interfaceName": "port3"}, {"interfaceName": "vlan-20"}])
    map_ = fortios("router/routemap:Routemap", "in", rules=[{"id": 1, "matchIpAddress": "from-peer"}])
    neighbour = fortios("router/bgp:Bgp", "bgp", neighbors=[{"ip": "10.0.0.1", "routeMapIn": "in"}])
    used = policy(dstaddrs=named("databases"), dstintfs=named("dc"))
    assert told(used, group("databases", "warehouse"), zone, map_, neighbour) == [
        (Fault.UNDEFINED, "address", "warehouse", "members[0]"),
        (Fault.UNDEFINED, "interface", "vlan-20", "interfaces[1]"),
        (Fault.UNDEFINED, "access list or prefix list", "from-peer", "rules[0].matchIpAddress"),
    ]


def test_the_nearest_name_is_offered() -> None:
    (one,) = found(policy(dstaddrs=named("warehose", "warehouse")), address("warehouse"))
    assert one.nearest == "warehouse"
    assert one.message == 'p.dstaddrs[0] names address "warehose", which no resource of edge defines; did you mean "warehouse"?'


def test_what_a_fortigate_brings_along_is_defined() -> None:
    builtin = policy(
        dstaddrs=named("all", "FABRIC_DEVICE"),
        services=named("ALL", "PING", "Email Access", "MGCP"),
        srcintfs=named("wan1", "internal", "ssl.root", "x2"),
        dstintfs=named("virtual-wan-link"),
        schedule="none",
        groups=named("Guest-group"),
    )
    assert told(builtin) == []


def test_a_computed_name_is_no_undefined_one_and_an_object_whose_name_is_computed_may_be_meant() -> None:
    assert told(policy(dstaddrs=named(UNKNOWN))) == []
    assert told(policy(dstaddrs=UNKNOWN)) == []
    hidden = fortios("firewall/address:Address", "later", subnet="10.20.4.10/32")
    object.__setattr__(hidden, "properties", {"name": UNKNOWN, "subnet": "10.20.4.10/32"})
    assert told(policy(dstaddrs=named("warehouse")), hidden) == []


def test_an_object_of_a_device_whose_host_is_not_known_may_be_meant_and_one_of_another_host_is_not() -> None:
    def provider(name: str, **given: object) -> Resource:
        return Resource(urn_of("pulumi:providers:fortios", name), "pulumi:providers:fortios", given)

    def beside(known: bool) -> list[tuple[Fault, str, str, str]]:
        here, there = provider("a", hostname="fw-a.example"), provider("b", **({"hostname": "fw-b.example"} if known else {}))
        elsewhere = fortios("firewall/address:Address", "warehouse", provider=there.urn, subnet="10.20.4.10/32")
        other = policy("other", provider=there.urn, dstaddrs=named("warehouse"))
        return told(here, there, policy(provider=here.urn, dstaddrs=named("warehouse")), elsewhere, other)

    assert beside(known=False) == []
    assert beside(known=True) == [(Fault.UNDEFINED, "address", "warehouse", "dstaddrs[0]")]


def test_what_the_gates_component_and_the_access_file_answer_for_is_defined() -> None:
    gate = Resource(
        urn_of(FORTIGATE_GATE, "edge"),
        FORTIGATE_GATE,
        {"gate": "edge", "interfaces": {"center": {"interfaces": ["datacenter"]}}, "userGroups": {"fw-staff": "staff"}},
        custom=False,
    )
    mine = policy(dstintfs=named("datacenter"), groups=named("fw-staff", "auditors", "strangers"))
    object.__setattr__(mine, "parent", gate.urn)
    document = {"principals": [{"name": "auditors", "group": "auditors"}], "zones": {}, "destinations": [], "routes": []}
    declared = Resource(urn_of(ACCESS, "access"), ACCESS, {"document": document}, custom=False)
    lost = [one for one in found(gate, mine, declared) if one.gate == "edge"]
    assert [(one.what, one.name) for one in lost] == [("user group", "strangers")]


# --- a FortiGate: unused


def test_an_object_that_nothing_names_is_unused_and_so_is_what_only_it_uses() -> None:
    unused = found(policy(), group("databases", "warehouse"), address("warehouse"), address("lake"))
    assert {(one.what, one.name) for one in unused} == {
        ("address group", "databases"),
        ("address", "warehouse"),
        ("address", "lake"),
    }
    messages = {one.name: one.message for one in unused}
    assert "nothing of the stack uses it" in messages["lake"]
    assert 'only address group "databases" uses it, which nothing uses' in messages["warehouse"]


def test_what_a_policy_comes_to_is_used_by_name_or_by_dependency() -> None:
    by_name = policy(dstaddrs=named("databases"), schedule="nights")
    nights = fortios("firewall/schedule/recurring:Recurring", "nights", day="monday", start="02:00", end="04:00")
    assert told(by_name, group("databases", "warehouse"), address("warehouse"), nights) == []
    lake = address("lake")
    assert told(policy(dstaddrs=named(UNKNOWN), depends={"dstaddrs": [lake.urn]}), lake) == []


def test_what_another_kind_of_resource_names_is_used() -> None:
    tunnel = fortios("vpn/ipsec/phase2interface:Phase2interface", "site", srcName="warehouse")
    assert told(policy(), tunnel, address("warehouse")) == []


def test_where_something_unknown_may_name_it_it_is_not_called_unused() -> None:
    assert told(policy(dstaddrs=UNKNOWN), address("warehouse")) == []
    service = fortios("firewall/service/custom:Custom", "TCP-9", tcpPortrange="9")
    assert told(policy(dstaddrs=UNKNOWN), service) == [(Fault.UNUSED, "service", "TCP-9", "")], "of other kinds it says nothing"


# --- the AWS network


def aws(token: str, name: str, depends: dict[str, list[str]] | None = None, **given: object) -> Resource:
    links = {key: tuple(found) for key, found in (depends or {}).items()}
    return Resource(urn_of(f"aws:{token}", name), f"aws:{token}", given, property_dependencies=links)


def test_a_security_group_is_used_by_what_has_it_and_not_by_its_rules() -> None:
    tasks, other = aws(GROUP, "tasks"), aws(GROUP, "other")
    rule = aws(RULE, "r", {"securityGroupId": [other.urn], "referencedSecurityGroupId": [tasks.urn]})
    environment = aws("mwaa/environment:Environment", "e", {"networkConfiguration": [tasks.urn]})
    assert told(tasks, other, rule, environment) == [(Fault.UNUSED, "security group", "other", "")]
    assert {one for _, _, one, _ in told(tasks, other, rule)} == {"tasks", "other"}


def test_a_known_id_links_as_a_dependency_does_and_an_output_of_the_stack_counts() -> None:
    tasks = aws(GROUP, "tasks", id="sg-1")
    root = Resource(urn_of("pulumi:pulumi:Stack", "s"), "pulumi:pulumi:Stack", {"group": "sg-1"}, custom=False)
    component = Resource(urn_of("my:index:Net", "net"), "my:index:Net", {"groupId": "sg-1"}, custom=False)
    instance = aws("ec2/instance:Instance", "i", vpcSecurityGroupIds=["sg-1"])
    assert told(tasks, root) == []
    assert told(tasks, instance) == []
    assert told(tasks, component) == [(Fault.UNUSED, "security group", "tasks", "")], "a component only repeats it"


def test_prefix_lists_route_tables_and_acls_that_are_attached_to_nothing() -> None:
    listed = aws("ec2/managedPrefixList:ManagedPrefixList", "partners")
    entry = aws("ec2/managedPrefixListEntry:ManagedPrefixListEntry", "e", {"prefixListId": [listed.urn]}, cidr="10.0.0.0/8")
    table, acl = aws("ec2/routeTable:RouteTable", "out"), aws("ec2/networkAcl:NetworkAcl", "acl")
    route = aws("ec2/route:Route", "r", {"routeTableId": [table.urn]})
    numbered = aws("ec2/networkAclRule:NetworkAclRule", "n", {"networkAclId": [acl.urn]})
    alone = told(listed, entry, table, acl, route, numbered)
    assert [(what, name) for _, what, name, _ in alone] == [
        ("prefix list", "partners"),
        ("network ACL", "acl"),
        ("route table", "out"),
    ]
    subnet = aws("ec2/subnet:Subnet", "s")
    ties = [
        aws("ec2/routeTableAssociation:RouteTableAssociation", "t", {"subnetId": [subnet.urn], "routeTableId": [table.urn]}),
        aws("ec2/networkAclAssociation:NetworkAclAssociation", "a", {"networkAclId": [acl.urn]}),
        aws("ec2/route:Route", "p", {"destinationPrefixListId": [listed.urn], "routeTableId": [table.urn]}),
    ]
    assert told(listed, entry, table, acl, route, numbered, subnet, *ties) == []


# --- the access file

DOCUMENT = {
    "environments": [{"name": "finance"}, {"name": "idle"}],
    "principals": [
        {"name": "close", "dags": ["close_*"], "environment": "finance"},
        {"name": "lost", "dags": ["*"], "environment": "idle"},
    ],
    "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["egde"]}, "empty": {"gates": ["edge"]}},
    "destinations": [
        {"name": "db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
        {"name": "unloved", "zone": "center", "cidrs": ["10.20.5.10/32"], "ports": ["443/tcp"]},
    ],
    "routes": [{"name": "r", "from": ["close"], "to": ["db"], "reason": "T"}],
}


def test_the_access_files_own_names_are_held_against_the_stack() -> None:
    Access.model_validate(DOCUMENT)
    declared = Resource(urn_of(ACCESS, "access"), ACCESS, {"document": DOCUMENT}, custom=False)
    environments = [aws("mwaa/environment:Environment", name) for name in ("finances", "idle")]
    rows = [(one.fault, one.what, one.name, one.position) for one in found(declared, policy(), *environments)]
    assert rows == [
        (Fault.UNDEFINED, "gate", "egde", "zones.center.gates"),
        (Fault.UNDEFINED, "environment", "finance", "environments[0].name"),
        (Fault.UNUSED, "environment", "idle", "environments[1].name"),
        (Fault.UNUSED, "principal", "lost", "principals[1].name"),
        (Fault.UNUSED, "destination", "unloved", "destinations[1].name"),
        (Fault.UNUSED, "zone", "empty", "zones.empty"),
    ]
    nearest = {one.name: one.nearest for one in found(declared, policy(), *environments) if one.fault is Fault.UNDEFINED}
    assert nearest == {"egde": "edge", "finance": "finances"}


def test_an_environment_that_only_principals_name_is_looked_up_too() -> None:
    document = {**DOCUMENT, "environments": [], "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["edge"]}}}
    declared = Resource(urn_of(ACCESS, "access"), ACCESS, {"document": document}, custom=False)
    lost = [one for one in found(declared, policy(), aws("mwaa/environment:Environment", "idle")) if one.fault is Fault.UNDEFINED]
    assert [(one.what, one.name, one.position) for one in lost] == [("environment", "finance", "principals[0].environment")]


# --- how it is told


def test_it_is_shown_undefined_first_and_the_same_in_json() -> None:
    listed = found(policy(dstaddrs=named("warehose")), address("lake"))
    out = io.StringIO()
    show_references(Console(file=out, width=200), listed)
    lines = out.getvalue().splitlines()
    assert lines[0] == "Names that nothing defines (1)"
    assert lines[1].startswith('  ! edge: p.dstaddrs[0] names address "warehose"')
    assert lines[2] == "Defined, and used by nothing (1)"
    assert [(one["fault"], one["name"]) for one in references_to_json(listed)] == [("undefined", "warehose"), ("unused", "lake")]


def test_a_stack_without_a_fault_says_nothing() -> None:
    out = io.StringIO()
    show_references(Console(file=out), found(policy(dstaddrs=named("warehouse")), address("warehouse")))
    assert out.getvalue() == ""
