"""All policies of a cluster over its workloads: who is isolated, whom a peer means, which ports. What both answers are made of.

A block of addresses means addresses beyond the cluster and, where the CNI says so, pods that have such an address: those that are
known, else all of the cluster's pod networks. Pods of which neither is known are met by selectors alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ...proof.sets import Hosts, Services
from ...tokens import NETWORK_POLICY_GATE
from ..kubernetes import Cluster, LabelSelector, Workload, objects
from ..kubernetes.meshes import tunnels
from ..stack import Stack
from .admin import AdminPolicy
from .rules import DIRECTIONS, GROUP, Peer, Policy, policy

_ALL = LabelSelector()


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a peer means."""

    workloads: tuple[Workload, ...] = ()
    perhaps: tuple[Workload, ...] = ()
    """Those of which only some pods, or none, may have an address of a block."""
    outside: Hosts = field(default_factory=Hosts)
    """Addresses that are no known pod's."""


class Policies:
    """The NetworkPolicies of a stack, over its workloads."""

    def __init__(
        self, stack: Stack, cluster: Cluster, *, blocks_mean_pods: bool | None = None, host_network: bool = False
    ) -> None:
        """`blocks_mean_pods`: None: as the declared CNI takes blocks. `host_network`: those pods are as others."""
        self.cluster = cluster
        self.all = tuple(map(policy, objects(stack, GROUP, "NetworkPolicy")))
        self._host_network = host_network
        self._blocks_mean_pods = cluster.declared.blocks_mean_pods if blocks_mean_pods is None else blocks_mean_pods
        self._meant: dict[tuple[str, Peer], Meant] = {}
        self.reached: dict[object, list[tuple[Hosts, Services]]] = {}
        """What the reader remembers: many rules lead to the same ports of the same pods."""
        self._tunnel = tunnels(stack, cluster, NETWORK_POLICY_GATE)

    def met(self, services: Services, one: Workload) -> Services:
        """What is reached at some ports of a workload: a mesh may take all connections of its pods by one."""
        tunnel = self._tunnel(one)
        return services if tunnel is None else tunnel.behind(services, one)

    def subject(self, one: Workload) -> bool:
        """Whether policies apply to it: the host's network is mostly beyond them ("Network Policies", hostNetwork)."""
        return self._host_network or not one.host_network

    def on(self, one: Workload, direction: str) -> tuple[Policy, ...]:
        """The policies that isolate a workload in a direction; none: it is not isolated."""
        return self._on_workloads.get((one.name, direction), ())

    @cached_property
    def _on_workloads(self) -> Mapping[tuple[str, str], tuple[Policy, ...]]:
        by_namespace: dict[str, list[Policy]] = {}
        for each in self.all:
            by_namespace.setdefault(each.namespace, []).append(each)
        return {
            (one.name, direction): tuple(
                each for each in by_namespace.get(one.namespace, ()) if direction in each.directions and each.selects(one)
            )
            for one in self.cluster.workloads
            for direction in DIRECTIONS
            if self.subject(one)
        }

    def doubted(self, one: Workload, direction: str) -> tuple[str, ...]:
        """Why it is not sure that a workload is isolated; empty where it is, or surely is not."""
        found = self.on(one, direction)
        if not found or not all(each.unknown for each in found):
            return ()
        return tuple(f"{each.object.resource.name}.{reason}" for each in found for reason in each.unknown)

    def selected(self, one: Policy) -> tuple[Workload, ...]:
        """The workloads that a policy applies to."""
        return tuple(each for each in self.cluster.workloads if self.subject(each) and one.selects(each))

    def meant(self, namespace: str, peer: Peer) -> Meant:
        """Whom a peer of a policy in a namespace means."""
        key = namespace, peer
        if key not in self._meant:
            self._meant[key] = self._by_selectors(peer) if peer.block is None else self._by_block(peer.block)
        return self._meant[key]

    def _by_selectors(self, peer: Peer) -> Meant:
        found = self.cluster.select(peer.namespace, peer.pods or _ALL)
        return Meant(tuple(one for one in found if self.subject(one)))

    def _by_block(self, block: Hosts) -> Meant:
        surely, perhaps = [], []
        for one in self.cluster.workloads:
            where = self.addresses(one)
            if where and block.covers_addresses(where):
                surely.append(one)
            elif (where & block).addresses():
                perhaps.append(one)
        return Meant(tuple(surely), tuple(perhaps), self.beyond(block))

    def beyond(self, block: Hosts) -> Hosts:
        """What of a block is beyond pods; a Service's address never stands in a packet that a policy sees."""
        services = Hosts.from_cidrs(self.cluster.declared.service_cidrs)
        pods = Hosts() if self._blocks_mean_pods else self.cluster.declared.pods
        return (block - services - pods).addresses()

    def addresses(self, one: Workload) -> Hosts:
        """Where its pods can be, as far as blocks mean them."""
        if not self.subject(one):
            return one.addresses.addresses() or Hosts.from_cidrs(self.cluster.declared.node_cidrs)
        if not self._blocks_mean_pods:
            return Hosts()
        return (one.addresses.addresses() if not one.stands_for else Hosts()) or self.cluster.declared.pods


def blocks_of(policies: Iterable[Policy | AdminPolicy]) -> tuple[Hosts, ...]:
    """Every block that rules speak of, each once."""
    found: dict[Hosts, None] = {}
    for one in policies:
        for rules in one.rules.values():
            for peer in (peer for rule in rules for peer in rule.peers or ()):
                if peer.block is not None:
                    found[peer.block] = None
    return tuple(found)
