"""Who connects to whom under NetworkPolicies: exactly, for workloads as manifests, dumps or stacks have them.

    found = Connectivity(load_manifests(Path("manifests")))
    found.allowed("shop/web", "shop/db", "tcp", 5432)
    for one in found.connections():
        print(one)

The same rules as the proof's, asked of pods and their own ports: no Service stands between. A pod is an end of its own, and so is
an object whose pods are not there. Addresses beyond the cluster are cut into the blocks that policies tell apart.
O(ends² × rules).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ...proof.filters import Source
from ...proof.sets import Hosts, Services
from ..kubernetes import Cluster, Workload, stack_from_manifests
from ..stack import Stack
from .ends import End, Ends, read_ends
from .policies import Policies
from .rules import DIRECTIONS, EGRESS, INGRESS
from .tiers import Side, Tiers

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a connection is let through, and by what."""

    allowed: bool
    egress: tuple[Source, ...] = ()
    """The rules that decide whether it leaves; empty where nothing isolates the caller, or nothing lets it."""
    ingress: tuple[Source, ...] = ()
    """The rules that decide whether it is let in."""
    egress_isolated: tuple[str, ...] = ()
    """The policies that isolate the caller: `NetworkPolicy shop/default-deny`."""
    ingress_isolated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What is not known, and may let through what is not allowed here."""

    def __str__(self) -> str:
        sides = (("out", self.egress, self.egress_isolated), ("in", self.ingress, self.ingress_isolated))
        return "; ".join([("allowed" if self.allowed else "denied"), *(_side_text(*one) for one in sides)])


def _side_text(way: str, rules: tuple[Source, ...], isolated: tuple[str, ...]) -> str:
    if rules:
        return f"{way}: {', '.join(one.label for one in rules)}"
    return f"{way}: no rule of {', '.join(isolated)}" if isolated else f"{way}: nothing isolates"


@dataclass(frozen=True, slots=True)
class Connection:
    """What one may open to another."""

    source: str
    """`<namespace>/<object>[<kind>]`, `<namespace>/<service account>` of a declared workload, or a block of addresses."""
    destination: str
    services: Services
    """Protocols and ports, at the destination's pods."""
    egress: tuple[Source, ...] = ()
    """The rules that let any of it leave; empty: nothing isolates the caller."""
    ingress: tuple[Source, ...] = ()

    def __str__(self) -> str:
        return f"{self.source} → {self.destination}: {self.services}"


class Connectivity:
    """The connections of a cluster."""

    def __init__(
        self, manifests: Stack | Iterable[Any], *, blocks_mean_pods: bool | None = None, host_network: bool = False
    ) -> None:
        """
        Args:
            manifests: documents, or a stack (`load_manifests`).
            blocks_mean_pods: whether an ipBlock also means pods with such an address; None: as the declared CNI does, which is
                yes where none is declared (the API leaves it open).
            host_network: whether policies apply to pods of the host's network, as with few network plugins (the API leaves it
                open).

        Raises:
            ValueError: when two documents are one object.
        """
        stack = manifests if isinstance(manifests, Stack) else stack_from_manifests(manifests)
        ends, cluster = read_ends(stack)
        policies = Policies(stack, cluster, blocks_mean_pods=blocks_mean_pods, host_network=host_network)
        self._tiers = Tiers(stack, policies, ends)
        self._ends: Ends = self._tiers.ends
        self.cluster: Cluster = cluster
        self.workloads: tuple[Workload, ...] = cluster.workloads

    @property
    def blocks(self) -> Mapping[str, Hosts]:
        """The blocks beyond the cluster that policies tell apart, by the text that connections have."""
        return {str(one): one.hosts for one in self._ends.blocks}

    def allowed(self, source: "str | Workload", destination: "str | Workload", protocol: str, port: int) -> Verdict:
        """Whether a connection to a port is let through; of a network, whether from or to all of it.

        Either end is an object (`shop/web`, `shop/web[Deployment]`), a declared workload, an address or a network. A pod always
        reaches itself; the replicas that a Deployment makes are pods of their own. ValueError where a text is none of these.
        """
        wanted = Services.of(protocol, port, port)
        let, found = [], []
        for one in self._ends.find(source):
            for other in self._ends.find(destination):
                sides = {way: self._tiers.side(one, other, way, wanted) for way in DIRECTIONS}
                let.append((one is other and one.is_pod) or all(side.services == wanted for side in sides.values()))
                found.append(sides)
        return Verdict(
            allowed=all(let),
            egress=_joined(sides[EGRESS].by for sides in found),
            ingress=_joined(sides[INGRESS].by for sides in found),
            egress_isolated=_joined(sides[EGRESS].isolated for sides in found),
            ingress_isolated=_joined(sides[INGRESS].isolated for sides in found),
            unknown=_joined(side.unknown for sides in found for side in sides.values()) if not all(let) else (),
        )

    def services(self, source: "str | Workload", destination: "str | Workload") -> Services:
        """All protocols and ports that one may open to the other; of networks, those that all of them may."""
        found = Services.every()
        for one in self._ends.find(source):
            for other in self._ends.find(destination):
                if not (one is other and one.is_pod):
                    out, into = self._sides(one, other)
                    found &= out.services & into.services
        return found

    def connections(self) -> tuple[Connection, ...]:
        """Every pair that has any, by name. Pods of one object that no policy tells apart are one end, without themselves."""
        ends = self._ends.grouped(self._tiers.policies, self._tiers.label_keys)
        found = []
        for one in ends:
            for other in ends:
                if one is other or (one.workload is None and other.workload is None):
                    continue
                out = self._tiers.side(one, other, EGRESS)
                into = self._tiers.side(one, other, INGRESS, out.services) if out.services else out
                if into.services:
                    found.append(Connection(str(one), str(other), into.services, out.by, into.by))
        return tuple(sorted(found, key=lambda each: (each.source, each.destination)))

    def _sides(self, one: End, other: End) -> tuple[Side, Side]:
        return self._tiers.side(one, other, EGRESS), self._tiers.side(one, other, INGRESS)


def _joined(parts: Iterable[Iterable[_T]]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))
