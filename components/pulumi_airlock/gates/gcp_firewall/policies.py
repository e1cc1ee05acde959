"""What is in force on an environment's network, in Google's order: policies of organization, folders and network, VPC rules."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...proof.filters import Source
from ...proof.sets import Services
from ..stack import UNKNOWN, Resource
from . import kinds
from .boxes import ANY, Box
from .entries import Direction, Entry, Written, entries
from .links import follow, plain
from .order import ordered_policy, ordered_vpc
from .placement import Placement, folder_name
from .targets import PolicyTarget, VpcTarget
from .written import GLOBAL, HIERARCHICAL, REGIONAL, Family, Rules

Stage = list[Entry]
"""The rules of one policy, or the VPC firewall rules, in the order in which they are looked at."""


def stages(rules: Rules, placed: Placement, direction: Direction) -> Iterator[Stage]:
    """Everything that is in force on an environment's network, in Google's order; the implied rules come after it."""
    yield from _hierarchical(rules, placed, direction)
    policies = [*_of_network(rules, placed, direction, GLOBAL), *_of_network(rules, placed, direction, REGIONAL)]
    classic = [_vpc_rules(rules, placed, direction)]
    match placed.order:
        case "BEFORE_CLASSIC_FIREWALL":
            yield from (*policies, *classic)
        case "AFTER_CLASSIC_FIREWALL":
            yield from (*classic, *policies)
        case _:
            # Whichever comes first: those rules may decide, or hand on to the policies, or have been handed on to.
            reason = _order_reason(placed)
            yield from ([one.doubted(reason) for one in stage] for stage in classic)
            yield from (*policies, *classic)


def _order_reason(placed: Placement) -> str:
    return f"networkFirewallPolicyEnforcementOrder of {placed.network}"


# Hierarchical policies


def _hierarchical(rules: Rules, placed: Placement, direction: Direction) -> Iterator[Stage]:
    found: list[tuple[int, Stage]] = []
    for one in rules.stack.of_type(*kinds.HIERARCHICAL_ASSOCIATION, *kinds.LEGACY_ASSOCIATION):
        legacy = one.type in kinds.LEGACY_ASSOCIATION
        target = _attached(one, "attachmentId" if legacy else "attachmentTarget")
        depth, doubts = _depth(placed, target, one)
        if depth is None:
            continue
        if legacy:
            found.append(
                (depth, [_unseen(one, "is an organization security policy, which is not read: replace it by a firewall policy")])
            )
            continue
        found.append((depth, [entry.doubted(*doubts) for entry in _policy(rules, one, placed, direction, HIERARCHICAL)]))
    yield from (stage for _, stage in sorted(found, key=lambda pair: pair[0]))


def _attached(association: Resource, prop: str) -> str:
    """The organization or folder that a policy is attached to; empty where it is not known."""
    value = association.get(prop)
    if isinstance(value, str):
        text = plain(value)
        return next((text[text.rindex(kind) :] for kind in ("organizations/", "folders/") if kind in text), text)
    folders = association.refers_to(prop, *kinds.FOLDER)
    return folder_name(folders[0]) if len(folders) == 1 else ""


def _depth(placed: Placement, target: str, association: Resource) -> tuple[int | None, tuple[str, ...]]:
    """How far from the top a policy is attached above the environment; None where it is not above it at all."""
    # The number of a folder that the stack is about to make is not known: it may be one that the gate was told.
    hidden = target.startswith("urn:") and any(one.startswith("folders/") for one in placed.ancestors or ())
    if placed.ancestors is None or not target or hidden:
        where = f"what {association.name} is attached to" if not target or hidden else target
        return (0 if target.startswith("organizations/") else 1), (f"whether {placed.network} is in {where}",)
    return (placed.ancestors.index(target), ()) if target in placed.ancestors else (None, ())


# Policies of a network


def _of_network(rules: Rules, placed: Placement, direction: Direction, family: Family) -> Iterator[Stage]:
    found: list[tuple[Any, list[str], Resource]] = []
    for one in rules.stack.of_type(*family.associations):
        network = follow(one, ("attachmentTarget",), kinds.NETWORK)
        here = network.meets(placed.network)
        doubts = [f"{one.name}.attachmentTarget ({network})"] if here is None else []
        if here is False:
            continue
        if family is REGIONAL:
            region = one.get("region", default=UNKNOWN)
            if UNKNOWN in (region, placed.region):
                doubts.append(f"{one.name}.region")
            elif plain(region).rsplit("/", 1)[-1] != plain(placed.region).rsplit("/", 1)[-1]:
                continue
        found.append((one.get("priority", default=UNKNOWN), doubts, one))
    if len(found) > 1:
        if family is GLOBAL or len({priority for priority, _, _ in found}) < len(found) or any(p is UNKNOWN for p, _, _ in found):
            names = ", ".join(one.name for _, _, one in found)
            for _, doubts, _ in found:
                doubts.append(f"which {family.title} comes first ({names})")
        else:
            found.sort(key=lambda each: each[0])
    for _, doubts, one in found:
        yield [entry.doubted(*doubts) for entry in _policy(rules, one, placed, direction, family)]


def _policy(rules: Rules, association: Resource, placed: Placement, direction: Direction, family: Family) -> Stage:
    """The rules of the policy that an association puts in force."""
    policy = follow(association, ("firewallPolicy",), (*family.policies, *family.with_rules))
    found = ordered_policy(entries(rules.of_policy(family, policy), direction, placed, PolicyTarget()))
    if policy.foreign or policy.unknown:
        return [_unseen(association, f"names {family.title} {policy}, which is not in this stack"), *found]
    return found


# VPC firewall rules


def _vpc_rules(rules: Rules, placed: Placement, direction: Direction) -> Stage:
    found = ordered_vpc(entries(_classic(rules, placed), direction, placed, VpcTarget()))
    if placed.network_resource is not None:
        return found
    source = placed.resource.at("config", "nodeConfig", label="VPC firewall rules of the network")
    unseen = _nobody_sees(source, f"VPC firewall rules of {placed.network} (not in this stack)")
    return [unseen, *found]


def _classic(rules: Rules, placed: Placement) -> Iterator[Written]:
    for written, network in rules.classic:
        here = network.meets(placed.network)
        if here is None:
            yield replace(written, doubts=(f"{written.where}.network ({network})",))
        elif here:
            yield written


# What nobody sees here


def _unseen(association: Resource, why: str) -> Entry:
    return _nobody_sees(association.at("firewallPolicy", label=f"association {association.name}"), f"{association.name} {why}")


def _nobody_sees(source: Source, reason: str) -> Entry:
    """Rules that are there and cannot be read: they may let anything through, refuse it, or hand it on."""
    return Entry(UNKNOWN, UNKNOWN, (), ((Box(ANY, ANY, Services.every()), (reason,)),), source, reason)
