"""What routes become in the AWS network: the resources that a user relies on, and every refusal."""

from datetime import date

import pulumi
import pulumi_aws as aws
import pytest
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.mwaa.network import EnvironmentNetwork
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.aws_network import AwsNetworkGate, Gateway
from pulumi_airlock.gates.proxies import ProxyEntry

EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ROUTE = "aws:ec2/route:Route"


def network(environment: str, base: str = "10.1") -> EnvironmentNetwork:
    return EnvironmentNetwork(
        environment=environment,
        vpc_id=pulumi.Output.from_input("vpc-1"),
        vpc_cidr="10.1.0.0/16",
        subnet_cidrs=(f"{base}.0.0/24", f"{base}.1.0/24"),
        subnet_ids=(pulumi.Output.from_input("subnet-a"), pulumi.Output.from_input("subnet-b")),
        security_group_id=pulumi.Output.from_input(f"sg-{environment}"),
        route_table_ids=(pulumi.Output.from_input(f"rtb-{environment}-a"), pulumi.Output.from_input(f"rtb-{environment}-b")),
    )


def access(**changes) -> Access:
    document = {
        "principals": [
            {"name": "ledger", "dags": ["ledger_*"], "environment": "finance"},
            {"name": "prices", "dags": ["prices_*"], "environment": "markets"},
            {"name": "everyone", "dags": ["*"]},
            {"name": "analysts", "group": "analysts", "sources": ["192.0.2.0/24"]},
        ],
        "zones": {
            "datacenter": {"cidrs": ["10.20.0.0/16", "10.30.0.0/16"], "gates": ["aws_network", "fortigate"]},
            "saas": {"cidrs": ["203.0.113.0/24"], "gates": ["proxy"]},
            "airflow": {"cidrs": ["10.1.0.0/16"], "gates": ["aws_network"]},
        },
        "destinations": [
            {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
            {"name": "replica", "zone": "datacenter", "cidrs": ["10.20.4.11/32"], "ports": ["5432/tcp"]},
            {"name": "mail", "zone": "datacenter", "hosts": ["smtp.corp.example"], "ports": ["587/tcp"]},
            {"name": "crm", "zone": "saas", "hosts": ["crm.example"], "ports": ["443/tcp"]},
            {"name": "ui", "zone": "airflow", "cidrs": ["10.1.0.0/24"], "ports": ["443/tcp"]},
        ],
        "routes": [{"name": "r-warehouse", "from": ["ledger"], "to": ["warehouse", "replica"], "reason": "FIN-1"}],
        **changes,
    }
    return Access.model_validate(document)


def gate(document: Access, environments=("finance",), **arguments):
    def program():
        networks = [network(name, f"10.1{index}" if index else "10.1") for index, name in enumerate(environments)]
        AwsNetworkGate("aws_network", access=document, environments=networks, **{"gateway": "tgw-1", **arguments})

    return program


def rules(stack, kind):
    return {
        (one.get("securityGroupId"), one.get("cidrIpv4"), one.get("ipProtocol"), one.get("fromPort"), one.get("toPort"))
        for one in stack.of_type(kind)
    }


def test_two_hosts_with_one_port_are_one_rule_on_the_environments_group(preview):
    stack = preview(gate(access()))

    assert rules(stack, EGRESS) == {("sg-finance", "10.20.4.10/31", "tcp", 5432, 5432)}
    assert not stack.of_type(INGRESS)


def test_a_rule_belongs_to_the_gate_and_tells_its_routes(preview):
    (rule,) = preview(gate(access())).of_type(EGRESS)

    assert rule.parent.endswith("airlock:index:AwsNetworkGate::aws_network")
    assert rule.name == "aws_network-finance-to-10.20.4.10-31-tcp-5432"
    assert rule.get("description") == "routes r-warehouse"


def test_only_the_environment_of_the_principal_gets_the_rule(preview):
    stack = preview(gate(access(), environments=("finance", "markets")))

    assert {one.get("securityGroupId") for one in stack.of_type(EGRESS)} == {"sg-finance"}
    assert {one.get("routeTableId") for one in stack.of_type(ROUTE)} == {"rtb-finance-a", "rtb-finance-b"}


def test_a_principal_without_environment_gets_it_everywhere(preview):
    document = access(routes=[{"name": "r", "from": ["everyone"], "to": ["warehouse"], "reason": "R"}])
    stack = preview(gate(document, environments=("finance", "markets")))

    assert {one.get("securityGroupId") for one in stack.of_type(EGRESS)} == {"sg-finance", "sg-markets"}


def test_routes_go_only_to_the_cidrs_of_the_zone_that_are_used(preview):
    stack = preview(gate(access()))

    assert {(one.get("destinationCidrBlock"), one.get("transitGatewayId")) for one in stack.of_type(ROUTE)} == {
        ("10.20.0.0/16", "tgw-1")
    }


def test_zones_behind_other_gates_are_not_compiled(preview):
    document = access(routes=[{"name": "r", "from": ["ledger"], "to": ["crm"], "reason": "R"}])
    stack = preview(gate(document))

    assert not stack.of_type(EGRESS, ROUTE)


def test_a_name_without_addresses_falls_back_to_its_zone_and_says_so(preview):
    document = access(routes=[{"name": "r-mail", "from": ["ledger"], "to": ["mail"], "reason": "R"}])
    found = preview(gate(document)).of_type(EGRESS)

    assert {one.get("cidrIpv4") for one in found} == {"10.20.0.0/16", "10.30.0.0/16"}
    assert {one.get("description") for one in found} == {
        "routes r-mail (smtp.corp.example may be any address of zone datacenter)"
    }


def test_an_expired_route_is_left_out(preview):
    document = access(routes=[{"name": "r", "from": ["ledger"], "to": ["warehouse"], "reason": "R", "expires": "2026-01-31"}])

    assert preview(gate(document, today=date(2026, 1, 31))).of_type(EGRESS)
    assert not preview(gate(document, today=date(2026, 2, 1))).of_type(EGRESS, ROUTE)


def test_people_are_let_in_from_their_sources_to_what_runs_in_the_subnets(preview):
    document = access(routes=[{"name": "r-ui", "from": ["analysts"], "to": ["ui"], "reason": "R"}])
    stack = preview(gate(document, gateway=None))

    assert rules(stack, INGRESS) == {("sg-finance", "192.0.2.0/24", "tcp", 443, 443)}
    assert not stack.of_type(EGRESS, ROUTE)


def test_tasks_of_another_environment_are_let_in_by_their_security_group(preview):
    document = access(routes=[{"name": "r-ui", "from": ["prices"], "to": ["ui"], "reason": "R"}])
    stack = preview(gate(document, environments=("finance", "markets")))
    (rule,) = stack.of_type(INGRESS)

    assert (rule.get("securityGroupId"), rule.get("referencedSecurityGroupId"), rule.get("fromPort")) == (
        "sg-finance",
        "sg-markets",
        443,
    )
    assert rules(stack, EGRESS) == {("sg-markets", "10.1.0.0/24", "tcp", 443, 443)}
    assert not stack.of_type(ROUTE), "the local route is there already"


def test_a_gateway_for_each_zone(preview):
    document = access(
        zones={
            "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["aws_network"]},
            "saas": {"cidrs": ["203.0.113.0/24"], "gates": ["aws_network"]},
            "airflow": {"cidrs": ["10.1.0.0/16"], "gates": ["aws_network"]},
        },
        routes=[{"name": "r", "from": ["ledger"], "to": ["warehouse", "crm"], "reason": "R"}],
    )
    gateways = {"datacenter": Gateway("vpn", "vgw-1"), "saas": "nat-1"}
    stack = preview(gate(document, gateway=gateways))

    assert {(one.get("destinationCidrBlock"), one.get("gatewayId"), one.get("natGatewayId")) for one in stack.of_type(ROUTE)} == {
        ("10.20.0.0/16", "vgw-1", None),
        ("203.0.113.0/24", None, "nat-1"),
    }


def test_a_gateway_resource_needs_no_kind(preview):
    def program():
        gateway = aws.ec2transitgateway.TransitGateway("hub")
        AwsNetworkGate("aws_network", access=access(), environments=[network("finance")], gateway=gateway)

    stack = preview(program)
    assert {one.refers_to("transitGatewayId")[0].name for one in stack.of_type(ROUTE)} == {"hub"}


def test_every_problem_is_told_at_once():
    document = access(
        principals=[{"name": "ledger", "dags": ["*"]}, {"name": "analysts", "group": "analysts"}],
        zones={"datacenter": {"gates": ["aws_network"]}, "airflow": {"cidrs": ["10.1.0.0/16"], "gates": ["aws_network"]}},
        destinations=[
            {"name": "mail", "zone": "datacenter", "hosts": ["smtp.corp.example"], "ports": ["587/tcp"]},
            {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
            {"name": "ui", "zone": "airflow", "cidrs": ["10.1.0.0/24"], "ports": ["443/tcp"]},
        ],
        routes=[
            {"name": "a", "from": ["ledger"], "to": ["mail", "warehouse"], "reason": "R"},
            {"name": "b", "from": ["analysts"], "to": ["ui"], "reason": "R"},
        ],
    )
    with pytest.raises(InputError) as caught:
        AwsNetworkGate("aws_network", access=document, environments=[network("finance")])

    assert sorted(one.path for one in caught.value.problems) == [
        "destinations.mail",
        "principals.analysts.sources",
        "zones.datacenter",
    ]


def test_a_broken_quota_names_the_count_and_the_routes():
    many = [
        {"name": f"db{index}", "zone": "datacenter", "cidrs": [f"10.20.4.{2 * index}/32"], "ports": [f"{5000 + 2 * index}/tcp"]}
        for index in range(60)
    ]
    document = access(
        destinations=many, routes=[{"name": "r-all", "from": ["ledger"], "to": [one["name"] for one in many], "reason": "R"}]
    )
    with pytest.raises(InputError, match=r"60 egress rules and 4 of the environment's own are over 60.*r-all"):
        AwsNetworkGate("aws_network", access=document, environments=[network("finance")], gateway="tgw-1")


def test_too_many_routes_for_one_table():
    cidrs = [f"10.{index}.0.0/24" for index in range(20, 71)]
    document = access(
        zones={"datacenter": {"cidrs": cidrs, "gates": ["aws_network"]}},
        destinations=[{"name": "all", "zone": "datacenter", "cidrs": cidrs, "ports": ["443/tcp"]}],
        routes=[{"name": "r", "from": ["ledger"], "to": ["all"], "reason": "R"}],
    )
    with pytest.raises(InputError, match="51 routes are over 50, the quota of one route table"):
        AwsNetworkGate("aws_network", access=document, environments=[network("finance")], gateway="tgw-1")


def test_an_id_that_does_not_tell_its_kind_is_refused():
    with pytest.raises(InputError, match=r"gateway: 'igw-1' does not tell what it is"):
        AwsNetworkGate("aws_network", access=access(), environments=[network("finance")], gateway="igw-1")


def test_a_description_is_cut_to_what_aws_takes(preview):
    routes = [
        {"name": f"route-with-a-long-name-{index:02}", "from": ["ledger"], "to": ["warehouse"], "reason": "R"}
        for index in range(40)
    ]
    (rule,) = preview(gate(access(routes=routes))).of_type(EGRESS)

    assert len(rule.get("description")) <= 255
    assert rule.get("description").endswith("more")


def test_one_cidr_cannot_have_two_gateways():
    zones = {name: {"cidrs": ["10.20.0.0/16"], "gates": ["aws_network"]} for name in ("datacenter", "saas", "airflow")}
    routes = [{"name": "r", "from": ["ledger"], "to": ["warehouse", "crm"], "reason": "R"}]
    gateways = {"datacenter": "tgw-1", "saas": "vgw-1"}
    with pytest.raises(InputError, match=r"zones.saas.cidrs: 10.20.0.0/16 is zone datacenter's as well"):
        AwsNetworkGate(
            "aws_network", access=access(zones=zones, routes=routes), environments=[network("finance")], gateway=gateways
        )


def test_ports_that_aws_would_widen_are_refused():
    destinations = [{"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["2905/sctp"]}]
    document = access(destinations=destinations, routes=[{"name": "r", "from": ["ledger"], "to": ["warehouse"], "reason": "R"}])
    with pytest.raises(InputError, match="2905/sctp: AWS knows ports of TCP and UDP alone"):
        AwsNetworkGate("aws_network", access=document, environments=[network("finance")], gateway="tgw-1")


def test_protocols_are_written_as_aws_takes_them(preview):
    destinations = [{"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["icmp", "gre"]}]
    document = access(destinations=destinations, routes=[{"name": "r", "from": ["ledger"], "to": ["warehouse"], "reason": "R"}])
    stack = preview(gate(document))

    assert rules(stack, EGRESS) == {
        ("sg-finance", "10.20.4.10/32", "icmp", -1, -1),
        ("sg-finance", "10.20.4.10/32", "47", None, None),
    }


BEHIND_ZPA = {"airflow": {"cidrs": ["10.1.0.0/16"], "gates": ["zpa", "aws_network"]}}
TO_UI = [{"name": "people", "from": ["analysts"], "to": ["ui"], "reason": "IAM-1"}]
UI_ALONE = [{"name": "ui", "zone": "airflow", "cidrs": ["10.1.0.0/24"], "ports": ["443/tcp"]}]


def behind_zpa() -> Access:
    return access(zones=BEHIND_ZPA, routes=TO_UI, destinations=UI_ALONE)


def test_people_behind_app_connectors_are_let_in_from_these(preview):
    stack = preview(gate(behind_zpa(), gateway=None, connectors={"airflow": ["10.1.15.0/28", "10.1.15.16/28"]}))
    assert [one.get("cidrIpv4") for one in stack.of_type(INGRESS)] == ["10.1.15.0/27"]


def test_wrong_connectors_are_told_at_once():
    given = {"airflow": ["10.1.15.1/28", "connector-1"], "saas": [], "nowhere": ["10.1.15.0/28"]}
    with pytest.raises(InputError) as caught:
        gate(access(routes=TO_UI), gateway=None, connectors=given)()
    text = str(caught.value)
    assert "connectors[airflow]: zone 'airflow' has no gate before 'aws_network'" in text
    assert "connectors[airflow][0]: '10.1.15.1/28' is no IPv4 network" in text
    assert "connectors[airflow][1]: 'connector-1' is no IPv4 network" in text
    assert "connectors[saas]: none: write the networks" in text
    assert "connectors[nowhere]: no zone 'nowhere'" in text


def test_a_wrong_proxy_is_told_with_its_place_and_beside_it_a_wrong_gateway():
    wrong = ProxyEntry(("10.1.9.0/28", "proxy-1"), 70000)
    with pytest.raises(InputError) as caught:
        gate(access(), gateway="router-1", proxies={"datacenter": wrong})()
    assert [(one.path, one.message.split(" ")[0]) for one in caught.value.problems] == [
        ("gateway", "'router-1'"),
        ("proxies[datacenter].cidrs[1]", "'proxy-1'"),
        ("proxies[datacenter].port", "70000:"),
    ]


def test_a_zone_behind_a_cloud_connector_is_routed_to_its_endpoint(preview):
    stack = preview(gate(access(), gateway={"datacenter": "vpce-0a1b2c"}))
    assert {(one.get("destinationCidrBlock"), one.get("vpcEndpointId")) for one in stack.of_type(ROUTE)} == {
        ("10.20.0.0/16", "vpce-0a1b2c")
    }
