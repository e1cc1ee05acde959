"""Sets of addresses, names and services: exact, canonical, closed under union, intersection and complement.

The gates describe their rules with them, the proof cuts them into atoms. Pure Python, no Pulumi.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import Self

V4_MAX = 2**32 - 1
V6_MAX = 2**128 - 1
_PORTS = 65536
_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "icmpv6": 58, "sctp": 132}
"""IANA "Protocol Numbers": those that gates of this library name."""

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Intervals:
    """A set of integers as sorted, disjoint, non-adjacent inclusive intervals."""

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]]) -> Self:
        """The union of the given inclusive spans, in canonical form."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return cls(tuple(merged))

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __contains__(self, value: int) -> bool:
        return any(first <= value <= last for first, last in self.spans)

    def __or__(self, other: "Intervals") -> "Intervals":
        return Intervals.of((*self.spans, *other.spans))

    def __and__(self, other: "Intervals") -> "Intervals":
        found = []
        i = j = 0
        while i < len(self.spans) and j < len(other.spans):
            (a, b), (c, d) = self.spans[i], other.spans[j]
            if max(a, c) <= min(b, d):
                found.append((max(a, c), min(b, d)))
            if b < d:
                i += 1
            else:
                j += 1
        return Intervals(tuple(found))

    def complement(self, top: int) -> "Intervals":
        """What of 0…top is not in the set."""
        gaps, start = [], 0
        for first, last in self.spans:
            if start < first:
                gaps.append((start, first - 1))
            start = last + 1
        if start <= top:
            gaps.append((start, top))
        return Intervals(tuple(gaps))

    def covers(self, other: "Intervals") -> bool:
        """Whether every member of `other` is a member of this set."""
        return (self & other) == other


@dataclass(frozen=True, slots=True)
class Names:
    """A set of host names: a union of patterns, or a Boolean combination of such.

    A pattern is a name (`warehouse.corp.example`) or a suffix (`*.corp.example`, which matches names at any depth below, not
    `corp.example` itself: the reading of FortiOS wildcard FQDNs, Cilium's `**.` and certificates' `*.` at every depth).
    """

    patterns: frozenset[str] = frozenset()
    either: tuple["Names", ...] = ()
    inverted: bool = False

    @classmethod
    def every(cls) -> "Names":
        """All names."""
        return cls(inverted=True)

    def __bool__(self) -> bool:
        return bool(self.patterns or self.either or self.inverted)

    def __contains__(self, name: str) -> bool:
        hit = any(matches_name(pattern, name) for pattern in self.patterns) or any(name in part for part in self.either)
        return hit != self.inverted

    def __or__(self, other: "Names") -> "Names":
        if not self or other == Names.every():
            return other
        if not other or self == Names.every():
            return self
        if not (self.inverted or other.inverted or self.either or other.either):
            return Names(self.patterns | other.patterns)
        return Names(either=(self, other))

    def __and__(self, other: "Names") -> "Names":
        for listed, test in ((self, other), (other, self)):
            if listed.is_list:
                return Names(frozenset(name for name in listed.patterns if name in test))
        return (self.complement() | other.complement()).complement()

    @property
    def is_list(self) -> bool:
        """Whether it is a list of single names, without suffixes."""
        return not (self.inverted or self.either or any(name.startswith("*.") for name in self.patterns))

    def complement(self) -> "Names":
        """Every name that is not in the set."""
        return Names(self.patterns, self.either, not self.inverted)

    def mentioned(self) -> frozenset[str]:
        """Every pattern that the set speaks of: where the dimension has to be cut."""
        return self.patterns.union(*(part.mentioned() for part in self.either))


def matches_name(pattern: str, name: str) -> bool:
    """Whether a name, or a name pattern, falls under a pattern. Case does not count (RFC 4343)."""
    pattern, name = pattern.lower(), name.lower()
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and name != pattern[1:]
    return pattern == name


@dataclass(frozen=True, slots=True)
class Hosts:
    """A set of destinations or sources: IPv4 addresses, IPv6 addresses, and names.

    A name stands for itself, beside all addresses: which addresses it has is not known before it is resolved. The proof relates
    the two by what the access file declares.
    """

    v4: Intervals = field(default_factory=Intervals)
    v6: Intervals = field(default_factory=Intervals)
    names: Names = field(default_factory=Names)

    @classmethod
    def every(cls) -> "Hosts":
        """Every address and every name."""
        return cls(Intervals(((0, V4_MAX),)), Intervals(((0, V6_MAX),)), Names.every())

    @classmethod
    def every_v4(cls) -> "Hosts":
        """0.0.0.0/0 as a rule on packets means it: every IPv4 address, and every name (which may resolve to one)."""
        return cls(v4=Intervals(((0, V4_MAX),)))

    @classmethod
    def from_cidr(cls, cidr: str | IPNetwork) -> "Hosts":
        """The addresses of a network; host bits are ignored, as every gate ignores them. ValueError when it is no CIDR."""
        network = ipaddress.ip_network(cidr, strict=False)
        return cls.from_range(network.network_address, network.broadcast_address)

    @classmethod
    def from_cidrs(cls, cidrs: Iterable[str | IPNetwork]) -> "Hosts":
        """The union of several networks."""
        return cls.union(map(cls.from_cidr, cidrs))

    @classmethod
    def from_range(cls, first: str | ipaddress._BaseAddress, last: str | ipaddress._BaseAddress) -> "Hosts":
        """An inclusive range of addresses of one family."""
        low, high = ipaddress.ip_address(str(first)), ipaddress.ip_address(str(last))
        if low.version != high.version or int(low) > int(high):
            raise ValueError(f"{first}-{last} is no address range")
        span = Intervals(((int(low), int(high)),))
        return cls(v4=span) if low.version == 4 else cls(v6=span)

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "Hosts":
        """Names and `*.` patterns."""
        return cls(names=Names(frozenset(name.lower().rstrip(".") for name in names)))

    @classmethod
    def union(cls, parts: Iterable["Hosts"]) -> "Hosts":
        """The union of any number of sets."""
        listed = list(parts)
        return cls(
            Intervals.of(span for part in listed for span in part.v4.spans),
            Intervals.of(span for part in listed for span in part.v6.spans),
            reduce(Names.__or__, (part.names for part in listed), Names()),
        )

    def __bool__(self) -> bool:
        return bool(self.v4 or self.v6 or self.names)

    def __or__(self, other: "Hosts") -> "Hosts":
        return Hosts(self.v4 | other.v4, self.v6 | other.v6, self.names | other.names)

    def __and__(self, other: "Hosts") -> "Hosts":
        return Hosts(self.v4 & other.v4, self.v6 & other.v6, self.names & other.names)

    def complement(self) -> "Hosts":
        """Every address and name that is not in the set."""
        return Hosts(self.v4.complement(V4_MAX), self.v6.complement(V6_MAX), self.names.complement())

    def __sub__(self, other: "Hosts") -> "Hosts":
        return self & other.complement()

    def addresses(self) -> "Hosts":
        """The set without its names."""
        return Hosts(self.v4, self.v6)

    def covers_addresses(self, other: "Hosts") -> bool:
        """Whether every address of `other` is in the set; names aside."""
        return self.v4.covers(other.v4) and self.v6.covers(other.v6)

    def networks(self) -> Iterator[IPNetwork]:
        """The addresses as the fewest CIDR networks, IPv4 first."""
        for first, last in self.v4.spans:
            yield from ipaddress.summarize_address_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last))
        for first, last in self.v6.spans:
            yield from ipaddress.summarize_address_range(ipaddress.IPv6Address(first), ipaddress.IPv6Address(last))

    def __str__(self) -> str:
        if self == Hosts.every():
            return "any"
        parts = [str(network) for network in self.networks()]
        names = sorted(self.names.mentioned())
        if names or self.names.inverted:
            parts.append(("every name but " if self.names.inverted else "") + " ".join(names))
        return " ".join(parts) or "none"


@dataclass(frozen=True, slots=True)
class Services:
    """A set of (IP protocol, port): protocols 0–255, each with ports 0–65535 (those without ports use all of them at once)."""

    cells: Intervals = field(default_factory=Intervals)

    @classmethod
    def every(cls) -> "Services":
        """Every protocol and port."""
        return cls(Intervals(((0, 256 * _PORTS - 1),)))

    @classmethod
    def of(cls, protocol: str | int, first: int = 0, last: int = 65535) -> "Services":
        """Ports `first`…`last` of a protocol, by name (`tcp`) or IANA number; all of its ports by default.

        ValueError for an unknown protocol and for ports out of order or range.
        """
        number = protocol_number(protocol)
        if not 0 <= first <= last < _PORTS:
            raise ValueError(f"{first}-{last} is no port range of 0–65535")
        return cls(Intervals(((number * _PORTS + first, number * _PORTS + last),)))

    @classmethod
    def union(cls, parts: Iterable["Services"]) -> "Services":
        """The union of any number of sets."""
        return cls(Intervals.of(span for part in parts for span in part.cells.spans))

    def __bool__(self) -> bool:
        return bool(self.cells)

    def __or__(self, other: "Services") -> "Services":
        return Services(self.cells | other.cells)

    def __and__(self, other: "Services") -> "Services":
        return Services(self.cells & other.cells)

    def __sub__(self, other: "Services") -> "Services":
        return self & other.complement()

    def complement(self) -> "Services":
        """Every protocol and port that is not in the set."""
        return Services(self.cells.complement(256 * _PORTS - 1))

    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """(protocol number, first port, last port), each within one protocol, in order."""
        for first, last in self.cells.spans:
            for number in range(first // _PORTS, last // _PORTS + 1):
                yield number, max(first - number * _PORTS, 0), min(last - number * _PORTS, _PORTS - 1)

    def __str__(self) -> str:
        if self == Services.every():
            return "any"
        return " ".join(_range_text(*item) for item in self.ranges()) or "none"


def is_network(text: str) -> bool:
    """Whether a text is a CIDR, or an address; bits of the host do not matter."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def protocol_number(protocol: str | int) -> int:
    """The IANA number of an IP protocol given by name or number. ValueError when there is none."""
    number = _PROTOCOLS.get(str(protocol).lower())
    if number is None:
        try:
            number = int(protocol)
        except (ValueError, TypeError, OverflowError):
            number = -1
    if not 0 <= number <= 255:
        raise ValueError(f"no IP protocol {protocol!r}; write {', '.join(_PROTOCOLS)}, or a number of 0–255")
    return number


def protocol_name(number: int) -> str:
    """The name of an IP protocol, or its number as text where it has none here."""
    return next((name for name, value in _PROTOCOLS.items() if value == number), str(number))


def _range_text(number: int, first: int, last: int) -> str:
    name = protocol_name(number)
    if (first, last) == (0, _PORTS - 1):
        return name
    return f"{first}/{name}" if first == last else f"{first}-{last}/{name}"
