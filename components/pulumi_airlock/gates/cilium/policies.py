"""All of Cilium's policies over the workloads of a cluster: who is isolated, whom a rule means, which names DNS shows.

NetworkPolicies of the same stack are enforced by Cilium too: what both kinds let through adds up, and either isolates.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ...proof.filters import Who
from ...proof.sets import Hosts, Services
from ...tokens import CILIUM_GATE
from ..kubernetes import Cluster, Workload
from ..kubernetes.meshes import tunnels
from ..kubernetes.workloads import API_SERVER
from ..network_policy.policies import Policies as NetworkPolicies
from ..stack import Stack
from .labels import seen_labels
from .patterns import EVERY_NAME, OUTSIDE, NameSet, names_of_patterns
from .ports import PortRule
from .rules import EGRESS, Clause, Peer, Spec, read_specs
from .settings import read_settings

_DNS = Services.of("udp", 53, 53) | Services.of("tcp", 53, 53)
_LINK_LOCAL = Hosts.from_cidrs(["169.254.0.0/16", "fe80::/10"])
"""No router carries packets from there: whoever has such an address is on the pod's own node, which always gets in."""
_NOBODY = ("none", "init", "health", "unmanaged", "ingress")
"""Entities that are no workload and no address that anything is known of."""
_HOSTS = "whether Cilium's firewall of hosts is on"


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a peer means, as a destination or as a caller."""

    workloads: tuple[Workload, ...] = ()
    outside: Hosts = field(default_factory=Hosts)
    """Addresses and names that are no pod's."""
    callers: tuple[Who, ...] = ()
    """Callers beside the workloads."""
    everybody: bool = False
    unknown: tuple[str, ...] = ()


class CiliumPolicies:
    """The policies of a stack, over its workloads."""

    def __init__(self, stack: Stack, cluster: Cluster, pool: Iterable[str] = ()) -> None:
        """`pool`: names that the access file speaks of."""
        # Whatever is declared: where Cilium's policies hold, its blocks mean no pods.
        self.cluster = replace(cluster, declared=replace(cluster.declared, cni="cilium"))
        self.settings = read_settings(stack)
        # Where the firewall of hosts is off, policies of hosts are written and do nothing.
        self.specs = tuple(one for one in read_specs(stack) if not one.nodes or self.settings.host_firewall is not False)
        self.others = NetworkPolicies(stack, self.cluster)
        self.labels = {one.name: seen_labels(one, cluster) for one in cluster.workloads}
        self.pool = frozenset(pool) | self._spoken_of()
        self._tunnel = tunnels(stack, cluster, CILIUM_GATE)
        self._meant: dict[tuple[str, Peer], Meant] = {}

    def _spoken_of(self) -> frozenset[str]:
        """Names that policies write without a `*`."""
        clauses = [clause for one in self.specs for clause in one.allow[EGRESS]]
        rules = [rule for clause in clauses for rule in clause.ports or ()]
        peers = [peer.text for clause in clauses for peer in clause.peers or () if peer.kind == "FQDNs"]
        names = [*peers, *(name for rule in rules for name in (*(rule.servers or ()), *(rule.dns or ())))]
        return frozenset(one.lower().rstrip(".") for one in names if "*" not in one)

    # Who is selected

    def selected(self, spec: Spec) -> tuple[Workload, ...]:
        """The workloads that a specification applies to; of a policy of hosts, those on the host's network."""
        return self._selected[id(spec)]

    @cached_property
    def _selected(self) -> Mapping[int, tuple[Workload, ...]]:
        return {
            id(spec): tuple(
                one
                for one in self.cluster.workloads
                if one.host_network == spec.nodes and (spec.nodes or spec.subject.matches(self.labels[one.name]))
            )
            for spec in self.specs
        }

    @cached_property
    def _on(self) -> Mapping[str, tuple[Spec, ...]]:
        found: dict[str, list[Spec]] = {one.name: [] for one in self.cluster.workloads}
        for spec in self.specs:
            for one in self.selected(spec):
                found[one.name].append(spec)
        return {name: tuple(specs) for name, specs in found.items()}

    def on(self, one: Workload) -> tuple[Spec, ...]:
        """The specifications that apply to a workload."""
        return self._on.get(one.name, ())

    def isolated(self, one: Workload, direction: str) -> bool:
        """Whether a workload lets nothing through by default; also where that is not known (`doubted`)."""
        found = [spec.default_deny[direction] for spec in self.on(one)]
        policies = any(each is not False for each in found) or bool(self.others.on(one, direction))
        return policies or self._without_policies(one) is not None

    def _without_policies(self, one: Workload) -> tuple[str, ...] | None:
        """Why it is not sure that a workload is isolated without any policy: nothing where it is; None where it is not.

        Of pods that stand for others, nobody knows which policies they have.
        """
        settings = self.settings
        if settings.always is False or one.stands_for or (one.host_network and settings.host_firewall is False):
            return None
        return (*settings.doubts, *((_HOSTS,) if one.host_network and settings.host_firewall is None else ()))

    def doubted(self, one: Workload, direction: str) -> tuple[str, ...]:
        """Why it is not sure that a workload is isolated; empty where it is, or surely is not."""
        found = [spec for spec in self.on(one) if spec.default_deny[direction] is not False]
        surely = [spec for spec in found if spec.default_deny[direction] and not self.refusing(spec)]
        others = self.others.on(one, direction)
        by_mode = self._without_policies(one)
        if surely or (others and not self.others.doubted(one, direction)) or by_mode == ():
            return ()
        reasons = list(by_mode or ())
        reasons += [reason for spec in found for reason in (*self.refusing(spec), *self._of_default(spec, direction))]
        return (*reasons, *self.others.doubted(one, direction))

    @staticmethod
    def _of_default(spec: Spec, direction: str) -> tuple[str, ...]:
        known = spec.default_deny[direction] is not None
        return () if known else (f"{spec.object.resource.name}: whether it denies {direction} by default",)

    @staticmethod
    def unsure(spec: Spec) -> tuple[str, ...]:
        """Why it is not known whom a specification selects."""
        if spec.nodes and spec.subject.requirements:
            return (*spec.unknown, f"{spec.object.resource.name}: labels of nodes")
        return spec.unknown

    def refusing(self, spec: Spec) -> tuple[str, ...]:
        """Why it is not known whether a specification refuses anything: beside the above, whether it is in force at all."""
        return (*self.unsure(spec), *((_HOSTS,) if spec.nodes and self.settings.host_firewall is None else ()))

    def demanding(self, one: Workload, direction: str) -> tuple[str, ...]:
        """Specifications that demand more of the peers of all rules at a workload."""
        key = "toRequires" if direction == EGRESS else "fromRequires"
        return tuple(f"{spec.object.resource.name}: {key}" for spec in self.on(one) if spec.requires[direction])

    # Whom peers mean

    def meant(self, direction: str, clause: Clause) -> tuple[Meant, ...]:
        """Whom a rule means."""
        if clause.nothing:
            return ()
        if clause.peers is None:
            return (Meant(everybody=True),)
        return tuple(found for one in clause.peers if (found := self._of(direction, one)) is not None)

    def _of(self, direction: str, peer: Peer) -> Meant | None:
        key = direction, peer
        if key not in self._meant:
            self._meant[key] = self._one(peer)
        return self._meant[key]

    def _one(self, peer: Peer) -> Meant:
        match peer.kind:
            case "Endpoints" if peer.selector.entities:
                found = self._entity(peer.selector.entities[0]) if len(peer.selector.entities) == 1 else Meant()
                more = ("reserved labels with others",) if peer.selector.requirements else ()
                return replace(found, unknown=(*found.unknown, *peer.unknown, *more))
            case "Endpoints":
                pods = tuple(
                    one for one in self.cluster.workloads if not one.host_network and peer.selector.matches(self.labels[one.name])
                )
                return Meant(pods, unknown=peer.unknown)
            case "Entities":
                return self._entity(peer.text)
            case "CIDR":
                return replace(self._block(peer.block), unknown=peer.unknown)
            case "Services":
                return self._service(peer.text)
            case "Nodes":
                return replace(self._nodes(), unknown=peer.unknown)
            case "Groups":
                return replace(self._world(), unknown=peer.unknown)
            case "FQDNs":
                return Meant()  # Names depend on what each caller's DNS shows: `names`.
            case _:
                return Meant(everybody=True, unknown=peer.unknown)

    def _entity(self, name: str) -> Meant:
        facts = self.cluster.declared
        api = self.cluster.api_server
        inside = bool(api.addresses()) and Hosts.from_cidrs(facts.node_cidrs).covers_addresses(api.addresses())
        match name:
            case "all":
                return Meant(everybody=True)
            case "world":
                return self._world()
            case "world-ipv4" | "world-ipv6":
                world = self._world()
                family = Hosts(v4=world.outside.v4) if name.endswith("4") else Hosts(v6=world.outside.v6)
                return replace(self._block(family), outside=Hosts(family.v4, family.v6, world.outside.names))
            case "host" | "remote-node":
                return self._nodes()
            case "cluster":
                pods = tuple(one for one in self.cluster.workloads if not one.host_network)
                nodes = self._nodes()
                return replace(nodes, workloads=(*pods, *nodes.workloads), outside=nodes.outside | (api if inside else Hosts()))
            case "kube-apiserver":
                callers = (Who(sources=api.addresses(), workloads=frozenset({""})),) if api.addresses() else ()
                return Meant(outside=api, callers=callers)
            case "ingress":
                behind = Who(workloads=frozenset({""}))
                return Meant(callers=(behind,), unknown=("who comes through Cilium's own ingress",))
            case _ if name in _NOBODY:
                return Meant()
            case _:
                return Meant(everybody=True, unknown=(f"entity {name}",))

    def _world(self) -> Meant:
        every = Hosts.every()
        found = self._block(every.addresses())
        return replace(found, outside=Hosts(found.outside.v4, found.outside.v6, OUTSIDE) | found.outside)

    def _block(self, block: Hosts) -> Meant:
        """Addresses beyond the cluster: blocks mean neither pods nor nodes (policy-cidr-match-mode, its default)."""
        facts = self.cluster.declared
        met = (facts.met_by_block(block) - Hosts.from_cidrs(facts.node_cidrs)).addresses()
        api = self.cluster.api_server
        led = met | api if api.addresses() and met.covers_addresses(api.addresses()) else met
        beyond = (met - _LINK_LOCAL).addresses()
        return Meant(outside=led, callers=(Who(sources=beyond, workloads=frozenset({""})),) if beyond else ())

    def _nodes(self) -> Meant:
        nodes = Hosts.from_cidrs(self.cluster.declared.node_cidrs)
        callers = (Who(sources=nodes, workloads=frozenset({""})),) if nodes else ()
        return Meant(tuple(one for one in self.cluster.workloads if one.host_network), nodes, callers)

    def _service(self, text: str) -> Meant:
        namespace, _, name = text.partition("/")
        host = f"{name}.{namespace}.svc.cluster.local"
        if host == API_SERVER:
            return Meant(outside=self.cluster.api_server)
        behind = self.cluster.by_host.get(host, ())
        if behind:
            return Meant(behind)
        return Meant(outside=Hosts.from_names([host]), unknown=(f"what is behind Service {text}",))

    # Names

    def names(self, one: Workload, clause: Clause) -> NameSet:
        """The names beyond the cluster that a rule by names lets a workload reach: those that its DNS rules show."""
        patterns = [peer.text for peer in clause.peers or () if peer.kind == "FQDNs"]
        return names_of_patterns(patterns, self.pool) & self.shown(one) & NameSet(OUTSIDE)

    def shown(self, one: Workload) -> NameSet:
        """The names that Cilium's DNS proxy sees a workload ask for. Without a rule that sends it there: none."""
        if one.name not in self._shown:
            self._shown[one.name] = self._looked_at(one)
        return self._shown[one.name]

    @cached_property
    def _shown(self) -> dict[str, NameSet]:
        return {}

    def _looked_at(self, one: Workload) -> NameSet:
        clauses = [clause for spec in self.on(one) for clause in spec.allow[EGRESS] if not clause.nothing]
        looking = [(clause, rule) for clause in clauses for rule in clause.ports or () if rule.dns is not None]
        plain = [clause for clause in clauses if _opens_dns(clause)]
        patterns: list[str] = []
        for clause, rule in looking:
            # Where connections are let through without a look as well, the proxy lets every name through.
            if any(self._meet(clause, each) for each in plain):
                return EVERY_NAME
            patterns += rule.dns or ()
        return names_of_patterns(patterns, self.pool)

    def _meet(self, one: Clause, other: Clause) -> bool:
        return any(
            mine.everybody or theirs.everybody or bool(self.destinations(mine) & self.destinations(theirs))
            for mine in self.meant(EGRESS, one)
            for theirs in self.meant(EGRESS, other)
        )

    def destinations(self, meant: Meant) -> Hosts:
        """All hosts that somebody meant is."""
        return self.cluster.hosts(meant.workloads) | meant.outside

    def boxes(self, rule: PortRule, meant: Meant) -> list[tuple[Hosts, Services]]:
        """What a rule's ports of whom it means are to a caller."""
        found = []
        elsewhere = rule.services(None)
        outside = self._anywhere() if meant.everybody else meant.outside
        if outside and elsewhere:
            found += self.cluster.beyond(outside, elsewhere)
        return [*found, *self.reached(rule, self.cluster.workloads if meant.everybody else meant.workloads)]

    def reached(self, rule: PortRule, pods: Iterable[Workload]) -> list[tuple[Hosts, Services]]:
        """What a rule's ports of some pods are to callers."""
        groups: dict[Services, list[Workload]] = {}
        for one in pods:
            services, tunnel = rule.services(one), self._tunnel(one)
            groups.setdefault(tunnel.behind(services, one) if tunnel else services, []).append(one)
        return [each for services, behind in groups.items() if services for each in self.cluster.reached(behind, services)]

    def _anywhere(self) -> Hosts:
        every = self.cluster.declared.met_by_block(Hosts.every())
        return Hosts(every.v4, every.v6, OUTSIDE) | self.cluster.api_server


def _opens_dns(clause: Clause) -> bool:
    return clause.ports is None or any(rule.plain and bool(rule.services(None) & _DNS) for rule in clause.ports)
