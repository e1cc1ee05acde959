"""Policies on what Google Cloud's firewall decides as a whole: which rules come first, and what none of them names."""

from typing import Any

from pulumi_airlock.environments.composer.read import ENVIRONMENT as ENVIRONMENTS
from pulumi_airlock.gates.gcp_firewall import read
from pulumi_airlock.proof.filters import Action, Rule
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_policy import Severity

from .controls import Soc2
from .gcp_firewall import DOCS, NETWORK
from .reading import UNKNOWN, Stack, of_kind
from .registry import Config, Finding, Findings, stack_policy, undecided, wrong

ASSOCIATION = "gcp:compute/networkFirewallPolicyAssociation:NetworkFirewallPolicyAssociation"
AROUND = ("gcp:compute/*", "gcp:serviceaccount/*", "gcp:networksecurity/*", "gcp:organizations/*", "airlock:index:*")
"""What the reader of the firewall looks at beside the environments."""

_EVERY = Hosts.every_v4()


@stack_policy(
    "gcp-firewall-policy-first",
    types=(NETWORK,),
    beside=(ASSOCIATION,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="Set `networkFirewallPolicyEnforcementOrder` of the network to BEFORE_CLASSIC_FIREWALL.",
    url=f"{DOCS}/firewall-policies-rule-eval-order",
)
def policy_first(stack: Stack, _: Config) -> Findings:
    """A network that has a firewall policy looks at it before its VPC firewall rules, which could let through what it denies."""
    for network in of_kind(stack, NETWORK):
        names = {network.get(prop) for prop in ("id", "selfLink", "name")} - {None, UNKNOWN}
        associated = [
            one
            for one in of_kind(stack, ASSOCIATION)
            if network in one.refers_to("attachmentTarget") or one.get("attachmentTarget") in names
        ]
        if not associated:
            continue
        order = network.get("networkFirewallPolicyEnforcementOrder", default="AFTER_CLASSIC_FIREWALL")
        if order is UNKNOWN:
            yield undecided(network, "networkFirewallPolicyEnforcementOrder")
        elif order != "BEFORE_CLASSIC_FIREWALL":
            message = f"is {order}: VPC firewall rules come before the policy of {associated[0].name}"
            yield wrong(network, "networkFirewallPolicyEnforcementOrder", message)


@stack_policy(
    "gcp-firewall-egress-denied",
    types=ENVIRONMENTS,
    beside=AROUND,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Deny 0.0.0.0/0 for all protocols after the rules that allow, for the environment's addresses: GcpFirewallGate does.",
    url=f"{DOCS}/firewall-policies-rule-eval-order",
)
def egress_denied(stack: Stack, _: Config) -> Findings:
    """What no rule allows out of an environment of Composer is denied: by itself a network lets everything out."""
    for found in read(stack):
        if found.scope.who.environments is None:
            continue
        last = [one for one in found.rules if one.action is Action.DENY and not one.implied and _whole(one)]
        environment = next(
            one for one in stack.resources if one.type in ENVIRONMENTS and _named(one, found.scope.who.environments)
        )
        if not last:
            yield wrong(environment, "", f"may call everything that no rule names: {found.name} has no rule that denies the rest")
        elif all(one.unknown for one in last):
            yield undecided(environment, last[0].unknown[0])


def _named(resource: Any, names: frozenset[str]) -> bool:
    return resource.name in names or any(one.name in names for one in resource.ancestors())


def _whole(one: Rule) -> bool:
    match = one.match
    return match.hosts.covers_addresses(_EVERY) and match.services == Services.every() and match.who.sources is None


@stack_policy(
    "gcp-firewall-deny-not-shadowed",
    types=ENVIRONMENTS,
    beside=AROUND,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Give the rule that denies the lower priority number, or narrow the one that allows.",
    url=f"{DOCS}/firewall-policies-rule-eval-order",
)
def deny_not_shadowed(stack: Stack, _: Config) -> Findings:
    """No rule that denies comes after one that lets all of the same through, as an environment of Composer meets them."""
    seen: set[str] = set()
    for found in read(stack):
        before: list[Rule] = []
        for one in found.rules:
            if one.implied:
                continue
            if one.action is Action.ALLOW:
                before.append(one)
                continue
            over = next((other for other in before if _covers(other, one)), None)
            finding = _shadowed(stack, one, over) if over is not None else None
            if finding is not None and finding.text() not in seen:
                seen.add(finding.text())
                yield finding


def _covers(wide: Rule, narrow: Rule) -> bool:
    sources, mine = wide.match.who.sources, narrow.match.who.sources
    return (
        wide.match.hosts.covers_addresses(narrow.match.hosts)
        and (not narrow.match.hosts.names or wide.match.hosts.v4 == _EVERY.v4)
        and not (narrow.match.services - wide.match.services)
        and (sources is None or (mine is not None and sources.covers_addresses(mine)))
    )


def _shadowed(stack: Stack, one: Rule, over: Rule) -> Finding | None:
    resource = stack.find(one.source.urn)
    if resource is None or one.unknown:
        return None
    if over.unknown:
        return undecided(resource, over.unknown[0])
    return wrong(resource, one.source.position, f"denies nothing: {over.source} lets the same through before")
