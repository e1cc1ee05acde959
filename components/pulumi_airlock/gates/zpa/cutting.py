"""Destinations → application segments, so that each host and port lies in exactly one. Pure.

Where destinations overlap (a wildcard and a name under it, a network within another), the more specific segment takes the host
with all of its ports. So every pattern gets segments for all ports that any destination has there, and a route to a destination
names every segment that holds a part of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from ...access.model import Destination
from ...proof.sets import Intervals, Services
from .specificity import Pattern, covering, parse_pattern

_TCP, _UDP, _ICMP = 6, 17, 1


@dataclass(frozen=True, slots=True)
class Piece:
    """Domains with ports on them, all of which belong to the same destinations."""

    destinations: tuple[str, ...]
    services: Services
    domains: tuple[str, ...]

    def ports(self, protocol: int) -> tuple[tuple[int, int], ...]:
        """The ranges of one protocol."""
        return tuple((first, last) for number, first, last in self.services.ranges() if number == protocol)

    @property
    def tcp(self) -> tuple[tuple[int, int], ...]:
        """The TCP ranges."""
        return self.ports(_TCP)

    @property
    def udp(self) -> tuple[tuple[int, int], ...]:
        """The UDP ranges."""
        return self.ports(_UDP)

    @property
    def ping(self) -> bool:
        """Whether ICMP goes through."""
        return bool(self.ports(_ICMP))


def pieces(destinations: Iterable[Destination]) -> list[Piece]:
    """The segments that some destinations need, in the order of the destinations."""
    listed = list(destinations)
    place = {one.name: number for number, one in enumerate(listed)}
    owners: dict[Pattern, list[str]] = {}
    texts: dict[Pattern, str] = {}
    for one in listed:
        for text in (*one.hosts, *one.cidrs):
            pattern = parse_pattern(text)
            texts.setdefault(pattern, domain(text))
            owners.setdefault(pattern, []).append(one.name)
    services = {one.name: services_of(one) for one in listed}
    found: dict[tuple[tuple[str, ...], Services], list[str]] = {}
    for pattern, text in texts.items():
        here = {name for wider in covering(pattern, owners) for name in owners[wider]}
        for names, ports in _shared({name: services[name] for name in sorted(here, key=place.__getitem__)}):
            found.setdefault((names, ports), []).append(text)
    made = [Piece(names, ports, tuple(domains)) for (names, ports), domains in found.items()]
    return sorted(made, key=lambda one: ([place[name] for name in one.destinations], one.services.cells.spans, one.domains))


def services_of(one: Destination) -> Services:
    """A destination's ports."""
    return Services.union(Services.of(*each) for each in one.services())


def domain(text: str) -> str:
    """A host or CIDR as an entry of `domain_names`: one address without its prefix length."""
    return text.removesuffix("/32").lower()


def _shared(services: Mapping[str, Services]) -> list[tuple[tuple[str, ...], Services]]:
    """The ports, by exactly which of the names have them."""
    edges = sorted({edge for one in services.values() for first, last in one.cells.spans for edge in (first, last + 1)})
    spans: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for first, end in pairwise(edges):
        names = tuple(name for name, one in services.items() if first in one.cells)
        if names:
            spans.setdefault(names, []).append((first, end - 1))
    return [(names, Services(Intervals.of(found))) for names, found in spans.items()]
