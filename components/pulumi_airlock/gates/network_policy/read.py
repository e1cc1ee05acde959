"""What NetworkPolicies let through, as filters: one for what leaves isolated pods, one for what reaches them.

Traffic between a node and its own pods is always let through, and a pod always reaches itself: neither is traffic of the proof.
O(policies × workloads + rules × workloads).
"""

from collections.abc import Iterator

from ...proof.filters import Action, Combine, Filter, Match, Rule, Who
from ...proof.sets import Hosts, Names, Services
from ...proof.shape import Shape
from ...tokens import CILIUM_GATE, NETWORK_POLICY_GATE
from ..kubernetes import Workload, names_of, objects, read_cluster
from ..kubernetes.workloads import POD_DOMAIN, SERVICE_DOMAIN
from ..stack import Stack
from .admin import ADMIN_GROUP
from .policies import Meant, Policies
from .rules import DIRECTIONS, EGRESS, Allowance, Policy, unknown_reasons

DEFAULT_NAME = "network_policy"
_LINK_LOCAL = Hosts.from_cidrs(["169.254.0.0/16", "fe80::/10"])
"""No router carries packets from there (RFC 3927, RFC 4291): whoever has such an address is on the pod's own node."""
_HBONE = Services.of("tcp", 15008, 15008)
"""By which all TCP comes in an ambient mesh (Istio, "Ambient and Kubernetes NetworkPolicy")."""
_ADMIN_KINDS = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")


def read(stack: Stack) -> Iterator[Filter]:
    """The filters of both directions; none where the stack has no NetworkPolicy.

    With Cilium's own policies in the stack, those are read together with these, by the gate of Cilium: there, all policies of a
    pod add up.
    """
    cluster = read_cluster(stack)
    policies = Policies(stack, cluster)
    admin = objects(stack, ADMIN_GROUP, *_ADMIN_KINDS)
    if stack.of_type(CILIUM_GATE) or not (policies.all or admin):
        return
    gates = stack.of_type(NETWORK_POLICY_GATE)
    first = (*admin, *(one.object for one in policies.all))[0]
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, first.resource.urn)
    shape = Shape(nouns=("rule", "rules"))
    for direction in DIRECTIONS[::-1]:
        isolated = tuple(one for one in cluster.workloads if policies.on(one, direction))
        if isolated:
            rules = (*_rules(policies, direction), *_doubts(policies, direction, isolated))
            scope = _of(policies, direction, isolated)
            name = f"{direction} of pods"
            yield Filter(gate, name, Combine.ANY_ALLOW, Action.DENY, rules, urn, scope=scope, always=True, shape=shape)
    if admin:
        # Their tiers pass to and fro, which no one list of rules says: who connects is `Connectivity`'s to tell, here it is open.
        rules = tuple(
            Rule(Action.DENY, Match(), one.at(label=f"{one.kind} {one.name}"), (f"{one.resource.name}.spec",)) for one in admin
        )
        yield Filter(gate, "admin policies", Combine.DENY_OVERRIDES, Action.ALLOW, rules, urn, always=True, shape=shape)


def _rules(policies: Policies, direction: str) -> Iterator[Rule]:
    for policy in policies.all:
        if direction not in policy.directions or not (selected := policies.selected(policy)):
            continue
        for allowance in policy.rules[direction]:
            source = policy.source(direction, allowance)
            for match, unknown in _matches(policies, policy, direction, allowance, selected):
                yield Rule(Action.ALLOW, match, source, unknown)


def _doubts(policies: Policies, direction: str, isolated: tuple[Workload, ...]) -> Iterator[Rule]:
    """Whoever may not be isolated at all may be let through everything."""
    for one in isolated:
        if unknown := policies.doubted(one, direction):
            policy = policies.on(one, direction)[0]
            yield Rule(Action.ALLOW, _of(policies, direction, (one,)), policy.object.at("spec"), unknown)


def _of(policies: Policies, direction: str, workloads: tuple[Workload, ...]) -> Match:
    """What leaves, or reaches, some workloads."""
    if direction == EGRESS:
        return Match(who=Who(workloads=names_of(workloads)))
    return Match(hosts=policies.cluster.hosts(workloads))


def _matches(
    policies: Policies, policy: Policy, direction: str, allowance: Allowance, selected: tuple[Workload, ...]
) -> Iterator[tuple[Match, tuple[str, ...]]]:
    one_way = _outward if direction == EGRESS else _inward
    for peer in (None,) if allowance.peers is None else allowance.peers:
        unknown = unknown_reasons(policy, allowance, peer)
        meant = None if peer is None or peer.anybody else policies.meant(policy.namespace, peer)
        for match in one_way(policies, allowance, selected, meant):
            yield match, unknown
        if meant is not None and meant.perhaps:
            perhaps = Meant(meant.perhaps)
            reason = f"{policy.object.resource.name}.{direction}[{allowance.position}]: addresses of pods"
            for match in one_way(policies, allowance, selected, perhaps):
                yield match, (*unknown, reason)


def _outward(policies: Policies, allowance: Allowance, selected: tuple[Workload, ...], meant: Meant | None) -> Iterator[Match]:
    who = Who(workloads=names_of(selected))
    if meant is None and allowance.ports is None:
        yield Match(who=who)
        return
    outside, services = (
        _anywhere(policies) if meant is None else _with_api_server(policies, meant.outside),
        allowance.services(None),
    )
    if outside and services:
        yield Match(who=who, hosts=outside, services=services)
    pods = policies.cluster.workloads if meant is None else meant.workloads
    for hosts, services in _reached(policies, allowance, pods):
        yield Match(who=who, hosts=hosts, services=services)


def _inward(policies: Policies, allowance: Allowance, selected: tuple[Workload, ...], meant: Meant | None) -> Iterator[Match]:
    callers = [Who()]
    if meant is not None:
        callers = [Who(workloads=names_of(meant.workloads))] if meant.workloads else []
        beyond = (meant.outside - _LINK_LOCAL).addresses()
        callers += [Who(sources=beyond)] if beyond else []
    for who in callers:
        for hosts, services in _reached(policies, allowance, selected):
            yield Match(who=who, hosts=hosts, services=services)


def _anywhere(policies: Policies) -> Hosts:
    """All addresses, and every name that is none of the cluster's."""
    every = policies.beyond(Hosts.every())
    return Hosts(every.v4, every.v6, Names(frozenset({f"*.{SERVICE_DOMAIN}", f"*.{POD_DOMAIN}"})).complement())


def _with_api_server(policies: Policies, outside: Hosts) -> Hosts:
    """A block that has all addresses of the API server leads to it by its name as well."""
    here = policies.cluster.api_server
    known = here.addresses()
    return outside | here if known and outside.covers_addresses(known) else outside


def _reached(policies: Policies, allowance: Allowance, pods: tuple[Workload, ...]) -> list[tuple[Hosts, Services]]:
    """What the rule's ports of some pods are to callers: pods of which a port's name means the same go together."""
    key = (allowance.ports, tuple(one.name for one in pods))
    if key not in policies.reached:
        groups: dict[Services, list[Workload]] = {}
        for one in pods:
            services = allowance.services(one)
            if services & _HBONE and policies.ambient(one):
                services = (services | Services.of("tcp")) - _HBONE  # Which port is meant, the mesh alone knows.
            groups.setdefault(services, []).append(one)
        policies.reached[key] = [
            each for services, workloads in groups.items() if services for each in policies.cluster.reached(workloads, services)
        ]
    return policies.reached[key]
