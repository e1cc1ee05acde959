"""Transit gateways: what comes from a VPC goes on where the table that its attachment is associated with has a route."""

import json
from datetime import UTC, datetime

import pytest
from pulumi_airlock.brownfield import Options, read_sources
from pulumi_airlock.brownfield.drafting import draft
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates import read_all
from pulumi_airlock.proof.sets import Hosts

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def through_transit(**changed):
    """An environment whose VPC sends 10.0.0.0/8 to a transit gateway, and what that gateway's own table says."""
    network = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    out = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.20.0.0/14"}]}
    routes = [
        {"DestinationCidrBlock": "10.40.1.0/24", "GatewayId": "local", "State": "active"},
        {"DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": "tgw-1", "State": "active"},
    ]
    attached = {"TransitGatewayAttachmentId": "tgw-attach-1", "TransitGatewayId": "tgw-1", "State": "available"}
    associated = {"Association": {"TransitGatewayRouteTableId": "tgw-rtb-0a1", "State": "associated"}}
    far = [{"TransitGatewayAttachmentId": "tgw-attach-2", "ResourceId": "vpn-1", "ResourceType": "vpn"}]
    described = {
        "vpcs.json": {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.40.1.0/24"}]},
        "subnets.json": {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.40.1.0/25"}]},
        "groups.json": {"SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1", "IpPermissionsEgress": [out]}]},
        "tables.json": {
            "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": routes, "Associations": [{"Main": True}]}]
        },
        "environment.json": {"Environment": {"Name": "finance", "NetworkConfiguration": network}},
        "attachments.json": {
            "TransitGatewayAttachments": [{**attached, "ResourceType": "vpc", "ResourceId": "vpc-1", **associated}]
        },
        "tgw-rtb-0a1.json": {
            "Routes": [
                {"DestinationCidrBlock": "10.20.0.0/16", "TransitGatewayAttachments": far, "Type": "static", "State": "active"},
                {"DestinationCidrBlock": "10.20.4.0/24", "Type": "static", "State": "blackhole"},
                {
                    "DestinationCidrBlock": "10.20.4.8/29",
                    "TransitGatewayAttachments": far,
                    "Type": "propagated",
                    "State": "active",
                },
                {"DestinationCidrBlock": "192.0.2.0/24", "TransitGatewayAttachments": far, "Type": "static", "State": "active"},
            ],
            "AdditionalRoutesAvailable": False,
        },
    }
    return {name: document for name, document in {**described, **changed}.items() if document is not None}


def read_in(folder, documents):
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document))
    return read_sources([folder], Options())


def test_a_transit_gateway_lets_on_what_its_own_table_has_a_route_for(tmp_path):
    found = read_in(tmp_path, through_transit())
    access = draft(found.stack, {}, AT).access
    (one,) = access.destinations
    reached = Hosts.from_cidrs(one.networks())
    assert reached == Hosts.from_cidr("10.20.0.0/16") - Hosts.from_cidr("10.20.4.0/24") | Hosts.from_cidr("10.20.4.8/29")
    assert found.notes == ()
    labels = {rule.source.label for each in read_all(found.stack).filters for rule in each.rules}
    assert {"blackhole of the transit gateway", "no route in the transit gateway's table"} <= labels


def test_an_attachment_without_a_table_leads_nowhere(tmp_path):
    attachments = through_transit()["attachments.json"]
    del attachments["TransitGatewayAttachments"][0]["Association"]
    found = read_in(tmp_path, through_transit(**{"attachments.json": attachments}))
    assert draft(found.stack, {}, AT).access.routes == ()


def test_a_transit_gateway_whose_routes_nobody_gave_is_not_known(tmp_path):
    found = read_in(tmp_path, through_transit(**{"tgw-rtb-0a1.json": None}))
    assert "give `aws ec2 search-transit-gateway-routes" in found.notes[0]
    made = draft(found.stack, {}, AT)
    assert made.access.routes == ()
    assert any("its routes are not among the sources" in reason for one in made.unknown for reason in one.unknown)


def test_a_transit_gateway_of_which_nothing_is_given_is_told(tmp_path):
    found = read_in(tmp_path, through_transit(**{"tgw-rtb-0a1.json": None, "attachments.json": None}))
    assert found.notes[0].startswith("tgw-1: what this transit gateway's own tables refuse is not seen")


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("routes.json", {}, r"routes.json:1: Routes: does not say of which table"),
        ("tgw-rtb-0a1.json", {"AdditionalRoutesAvailable": True}, "AdditionalRoutesAvailable: are not all routes"),
        ("tgw-rtb-0a1.json", {"Routes": [{}]}, r"Routes\[0\]: has neither DestinationCidrBlock nor PrefixListId"),
    ],
)
def test_routes_of_a_transit_gateway_that_are_not_whole_are_refused(name, change, problem, tmp_path):
    routes = through_transit()["tgw-rtb-0a1.json"]
    with pytest.raises(InputError, match=problem):
        read_in(tmp_path, {name: {**routes, **change}})
