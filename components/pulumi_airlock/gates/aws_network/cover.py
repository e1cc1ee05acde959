"""The fewest rules for a set of (addresses × services), never one packet more or less.

A rule of a security group is a rectangle: one CIDR block × one range of ports. The largest ones that lie within the set are few;
which of these are needed is decided exactly, but for sets that are very tangled (`proof.waste.covering`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from ...proof.sets import Hosts, Intervals, Services, protocol_name
from ...proof.waste import rectangles
from ...proof.waste.covering import cover

_PORTS = 65536
_WIDTH = 32
"""Bits of an IPv4 address."""


@dataclass(frozen=True, slots=True)
class Box:
    """IPv4 addresses × services."""

    addresses: Intervals
    services: Services


@dataclass(frozen=True, slots=True, order=True)
class Rectangle:
    """One rule: a network, a protocol (`-1`.

    All; a name; or a number as text) and its ports; None where the protocol has none.
    """

    network: IPv4Network
    protocol: str
    first: int | None
    last: int | None

    def services(self) -> Services:
        """The services that the rectangle spans."""
        if self.protocol == "-1":
            return Services.every()
        return (
            Services.of(self.protocol)
            if self.first is None or self.last is None
            else Services.of(self.protocol, self.first, self.last)
        )

    def addresses(self) -> Intervals:
        """The addresses that it spans."""
        return Hosts.from_cidr(self.network).v4


def fewest(boxes: Iterable[Box]) -> tuple[Rectangle, ...]:
    """Rectangles whose union is the union of the boxes, as few as there can be, in order."""
    classes = rectangles.pieces(rectangles.Piece(box.addresses, box.services) for box in boxes if box.addresses and box.services)
    largest = rectangles.largest([piece for piece, _ in classes], _WIDTH)
    points = rectangles.rows(classes, _WIDTH)
    chosen = cover([rectangles.held(one, points, _WIDTH) for one in largest]).chosen
    return tuple(sorted(_rule(largest[number]) for number in chosen))


def _rule(one: rectangles.Rectangle) -> Rectangle:
    network = IPv4Network((one.first, one.length))
    if (one.low, one.high) == rectangles.EVERY.cells.spans[0]:
        return Rectangle(network, "-1", None, None)
    number, first = divmod(one.low, _PORTS)
    name = protocol_name(number)
    # AWS has names for four protocols, and ports for two.
    if name in ("tcp", "udp"):
        return Rectangle(network, name, first, one.high % _PORTS)
    return Rectangle(network, name if name in ("icmp", "icmpv6") else str(number), None, None)
