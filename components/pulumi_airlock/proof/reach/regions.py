"""Sets out of classes: which addresses, or which services, a class of the proof stands for.

The engine knows one member of each class. What else is in it follows from the sets that cut the dimension: everything that is
in the same ones. All of it is done in one pass over the sets' ends, by a signature of the sets that are open there.
"""

import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from ...access.model import Access
from ..atoms.places import Place, representative, span
from ..atoms.subjects import addresses_of
from ..declared import sources_of
from ..filters import Environment, Filter, Match
from ..sets import V4_MAX, V6_MAX, Hosts, Intervals, Names, Services

_PORTS = 65536
_BITS = 128
"""Of a set's random mark: two different combinations of a million sets have the same signature less than once in 10^26 runs."""

_UNHEARD = "\x00"
"""A name that nobody mentions."""


class Classes:
    """A line of integers, cut into classes that no set tells apart."""

    def __init__(self, sets: Iterable[Intervals], top: int, painted: Sequence[tuple[int, int, str]] = ()) -> None:
        """`painted` are (first, last, colour); a later one covers earlier ones, and colours are told apart too."""
        marks = random.Random(0)  # noqa: S311  # the same in every run, and no secret
        changes: dict[int, int] = {0: 0}
        for one in dict.fromkeys(sets):
            mark = marks.getrandbits(_BITS)
            for first, last in one.spans:
                changes[first] = changes.get(first, 0) ^ mark
                changes[last + 1] = changes.get(last + 1, 0) ^ mark
        edges = sorted({*changes, *(edge for first, last, _ in painted for edge in (first, last + 1))} - {top + 1})
        colours = [""] * len(edges)
        places = {edge: number for number, edge in enumerate(edges)}
        for first, last, colour in painted:
            begin, end = places[first], places.get(last + 1, len(edges))
            colours[begin:end] = [colour] * (end - begin)
        self._edges = edges
        self._keys: list[tuple[int, str]] = []
        spans: dict[tuple[int, str], list[tuple[int, int]]] = {}
        signature = 0
        for edge, following, colour in zip(edges, [*edges[1:], top + 1], colours, strict=True):
            signature ^= changes.get(edge, 0)
            self._keys.append((signature, colour))
            spans.setdefault((signature, colour), []).append((edge, following - 1))
        self._spans: Mapping[tuple[int, str], list[tuple[int, int]]] = spans

    def of(self, values: Iterable[int]) -> Intervals:
        """Everything in the classes of these values."""
        keys = dict.fromkeys(self._keys[bisect_right(self._edges, value) - 1] for value in values)
        return Intervals.of(one for key in keys for one in self._spans[key])


class Regions:
    """The classes of hosts, services and source addresses of a `Space`, made from what it was made from."""

    def __init__(
        self, access: Access, environments: Sequence[Environment], filters: Sequence[Filter], matches: Iterable[Match]
    ) -> None:
        self._access, self._environments = access, environments
        every = [*(one.scope for one in filters), *(rule.match for one in filters for rule in one.rules), *matches]
        self._hosts = list(dict.fromkeys(one.hosts for one in every))
        self._services_sets = list(dict.fromkeys(one.services for one in every))
        self._whos = list(dict.fromkeys(one.who for one in every))

    def hosts(self, places: Iterable[Place]) -> Hosts:
        """Every address, and every name, of these classes."""
        listed = list(places)
        found = {4: Intervals(), 6: Intervals()}
        for family in found:
            addresses = [one.address for one in listed if one.family == family and one.address is not None]
            if addresses:
                found[family] = self._by_family[family].of(addresses)
        names = {name for one in listed if one.name is not None for name in self._alike.get(one.name, (one.name,))}
        return Hosts(found[4], found[6], Names(frozenset(names)))

    def services(self, cells: Iterable[tuple[int, int]]) -> Services:
        """Every service in the classes of these (protocol, port)."""
        return Services(self._services.of(protocol * _PORTS + port for protocol, port in cells))

    def sources(self, callers: Iterable[tuple[int, int]]) -> Hosts:
        """Every address in the classes of these (family, address)."""
        listed = list(callers)
        v4, v6 = (self._sources[family].of(one for mine, one in listed if mine == family) for family in (4, 6))
        return Hosts(v4, v6)

    @cached_property
    def _alike(self) -> Mapping[str, list[str]]:
        """Name → all names, and patterns, that no set tells from it: as with addresses, one stands for its class."""
        sets = [one.names for one in self._hosts if one.names not in (Names(), Names.every())]
        written: dict[str, str] = {}
        for pattern in sorted({pattern for one in sets for pattern in one.mentioned()}, reverse=True):
            written[representative(pattern)] = pattern  # a pattern rather than the name that stands for it
        holding: dict[str, list[int]] = {name: [] for name in written}
        for number, one in enumerate(sets):
            for name in _held(one, holding):
                holding[name].append(number)
        classes: dict[tuple[int, ...], list[str]] = {}
        for name, numbers in holding.items():
            classes.setdefault(tuple(numbers), []).append(written[name])
        return {name: classes[tuple(numbers)] for name, numbers in holding.items()}

    @cached_property
    def _services(self) -> Classes:
        protocols = [Services.of(6), Services.of(17)]
        return Classes((one.cells for one in (*self._services_sets, *protocols)), 256 * _PORTS - 1)

    @cached_property
    def _sources(self) -> Mapping[int, Classes]:
        ours = [one.sources.addresses() for one in self._environments]
        people = [found for one in self._access.principals if one.group and (found := sources_of(one)) is not None]
        looked_at = [found for found in map(addresses_of, self._whos) if found is not None]
        sets = [*ours, Hosts.union(ours), *people, *looked_at]
        return {family: Classes((span(one, family) for one in sets), _top(family)) for family in (4, 6)}

    @cached_property
    def _by_family(self) -> Mapping[int, Classes]:
        aliases = _Aliases(self._access)
        found = {}
        for family in (4, 6):
            sets = [aliases.effective(one, family) for one in self._hosts]
            found[family] = Classes(sets, _top(family), _zones(self._access, family))
        return found


def _top(family: int) -> int:
    return V4_MAX if family == 4 else V6_MAX


def _zones(access: Access, family: int) -> list[tuple[int, int, str]]:
    """The networks of all zones, the widest first: the most specific zone holds an address."""
    networks = [
        (network.prefixlen, int(network.network_address), int(network.broadcast_address), name)
        for name, zone in access.zones.items()
        for network in Hosts.from_cidrs(zone.cidrs).networks()
        if network.version == family
    ]
    return [(low, high, name) for _, low, high, name in sorted(networks)]


class _Aliases:
    """The addresses that the access file gives to names."""

    def __init__(self, access: Access) -> None:
        self._every: dict[str, list[Hosts]] = {}
        for one in access.destinations:
            for name in one.hosts if one.cidrs else ():
                self._every.setdefault(representative(name), []).append(Hosts.from_cidrs(one.cidrs))

    def effective(self, hosts: Hosts, family: int) -> Intervals:
        """The addresses that a set holds, where a name stands for its addresses."""
        addresses = span(hosts, family)
        if hosts.names in (Names(), Names.every()):
            return addresses
        if _UNHEARD in hosts.names:
            for name, listed in self._every.items():
                if name not in hosts.names:
                    for one in listed:
                        addresses = addresses & span(one, family).complement(_top(family))
            return addresses
        by_name = (
            one for name in _held(hosts.names, self._every) for found in self._every[name] for one in span(found, family).spans
        )
        return Intervals.of([*addresses.spans, *by_name])


def _held(names: Names, every: Mapping[str, object]) -> list[str]:
    """Which of these names are in a set; most sets list a few names, and are not asked about every one."""
    if names.either or names.inverted or any(one.startswith("*.") for one in names.patterns):
        return [name for name in every if name in names]
    return [name for name in sorted(names.patterns) if name in every]
