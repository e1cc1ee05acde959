"""The pack access-proof as a process, over hand-made stacks as they are at preview: ids unknown, links by dependency."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_airlock.offline.packs import Diagnostic, Level, PackSpec, PolicyPacks

PACK = Path(__file__).parents[2] / "policy-packs" / "access-proof"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
AT = "2026-11-20"

ACCESS: dict[str, Any] = {
    "environments": [{"name": "finance", "dags": ["finance_*"]}],
    "principals": [{"name": "finance-etl", "dags": ["finance_*"], "environment": "finance", "owner": "finance@bank.example"}],
    "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["fortigate"]}},
    "destinations": [{"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]}],
    "routes": [{"name": "finance-warehouse", "from": ["finance-etl"], "to": ["warehouse"], "reason": "FIN-1234"}],
    "expect": [{"from": "finance_daily.load", "to": "warehouse:5432", "allow": True}],
}


class Resources:
    """A stack in the making. A property given as `Ref` is unknown, and depends on that resource."""

    def __init__(self) -> None:
        self.made: list[analyzer_pb2.AnalyzerResource] = []
        self.provider = "default"
        """The name of the providers of what is added."""
        self.add("pulumi:pulumi:Stack", "bank-prod")

    def add(self, type_: str, name: str, parent: str = "", /, **properties: Any) -> "Ref":
        made = analyzer_pb2.AnalyzerResource(
            urn=f"urn:pulumi:prod::bank::{type_}::{name}",
            type=type_,
            name=name,
            parent=parent or (self.made[0].urn if self.made else ""),
            properties=json_format.ParseDict(_wire(properties), struct_pb2.Struct()),
            propertyDependencies={
                key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
                for key, value in properties.items()
                if (urns := list(_references(value)))
            },
        )
        if not type_.startswith(("airlock:", "pulumi:pulumi")):
            package = type_.split(":")[0]
            made.provider.CopyFrom(
                analyzer_pb2.AnalyzerProviderResource(
                    urn=f"urn:pulumi:prod::bank::pulumi:providers:{package}::{self.provider}",
                    type=f"pulumi:providers:{package}",
                    name=self.provider,
                )
            )
        self.made.append(made)
        return Ref(made.urn)

    def without(self, name: str) -> "Resources":
        self.made = [one for one in self.made if one.name != name]
        return self


class Ref(str):
    """The URN of a resource whose id a property has."""


def _wire(value: Any) -> Any:
    if isinstance(value, Ref):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_wire(item) for item in value]
    return value


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Ref):
        yield str(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _references(item)


def bank(access: Mapping[str, Any] | None = ACCESS, *, rule_port: Any = 5432) -> Resources:
    """An Airflow environment whose way out are one security group rule, one route, and one FortiGate policy: all hand-written."""
    stack = Resources()
    if access is not None:
        stack.add("airlock:index:Access", "access", document=access)
    vpc = stack.add("aws:ec2/vpc:Vpc", "vpc", cidrBlock="10.40.0.0/20")
    group = stack.add("aws:ec2/securityGroup:SecurityGroup", "tasks", vpcId=vpc, description="Airflow tasks")
    gateway = stack.add("aws:ec2/vpnGateway:VpnGateway", "gateway", vpcId=vpc)
    table = stack.add("aws:ec2/routeTable:RouteTable", "table", vpcId=vpc)
    stack.add("aws:ec2/route:Route", "to-datacenter", routeTableId=table, destinationCidrBlock="10.20.0.0/16", gatewayId=gateway)
    subnets = []
    for number, zone in enumerate("ab"):
        subnet = stack.add(
            "aws:ec2/subnet:Subnet",
            f"subnet-{zone}",
            vpcId=vpc,
            cidrBlock=f"10.40.0.{number * 64}/26",
            availabilityZone=f"eu-central-1{zone}",
        )
        stack.add("aws:ec2/routeTableAssociation:RouteTableAssociation", f"in-{zone}", subnetId=subnet, routeTableId=table)
        subnets.append(subnet)
    stack.add(
        "aws:ec2/networkAcl:NetworkAcl",
        "acl",
        vpcId=vpc,
        subnetIds=subnets,
        egress=[{"ruleNo": 100, "action": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0", "fromPort": 0, "toPort": 0}],
        ingress=[{"ruleNo": 100, "action": "allow", "protocol": "-1", "cidrBlock": "0.0.0.0/0", "fromPort": 0, "toPort": 0}],
    )
    stack.add(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "to-warehouse",
        securityGroupId=group,
        ipProtocol="tcp",
        fromPort=rule_port,
        toPort=rule_port,
        cidrIpv4="10.20.4.10/32",
        description="finance-warehouse",
    )
    stack.add(
        "aws:mwaa/environment:Environment",
        "finance",
        name="finance",
        networkConfiguration={"securityGroupIds": [group], "subnetIds": subnets},
    )
    _fortigate(stack)
    return stack


def _fortigate(stack: Resources) -> None:
    gate = stack.add("airlock:index:FortigateGate", "fortigate", timezone="UTC")
    stack.add(
        "fortios:firewall/address:Address", "airflow", gate, name="airflow", type="ipmask", subnet="10.40.0.0 255.255.255.128"
    )
    stack.add(
        "fortios:firewall/address:Address",
        "warehouse",
        gate,
        name="warehouse",
        type="ipmask",
        subnet="10.20.4.10 255.255.255.255",
    )
    stack.add(
        "fortios:firewallservice/custom:Custom", "postgres", gate, name="postgres", protocol="TCP/UDP/SCTP", tcpPortrange="5432"
    )
    policy(stack, 1, "finance-warehouse", parent=gate)


def policy(stack: Resources, policyid: int, name: str, parent: str = "", **given: Any) -> Ref:
    return stack.add(
        "fortios:firewall/policy:Policy",
        name,
        parent,
        **{
            "policyid": policyid,
            "name": name,
            "action": "accept",
            "status": "enable",
            "schedule": "always",
            "srcintfs": [{"name": "airflow-vpn"}],
            "dstintfs": [{"name": "port3"}],
            "srcaddrs": [{"name": "airflow"}],
            "dstaddrs": [{"name": "warehouse"}],
            "services": [{"name": "postgres"}],
            **given,
        },
    )


@pytest.fixture(scope="module")
def pack() -> Iterator[PolicyPacks]:
    config = {name: {"at": AT} for name in ("access-proof", "no-unjustified-rule", "one-owner-per-check")}
    with PolicyPacks.start([PackSpec(PACK, config)], project="bank", stack="prod") as packs:
        yield packs


def found(packs: PolicyPacks, stack: Resources) -> list[Diagnostic]:
    return packs.analyze_stack(stack.made)


def on(found_: Sequence[Diagnostic], name: str) -> Diagnostic:
    """The one violation on the resource of this name."""
    (one,) = [each for each in found_ if each.urn.endswith(f"::{name}")]
    return one


def test_a_stack_that_lets_through_what_it_declares_has_no_violation(pack: PolicyPacks) -> None:
    assert [one.message for one in found(pack, bank())] == []


def test_the_pack_and_its_policies_say_what_they_are(pack: PolicyPacks) -> None:
    (info,) = pack.infos
    assert info.name == "airlock-access-proof"
    assert {name: (one.kind, one.level) for name, one in info.policies.items()} == {
        "access-proof": ("stack", Level.MANDATORY),
        "no-unjustified-rule": ("stack", Level.MANDATORY),
        "one-owner-per-check": ("stack", Level.MANDATORY),
    }
    assert all(one.remediation_steps and one.framework.startswith("SOC 2 2017 CC6.") for one in info.policies.values())


def test_what_every_gate_lets_through_and_no_route_declares_is_excess(pack: PolicyPacks) -> None:
    access = {**ACCESS, "routes": [], "expect": []}
    violations = found(pack, bank(access))
    assert violations
    assert {one.policy for one in violations} == {"access-proof"}
    assert all(one.level is Level.MANDATORY for one in violations)
    text = "\n".join(one.message for one in violations)
    assert "10.20.4.10" in text, "the witness"
    assert "fortigate" in text, "every gate on the path"


def test_a_declared_route_without_its_rule_is_blocked_on_the_group(pack: PolicyPacks) -> None:
    violations = found(pack, bank(rule_port=5433))
    blocked = [one for one in violations if "finance-warehouse" in one.message and one.policy == "access-proof"]
    assert any(one.urn.endswith("::tasks") for one in blocked)


def test_a_removed_route_table_entry_is_blocked_on_the_table(pack: PolicyPacks) -> None:
    violations = found(pack, bank().without("to-datacenter"))
    assert any(one.policy == "access-proof" and one.urn.endswith(("::table", "::in-a", "::in-b")) for one in violations)
    assert any("rout" in one.message for one in violations)


def test_a_failed_expectation_is_a_violation_of_its_own(pack: PolicyPacks) -> None:
    access = {**ACCESS, "expect": [{"from": "finance_daily.load", "to": "warehouse:5432", "allow": False}]}
    violations = found(pack, bank(access))
    assert len(violations) == 1
    assert violations[0].policy == "access-proof"
    assert "finance_daily.load" in violations[0].message
    assert violations[0].urn.rsplit("::", 1)[-1] in ("finance-warehouse", "to-warehouse", "access")


def test_an_unknown_value_is_unproven_and_names_the_resource(pack: PolicyPacks) -> None:
    violations = found(pack, bank(rule_port=UNKNOWN))
    assert violations
    unproven = [one for one in violations if "to-warehouse" in one.message]
    assert unproven
    assert unproven[0].policy == "access-proof"


def test_a_hand_written_rule_is_found_though_another_gate_stops_it(pack: PolicyPacks) -> None:
    stack = bank()
    group = next(one.urn for one in stack.made if one.name == "tasks")
    stack.add(
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        "open",
        securityGroupId=Ref(group),
        type="egress",
        protocol="-1",
        fromPort=0,
        toPort=0,
        cidrBlocks=["10.20.0.0/16"],
    )
    one = on([each for each in found(pack, stack) if each.policy == "no-unjustified-rule"], "open")
    assert one.level is Level.MANDATORY
    assert "stopped by fortigate" in one.message
    assert "Witness: " in one.message


ANALYSTS = {
    **ACCESS,
    "principals": [*ACCESS["principals"], {"name": "analysts", "group": "airflow-analysts", "sources": ["10.90.0.0/16"]}],
    "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["fortigate", "edge"]}},
    "routes": [*ACCESS["routes"], {"name": "analysts", "from": ["analysts"], "to": ["warehouse"], "reason": "FIN-2"}],
}
"""People reach the warehouse through a second FortiGate as well."""


def two_fortigates(**people: Mapping[str, Any]) -> Resources:
    """`people`: of each FortiGate what its policy for analysts says more."""
    stack = bank(ANALYSTS)
    address, group = "fortios:firewall/address:Address", "fortios:user/group:Group"
    first = next(one.urn for one in stack.made if one.name == "fortigate")
    for gate in (first, stack.add("airlock:index:FortigateGate", "edge", timezone="UTC")):
        name = gate.rsplit("::", 1)[-1]
        if name == "edge":
            stack.provider = name
            for kind, each in (("airflow", "10.40.0.0 255.255.255.128"), ("warehouse", "10.20.4.10 255.255.255.255")):
                stack.add(address, f"edge-{kind}", gate, name=kind, type="ipmask", subnet=each)
            service = "fortios:firewallservice/custom:Custom"
            stack.add(service, "edge-postgres", gate, name="postgres", protocol="TCP/UDP/SCTP", tcpPortrange="5432")
            policy(stack, 1, "edge-finance-warehouse", parent=gate)
        stack.add(address, f"{name}-offices", gate, name="offices", type="ipmask", subnet="10.90.0.0 255.255.0.0")
        matches = [{"serverName": "idp", "groupName": "airflow-analysts"}]
        stack.add(group, f"{name}-analysts", gate, name="analysts", members=[{"name": "idp"}], matches=matches)
        policy(stack, 9, f"{name}-people", parent=gate, **{"srcaddrs": [{"name": "offices"}], **people[name]})
    return stack


BY_GROUP = {"groups": [{"name": "analysts"}]}


def test_two_gates_that_check_who_people_are(pack: PolicyPacks) -> None:
    (one,) = found(pack, two_fortigates(fortigate=BY_GROUP, edge=BY_GROUP))
    assert (one.policy, one.level) == ("one-owner-per-check", Level.MANDATORY)
    assert one.urn.endswith("::edge-people")
    assert "2 gates check who a person is on the way of people to warehouse" in one.message


def test_a_second_gate_that_looks_at_addresses_alone_is_depth(pack: PolicyPacks) -> None:
    assert [one.message for one in found(pack, two_fortigates(fortigate=BY_GROUP, edge={}))] == []


def test_people_whom_no_gate_tells_apart_are_told_beside_the_excess(pack: PolicyPacks) -> None:
    violations = found(pack, two_fortigates(fortigate={}, edge={}))
    assert {one.policy for one in violations} == {"access-proof", "one-owner-per-check"}
    assert "nobody checks who a person is" in on(violations, "access").message


def test_wide_network_acls_are_judged_when_asked_for() -> None:
    config = {"access-proof": {"at": AT}, "no-unjustified-rule": {"at": AT, "networkAcls": True}}
    with PolicyPacks.start([PackSpec(PACK, config)], project="bank", stack="prod") as packs:
        violations = found(packs, bank())
    assert {(one.policy, one.urn.rsplit("::", 1)[-1]) for one in violations} == {("no-unjustified-rule", "acl")}
    assert len(violations) == 2, "one for each rule, not one for each subnet"


def test_a_compiled_rule_may_be_coarser_than_the_routes(pack: PolicyPacks) -> None:
    stack = bank()
    group = next(one.urn for one in stack.made if one.name == "tasks")
    gate = stack.add("airlock:index:AwsNetworkGate", "aws_network")
    stack.add(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "coarse",
        gate,
        securityGroupId=Ref(group),
        ipProtocol="tcp",
        fromPort=5432,
        toPort=5432,
        cidrIpv4="10.20.4.0/24",
    )
    assert [one.message for one in found(pack, stack)] == []


def test_a_fortigate_policy_that_is_left_over_is_found(pack: PolicyPacks) -> None:
    stack = bank()
    stack.add("fortios:firewall/address:Address", "old", name="old", type="ipmask", subnet="10.20.9.0 255.255.255.0")
    policy(stack, 2, "left-over", dstaddrs=[{"name": "old"}])
    violations = found(pack, stack)
    one = on([each for each in violations if each.policy == "no-unjustified-rule"], "left-over")
    assert "10.20.9." in one.message


def test_an_environment_without_declared_access_is_all_excess(pack: PolicyPacks) -> None:
    (one,) = found(pack, bank(None))
    assert one.urn.endswith("::finance")
    assert "declares no access" in one.message


def test_a_stack_without_airflow_and_without_access_is_not_applicable(pack: PolicyPacks) -> None:
    stack = Resources()
    stack.add("aws:s3/bucket:Bucket", "logs")
    assert found(pack, stack) == []
    reasons = {one.policy: one.message for one in pack.not_applicable}
    assert reasons["access-proof"] == "the stack has no Airflow environment and declares no access"


def test_a_document_that_cannot_be_used_is_told_on_the_declaration(pack: PolicyPacks) -> None:
    broken = {
        **ACCESS,
        "routes": [{"name": "r", "from": ["nobody"], "to": ["warehouse"], "reason": "X"}],
        "apiVersion": "airlock/v0",
    }
    (one,) = found(pack, bank(broken))
    assert one.urn.endswith("::access")
    assert "apiVersion" in one.message


def test_access_may_come_from_the_configuration() -> None:
    config = {name: {"at": AT, "access": ACCESS} for name in ("access-proof", "no-unjustified-rule")}
    with PolicyPacks.start([PackSpec(PACK, config)], project="bank", stack="prod") as packs:
        assert [one.message for one in found(packs, bank(None))] == []
