"""Workloads before which a mesh has no proxy: whoever reaches them is let in, and a proof has to be told so. No SDK in here."""

from collections.abc import Iterable, Iterator

from ...proof.filters import Action, Combine, Filter, Match, Rule, Source
from ...proof.shape import Shape
from .cluster import Cluster
from .workloads import Workload


def without_proxy(
    gate: str, urn: str, cluster: Cluster, free: Iterable[Workload], shape: Shape, unsure: Iterable[Workload] = ()
) -> Iterator[Filter]:
    """A filter that lets everything through to workloads that a mesh seems to hold, and does not; to the `unsure`, perhaps.

    Without it the mesh, which a zone names, would seem to lead to none of them.
    """
    rules = [_rule(one, cluster, ()) for one in free if not one.stands_for]
    rules += [_rule(one, cluster, (f"{one.name}: whether its pods are in the mesh",)) for one in unsure if not one.stands_for]
    if rules:
        scope = Match(hosts=cluster.hosts([*free, *unsure]))
        yield Filter(
            gate, "workloads without a proxy", Combine.ANY_ALLOW, Action.DENY, tuple(rules), urn, scope=scope, shape=shape
        )


def _rule(one: Workload, cluster: Cluster, unknown: tuple[str, ...]) -> Rule:
    source = Source(one.urn or cluster.declared.urn, label=f"no proxy of the mesh stands before {one.name}")
    return Rule(Action.ALLOW, Match(hosts=one.hosts), source, unknown, implied=True)
