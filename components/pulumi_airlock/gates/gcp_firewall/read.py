"""Reads Google Cloud's firewall around every Composer environment of a stack, whoever wrote its resources."""

from collections.abc import Iterator

from ...proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from ...proof.sets import V6_MAX, Hosts, Intervals
from ..stack import Stack
from .entries import Direction
from .order import decided
from .placement import Placement, placements
from .policies import stages
from .written import Rules

_V6 = Hosts(v6=Intervals(((0, V6_MAX),)))


def read(stack: Stack) -> Iterator[Filter]:
    """For each environment a filter for calls out of it, and, where some rule lets in, one for calls into it.

    Both are in force on every path (`always`). By itself a network lets nothing in.

    The firewall keeps state: answers pass with what they answer, so that neither filter has to let them. Works at preview, where
    ids are unknown, and on a state file. What is not in the stack, or not known yet, becomes an unknown rule.
    """
    found = Rules(stack)
    for placed in placements(stack):
        yield _filter(found, placed, "EGRESS")
        inward = _filter(found, placed, "INGRESS")
        if placed.hosts and any(one.action is Action.ALLOW for one in inward.rules):
            yield inward


def _filter(found: Rules, placed: Placement, direction: Direction) -> Filter:
    outward = direction == "EGRESS"
    scope = (
        Match(who=Who(environments=frozenset({placed.name})))
        if outward
        else Match(who=Who(outside=frozenset({placed.name})), hosts=placed.hosts)
    )
    network = placed.network_resource
    name = network.name if network is not None else str(placed.network)
    rules = [rule for stage in stages(found, placed, direction) for rule in decided(stage)]
    return Filter(
        gate=placed.gate,
        name=f"firewall of network {name}, {'out of' if outward else 'into'} {placed.name}",
        combine=Combine.FIRST_MATCH,
        default=Action.DENY,
        rules=(*_no_v6(placed, outward), *rules, *_implied(placed, outward)),
        urn=(network or placed.resource).urn,
        scope=scope,
        always=True,
    )


def _no_v6(placed: Placement, outward: bool) -> Iterator[Rule]:
    """What has IPv4 addresses alone neither calls IPv6 addresses nor is called from them."""
    if placed.hosts.v6:
        return
    match = Match(hosts=_V6) if outward else Match(who=Who(sources=_V6))
    source = placed.resource.at("config", "nodeConfig", label="addresses of IPv4 alone")
    yield Rule(Action.DENY, match, source, implied=True)


def _implied(placed: Placement, outward: bool) -> Iterator[Rule]:
    """The rules that every network has at the end: everything out, nothing in ("VPC firewall rules", "Implied rules")."""
    network = placed.network_resource or placed.resource
    if outward:
        yield Rule(Action.ALLOW, Match(), Source(network.urn, label="the implied rule that allows egress"), implied=True)
    else:
        yield Rule(Action.DENY, Match(), Source(network.urn, label="the implied rule that denies ingress"), implied=True)
