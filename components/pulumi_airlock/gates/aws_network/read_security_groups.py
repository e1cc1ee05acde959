"""Reads security groups: inline rules, every separate rule resource of the provider, the VPC's default group.

A network interface may have several groups: what any of them allows is allowed. They are stateful, so answers need no rule.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal

from ...proof.filters import ANYONE, Action, Combine, Filter, Match, Part, Rule, Who
from ...proof.sets import Hosts
from ...proof.shape import Shape, Span
from ..stack import UNKNOWN, Resource
from .links import PREFIX_LIST, SECURITY_GROUP, SUBNET, VPC_ENDPOINT, Addresses, Links, blocks, cidr_addresses, parse_cidr, tokens
from .parts import network_parts, peer_match, port_part, prefix_list_part
from .permissions import Peer, Reach, read_services, rules_inward, rules_outward
from .placement import Placement

Direction = Literal["egress", "ingress"]

RULE = tokens("SecurityGroupRule", "ec2", "vpc")
SINGLE_RULE: Mapping[Direction, tuple[str, ...]] = {
    "egress": tokens("SecurityGroupEgressRule", "vpc", "ec2"),
    "ingress": tokens("SecurityGroupIngressRule", "vpc", "ec2"),
}
_RULES = (*RULE, *SINGLE_RULE["egress"], *SINGLE_RULE["ingress"])


@dataclass(frozen=True, eq=False)
class _Entry:
    """One rule, in the names of its own resource: a block of a group, a `SecurityGroupRule`, or a rule with a single peer."""

    resource: Resource
    path: tuple[str | int, ...]
    """Where in the resource it stands; empty for the whole resource."""
    fields: Mapping[str, Any]
    single: bool

    @property
    def where(self) -> str:
        position = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return self.resource.name + position


class SecurityGroupReader:
    """Reads the groups of every environment of a stack; finds each rule's group once."""

    def __init__(self, links: Links, environments: Iterable[Placement]) -> None:
        self._links = links
        self._environments = tuple(environments)

    def filters(self, placed: Placement) -> Iterator[Filter]:
        """What the environment's groups let its tasks call, and whom they let call into its subnets."""
        names = ", ".join([one.name for one in placed.groups.resources] + list(placed.groups.foreign)) or "unknown"
        urn = placed.groups.resources[0].urn if placed.groups.resources else placed.resource.urn
        scopes = {
            "egress": Match(who=Who(environments=frozenset({placed.name}))),
            "ingress": Match(who=Who(outside=frozenset({placed.name})), hosts=placed.hosts),
        }
        directions: tuple[Direction, ...] = ("egress", "ingress") if placed.hosts else ("egress",)
        for direction in directions:
            yield Filter(
                gate=placed.gates[0],
                name=f"security group {names}, {direction}",
                combine=Combine.ANY_ALLOW,
                default=Action.DENY,
                rules=tuple(self._rules(placed, direction)),
                urn=urn,
                scope=scopes[direction],
                always=True,
                shape=Shape(Span.NETWORK, Span.NETWORK, Span.RANGE),
            )

    def _rules(self, placed: Placement, direction: Direction) -> Iterator[Rule]:
        for group in placed.groups.resources:
            for entry in self._entries(group, direction):
                yield from self._read(entry, direction, placed, group)
        for entry in self._anywhere(direction, placed.groups.foreign):
            # The id of its group is not known here, so it may be any group's, this one's too.
            for rule in self._read(entry, direction, placed, None):
                reason = f"{entry.resource.name}.securityGroupId"
                yield Rule(rule.action, rule.match, rule.source, (*rule.unknown, reason))
        yield from self._elsewhere(placed, direction)

    def _elsewhere(self, placed: Placement, direction: Direction) -> Iterator[Rule]:
        """The rules of groups that are not in this stack.

        The VPC's default one as AWS makes it, and those nobody can see here.
        """
        vpc = placed.default_group_of
        if vpc is not None:
            # "Default security groups for your VPCs": everything out; in, only from itself.
            source = vpc.at("defaultSecurityGroupId", label="the VPC's default security group")
            who = ANYONE if direction == "egress" else Who(environments=frozenset({placed.name}))
            yield Rule(Action.ALLOW, Match(who=who), source)
        elif placed.groups.foreign or placed.groups.unknown or not placed.groups:
            ids = ", ".join(placed.groups.foreign) or "unknown"
            for literal in placed.groups.foreign:
                for entry in self._by_foreign_group.get((literal, direction), ()):
                    yield from self._read(entry, direction, placed, None)
            source = placed.resource.at("networkConfiguration", "securityGroupIds")
            reason = f"{placed.resource.name}.networkConfiguration.securityGroupIds ({ids}: not in this stack)"
            yield Rule(Action.ALLOW, Match(), source, (reason,))

    # Which rules a group has.

    def _entries(self, group: Resource, direction: Direction) -> Iterator[_Entry]:
        for position, block in blocks(group, direction):
            fields = {"protocol": UNKNOWN, "cidrBlocks": [UNKNOWN]} if block is UNKNOWN else block
            yield _Entry(group, (direction, position), fields, single=False)
        yield from self._by_group.get((group.urn, direction), ())

    @cached_property
    def _separate(self) -> tuple[tuple[_Entry, Direction], ...]:
        found: list[tuple[_Entry, Direction]] = []
        for one in self._links.stack.of_type(*RULE):
            kind = one.get("type")
            directions: tuple[Direction, ...] = ("egress", "ingress") if kind not in ("egress", "ingress") else (kind,)
            found += [(_Entry(one, (), one.properties, single=False), direction) for direction in directions]
        for direction, types in SINGLE_RULE.items():
            found += [(_Entry(one, (), one.properties, single=True), direction) for one in self._links.stack.of_type(*types)]
        return tuple(found)

    @cached_property
    def _by_group(self) -> Mapping[tuple[str, Direction], list[_Entry]]:
        found: dict[tuple[str, Direction], list[_Entry]] = {}
        for entry, direction in self._separate:
            for group in self._links.follow(entry.resource, ("securityGroupId",), SECURITY_GROUP).resources:
                found.setdefault((group.urn, direction), []).append(entry)
        return found

    @cached_property
    def _by_foreign_group(self) -> Mapping[tuple[str, Direction], list[_Entry]]:
        found: dict[tuple[str, Direction], list[_Entry]] = {}
        for entry, direction in self._separate:
            for literal in self._links.follow(entry.resource, ("securityGroupId",), SECURITY_GROUP).foreign:
                found.setdefault((literal, direction), []).append(entry)
        return found

    def _anywhere(self, direction: Direction, foreign: tuple[str, ...]) -> Iterator[_Entry]:
        for entry, its_direction in self._separate:
            linked = self._links.follow(entry.resource, ("securityGroupId",), SECURITY_GROUP)
            if its_direction == direction and not linked.resources and not linked.foreign:
                yield entry

    # What one rule says.

    def _read(self, entry: _Entry, direction: Direction, placed: Placement, group: Resource | None) -> Iterator[Rule]:
        source = entry.resource.at(*entry.path, label=_label(entry))
        protocol = entry.fields.get("ipProtocol" if entry.single else "protocol")
        reach = read_services(protocol, entry.fields.get("fromPort"), entry.fields.get("toPort"), entry.where)
        if entry.resource.type in RULE and entry.fields.get("type") not in ("egress", "ingress"):
            reach = Reach(reach.services, (*reach.reasons, f"{entry.where}.type"))
        rules = rules_outward if direction == "egress" else rules_inward
        parts = partial(self._parts, entry, direction, placed, group, reach)
        for peer in self._peers(entry, direction, placed, group):
            for rule in rules(Action.ALLOW, peer, reach, source):
                yield replace(rule, parts=parts)

    def _parts(
        self, entry: _Entry, direction: Direction, placed: Placement, group: Resource | None, reach: Reach
    ) -> tuple[Part, ...]:
        """The entries of a rule's fields, for traces."""
        outward = direction == "egress"
        found: list[Part] = []
        for prop in ("cidrIpv4", "cidrIpv6") if entry.single else ("cidrBlocks", "ipv6CidrBlocks"):
            found += network_parts(prop, _listed(entry.fields.get(prop)), outward)
        prefix_lists = "prefixListId" if entry.single else "prefixListIds"
        linked = self._links.follow(entry.resource, (*entry.path, prefix_lists), (*PREFIX_LIST, *VPC_ENDPOINT))
        found += [prefix_list_part(self._links, prefix_lists, one, outward) for one in linked.resources]
        if entry.fields.get("self", False) is True:
            own = Peer(placed.hosts) if group is None else self._carriers(group, direction, placed)
            found += [Part("self", "", "", match, "the group itself") for match in peer_match(own, outward)]
        for prop in ("referencedSecurityGroupId", "sourceSecurityGroupId", "securityGroups"):
            for one in self._links.follow(entry.resource, (*entry.path, prop), SECURITY_GROUP).resources:
                matches = peer_match(self._carriers(one, direction, placed), outward)
                found += [Part(prop, "security group", one.name, match, urn=one.urn) for match in matches]
        return (*found, port_part(reach))

    def _peers(self, entry: _Entry, direction: Direction, placed: Placement, group: Resource | None) -> Iterator[Peer]:
        found = Addresses()
        for prop in ("cidrIpv4", "cidrIpv6") if entry.single else ("cidrBlocks", "ipv6CidrBlocks"):
            for value in _listed(entry.fields.get(prop)):
                found |= parse_cidr(value, f"{entry.where}.{prop}")
        prefix_lists = "prefixListId" if entry.single else "prefixListIds"
        if _listed(entry.fields.get(prefix_lists)):
            listed = self._links.prefix_list(entry.resource, (*entry.path, prefix_lists))
            if _ambiguous(entry, prefix_lists, 2):
                listed = Addresses(maybe=listed.known | listed.maybe, reasons=(f"{entry.where}.{prefix_lists}",))
            found |= listed
        if found.known or found.maybe:
            yield Peer(found.known, maybe=found.maybe, reasons=found.reasons)
        itself = entry.fields.get("self", False)
        if itself is True or itself is UNKNOWN:
            own = Peer(placed.hosts) if group is None else self._carriers(group, direction, placed)
            yield own if itself is True else _doubted(own, f"{entry.where}.self")
        for prop in ("referencedSecurityGroupId", "sourceSecurityGroupId", "securityGroups"):
            if _listed(entry.fields.get(prop)):
                yield from self._group_peers(entry, prop, direction, placed)

    def _group_peers(self, entry: _Entry, prop: str, direction: Direction, placed: Placement) -> Iterator[Peer]:
        """The peers that a reference to security groups stands for: whoever has one of them."""
        linked = self._links.follow(entry.resource, (*entry.path, prop), SECURITY_GROUP)
        for one in linked.resources:
            peer = self._carriers(one, direction, placed)
            yield _doubted(peer, f"{entry.where}.{prop}") if _ambiguous(entry, prop, len(linked.resources)) else peer
        if linked.foreign or linked.unknown:
            reason = f"{entry.where}.{prop}" + (f" ({', '.join(linked.foreign)}: not in this stack)" if linked.foreign else "")
            yield Peer(maybe=Hosts.every_v4(), maybe_anyone=direction == "ingress", reasons=(reason,))

    def _carriers(self, group: Resource, direction: Direction, placed: Placement) -> Peer:
        """Who has a group: tasks of environments surely, at any address of their subnets; endpoints and others somewhere.

        Inbound, the environment's own tasks are left out: they are inside already.
        """
        having = [one for one in self._environments if group in one.groups.resources]
        known = Hosts.union(one.hosts for one in having) if direction == "egress" else Hosts()
        names = frozenset(one.name for one in having) - {placed.name}
        environments = [one.resource for one in having]
        elsewhere = Addresses()
        for one in self._users_by_group.get(group.urn, ()):
            if one not in environments:
                elsewhere |= self._addresses_of(one, group)
        maybe = (elsewhere.known | elsewhere.maybe) - known
        return Peer(known, names, maybe, reasons=(f"which addresses have the group {group.name}",) if maybe else ())

    @cached_property
    def _users_by_group(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self._links.stack.resources:
            if one.custom and one.type not in (*_RULES, *SECURITY_GROUP):
                for prop, urns in one.property_dependencies.items():
                    if "ecurityGroup" in prop or prop in ("networkConfiguration", "vpcConfig", "networkInterfaces"):
                        for urn in urns:
                            found.setdefault(urn, []).append(one)
        return found

    def _addresses_of(self, user: Resource, group: Resource) -> Addresses:
        found = Addresses()
        if user.type in VPC_ENDPOINT:
            for subnet in self._links.follow(user, ("subnetIds",), SUBNET).resources:
                found |= cidr_addresses(subnet, ("cidrBlock",))
        return found if found.known or found.maybe else self._links.vpc_addresses(self._links.vpc_of(group))


def _listed(value: Any) -> list[Any]:
    if value is None or value == "" or value == []:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _label(entry: _Entry) -> str:
    description = entry.fields.get("description")
    return f'rule "{description}"' if isinstance(description, str) and description else ""


def _ambiguous(entry: _Entry, prop: str, candidates: int) -> bool:
    """Whether an inline block's unknown ids may be any of several resources.

    The whole list's dependencies are all that is known.
    """
    unknown = any(value is UNKNOWN for value in _listed(entry.fields.get(prop)))
    blocks_in_list = len(entry.resource.get_list(entry.path[0])) if entry.path else 1
    return unknown and candidates > 1 and blocks_in_list > 1


def _doubted(peer: Peer, reason: str) -> Peer:
    """A peer that may be meant, or may not."""
    maybe = peer.hosts | peer.maybe
    return Peer(maybe=maybe, maybe_anyone=bool(peer.environments and not maybe), reasons=(*peer.reasons, reason))
