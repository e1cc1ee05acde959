"""Asks the filters of the proof of one connection between two workloads, as a proof does: no set algebra of its own."""

from collections.abc import Iterable

from pulumi_airlock.gates.kubernetes import Workload, read_cluster
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Rule
from pulumi_airlock.proof.sets import Services


def passes(filters: Iterable[Filter], stack: Stack, source: Workload, destination: Workload, asked: Services) -> bool | None:
    """Whether every filter lets it through, by the names that workloads have in the proof; None: an unknown rule might decide."""
    by_urn = {one.urn: one for one in read_cluster(stack).workloads if one.urn}
    caller, reached = by_urn[source.urn], by_urn[destination.urn]

    def holds(match: Match) -> bool:
        return (
            (match.who.workloads is None or caller.name in match.who.workloads)
            and (match.who.sources is None or (bool(caller.addresses) and match.who.sources.covers_addresses(caller.addresses)))
            and reached.names[0] in match.hosts.names
            and bool(match.services & asked)
        )

    answers = {_lets(one, [rule for rule in one.rules if holds(rule.match)]) for one in filters if holds(one.scope)}
    return False if False in answers else None if None in answers else True


def _lets(one: Filter, matching: list[Rule]) -> bool | None:
    if one.combine is Combine.FIRST_MATCH:
        first = matching[0] if matching else None
        return None if first and first.unknown else (first.action if first else one.default) is Action.ALLOW
    assert one.combine is Combine.ANY_ALLOW
    return any(not rule.unknown for rule in matching) or (None if matching else False)
