"""What a proof takes for granted: told with it, since nothing in the stack shows it."""

from collections.abc import Iterator, Sequence

from ..access.model import Access
from .filters import Environment, Filter
from .findings import Assumption, Ground


def assumptions(access: Access, environments: Sequence[Environment], filters: Sequence[Filter]) -> tuple[Assumption, ...]:
    """Every assumption that this proof rests on, in words."""
    grounds = {
        Ground.ENVIRONMENTS: _deployed(access, environments),
        Ground.NAMES: _addresses(access),
        Ground.PEOPLE: _people(access),
        Ground.RELAYS: dict.fromkeys((*_relayed(filters), *_only_ways(access, filters))),
        Ground.IDENTITY: dict.fromkeys(f"{one.gate} {said}" for one in filters for said in one.trusts),
        Ground.ABSENT: _absent(access, environments),
    }
    return tuple(Assumption(ground, message) for ground, messages in grounds.items() for message in messages)


def _deployed(access: Access, environments: Sequence[Environment]) -> Iterator[str]:
    dags = {one.name: one.dags for one in access.environments}
    for one in environments:
        here = dags.get(one.name, ("*",))
        what = "any DAG" if "*" in here else f"no DAGs but {', '.join(here)}"
        yield f"environment {one.name} runs {what}, from {one.sources.addresses()}"


def _addresses(access: Access) -> Iterator[str]:
    for one in access.destinations:
        resolve = "resolves" if len(one.hosts) == 1 else "resolve"
        if one.hosts and one.cidrs:
            yield f"{', '.join(one.hosts)} {resolve} to {', '.join(one.cidrs)} and nothing else"
        elif one.hosts:
            zone = access.zones.get(one.zone)
            where = f"within {', '.join(zone.cidrs)}" if zone and zone.cidrs else "outside of every zone"
            yield f"{', '.join(one.hosts)} {resolve} to addresses {where}"


def _people(access: Access) -> Iterator[str]:
    for one in access.principals:
        if one.group is not None and one.sources:
            where = ", ".join(one.sources)
            yield f"{one.name} (group {one.group}) connect from {where} alone, and are in no other declared group"


def _relayed(filters: Sequence[Filter]) -> Iterator[str]:
    for one in filters:
        for relay in one.relays:
            who = f"tasks of {', '.join(sorted(relay.environments))}" if relay.environments else "whoever passes it"
            if relay.sources is not None:
                yield f"through {one.gate}, {who} come from {relay.sources.addresses()} at {relay.hosts}"
            if relay.workload is not None:
                yield f"through {one.gate}, {who} go on as {relay.workload} at {relay.hosts}"
            if relay.onward is not None:
                yield f"through {one.gate}, {relay.hosts} lead to {relay.onward.hosts} on {relay.onward.services}"
            if relay.entry is not None:
                yield f"through {one.gate}, {who} connect to {relay.entry.hosts} on {relay.entry.services}"


def _only_ways(access: Access, filters: Sequence[Filter]) -> Iterator[str]:
    """Where connectors are the last gate, nothing behind them holds whoever comes another way (`relays.around`)."""
    connectors = {one.gate for one in filters for relay in one.relays if relay.sources is not None}
    for name, zone in access.zones.items():
        if zone.gates and zone.gates[-1] in connectors:
            yield f"nothing but {zone.gates[-1]} leads to zone {name}, as no gate stands behind it"


def _absent(access: Access, environments: Sequence[Environment]) -> Iterator[str]:
    here = {one.name for one in environments}
    for principal in access.principals:
        if principal.environment is not None and principal.environment not in here:
            yield f"{principal.name} run nowhere: environment {principal.environment} is not in the stack"
