"""Transit gateways of a stack: what a VPC sends there goes on as the table says that its attachment is associated with."""

import pulumi_aws as aws
import pytest
from test_aws_network_read import Net, decide, table

ROUTES = {"10.20.0.0/16": False, "10.20.4.0/24": True, "10.20.4.8/29": False}
"""Prefix → whether it is a blackhole."""


def program(*, associated: bool = True, by_default: bool = False, propagated: str = ""):
    def build() -> None:
        net = Net()
        gateway = aws.ec2transitgateway.TransitGateway("hub")
        attachment = aws.ec2transitgateway.VpcAttachment(
            "net",
            transit_gateway_id=gateway.id,
            vpc_id=net.vpc.id,
            subnet_ids=[net.subnets[0].id],
            transit_gateway_default_route_table_association=by_default,
        )
        mine = aws.ec2transitgateway.RouteTable("tasks", transit_gateway_id=gateway.id)
        ids = {"transit_gateway_route_table_id": mine.id}
        if associated:
            aws.ec2transitgateway.RouteTableAssociation("tasks", transit_gateway_attachment_id=attachment.id, **ids)
        for cidr, dead in ROUTES.items():
            to = {"blackhole": True} if dead else {"transit_gateway_attachment_id": "tgw-attach-vpn"}
            aws.ec2transitgateway.Route(cidr, destination_cidr_block=cidr, **to, **ids)
        if propagated == "vpc":
            other = aws.ec2.Vpc("other", cidr_block="10.30.0.0/16")
            far = aws.ec2transitgateway.VpcAttachment(
                "other", transit_gateway_id=gateway.id, vpc_id=other.id, subnet_ids=["subnet-9"]
            )
            aws.ec2transitgateway.RouteTablePropagation("other", transit_gateway_attachment_id=far.id, **ids)
        elif propagated:
            aws.ec2transitgateway.RouteTablePropagation("vpn", transit_gateway_attachment_id=propagated, **ids)
        aws.ec2.Route("all", route_table_id=net.tables[0].id, destination_cidr_block="10.0.0.0/8", transit_gateway_id=gateway.id)

    return build


def test_the_longest_prefix_of_its_table_decides(run):
    found = table(run(program()))
    assert [decide(found, one) for one in ("10.20.7.1", "10.20.4.1", "10.20.4.9", "10.99.0.1", "10.1.1.1")] == [
        "allow",
        "deny",
        "allow",
        "deny",
        "allow",
    ]


@pytest.mark.parametrize(("propagated", "outcome"), [("", "deny"), ("vpc", "allow"), ("tgw-attach-vpn", "unknown")])
def test_what_an_attachment_announces_is_in_the_table(propagated, outcome, run):
    assert decide(table(run(program(propagated=propagated))), "10.30.0.1") == outcome


def test_without_a_table_an_attachment_leads_nowhere(run):
    assert decide(table(run(program(associated=False))), "10.20.7.1") == "deny"


def test_the_gateway_s_default_table_is_not_in_the_stack_and_is_not_looked_at(run):
    assert decide(table(run(program(associated=False, by_default=True))), "10.99.0.1") == "allow"
