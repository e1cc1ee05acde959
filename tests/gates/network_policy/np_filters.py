"""Asks the filters of the proof of one connection between two workloads, as a proof does: no set algebra of its own."""

from collections.abc import Iterable

from pulumi_airlock.gates.kubernetes import Workload, read_cluster
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof.filters import Action, Filter, Match
from pulumi_airlock.proof.sets import Services


def passes(filters: Iterable[Filter], stack: Stack, source: Workload, destination: Workload, asked: Services) -> bool:
    """Whether every filter lets it through, by the names that workloads have in the proof."""
    by_urn = {one.urn: one for one in read_cluster(stack).workloads if one.urn}
    caller, reached = by_urn[source.urn], by_urn[destination.urn]

    def holds(match: Match) -> bool:
        return (
            (match.who.workloads is None or caller.name in match.who.workloads)
            and (match.who.sources is None or (bool(caller.addresses) and match.who.sources.covers_addresses(caller.addresses)))
            and reached.names[0] in match.hosts.names
            and bool(match.services & asked)
        )

    return all(
        not holds(one.scope) or any(rule.action is Action.ALLOW and not rule.unknown and holds(rule.match) for rule in one.rules)
        for one in filters
    )
