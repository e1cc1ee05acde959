"""Policies of plugins of their own, beside Kubernetes' NetworkPolicies, and of later versions: they are not read.

Each may refuse; and one with a rule that accepts may let through what NetworkPolicies refuse, as Calico's and Antrea's stand in
tiers before them (Calico, "Get started with policy tiers"; Antrea, "ClusterNetworkPolicy"; Network Policy API, v1alpha2).
"""

from collections.abc import Mapping
from typing import Any

from ...proof.filters import Action, Match, Rule
from ..kubernetes import KubeObject, objects
from ..stack import UNKNOWN, Stack
from .admin import ADMIN_GROUP

_KINDS = {
    ADMIN_GROUP: ("ClusterNetworkPolicy",),
    "projectcalico.org": ("NetworkPolicy", "GlobalNetworkPolicy"),
    "crd.projectcalico.org": ("NetworkPolicy", "GlobalNetworkPolicy"),
    "crd.antrea.io": ("NetworkPolicy", "ClusterNetworkPolicy"),
    "networking.k8s.aws": ("ApplicationNetworkPolicy", "ClusterNetworkPolicy"),
}
_ACCEPTING = ("allow", "accept")


def other_policies(stack: Stack) -> tuple[KubeObject, ...]:
    """All of a stack."""
    return tuple(one for group, kinds in _KINDS.items() for one in objects(stack, group, *kinds))


def refusing(one: KubeObject) -> Rule:
    """It may refuse anything."""
    return _rule(one, Action.DENY)


def accepting(found: tuple[KubeObject, ...]) -> tuple[Rule, ...]:
    """Those that may let anything through."""
    return tuple(_rule(one, Action.ALLOW) for one in found if _accepts(one.get("spec")))


def _rule(one: KubeObject, action: Action) -> Rule:
    return Rule(action, Match(), one.at(label=f"{one.kind} {one.name}"), (f"{one.name}.spec",))


def _accepts(spec: Any) -> bool:
    """Whether some rule accepts, or may."""
    if spec is UNKNOWN:
        return True
    rules = [spec.get(key) for key in ("ingress", "egress")] if isinstance(spec, Mapping) else []
    if UNKNOWN in rules:
        return True
    each = [one for listed in rules if isinstance(listed, list | tuple) for one in listed]
    actions = [one.get("action", "accept") if isinstance(one, Mapping) else "accept" for one in each]
    return any(one is UNKNOWN or str(one).lower() in _ACCEPTING for one in actions)
