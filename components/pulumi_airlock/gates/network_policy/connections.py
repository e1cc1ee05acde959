"""Who connects to whom under NetworkPolicies: exactly, for workloads as manifests, dumps or stacks have them.

    found = Connectivity(load_manifests(Path("manifests")))
    found.allowed("shop/web", "shop/db", "tcp", 5432)
    for one in found.connections():
        print(one)

The same rules as the proof's, asked of pods and their own ports: no Service stands between. Addresses beyond the cluster are cut
into the blocks that the policies tell apart. O(workloads² × rules).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...proof.filters import Source
from ...proof.sets import Hosts, Services
from ..kubernetes import Workload, read_cluster
from ..stack import Stack
from .rules import EGRESS, INGRESS, Allowance, Peer, Policies, Policy, position_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a connection is let through, and by what."""

    allowed: bool
    egress: tuple[Source, ...] = ()
    """The rules that let it leave; empty where nothing isolates the caller, or nothing lets it."""
    ingress: tuple[Source, ...] = ()
    """The rules that let it in."""
    egress_isolated: tuple[str, ...] = ()
    """The policies that isolate the caller: `NetworkPolicy shop/default-deny`."""
    ingress_isolated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """What one may open to another."""

    source: str
    """A workload's name, or a block of addresses."""
    destination: str
    services: Services
    """Protocols and ports, at the destination's pods."""

    def __str__(self) -> str:
        return f"{self.source} → {self.destination}: {self.services}"


class Connectivity:
    """The connections of a cluster."""

    def __init__(self, stack: Stack) -> None:
        self._policies = Policies(stack, read_cluster(stack, strangers=False))
        self.workloads: tuple[Workload, ...] = self._policies.cluster.workloads

    def allowed(self, source: "str | Workload", destination: "str | Workload", protocol: str, port: int) -> Verdict:
        """Whether a connection to a port is let through.

        Either end is a workload (by its name, or itself) or an address. ValueError where a text is neither.
        """
        one, other = self._end(source), self._end(destination)
        wanted = Services.of(protocol, port, port)
        leaving = self._verdict(one, other, EGRESS, wanted)
        entering = self._verdict(other, one, INGRESS, wanted)
        # A pod always reaches itself; the replicas that a Deployment makes are pods of their own.
        same = isinstance(one, Workload) and one is other and one.owner.startswith("Pod ")
        return Verdict(same or (leaving[0] and entering[0]), leaving[1], entering[1], leaving[2], entering[2])

    def services(self, source: "str | Workload", destination: "str | Workload") -> Services:
        """All protocols and ports that one may open to the other."""
        one, other = self._end(source), self._end(destination)
        return self._services(one, other, EGRESS) & self._services(other, one, INGRESS)

    def connections(self) -> tuple[Connection, ...]:
        """Every pair that has any, by name; addresses beyond the cluster in the fewest blocks that policies tell apart."""
        inside: Sequence[Workload | Hosts] = self.workloads
        outside = self._blocks()
        found = []
        for one in (*inside, *outside):
            for other in (*inside, *outside):
                if one is other or (isinstance(one, Hosts) and isinstance(other, Hosts)):
                    continue
                services = self._services(one, other, EGRESS) & self._services(other, one, INGRESS)
                if services:
                    found.append(Connection(_name(one), _name(other), services))
        return tuple(sorted(found, key=lambda each: (each.source, each.destination)))

    def _end(self, given: "str | Workload") -> "Workload | Hosts":
        if isinstance(given, Workload):
            return given
        by_name = self._policies.cluster.by_name
        if given in by_name:
            return by_name[given]
        owned = [one for one in self.workloads if f"{one.namespace}/{one.owner.rsplit(' ', 1)[-1]}" == given]
        if owned:
            return owned[0]
        try:
            return Hosts.from_cidr(given)
        except ValueError:
            known = ", ".join(sorted(by_name)) or "none"
            raise ValueError(f"{given!r} is no workload and no address; workloads are {known}") from None

    def _verdict(
        self, mine: "Workload | Hosts", other: "Workload | Hosts", direction: str, wanted: Services
    ) -> tuple[bool, tuple[Source, ...], tuple[str, ...]]:
        if isinstance(mine, Hosts):
            return True, (), ()
        isolating = self._policies.on(mine, direction)
        if not isolating:
            return True, (), ()
        sources = tuple(
            policy.object.at(*position_of(direction, rule))
            for policy in isolating
            for rule in policy.rules[direction]
            if wanted & self._of_rule(policy, rule, mine, other, direction)
        )
        return bool(sources), sources, tuple(str(policy.object) for policy in isolating)

    def _services(self, mine: "Workload | Hosts", other: "Workload | Hosts", direction: str) -> Services:
        if isinstance(mine, Hosts):
            return Services.every()
        isolating = self._policies.on(mine, direction)
        if not isolating:
            return Services.every()
        return Services.union(
            self._of_rule(policy, rule, mine, other, direction) for policy in isolating for rule in policy.rules[direction]
        )

    def _of_rule(self, policy: Policy, rule: Allowance, mine: Workload, other: "Workload | Hosts", direction: str) -> Services:
        """What one rule lets through between its policy's pods and somebody."""
        if rule.peers is not None and not any(self._means(policy, peer, other) for peer in rule.peers):
            return Services()
        at = mine if direction == INGRESS else other
        return rule.services(at if isinstance(at, Workload) else None)

    def _means(self, policy: Policy, peer: Peer, other: "Workload | Hosts") -> bool:
        if isinstance(other, Hosts):
            return peer.block is not None and peer.block.covers_addresses(other)
        if peer.block is None:
            return other in self._policies.pods(policy, peer)
        known = other.addresses
        return bool(known) and self._policies.block(peer).covers_addresses(known)

    def _blocks(self) -> tuple[Hosts, ...]:
        """All addresses, cut by every block of every rule."""
        found = [Hosts.every_v4(), Hosts(v6=Hosts.every().v6)]
        for policy in self._policies.all:
            for rules in policy.rules.values():
                for peer in (peer for rule in rules for peer in rule.peers or () if peer.block is not None):
                    found = [part for one in found for part in _cut(one, peer.block or Hosts())]
        return tuple(one for one in found if one)


def _cut(whole: Hosts, block: Hosts) -> Iterator[Hosts]:
    inside = (whole & block).addresses()
    if not inside or inside == whole:
        yield whole
    else:
        yield inside
        yield (whole - inside).addresses()


def _name(one: "Workload | Hosts") -> str:
    return one.name if isinstance(one, Workload) else str(one)
