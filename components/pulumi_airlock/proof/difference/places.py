"""One host for each class of hosts that may matter: where something that differs takes part, and nowhere else."""

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...access.model import Access
from ..atoms.cidrs import of_cidrs
from ..atoms.places import representative, span
from ..declared import zone_hosts
from ..sets import V4_MAX, V6_MAX, Hosts, Intervals, Names


@dataclass(frozen=True, slots=True)
class Probe:
    """One class of hosts, by a host of it."""

    host: Hosts
    """The host alone: an address, or a name."""
    hosts: Hosts
    """All of the class that was looked for."""


class Mentions:
    """What is said of hosts before and after: zones, and the addresses that names have."""

    def __init__(self, accesses: Sequence[Access]) -> None:
        self._aliases: dict[str, list[Hosts]] = defaultdict(list)
        self._mays: dict[str, list[Hosts]] = defaultdict(list)
        self.networks: dict[tuple[int, str, int], Hosts] = {}
        """(side, zone, prefix length) → the networks: the longest one holds an address."""
        for side, access in enumerate(accesses):
            within = zone_hosts(access)
            for one in access.destinations:
                own = of_cidrs(one.cidrs)
                for host in one.hosts:
                    name = representative(host)
                    self._aliases[name].append(own)
                    self._mays[name].append(own or within[one.zone])
            for name, zone in access.zones.items():
                by_length: dict[int, list[str]] = defaultdict(list)
                for cidr in zone.cidrs:
                    by_length[int(cidr.rpartition("/")[2])].append(cidr)
                for length, cidrs in by_length.items():
                    self.networks[side, name, length] = of_cidrs(cidrs)

    @property
    def declared(self) -> Iterable[str]:
        """The names of the access files."""
        return self._mays.keys()

    @property
    def addresses(self) -> Iterator[Hosts]:
        """The addresses that names have."""
        return (one for found in self._aliases.values() for one in found)

    def may(self, name: str) -> Hosts | None:
        """The addresses that a declared name may have, before or after: its own, or its zone's. None: any."""
        found = self._mays.get(name)
        return None if found is None else Hosts.union(found)

    def widened(self, hosts: Hosts) -> Hosts:
        """A set with the addresses that the names it speaks of have."""
        names = [name for name in spoken_of(hosts.names, self._aliases) if name in self._aliases]
        return Hosts.union([hosts, *(one for name in names for one in self._aliases[name])]) if names else hosts


def spoken_of(names: Names, known: Collection[str]) -> Iterable[str]:
    """Names that a set mentions, or holds by a pattern that it mentions; of `known`, where there are many."""
    plain = [representative(pattern) for pattern in names.mentioned()]
    suffixes = tuple(pattern[1:].lower() for pattern in names.mentioned() if pattern.startswith("*."))
    return [*plain, *(name for name in known if name.endswith(suffixes))] if suffixes else plain


def probes(regions: Iterable[Hosts], sets: Iterable[Hosts], mentions: Mentions) -> Iterator[Probe]:
    """A probe for every class of hosts of these regions that the sets, the zones or the names tell apart."""
    distinct = list(dict.fromkeys(sets))
    wide = list(map(mentions.widened, dict.fromkeys(regions)))
    region = Hosts.union(one.addresses() for one in wide)
    cutting = [*distinct, *mentions.addresses, *mentions.networks.values()]
    for family in (4, 6):
        yield from _addresses(span(region, family), [span(one, family) for one in cutting], family)
    yield from _names(region, list(dict.fromkeys(one.names for one in wide)), distinct, mentions)


def _addresses(region: Intervals, cutting: Sequence[Intervals], family: int) -> Iterator[Probe]:
    """Classes by what covers them, kept as one number: the exclusive or of a random number for each set."""
    if not region:
        return
    top = V4_MAX if family == 4 else V6_MAX
    turns: dict[int, int] = defaultdict(int)
    for number, one in enumerate(dict.fromkeys(cutting)):
        mark = int.from_bytes(hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).digest(), "big")
        for first, last in one.spans:
            turns[first] ^= mark
            turns[last + 1] ^= mark
    for first, last in region.spans:
        turns[first] ^= 0
        turns[last + 1] ^= 0
    edges = sorted(edge for edge in turns if edge <= top)
    classes: dict[int, list[tuple[int, int]]] = {}
    within, covered, limit = 0, 0, len(edges)
    for place, edge in enumerate(edges):
        covered ^= turns[edge]
        end = edges[place + 1] - 1 if place + 1 < limit else top
        while within < len(region.spans) and region.spans[within][1] < edge:
            within += 1
        if within < len(region.spans) and region.spans[within][0] <= edge:
            classes.setdefault(covered, []).append((edge, end))
    for spans in classes.values():
        first, last = spans[0]
        # Not the first address of a network, which reads like a mistake in a witness.
        address = first + min(10, (last - first + 1) // 2)
        yield Probe(_of(Intervals(((address, address),)), family), _of(Intervals.of(spans), family))


def _of(addresses: Intervals, family: int) -> Hosts:
    return Hosts(v4=addresses) if family == 4 else Hosts(v6=addresses)


def _names(region: Hosts, names: Sequence[Names], distinct: Sequence[Hosts], mentions: Mentions) -> Iterator[Probe]:
    """Names that the regions name, and those whose addresses may be there."""
    mentioned = {representative(pattern) for one in distinct for pattern in one.names.mentioned()}
    for name in sorted(mentioned.union(mentions.declared)):
        may = mentions.may(name)
        near = bool(region) if may is None else bool(may & region)
        if near or any(name in one for one in names):
            one = Hosts.from_names([name])
            yield Probe(one, one)


class Relevant:
    """Which sets of hosts can hold a probe, or an address that a probed name may have."""

    def __init__(self, found: Sequence[Probe], mentions: Mentions) -> None:
        self._mentions = mentions
        self._names = {name for one in found for name in one.host.names.mentioned()}
        mays = [mentions.may(name) for name in self._names]
        # A name that nobody declares may have any address.
        self._everywhere = None in mays
        wanted = Hosts.union([*(one.host for one in found), *(one for one in mays if one is not None)])
        self._spans = {family: span(wanted, family).spans for family in (4, 6)}
        self._starts = {family: [first for first, _ in spans] for family, spans in self._spans.items()}
        self._known: dict[Hosts, bool] = {}

    def holds(self, hosts: Hosts) -> bool:
        """Whether a set has to be looked at."""
        if self._everywhere or hosts.names.inverted or hosts.names.either:
            return True
        found = self._known.get(hosts)
        if found is None:
            found = self._known[hosts] = self._looked_at(hosts)
        return found

    def _looked_at(self, hosts: Hosts) -> bool:
        if any(name in self._names for name in spoken_of(hosts.names, self._names)):
            return True
        wide = self._mentions.widened(hosts)
        return any(self._meets(first, last, family) for family in (4, 6) for first, last in span(wide, family).spans)

    def _meets(self, first: int, last: int, family: int) -> bool:
        place = bisect_left(self._starts[family], first)
        spans = self._spans[family]
        return (place > 0 and spans[place - 1][1] >= first) or (place < len(spans) and spans[place][0] <= last)
