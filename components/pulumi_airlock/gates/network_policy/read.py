"""What NetworkPolicies let through, as filters: one for what leaves isolated pods, one for what reaches them.

Traffic between a node and its own pods is always let through, and a pod always reaches itself: neither is traffic of the proof.
O(policies × workloads + rules × workloads).
"""

from collections.abc import Iterator

from ...proof.filters import Action, Combine, Filter, Match, Rule, Who
from ...proof.sets import Hosts, Names, Services
from ...proof.shape import Shape
from ...tokens import CILIUM_GATE, NETWORK_POLICY_GATE
from ..kubernetes import Workload, names_of, read_cluster
from ..kubernetes.workloads import POD_DOMAIN, SERVICE_DOMAIN
from ..stack import Stack
from .rules import EGRESS, INGRESS, Allowance, Peer, Policies, Policy, position_of, unknown_reasons

DEFAULT_NAME = "network_policy"


def read(stack: Stack) -> Iterator[Filter]:
    """The filters of both directions; none where the stack has no NetworkPolicy.

    With Cilium's own policies in the stack, those are read together with these, by the gate of Cilium: there, all policies of a
    pod add up.
    """
    cluster = read_cluster(stack)
    policies = Policies(stack, cluster)
    if not policies.all or stack.of_type(CILIUM_GATE):
        return
    gates = stack.of_type(NETWORK_POLICY_GATE)
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, policies.all[0].object.resource.urn)
    outward = tuple(one for one in cluster.workloads if policies.on(one, EGRESS))
    inward = tuple(one for one in cluster.workloads if policies.on(one, INGRESS))
    shape = Shape(nouns=("rule", "rules"))
    if outward:
        scope = Match(who=Who(workloads=names_of(outward)))
        rules = tuple(_rules(policies, EGRESS))
        yield Filter(gate, "egress of pods", Combine.ANY_ALLOW, Action.DENY, rules, urn, scope=scope, always=True, shape=shape)
    if inward:
        scope = Match(hosts=cluster.hosts(inward))
        rules = tuple(_rules(policies, INGRESS))
        yield Filter(gate, "ingress of pods", Combine.ANY_ALLOW, Action.DENY, rules, urn, scope=scope, always=True, shape=shape)


def _rules(policies: Policies, direction: str) -> Iterator[Rule]:
    for policy in policies.all:
        if direction not in policy.directions:
            continue
        selected = policies.selected(policy)
        for allowance in policy.rules[direction]:
            for match, unknown in _matches(policies, policy, direction, allowance, selected):
                source = policy.object.at(*position_of(direction, allowance))
                yield Rule(Action.ALLOW, match, source, unknown)


def _matches(
    policies: Policies, policy: Policy, direction: str, allowance: Allowance, selected: tuple[Workload, ...]
) -> Iterator[tuple[Match, tuple[str, ...]]]:
    for peer in (None,) if allowance.peers is None else allowance.peers:
        unknown = unknown_reasons(policy, allowance, peer)
        found = (
            _outward(policies, policy, allowance, selected, peer)
            if direction == EGRESS
            else _inward(policies, policy, allowance, selected, peer)
        )
        for match in found:
            yield match, unknown


def _outward(
    policies: Policies, policy: Policy, allowance: Allowance, selected: tuple[Workload, ...], peer: Peer | None
) -> Iterator[Match]:
    who = Who(workloads=names_of(selected))
    if not selected:
        return
    pods = policies.cluster.workloads if peer is None else policies.pods(policy, peer)
    elsewhere = allowance.services(None)
    if peer is None and allowance.ports is None:
        yield Match(who=who)
        return
    outside = policies.cluster.declared.met_by_block(_anywhere()) if peer is None else policies.block(peer)
    if outside and elsewhere:
        yield Match(who=who, hosts=outside, services=elsewhere)
    for hosts, services in _reached(policies, allowance, pods):
        yield Match(who=who, hosts=hosts, services=services)


def _inward(
    policies: Policies, policy: Policy, allowance: Allowance, selected: tuple[Workload, ...], peer: Peer | None
) -> Iterator[Match]:
    if peer is None:
        callers = [Who()]
    elif peer.block is not None:
        met = policies.block(peer)
        callers = [Who(sources=met)] if met else []
    else:
        names = names_of(policies.pods(policy, peer))
        callers = [Who(workloads=names)] if names else []
    for who in callers:
        for hosts, services in _reached(policies, allowance, selected):
            yield Match(who=who, hosts=hosts, services=services)


def _anywhere() -> Hosts:
    """All addresses, and every name that is none of the cluster's."""
    every = Hosts.every()
    return Hosts(every.v4, every.v6, Names(frozenset({f"*.{SERVICE_DOMAIN}", f"*.{POD_DOMAIN}"})).complement())


def _reached(policies: Policies, allowance: Allowance, pods: tuple[Workload, ...]) -> Iterator[tuple[Hosts, Services]]:
    """What the rule's ports of some pods are to callers: pods of which a port's name means the same go together."""
    groups: dict[Services, list[Workload]] = {}
    for one in pods:
        groups.setdefault(allowance.services(one), []).append(one)
    for services, workloads in groups.items():
        if services:
            yield from policies.cluster.reached(workloads, services)
