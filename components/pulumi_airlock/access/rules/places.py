"""Checks of zones and destinations, and of what nothing uses."""

from collections.abc import Iterable, Iterator
from datetime import date
from ipaddress import collapse_addresses
from itertools import combinations

from ..draft import Draft
from ..errors import quoted
from ..findings import Finding, error, warning
from ..names import split_task
from ..values import IPNetwork


def outside_its_zone(draft: Draft, today: date) -> Iterator[Finding]:
    """A destination's addresses lie within its zone's networks: the way there goes by the zone."""
    for index, destination in draft.destinations.items():
        zone = draft.zones.get(destination.zone)
        if zone is None or not zone.cidrs:
            continue
        whole = _collapsed(zone.networks())
        for position, network in enumerate(destination.networks()):
            if not any(network.version == outer.version and network.subnet_of(outer) for outer in whole):  # type: ignore[arg-type]
                holding = [
                    name for name, other in draft.zones.items() if any(_inside(network, outer) for outer in other.networks())
                ]
                fix = f"it is in zone {quoted(holding[0])}" if holding else "correct it, or add its network to the zone"
                message = f"{quoted(str(network))} is outside zone {quoted(destination.zone)} ({', '.join(zone.cidrs)}): {fix}"
                yield error("destination-outside-zone", ("destinations", index, "cidrs", position), message)


def overlapping_zones(draft: Draft, today: date) -> Iterator[Finding]:
    """An address lies in one zone, or it is not known which gates are on the way."""
    for (first, one), (second, other) in combinations(draft.zones.items(), 2):
        for position, network in enumerate(other.networks()):
            clash = next((mine for mine in one.networks() if mine.version == network.version and mine.overlaps(network)), None)
            if clash is not None:
                message = (
                    f"{quoted(str(network))} overlaps {clash} of zone {quoted(first)}: an address is in one zone; keep them apart"
                )
                yield error("zones-overlap", ("zones", second, "cidrs", position), message)


def shared_connection(draft: Draft, today: date) -> Iterator[Finding]:
    """A connection's id in Airflow leads to one destination: by it a task's routes are found."""
    first: dict[str, str] = {}
    for index, destination in draft.destinations.items():
        for position, one in enumerate(destination.connections or destination.connection_ids()):
            other = first.setdefault(one, destination.name)
            if other == destination.name:
                continue
            written = destination.connections is not None
            loc = ("destinations", index, "connections", position) if written else ("destinations", index, "name")
            message = f"{quoted(one)} is already a connection of destination {quoted(other)}: an id leads to one destination; "
            yield error("connection-shared", loc, message + ("rename it, or leave it out" if written else "write connections"))


def unused(draft: Draft, today: date) -> Iterator[Finding]:
    """What no route leads from, to or through. A name that an expectation tests is used."""
    if draft.misnamed() or not draft.whole("routes", "expect") or not draft.routes:
        return  # what a wrong route should have used is not known
    tested = {one.to.rpartition(":")[0] or one.to for one in draft.expect.values()}
    tested |= {one.from_.rpartition("/")[2] for one in draft.expect.values() if not split_task(one.from_)}
    sources = {name for route in draft.routes.values() for name in route.from_} | tested
    targets = {name for route in draft.routes.values() for name in route.to} | tested
    for index, principal in draft.principals.items():
        if principal.name not in sources:
            yield warning(
                "unused-principal",
                ("principals", index, "name"),
                f"{quoted(principal.name)} is in no route: it may reach nothing; take it out, or write its routes",
            )
    for index, destination in draft.destinations.items():
        if destination.name not in targets:
            yield warning(
                "unused-destination",
                ("destinations", index, "name"),
                f"no route leads to {quoted(destination.name)}: take it out, or write its routes",
            )
    lived_in = {destination.zone for destination in draft.destinations.values()}
    for name in draft.zones if draft.whole("destinations") else ():
        if name not in lived_in:
            yield warning(
                "unused-zone", ("zones", name), f"zone {quoted(name)} has no destination: take it out, or write what is in it"
            )


def _collapsed(networks: Iterable[IPNetwork]) -> list[IPNetwork]:
    listed = list(networks)
    return [
        *collapse_addresses([one for one in listed if one.version == 4]),
        *collapse_addresses([one for one in listed if one.version == 6]),
    ]


def _inside(inner: IPNetwork, outer: IPNetwork) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
