"""Reads the routes of the network that an environment of Cloud Composer stands in. No route is a routing block.

A network has one table for all of it: its subnetworks' own routes, static ones, what Cloud Routers learn by BGP, what peers
bring. Google takes the longest prefix, and none of them says no, so that any route to an address is a way to it.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ...proof.filters import Action, Combine, Filter, Kind, Match, Part, Rule, Source, Who
from ...proof.sets import Hosts
from ...proof.shape import Shape, Span
from ..gcp_firewall.kinds import NETWORK, SUBNETWORK, tokens
from ..gcp_firewall.links import follow
from ..gcp_firewall.placement import Placement, placements
from ..stack import UNKNOWN, Resource, Stack
from .learned import taken

ROUTE = tokens("Route")
ROUTER = tokens("Router")
PEER = tokens("RouterPeer")
ROUTE_POLICY = tokens("RouterRoutePolicy")
PEERING = tokens("NetworkPeering")
BY_POLICY = (*tokens("PolicyBasedRoute", "networkconnectivity"), *tokens("Spoke", "networkconnectivity"))
"""Routes that look at more than the destination, and what a hub brings: they are not read."""

AUTO_SUBNETWORKS: Final = "10.128.0.0/9"
"""What a network in auto mode has its subnetworks from ("Subnets", "Auto mode IPv4 subnet ranges")."""
NEXT_HOPS: Final = {
    "nextHopGateway": "gateway",
    "nextHopVpnTunnel": "VPN tunnel",
    "nextHopIlb": "internal load balancer",
    "nextHopInstance": "instance",
    "nextHopIp": "address",
}


def read(stack: Stack) -> Iterator[Filter]:
    """Where environments have a way to, if their network is in the stack; of any other network nobody can tell here.

    One filter for all environments of a network that have the same routes.
    """
    alike: dict[tuple[Any, ...], list[Placement]] = {}
    for placed in placements(stack):
        if placed.network_resource is not None:
            seen_by = (placed.network_resource, placed.gate, placed.region, placed.sees_nodes, placed.tags)
            alike.setdefault(seen_by, []).append(placed)
    for (network, gate, *_), found in alike.items():
        yield Filter(
            gate=gate,
            name=f"routes of network {network.name}",
            combine=Combine.ANY_ALLOW,
            default=Action.DENY,
            rules=tuple(_rules(stack, found[0], network)),
            urn=network.urn,
            kind=Kind.ROUTING,
            scope=Match(who=Who(environments=frozenset(one.name for one in found))),
            always=True,
            shape=Shape(hosts=Span.NETWORK, nouns=("route", "routes")),
        )


def _rules(stack: Stack, placed: Placement, network: Resource) -> Iterator[Rule]:
    yield from (replace(one, implied=True) for one in _own(stack, network))
    for route in _of_network(stack, ROUTE, network):
        yield from _static(route, placed)
    for router in _of_network(stack, ROUTER, network):
        if _in_reach(router, network, placed):
            for peer in stack.of_type(*PEER):
                if router in follow(peer, ("router",), ROUTER).resources:
                    yield from _dynamic(peer)
    for peering in _of_network(stack, PEERING, network):
        yield _maybe(peering.at(label="peering"), f"{peering.name}: the routes of the other network")
    for other in stack.of_type(*BY_POLICY):
        yield _maybe(other.at(), f"{other.name}: routes of this kind are not read")


def _of_network(stack: Stack, types: tuple[str, ...], network: Resource) -> Iterator[Resource]:
    return (one for one in stack.of_type(*types) if network in follow(one, ("network",), NETWORK).resources)


def _own(stack: Stack, network: Resource) -> Iterator[Rule]:
    """The routes that a network has by itself: one to each range of a subnetwork, and the default one unless it was deleted."""
    for subnetwork in _of_network(stack, SUBNETWORK, network):
        yield from _to(subnetwork, ("ipCidrRange",), "subnet route")
        for position, _ in enumerate(subnetwork.get_list("secondaryIpRanges")):
            yield from _to(subnetwork, ("secondaryIpRanges", position, "ipCidrRange"), "subnet route")
    for prop, absent, hosts, label in (
        ("autoCreateSubnetworks", False, Hosts.from_cidr(AUTO_SUBNETWORKS), "subnet routes of auto mode"),
        ("deleteDefaultRoutesOnCreate", True, Hosts.every_v4(), "default route to the internet"),
    ):
        value = network.get(prop, default=not absent)
        if value is not absent:
            unknown = (f"{network.name}.{prop}",) if value is UNKNOWN else ()
            yield Rule(Action.ALLOW, Match(hosts=hosts), network.at(prop, label=label), unknown)


def _static(route: Resource, placed: Placement) -> Iterator[Rule]:
    tags = route.get_list("tags")
    if tags and placed.sees_nodes is False:
        return  # it is for VMs with these tags, and Composer 3 has none in the network
    target = next((text for prop, text in NEXT_HOPS.items() if route.get(prop) not in (None, "")), "nowhere")
    certain = placed.tags is not None and placed.sees_nodes is not None and UNKNOWN not in tags
    if tags and certain and not (placed.tags or frozenset()) & set(map(str, tags)):
        return
    yield from _to(route, ("destRange",), f"route to {target}", () if certain or not tags else (f"{route.name}.tags",))


def _in_reach(router: Resource, network: Resource, placed: Placement) -> bool:
    """Whether routes that a router learns hold where the environment is: in its own region, or in all where routing is global."""
    if network.get("routingMode", default="REGIONAL") == "GLOBAL":
        return True
    return router.get("region", default=UNKNOWN) in (UNKNOWN, placed.region) or placed.region is UNKNOWN


def _dynamic(peer: Resource) -> Iterator[Rule]:
    """What a BGP session brings: what its import policy takes, and what was written down as learned."""
    if peer.get("enable", default=True) is False:
        return
    for position, _ in enumerate(peer.get_list("customLearnedIpRanges")):
        yield from _to(peer, ("customLearnedIpRanges", position, "range"), "custom learned route")
    policies = follow(peer, ("importPolicies",), ROUTE_POLICY)
    found = taken(policies.resources[0]) if len(policies.resources) == 1 and not policies.foreign else None
    if found is None:
        yield _maybe(peer.at(label="routes learned by BGP"), f"{peer.name}: what the peer announces by BGP")
    elif found:
        policy = policies.resources[0]
        source = Source(peer.urn, "importPolicies", "route learned by BGP", (policy.urn,))
        parts = partial(_parts, "importPolicies", "route policy", policy.name, found, policy.urn)
        # Every tunnel of a pair brings the same: that one of them would do is what the other one is for.
        yield Rule(Action.ALLOW, Match(hosts=found), source, parts=parts, implied=True)


def _to(owner: Resource, path: tuple[str | int, ...], label: str, unknown: tuple[str, ...] = ()) -> Iterator[Rule]:
    value: Any = owner.get(*path)
    source = owner.at(*path, label=label)
    try:
        hosts = Hosts.from_cidr(str(value)) if value is not UNKNOWN and value is not None else None
    except ValueError:
        hosts = None
    if hosts is not None:
        yield Rule(Action.ALLOW, Match(hosts=hosts), source, unknown, partial(_parts, str(path[-1]), "", "", hosts, ""))
    elif value is not None:
        yield _maybe(source, f"{owner.name}.{'.'.join(map(str, path))}")


def _parts(field: str, kind: str, name: str, hosts: Hosts, urn: str) -> tuple[Part, ...]:
    """The prefixes of a route, for traces."""
    listed = ", ".join(map(str, hosts.networks()))
    return (Part(field, kind, name, Match(hosts=hosts), listed, urn),)


def _maybe(source: Source, reason: str) -> Rule:
    return Rule(Action.ALLOW, Match(hosts=Hosts.every_v4()), source, (reason,))
