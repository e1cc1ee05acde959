"""Workloads before which a gate of a cluster does not stand: whoever reaches them is let in, and a proof has to be told so.

No SDK in here.
"""

from collections.abc import Iterable, Iterator

from ...proof.filters import Action, Combine, Filter, Match, Rule, Source
from ...proof.sets import Hosts
from ...proof.shape import Shape
from .cluster import Cluster
from .workloads import Workload


def without_proxy(
    gate: str, urn: str, cluster: Cluster, free: Iterable[Workload], shape: Shape, unsure: Iterable[Workload] = ()
) -> Iterator[Filter]:
    """A filter that lets everything through to workloads that a mesh seems to hold, and does not; to the `unsure`, perhaps."""
    found = [_rule(one, cluster, ()) for one in free if not one.stands_for]
    doubtful = [(one, f"{one.name}: whether its pods are in the mesh") for one in unsure if not one.stands_for]
    found += [_rule(one, cluster, (doubt,)) for one, doubt in doubtful]
    yield from _open(gate, "workloads without a proxy", urn, found, shape)


def without_policy(
    gate: str, urn: str, cluster: Cluster, free: Iterable[Workload], shape: Shape, declared: frozenset[str]
) -> Iterator[Filter]:
    """A filter that lets everything through to pods that no policy isolates: a pod is open until one does.

    To those, of them, that are destinations: by names that are `declared`, and by addresses. Of pods that the stack says nothing
    of, nobody knows: labels and policies that are not there may isolate them.
    """
    found = []
    for one in free:
        names = [name for name in sorted(declared) if name in one.hosts.names]
        hosts = Hosts.from_names(names) | one.addresses.addresses()
        if hosts:
            unknown = tuple(f"policies on {name} (no workload is declared for it)" for name in names if one.stands_for)
            source = Source(one.urn or cluster.declared.urn, label=f"no policy isolates {one.name}")
            found.append(Rule(Action.ALLOW, Match(hosts=hosts), source, unknown, implied=True))
    yield from _open(gate, "pods without a policy", urn, found, shape)


def _open(gate: str, name: str, urn: str, rules: list[Rule], shape: Shape) -> Iterator[Filter]:
    """Without it the gate, which a zone names, would seem to lead to none of them."""
    if rules:
        scope = Match(hosts=Hosts.union(one.match.hosts for one in rules))
        yield Filter(gate, name, Combine.ANY_ALLOW, Action.DENY, tuple(rules), urn, scope=scope, shape=shape)


def _rule(one: Workload, cluster: Cluster, unknown: tuple[str, ...]) -> Rule:
    source = Source(one.urn or cluster.declared.urn, label=f"no proxy of the mesh stands before {one.name}")
    return Rule(Action.ALLOW, Match(hosts=one.hosts), source, unknown, implied=True)
