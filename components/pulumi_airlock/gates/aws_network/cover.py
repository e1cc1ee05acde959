"""The fewest rules for a set of (addresses × services), never one packet more or less.

A rule of a security group is a rectangle: one CIDR block × one range of ports. Covering a set with the fewest rectangles is
NP-hard in general, so the best of three exact covers is taken: by address class, by service, and a greedy choice among the
largest rectangles.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from ipaddress import IPv4Network
from itertools import pairwise

from ...proof.sets import Hosts, Intervals, Services, protocol_name

_MAX_CELLS = 200_000
"""Candidate rectangles × cells up to which the greedy cover is tried: about a second."""


@dataclass(frozen=True, slots=True)
class Box:
    """IPv4 addresses × services."""

    addresses: Intervals
    services: Services


@dataclass(frozen=True, slots=True, order=True)
class Rectangle:
    """One rule: a network, a protocol (`-1`.

    All; a name; or a number as text) and its ports; None where the protocol has none.
    """

    network: IPv4Network
    protocol: str
    first: int | None
    last: int | None

    def services(self) -> Services:
        """The services that the rectangle spans."""
        if self.protocol == "-1":
            return Services.every()
        return (
            Services.of(self.protocol)
            if self.first is None or self.last is None
            else Services.of(self.protocol, self.first, self.last)
        )

    def addresses(self) -> Intervals:
        """The addresses that it spans."""
        return Hosts.from_cidr(self.network).v4


def fewest(boxes: Iterable[Box]) -> tuple[Rectangle, ...]:
    """Rectangles whose union is the union of the boxes, in order; as few as the three covers find."""
    classes = _classes([box for box in boxes if box.addresses and box.services])
    if not classes:
        return ()
    by_address = [one for services, addresses in classes.items() for one in _rectangles(addresses, services)]
    by_service = [one for addresses, services in _service_classes(classes) for one in _rectangles(addresses, services)]
    covers: list[list[Rectangle]] = [by_address, by_service]
    greedy = _greedy(classes, {*by_address, *by_service})
    if greedy is not None:
        covers.append(greedy)
    best = min(covers, key=len)
    return tuple(sorted(best))


def _classes(boxes: list[Box]) -> dict[Services, Intervals]:
    """The addresses by the set of services that may be reached at them."""
    cuts = sorted({edge for box in boxes for first, last in box.addresses.spans for edge in (first, last + 1)})
    spans: dict[Services, list[tuple[int, int]]] = {}
    for start, following in pairwise(cuts):
        services = Services.union(box.services for box in boxes if start in box.addresses)
        if services:
            spans.setdefault(services, []).append((start, following - 1))
    return {services: Intervals.of(found) for services, found in spans.items()}


def _service_classes(classes: dict[Services, Intervals]) -> Iterator[tuple[Intervals, Services]]:
    """The services by the set of addresses that they may be reached at."""
    found: dict[Intervals, list[Services]] = {}
    for piece in _service_atoms(classes):
        addresses = reduce(Intervals.__or__, (held for services, held in classes.items() if services & piece))
        found.setdefault(addresses, []).append(piece)
    return ((addresses, Services.union(pieces)) for addresses, pieces in found.items())


def _service_atoms(classes: dict[Services, Intervals]) -> list[Services]:
    """The services cut so that no class tells the members of a piece apart."""
    every = Services.union(classes)
    cuts = sorted({edge for services in classes for first, last in services.cells.spans for edge in (first, last + 1)})
    pieces = (Services(Intervals(((start, after - 1),))) & every for start, after in pairwise(cuts))
    return [piece for piece in pieces if piece]


def _rectangles(addresses: Intervals, services: Services) -> Iterator[Rectangle]:
    for network in Hosts(v4=addresses).networks():
        if not isinstance(network, IPv4Network):
            continue
        for protocol, first, last in _ranges(services):
            yield Rectangle(network, protocol, first, last)


def _ranges(services: Services) -> Iterator[tuple[str, int | None, int | None]]:
    if services == Services.every():
        yield "-1", None, None
        return
    for number, first, last in services.ranges():
        name = protocol_name(number)
        # AWS has names for four protocols, and ports for two.
        yield (name, first, last) if name in ("tcp", "udp") else (name if name in ("icmp", "icmpv6") else str(number), None, None)


def _greedy(classes: dict[Services, Intervals], seeds: set[Rectangle]) -> list[Rectangle] | None:
    """Takes the rectangle that covers most of what is left, again and again; then drops those that the others cover.

    None when it is too large.
    """
    candidates = sorted({wide for seed in seeds for wide in _widened(seed.network, classes)} | seeds)
    edges = {edge for one in candidates for first, last in one.addresses().spans for edge in (first, last + 1)}
    edges |= {edge for held in classes.values() for first, last in held.spans for edge in (first, last + 1)}
    cuts = sorted(edges)
    atoms = _service_atoms(classes)
    if len(candidates) * len(cuts) * len(atoms) > _MAX_CELLS * 10:
        return None
    cells = {
        (start, index)
        for start in cuts[:-1]
        for services, held in classes.items()
        if start in held
        for index, atom in enumerate(atoms)
        if atom & services
    }
    covered = {one: _cells_of(one, cuts, atoms, cells) for one in candidates}
    chosen: list[Rectangle] = []
    left = set(cells)
    while left:
        best = max(candidates, key=lambda one: len(covered[one] & left))
        chosen.append(best)
        left -= covered[best]
    for one in list(chosen):
        rest = set().union(*(covered[other] for other in chosen if other != one))
        if covered[one] <= rest:
            chosen.remove(one)
    return chosen


def _widened(network: IPv4Network, classes: dict[Services, Intervals]) -> Iterator[Rectangle]:
    """The largest rectangles over a network: the port ranges that are let through at each of its addresses."""
    here = Hosts.from_cidr(network).v4
    touching = [services for services, held in classes.items() if held & here]
    whole = reduce(Intervals.__or__, classes.values()).covers(here)
    if touching and whole:
        yield from _rectangles(here, reduce(Services.__and__, touching))


def _cells_of(one: Rectangle, cuts: list[int], atoms: list[Services], cells: set[tuple[int, int]]) -> set[tuple[int, int]]:
    addresses, services = one.addresses(), one.services()
    inside = [index for index, atom in enumerate(atoms) if atom & services]
    return {(start, index) for start in cuts[:-1] if start in addresses for index in inside} & cells
