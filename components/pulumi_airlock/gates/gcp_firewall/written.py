"""The firewall rules that a stack has, under one set of names: each is found once, for all environments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..stack import UNKNOWN, Resource, Stack
from . import kinds
from .entries import Written
from .links import Linked, follow

_VPC_NAMES = {
    "srcIpRanges": "sourceRanges",
    "destIpRanges": "destinationRanges",
    "srcTags": "sourceTags",
    "srcServiceAccounts": "sourceServiceAccounts",
}
"""A policy's term → that of a VPC firewall rule."""
_DEFAULT_PRIORITY = 1000
"""Of a VPC firewall rule ("VPC firewall rules", "Priority")."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of firewall policy: the types of its resources, and what its associations attach it to."""

    policies: tuple[str, ...]
    with_rules: tuple[str, ...]
    rules: tuple[str, ...]
    associations: tuple[str, ...]
    title: str


HIERARCHICAL = Family(
    kinds.HIERARCHICAL,
    kinds.HIERARCHICAL_WITH_RULES,
    kinds.HIERARCHICAL_RULE,
    kinds.HIERARCHICAL_ASSOCIATION,
    "hierarchical firewall policy",
)
GLOBAL = Family(
    kinds.GLOBAL, kinds.GLOBAL_WITH_RULES, kinds.GLOBAL_RULE, kinds.GLOBAL_ASSOCIATION, "global network firewall policy"
)
REGIONAL = Family(
    kinds.REGIONAL, kinds.REGIONAL_WITH_RULES, kinds.REGIONAL_RULE, kinds.REGIONAL_ASSOCIATION, "regional network firewall policy"
)


class Rules:
    """The rules of one stack, by what puts them in force."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._of_policy: dict[tuple[str, Linked], tuple[Written, ...]] = {}
        self._alone: dict[str, list[tuple[Written, Linked]]] = {}

    def of_policy(self, family: Family, policy: Linked) -> tuple[Written, ...]:
        """The rules of a policy, within it and beside it."""
        key = (family.title, policy)
        if key not in self._of_policy:
            self._of_policy[key] = tuple(self._find(family, policy))
        return self._of_policy[key]

    def _find(self, family: Family, policy: Linked) -> Iterator[Written]:
        for one in policy.resources:
            for position, fields in enumerate(one.get_list("rules") if one.type in family.with_rules else []):
                yield _inline(one, position, fields)
        for written, mine in self._beside(family):
            here = mine.meets(policy)
            if here is None:
                yield replace(written, doubts=(f"{written.where}.firewallPolicy",))
            elif here:
                yield written

    def _beside(self, family: Family) -> list[tuple[Written, Linked]]:
        """The rules that are resources of their own, with the policy that each names."""
        if family.title not in self._alone:
            types = (*family.policies, *family.with_rules)
            found = self.stack.of_type(*family.rules)
            self._alone[family.title] = [(_alone(one), follow(one, ("firewallPolicy",), types)) for one in found]
        return self._alone[family.title]

    @cached_property
    def classic(self) -> tuple[tuple[Written, Linked], ...]:
        """VPC firewall rules, with the network that each names."""
        return tuple(
            (_vpc(one, action, prop, blocks), follow(one, ("network",), kinds.NETWORK))
            for one in self.stack.of_type(*kinds.VPC_RULE)
            for action, prop in (("allow", "allows"), ("deny", "denies"))
            if (blocks := one.get_list(prop))
        )


_HIDDEN: Mapping[str, Any] = {"destIpRanges": [UNKNOWN], "srcIpRanges": [UNKNOWN], "layer4Configs": [UNKNOWN]}


def _inline(policy: Resource, position: int, fields: Any) -> Written:
    if not isinstance(fields, Mapping):
        fields = {"priority": UNKNOWN, "direction": UNKNOWN, "action": UNKNOWN, "match": UNKNOWN}
    match = fields.get("match")
    return Written(policy, ("rules", position), fields, match if isinstance(match, Mapping) else _HIDDEN, "rule")


def _alone(rule: Resource) -> Written:
    match = rule.get("match", default={})
    return Written(rule, (), rule.properties, match if isinstance(match, Mapping) else _HIDDEN, "rule")


def _vpc(one: Resource, action: str, prop: str, blocks: list[Any]) -> Written:
    configs = [
        {"ipProtocol": block.get("protocol", UNKNOWN), "ports": block.get("ports")} if isinstance(block, Mapping) else UNKNOWN
        for block in blocks
    ]
    match: dict[str, Any] = {policy: one.get(own) for policy, own in _VPC_NAMES.items()}
    match["layer4Configs"] = configs
    names = {**_VPC_NAMES, "layer4Configs": prop}
    fields = {**one.properties, "action": action, "priority": one.get("priority", default=_DEFAULT_PRIORITY)}
    return Written(one, (), fields, match, "firewall rule", names)
