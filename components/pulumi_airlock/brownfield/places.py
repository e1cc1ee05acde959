"""What a task can reach, cut into destinations: by the objects that rules name where these are all of it, else by networks."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..access.values import PLAIN_PROTOCOLS, PORT_PROTOCOLS
from ..proof.filters import ANYONE, Action, Filter, Part
from ..proof.sets import V6_MAX, Hosts, Services, protocol_number
from .making import slug

_HALF = {"v4": 2**31, "v6": 2**127, "ports": 2**15}
"""From here on a set is called any: what a few refusals leave of everything still is."""
_WHOLE = (0, 65535)


@dataclass(frozen=True, slots=True)
class Place:
    """Hosts that are one destination."""

    name: str
    hosts: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """An object of a gate."""

    name: str
    hosts: Hosts

    @property
    def size(self) -> int:
        """How many addresses it has."""
        return sum(last - first + 1 for spans in (self.hosts.v4.spans, self.hosts.v6.spans) for first, last in spans)


class Spans:
    """Spans of addresses, none of which lies in another, in order."""

    def __init__(self) -> None:
        self._spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}

    def add(self, hosts: Hosts) -> bool:
        """Adds what does not lie in a span that is there; whether there was any. Larger ones have to come first."""
        fresh = [(family, span) for family, spans in _families(hosts) for span in spans if not self._holds(family, span)]
        for family, span in fresh:
            insort(self._spans[family], span)
        return bool(fresh)

    def _holds(self, family: int, span: tuple[int, int]) -> bool:
        known = self._spans[family]
        place = bisect_right(known, (span[0], V6_MAX + 1))
        return place > 0 and known[place - 1][1] >= span[1]


def _families(hosts: Hosts) -> tuple[tuple[int, tuple[tuple[int, int], ...]], ...]:
    return (4, hosts.v4.spans), (6, hosts.v6.spans)


def _lies_in(inner: Hosts, outer: Hosts) -> bool:
    """Whether all addresses of the one are in the other; found by halving."""
    for (_, spans), (_, around) in zip(_families(inner), _families(outer), strict=True):
        for low, high in spans:
            place = bisect_right(around, (low, V6_MAX + 1))
            if place == 0 or around[place - 1][1] < high:
                return False
    return True


class Objects:
    """The single objects that rules which let through name as destinations."""

    def __init__(self, filters: Iterable[Filter]) -> None:
        found = list(dict.fromkeys(one for one in _named(filters) if not is_any_host(one.hosts)))
        self._by_name: dict[frozenset[str], Named] = {}
        self._first: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        """Of each family: (first address, number) of every object with addresses, in order."""
        self._all = found
        for number, one in enumerate(found):
            patterns = one.hosts.names.patterns
            if patterns and not one.hosts.names.inverted and not one.hosts.addresses():
                self._by_name.setdefault(patterns, one)
            elif not one.hosts.names:
                family, spans = (4, one.hosts.v4.spans) if one.hosts.v4 else (6, one.hosts.v6.spans)
                self._first[family] += [(spans[0][0], number)] if spans else []
        for firsts in self._first.values():
            firsts.sort()

    def within(self, hosts: Hosts) -> list[Named]:
        """The objects of addresses that lie wholly in these, the largest first; of nested ones the outermost.

        O(those that begin there).
        """
        numbers: list[int] = []
        for family, spans in _families(hosts):
            firsts = self._first[family]
            for low, high in spans:
                numbers += [number for _, number in firsts[bisect_left(firsts, (low, -1)) : bisect_left(firsts, (high + 1, -1))]]
        inside = (one for one in map(self._all.__getitem__, numbers) if _lies_in(one.hosts, hosts))
        found: list[Named] = []
        outermost = Spans()
        for one in sorted(inside, key=lambda one: (-one.size, one.name)):
            if outermost.add(one.hosts):
                found.append(one)
        return found

    def of_name(self, name: str) -> str:
        """What the object of a host name is called; without one, the name itself."""
        known = self._by_name.get(frozenset({name}))
        return known.name if known is not None else name.removeprefix("*.")


def _named(filters: Iterable[Filter]) -> Iterator[Named]:
    seen: set[tuple[str, str]] = set()
    for one in filters:
        for rule in one.rules:
            for part in rule.parts() if rule.action is Action.ALLOW else ():
                for leaf in _leaves(part):
                    hosts, key = leaf.match.hosts, (leaf.urn, leaf.name)
                    if key not in seen and leaf.name and leaf.match.who == ANYONE and hosts != Hosts.every():
                        seen.add(key)
                        yield Named(leaf.name, hosts)


def _leaves(part: Part) -> Iterator[Part]:
    if not part.parts:
        yield part
    for one in part.parts:
        yield from _leaves(one)


def places(hosts: Hosts, objects: Objects) -> Iterator[Place]:
    """Hosts as destinations. Each name is one, and so is each object that lies wholly in them; the rest is one."""
    left = hosts.addresses()
    if is_any_host(left):
        yield Place("any", cidrs=tuple(map(str, left.networks())))
        return
    inside = objects.within(hosts)
    for one in inside:
        yield Place(slug(one.name), cidrs=tuple(map(str, one.hosts.networks())))
    left = (left - Hosts.union(one.hosts for one in inside)).addresses()
    for name in sorted(hosts.names.patterns) if not hosts.names.inverted else ():
        yield Place(slug(objects.of_name(name)), hosts=(name,))
    if left:
        networks = tuple(map(str, left.networks()))
        yield Place(slug(networks[0].removesuffix("/32")), cidrs=networks)


def is_any_host(hosts: Hosts) -> bool:
    """Whether these are all addresses of a family, or most of them."""
    v4, v6 = (sum(last - first + 1 for first, last in spans) for spans in (hosts.v4.spans, hosts.v6.spans))
    return v4 > _HALF["v4"] or v6 > _HALF["v6"]


def is_any_port(services: Services) -> bool:
    """Whether these are all ports of TCP or UDP, or most of them."""
    counts = dict.fromkeys(map(protocol_number, ("tcp", "udp")), 0)
    for number, first, last in services.ranges():
        if number in counts:
            counts[number] += last - first + 1
    return any(count > _HALF["ports"] for count in counts.values())


def ports_of(services: Services) -> tuple[str, ...]:
    """Services as an access file writes them, as far as it can: of protocols that it has no name for, none."""
    names = {protocol_number(name): name for name in (*PORT_PROTOCOLS, *PLAIN_PROTOCOLS)}
    found = []
    for number, first, last in services.ranges():
        name = names.get(number)
        if name in PLAIN_PROTOCOLS and (first, last) == _WHOLE:
            found.append(name)
        elif name in PORT_PROTOCOLS:
            found.append(f"{first}/{name}" if first == last else f"{first}-{last}/{name}")
    return tuple(found)
