"""What a task can reach, cut into destinations: by the objects that rules name where these are all of it, else by networks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..access.values import PLAIN_PROTOCOLS, PORT_PROTOCOLS
from ..proof.filters import ANYONE, Action, Filter, Part
from ..proof.sets import Hosts, Services, protocol_number
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
    size: int


def named_objects(filters: Iterable[Filter]) -> list[Named]:
    """The objects that rules which let through name as destinations, single ones, the largest first."""
    found: dict[tuple[str, Hosts], Named] = {}
    seen: set[tuple[str, str]] = set()
    for one in filters:
        for rule in one.rules:
            for part in rule.parts() if rule.action is Action.ALLOW else ():
                for leaf in _leaves(part):
                    hosts = leaf.match.hosts
                    key = (leaf.urn, leaf.name)
                    if key not in seen and leaf.name and leaf.match.who == ANYONE and hosts != Hosts.every():
                        seen.add(key)
                        found.setdefault((leaf.name, hosts), Named(leaf.name, hosts, _size(hosts)))
    return sorted((one for one in found.values() if not is_any_host(one.hosts)), key=lambda one: (-one.size, one.name))


def _leaves(part: Part) -> Iterator[Part]:
    if not part.parts:
        yield part
    for one in part.parts:
        yield from _leaves(one)


def _size(hosts: Hosts) -> int:
    return sum(last - first + 1 for spans in (hosts.v4.spans, hosts.v6.spans) for first, last in spans)


def places(hosts: Hosts, objects: Sequence[Named]) -> Iterator[Place]:
    """Hosts as destinations. Each name is one, and so is each object that lies wholly in them; the rest is one."""
    names = set(hosts.names.patterns) if not hosts.names.inverted else set()
    left = hosts.addresses()
    if is_any_host(left):
        yield Place("any", cidrs=tuple(map(str, left.networks())))
        return
    for one in objects:
        own = one.hosts.addresses()
        named = one.hosts.names.patterns if one.hosts.names.is_list or not one.hosts.names.inverted else frozenset[str]()
        if named and named <= names and not own:
            yield Place(slug(one.name), hosts=tuple(sorted(named)))
            names -= named
        elif own and not one.hosts.names and hosts.covers_addresses(own) and (own & left):
            yield Place(slug(one.name), cidrs=tuple(map(str, own.networks())))
            left = left - own
    for name in sorted(names):
        yield Place(slug(name.removeprefix("*.")), hosts=(name,))
    if left.addresses():
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
