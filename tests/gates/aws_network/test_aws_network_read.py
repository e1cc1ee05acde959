"""What the AWS network lets through, read from resources that anybody may have written."""

import pulumi
import pulumi_aws as aws
import pytest
from pulumi_airlock.gates.aws_network import read
from pulumi_airlock.proof.filters import Action, Combine, Filter, Kind
from pulumi_airlock.proof.sets import Hosts, Services

TASK = Hosts.from_cidr("10.1.0.7/32")


class Net:
    """A VPC with an MWAA environment in two subnets, hand-written."""

    def __init__(self, group: dict | None = None, own_tables: bool = True) -> None:
        self.vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        self.subnets = [aws.ec2.Subnet(f"zone-{i}", vpc_id=self.vpc.id, cidr_block=f"10.1.{i}.0/24") for i in (0, 1)]
        self.group = aws.ec2.SecurityGroup("tasks", vpc_id=self.vpc.id, **(group or {}))
        self.tables = []
        if own_tables:
            for i, subnet in enumerate(self.subnets):
                self.tables.append(aws.ec2.RouteTable(f"table-{i}", vpc_id=self.vpc.id))
                aws.ec2.RouteTableAssociation(f"table-{i}", subnet_id=subnet.id, route_table_id=self.tables[i].id)
        self.environment = aws.mwaa.Environment(
            "finance",
            dag_s3_path="dags/",
            execution_role_arn="arn:aws:iam::123456789012:role/r",
            source_bucket_arn="arn:aws:s3:::b",
            network_configuration={"subnet_ids": [s.id for s in self.subnets], "security_group_ids": [self.group.id]},
        )


def decide(found: Filter, host: str, port: int = 443, protocol: str = "tcp", source: Hosts = TASK) -> str:
    """allow, deny or unknown; None where the filter is not on the way."""
    hosts = Hosts.from_names([host]) if host[0].isalpha() else Hosts.from_cidr(host)
    service = Services.of(protocol, port, port)
    if found.scope.who.sources is not None and not (found.scope.who.sources & source):
        return "outside"
    outcomes = set()
    for rule in found.rules:
        matches = (
            holds(rule.match.hosts, hosts)
            and rule.match.services & service == service
            and (rule.match.who.sources is None or bool(rule.match.who.sources & source))
        )
        if not matches:
            continue
        outcomes.add(rule.action.value)
        if not rule.unknown:
            # Any-allow filters have allow rules alone, so that a sure match decides in both.
            return outcomes.pop() if len(outcomes) == 1 else "unknown"
    outcomes.add(found.default.value)
    return outcomes.pop() if len(outcomes) == 1 else "unknown"


def holds(rule: Hosts, hosts: Hosts) -> bool:
    return rule.covers_addresses(hosts) and all(name in rule.names for name in hosts.names.patterns)


def one(stack, part: str) -> Filter:
    (found,) = [each for each in read(stack) if part in each.name]
    return found


def egress(stack) -> Filter:
    return one(stack, "egress")


def table(stack, subnet: str = "zone-0") -> Filter:
    (found,) = [each for each in read(stack) if each.kind is Kind.ROUTING and each.name.endswith(f"of {subnet}")]
    return found


# Security groups.


def test_a_group_without_rules_lets_nothing_out(run):
    found = egress(run(Net))

    assert (found.combine, found.default, found.rules) == (Combine.ANY_ALLOW, Action.DENY, ())
    assert found.scope.who.environments == {"finance"}
    assert found.always
    assert found.gate == "finance"


def test_inline_egress_is_read_with_its_position(run):
    block = {"protocol": "tcp", "from_port": 5432, "to_port": 5433, "cidr_blocks": ["10.20.0.0/16"], "description": "db"}
    found = egress(run(lambda: Net(group={"egress": [block]})))

    assert decide(found, "10.20.1.1/32", 5433) == "allow"
    assert decide(found, "10.20.1.1/32", 5434) == "deny"
    assert decide(found, "10.20.1.1/32", 5432, "udp") == "deny"
    assert str(found.rules[0].source) == 'rule "db" (tasks.egress[0])'


@pytest.mark.parametrize(
    "kind", [aws.ec2.SecurityGroupRule, aws.vpc.SecurityGroupEgressRule], ids=["SecurityGroupRule", "SecurityGroupEgressRule"]
)
def test_a_hand_written_rule_that_opens_the_world_is_seen(run, kind):
    def program():
        net = Net()
        if kind is aws.ec2.SecurityGroupRule:
            kind(
                "oops",
                type="egress",
                security_group_id=net.group.id,
                protocol="-1",
                from_port=0,
                to_port=0,
                cidr_blocks=["0.0.0.0/0"],
            )
        else:
            kind("oops", security_group_id=net.group.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0")

    found = egress(run(program))

    assert decide(found, "198.51.100.1/32", 22) == "allow"
    assert found.rules[0].source.urn.endswith("::oops")
    assert not found.rules[0].unknown


def test_rules_of_another_group_are_not_this_ones(run):
    def program():
        net = Net()
        other = aws.ec2.SecurityGroup("other", vpc_id=net.vpc.id)
        aws.vpc.SecurityGroupEgressRule("theirs", security_group_id=other.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0")

    assert egress(run(program)).rules == ()


def test_an_ingress_rule_lets_nothing_out(run):
    def program():
        net = Net()
        aws.ec2.SecurityGroupRule(
            "in",
            type="ingress",
            security_group_id=net.group.id,
            protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_blocks=["192.0.2.0/24"],
        )

    stack = run(program)
    assert egress(stack).rules == ()
    inward = one(stack, "ingress")
    assert decide(inward, "10.1.0.9/32", source=Hosts.from_cidr("192.0.2.5/32")) == "allow"
    assert decide(inward, "10.1.0.9/32", source=Hosts.from_cidr("198.51.100.5/32")) == "deny"
    assert inward.scope.who.outside == {"finance"}
    assert inward.scope.hosts == Hosts.from_cidrs(["10.1.0.0/24", "10.1.1.0/24"])


def test_itself_means_its_own_subnets(run):
    def program():
        net = Net()
        aws.ec2.SecurityGroupRule(
            "self", type="egress", security_group_id=net.group.id, protocol="-1", from_port=0, to_port=0, self=True
        )
        aws.vpc.SecurityGroupEgressRule(
            "self2", security_group_id=net.group.id, ip_protocol="-1", referenced_security_group_id=net.group.id
        )

    found = egress(run(program))
    assert [rule.match.hosts for rule in found.rules] == [Hosts.from_cidrs(["10.1.0.0/24", "10.1.1.0/24"])] * 2
    assert not any(rule.unknown for rule in found.rules)


def test_a_group_whose_addresses_nobody_can_tell_is_unknown(run):
    def program():
        net = Net()
        db = aws.ec2.SecurityGroup("db", vpc_id=net.vpc.id)
        aws.rds.Instance("db", instance_class="db.t4g.micro", vpc_security_group_ids=[db.id])
        aws.vpc.SecurityGroupEgressRule(
            "to-db",
            security_group_id=net.group.id,
            ip_protocol="tcp",
            from_port=5432,
            to_port=5432,
            referenced_security_group_id=db.id,
        )

    found = egress(run(program))
    assert decide(found, "10.1.9.9/32", 5432) == "unknown"
    assert decide(found, "10.2.9.9/32", 5432) == "deny"
    assert found.rules[0].unknown == ("which addresses have the group db",)


def test_the_group_of_endpoints_is_somewhere_in_their_subnets(run):
    def program():
        net = Net()
        group = aws.ec2.SecurityGroup("endpoints", vpc_id=net.vpc.id)
        subnet = aws.ec2.Subnet("endpoints", vpc_id=net.vpc.id, cidr_block="10.1.9.0/24")
        aws.ec2.VpcEndpoint("logs", vpc_id=net.vpc.id, service_name="s", subnet_ids=[subnet.id], security_group_ids=[group.id])
        aws.vpc.SecurityGroupEgressRule(
            "to-endpoints",
            security_group_id=net.group.id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            referenced_security_group_id=group.id,
        )

    found = egress(run(program))
    assert decide(found, "10.1.9.9/32") == "unknown"
    assert decide(found, "10.1.8.9/32") == "deny"


def test_prefix_lists_of_the_stack_are_their_entries_and_awss_own_a_name(run):
    def program():
        net = Net()
        mine = aws.ec2.ManagedPrefixList("mine", address_family="IPv4", max_entries=2, entries=[{"cidr": "10.40.0.0/16"}])
        aws.ec2.ManagedPrefixListEntry("more", prefix_list_id=mine.id, cidr="10.50.0.0/16")
        s3 = aws.ec2.VpcEndpoint(
            "s3", vpc_id=net.vpc.id, service_name="com.amazonaws.eu-central-1.s3", vpc_endpoint_type="Gateway"
        )
        for name, prefix_list in (("mine", mine.id), ("s3", s3.prefix_list_id), ("foreign", "pl-0123")):
            aws.vpc.SecurityGroupEgressRule(
                name, security_group_id=net.group.id, ip_protocol="tcp", from_port=443, to_port=443, prefix_list_id=prefix_list
            )

    stack = run(program)
    found = {rule.source.urn.rsplit("::")[-1]: rule for rule in egress(stack).rules}
    mine, s3, foreign = found["mine"], found["s3"], found["foreign"]
    assert mine.match.hosts == Hosts.from_cidrs(["10.40.0.0/16", "10.50.0.0/16"])
    assert s3.match.hosts == Hosts.from_names(["pl:com.amazonaws.eu-central-1.s3"])
    assert (mine.unknown, s3.unknown) == ((), ())
    assert foreign.unknown == ("foreign.prefixListId (pl-0123)",)


def test_an_unknown_cidr_may_be_anything_and_names_its_property(preview):
    def program():
        net = Net()
        address = aws.ec2.Eip("address")
        cidr = address.public_ip.apply(lambda ip: f"{ip}/32")
        aws.vpc.SecurityGroupEgressRule(
            "r", security_group_id=net.group.id, ip_protocol="tcp", from_port=443, to_port=443, cidr_ipv4=cidr
        )

    found = egress(preview(program))
    assert decide(found, "198.51.100.1/32", 443) == "unknown"
    assert decide(found, "198.51.100.1/32", 80) == "deny"
    assert found.rules[0].unknown == ("r.cidrIpv4",)


def test_icmp_by_type_may_or_may_not_match(run):
    def program():
        net = Net()
        aws.vpc.SecurityGroupEgressRule(
            "ping", security_group_id=net.group.id, ip_protocol="icmp", from_port=8, to_port=0, cidr_ipv4="10.0.0.0/8"
        )
        aws.vpc.SecurityGroupEgressRule(
            "all", security_group_id=net.group.id, ip_protocol="icmp", from_port=-1, to_port=-1, cidr_ipv4="172.16.0.0/12"
        )

    found = egress(run(program))
    assert decide(found, "10.2.0.1/32", 0, "icmp") == "unknown"
    assert decide(found, "172.16.0.1/32", 0, "icmp") == "allow"


def test_several_groups_are_a_union(run):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        subnets = [aws.ec2.Subnet(f"zone-{i}", vpc_id=vpc.id, cidr_block=f"10.1.{i}.0/24") for i in (0, 1)]
        groups = [aws.ec2.SecurityGroup(f"g{i}", vpc_id=vpc.id) for i in (0, 1)]
        for i, group in enumerate(groups):
            aws.vpc.SecurityGroupEgressRule(f"r{i}", security_group_id=group.id, ip_protocol="-1", cidr_ipv4=f"10.2{i}.0.0/16")
        aws.mwaa.Environment(
            "finance",
            dag_s3_path="dags/",
            execution_role_arn="arn",
            source_bucket_arn="arn",
            network_configuration={"subnet_ids": [s.id for s in subnets], "security_group_ids": [g.id for g in groups]},
        )

    found = egress(run(program))
    assert [decide(found, host) for host in ("10.20.0.1/32", "10.21.0.1/32", "10.22.0.1/32")] == ["allow", "allow", "deny"]


def test_a_group_that_is_not_in_the_stack_is_unknown_but_its_rules_here_are_known(run):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        subnets = [aws.ec2.Subnet(f"zone-{i}", vpc_id=vpc.id, cidr_block=f"10.1.{i}.0/24") for i in (0, 1)]
        aws.vpc.SecurityGroupEgressRule("r", security_group_id="sg-9", ip_protocol="-1", cidr_ipv4="10.20.0.0/16")
        aws.mwaa.Environment(
            "finance",
            dag_s3_path="dags/",
            execution_role_arn="arn",
            source_bucket_arn="arn",
            network_configuration={"subnet_ids": [s.id for s in subnets], "security_group_ids": ["sg-9"]},
        )

    found = egress(run(program))
    assert decide(found, "10.20.0.1/32") == "allow"
    assert decide(found, "10.21.0.1/32") == "unknown"
    assert any("sg-9: not in this stack" in reason for rule in found.rules for reason in rule.unknown)


# Network ACLs.


def acl(net: Net, **blocks) -> aws.ec2.NetworkAcl:
    return aws.ec2.NetworkAcl("acl", vpc_id=net.vpc.id, subnet_ids=[net.subnets[0].id], **blocks)


def rule(number: int, action: str, cidr: str = "0.0.0.0/0", protocol: str = "-1", first: int = 0, last: int = 0) -> dict:
    return {"rule_no": number, "action": action, "cidr_block": cidr, "protocol": protocol, "from_port": first, "to_port": last}


def test_a_subnet_with_the_default_acl_has_no_acl_filter(run):
    assert not [each for each in read(run(Net)) if "network ACL" in each.name]


def test_an_acl_decides_by_number_not_by_position(run):
    def program():
        acl(Net(), egress=[rule(200, "allow"), rule(100, "deny", "10.66.0.0/16")], ingress=[rule(100, "allow")])

    found = one(run(program), "outbound")
    assert decide(found, "10.66.0.1/32") == "deny"
    assert decide(found, "10.67.0.1/32") == "allow"
    assert found.combine is Combine.FIRST_MATCH
    assert decide(found, "10.67.0.1/32", source=Hosts.from_cidr("10.1.1.7/32")) == "outside"


def test_an_acl_rule_resource_is_read(run):
    def program():
        net = Net()
        made = acl(net, ingress=[rule(100, "allow")])
        aws.ec2.NetworkAclRule(
            "deny-dc", network_acl_id=made.id, egress=True, protocol="tcp", rule_action="deny", rule_number=50,
            cidr_block="10.20.0.0/16", from_port=0, to_port=65535,
        )  # fmt: skip
        aws.ec2.NetworkAclRule(
            "rest",
            network_acl_id=made.id,
            egress=True,
            protocol="-1",
            rule_action="allow",
            rule_number=60,
            cidr_block="0.0.0.0/0",
        )

    found = one(run(program), "outbound")
    assert decide(found, "10.20.0.1/32") == "deny"
    assert decide(found, "10.20.0.1/32", protocol="udp") == "allow"
    assert found.rules[0].source.label == "rule 50"


def test_answers_must_come_back_through_the_acl(run):
    def program():
        acl(Net(), egress=[rule(100, "allow")], ingress=[rule(100, "allow", "10.20.0.0/16", "6", 1024, 65535)])

    found = one(run(program), "answers to ports")
    assert decide(found, "10.20.0.1/32", 5432) == "allow"
    assert decide(found, "10.21.0.1/32", 5432) == "deny"


def test_a_hole_in_the_ephemeral_ports_is_found(run):
    def program():
        ingress = [rule(100, "allow", "10.20.0.0/16", "6", 1024, 50000), rule(110, "allow", "10.20.0.0/16", "6", 50002, 65535)]
        acl(Net(), egress=[rule(100, "allow")], ingress=ingress)

    found = [each for each in read(run(program)) if "answers to ports" in each.name]
    assert [decide(each, "10.20.0.1/32", 5432) for each in found] == ["allow", "deny", "allow"]
    assert "answers to ports 50001–50001" in found[1].name


def test_the_vpcs_default_acl_counts_where_it_was_adopted(run):
    def program():
        net = Net()
        aws.ec2.DefaultNetworkAcl("default", default_network_acl_id=net.vpc.default_network_acl_id, egress=[], ingress=[])

    stack = run(program)
    found = [each for each in read(stack) if "outbound" in each.name]
    assert [decide(found[0], "10.20.0.1/32"), len(found)] == ["deny", 2]


# Route tables.


def test_without_a_route_a_destination_is_a_routing_block_at_the_table(run):
    found = table(run(Net))

    assert decide(found, "10.20.0.1/32") == "deny"
    assert decide(found, "10.1.200.1/32") == "allow"
    assert (found.kind, found.default, found.urn.rsplit("::")[-1]) == (Kind.ROUTING, Action.DENY, "table-0")


def test_each_subnet_has_its_own_table(run):
    def program():
        net = Net()
        aws.ec2.Route("dc", route_table_id=net.tables[0].id, destination_cidr_block="10.20.0.0/16", transit_gateway_id="tgw-1")

    stack = run(program)
    assert decide(table(stack, "zone-0"), "10.20.0.1/32") == "allow"
    other = table(stack, "zone-1")
    assert decide(other, "10.20.0.1/32") == "outside"
    assert decide(other, "10.20.0.1/32", source=Hosts.from_cidr("10.1.1.7/32")) == "deny"


def test_the_longest_prefix_decides(run):
    def program():
        net = Net()
        for name, cidr, target in (("all", "0.0.0.0/0", {"nat_gateway_id": "nat-1"}), ("hole", "10.20.0.0/16", {})):
            aws.ec2.Route(name, route_table_id=net.tables[0].id, destination_cidr_block=cidr, **target)

    found = table(run(program))
    assert decide(found, "10.20.0.1/32") == "deny"
    assert decide(found, "10.21.0.1/32") == "allow"
    assert [each.source.label for each in found.rules] == ["local route", "blackhole", "route to NAT gateway"]


def test_inline_routes_and_the_main_table(run):
    def program():
        net = Net(own_tables=False)
        main = aws.ec2.RouteTable("main", vpc_id=net.vpc.id, routes=[{"cidr_block": "10.20.0.0/16", "gateway_id": "vgw-1"}])
        aws.ec2.MainRouteTableAssociation("main", vpc_id=net.vpc.id, route_table_id=main.id)

    found = table(run(program))
    assert decide(found, "10.20.0.1/32") == "allow"
    assert str(found.rules[1].source) == "route to gateway (main.routes[0])"


def test_without_any_table_there_is_the_local_route_alone(run):
    found = table(run(lambda: Net(own_tables=False)))

    assert [each.source.label for each in found.rules] == ["local route"]


def test_static_vpn_routes_are_propagated_and_bgp_is_unknown(run):
    def program(static: bool):
        net = Net()
        gateway = aws.ec2.VpnGateway("vgw", vpc_id=net.vpc.id)
        customer = aws.ec2.CustomerGateway("cgw", type="ipsec.1", bgp_asn="65000", ip_address="192.0.2.1")
        vpn = aws.ec2.VpnConnection(
            "vpn", type="ipsec.1", customer_gateway_id=customer.id, vpn_gateway_id=gateway.id, static_routes_only=static
        )
        aws.ec2.VpnConnectionRoute("dc", vpn_connection_id=vpn.id, destination_cidr_block="10.20.0.0/16")
        aws.ec2.VpnGatewayRoutePropagation("p", route_table_id=net.tables[0].id, vpn_gateway_id=gateway.id)

    static = table(run(lambda: program(True)))
    assert [decide(static, host) for host in ("10.20.0.1/32", "10.21.0.1/32")] == ["allow", "deny"]
    bgp = table(run(lambda: program(False)))
    assert [decide(bgp, host) for host in ("10.20.0.1/32", "10.1.0.1/32")] == ["unknown", "allow"]


def test_a_gateway_endpoint_is_a_route_to_its_service(run):
    def program():
        net = Net()
        aws.ec2.VpcEndpoint(
            "s3", vpc_id=net.vpc.id, service_name="com.amazonaws.eu-central-1.s3", route_table_ids=[net.tables[0].id]
        )

    assert decide(table(run(program)), "pl:com.amazonaws.eu-central-1.s3") == "allow"


def test_subnets_that_are_not_in_the_stack_have_unknown_routes(run):
    def program():
        aws.mwaa.Environment(
            "finance",
            dag_s3_path="dags/",
            execution_role_arn="arn",
            source_bucket_arn="arn",
            network_configuration={"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]},
        )

    found = one(run(program), "subnets elsewhere")
    assert decide(found, "10.20.0.1/32") == "unknown"


def test_strange_values_never_raise(preview):
    def program():
        net = Net()
        aws.ec2.SecurityGroupRule(
            "a", type="egress", security_group_id=net.group.id, protocol="nonsense", from_port=9, to_port=3, cidr_blocks=["x"]
        )
        aws.vpc.SecurityGroupEgressRule(
            "b", security_group_id=net.group.id, ip_protocol="tcp", from_port=99, to_port=3, cidr_ipv4="10.0.0.0/40"
        )
        aws.ec2.Route("c", route_table_id=net.tables[0].id, destination_cidr_block="x", gateway_id="igw-1")
        acl(net, egress=[{**rule(1, "maybe", "x"), "protocol": "300"}])

    assert all(each.unknown for each in egress(preview(program)).rules)


# Whose filters they are.


def test_every_gate_of_an_environment_has_its_routes_and_the_first_has_the_rest(run):
    class Gate(pulumi.ComponentResource):
        def __init__(self, name: str) -> None:
            super().__init__("airlock:index:AwsNetworkGate", name)
            self.register_outputs({"environments": ["finance"]})

    def program():
        Net()
        Gate("lines")
        Gate("vpn")

    found = [(each.gate, each.kind) for each in read(run(program))]
    assert sorted(set(found), key=str) == [("lines", Kind.PERMISSION), ("lines", Kind.ROUTING), ("vpn", Kind.ROUTING)]


def test_the_vpcs_default_group_lets_everything_out_unless_it_was_adopted(preview):
    def program(adopt: bool):
        vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        subnets = [aws.ec2.Subnet(f"zone-{i}", vpc_id=vpc.id, cidr_block=f"10.1.{i}.0/24") for i in (0, 1)]
        if adopt:
            aws.ec2.DefaultSecurityGroup("default", vpc_id=vpc.id)
        aws.mwaa.Environment(
            "finance",
            dag_s3_path="dags/",
            execution_role_arn="arn",
            source_bucket_arn="arn",
            network_configuration={"subnet_ids": [s.id for s in subnets], "security_group_ids": [vpc.default_security_group_id]},
        )

    assert decide(egress(preview(lambda: program(False))), "198.51.100.1/32") == "allow"
    assert decide(egress(preview(lambda: program(True))), "198.51.100.1/32") == "deny"


def test_where_a_subnets_cidr_is_unknown_nothing_is_surely_refused(preview):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        pool = aws.ec2.VpcIpam("ipam", operating_regions=[{"region_name": "eu-central-1"}])
        subnet = aws.ec2.Subnet("zone", vpc_id=vpc.id, cidr_block=pool.description.apply(str))
        group = aws.ec2.SecurityGroup("tasks", vpc_id=vpc.id)
        aws.ec2.NetworkAcl("acl", vpc_id=vpc.id, subnet_ids=[subnet.id])
        aws.mwaa.Environment(
            "finance",
            dag_s3_path="dags/",
            execution_role_arn="arn",
            source_bucket_arn="arn",
            network_configuration={"subnet_ids": [subnet.id], "security_group_ids": [group.id]},
        )

    around = [each for each in read(preview(program)) if each.kind is Kind.ROUTING or "outbound" in each.name]
    assert {decide(each, "10.20.0.1/32") for each in around} == {"unknown"}


def test_inbound_another_environments_group_is_its_tasks_and_its_own_is_nobody_outside(run):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        groups = {}
        for position, name in enumerate(("finance", "markets")):
            subnet = aws.ec2.Subnet(name, vpc_id=vpc.id, cidr_block=f"10.1.{position}.0/24")
            groups[name] = aws.ec2.SecurityGroup(name, vpc_id=vpc.id)
            aws.mwaa.Environment(
                name,
                dag_s3_path="dags/",
                execution_role_arn="arn",
                source_bucket_arn="arn",
                network_configuration={"subnet_ids": [subnet.id], "security_group_ids": [groups[name].id]},
            )
        for name, source in (("self", groups["finance"]), ("markets", groups["markets"])):
            aws.vpc.SecurityGroupIngressRule(
                name,
                security_group_id=groups["finance"].id,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                referenced_security_group_id=source.id,
            )

    (found,) = [each for each in read(run(program)) if each.name == "security group finance, ingress"]
    assert [rule.match.who.environments for rule in found.rules] == [{"markets"}]
    assert not found.rules[0].unknown


def test_an_inline_reference_that_may_be_either_group_is_not_guessed(preview):
    def program():
        vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
        subnets = [aws.ec2.Subnet(f"zone-{i}", vpc_id=vpc.id, cidr_block=f"10.1.{i}.0/24") for i in (0, 1)]
        others = [aws.ec2.SecurityGroup(f"other-{i}", vpc_id=vpc.id) for i in (0, 1)]
        for i, other in enumerate(others):
            aws.rds.Instance(f"db-{i}", instance_class="db.t4g.micro", vpc_security_group_ids=[other.id])
        blocks = [
            {"protocol": "tcp", "from_port": port, "to_port": port, "security_groups": [other.id]}
            for port, other in zip((5432, 6379), others, strict=True)
        ]
        group = aws.ec2.SecurityGroup("tasks", vpc_id=vpc.id, egress=blocks)
        aws.mwaa.Environment(
            "finance",
            dag_s3_path="dags/",
            execution_role_arn="arn",
            source_bucket_arn="arn",
            network_configuration={"subnet_ids": [s.id for s in subnets], "security_group_ids": [group.id]},
        )

    found = egress(preview(program))
    assert decide(found, "10.1.9.9/32", 5432) == "unknown"
    assert decide(found, "10.1.9.9/32", 22) == "deny"
    assert all(rule.unknown for rule in found.rules)
