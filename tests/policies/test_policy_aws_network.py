import pytest
from policy_testing import UNKNOWN, on, resource

GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
DEFAULT = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
VPC = "aws:ec2/vpc:Vpc"
SSH = {"protocol": "tcp", "fromPort": 22, "toPort": 22}


def test_no_world_open_ingress():
    rule = on("aws-no-world-open-ingress", RULE)
    rule.passes(type="ingress", cidrBlocks=["10.0.0.0/8", "203.0.113.0/24"], **SSH)
    rule.passes(type="egress", cidrBlocks=["0.0.0.0/0"], **SSH)
    rule.fails("cidrBlocks[1] is 0.0.0.0/0: ingress", type="ingress", cidrBlocks=["10.0.0.0/8", "0.0.0.0/0"], **SSH)
    rule.fails("on 22/tcp", type="ingress", ipv6CidrBlocks=["::/0"], **SSH)
    rule.fails("0.0.0.0/0", type="ingress", cidrBlocks=[UNKNOWN, "0.0.0.0/0"], **SSH)
    rule.undecided("cidrBlocks", type="ingress", cidrBlocks=UNKNOWN, **SSH)
    rule.undecided("type", type=UNKNOWN, cidrBlocks=["0.0.0.0/0"], **SSH)

    separate = on("aws-no-world-open-ingress", INGRESS)
    separate.passes(cidrIpv4="10.0.0.0/16", ipProtocol="-1")
    separate.fails("on every port", cidrIpv4="0.0.0.0/0", ipProtocol="-1")
    separate.fails("::/0", cidrIpv6="::/0", ipProtocol="tcp", fromPort=1, toPort=1024)
    separate.undecided("cidrIpv4", cidrIpv4=UNKNOWN, ipProtocol="-1")

    inline = on("aws-no-world-open-ingress", GROUP)
    inline.passes(ingress=[{**SSH, "cidrBlocks": ["10.1.0.0/16"]}], egress=[{"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}])
    inline.fails("ingress[1].cidrBlocks[0]", ingress=[UNKNOWN, {**SSH, "cidrBlocks": ["0.0.0.0/0"]}])
    inline.undecided("ingress[0].cidrBlocks", ingress=[{**SSH, "cidrBlocks": UNKNOWN}])


@pytest.mark.parametrize("half", ["0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/8", "2000::/3"])
def test_halves_of_the_internet_are_the_internet(half):
    prop = "cidrIpv6" if ":" in half else "cidrIpv4"
    on("aws-no-world-open-ingress", INGRESS).fails(half, **{prop: half}, ipProtocol="-1")
    on("aws-no-world-open-ingress", INGRESS, openPrefixLength=0, openPrefixLengthIpv6=0).passes(**{prop: half}, ipProtocol="-1")


def test_no_world_open_egress():
    separate = on("aws-no-world-open-egress", EGRESS)
    separate.passes(cidrIpv4="10.20.0.0/16", ipProtocol="tcp", fromPort=5432, toPort=5432)
    separate.passes(prefixListId=UNKNOWN, ipProtocol="tcp", fromPort=443, toPort=443)
    separate.fails("egress to the whole internet on 443/tcp", cidrIpv4="0.0.0.0/0", ipProtocol="tcp", fromPort=443, toPort=443)
    separate.undecided("cidrIpv4", cidrIpv4=UNKNOWN, ipProtocol="tcp")
    inline = on("aws-no-world-open-egress", GROUP)
    inline.fails(
        "egress[0].ipv6CidrBlocks[0]", egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "ipv6CidrBlocks": ["::/0"]}]
    )
    on("aws-no-world-open-egress", RULE).fails("0.0.0.0/0", type="egress", cidrBlocks=["0.0.0.0/0"], protocol="-1")


def test_default_security_group_closed():
    policy = on("aws-default-security-group-closed", DEFAULT)
    policy.passes(vpcId=UNKNOWN)
    policy.passes(ingress=[], egress=[])
    policy.fails("ingress has 1 rule(s)", ingress=[{"protocol": "-1", "self": True}], egress=UNKNOWN)
    policy.undecided("egress", egress=UNKNOWN)


def test_default_security_group_unused():
    vpc = resource(VPC, "vpc", cidrBlock="10.0.0.0/16")
    own = resource(GROUP, "own", links={"vpcId": "vpc"})
    endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"
    policy = on("aws-default-security-group-unused")
    policy.passes([vpc, own, resource(endpoint, "sqs", links={"securityGroupIds": "own", "vpcId": "vpc"})])
    policy.fails("default security group", [vpc, resource(endpoint, "sqs", links={"securityGroupIds": "vpc"})], at="sqs")
    # An id of unknown origin says nothing.
    policy.passes([vpc, resource(endpoint, "sqs", securityGroupIds=UNKNOWN)])


def test_network_acl_no_any_any():
    rule = on("aws-network-acl-no-any-any", "aws:ec2/networkAclRule:NetworkAclRule")
    rule.passes(ruleAction="allow", protocol="tcp", cidrBlock="0.0.0.0/0", fromPort=1024, toPort=65535)
    rule.passes(ruleAction="deny", protocol="-1", cidrBlock="0.0.0.0/0")
    rule.fails("allows every protocol for 0.0.0.0/0", ruleAction="allow", protocol="-1", cidrBlock="0.0.0.0/0")
    rule.undecided("protocol", ruleAction="allow", protocol=UNKNOWN, cidrBlock="0.0.0.0/0")
    rule.undecided("cidrBlock", ruleAction="allow", protocol="-1", cidrBlock=UNKNOWN)
    acl = on("aws-network-acl-no-any-any", "aws:ec2/networkAcl:NetworkAcl")
    acl.passes(ingress=[{"action": "allow", "protocol": "-1", "cidrBlock": "10.0.0.0/16"}])
    acl.fails("egress[0]", egress=[{"action": "allow", "protocol": "-1", "ipv6CidrBlock": "::/0"}], ingress=UNKNOWN)
    acl.undecided("ingress", ingress=UNKNOWN)


def test_prefix_list_not_open():
    policy = on("aws-prefix-list-not-open", "aws:ec2/managedPrefixList:ManagedPrefixList")
    policy.passes(entries=[{"cidr": "10.20.0.0/16"}])
    policy.fails("entries[1].cidr is 0.0.0.0/0", entries=[UNKNOWN, {"cidr": "0.0.0.0/0"}])
    policy.undecided("entries[0].cidr", entries=[{"cidr": UNKNOWN}])
    policy.undecided("entries", entries=UNKNOWN)
    on("aws-prefix-list-not-open", "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry").fails("cidr is ::/0", cidr="::/0")


def test_security_group_rule_described():
    policy = on("aws-security-group-rule-described", EGRESS)
    policy.passes(description="FIN-1234 ledger")
    policy.fails("description is empty", description=" ")
    policy.undecided("description", description=UNKNOWN)


def test_subnet_no_public_ip():
    policy = on("aws-subnet-no-public-ip", "aws:ec2/subnet:Subnet")
    policy.passes(cidrBlock="10.0.0.0/24")
    policy.fails("mapPublicIpOnLaunch is on", mapPublicIpOnLaunch=True)
    policy.undecided("mapPublicIpOnLaunch", mapPublicIpOnLaunch=UNKNOWN)


def test_vpc_flow_logs():
    vpc, log = resource(VPC, "vpc"), "aws:ec2/flowLog:FlowLog"
    policy = on("aws-vpc-flow-logs")
    policy.passes([vpc, resource(log, "log", links={"vpcId": "vpc"}, trafficType="REJECT")])
    policy.fails("has no flow log", [vpc, resource(VPC, "other"), resource(log, "log", links={"vpcId": "other"})], at="vpc")
    policy.fails("accepted traffic alone", [vpc, resource(log, "log", links={"vpcId": "vpc"}, trafficType="ACCEPT")], at="vpc")
    policy.undecided("flowLog", [vpc, resource(log, "log", links={"vpcId": "vpc"}, trafficType=UNKNOWN)])
    assert VPC in policy.not_applicable([resource(log, "log")])
