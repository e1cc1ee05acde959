"""What a proof takes for granted: printed with it, since nothing in the stack shows it."""

from collections.abc import Iterator, Sequence

from ..access.model import Access
from .filters import Environment, Filter


def assumptions(access: Access, environments: Sequence[Environment], filters: Sequence[Filter]) -> tuple[str, ...]:
    """Every assumption that this proof rests on, in words."""
    return (
        *_deployed(access, environments),
        *_addresses(access),
        *_people(access),
        *_missing(access, environments, filters),
    )


def _deployed(access: Access, environments: Sequence[Environment]) -> Iterator[str]:
    dags = {one.name: one.dags for one in access.environments}
    for one in environments:
        here = dags.get(one.name, ("*",))
        what = "any DAG" if "*" in here else f"no DAGs but {', '.join(here)}"
        yield f"environment {one.name} runs {what}, from {one.sources.addresses()}"


def _addresses(access: Access) -> Iterator[str]:
    for one in access.destinations:
        if one.hosts and one.cidrs:
            yield f"{', '.join(one.hosts)} resolve to {', '.join(one.cidrs)} and nothing else"
        elif one.hosts:
            zone = access.zones.get(one.zone)
            where = f"within {', '.join(zone.cidrs)}" if zone and zone.cidrs else "anywhere"
            yield f"{', '.join(one.hosts)} resolve to addresses {where}"


def _people(access: Access) -> Iterator[str]:
    for one in access.principals:
        if one.group is not None and one.sources:
            where = ", ".join(one.sources)
            yield f"{one.name} (group {one.group}) connect from {where} alone, and are in no other declared group"


def _missing(access: Access, environments: Sequence[Environment], filters: Sequence[Filter]) -> Iterator[str]:
    present, used = {one.gate for one in filters}, {one.zone for one in access.destinations}
    for name, zone in access.zones.items():
        missing = ", ".join(gate for gate in zone.gates if gate not in present)
        if missing and name in used:
            yield f"nothing of gate {missing} is in the stack: before zone {name} it counts as letting everything through"
    here = {one.name for one in environments}
    for principal in access.principals:
        if principal.environment is not None and principal.environment not in here:
            yield f"{principal.name} run nowhere: environment {principal.environment} is not in the stack"
