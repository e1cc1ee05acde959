"""Reads network ACLs: first match by rule number, per subnet, and stateless, so that the answer has to be let through as
well.

A conversation passes an ACL when its packets pass in one direction and the answers, which go to the caller's ephemeral port,
in the other. Each becomes a filter of its own. "For every ephemeral port" is made exact by cutting the ephemeral range where
a rule begins or ends: one filter for each piece, and all of them must let it through. A subnet without an ACL of its own has
the VPC's default one; where no resource changes that, it allows everything (VPC User Guide, "Default network ACL"), and there
is no filter.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...proof.filters import Action, Combine, Filter, Match, Part, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape, Span
from ..stack import UNKNOWN, Resource
from .links import SUBNET, Linked, Links, blocks, parse_cidr, tokens
from .parts import network_parts, port_part
from .permissions import Peer, Reach, read_services, rules_inward, rules_outward
from .placement import Placement, Subnet

ACL = tokens("NetworkAcl", "ec2")
DEFAULT_ACL = tokens("DefaultNetworkAcl", "ec2")
ACL_RULE = tokens("NetworkAclRule", "ec2")
ASSOCIATION = tokens("NetworkAclAssociation", "ec2")

TASK_PORTS = (32768, 61000)
"""Ports that tasks call from: Amazon Linux's ephemeral range (VPC User Guide, "Custom network ACLs", "Ephemeral ports")."""
CLIENT_PORTS = (1024, 65535)
"""Ports that anybody else calls from: the range which the same page tells to open for all kinds of clients."""

_WITH_PORTS = (6, 17)


@dataclass(frozen=True, eq=False)
class _Entry:
    """One numbered rule. `number` is UNKNOWN where it is not known: then it may stand anywhere."""

    number: Any
    action: Any
    peer: Peer
    reach: Reach
    source: Source
    cidrs: tuple[Any, ...] = ()
    """Its networks, as written."""


def acl_filters(links: Links, placed: Placement) -> Iterator[Filter]:
    """The ACL filters of every subnet of an environment, for calls out of it and for calls into it."""
    for subnet in placed.subnets:
        for acl in _acls_of(links, subnet):
            yield from _subnet_filters(links, placed, subnet, acl)


def _acls_of(links: Links, subnet: Subnet) -> tuple[Resource, ...]:
    """The one ACL of a subnet; several only where the program contradicts itself, and then all of them count."""
    found = [one for one in links.stack.of_type(*ACL) if subnet.resource in _subnets(links, one).resources]
    for association in links.stack.of_type(*ASSOCIATION):
        if subnet.resource in links.follow(association, ("subnetId",), SUBNET).resources:
            found += links.follow(association, ("networkAclId",), (*ACL, *DEFAULT_ACL)).resources
    if not found:
        for default in links.stack.of_type(*DEFAULT_ACL):
            vpc = links.of_vpc_attribute(default, "defaultNetworkAclId", "defaultNetworkAclId")
            if vpc is not None and vpc is subnet.vpc:
                found.append(default)
    return tuple({one.urn: one for one in found}.values())


def _subnets(links: Links, acl: Resource) -> Linked:
    return links.follow(acl, ("subnetIds",), SUBNET)


def _subnet_filters(links: Links, placed: Placement, subnet: Subnet, acl: Resource) -> Iterator[Filter]:
    known = not subnet.addresses.maybe
    here = subnet.addresses.known if known else placed.hosts
    # An ACL guards the subnet's border: neighbours inside it never meet it.
    beyond = here.complement() if known else Hosts.every()
    out = Match(who=Who(environments=frozenset({placed.name}), sources=here), hosts=beyond)
    into = Match(who=Who(outside=frozenset({placed.name}), sources=beyond if known else None), hosts=here)
    # Where the subnet's CIDR is unknown, so is whether a task is in it: then its ACL cannot surely refuse.
    doubt = Rule(Action.ALLOW, Match(), subnet.resource.at("cidrBlock"), subnet.addresses.reasons)
    egress, ingress = _entries(links, acl, egress=True), _entries(links, acl, egress=False)
    label = f"network ACL {acl.name} of {subnet.resource.name}"

    def made(name: str, scope: Match, rules: Iterator[Rule]) -> Filter:
        return Filter(
            gate=placed.gates[0],
            name=f"{label}, {name}",
            combine=Combine.FIRST_MATCH,
            default=Action.DENY,
            rules=(*(() if known else (doubt,)), *rules),
            urn=acl.urn,
            scope=scope,
            always=True,
            shape=Shape(Span.NETWORK, Span.NETWORK, Span.RANGE),
        )

    yield made("outbound", out, _ordered(egress, inward=False))
    for piece in _pieces(ingress, TASK_PORTS):
        yield made(f"answers to ports {piece[0]}–{piece[1]}", out, _ordered(_answers(ingress, piece), inward=False))
    yield made("inbound", into, _ordered(ingress, inward=True))
    for piece in _pieces(egress, CLIENT_PORTS):
        yield made(f"answers to callers' ports {piece[0]}–{piece[1]}", into, _ordered(_answers(egress, piece), inward=True))


def _ordered(entries: list[_Entry], inward: bool) -> Iterator[Rule]:
    """The entries as rules in the order of their numbers.

    One whose number is unknown comes first, as one that may or may not match: wherever it stands, no other outcome is possible.
    """
    rules = rules_inward if inward else rules_outward
    for entry in entries:
        if not isinstance(entry.number, int):
            parts = partial(_parts, entry, inward)
            for rule in _with_action(entry, rules):
                yield replace(rule, unknown=(*rule.unknown, f"{entry.source}: rule number"), parts=parts)
    for entry in sorted((one for one in entries if isinstance(one.number, int)), key=lambda one: one.number):
        parts = partial(_parts, entry, inward)
        for rule in _with_action(entry, rules):
            yield replace(rule, parts=parts)


def _parts(entry: _Entry, inward: bool) -> tuple[Part, ...]:
    """The peers and ports of a numbered rule, for traces."""
    return (*network_parts("cidrBlock", entry.cidrs, not inward), port_part(entry.reach))


def _with_action(entry: _Entry, rules: Any) -> Iterator[Rule]:
    if entry.action in ("allow", "deny"):
        yield from rules(Action(entry.action), entry.peer, entry.reach, entry.source)
        return
    for action in Action:
        for rule in rules(action, entry.peer, entry.reach, entry.source):
            yield Rule(rule.action, rule.match, rule.source, (*rule.unknown, f"{entry.source}: action"))


def _entries(links: Links, acl: Resource, egress: bool) -> list[_Entry]:
    found = []
    prop = "egress" if egress else "ingress"
    for position, block in blocks(acl, prop):
        fields = {"protocol": UNKNOWN, "cidrBlock": UNKNOWN, "ruleNo": UNKNOWN, "action": UNKNOWN} if block is UNKNOWN else block
        where = f"{acl.name}.{prop}[{position}]"
        found.append(_entry(fields, fields.get("ruleNo"), fields.get("action"), where, acl.at(prop, position)))
    for one in links.stack.of_type(*ACL_RULE):
        if one.get("egress", default=False) not in (egress, UNKNOWN):
            continue
        linked = links.follow(one, ("networkAclId",), (*ACL, *DEFAULT_ACL))
        # One whose ACL is not known may be of any ACL: as one whose place is not known, it may or may not match.
        if acl in linked.resources or linked.unknown:
            sure = acl in linked.resources and one.get("egress", default=False) is not UNKNOWN
            number = one.get("ruleNumber") if sure else UNKNOWN
            found.append(_entry(one.properties, number, one.get("ruleAction"), one.name, one.at()))
    return found


def _entry(fields: Any, number: Any, action: Any, where: str, source: Source) -> _Entry:
    known, maybe = Hosts(), Hosts()
    reasons: list[str] = []
    for prop in ("cidrBlock", "ipv6CidrBlock"):
        if fields.get(prop) not in (None, ""):
            addresses = parse_cidr(fields.get(prop), f"{where}.{prop}")
            known, maybe = known | addresses.known, maybe | addresses.maybe
            reasons += addresses.reasons
    icmp = fields.get("icmpType"), fields.get("icmpCode")
    first, last = (
        icmp if str(fields.get("protocol")) in ("1", "58", "icmp", "icmpv6") else (fields.get("fromPort"), fields.get("toPort"))
    )
    reach = read_services(fields.get("protocol"), first, last, where)
    number = int(number) if isinstance(number, int | float | str) and str(number).removesuffix(".0").isdigit() else UNKNOWN
    label = f"rule {number}" if number is not UNKNOWN else ""
    action = action.lower() if isinstance(action, str) else UNKNOWN
    peer = Peer(known, maybe=maybe, reasons=tuple(reasons))
    cidrs = tuple(fields.get(prop) for prop in ("cidrBlock", "ipv6CidrBlock") if fields.get(prop) not in (None, ""))
    return _Entry(number, action, peer, reach, Source(source.urn, source.position, label), cidrs)


def _pieces(entries: list[_Entry], ports: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The ephemeral range, cut so that each piece is wholly inside or wholly outside of every rule's ports."""
    starts = {ports[0]}
    for entry in entries:
        for number, first, last in entry.reach.services.ranges():
            if number in _WITH_PORTS:
                starts |= {edge for edge in (first, last + 1) if ports[0] < edge <= ports[1]}
    cuts = sorted(starts)
    yield from zip(cuts, [*(cut - 1 for cut in cuts[1:]), ports[1]], strict=True)


def _answers(entries: list[_Entry], piece: tuple[int, int]) -> list[_Entry]:
    """The rules of the other direction, seen from the call.

    Their peer is the same, and they hold for every port the call may go to.
    """
    found = []
    for entry in entries:
        spans = []
        for number, first, last in entry.reach.services.ranges():
            if number not in _WITH_PORTS or first <= piece[0] <= last:
                spans.append(Services.of(number))
        services = Services.union(spans)
        if services:
            found.append(replace(entry, reach=Reach(services, entry.reach.reasons)))
    return found
