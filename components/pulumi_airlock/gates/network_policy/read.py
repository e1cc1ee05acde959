"""What NetworkPolicies let through, as filters: one for what leaves isolated pods, one for what reaches them.

Traffic between a node and its own pods is always let through, and a pod always reaches itself: neither is traffic of the proof.
O(policies × workloads + rules × workloads).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...proof.filters import EVERYTHING, Action, Combine, Filter, Match, Rule, Who
from ...proof.sets import Hosts, Names, Services
from ...proof.shape import Shape
from ...tokens import CILIUM_GATE, NETWORK_POLICY_GATE
from ..declaration import declared_hosts
from ..kubernetes import Workload, names_of, objects, read_cluster
from ..kubernetes.outside import without_policy
from ..kubernetes.workloads import POD_DOMAIN, SERVICE_DOMAIN
from ..stack import Stack
from .admin import ADMIN_GROUP, AdminPolicy, admin_policies
from .others import accepting, other_policies, refusing
from .policies import Meant, Policies
from .rules import DIRECTIONS, EGRESS, GROUP, INGRESS, Allowance

DEFAULT_NAME = "network_policy"
_SHAPE = Shape(nouns=("rule", "rules"))
_LINK_LOCAL = Hosts.from_cidrs(["169.254.0.0/16", "fe80::/10"])
"""No router carries packets from there (RFC 3927, RFC 4291): whoever has such an address is on the pod's own node."""
_ADMIN_KINDS = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy")
_CILIUM_KINDS = ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")


def read(stack: Stack) -> Iterator[Filter]:
    """The filters of both directions; none where the stack has no NetworkPolicy.

    And one of pods that no policy isolates, where a zone names the gate: whoever reaches these is let in. With Cilium's own
    policies in the stack, those are read together with these, by `gates.cilium`: there, all policies of a pod add up.
    """
    own, later = objects(stack, GROUP, "NetworkPolicy"), other_policies(stack)
    admin_objects = objects(stack, ADMIN_GROUP, *_ADMIN_KINDS)
    if stack.of_type(CILIUM_GATE) or objects(stack, "cilium.io", *_CILIUM_KINDS):
        # Cilium does not know admin policies: what they are to do there is open.
        own, admin_objects, later = (), (), (*admin_objects, *later)
    everything = (*own, *admin_objects, *later)
    if not everything:
        return
    gates = stack.of_type(NETWORK_POLICY_GATE)
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, everything[0].resource.urn)

    def filter_(name: str, combine: Combine, default: Action, rules: Iterable[Rule], scope: Match = EVERYTHING) -> Filter:
        return Filter(gate, name, combine, default, tuple(rules), urn, scope=scope, always=True, shape=_SHAPE)

    if later:
        yield filter_("policies that are not read", Combine.DENY_OVERRIDES, Action.ALLOW, map(refusing, later))
    if not (own or admin_objects):
        return
    cluster = read_cluster(stack)
    policies, tiers = Policies(stack, cluster), admin_policies(stack)
    for direction in DIRECTIONS[::-1]:
        isolated = tuple(one for one in cluster.workloads if policies.on(one, direction))
        admin = list(_admin_rules(policies, tiers[0], direction))
        let = [rule for rule, action in _unless_passed(admin) if action == "allow"]
        if isolated:
            rules = (*rules_of_pods(policies, direction), *_doubts(policies, direction, isolated), *let, *accepting(later))
            yield filter_(f"{direction} of pods", Combine.ANY_ALLOW, Action.DENY, rules, _of(policies, direction, isolated))
        if any(action == "deny" for _, action in admin):
            yield filter_(f"admin {direction}", Combine.FIRST_MATCH, Action.ALLOW, (rule for rule, _ in admin))
        names = names_of(isolated)
        rest = tuple(one for one in cluster.workloads if one.name not in names and policies.subject(one))
        baseline = [rule for rule, _ in _admin_rules(policies, tiers[1], direction, names)]
        if baseline and rest:
            scope = _of(policies, direction, rest)
            yield filter_(f"baseline {direction}", Combine.FIRST_MATCH, Action.ALLOW, (*let, *baseline), scope)
        if direction == INGRESS:
            free = open_to_all(policies, bool(baseline))
            yield from without_policy(gate, urn, cluster, free, _SHAPE, declared_hosts(stack))


def open_to_all(policies: Policies, baseline: bool = False) -> Iterator[Workload]:
    """The workloads that nothing isolates from callers; `baseline`: an admin's policy stands before all pods."""
    for one in policies.cluster.workloads:
        if not policies.on(one, INGRESS) and not (baseline and policies.subject(one)):
            yield one


def _admin_rules(
    policies: Policies, found: Iterable[AdminPolicy], direction: str, without: frozenset[str] = frozenset()
) -> Iterator[tuple[Rule, str]]:
    """The rules of a tier in their order, with what each does: a rule that passes lets through here."""
    for policy in found:
        subjects = tuple(one for one in policies.meant("", policy.subject).workloads if one.name not in without)
        for rule in policy.rules[direction] if subjects else ():
            action = Action.DENY if rule.action == "deny" else Action.ALLOW
            for match, unknown in _matches(policies, "", direction, rule, subjects):
                reasons = tuple(f"{policy.object.name}.{reason}" for reason in (*policy.subject.unknown, *rule.unknown, *unknown))
                yield Rule(action, match, policy.source(direction, rule), reasons), rule.action


def _unless_passed(admin: Iterable[tuple[Rule, str]]) -> Iterator[tuple[Rule, str]]:
    """Admin rules as the later tiers see them: what one lets through is beyond those, unless an earlier one passed it on."""
    passed: list[Rule] = []
    for rule, action in admin:
        over = next((one for one in passed if _overlap(one.match, rule.match)), None)
        # What is left of a box without another is no box: that it is let through is left open.
        yield (rule if over is None else replace(rule, unknown=(*rule.unknown, f"{over.source.label} passes some of it"))), action
        if action == "pass":
            passed.append(rule)


def _overlap(one: Match, other: Match) -> bool:
    mine, theirs = one.who.workloads, other.who.workloads
    apart = mine is not None and theirs is not None and not mine & theirs
    return not apart and bool(one.hosts & other.hosts) and bool(one.services & other.services)


def rules_of_pods(policies: Policies, direction: str) -> Iterator[Rule]:
    """What all policies let through in a direction, over the pods that they select."""
    for policy in policies.all:
        if direction not in policy.directions or not (selected := policies.selected(policy)):
            continue
        name = policy.object.resource.name
        for allowance in policy.rules[direction]:
            source = policy.source(direction, allowance)
            for match, unknown in _matches(policies, policy.namespace, direction, allowance, selected):
                reasons = (*policy.selector.unknown, *allowance.unknown, *unknown)
                yield Rule(Action.ALLOW, match, source, tuple(f"{name}.{reason}" for reason in reasons))


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
    policies: Policies, namespace: str, direction: str, allowance: Allowance, selected: tuple[Workload, ...]
) -> Iterator[tuple[Match, tuple[str, ...]]]:
    """The boxes of a rule for some pods, each with what is not known of its peer."""
    one_way = _outward if direction == EGRESS else _inward
    for peer in (None,) if allowance.peers is None else allowance.peers:
        unknown = () if peer is None else peer.unknown
        meant = None if peer is None or peer.anybody else policies.meant(namespace, peer)
        for match in one_way(policies, allowance, selected, meant):
            yield match, unknown
        if meant is not None and meant.perhaps:
            for match in one_way(policies, allowance, selected, Meant(meant.perhaps)):
                yield match, (*unknown, f"{direction}[{allowance.position}]: addresses of pods")


def _outward(policies: Policies, allowance: Allowance, selected: tuple[Workload, ...], meant: Meant | None) -> Iterator[Match]:
    who = Who(workloads=names_of(selected))
    if meant is None and allowance.ports is None:
        yield Match(who=who)
        return
    outside, services = (
        _anywhere(policies) if meant is None else _with_api_server(policies, meant.outside),
        allowance.services(None),
    )
    for hosts, ports in policies.cluster.beyond(outside, services) if outside and services else ():
        yield Match(who=who, hosts=hosts, services=ports)
    pods = policies.cluster.workloads if meant is None else meant.workloads
    for hosts, services in _reached(policies, allowance, pods):
        yield Match(who=who, hosts=hosts, services=services)


def _inward(policies: Policies, allowance: Allowance, selected: tuple[Workload, ...], meant: Meant | None) -> Iterator[Match]:
    callers = [Who()]
    if meant is not None:
        callers = [Who(workloads=names_of(meant.workloads))] if meant.workloads else []
        beyond = (meant.outside - _LINK_LOCAL).addresses()
        # Where pods have their addresses is known, or nobody says: then a pod may have one of these.
        nobody = frozenset({""}) if policies.cluster.declared.pod_cidrs else None
        callers += [Who(sources=beyond, workloads=nobody)] if beyond else []
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
            groups.setdefault(policies.met(allowance.services(one), one), []).append(one)
        policies.reached[key] = [
            each for services, workloads in groups.items() if services for each in policies.cluster.reached(workloads, services)
        ]
    return policies.reached[key]
