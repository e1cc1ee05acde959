"""What Cilium lets through, as filters: what leaves pods, what reaches them, and what its proxies look into.

A rule that denies beats every rule that lets through, of Cilium's own kinds and of NetworkPolicies alike. Traffic between a node
and its own pods is always let through (`allow-localhost`), and a pod always reaches itself: neither is traffic of the proof.
O(policies × workloads + rules × workloads).
"""

from collections.abc import Iterator
from dataclasses import replace

from ...proof.filters import Action, Combine, Filter, Match, Rule, Who
from ...proof.sets import Hosts, Names
from ...proof.shape import Shape
from ...tokens import CILIUM_GATE, NETWORK_POLICY_GATE
from ..declaration import declared_hosts
from ..kubernetes import Workload, names_of, read_cluster
from ..kubernetes.outside import without_policy
from ..network_policy.read import rules_of_pods
from ..stack import Stack
from .meshed import hops
from .patterns import names_of_patterns
from .policies import CiliumPolicies, Meant
from .ports import PortRule
from .rules import DIRECTIONS, EGRESS, INGRESS, Clause, Spec

DEFAULT_NAME = "cilium"
_SHAPE = Shape(nouns=("rule", "rules"))
_ALL_PORTS = (PortRule(),)


def read(stack: Stack) -> Iterator[Filter]:
    """The filters of both directions; none where the stack has none of Cilium's policies.

    They have the name of the stack's gate of Cilium; without one, of its gate of NetworkPolicies, whose objects they include.
    """
    gates, others = stack.of_type(CILIUM_GATE), stack.of_type(NETWORK_POLICY_GATE)
    found = CiliumPolicies(stack, read_cluster(stack), declared_hosts(stack))
    if not found.specs and not gates:
        return
    first = next(iter((*gates, *others)), None)
    gate = first.name if first else DEFAULT_NAME
    urn = first.urn if first else found.specs[0].object.resource.urn
    for direction in DIRECTIONS:
        yield from map(found.settings.applied, _of_direction(_Reading(stack, found, direction), gate, urn))
    names = dict.fromkeys([gate, *(one.name for one in others)])
    for each in names:
        free = (one for one in found.cluster.workloads if _open(found, one))
        yield from without_policy(each, urn, found.cluster, free, _SHAPE, declared_hosts(stack))
    if gates and others:
        # Zones may name both gates: what NetworkPolicies decide is in the filters of Cilium, and nothing is left for this one.
        nothing = Match(hosts=Hosts())
        yield Filter(
            others[0].name, "read with Cilium's policies", Combine.ANY_ALLOW, Action.ALLOW, (), others[0].urn, scope=nothing
        )


def _open(found: CiliumPolicies, one: Workload) -> bool:
    """Whether nothing refuses callers of a workload anything."""
    return not found.isolated(one, INGRESS) and not any(spec.deny[INGRESS] for spec in found.on(one))


def _of_direction(reading: "_Reading", gate: str, urn: str) -> Iterator[Filter]:
    found, direction = reading.found, reading.direction
    isolated = tuple(one for one in found.cluster.workloads if found.isolated(one, direction))
    names = names_of(isolated)
    relaxed = tuple(one for one in found.cluster.workloads if one.name not in names and found.on(one))
    denied = tuple(one for one in relaxed if any(spec.deny[direction] for spec in found.on(one)))
    if isolated or denied:
        yield Filter(
            gate,
            f"{direction} of pods",
            Combine.DENY_OVERRIDES,
            Action.DENY,
            tuple(reading.all_rules(isolated, denied)),
            urn,
            scope=reading.of((*isolated, *denied)),
            always=True,
            shape=_SHAPE,
        )
    yield from reading.looked_into(relaxed, gate, urn)


class _Reading:
    """The rules of one direction."""

    def __init__(self, stack: Stack, found: CiliumPolicies, direction: str) -> None:
        self.found, self.direction = found, direction
        self._hops = hops(stack, found.cluster)

    def of(self, workloads: tuple[Workload, ...]) -> Match:
        """What leaves, or reaches, some workloads."""
        if self.direction == EGRESS:
            return Match(who=Who(workloads=names_of(workloads)))
        return Match(hosts=self.found.cluster.hosts(workloads))

    def all_rules(self, isolated: tuple[Workload, ...], denied: tuple[Workload, ...]) -> Iterator[Rule]:
        """All rules on workloads that deny by default, and denies on those that do not."""
        names = names_of(isolated)
        for spec in self.found.specs:
            selected = self.found.selected(spec)
            for clause in spec.deny[self.direction]:
                yield from self._rules(spec, clause, selected, Action.DENY)
            for clause in spec.allow[self.direction]:
                yield from self._rules(spec, clause, tuple(one for one in selected if one.name in names), Action.ALLOW)
        yield from rules_of_pods(self.found.others, self.direction)
        for one in isolated:
            if unknown := self.found.doubted(one, self.direction):
                doubted = next(iter(self.found.on(one)), None)
                others = self.found.others.on(one, self.direction)
                source = doubted.whole() if doubted else others[0].object.at("spec") if others else self.found.settings.source
                yield Rule(Action.ALLOW, self.of((one,)), source, unknown)
        for one in denied:
            relaxing = self.found.on(one)[0]
            yield Rule(Action.ALLOW, self.of((one,)), relaxing.whole(), implied=True)

    def looked_into(self, relaxed: tuple[Workload, ...], gate: str, urn: str) -> Iterator[Filter]:
        """Where nothing denies by default, a rule with requests still refuses all others on its ports (`enableDefaultDeny`)."""
        names = names_of(relaxed)
        for spec in self.found.specs:
            selected = tuple(one for one in self.found.selected(spec) if one.name in names)
            for clause in spec.allow[self.direction] if selected else ():
                for rule in clause.ports or ():
                    if rule.operations is None and rule.servers is None:
                        continue
                    open_ = replace(rule, operations=None, servers=None, unknown=())
                    for scoped in self._rules(spec, replace(clause, ports=(open_,)), selected, Action.ALLOW):
                        yield Filter(
                            gate,
                            f"requests of {scoped.source.label}",
                            Combine.ANY_ALLOW,
                            Action.DENY,
                            tuple(self._explicit(selected)),
                            urn,
                            scope=scoped.match,
                            always=True,
                            shape=_SHAPE,
                        )

    def _explicit(self, workloads: tuple[Workload, ...]) -> Iterator[Rule]:
        names = names_of(workloads)
        for spec in self.found.specs:
            here = tuple(one for one in self.found.selected(spec) if one.name in names)
            for clause in spec.allow[self.direction]:
                yield from self._rules(spec, clause, here, Action.ALLOW)

    def _rules(self, spec: Spec, clause: Clause, selected: tuple[Workload, ...], action: Action) -> Iterator[Rule]:
        if not selected or clause.nothing:
            return
        source = spec.source(clause)
        unsure = self.found.unsure(spec) if action is Action.ALLOW else self.found.refusing(spec)
        demanding = {one.name: self.found.demanding(one, self.direction) for one in selected}
        for meant in self.found.meant(self.direction, clause):
            more = demanding if meant.workloads and action is Action.ALLOW else {}
            for unknown, group in _grouped(selected, more):
                reasons = (*unsure, *meant.unknown, *unknown)
                for rule in clause.ports or _ALL_PORTS:
                    for match, why in self._matches(group, meant, rule):
                        unseen = why if rule.servers is None else ()
                        yield Rule(action, match, source, (*reasons, *rule.unknown, *why), unseen=unseen)
        if any(peer.kind == "FQDNs" for peer in clause.peers or ()):
            yield from self._by_name(spec, clause, selected)

    def _matches(self, selected: tuple[Workload, ...], meant: Meant, rule: PortRule) -> Iterator[tuple[Match, tuple[str, ...]]]:
        if self.direction == EGRESS:
            yield from self._outward(selected, meant, rule)
            return
        for who in self._callers(meant):
            for hosts, services in self.found.reached(rule, selected):
                if services and hosts:
                    why = self._unseen(who.workloads, names_of(selected)) if rule.operations is not None else ()
                    yield Match(who, hosts, services, rule.operations), why

    def _outward(self, selected: tuple[Workload, ...], meant: Meant, rule: PortRule) -> Iterator[tuple[Match, tuple[str, ...]]]:
        who = Who(workloads=names_of(selected))
        if meant.everybody and rule.ports is None and rule.plain:
            yield Match(who=who), ()
            return
        for hosts, services in self.found.boxes(rule, meant):
            if rule.servers is None:
                # Rules of requests see no hop that the mesh encrypts.
                behind = names_of(one for one in self._pods(meant) if one.hosts & hosts)
                why = self._unseen(who.workloads, behind) if rule.operations is not None else ()
                yield Match(who, hosts, services, rule.operations), why
            else:
                servers = names_of_patterns(rule.servers, self.found.pool)
                named = Hosts(names=hosts.names & servers.known)
                if named:
                    yield Match(who, named, services, rule.operations), ()
                yield Match(who, hosts, services, rule.operations), ("whom the server names lead to",)

    def _pods(self, meant: Meant) -> tuple[Workload, ...]:
        return self.found.cluster.workloads if meant.everybody else meant.workloads

    def _unseen(self, callers: frozenset[str] | None, destinations: frozenset[str]) -> tuple[str, ...]:
        hop = self._hops.between(callers, destinations)
        return (f"requests of {hop.caller} to {hop.destination}, which {hop.mesh} encrypts",) if hop else ()

    def _callers(self, meant: Meant) -> Iterator[Who]:
        if meant.everybody:
            yield Who()
        if meant.workloads:
            yield Who(workloads=names_of(meant.workloads))
        yield from meant.callers

    def _by_name(self, spec: Spec, clause: Clause, selected: tuple[Workload, ...]) -> Iterator[Rule]:
        groups: dict[object, list[Workload]] = {}
        for one in selected:
            groups.setdefault(self.found.names(one, clause), []).append(one)
        source, unsure = spec.source(clause), self.found.unsure(spec)
        for workloads in groups.values():
            who = Who(workloads=names_of(workloads))
            names = self.found.names(workloads[0], clause)
            for rule in clause.ports or _ALL_PORTS:
                services = rule.services(None)
                here = names if rule.servers is None else names & names_of_patterns(rule.servers, self.found.pool)
                if not here.known and not here.maybe:
                    # It is there, and can never let anything through.
                    label = f"{source.label} (no DNS rule shows Cilium such a name)"
                    yield Rule(Action.ALLOW, Match(who, Hosts(), services), replace(source, label=label), unsure)
                    continue
                reasons = (*unsure, *rule.unknown)
                if here.known:
                    yield Rule(Action.ALLOW, _named(who, here.known, rule), source, reasons)
                if here.maybe:
                    why = "a pattern with * within a label, or a DNS rule that shows some of its names"
                    yield Rule(Action.ALLOW, _named(who, here.maybe, rule), source, (*reasons, why))


def _named(who: Who, names: Names, rule: PortRule) -> Match:
    return Match(who, Hosts(names=names), rule.services(None), rule.operations)


def _grouped(
    selected: tuple[Workload, ...], unknown: dict[str, tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], tuple[Workload, ...]]]:
    """Workloads about whom the same is not known."""
    groups: dict[tuple[str, ...], list[Workload]] = {}
    for one in selected:
        groups.setdefault(unknown.get(one.name, ()), []).append(one)
    for reasons, found in groups.items():
        yield reasons, tuple(found)
