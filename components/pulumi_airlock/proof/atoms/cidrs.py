"""Networks as texts, read fast: a proof of 100,000 routes reads some 50,000 of them."""

import socket
from collections.abc import Iterable
from functools import lru_cache

from ..sets import Hosts, Intervals


def of_cidrs(texts: Iterable[str]) -> Hosts:
    """The union of networks, as `Hosts.from_cidrs`. ValueError when one is none."""
    found = [of_cidr(text) for text in texts]
    return found[0] if len(found) == 1 else Hosts.union(found)


@lru_cache(maxsize=65536)
def of_cidr(text: str) -> Hosts:
    """The addresses of a network; host bits are ignored."""
    address, slash, length = text.partition("/")
    six = ":" in address
    width = 128 if six else 32
    try:
        value = int.from_bytes(socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address))
        bits = int(length) if slash and length.isascii() and length.isdigit() else -1 if slash else width
    except OSError:
        bits = -1
    if not 0 <= bits <= width:
        return Hosts.from_cidr(text)  # a netmask, a zone, or an error
    low = value >> width - bits << width - bits
    spans = Intervals(((low, low | (1 << width - bits) - 1),))
    return Hosts(v6=spans) if six else Hosts(v4=spans)
