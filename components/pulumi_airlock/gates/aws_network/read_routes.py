"""Reads route tables: the longest prefix that an address falls under decides where its packets go. No route is a routing
block.

A table's rules are ordered by prefix length, longest first, so that the first match is AWS's own choice. A task runs in one
of its environment's subnets, and each has a table: one filter for each subnet, in force for the addresses of that subnet.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...proof.filters import Action, Combine, Filter, Kind, Match, Part, Rule, Source, Who, no_parts
from ...proof.sets import Hosts
from ...proof.shape import Shape, Span
from ..stack import UNKNOWN, Resource
from .links import PREFIX_LIST, SUBNET, VPC, VPC_ENDPOINT, Addresses, Links, blocks, parse_cidr, service_name, tokens
from .parts import network_parts, prefix_list_part
from .placement import Placement, Subnet
from .read_transit import Beyond, beyond

TABLE = tokens("RouteTable", "ec2")
DEFAULT_TABLE = tokens("DefaultRouteTable", "ec2")
ROUTE = tokens("Route", "ec2")
ASSOCIATION = tokens("RouteTableAssociation", "ec2")
MAIN_ASSOCIATION = tokens("MainRouteTableAssociation", "ec2")
PROPAGATION = tokens("VpnGatewayRoutePropagation", "ec2")
ENDPOINT_ASSOCIATION = tokens("VpcEndpointRouteTableAssociation", "ec2")
VPN_GATEWAY = tokens("VpnGateway", "ec2")
VPN_CONNECTION = tokens("VpnConnection", "ec2")
VPN_ROUTE = tokens("VpnConnectionRoute", "ec2")

TARGETS = {
    "natGatewayId": "NAT gateway",
    "transitGatewayId": "transit gateway",
    "vpcPeeringConnectionId": "VPC peering",
    "vpcEndpointId": "endpoint",
    "networkInterfaceId": "network interface",
    "instanceId": "instance",
    "egressOnlyGatewayId": "egress-only internet gateway",
    "carrierGatewayId": "carrier gateway",
    "localGatewayId": "local gateway",
    "coreNetworkArn": "core network",
    "odbNetworkArn": "ODB network",
    "gatewayId": "gateway",
}
"""Every target a route can have (pulumi-aws 7, `ec2.Route`), and what an engineer calls it."""


@dataclass(frozen=True, eq=False)
class _Entry:
    """One route: where to, and whether there is something at the other end."""

    addresses: Addresses
    length: int
    action: Action
    source: Source
    beyond: int = 0
    """Of routes to a transit gateway, the length of the prefix in its own table."""
    unknown: tuple[str, ...] = ()
    parts: Callable[[], tuple[Part, ...]] = no_parts


def route_filters(links: Links, placed: Placement) -> Iterator[Filter]:
    """What each subnet of an environment has a way to, once for every gate that compiles its routes."""
    scopes = [(subnet, _scope(placed, subnet)) for subnet in placed.subnets]
    for gate in placed.gates:
        for subnet, scope in scopes:
            table = _table_of(links, subnet)
            yield Filter(
                gate=gate,
                name=f"route table {table.name if table else 'unknown'} of {subnet.resource.name}",
                combine=Combine.FIRST_MATCH,
                default=Action.DENY,
                rules=tuple(_rules(links, subnet, table)),
                urn=(table or subnet.resource).urn,
                kind=Kind.ROUTING,
                scope=scope,
                always=True,
                shape=Shape(hosts=Span.NETWORK, nouns=("route", "routes")),
            )
        if placed.subnets_elsewhere:
            yield _unseen(placed, gate)


def _scope(placed: Placement, subnet: Subnet) -> Match:
    sources = None if subnet.addresses.maybe else subnet.addresses.known
    return Match(who=Who(environments=frozenset({placed.name}), sources=sources))


def _unseen(placed: Placement, gate: str) -> Filter:
    """The routes of subnets that are not in this stack: nobody can tell here."""
    elsewhere = placed.environment.sources.addresses() - Hosts.union(one.addresses.known for one in placed.subnets)
    source = placed.resource.at("networkConfiguration", "subnetIds")
    reason = f"{placed.resource.name}.networkConfiguration.subnetIds (route tables of subnets that are not in this stack)"
    return Filter(
        gate=gate,
        name="route tables of subnets elsewhere",
        combine=Combine.FIRST_MATCH,
        default=Action.DENY,
        rules=(Rule(Action.ALLOW, Match(), source, (reason,)),),
        urn=placed.resource.urn,
        kind=Kind.ROUTING,
        scope=Match(who=Who(environments=frozenset({placed.name}), sources=elsewhere or None)),
        always=True,
    )


def _table_of(links: Links, subnet: Subnet) -> Resource | None:
    """A subnet's own table, else the VPC's main one.

    A table resource, or the VPC itself where its main table is as AWS made it.
    """
    for association in links.stack.of_type(*ASSOCIATION):
        if subnet.resource in links.follow(association, ("subnetId",), SUBNET).resources:
            own = links.follow(association, ("routeTableId",), (*TABLE, *DEFAULT_TABLE)).resources
            if own:
                return own[0]
            return links.of_vpc_attribute(association, "routeTableId", "mainRouteTableId", "defaultRouteTableId")
    if subnet.vpc is None:
        return None
    for association in links.stack.of_type(*MAIN_ASSOCIATION):
        if subnet.vpc in links.follow(association, ("vpcId",), VPC).resources:
            return next(iter(links.follow(association, ("routeTableId",), (*TABLE, *DEFAULT_TABLE)).resources), None)
    for default in links.stack.of_type(*DEFAULT_TABLE):
        if links.of_vpc_attribute(default, "defaultRouteTableId", "defaultRouteTableId", "mainRouteTableId") is subnet.vpc:
            return default
    return subnet.vpc


def _rules(links: Links, subnet: Subnet, table: Resource | None) -> Iterator[Rule]:
    if table is None:
        reason = f"{subnet.resource.name}: its route table is not in this stack"
        yield Rule(Action.ALLOW, Match(), subnet.resource.at(label="route table"), (reason,))
        return
    if subnet.addresses.maybe:
        # Which tasks this table serves is not known, so it cannot say no to any of them.
        yield Rule(Action.ALLOW, Match(), subnet.resource.at("cidrBlock"), subnet.addresses.reasons)
    entries = sorted(_entries(links, subnet, table), key=lambda one: (-one.length, -one.beyond))
    # What may be longer than any known prefix comes first, as what may or may not match: no other outcome is possible then.
    for entry in entries:
        if entry.addresses.maybe:
            reasons = (*entry.addresses.reasons, *entry.unknown)
            yield Rule(entry.action, Match(hosts=entry.addresses.maybe), entry.source, reasons, entry.parts)
    for entry in entries:
        if entry.addresses.known:
            yield Rule(entry.action, Match(hosts=entry.addresses.known), entry.source, entry.unknown, entry.parts)


def _entries(links: Links, subnet: Subnet, table: Resource) -> Iterator[_Entry]:
    vpc = links.vpc_of(table) or (table if table.type in VPC else subnet.vpc)
    local = links.vpc_addresses(vpc)
    label = "local route"
    # No route can be laid over the local one; only longer prefixes come before it.
    yield from _by_network(local, Action.ALLOW, table.at(label=label))
    for position, block in blocks(table, "routes"):
        fields = {"cidrBlock": UNKNOWN} if block is UNKNOWN else block
        yield from _route(links, vpc, table, fields, ("routes", position), "cidrBlock", "ipv6CidrBlock")
    for route in links.stack.of_type(*ROUTE):
        belonging = _belongs(links, route, table)
        if belonging is not None:
            prefixes = ("destinationCidrBlock", "destinationIpv6CidrBlock")
            for entry in _route(links, vpc, route, route.properties, (), *prefixes):
                unknown = (*entry.unknown, *((f"{route.name}.routeTableId",) if not belonging else ()))
                yield replace(entry, unknown=unknown)
    yield from _endpoint_routes(links, table)
    yield from _propagated(links, table)


def _belongs(links: Links, route: Resource, table: Resource) -> bool | None:
    """Whether a route is in a table: True, None (it is not), or False where its table is not known at all."""
    linked = links.follow(route, ("routeTableId",), (*TABLE, *DEFAULT_TABLE))
    if table in linked.resources:
        return True
    vpc = links.of_vpc_attribute(route, "routeTableId", "mainRouteTableId", "defaultRouteTableId")
    if vpc is not None:
        is_main = table is vpc or (
            table.type in DEFAULT_TABLE and links.of_vpc_attribute(table, "defaultRouteTableId", "defaultRouteTableId") is vpc
        )
        return True if is_main else None
    return None if linked.resources or linked.foreign else False


def _by_network(addresses: Addresses, action: Action, source: Source) -> Iterator[_Entry]:
    for network in addresses.known.networks():
        yield _Entry(Addresses(known=Hosts.from_cidr(network)), network.prefixlen, action, source)
    if addresses.known.names:
        # A gateway endpoint's prefix list is longer than what else covers AWS's addresses.
        yield _Entry(Addresses(known=Hosts(names=addresses.known.names)), 33, action, source)
    if addresses.maybe:
        yield _Entry(Addresses(maybe=addresses.maybe, reasons=addresses.reasons), 0, action, source)


def _route(
    links: Links, vpc: Resource | None, owner: Resource, fields: Any, path: tuple[str | int, ...], *prefixes: str
) -> Iterator[_Entry]:
    where = owner.name + ("".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path))
    addresses = Addresses()
    for prop in prefixes:
        if fields.get(prop) not in (None, ""):
            addresses |= parse_cidr(fields.get(prop), f"{where}.{prop}")
    if fields.get("destinationPrefixListId") not in (None, ""):
        addresses |= links.prefix_list(owner, (*path, "destinationPrefixListId"))
    target = next((text for prop, text in TARGETS.items() if fields.get(prop) not in (None, "")), None)
    dead = str(fields.get("state", "")).lower() == "blackhole" or target is None
    label = "blackhole" if dead else f"route to {target}"
    source = owner.at(*path, label=label)
    parts = partial(_parts, links, owner, fields, path, prefixes)
    to_transit = not dead and fields.get("transitGatewayId") not in (None, "")
    further = beyond(links, vpc, owner, (*path, "transitGatewayId")) if to_transit else None
    for entry in _by_network(addresses, Action.DENY if dead else Action.ALLOW, source):
        for one in (entry,) if further is None else _beyond(entry, further):
            yield replace(one, parts=parts)


def _beyond(entry: _Entry, further: Sequence[Beyond]) -> Iterator[_Entry]:
    """A route to a transit gateway, cut into what the gateway's own table does with it."""
    here = entry.addresses
    for one in further:
        there = one.addresses
        maybe = (here.known & there.maybe) | (here.maybe & there.known) | (here.maybe & there.maybe)
        reasons = (*here.reasons, *there.reasons) if maybe else ()
        both = Addresses(here.known & there.known, maybe, reasons)
        if both.known or both.maybe:
            source = entry.source if one.action is Action.ALLOW else one.source
            yield _Entry(both, entry.length, one.action, source, one.length)


def _parts(
    links: Links, owner: Resource, fields: Any, path: tuple[str | int, ...], prefixes: tuple[str, ...]
) -> tuple[Part, ...]:
    """Where a route leads to, for traces."""
    given = [(prop, fields.get(prop)) for prop in prefixes if fields.get(prop) not in (None, "")]
    found = [one for prop, value in given for one in network_parts(prop, [value], outward=True)]
    prop = "destinationPrefixListId"
    if fields.get(prop) not in (None, ""):
        linked = links.follow(owner, (*path, prop), (*PREFIX_LIST, *VPC_ENDPOINT))
        found += [prefix_list_part(links, prop, one, outward=True) for one in linked.resources]
    return tuple(found)


def _endpoint_routes(links: Links, table: Resource) -> Iterator[_Entry]:
    """AWS adds a route to the service's prefix list for every gateway endpoint of a table."""
    for endpoint in links.stack.of_type(*VPC_ENDPOINT):
        tables = links.follow(endpoint, ("routeTableIds",), (*TABLE, *DEFAULT_TABLE))
        if endpoint.get("vpcEndpointType", default="Gateway") == "Gateway" and table in tables.resources:
            yield from _by_network(service_name(endpoint), Action.ALLOW, endpoint.at(label="gateway endpoint"))
    for association in links.stack.of_type(*ENDPOINT_ASSOCIATION):
        if table in links.follow(association, ("routeTableId",), (*TABLE, *DEFAULT_TABLE)).resources:
            for endpoint in links.follow(association, ("vpcEndpointId",), VPC_ENDPOINT).resources:
                source = association.at(label="gateway endpoint", through=(endpoint,))
                yield from _by_network(service_name(endpoint), Action.ALLOW, source)


def _propagated(links: Links, table: Resource) -> Iterator[_Entry]:
    """Routes that a virtual private gateway adds.

    The static ones of its VPN connections; with BGP, whatever the peer announces.
    """
    gateways = [
        (one, table.at("propagatingVgws", label="propagated"))
        for one in links.follow(table, ("propagatingVgws",), VPN_GATEWAY).resources
    ]
    for propagation in links.stack.of_type(*PROPAGATION):
        if table in links.follow(propagation, ("routeTableId",), (*TABLE, *DEFAULT_TABLE)).resources:
            found = links.follow(propagation, ("vpnGatewayId",), VPN_GATEWAY)
            gateways += [(one, propagation.at(label="propagated", through=(one,))) for one in found.resources]
            if not found.resources:
                yield _Entry(_announced(propagation), 0, Action.ALLOW, propagation.at(label="propagated"))
    for gateway, source in gateways:
        for connection in links.stack.of_type(*VPN_CONNECTION):
            if gateway not in links.follow(connection, ("vpnGatewayId",), VPN_GATEWAY).resources:
                continue
            if connection.get("staticRoutesOnly", default=False) is True:
                yield from _static_vpn_routes(links, connection, source)
            else:
                yield _Entry(_announced(connection), 0, Action.ALLOW, source)


def _announced(speaker: Resource) -> Addresses:
    return Addresses(maybe=Hosts.every_v4(), reasons=(f"{speaker.name}: what the peer announces by BGP",))


def _static_vpn_routes(links: Links, connection: Resource, source: Source) -> Iterator[_Entry]:
    for route in links.stack.of_type(*VPN_ROUTE):
        if connection in links.follow(route, ("vpnConnectionId",), VPN_CONNECTION).resources:
            addresses = parse_cidr(route.get("destinationCidrBlock"), f"{route.name}.destinationCidrBlock")
            yield from _by_network(addresses, Action.ALLOW, Source(source.urn, source.position, source.label, (route.urn,)))
