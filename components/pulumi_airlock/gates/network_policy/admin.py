"""AdminNetworkPolicies and the BaselineAdminNetworkPolicy (Network Policy API, `policy.networking.k8s.io`): cluster-wide rules.

In the order of their priorities, lowest number first; the first rule that matches decides, or passes to the next tier.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...proof.filters import Source
from ...proof.sets import Hosts
from ..kubernetes import KubeObject, LabelSelector, objects
from ..stack import UNKNOWN, Stack, port_number
from .rules import DIRECTIONS, INGRESS, Allowance, Peer, PortRule

ADMIN_GROUP = "policy.networking.k8s.io"
_LAST_PRIORITY = 1000


@dataclass(frozen=True, slots=True)
class AdminRule(Allowance):
    """One rule."""

    action: str = "deny"
    """`allow`, `deny`, `pass`."""


@dataclass(frozen=True)
class AdminPolicy:
    """One policy of the cluster."""

    object: KubeObject
    priority: int
    subject: Peer
    rules: Mapping[str, tuple[AdminRule, ...]]

    def source(self, direction: str, rule: Allowance) -> Source:
        """A rule as the source of a decision."""
        position = f"{direction}[{rule.position}]"
        label = f"{self.object.kind} {self.object.name} {position}"
        return self.object.at("spec", direction, rule.position, label=label)


def admin_policies(stack: Stack) -> tuple[tuple[AdminPolicy, ...], tuple[AdminPolicy, ...]]:
    """Those before NetworkPolicies, in order, and the baseline after them."""
    found = sorted(map(_policy, objects(stack, ADMIN_GROUP, "AdminNetworkPolicy")), key=lambda one: one.priority)
    return tuple(found), tuple(map(_policy, objects(stack, ADMIN_GROUP, "BaselineAdminNetworkPolicy")))


def _policy(one: KubeObject) -> AdminPolicy:
    priority = one.get("spec", "priority", default=0)
    subject = one.get("spec", "subject")
    return AdminPolicy(
        one,
        int(priority) if isinstance(priority, int | float) else _LAST_PRIORITY,
        _pods(subject, "spec.subject") if isinstance(subject, Mapping) else Peer(unknown=("spec.subject",)),
        {direction: tuple(_rules(one, direction)) for direction in DIRECTIONS},
    )


def _rules(one: KubeObject, direction: str) -> Iterator[AdminRule]:
    for position, rule in enumerate(one.get_list("spec", direction)):
        if not isinstance(rule, Mapping):
            continue
        key = "from" if direction == INGRESS else "to"
        where = f"spec.{direction}[{position}].{key}"
        peers = tuple(peer for each in rule.get(key) or () for peer in _peers(each, where))
        given = rule.get("ports")
        ports = tuple(map(_port, given)) if given else None
        action = str(rule.get("action") or "deny").lower()
        # What is known of a rule apart from what is not, which says nothing of whom the others mean.
        for some in (tuple(one for one in peers if not one.unknown), tuple(one for one in peers if one.unknown)):
            if some:
                yield AdminRule(position, some, ports, action)


def _peers(one: Any, where: str) -> Iterator[Peer]:
    if not isinstance(one, Mapping):
        yield Peer(block=Hosts.every(), unknown=(where,))
    elif one.get("networks"):
        for each in one["networks"]:
            try:
                yield Peer(
                    block=Hosts.every() if each is UNKNOWN else Hosts.from_cidr(str(each)), unknown=(where,) * (each is UNKNOWN)
                )
            except ValueError:
                continue  # The API refuses it.
    elif "nodes" in one or "domainNames" in one:
        # Which nodes there are, and which addresses a name has, is not known here.
        yield Peer(block=Hosts.every(), unknown=(where,))
    else:
        yield _pods(one, where)


def _pods(one: Mapping[str, Any], where: str) -> Peer:
    pods = one.get("pods")
    if isinstance(pods, Mapping):
        spaces, chosen = pods.get("namespaceSelector"), pods.get("podSelector")
    else:
        spaces, chosen = one.get("namespaces"), None
    spaces_, pods_ = LabelSelector.parse(spaces, where), LabelSelector.parse(chosen, where)
    return Peer(spaces_, pods_, unknown=(*spaces_.unknown, *pods_.unknown))


def _port(one: Any) -> PortRule:
    if not isinstance(one, Mapping):
        return PortRule("tcp", unknown=True)
    if one.get("namedPort") is not None:
        return PortRule("", name=str(one["namedPort"]))
    if isinstance(single := one.get("portNumber"), Mapping):
        return _numbers(single.get("protocol"), single.get("port"), single.get("port"))
    if isinstance(span := one.get("portRange"), Mapping):
        return _numbers(span.get("protocol"), span.get("start"), span.get("end"))
    return PortRule("tcp", unknown=True)


def _numbers(protocol: Any, first: Any, last: Any) -> PortRule:
    low, high = port_number(first), port_number(last)
    if protocol is UNKNOWN or low is None or high is None:
        return PortRule("tcp", unknown=True)
    return PortRule(str(protocol or "TCP").lower(), low, high)
