"""Policies on what AWS lets through: security groups in all their forms, network ACLs, prefix lists, subnets, flow logs."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import EnforcementLevel, Severity

from .addresses import SETTINGS, world_open
from .controls import Cis, Soc2
from .reading import UNKNOWN, Stack, Subject
from .registry import Config, Findings, resource_policy, stack_policy, undecided, wrong

GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
ACL = "aws:ec2/networkAcl:NetworkAcl"
DEFAULT_ACL = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
ACL_RULE = "aws:ec2/networkAclRule:NetworkAclRule"
PREFIX_LIST = "aws:ec2/managedPrefixList:ManagedPrefixList"
PREFIX_ENTRY = "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"
SUBNET = "aws:ec2/subnet:Subnet"
VPC = "aws:ec2/vpc:Vpc"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"

Path = tuple[str | int, ...]


@resource_policy(
    "aws-no-world-open-ingress",
    types=(GROUP, RULE, INGRESS_RULE, DEFAULT_GROUP),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    cis=Cis.GROUP_ADMIN_PORTS,
    fix="Replace the CIDR with the addresses of those who connect, or refer to their security group.",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    settings=SETTINGS,
)
def no_world_open_ingress(it: Subject) -> Findings:
    """No security group lets the internet in, on any port."""
    yield from _world_open(it, "ingress", INGRESS_RULE)


@resource_policy(
    "aws-no-world-open-egress",
    types=(GROUP, RULE, EGRESS_RULE, DEFAULT_GROUP),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Allow the CIDRs of the zones that routes lead to, and reach AWS services through VPC endpoints.",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    settings=SETTINGS,
)
def no_world_open_egress(it: Subject) -> Findings:
    """No security group lets traffic out to the whole internet."""
    yield from _world_open(it, "egress", EGRESS_RULE)


def _world_open(it: Subject, direction: str, separate: str) -> Findings:
    way = {"ingress": "ingress from", "egress": "egress to"}[direction]
    for path, cidr in _cidrs(it, direction, separate):
        if cidr is UNKNOWN:
            yield undecided(it, path)
        elif world_open(cidr, it.config):
            if it.kind == RULE and it.get("type") is UNKNOWN:
                yield undecided(it, "type")
            else:
                yield wrong(it, path, f"is {cidr}: {way} the whole internet{_ports(it, path)}")


def _cidrs(it: Subject, direction: str, separate: str) -> Iterator[tuple[Path, Any]]:
    """Every CIDR that rules of this direction name, in whichever way the rule is written."""
    if it.kind == RULE:
        if it.get("type") in (direction, UNKNOWN):
            yield from it.items("cidrBlocks")
            yield from it.items("ipv6CidrBlocks")
    elif it.kind == separate:
        yield from (((prop,), it.get(prop)) for prop in ("cidrIpv4", "cidrIpv6") if it.get(prop) is not None)
    else:
        for block, value in it.items(direction):
            if value is UNKNOWN:
                yield block, UNKNOWN
            else:
                yield from it.items(*block, "cidrBlocks")
                yield from it.items(*block, "ipv6CidrBlocks")


def _ports(it: Subject, path: Path) -> str:
    block = path[:2] if len(path) > 2 and isinstance(path[1], int) else ()
    first, last = it.get(*block, "fromPort"), it.get(*block, "toPort")
    protocol = it.get(*block, "protocol", default=it.get("ipProtocol", default="-1"))
    if protocol in ("-1", "all"):
        return " on every port"
    if protocol is UNKNOWN or not all(isinstance(port, int | float) for port in (first, last)):
        return ""
    return f" on {first:g}/{protocol}" if first == last else f" on {first:g}-{last:g}/{protocol}"


@resource_policy(
    "aws-default-security-group-closed",
    types=(DEFAULT_GROUP,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    cis=Cis.DEFAULT_GROUP,
    fix="Leave `ingress` and `egress` out: the resource then removes every rule of the default group.",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
)
def default_security_group_closed(it: Subject) -> Findings:
    """The default security group of a VPC has no rules, so that what is attached to it by mistake reaches nothing."""
    for direction in ("ingress", "egress"):
        rules = it.listed(direction)
        if UNKNOWN in rules:
            yield undecided(it, direction)
        elif rules:
            yield wrong(it, direction, f"has {len(rules)} rule(s); the default group should have none")


@stack_policy(
    "aws-default-security-group-unused",
    types=("aws:*",),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    cis=Cis.DEFAULT_GROUP,
    fix="Give the resource a security group of its own, with the rules that it needs.",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
)
def default_security_group_unused(stack: Stack, _: Config) -> Findings:
    """Nothing is attached to a VPC's default security group: it is shared by everything that forgot to choose one."""
    # The id is unknown at preview, but it can only come from the VPC or from the adopted default group itself.
    for one in stack.resources:
        for prop in one.property_dependencies:
            if not prop.lower().endswith(("securitygroupids", "securitygroups")):
                continue
            for origin in one.refers_to(prop, VPC, DEFAULT_GROUP):
                yield wrong(one, prop, f"is computed from {origin.name}: the default security group of the VPC")


@resource_policy(
    "aws-network-acl-no-any-any",
    types=(ACL, DEFAULT_ACL, ACL_RULE),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    cis=Cis.ACL_ADMIN_PORTS,
    fix="Allow the protocols, ports and CIDRs that cross the subnet's border; where none are special, write no ACL.",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html",
    settings=SETTINGS,
)
def network_acl_no_any_any(it: Subject) -> Findings:
    """A network ACL that is written down does not allow every protocol from or to everywhere: it would be no gate at all."""
    blocks: list[Path] = [()]
    if it.kind != ACL_RULE:
        found = [(path, value) for direction in ("ingress", "egress") for path, value in it.items(direction)]
        yield from (undecided(it, path) for path, value in found if value is UNKNOWN)
        blocks = [path for path, value in found if value is not UNKNOWN]
    for block in blocks:
        action, protocol = it.get(*block, "ruleAction" if it.kind == ACL_RULE else "action"), it.get(*block, "protocol")
        cidrs = [it.get(*block, prop) for prop in ("cidrBlock", "ipv6CidrBlock")]
        wide = [cidr for cidr in cidrs if cidr is not UNKNOWN and world_open(cidr, it.config)]
        everything = protocol is UNKNOWN or str(protocol).removesuffix(".0") in ("-1", "all")
        if str(action).lower() == "deny" or not everything or not (wide or UNKNOWN in cidrs):
            continue
        if UNKNOWN in (action, protocol) or not wide:
            yield undecided(it, (*block, "protocol" if protocol is UNKNOWN else "cidrBlock"))
        else:
            yield wrong(it, block or "cidrBlock", f"allows every protocol for {wide[0]}")


@resource_policy(
    "aws-prefix-list-not-open",
    types=(PREFIX_LIST, PREFIX_ENTRY),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="List the addresses that are meant; a list that holds the internet opens every rule that refers to it.",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html",
    settings=SETTINGS,
)
def prefix_list_not_open(it: Subject) -> Findings:
    """No managed prefix list holds the whole internet."""
    paths: list[Path] = [("cidr",)]
    if it.kind == PREFIX_LIST:
        paths = [path if value is UNKNOWN else (*path, "cidr") for path, value in it.items("entries")]
    for path in paths:
        cidr = it.get(*path)
        if cidr is UNKNOWN:
            yield undecided(it, path)
        elif world_open(cidr, it.config):
            yield wrong(it, path, f"is {cidr}: the whole internet")


@resource_policy(
    "aws-security-group-rule-described",
    types=(RULE, INGRESS_RULE, EGRESS_RULE),
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Say in `description` which route or ticket the rule is for.",
    level=EnforcementLevel.ADVISORY,
)
def security_group_rule_described(it: Subject) -> Findings:
    """Every separate security group rule says what it is for."""
    description = it.get("description", default="")
    if description is UNKNOWN:
        yield undecided(it, "description")
    elif not str(description).strip():
        yield wrong(it, "description", "is empty: nobody will dare to remove this rule")


@resource_policy(
    "aws-subnet-no-public-ip",
    types=(SUBNET,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="Set `mapPublicIpOnLaunch` to false; what needs a public address gets one of its own.",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html",
)
def subnet_no_public_ip(it: Subject) -> Findings:
    """No subnet hands out public addresses by itself."""
    value = it.get("mapPublicIpOnLaunch", default=False)
    if value is UNKNOWN:
        yield undecided(it, "mapPublicIpOnLaunch")
    elif value in (True, "true"):
        yield wrong(it, "mapPublicIpOnLaunch", "is on: every interface in this subnet gets a public address")


@stack_policy(
    "aws-vpc-flow-logs",
    types=(VPC,),
    beside=(FLOW_LOG,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    cis=Cis.FLOW_LOGS,
    fix="Add an `aws.ec2.FlowLog` for the VPC with `traffic_type` ALL or REJECT.",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html",
    level=EnforcementLevel.ADVISORY,
)
def vpc_flow_logs(stack: Stack, _: Config) -> Findings:
    """Every VPC that the stack makes has a flow log that sees what was refused."""
    for vpc in stack.of_type(VPC):
        logs = stack.referring_to(vpc, "vpcId", FLOW_LOG)
        kinds = [log.get("trafficType", default="ALL") for log in logs]
        if any(kind is not UNKNOWN and kind in ("ALL", "REJECT") for kind in kinds):
            continue
        if UNKNOWN in kinds:
            yield undecided(vpc, "flowLog")
        else:
            yield wrong(vpc, "", "has a flow log of accepted traffic alone" if logs else "has no flow log")
