"""Networks × ranges: the largest rules of a security group, a network ACL or a route table that are not too wide, all of them.

A rule there is one CIDR block and one range of ports. Which of the largest ones are needed is another question (`covering`).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..sets import Intervals, Services

_PORTS = 65536
EVERY = Services.every()


class Rectangle(NamedTuple):
    """One network × one range: all numbers inclusive."""

    first: int
    length: int
    """Of the prefix."""
    low: int
    """Protocol × 65536 + port."""
    high: int


class Piece(NamedTuple):
    """Addresses at which the same services are let through."""

    addresses: Intervals
    services: Services


def pieces(wanted: Iterable[Piece], free: Iterable[Piece] = ()) -> list[tuple[Piece, Services]]:
    """The addresses cut into classes: what may be let through there (wanted or of no importance), and what of it has to be."""
    events: dict[int, list[tuple[int, bool, Services]]] = {}
    for found, must in ((wanted, True), (free, False)):
        for one in found:
            for first, last in one.addresses.spans:
                events.setdefault(first, []).append((1, must, one.services))
                events.setdefault(last + 1, []).append((-1, must, one.services))
    active: Counter[tuple[bool, Services]] = Counter()
    known: dict[frozenset[tuple[bool, Services]], tuple[Services, Services]] = {}
    spans: dict[tuple[Services, Services], list[tuple[int, int]]] = {}
    for start, following in pairwise([*sorted(events), None]):
        for change, must, services in events[start or 0]:
            active[must, services] += change
            if not active[must, services]:
                del active[must, services]
        if active and following is not None:
            here = frozenset(active)
            if here not in known:
                known[here] = _may_and_must(here)
            spans.setdefault(known[here], []).append((start or 0, following - 1))
    return [(Piece(Intervals.of(found), may), must) for (may, must), found in spans.items()]


def _may_and_must(active: frozenset[tuple[bool, Services]]) -> tuple[Services, Services]:
    here = Services.union(services for must, services in active if must)
    beside = Services.union(services for must, services in active if not must)
    return here | beside, here & beside.complement()


def largest(classes: Sequence[Piece], width: int) -> list[Rectangle]:
    """All largest rectangles within the classes, in order. `width`: bits of an address."""
    levels: list[dict[int, Services]] = [{} for _ in range(width + 1)]
    for one in classes:
        for first, length in _networks(one.addresses, width):
            levels[length][first] = one.services
    found: set[Rectangle] = set()
    for length in range(width, -1, -1):
        size = 1 << (width - length)
        for first, services in levels[length].items():
            above = Services()
            buddy = levels[length].get(first ^ size) if length else None
            if buddy is not None:
                above = services & buddy
                if above:
                    levels[length - 1][min(first, first ^ size)] = above
            wider = set(ranges(above))
            found.update(
                Rectangle(first, length, low, high)
                for low, high in ranges(services)
                if not any(begin <= low and high <= end for begin, end in wider)
            )
    return sorted(found)


def ranges(services: Services) -> Iterator[tuple[int, int]]:
    """The longest ranges of one protocol, or the one of all of them."""
    if services == EVERY:
        yield services.cells.spans[0]
        return
    for number, first, last in services.ranges():
        yield number * _PORTS + first, number * _PORTS + last


def rows(classes: Sequence[tuple[Piece, Services]], width: int) -> list[tuple[int, int]]:
    """Points (address, protocol × 65536 + port) that have to be covered, one of each kind, in order."""
    every = [one for piece, must in classes for services in (piece.services, must) for one in services.cells.spans]
    cuts = sorted({edge for first, last in every for edge in (first, last + 1)})
    found = []
    for piece, must in classes:
        if must:
            cells = [start for start in cuts if start in must.cells]
            found += [(first, cell) for first, _ in _networks(piece.addresses, width) for cell in cells]
    return sorted(found)


def held(one: Rectangle, points: Sequence[tuple[int, int]], width: int) -> int:
    """Which of some points, in order, a rectangle holds, as bits."""
    begin = bisect_left(points, (one.first, -1))
    end = bisect_left(points, (one.first + (1 << (width - one.length)), -1))
    found = 0
    for number in range(begin, end):
        found |= (one.low <= points[number][1] <= one.high) << number
    return found


def _networks(addresses: Intervals, width: int) -> Iterator[tuple[int, int]]:
    """(First address, prefix length) of the fewest networks that make up a set."""
    for first, last in addresses.spans:
        while first <= last:
            size = min(first & -first if first else 1 << width, 1 << (last - first + 1).bit_length() - 1)
            yield first, width - size.bit_length() + 1
            first += size
