"""Policies on Google Cloud's firewall: VPC firewall rules, and firewall policies of organizations, folders and networks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi_airlock.environments.composer.read import ENVIRONMENT as ENVIRONMENTS
from pulumi_airlock.gates.gcp_firewall import read
from pulumi_airlock.proof.filters import Action, Rule
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_policy import EnforcementLevel, Severity

from .addresses import SETTINGS, world_open
from .controls import Soc2
from .reading import UNKNOWN, Stack, Subject, of_kind
from .registry import Config, Finding, Findings, resource_policy, stack_policy, undecided, wrong

VPC_RULE = "gcp:compute/firewall:Firewall"
NETWORK = "gcp:compute/network:Network"
ASSOCIATION = "gcp:compute/networkFirewallPolicyAssociation:NetworkFirewallPolicyAssociation"
POLICY_RULES = (
    "gcp:compute/firewallPolicyRule:FirewallPolicyRule",
    "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule",
    "gcp:compute/regionNetworkFirewallPolicyRule:RegionNetworkFirewallPolicyRule",
)
WITH_RULES = (
    "gcp:compute/firewallPolicyWithRules:FirewallPolicyWithRules",
    "gcp:compute/networkFirewallPolicyWithRules:NetworkFirewallPolicyWithRules",
    "gcp:compute/regionNetworkFirewallPolicyWithRules:RegionNetworkFirewallPolicyWithRules",
)
RULES = (VPC_RULE, *POLICY_RULES, *WITH_RULES)
AROUND = ("gcp:compute/*", "gcp:serviceaccount/*", "gcp:networksecurity/*", "gcp:organizations/*", "airlock:index:*")
"""What the reader of the firewall looks at beside the environments."""

_DOCS = "https://docs.cloud.google.com/firewall/docs"
_DEFAULT_RULE = re.compile(r"default-allow-(internal|ssh|rdp|icmp|http|https)")
_EVERY = Hosts.every_v4()

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class _One:
    """One rule, in whichever resource it is written."""

    it: Subject
    path: Path

    @property
    def classic(self) -> bool:
        return self.it.kind == VPC_RULE

    def get(self, *path: str | int) -> Any:
        return self.it.get(*self.path, *path)

    def at(self, *path: str | int) -> Path:
        return (*self.path, *path)

    @property
    def direction(self) -> Any:
        return self.it.get(*self.path, "direction", default="INGRESS")

    @property
    def action(self) -> Any:
        """`allow`, `deny`, …; of a VPC rule by which of its lists it has."""
        if not self.classic:
            return self.get("action")
        found = [action for action, prop in (("allow", "allows"), ("deny", "denies")) if self.get(prop)]
        return found[0] if found else UNKNOWN

    @property
    def disabled(self) -> Any:
        return self.it.get(*self.path, "disabled", default=False)

    def allows(self, direction: str) -> Any:
        """Whether it is in force, of this direction, and lets through; UNKNOWN where that is not known."""
        facts = (self.direction, self.action, self.disabled)
        if (
            self.direction not in (direction, UNKNOWN)
            or self.disabled is True
            or self.action not in ("allow", "apply_security_profile_group", UNKNOWN)
        ):
            return False
        return UNKNOWN if UNKNOWN in facts else True

    def peers(self, direction: str) -> Iterator[tuple[Path, Any]]:
        """Every range of the far end, with its place."""
        outward = direction == "EGRESS"
        prop: Path = ("destinationRanges" if outward else "sourceRanges",)
        if not self.classic:
            prop = ("match", "destIpRanges" if outward else "srcIpRanges")
        yield from self.it.items(*self.path, *prop)

    def anywhere(self, direction: str) -> bool:
        """Whether it names no far end at all, which is everywhere."""
        outward = direction == "EGRESS"
        if self.classic:
            props = ("destinationRanges",) if outward else ("sourceRanges", "sourceTags", "sourceServiceAccounts")
            return not any(self.get(prop) or self.get(prop) is UNKNOWN for prop in props)
        match = self.get("match")
        if match is UNKNOWN or match is None:
            return False
        side = "dest" if outward else "src"
        return not any(key.startswith(side) and value not in (None, []) for key, value in match.items())

    def protocols(self) -> Iterator[tuple[Path, Any]]:
        """Every protocol, with its place."""
        prop: Path = ("allows",) if self.classic else ("match", "layer4Configs")
        name = "protocol" if self.classic else "ipProtocol"
        for path, value in self.it.items(*self.path, *prop):
            yield (path, UNKNOWN) if value is UNKNOWN else ((*path, name), self.it.get(*path, name))


def _rules(it: Subject) -> Iterator[_One]:
    if it.kind not in WITH_RULES:
        yield _One(it, ())
        return
    for path, _ in it.items("rules"):
        yield _One(it, path)


def _open(it: Subject, direction: str, what: str) -> Findings:
    """Rules of one direction that let the whole internet through."""
    for one in _rules(it):
        applies = one.allows(direction)
        if applies is False:
            continue
        if one.anywhere(direction):
            found: list[tuple[Path, Any]] = [(one.at("match") if not one.classic else one.at("direction"), "0.0.0.0/0")]
        else:
            found = list(one.peers(direction))
        for path, cidr in found:
            if cidr is UNKNOWN or (applies is UNKNOWN and world_open(cidr, it.config)):
                yield undecided(it, path)
            elif world_open(cidr, it.config):
                yield wrong(it, path, f"is {cidr}: {what} the whole internet")


@resource_policy(
    "gcp-firewall-no-world-open-ingress",
    types=RULES,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name the ranges of those who connect, their secure tags or their accounts.",
    url=f"{_DOCS}/firewall-policies-rule-details",
    settings=SETTINGS,
)
def no_world_open_ingress(it: Subject) -> Findings:
    """No firewall rule lets the internet in, on any port."""
    yield from _open(it, "INGRESS", "ingress from")


@resource_policy(
    "gcp-firewall-no-world-open-egress",
    types=RULES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name the ranges or FQDNs that routes lead to, and reach Google's APIs at private.googleapis.com.",
    url=f"{_DOCS}/firewall-policies-rule-details",
    settings=SETTINGS,
)
def no_world_open_egress(it: Subject) -> Findings:
    """No firewall rule lets traffic out to the whole internet."""
    yield from _open(it, "EGRESS", "egress to")


@resource_policy(
    "gcp-firewall-no-any-any",
    types=RULES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name protocols and ports, or the one network that may speak all of them.",
    url=f"{_DOCS}/firewall-policies-rule-details",
)
def no_any_any(it: Subject) -> Findings:
    """No firewall rule lets every protocol through to or from everywhere."""
    for one in _rules(it):
        for direction in ("EGRESS", "INGRESS"):
            applies = one.allows(direction)
            if applies is False:
                continue
            wide = one.anywhere(direction) or any(_everywhere(cidr) for _, cidr in one.peers(direction))
            hidden = applies is UNKNOWN or any(cidr is UNKNOWN for _, cidr in one.peers(direction))
            for path, protocol in one.protocols():
                if protocol not in ("all", UNKNOWN) or not (wide or hidden):
                    continue
                if protocol is UNKNOWN or not wide or applies is UNKNOWN:
                    yield undecided(it, path)
                else:
                    yield wrong(it, path, f"is all: every protocol, {'to' if direction == 'EGRESS' else 'from'} everywhere")


def _everywhere(cidr: Any) -> bool:
    return isinstance(cidr, str) and cidr.endswith("/0")


def _log(it: Subject, properties: dict[str, Any]) -> None:
    if it.kind == VPC_RULE:
        properties["logConfig"] = {"metadata": "INCLUDE_ALL_METADATA"}
        return
    rules = properties["rules"] if it.kind in WITH_RULES else [properties]
    for one in rules:
        if one.get("action") != "goto_next":
            one["enableLogging"] = True


@resource_policy(
    "gcp-firewall-logging",
    types=RULES,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set `enableLogging` (a policy's rule), or write `logConfig` (a VPC firewall rule).",
    url=f"{_DOCS}/firewall-rules-logging",
    remedy=_log,
)
def logging(it: Subject) -> Findings:
    """Every firewall rule that decides something logs it; Google cannot log those that go to the next policy."""
    for one in _rules(it):
        if one.disabled is True or one.action == "goto_next":
            continue
        if one.classic:
            if it.get("logConfig") is None:
                # A whole block that is unknown is a block.
                yield wrong(it, "logConfig", "is missing: nobody sees what the rule lets through or stops")
            continue
        on = one.get("enableLogging")
        if on is UNKNOWN or (one.action is UNKNOWN and on is not True):
            yield undecided(it, one.at("enableLogging"))
        elif on is not True:
            yield wrong(it, one.at("enableLogging"), "is off: nobody sees what the rule lets through or stops")


@resource_policy(
    "gcp-firewall-no-disabled-deny",
    types=RULES,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="Remove `disabled`, or the rule.",
)
def no_disabled_deny(it: Subject) -> Findings:
    """No rule that denies is switched off: it reads as if it protected something."""
    for one in _rules(it):
        if one.action not in ("deny", UNKNOWN):
            continue
        if one.disabled is UNKNOWN or (one.disabled is True and one.action is UNKNOWN):
            yield undecided(it, one.at("disabled"))
        elif one.disabled is True:
            yield wrong(it, one.at("disabled"), "is on: the rule denies nothing")


@resource_policy(
    "gcp-firewall-no-default-rules",
    types=(VPC_RULE, NETWORK, *ENVIRONMENTS),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Make a network with `autoCreateSubnetworks` off and rules of its own; delete the project's default network.",
    url="https://docs.cloud.google.com/vpc/docs/firewalls",
)
def no_default_rules(it: Subject) -> Findings:
    """Nothing lives on a default network, whose rules let SSH, RDP and ICMP in from everywhere and all ports in from within."""
    if it.kind == NETWORK:
        made = it.get("autoCreateSubnetworks", default=True)
        if made is UNKNOWN:
            yield undecided(it, "autoCreateSubnetworks")
        elif made is not False:
            yield wrong(it, "autoCreateSubnetworks", "is on: the network has a subnetwork in every region, as the default one")
    elif it.kind == VPC_RULE:
        yield from _default_network(it, ("network",))
        name = it.get("name")
        if isinstance(name, str) and _DEFAULT_RULE.fullmatch(name):
            yield wrong(it, "name", f"is {name}: a rule of the default network")
    else:
        yield from _default_network(it, ("config", "nodeConfig", "network"))


def _default_network(it: Subject, path: Path) -> Findings:
    network = it.get(*path)
    if network is UNKNOWN:
        yield undecided(it, path)
    elif isinstance(network, str) and network.rsplit("/", 1)[-1] == "default":
        yield wrong(it, path, "is the project's default network")


@stack_policy(
    "gcp-firewall-policy-first",
    types=(NETWORK,),
    beside=(ASSOCIATION,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="Set `networkFirewallPolicyEnforcementOrder` of the network to BEFORE_CLASSIC_FIREWALL.",
    url=f"{_DOCS}/firewall-policies-rule-eval-order",
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
    url=f"{_DOCS}/firewall-policies-rule-eval-order",
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
    url=f"{_DOCS}/firewall-policies-rule-eval-order",
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


@resource_policy(
    "gcp-firewall-rule-described",
    types=RULES,
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Say in `description` which route or ticket the rule is for.",
    level=EnforcementLevel.ADVISORY,
)
def rule_described(it: Subject) -> Findings:
    """Every firewall rule says what it is for."""
    for one in _rules(it):
        description = one.get("description")
        if description is UNKNOWN:
            yield undecided(it, one.at("description"))
        elif not description or not str(description).strip():
            yield wrong(it, one.at("description"), "is empty")
