"""Hops that a mesh encrypts: Cilium sees who connects to whom there, and nothing of the requests.

Who is in a mesh: Istio, by labels of the pod and of its namespace; Linkerd and Consul, by annotations of either
(`gates.kubernetes.meshes`); and the pods of a `HelmEnvironment`, by the mesh that it names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..kubernetes import Cluster, Workload, names_of, read_cluster
from ..kubernetes.meshes import in_meshes
from ..stack import Stack
from .policies import CiliumPolicies
from .rules import DIRECTIONS, EGRESS, Clause


@dataclass(frozen=True, slots=True)
class Hop:
    """A way from one workload to another that a mesh encrypts."""

    caller: str
    destination: str
    mesh: str


@dataclass(frozen=True, slots=True)
class Meshed:
    """A rule whose requests Cilium cannot see."""

    urn: str
    policy: str
    """`CiliumNetworkPolicy airflow/worker`."""
    position: str
    """Where in the object the rule is: `spec.egress[0]`."""
    hop: Hop

    @property
    def fix(self) -> str:
        """What to do instead."""
        return f"allow the port alone here, and put methods and paths into {self.hop.mesh}'s policy at {self.hop.destination}"

    def __str__(self) -> str:
        where = f"{self.hop.caller} → {self.hop.destination}"
        return (
            f"{self.policy} {self.position}: {where} is encrypted by {self.hop.mesh}, so that no request can be told; {self.fix}"
        )


class Hops:
    """Which workloads are in which mesh."""

    def __init__(self, members: Mapping[str, str]) -> None:
        self.members = members
        """Workload → mesh."""

    def between(self, callers: frozenset[str] | None, destinations: frozenset[str]) -> Hop | None:
        """A way between two groups that is encrypted; callers None: anybody."""
        for destination in sorted(destinations, key=_known_first):
            mesh = self.members.get(destination)
            if mesh is None:
                continue
            for caller in sorted(self.members if callers is None else callers, key=_known_first):
                if self.members.get(caller) == mesh and caller != destination:
                    return Hop(caller, destination, mesh)
        return None


def _known_first(name: str) -> tuple[bool, str]:
    """Workloads that are known, before what stands for all others."""
    return name.endswith("/*"), name


def hops(stack: Stack, cluster: Cluster) -> Hops:
    """The members of the meshes of a stack."""
    return Hops({name: mesh.capitalize() for name, mesh in in_meshes(stack, cluster).items()})


def meshed_l7(stack: Stack) -> tuple[Meshed, ...]:
    """Every rule with requests on a way that a mesh encrypts, with one such way: for a proof, a hop that Cilium cannot look into.

    In the order of the stack's policies, of each first egress, then ingress; a rule stands once, with the first of its ways.
    """
    cluster = read_cluster(stack)
    found, known = CiliumPolicies(stack, cluster), hops(stack, cluster)
    return tuple(
        Meshed(spec.object.resource.urn, spec.title, _text(clause), hop)
        for spec in found.specs
        for direction in DIRECTIONS
        for clause in spec.allow[direction]
        if any(rule.operations is not None for rule in clause.ports or ())
        for hop in _first(_ways(found.selected(spec), clause, direction, found, known))
    )


def _ways(selected: tuple[Workload, ...], clause: Clause, direction: str, found: CiliumPolicies, known: Hops) -> Iterator[Hop]:
    mine = names_of(selected)
    # Whom a rule means that is not known, nobody can say to be on a way of the mesh.
    for meant in (one for one in found.meant(direction, clause) if not one.unknown):
        theirs = names_of(found.cluster.workloads if meant.everybody else meant.workloads)
        hop = known.between(mine, theirs) if direction == EGRESS else known.between(theirs, mine)
        if hop is not None:
            yield hop


def _first(ways: Iterator[Hop]) -> Iterator[Hop]:
    for one in ways:
        yield one
        return


def _text(clause: Clause) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in clause.position).lstrip(".")
