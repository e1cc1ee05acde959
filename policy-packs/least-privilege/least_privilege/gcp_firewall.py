"""Policies on Google Cloud's firewall: VPC firewall rules, and firewall policies of organizations, folders and networks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi_airlock.environments.composer.read import ENVIRONMENT as ENVIRONMENTS
from pulumi_policy import EnforcementLevel, Severity

from .addresses import SETTINGS, world_open
from .controls import Soc2
from .reading import UNKNOWN, Subject
from .registry import Findings, resource_policy, undecided, wrong

VPC_RULE = "gcp:compute/firewall:Firewall"
NETWORK = "gcp:compute/network:Network"
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

DOCS = "https://docs.cloud.google.com/firewall/docs"
_DEFAULT_RULE = re.compile(r"default-allow-(internal|ssh|rdp|icmp|http|https)")

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
    url=f"{DOCS}/firewall-policies-rule-details",
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
    url=f"{DOCS}/firewall-policies-rule-details",
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
    url=f"{DOCS}/firewall-policies-rule-details",
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
    url=f"{DOCS}/firewall-rules-logging",
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
