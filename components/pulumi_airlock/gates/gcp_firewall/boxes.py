"""Products of sources, hosts and services: what a firewall rule matches, and what is left of it once others are taken out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from ...proof.sets import V4_MAX, Hosts, Names, Services

EVERY_V4 = Hosts(v4=Hosts.every_v4().v4, names=Names.every())
"""0.0.0.0/0: every IPv4 address, and so whatever a name has."""
ANY = Hosts.every()

PRIVATE = Hosts.from_cidrs(
    (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    )
)
"""Addresses that nobody has on the internet: in no list of countries or threats.

IANA, "IPv4 Special-Purpose Address Registry".
"""
PUBLIC = Hosts(v4=PRIVATE.v4.complement(V4_MAX), v6=Hosts.every().v6)


@lru_cache(maxsize=65536)
def network(text: str) -> Hosts:
    """A range as rules have it. ValueError where it is none."""
    found = Hosts.from_cidr(text)
    return replace(found, names=Names.every()) if found.v4 == EVERY_V4.v4 else found


@dataclass(frozen=True, slots=True)
class Box:
    """What one entry of a rule matches."""

    sources: Hosts
    hosts: Hosts
    services: Services

    def __bool__(self) -> bool:
        return bool(self.sources and self.hosts and self.services)

    def meet(self, other: "Box") -> "Box":
        """What is in both."""
        return Box(self.sources & other.sources, self.hosts & other.hosts, self.services & other.services)


def without(box: Box, other: Box) -> Iterator[tuple[Box, bool]]:
    """What is left of a box: parts, and whether it is not sure that they are left.

    Names are matched by the addresses that they have. Taking addresses out leaves a name that is listed in the box only
    perhaps; every name (of 0.0.0.0/0) is from then on judged by its addresses.
    """
    sources, services = box.sources & other.sources, box.services & other.services
    apart = not box.hosts.addresses() & other.hosts.addresses() and not (box.hosts.names and other.hosts.names)
    if not sources or not services or (apart and not (box.hosts.names and other.hosts.addresses())):
        yield box, False
        return
    for part in (
        Box(box.sources, box.hosts, box.services - other.services),
        Box(box.sources - other.sources, box.hosts, services),
    ):
        if part:
            yield part, False
    if other.hosts.names == Names.every():
        left, listed = box.hosts - other.hosts, Hosts()
    else:
        left = box.hosts.addresses() - other.hosts.addresses()
        listed = Hosts(names=box.hosts.names) if box.hosts.names != Names.every() else Hosts()
    if left:
        yield Box(sources, left, services), False
    if listed:
        yield Box(sources, listed, services), True
