"""Where a path can end: the classes of hosts, by address and by name, and which sets of hosts hold them.

An address is in a set or is not. A name is in a set that names it; otherwise the set's addresses decide: the name is surely in
it if they cover every address that the name may have, perhaps if some, never if none. The access file says which addresses a
name may have.
"""

import ipaddress
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..access.model import Access
from .instants import unique_columns
from .sets import V4_MAX, V6_MAX, Hosts, Intervals, Names

NEVER, MAYBE, SURE = 0, 1, 2
BY_NAME = 4
"""Flag: the set tells this name from a name that nobody mentions, so that its addresses alone do not tell what happens to it."""

_PRIVATE = Hosts.from_cidrs(
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"]
)
"""Addresses that nobody's public service has (RFC 1918, 6598, 3927, 4193, 4291)."""

_FRESH = "\x00"
"""A name that nobody mentions."""


@dataclass(frozen=True, slots=True)
class Place:
    """One class of hosts, by an address or a name of it."""

    family: int
    address: int | None
    name: str | None
    zone: str | None
    """None: in no zone of the access file."""
    may: Intervals = field(default_factory=Intervals)
    """The addresses that a name may have."""

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        return address_text(self.address or 0, self.family)


def address_text(address: int, family: int) -> str:
    """An address as people write it."""
    return str(ipaddress.IPv4Address(address) if family == 4 else ipaddress.IPv6Address(address))


def span(hosts: Hosts, family: int) -> Intervals:
    """The addresses of one family."""
    return hosts.v4 if family == 4 else hosts.v6


class Places:
    """All classes of hosts of a proof: `all[class]`, and `table[set, class]` of NEVER, MAYBE, SURE with the flag BY_NAME."""

    def __init__(self, access: Access, sets: Sequence[Hosts], extra: Iterable[Hosts] = ()) -> None:
        """`sets` become the rows of the table; `extra` are sets whose names and addresses are only cut out."""
        self._aliases = _aliases(access, extra)
        self._zones = {name: Hosts.from_cidrs(zone.cidrs) for name, zone in access.zones.items()}
        self._sets = list(sets)
        found: list[Place] = []
        blocks: list[NDArray[np.uint8]] = []
        for family in (4, 6):
            places, block = self._addresses(family, extra)
            found += places
            blocks.append(block)
        names = list(self._named(access, extra))
        found += names
        blocks.append(
            np.array([[self._holds(one, place) for place in names] for one in self._sets], dtype=np.uint8).reshape(
                len(self._sets), len(names)
            )
        )
        table = np.concatenate(blocks, axis=1)
        zones = {name: number for number, name in enumerate([None, *self._zones])}
        # What tells classes apart besides the sets: zone, family, and whether it is a name.
        more = np.array(
            [
                [zones[one.zone] % 256 for one in found],
                [zones[one.zone] // 256 for one in found],
                [one.family for one in found],
                [one.name is not None for one in found],
            ],
            dtype=np.uint8,
        )
        first, self.class_of = unique_columns(np.concatenate([table, more]))
        self.all = [found[number] for number in first]
        self.table = table[:, first]

    def _addresses(self, family: int, extra: Iterable[Hosts]) -> tuple[list[Place], NDArray[np.uint8]]:
        top = V4_MAX if family == 4 else V6_MAX
        effective = [self._effective(one, family) for one in self._sets]
        networks = sorted(
            (network.prefixlen, int(network.network_address), int(network.broadcast_address), name)
            for name, hosts in self._zones.items()
            for network in hosts.networks()
            if network.version == family
        )
        bounds = [(low, high) for _, low, high, _ in networks]
        bounds += [one for found in (*effective, *(span(hosts, family) for hosts in extra)) for one in found.spans]
        edges = sorted({0, *(edge for low, high in bounds for edge in (low, high + 1) if edge <= top)})
        zones: list[str | None] = [None] * len(edges)
        # From the widest network to the narrowest: the most specific zone holds an address.
        for _, low, high, name in networks:
            begin, end = bisect_left(edges, low), bisect_left(edges, high + 1)
            zones[begin:end] = [name] * (end - begin)
        block = np.zeros((len(self._sets), len(edges)), dtype=np.uint8)
        for row, found in zip(block, effective, strict=True):
            for low, high in found.spans:
                row[bisect_left(edges, low) : bisect_left(edges, high + 1)] = SURE
        ends = [*edges[1:], top + 1]
        chosen = [edge + min(10, (end - edge) // 2) for edge, end in zip(edges, ends, strict=True)]
        return [Place(family, address, None, zone) for address, zone in zip(chosen, zones, strict=True)], block

    def _effective(self, hosts: Hosts, family: int) -> Intervals:
        """The addresses that a set holds, where a name stands for the addresses that the access file gives it."""
        addresses = span(hosts, family)
        if hosts.names in (Names(), Names.every()):
            return addresses
        top = V4_MAX if family == 4 else V6_MAX
        if _FRESH in hosts.names:
            for name, found in self._aliases:
                if name not in hosts.names:
                    addresses = addresses & span(found, family).complement(top)
            return addresses
        return Intervals.of(
            [
                *addresses.spans,
                *(one for name, found in self._aliases if name in hosts.names for one in span(found, family).spans),
            ]
        )

    def _named(self, access: Access, extra: Iterable[Hosts]) -> Iterable[Place]:
        """Every name that is mentioned, in every zone and family in which it may be."""
        declared: dict[tuple[str, str], Hosts] = {}
        for one in access.destinations:
            for host in one.hosts:
                name = representative(host)
                known = declared.get((name, one.zone), Hosts())
                declared[name, one.zone] = known | Hosts.from_cidrs(one.cidrs)
        for (name, zone), addresses in declared.items():
            yield from self._in_zone(name, zone, addresses if addresses else self._zones.get(zone, Hosts()))
        mentioned = {representative(pattern) for hosts in (*self._sets, *extra) for pattern in hosts.names.mentioned()}
        for name in sorted(mentioned - {name for name, _ in declared}):
            elsewhere = Hosts.union(self._zones.values()).complement().addresses()
            # A cloud's prefix list (`pl:…`) is the cloud's own public addresses: in no zone, unless the access file says so.
            if name.startswith("pl:"):
                elsewhere -= _PRIVATE
            else:
                for zone, hosts in self._zones.items():
                    yield from self._in_zone(name, zone, hosts)
            if elsewhere:
                yield from self._in_zone(name, None, elsewhere)

    def _in_zone(self, name: str, zone: str | None, may: Hosts) -> Iterable[Place]:
        anywhere = not may  # A zone without addresses: its names may be anywhere.
        for family in (4, 6):
            addresses = Intervals(((0, V4_MAX if family == 4 else V6_MAX),)) if anywhere else span(may, family)
            if addresses:
                yield Place(family, None, name, zone, addresses)

    def _holds(self, hosts: Hosts, place: Place) -> int:
        named, fresh = (place.name or "") in hosts.names, _FRESH in hosts.names
        flag = BY_NAME if named != fresh else 0
        if named and not fresh:
            return SURE | flag
        if fresh and not named:
            return NEVER | flag
        addresses = span(hosts, place.family)
        if addresses.covers(place.may):
            return SURE | flag
        return (MAYBE if addresses & place.may else NEVER) | flag


def representative(pattern: str) -> str:
    """A name that falls under a pattern, as the one that stands for all of them; a name stands for itself."""
    return "any" + pattern[1:].lower() if pattern.startswith("*.") else pattern.lower()


def _aliases(access: Access, extra: Iterable[Hosts]) -> list[tuple[str, Hosts]]:
    return [(representative(host), Hosts.from_cidrs(one.cidrs)) for one in access.destinations if one.cidrs for host in one.hosts]
