"""The application segments of a tenant, and the hosts and ports that belong to each: surely, and at most.

A host belongs to the most specific segment that names it (`specificity`). What is not sure:
- `match_style` INCLUSIVE (multimatch): such a segment keeps a host that another inclusive one names more specifically; whether an
  exclusive one above them does is not told by Zscaler, so that it perhaps does;
- a disabled segment refuses its hosts; whether it takes them from a wider segment is not told either;
- a segment whose domains are not known may take anything from any other.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...proof.sets import Hosts, Services
from ..stack import UNKNOWN, Resource
from .specificity import Below, Pattern, parse_pattern
from .tenant import MULTIMATCH, SEGMENT_GROUP, SEGMENTS, Tenant

CARRIED = Services.union(map(Services.of, ("tcp", "udp", "icmp")))
"""All that ZPA carries at all."""

EXCLUSIVE, INCLUSIVE = "EXCLUSIVE", "INCLUSIVE"


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports: what surely is among them, what may be, and why the two differ."""

    sure: Services
    maybe: Services
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Application:
    """One application segment as it is written."""

    resource: Resource
    patterns: frozenset[Pattern]
    unread: tuple[str, ...]
    """Domains that are not known, or mean nothing known."""
    ports: Ports
    style: Any
    """EXCLUSIVE, INCLUSIVE, or `UNKNOWN`."""
    enabled: Any
    """Whether it and its group are: True, False, or `UNKNOWN`."""
    group: Resource | None
    """Its segment group, where the stack has it."""
    group_known: bool
    """Whether it is known in which group it is."""
    bypass: Any
    """NEVER, ALWAYS, ON_NET, or `UNKNOWN`."""

    @property
    def label(self) -> str:
        """What ZPA's portal calls it."""
        name = self.resource.get("name")
        return name if isinstance(name, str) else self.resource.name


@dataclass(frozen=True, slots=True)
class Extent:
    """What belongs to a segment: boxes of hosts and ports, surely and at most."""

    sure: tuple[Hosts, Services]
    maybe: tuple[Hosts, Services]
    reasons: tuple[str, ...]
    """Why the two differ; empty where they are the same."""


class Applications:
    """All segments of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._styles, self._any_style = self._bulk()
        self.all = [self._read(one) for one in tenant.of_type(*SEGMENTS)]
        self.by_urn = {one.resource.urn: one for one in self.all}

    def in_group(self, group: Resource) -> tuple[list[Application], list[Application]]:
        """The segments that are in a group, and those that may be."""
        listed = {str(one.get("id")) for one in group.get_list("applications") if isinstance(one, Mapping)}
        sure = [one for one in self.all if one.group is group or str(one.resource.get("id")) in listed]
        return sure, [one for one in self.all if not one.group_known and one not in sure]

    def extent(self, one: Application) -> Extent:
        """What belongs to a segment."""
        return self._extents[one.resource.urn]

    # As they are written

    def _read(self, one: Resource) -> Application:
        patterns, unread = set[Pattern](), []
        for number, text in enumerate(one.get_list("domainNames")):
            try:
                patterns.add(parse_pattern(text if isinstance(text, str) else ""))
            except ValueError:
                unread.append(f"{one.name}.domainNames[{number}]")
        style = self._style(one)
        group, known = self._group(one)
        return Application(
            one,
            frozenset(patterns),
            tuple(unread),
            _ports(one),
            style if style in (EXCLUSIVE, INCLUSIVE) else UNKNOWN,
            _both(_enabled(one), _enabled(group) if group is not None else True),
            group,
            known,
            one.get("bypassType", default="NEVER"),
        )

    def _bulk(self) -> tuple[Mapping[str, Any], bool]:
        """The styles that are set in bulk, by the segments' URNs, and whether some of it may be about any segment."""
        found: dict[str, Any] = {}
        anywhere = False
        for bulk in self._tenant.of_type(MULTIMATCH):
            for named in self._tenant.named(bulk, "applicationIds", bulk.get_list("applicationIds"), *SEGMENTS):
                anywhere |= named.resource is None and named.id is UNKNOWN
                if named.resource is not None:
                    style = bulk.get("matchStyle")
                    found[named.resource.urn] = style if found.get(named.resource.urn, style) == style else UNKNOWN
        return found, anywhere

    def _style(self, one: Resource) -> Any:
        """A segment's style; what says something else about it than the segment does makes it unknown."""
        own, bulk = one.get("matchStyle"), self._styles.get(one.urn)
        if self._any_style or (own is not None and bulk is not None and own != bulk):
            return UNKNOWN
        return next((style for style in (own, bulk) if style is not None), EXCLUSIVE)

    def _group(self, one: Resource) -> tuple[Resource | None, bool]:
        given = one.get("segmentGroupId")
        used = one.refers_to("segmentGroupId", SEGMENT_GROUP)
        if isinstance(given, str):
            return self._tenant.with_id(given, SEGMENT_GROUP), True
        if len(used) == 1:
            return used[0], True
        name = one.get("segmentGroupName")
        named = [group for group in self._tenant.of_type(SEGMENT_GROUP) if isinstance(name, str) and group.get("name") == name]
        return (named[0], True) if named else (None, given is None and name is None)

    # What belongs to them

    @cached_property
    def _extents(self) -> Mapping[str, Extent]:
        live = [one for one in self.all if one.enabled is not False]
        at: dict[Pattern, list[Application]] = {}
        for one in self.all:
            for pattern in one.patterns:
                at.setdefault(pattern, []).append(one)
        sure_cut = {
            pattern for pattern, here in at.items() if any(one.enabled is True and one.style == EXCLUSIVE for one in here)
        }
        kept = {pattern for pattern, here in at.items() if all(one.enabled is True and one.style == INCLUSIVE for one in here)}
        everything, least, between = Below(at, at.keys()), Below(at, sure_cut), Below(at, at.keys() - kept)
        anywhere = tuple(reason for one in live for reason in one.unread)
        found: dict[str, Extent] = {}
        for one in self.all:
            others = tuple(reason for reason in anywhere if reason not in one.unread)
            cut = between if one.style == INCLUSIVE else everything
            found[one.resource.urn] = self._extent(one, cut, least, others, at)
        return found

    def _extent(
        self,
        one: Application,
        cut: Below,
        least: Below,
        others: tuple[str, ...],
        at: Mapping[Pattern, Collection[Application]],
    ) -> Extent:
        nothing = (Hosts(), Services())
        if one.enabled is False:
            return Extent(nothing, nothing, ())
        reasons = [*one.ports.reasons, *one.unread, *(f"{reason}: it may be more specific" for reason in others)]
        if one.enabled is UNKNOWN:
            both = (one.resource, *((one.group,) if one.group else ()))
            reasons += [f"{each.name}.enabled" for each in both if _enabled(each) is UNKNOWN]
        dual = one.resource.get("policyStyle") not in (None, False)
        if dual:
            reasons.append(f"{one.resource.name}.policyStyle: rules on the server's address are asked as well")
        most = Hosts.every() if one.unread else least.region(one.patterns)
        surely = cut.region(one.patterns)
        if surely != least.region(one.patterns):
            reasons.append(f"{one.resource.name}: whether a disabled or inclusive segment takes hosts from it is not known")
        sure = (surely, one.ports.sure) if one.enabled is True and not others and not dual else nothing
        return Extent(sure, (most, one.ports.maybe), tuple(reasons))


def _enabled(one: Resource) -> Any:
    """Whether a segment or group is enabled. Left out, the provider sends false: nobody means that, so it is not known."""
    value = one.get("enabled")
    return value if isinstance(value, bool) else UNKNOWN


def _both(one: Any, other: Any) -> Any:
    if False in (one, other):
        return False
    return True if one is True and other is True else UNKNOWN


def _ports(one: Resource) -> Ports:
    found = [_protocol(one, protocol) for protocol in ("tcp", "udp")]
    ping = one.get("icmpAccessType", default="NONE")
    if ping is UNKNOWN:
        found.append(Ports(Services(), Services.of("icmp"), (f"{one.name}.icmpAccessType",)))
    elif ping != "NONE":
        found.append(Ports(Services.of("icmp"), Services.of("icmp")))
    return Ports(
        Services.union(each.sure for each in found),
        Services.union(each.maybe for each in found),
        tuple(reason for each in found for reason in each.reasons),
    )


def _protocol(one: Resource, protocol: str) -> Ports:
    """The ports of one protocol: ranges (`tcpPortRange`) or flat pairs (`tcpPortRanges`), of which a state has both."""
    ranges = [
        (entry.get("from"), entry.get("to")) if isinstance(entry, Mapping) else (UNKNOWN, UNKNOWN)
        for entry in one.get_list(f"{protocol}PortRange")
    ]
    flat = one.get_list(f"{protocol}PortRanges")
    pairs = list(zip(flat[::2], [*flat[1::2], UNKNOWN], strict=False))
    known, unread = Services(), False
    for first, last in [*ranges, *pairs]:
        span = _span(protocol, first, last)
        unread |= span is None
        known |= span or Services()
    if not unread and ranges and pairs and _set(protocol, ranges) != _set(protocol, pairs):
        both = _set(protocol, ranges) & _set(protocol, pairs)
        return Ports(both, known, (f"{one.name}.{protocol}PortRange: differs from {protocol}PortRanges",))
    if unread:
        return Ports(known, Services.of(protocol), (f"{one.name}.{protocol}PortRange",))
    return Ports(known, known)


def _set(protocol: str, pairs: list[tuple[Any, Any]]) -> Services:
    return Services.union(_span(protocol, first, last) or Services() for first, last in pairs)


def _span(protocol: str, first: Any, last: Any) -> Services | None:
    """The ports between two texts; None where they are not known."""
    try:
        return Services.of(protocol, *sorted((int(first), int(last))))
    except (TypeError, ValueError):
        return None
