"""Reads a transit gateway's own route tables: what comes from a VPC's attachment is looked up once more, in the table that the
attachment is associated with. Without a route there, or with a blackhole, it is dropped.

Facts: Amazon VPC Transit Gateways, "How transit gateways work": the longest prefix decides, and of the same prefix a static route
before a propagated one. What the far end of an attachment does with a packet is not looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ...proof.filters import Action, Source
from ...proof.sets import Hosts
from ..stack import UNKNOWN, Resource
from .links import VPC, Addresses, Links, blocks, parse_cidr, tokens

GATEWAY = tokens("TransitGateway", "ec2transitgateway")
ATTACHMENT = tokens("VpcAttachment", "ec2transitgateway")
TABLE = tokens("RouteTable", "ec2transitgateway")
ROUTE = tokens("Route", "ec2transitgateway")
ASSOCIATION = tokens("RouteTableAssociation", "ec2transitgateway")
PROPAGATION = tokens("RouteTablePropagation", "ec2transitgateway")
REFERENCE = tokens("PrefixListReference", "ec2transitgateway")

_TABLE_ID, _ATTACHMENT_ID = ("transitGatewayRouteTableId",), ("transitGatewayAttachmentId",)


@dataclass(frozen=True, slots=True)
class Beyond:
    """A route of a transit gateway; the longer prefix comes first."""

    addresses: Addresses
    length: int
    action: Action
    source: Source


def beyond(links: Links, vpc: Resource | None, owner: Resource, path: tuple[str | int, ...]) -> list[Beyond] | None:
    """What the transit gateway at `path` does with what a VPC sends it, the last entry for all the rest.

    None where the VPC's attachment, or the table that it is associated with, is not in this stack.
    """
    attachment = _attachment(links, vpc, owner, path)
    if attachment is None:
        return None
    associated = [one for one in links.stack.of_type(*ASSOCIATION) if attachment in _of(links, one, _ATTACHMENT_ID, ATTACHMENT)]
    if not associated:
        by_default = attachment.get("transitGatewayDefaultRouteTableAssociation", default=True)
        no_table = attachment.at(label="associated with no route table")
        return None if by_default is not False else [Beyond(Addresses(known=Hosts.every()), -1, Action.DENY, no_table)]
    tables = _of(links, associated[0], _TABLE_ID, TABLE)
    if not tables:
        return None
    routes = sorted(_routes(links, tables[0]), key=lambda one: -one.length)
    rest = tables[0].at(label="no route in the transit gateway's table", through=(attachment,))
    return [*routes, Beyond(Addresses(known=Hosts.every()), -1, Action.DENY, rest)]


def _attachment(links: Links, vpc: Resource | None, owner: Resource, path: tuple[str | int, ...]) -> Resource | None:
    meant = links.follow(owner, path, GATEWAY)
    for one in links.stack.of_type(*ATTACHMENT) if vpc is not None else ():
        mine = links.follow(one, ("transitGatewayId",), GATEWAY)
        same = set(meant.resources) & set(mine.resources) or set(meant.foreign) & set(mine.foreign)
        if same and vpc in links.follow(one, ("vpcId",), VPC).resources:
            return one
    return None


def _of(links: Links, one: Resource, path: tuple[str, ...], types: tuple[str, ...]) -> tuple[Resource, ...]:
    return links.follow(one, path, types).resources


def _routes(links: Links, table: Resource) -> Iterator[Beyond]:
    if table.get("routes") is UNKNOWN:
        everything = Addresses(maybe=Hosts.every(), reasons=(f"{table.name}: its routes are not among the sources",))
        yield Beyond(everything, 0, Action.ALLOW, table.at("routes", label="route of the transit gateway"))
    for position, block in blocks(table, "routes"):
        # As they are imported: static and propagated ones together.
        fields = {"destinationCidrBlock": UNKNOWN} if block is UNKNOWN else block
        path = ("routes", position)
        if fields.get("prefixListId"):
            found = links.prefix_list(table, (*path, "prefixListId"))
        else:
            found = parse_cidr(fields.get("destinationCidrBlock"), f"{table.name}.routes[{position}].destinationCidrBlock")
        yield from _entries(found, fields.get("blackhole"), table, path)
    for route in links.stack.of_type(*ROUTE):
        if table in _of(links, route, _TABLE_ID, TABLE):
            found = parse_cidr(route.get("destinationCidrBlock"), f"{route.name}.destinationCidrBlock")
            yield from _entries(found, route.get("blackhole"), route, ())
    for reference in links.stack.of_type(*REFERENCE):
        if table in _of(links, reference, _TABLE_ID, TABLE):
            yield from _entries(links.prefix_list(reference, ("prefixListId",)), reference.get("blackhole"), reference, ())
    for propagation in links.stack.of_type(*PROPAGATION):
        if table in _of(links, propagation, _TABLE_ID, TABLE):
            yield from _entries(_propagated(links, propagation), False, propagation, ())


def _propagated(links: Links, propagation: Resource) -> Addresses:
    """What an attachment announces: a VPC its CIDRs, anything else whatever its peer does."""
    found = Addresses()
    attachments = _of(links, propagation, _ATTACHMENT_ID, ATTACHMENT)
    for attachment in attachments:
        vpcs = _of(links, attachment, ("vpcId",), VPC)
        found |= links.vpc_addresses(vpcs[0] if vpcs else None)
    if not attachments:
        reason = f"{propagation.name}: what the attachment announces"
        found |= Addresses(maybe=Hosts.every(), reasons=(reason,))
    return found


def _entries(addresses: Addresses, blackhole: object, owner: Resource, path: tuple[str | int, ...]) -> Iterator[Beyond]:
    dead = blackhole is True
    action = Action.DENY if dead else Action.ALLOW
    source = owner.at(*path, label="blackhole of the transit gateway" if dead else "route of the transit gateway")
    for network in addresses.known.networks():
        yield Beyond(Addresses(known=Hosts.from_cidr(network)), network.prefixlen, action, source)
    if addresses.maybe:
        yield Beyond(Addresses(maybe=addresses.maybe, reasons=addresses.reasons), 0, action, source)
