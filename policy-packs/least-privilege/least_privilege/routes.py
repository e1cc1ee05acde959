"""Policies on where an Airflow environment's subnets can send packets at all."""

from collections.abc import Iterable, Iterator
from typing import Any

from pulumi_policy import EnforcementLevel, Severity

from .addresses import SETTINGS, world_open
from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack
from .registry import Config, Findings, stack_policy, undecided, wrong

ENVIRONMENT = "aws:mwaa/environment:Environment"
SUBNET = "aws:ec2/subnet:Subnet"
TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ROUTE = "aws:ec2/route:Route"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
VPN_GATEWAY = "aws:ec2/vpnGateway:VpnGateway"
_BESIDE = (SUBNET, TABLE, ASSOCIATION, ROUTE, INTERNET_GATEWAY, VPN_GATEWAY)
_TUNNELS = ("gatewayId", "transitGatewayId")


@stack_policy(
    "airflow-subnet-no-internet-gateway",
    types=(ENVIRONMENT,),
    beside=_BESIDE,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Take the route to the internet gateway out of the table; use VPC endpoints, or a NAT gateway in a subnet of its own.",
    url="https://docs.aws.amazon.com/mwaa/latest/userguide/networking-about.html",
)
def airflow_subnet_no_internet_gateway(stack: Stack, _: Config) -> Findings:
    """No subnet of an Airflow environment has a route to an internet gateway."""
    for environment, table in _tables(stack):
        for one, path, entry in _routes(stack, table):
            prop = "gatewayId" if one.type == ROUTE else "routes"
            gateway = entry if entry is UNKNOWN else entry.get("gatewayId")
            if gateway is not UNKNOWN and not gateway:
                continue
            literal = str(gateway).startswith("igw-")
            if literal or (one.refers_to(prop, INTERNET_GATEWAY) and (gateway is UNKNOWN or one.type == ROUTE)):
                yield wrong(one, path, f"leads {environment.name}'s subnets to an internet gateway")
            elif gateway is UNKNOWN and not one.refers_to(prop):
                yield undecided(one, f"{path}.gatewayId".lstrip("."))


@stack_policy(
    "airflow-subnet-no-default-route-to-tunnel",
    types=(ENVIRONMENT,),
    beside=_BESIDE,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="Route the CIDRs of the zones that are reached through the tunnel, one by one.",
    url="https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNRoutingTypes.html",
    level=EnforcementLevel.ADVISORY,
    settings=SETTINGS,
)
def airflow_subnet_no_default_route_to_tunnel(stack: Stack, config: Config) -> Findings:
    """An Airflow subnet's routes to a VPN or transit gateway name the zones, not the whole address space."""
    for environment, table in _tables(stack):
        for one, path, entry in _routes(stack, table):
            if entry is UNKNOWN:
                yield undecided(one, path)
                continue
            # An absent gateway is None; a gateway of this stack is UNKNOWN at preview.
            if all(entry.get(prop) is None for prop in _TUNNELS) or str(entry.get("gatewayId")).startswith(("igw-", "local")):
                continue
            cidrs = [entry.get(prop) for prop in _DESTINATIONS]
            for cidr in cidrs:
                if cidr is not None and cidr is not UNKNOWN and world_open(cidr, config):
                    yield wrong(one, path, f"sends {cidr} of {environment.name}'s subnets into a tunnel")
            if UNKNOWN in cidrs:
                yield undecided(one, path)


_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "cidrBlock", "ipv6CidrBlock")


@stack_policy(
    "airflow-subnet-own-route-table",
    types=(ENVIRONMENT,),
    beside=_BESIDE,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="Associate each subnet of the environment with a route table of this stack (`aws.ec2.RouteTableAssociation`).",
    url="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html",
)
def airflow_subnet_own_route_table(stack: Stack, _: Config) -> Findings:
    """Every subnet that a stack makes for Airflow is associated with a route table: the main table is anyone's to change."""
    for environment in stack.of_type(ENVIRONMENT):
        for subnet in environment.refers_to("networkConfiguration", SUBNET):
            links = _associations(stack, subnet)
            if not links and any(
                one.get("subnetId") is UNKNOWN and not one.refers_to("subnetId") for one in stack.of_type(ASSOCIATION)
            ):
                yield undecided(subnet, "routeTableAssociation")
            elif not links:
                yield wrong(subnet, "", f"has no route table of its own, and {environment.name} runs in it")


def _tables(stack: Stack) -> Iterator[tuple[Resource, Resource]]:
    """Each environment with each route table of its subnets. Links are property dependencies: ids are unknown at preview."""
    for environment in stack.of_type(ENVIRONMENT):
        seen: dict[str, Resource] = {}
        for subnet in environment.refers_to("networkConfiguration", SUBNET):
            for link in _associations(stack, subnet):
                seen |= {table.urn: table for table in link.refers_to("routeTableId", TABLE)}
        yield from ((environment, table) for table in seen.values())


def _associations(stack: Stack, subnet: Resource) -> Iterable[Resource]:
    return stack.referring_to(subnet, "subnetId", ASSOCIATION)


def _routes(stack: Stack, table: Resource) -> Iterator[tuple[Resource, str, Any]]:
    """Every route of a table: the resource, the path in it, and its entry (`UNKNOWN` where it is unknown)."""
    for route in stack.referring_to(table, "routeTableId", ROUTE):
        yield route, "", route.properties
    for index, entry in enumerate(table.get_list("routes")):
        yield table, f"routes[{index}]", entry
