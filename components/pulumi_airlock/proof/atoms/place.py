"""One class of hosts, and how a set of hosts holds it."""

import ipaddress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..sets import V4_MAX, V6_MAX, Hosts, Intervals

NEVER, MAYBE, SURE = 0, 1, 2
BY_NAME = 4
"""Flag: the set tells this name from a name that nobody mentions, so that its addresses alone do not tell what happens to it."""

Column = tuple[NDArray[np.intp], NDArray[np.uint8]]
"""The sets that hold a class, in order, and how (MAYBE, SURE, with the flag BY_NAME)."""


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


def top(family: int) -> int:
    """The last address of a family."""
    return V4_MAX if family == 4 else V6_MAX
