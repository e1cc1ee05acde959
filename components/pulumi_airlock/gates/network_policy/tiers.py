"""What is let through between two ends, tier by tier: AdminNetworkPolicies, NetworkPolicies, the baseline.

An admin rule of a higher tier decides first, unless it passes; NetworkPolicies decide for whom they isolate; the baseline decides
for the rest (Network Policy API, `policy.networking.k8s.io/v1alpha1`).
"""

from dataclasses import dataclass, field

from ...proof.filters import Source
from ...proof.sets import Services
from ..kubernetes import Workload
from ..stack import Stack
from .admin import AdminPolicy, admin_policies
from .ends import End, Ends
from .policies import Policies, blocks_of
from .rules import INGRESS, Allowance

_EVERY = Services.every()


@dataclass(slots=True)
class Side:
    """What one direction lets through, and what says so."""

    services: Services
    by: tuple[Source, ...] = ()
    isolated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """A rule of one of a workload's policies, with what every pair asks of it."""

    rule: Allowance
    peers: "_Peers"
    services: Services | None
    """None: a port's name means something else at each destination."""
    source: Source
    policy: str


@dataclass(frozen=True, slots=True)
class _Isolation:
    """The policies of a workload in one direction."""

    names: tuple[str, ...]
    steps: tuple[_Step, ...]
    doubts: tuple[str, ...]


@dataclass(slots=True)
class _Tally:
    allowed: list[Services] = field(default_factory=list)
    by: list[Source] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Peers:
    """Whom a rule means, by the names of ends."""

    surely: frozenset[str]
    perhaps: frozenset[str]
    everybody: bool
    unknown: tuple[str, ...]
    """What of the rule is not known."""


class Tiers:
    """All policies of a cluster, in the order in which they decide."""

    def __init__(self, stack: Stack, policies: Policies, ends: Ends) -> None:
        """`ends`: without blocks; they are cut by those of the policies."""
        self.policies = policies
        self._admin, self._baseline = admin_policies(stack)
        blocks = [*blocks_of(policies.all), *blocks_of((*self._admin, *self._baseline))]
        self.ends = ends.with_blocks(map(policies.beyond, blocks))
        self._peers: dict[int, _Peers] = {}
        self._isolations: dict[tuple[str, str], _Isolation] = {}

    @property
    def label_keys(self) -> frozenset[str]:
        """The keys of pod labels that any selector looks at."""
        selectors = [one.selector for one in self.policies.all]
        selectors += [one.subject.pods for one in (*self._admin, *self._baseline) if one.subject.pods]
        rules = (rule for one in self.policies.all for each in one.rules.values() for rule in each)
        admin = (rule for one in (*self._admin, *self._baseline) for each in one.rules.values() for rule in each)
        selectors += [peer.pods for rule in (*rules, *admin) for peer in rule.peers or () if peer.pods]
        return frozenset(one.key for each in selectors for one in each.requirements)

    def side(self, source: End, destination: End, direction: str, wanted: Services = _EVERY) -> Side:
        """What of some services one direction's policies let through between two ends."""
        mine, other = (destination, source) if direction == INGRESS else (source, destination)
        if mine.workload is None or not self.policies.subject(mine.workload):
            return Side(wanted)
        tally = _Tally()
        rest = self._by_admin(self._admin, mine, other, destination, direction, wanted, tally)
        isolation = self._isolation(mine.workload, direction)
        if isolation.names:
            self._by_policies(isolation, other, destination, rest, tally)
        else:
            tally.allowed.append(self._by_admin(self._baseline, mine, other, destination, direction, rest, tally))
        allowed = Services.union(tally.allowed) if len(tally.allowed) != 1 else tally.allowed[0]
        unknown = tuple(dict.fromkeys(tally.unknown)) if allowed != wanted else ()
        return Side(allowed, tuple(dict.fromkeys(tally.by)), isolation.names, unknown)

    def _isolation(self, mine: Workload, direction: str) -> _Isolation:
        key = mine.name, direction
        if key not in self._isolations:
            policies = self.policies.on(mine, direction)
            steps = tuple(
                _Step(
                    rule,
                    self._of(policy.namespace, rule, policy.selector.unknown),
                    None if any(port.name for port in rule.ports or ()) else rule.services(None),
                    policy.source(direction, rule),
                    policy.object.resource.name,
                )
                for policy in policies
                for rule in policy.rules[direction]
            )
            names = tuple(str(one.object) for one in policies)
            self._isolations[key] = _Isolation(names, steps, self.policies.doubted(mine, direction))
        return self._isolations[key]

    def _by_policies(self, isolation: _Isolation, other: End, at: End, rest: Services, tally: _Tally) -> None:
        for step in isolation.steps:
            peers = step.peers
            surely = peers.everybody or other.key in peers.surely
            if not surely and other.key not in peers.perhaps:
                continue
            services = step.rule.services(at.workload) if step.services is None else step.services
            if rest is not _EVERY:
                services &= rest
            if not services:
                continue
            unknown = (*peers.unknown, *(() if surely else (f"the addresses of {other.name}",)))
            if unknown:
                tally.unknown += (f"{step.policy}.{reason}" for reason in unknown)
            else:
                tally.allowed.append(services)
                tally.by.append(step.source)
        tally.unknown += isolation.doubts

    def _by_admin(
        self, found: tuple[AdminPolicy, ...], mine: End, other: End, at: End, direction: str, wanted: Services, tally: _Tally
    ) -> Services:
        """What admin policies leave to the next tier."""
        assert mine.workload is not None  # noqa: S101
        if not found:
            return wanted
        passed, rest = Services(), wanted
        for policy in found:
            if mine.workload not in self.policies.meant("", policy.subject).workloads:
                continue
            for rule in policy.rules[direction]:
                peers = self._of("", rule, policy.subject.unknown)
                surely = peers.everybody or other.key in peers.surely
                if not (surely or other.key in peers.perhaps) or not (services := rule.services(at.workload) & rest):
                    continue
                if peers.unknown or not surely:
                    tally.unknown += (f"{policy.object.name}.{reason}" for reason in peers.unknown or ("addresses of pods",))
                    continue
                tally.by.append(policy.source(direction, rule))
                rest -= services
                if rule.action == "allow":
                    tally.allowed.append(services)
                elif rule.action == "pass":
                    passed |= services
        return rest | passed

    def _of(self, namespace: str, rule: Allowance, doubts: tuple[str, ...] = ()) -> _Peers:
        found = self._peers.get(id(rule))  # Rules live as long as this does.
        if found is None:
            surely: set[str] = set()
            perhaps: set[str] = set()
            unknown = [*doubts, *rule.unknown]
            for peer in rule.peers or ():
                meant = self.policies.meant(namespace, peer)
                surely.update(one.name for one in meant.workloads)
                perhaps.update(one.name for one in meant.perhaps)
                if peer.block is not None:
                    surely |= self.ends.covered.get(self.policies.beyond(peer.block), frozenset())
                unknown += peer.unknown
            everybody = rule.peers is None or any(peer.anybody for peer in rule.peers)
            found = _Peers(frozenset(surely), frozenset(perhaps), everybody, tuple(dict.fromkeys(unknown)))
            self._peers[id(rule)] = found
        return found
