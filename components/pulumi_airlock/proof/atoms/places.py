"""Where a path can end: the classes of hosts, by address and by name, and which sets of hosts hold them.

An address is in a set or is not. A name is in a set that names it; otherwise the set's addresses decide: the name is surely in
it if they cover every address that the name may have, perhaps if some, never if none. The access file says which addresses a
name may have.

All of it is sparse: a set holds a few ranges of classes of addresses, and a name is held by the sets of the addresses that it
may have, but for the few that mention it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ...access.model import Access
from ..declared import zone_hosts
from ..sets import Hosts, Intervals
from .cidrs import of_cidrs
from .covers import Cover
from .grid import Grid, Ranges, firsts
from .naming import Index
from .place import BY_NAME, MAYBE, NEVER, SURE, Column, Place, address_text, span, top

__all__ = [
    "BY_NAME",
    "MAYBE",
    "NEVER",
    "SURE",
    "Column",
    "Kinds",
    "Place",
    "Places",
    "Region",
    "address_text",
    "representative",
    "span",
    "top",
]

_PRIVATE = Hosts.from_cidrs(
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"]
)
"""Addresses that nobody's public service has (RFC 1918, 6598, 3927, 4193, 4291)."""

_ADDRESSES = 64
"""Classes of addresses at which a name is looked at one by one; a name with more is looked at as a whole."""

_SCANS = 64
"""Columns that are looked up by going through all ranges; beyond, an index of all classes pays."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """What tells classes of hosts apart beside the sets that hold them, for all classes at once."""

    zone: NDArray[np.intp]
    """Number in `Places.zones`."""
    family: NDArray[np.uint8]
    is_name: NDArray[np.bool_]


class _Every(Sequence[Place]):
    """All classes of hosts; those of addresses are put in words when somebody looks at them."""

    def __init__(
        self, addresses: Sequence[tuple[int, NDArray[np.intp], Grid]], zones: Sequence[str | None], kinds: Kinds
    ) -> None:
        self._addresses, self._zones, self._kinds = addresses, zones, kinds
        self.names: list[Place] = []
        self._known: dict[int, Place] = {}
        self.first_name = sum(len(cells) for _, cells, _ in addresses)

    def __len__(self) -> int:
        return self.first_name + len(self.names)

    @overload
    def __getitem__(self, number: int) -> Place: ...
    @overload
    def __getitem__(self, number: slice) -> list[Place]: ...
    def __getitem__(self, number: int | slice) -> Place | list[Place]:
        if isinstance(number, slice):
            return [self[one] for one in range(len(self))[number]]
        number = range(len(self))[number]
        if number >= self.first_name:
            return self.names[number - self.first_name]
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = self._address(number)
        return found

    def _address(self, number: int) -> Place:
        place = number
        for family, cells, grid in self._addresses:
            if place < len(cells):
                low, high = grid.bounds(int(cells[place]))
                # Not the first address of a network, which reads like a mistake in a witness.
                address = low + min(10, (high + 1 - low) // 2)
                return Place(family, address, None, self._zones[self._kinds.zone[number]])
            place -= len(cells)
        raise IndexError(number)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of all hosts: where something changed."""

    addresses: Hosts
    names: frozenset[tuple[str, str | None, int]]
    """(name, zone, family) of those that may have one of the addresses, or are meant themselves."""
    classes: frozenset[int]
    """The classes that have a part in it."""

    def holds(self, place: Place, surely: bool) -> bool:
        """Whether a class of hosts that was cut by the region lies in it; `surely`: its addresses do."""
        return surely if place.name is None else (place.name, place.zone, place.family) in self.names


class Places:
    """All classes of hosts of a proof: `all[class]`, and which sets hold them (NEVER, MAYBE or SURE, with the flag BY_NAME)."""

    def __init__(self, access: Access, sets: Sequence[Hosts]) -> None:
        self._zones = {name: Hosts.from_cidrs(zone.cidrs) for name, zone in access.zones.items()}
        self.zones: tuple[str | None, ...] = (None, *self._zones)
        self._sets = list(sets)
        self._size = len(self._sets)
        found = list(self._named(access))
        index = Index({one.name or "" for one in found})
        self._mentioning = {
            row: index.exceptions(hosts.names)
            for row, hosts in enumerate(self._sets)
            if hosts.names.patterns or hosts.names.either
        }
        """Of each set that mentions names: whether it holds those that nobody mentions, and for which it is the other way."""
        self._aliases: dict[int, dict[str, list[tuple[int, int]]]] = {4: {}, 6: {}}
        for destination in access.destinations:
            addresses = of_cidrs(destination.cidrs)
            for family, known in self._aliases.items():
                spans = span(addresses, family).spans
                for host in destination.hosts if spans else ():
                    known.setdefault(representative(host), []).extend(spans)
        blocks = [self._addresses(family) for family in (4, 6)]
        ranges: list[Ranges] = []
        cells: list[tuple[int, NDArray[np.intp], Grid]] = []
        zones: list[NDArray[np.intp]] = []
        start = 0
        self._class_of: dict[int, tuple[Grid, NDArray[np.intp]]] = {}
        """Of each family the grid, and the class of every cell."""
        for family, (grid, mine, zone) in zip((4, 6), blocks, strict=True):
            first, which = firsts(mine.signatures(self._size, grid.size), zone)
            self._class_of[family] = grid, which + start
            ranges.append(mine.only(first, grid.size).moved(start))
            cells.append((family, first, grid))
            zones.append(zone[first])
            start += len(first)
        self.ranges = Ranges.joined(ranges)
        """Which classes of addresses each set holds, surely."""
        self._set_names([part for one in found for part in self._parts(one)], zones, cells)

    def _set_names(
        self, found: list[Place], zones: list[NDArray[np.intp]], cells: list[tuple[int, NDArray[np.intp], Grid]]
    ) -> None:
        numbers = {name: number for number, name in enumerate(self.zones)}
        self._cover = Cover(self._sets, found)
        self._cover.except_for(self._exceptions(found))
        kind = np.array([[numbers[one.zone], one.family] for one in found], dtype=np.intp).reshape(len(found), 2)
        first, which = firsts(self._cover.signatures(self._size), kind @ np.array([8, 1], dtype=np.intp))
        self._cover.keep(first)
        families = [np.full(len(mine), family, dtype=np.uint8) for family, mine, _ in cells]
        addresses = sum(map(len, families))
        self.kinds = Kinds(
            np.concatenate([*zones, kind[first, 0]]),
            np.concatenate([*families, kind[first, 1].astype(np.uint8)]),
            np.arange(addresses + len(first)) >= addresses,
        )
        self.all = _Every(cells, self.zones, self.kinds)
        self.all.names = [found[number] for number in first.tolist()]
        self._every_name = list(zip(found, (which + addresses).tolist(), strict=True))
        """Every name, with its class."""
        self._scanned = 0
        self._index: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None
        self._last: tuple[int, NDArray[np.uint8]] = (-1, np.zeros(0, dtype=np.uint8))

    def __len__(self) -> int:
        return len(self.all)

    # --- which sets hold a class

    def column(self, place: int) -> NDArray[np.uint8]:
        """How each set holds a class."""
        known, column = self._last
        if known != place:
            rows, values = self.held_by(place)
            column = np.zeros(self._size, dtype=np.uint8)
            column[rows] = values
            self._last = place, column
        return column

    def held_by(self, place: int) -> Column:
        """The sets that hold a class or tell it from other names, in order."""
        if place >= self.all.first_name:
            return self._cover.column(place - self.all.first_name)
        if self._index is None and self._scanned < _SCANS:
            self._scanned += 1
            rows = self.ranges.around(place)
        else:
            if self._index is None:
                self._index = self.ranges.transposed(self.all.first_name)
            starts, every = self._index
            rows = every[starts[place] : starts[place + 1]]
        return rows, np.full(len(rows), SURE, dtype=np.uint8)

    def holding(self, place: int) -> NDArray[np.intp]:
        """The sets that hold a class, or may."""
        rows, values = self.held_by(place)
        found: NDArray[np.intp] = rows[values & 3 != NEVER]
        return found

    def row(self, row: int) -> NDArray[np.uint8]:
        """How a set holds each class."""
        found = np.zeros(len(self), dtype=np.uint8)
        found[self.ranges.of(row)] = SURE
        names, values = self._cover.row(row)
        found[names + self.all.first_name] = values
        return found

    def names(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint8]]:
        """(class, set, value) of everything that holds a name, or tells it from others; by class, then by set."""
        classes, rows, values = self._cover.entries()
        return classes + self.all.first_name, rows, values

    @cached_property
    def in_doubt(self) -> NDArray[np.bool_]:
        """The sets that hold some name perhaps."""
        return self._cover.in_doubt(self._size)

    @cached_property
    def telling(self) -> NDArray[np.bool_]:
        """The sets that tell some name from others."""
        return self._cover.telling(self._size)

    def count_names(self) -> int:
        """How many entries `names` has."""
        return self._cover.size()

    # --- a part of all hosts

    def region(self, parts: Sequence[Hosts], classes: Collection[int] = ()) -> "Region | None":
        """What a change of these sets can touch, and these classes as a whole. None: not told by the names that are known."""
        known = {one.name or "" for one, _ in self._every_name}
        if any(representative(pattern) not in known for one in parts for pattern in one.names.mentioned()):
            return None
        named = {one.name or "" for one, _ in self._every_name if any((one.name or "") in part.names for part in parts)}
        whole = [self._addresses_of(family, classes) for family in (4, 6)]
        v4, v6 = (
            Intervals.of(
                [*more, *(one for part in parts for one in span(part, family).spans)]
                + [one for name in named for one in self._aliases[family].get(name, ())]
            )
            for family, more in zip((4, 6), whole, strict=True)
        )
        addresses = Hosts(v4, v6)
        names = [
            (one, number)
            for one, number in self._every_name
            if (one.name or "") in named or number in classes or span(addresses, one.family) & one.may
        ]
        met = {number for _, number in names}.union(self._classes_in(4, v4), self._classes_in(6, v6))
        return Region(addresses, frozenset((one.name or "", one.zone, one.family) for one, _ in names), frozenset(met))

    def _addresses_of(self, family: int, classes: Collection[int]) -> list[tuple[int, int]]:
        grid, class_of = self._class_of[family]
        return [grid.bounds(cell) for cell in np.flatnonzero(np.isin(class_of, list(classes))).tolist()] if classes else []

    def _classes_in(self, family: int, addresses: Intervals) -> Iterator[int]:
        grid, class_of = self._class_of[family]
        for low, high in addresses.spans:
            yield from np.unique(class_of[grid.cell(low) : grid.cell(high) + 1]).tolist()

    def sets_at(self, classes: Collection[int]) -> NDArray[np.bool_]:
        """The sets that hold one of these classes, perhaps, or tell it from other names."""
        found = np.zeros(self._size, dtype=bool)
        met = np.zeros(self.all.first_name + 1, dtype=np.intp)
        met[[one + 1 for one in classes if one < self.all.first_name]] = 1
        before = np.cumsum(met)
        found[self.ranges.row[before[self.ranges.end] > before[self.ranges.begin]]] = True
        for one in classes:
            if one >= self.all.first_name:
                found[self._cover.column(one - self.all.first_name)[0]] = True
        return found

    # --- how they are cut

    def _addresses(self, family: int) -> tuple[Grid, Ranges, NDArray[np.intp]]:
        networks = sorted(
            (network.prefixlen, int(network.network_address), int(network.broadcast_address), number)
            for number, hosts in enumerate(self._zones.values(), 1)
            for network in hosts.networks()
            if network.version == family
        )
        effective = [self._effective(row, family).spans for row in range(self._size)]
        grid = Grid([*effective, [(low, high) for _, low, high, _ in networks]], family == 4, top(family))
        zone = np.zeros(grid.size, dtype=np.intp)
        # From the widest network to the narrowest: the most specific zone holds an address.
        for _, low, high, number in networks:
            begin, end = grid.cells([(low, high)])[0]
            zone[begin:end] = number
        return grid, grid.ranges(effective), zone

    def _effective(self, row: int, family: int) -> Intervals:
        """The addresses that a set holds, where a name stands for the addresses that the access file gives it."""
        addresses = span(self._sets[row], family)
        if row not in self._mentioning:
            return addresses
        (usual, others), known = self._mentioning[row], self._aliases[family]
        spans = [one for name in others for one in known.get(name, ())]
        if not spans:
            return addresses
        if usual:
            return addresses & Intervals.of(spans).complement(top(family))
        return Intervals.of([*addresses.spans, *spans])

    def _exceptions(self, found: Sequence[Place]) -> Iterator[tuple[int, int, int]]:
        """(set, number of the name, value) where a set tells a name from others."""
        numbers: dict[str, list[int]] = {}
        for number, one in enumerate(found):
            numbers.setdefault(one.name or "", []).append(number)
        for row, (usual, others) in self._mentioning.items():
            for name in others:
                for number in numbers[name]:
                    yield row, number, (NEVER if usual else SURE) | BY_NAME

    def _named(self, access: Access) -> Iterable[Place]:
        """Every name that is mentioned, in every zone and family in which it may be."""
        declared: dict[tuple[str, str], list[Hosts]] = {}
        for one in access.destinations:
            for host in one.hosts:
                declared.setdefault((representative(host), one.zone), []).append(of_cidrs(one.cidrs))
        within = zone_hosts(access)
        self._resolved: set[tuple[str, str | None]] = set()
        """(name, zone) of names of which the addresses are declared."""
        for (name, zone), parts in declared.items():
            if all(parts):
                self._resolved.add((name, zone))
            addresses = parts[0] if len(parts) == 1 else Hosts.union(parts)
            yield from self._in_zone(name, zone, addresses or within[zone])
        known = {name for name, _ in declared}
        patterns = {pattern for hosts in self._sets for pattern in hosts.names.mentioned()}
        mentioned = {representative(pattern) for pattern in patterns} - known
        outside = Hosts.union(self._zones.values()).complement().addresses() if mentioned else Hosts()
        for name in sorted(mentioned):
            elsewhere = outside
            # A cloud's prefix list (`pl:…`) is the cloud's own public addresses: in no zone, unless the access file says so.
            if name.startswith("pl:"):
                elsewhere -= _PRIVATE
            else:
                for zone, hosts in within.items():
                    yield from self._in_zone(name, zone, hosts)
            if elsewhere:
                yield from self._in_zone(name, None, elsewhere)

    def _parts(self, one: Place) -> Iterable[Place]:
        """A name at each of the addresses that it resolves to, as far as sets tell them apart: every connection goes to one.

        A name of which only the zone is known stays whole: it may never have most of the addresses there.
        """
        if (one.name or "", one.zone) not in self._resolved:
            return [one]
        grid, class_of = self._class_of[one.family]
        parts: dict[int, list[tuple[int, int]]] = {}
        for low, high in one.may.spans:
            for cell in range(grid.cell(low), grid.cell(high) + 1):
                begin, end = grid.bounds(cell)
                parts.setdefault(int(class_of[cell]), []).append((max(low, begin), min(high, end)))
                if len(parts) > _ADDRESSES:
                    return [one]
        return [replace(one, may=Intervals.of(spans)) for spans in parts.values()]

    def _in_zone(self, name: str, zone: str | None, may: Hosts) -> Iterable[Place]:
        for family in (4, 6):
            addresses = span(may, family)
            if addresses:
                yield Place(family, None, name, zone, addresses)


def representative(pattern: str) -> str:
    """A name that falls under a pattern, as the one that stands for all of them; a name stands for itself."""
    return "any" + pattern[1:].lower() if pattern.startswith("*.") else pattern.lower()
