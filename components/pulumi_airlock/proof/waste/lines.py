"""Numbers on a line, cut where some sets begin or end; and addresses of both families on two such lines."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from ..sets import V4_MAX, V6_MAX, Hosts, Intervals


class Line:
    """0…top in pieces that none of the sets tells apart, in order."""

    def __init__(self, sets: Iterable[Intervals], top: int) -> None:
        edges = {edge for one in sets for first, last in one.spans for edge in (first, last + 1) if edge <= top}
        self.starts: Sequence[int] = sorted({0, *edges})
        self.full = (1 << len(self.starts)) - 1

    def __len__(self) -> int:
        return len(self.starts)

    def bits(self, one: Intervals) -> int:
        """The pieces that a set has something of: exactly its own, if the line was cut for it."""
        found = 0
        for first, last in one.spans:
            low = bisect_left(self.starts, first + 1) - 1
            found |= (1 << bisect_left(self.starts, last + 1)) - (1 << low)
        return found


class Addresses:
    """IPv4 and IPv6 addresses as the bits of one dimension, IPv4 first."""

    def __init__(self, sets: Iterable[Hosts]) -> None:
        listed = list(sets)
        self.v4 = Line((one.v4 for one in listed), V4_MAX)
        self.v6 = Line((one.v6 for one in listed), V6_MAX)
        self.full = self.v4.full | self.v6.full << len(self.v4)

    def __len__(self) -> int:
        return len(self.v4) + len(self.v6)

    def bits(self, hosts: Hosts) -> int:
        """The pieces that a set of addresses has something of; names aside."""
        return self.v4.bits(hosts.v4) | self.v6.bits(hosts.v6) << len(self.v4)

    def family(self, family: int) -> int:
        """All addresses of one family."""
        return self.v4.full if family == 4 else self.v6.full << len(self.v4)
