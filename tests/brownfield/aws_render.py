"""A stack's AWS network as the AWS CLI would print it (EC2 API Reference, "Describe…"; MWAA API Reference, "GetEnvironment")."""

from collections.abc import Iterable
from typing import Any

from pulumi_airlock.gates.stack import Resource, Stack

TARGETS = {
    "gatewayId": "GatewayId",
    "vpcEndpointId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "transitGatewayId": "TransitGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}


def printed(stack: Stack) -> dict[str, dict[str, Any]]:
    """Command → what it prints."""
    return {
        "vpcs": {"Vpcs": [vpc(one) for one in of(stack, "ec2", "Vpc")]},
        "subnets": {"Subnets": [subnet(one) for one in of(stack, "ec2", "Subnet")]},
        "groups": {"SecurityGroups": [group(stack, one) for one in of(stack, "ec2", "SecurityGroup")]},
        "tables": {"RouteTables": [table(stack, one) for one in of(stack, "ec2", "RouteTable")]},
        "endpoints": {"VpcEndpoints": [endpoint(stack, one) for one in of(stack, "ec2", "VpcEndpoint")]},
        **{f"environment-{one.get('name')}": {"Environment": environment(one)} for one in of(stack, "mwaa", "Environment")},
    }


def of(stack: Stack, module: str, kind: str) -> Iterable[Resource]:
    return stack.of_type(f"aws:{module}/{kind[0].lower()}{kind[1:]}:{kind}")


def tags(one: Resource) -> list[dict[str, str]]:
    return [{"Key": str(key), "Value": str(value)} for key, value in (one.get("tags") or {}).items()]


def vpc(one: Resource) -> dict[str, Any]:
    cidr = one.get("cidrBlock")
    association = {"AssociationId": "vpc-cidr-assoc-1", "CidrBlock": cidr, "CidrBlockState": {"State": "associated"}}
    return {"VpcId": one.get("id"), "CidrBlock": cidr, "CidrBlockAssociationSet": [association], "Tags": tags(one)}


def subnet(one: Resource) -> dict[str, Any]:
    return {"SubnetId": one.get("id"), "VpcId": one.get("vpcId"), "CidrBlock": one.get("cidrBlock"), "Tags": tags(one)}


def group(stack: Stack, one: Resource) -> dict[str, Any]:
    sides = {}
    for direction, key in (("Ingress", "IpPermissions"), ("Egress", "IpPermissionsEgress")):
        rules = [
            rule for rule in of(stack, "vpc", f"SecurityGroup{direction}Rule") if rule.get("securityGroupId") == one.get("id")
        ]
        sides[key] = [permission(rule) for rule in rules]
    return {"GroupId": one.get("id"), "GroupName": one.get("name"), "VpcId": one.get("vpcId"), "Tags": tags(one), **sides}


def permission(rule: Resource) -> dict[str, Any]:
    said = {"Description": rule.get("description")} if rule.get("description") else {}
    ports = {"FromPort": rule.get("fromPort"), "ToPort": rule.get("toPort")} if rule.get("fromPort") is not None else {}
    peers: dict[str, list[dict[str, Any]]] = {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
    for prop, key, field in (
        ("cidrIpv4", "IpRanges", "CidrIp"),
        ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        ("prefixListId", "PrefixListIds", "PrefixListId"),
        ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ):
        if rule.get(prop):
            peers[key].append({field: rule.get(prop), **said})
    return {"IpProtocol": rule.get("ipProtocol"), **ports, **peers}


def table(stack: Stack, one: Resource) -> dict[str, Any]:
    mine = [route for route in of(stack, "ec2", "Route") if route.get("routeTableId") == one.get("id")]
    routes = [
        {"DestinationCidrBlock": "10.40.0.0/20", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"},
        *(route_of(route) for route in mine),
    ]
    for link in of(stack, "ec2", "VpcEndpointRouteTableAssociation"):
        if link.get("routeTableId") == one.get("id"):
            found = next(each for each in of(stack, "ec2", "VpcEndpoint") if each.get("id") == link.get("vpcEndpointId"))
            prefix_list = {"DestinationPrefixListId": found.get("prefixListId"), "GatewayId": found.get("id")}
            routes.append({**prefix_list, "Origin": "CreateRoute", "State": "active"})
    associations = [
        {"RouteTableAssociationId": each.get("id"), "SubnetId": each.get("subnetId"), "Main": False}
        for each in of(stack, "ec2", "RouteTableAssociation")
        if each.get("routeTableId") == one.get("id")
    ]
    own = {"RouteTableId": one.get("id"), "VpcId": one.get("vpcId"), "Tags": tags(one)}
    return {**own, "Routes": routes, "Associations": associations, "PropagatingVgws": []}


def route_of(route: Resource) -> dict[str, Any]:
    target = {key: route.get(prop) for prop, key in TARGETS.items() if route.get(prop)}
    cidr = {
        key: route.get(prop)
        for prop, key in (
            ("destinationCidrBlock", "DestinationCidrBlock"),
            ("destinationIpv6CidrBlock", "DestinationIpv6CidrBlock"),
        )
        if route.get(prop)
    }
    return {**cidr, **target, "Origin": "CreateRoute", "State": "active"}


def endpoint(stack: Stack, one: Resource) -> dict[str, Any]:
    links = of(stack, "ec2", "VpcEndpointRouteTableAssociation")
    return {
        "VpcEndpointId": one.get("id"),
        "VpcEndpointType": one.get("vpcEndpointType"),
        "VpcId": one.get("vpcId"),
        "ServiceName": one.get("serviceName"),
        "SubnetIds": one.get("subnetIds") or [],
        "RouteTableIds": [each.get("routeTableId") for each in links if each.get("vpcEndpointId") == one.get("id")],
        "Groups": [{"GroupId": each} for each in one.get("securityGroupIds") or ()],
        "Tags": tags(one),
    }


def environment(one: Resource) -> dict[str, Any]:
    network = one.get("networkConfiguration") or {}
    return {
        "Name": one.get("name"),
        "AirflowVersion": one.get("airflowVersion"),
        "AirflowConfigurationOptions": {"core.fernet_key": "a-key-that-nobody-may-see"},
        "NetworkConfiguration": {"SecurityGroupIds": network["securityGroupIds"], "SubnetIds": network["subnetIds"]},
        "WebserverAccessMode": one.get("webserverAccessMode"),
    }
