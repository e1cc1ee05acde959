"""The entries of a rule's fields in the AWS network: CIDRs, prefix lists with their entries, security groups, ports."""

from collections.abc import Iterable, Iterator
from typing import Any

from ...proof.filters import Match, Part, Who
from ...proof.sets import Hosts, Services
from ..stack import Resource
from .links import PREFIX_LIST, PREFIX_LIST_ENTRY, Links, parse_cidr, service_name
from .permissions import Peer, Reach


def network_parts(field: str, values: Iterable[Any], outward: bool) -> list[Part]:
    """The CIDRs of one field; one that is not known may be any."""
    found = []
    for value in values:
        addresses = parse_cidr(value, "")
        text = str(value) if isinstance(value, str) else "not known"
        found.append(Part(field, "", "", _side(addresses.known | addresses.maybe, outward), text))
    return found


def prefix_list_part(links: Links, field: str, resource: Resource, outward: bool) -> Part:
    """A prefix list of the stack with its entries, or AWS's own one behind a gateway endpoint."""
    if resource.type not in PREFIX_LIST:
        cloud = service_name(resource)
        return Part(field, "gateway endpoint", resource.name, _side(cloud.known | cloud.maybe, outward), urn=resource.urn)
    entries = [(one.get("cidr"), one.get("description"), resource.urn) for one in _inline(resource)]
    entries += [
        (one.get("cidr"), one.get("description"), one.urn)
        for one in links.stack.of_type(*PREFIX_LIST_ENTRY)
        if resource in links.follow(one, ("prefixListId",), PREFIX_LIST).resources
    ]
    parts = []
    for cidr, description, urn in entries:
        addresses = parse_cidr(cidr, "")
        name = description if isinstance(description, str) else ""
        text = cidr if isinstance(cidr, str) else "not known"
        parts.append(Part("", "entry", name, _side(addresses.known | addresses.maybe, outward), text, urn))
    whole = Hosts.union(part.match.hosts if outward else part.match.who.sources or Hosts() for part in parts)
    return Part(field, "prefix list", resource.name, _side(whole, outward), urn=resource.urn, parts=tuple(parts))


def _inline(resource: Resource) -> Iterator[Any]:
    return (entry for entry in resource.get_list("entries") if isinstance(entry, dict))


def peer_match(peer: Peer, outward: bool) -> Iterator[Match]:
    """What a peer stands for: addresses, and inbound the tasks of environments too."""
    hosts = peer.hosts | peer.maybe
    if hosts:
        yield _side(hosts, outward)
    if peer.environments and not outward:
        yield Match(who=Who(environments=peer.environments))


def port_part(reach: Reach) -> Part:
    """Protocol and ports of the rule."""
    value = "every protocol and port" if reach.services == Services.every() else str(reach.services).replace(" ", ", ")
    return Part("ports", "", "", Match(services=reach.services), value)


def _side(hosts: Hosts, outward: bool) -> Match:
    return Match(hosts=hosts) if outward else Match(who=Who(sources=hosts.addresses()))
