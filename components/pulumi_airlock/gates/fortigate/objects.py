"""What the objects that policies name match: addresses, services, schedules. Unknown objects are bounds, never guesses."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any
from zoneinfo import ZoneInfo

from ...proof.sets import Hosts, Intervals, Names, Services
from ...proof.times import ALWAYS, NEVER, WEEK_MINUTES, Once, Times, Weekly, Window
from ..stack import UNKNOWN, Resource
from .bounds import Bound, union
from .device import (
    ADDRESS_GROUP,
    ADDRESS_GROUP6,
    ADDRESSES,
    ONETIME,
    RECURRING,
    SCHEDULES,
    SERVICE_GROUP,
    SERVICES,
    VIP,
    VIP6,
    VIP_GROUP,
    VIP_GROUP6,
    Device,
    Reference,
    kind_of,
    prop_text,
)
from .plan import DAYS
from .services import builtin_service, port_ranges

_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")
_DAYS = list(DAYS.values())
_NO_RANGE = "0.0.0.0"  # noqa: S104  # what FortiOS reads back for "no address range"
_DEEPEST = 32
"""Nesting of groups that is followed; FortiOS itself stops far earlier."""

NO_HOSTS = Hosts()
_EVERY = {
    4: Hosts(v4=Hosts.every().v4, names=Names.every()),
    6: Hosts(v6=Hosts.every().v6, names=Names.every()),
}


def every(family: int) -> Hosts:
    """`all` in a policy's field of one address family: every address of it, and every name."""
    return _EVERY[family]


class Objects:
    """Resolves the references of one device's policies."""

    def __init__(self, device: Device, timezone: str | None) -> None:
        self.device = device
        self.timezone = timezone
        """The device's clock; None when the stack does not tell."""

    # Addresses

    def addresses(self, owner: Resource, prop: str, family: int) -> Bound[Hosts]:
        """What a policy's address field matches, before any negation: the union of its entries."""
        found = self.device.references(owner, prop, *ADDRESSES[family])
        reason = f"{owner.name}.{prop}"
        return union([self._address(one, family, reason, 0) for one in found], NO_HOSTS)

    def address(self, one: Reference, family: int) -> Bound[Hosts]:
        """What one entry of an address field or group matches."""
        return self._address(one, family, "", 0)

    def _address(self, one: Reference, family: int, reason: str, depth: int) -> Bound[Hosts]:
        if one.resource is not None and depth < _DEEPEST:
            return self._address_object(one.resource, family, depth).by_way_of(one.resource.urn)
        if one.name in ("all", "any") and one.resource is None:
            return Bound.exactly(every(family))
        if one.name == "none" and one.resource is None:
            return Bound.exactly(NO_HOSTS)
        return Bound(NO_HOSTS, every(family), (_undefined(reason, one, "address"),))

    def _address_object(self, resource: Resource, family: int, depth: int) -> Bound[Hosts]:
        kind = kind_of(resource)
        if kind in (ADDRESS_GROUP, ADDRESS_GROUP6):
            return self._address_group(resource, family, depth)
        if kind in (VIP, VIP6, VIP_GROUP, VIP_GROUP6):
            return Bound(NO_HOSTS, every(family), (f"{resource.name}: a virtual IP, which translates destinations",))
        known = _address_value(resource, family)
        return known if known is not None else Bound(NO_HOSTS, every(family), (f"{resource.name}.{_address_field(resource)}",))

    def _address_group(self, resource: Resource, family: int, depth: int) -> Bound[Hosts]:
        def members(prop: str) -> Bound[Hosts]:
            found = self.device.references(resource, prop, *ADDRESSES[family])
            return union([self._address(one, family, f"{resource.name}.{prop}", depth + 1) for one in found], NO_HOSTS)

        all_members = members("members")
        match prop_text(resource, "exclude", "disable"):
            case "disable":
                return all_members
            case "enable":
                left_out = members("excludeMembers")
                reasons = (*all_members.reasons, *left_out.reasons)
                sure, maybe = all_members.sure - left_out.maybe, all_members.maybe - left_out.sure
                if left_out.maybe.names and sure:
                    # A name that is left out has addresses that only the device knows.
                    sure, reasons = NO_HOSTS, (*reasons, f"{resource.name}.excludeMembers: a name, whose addresses are not known")
                return Bound(sure, maybe, reasons, (*all_members.through, *left_out.through))
            case _:
                return Bound(NO_HOSTS, all_members.maybe, (*all_members.reasons, f"{resource.name}.exclude"), all_members.through)

    # Services

    def services(self, owner: Resource, prop: str) -> Bound[Services]:
        """What a policy's service field matches, before any negation."""
        found = self.device.references(owner, prop, *SERVICES)
        return union([self._service(one, f"{owner.name}.{prop}", 0) for one in found], Services())

    def service(self, one: Reference) -> Bound[Services]:
        """What one entry of a service field or group matches."""
        return self._service(one, "", 0)

    def _service(self, one: Reference, reason: str, depth: int) -> Bound[Services]:
        if one.resource is None or depth >= _DEEPEST:
            builtin = builtin_service(one.name) if isinstance(one.name, str) and one.resource is None else None
            return builtin or Bound(Services(), Services.every(), (_undefined(reason, one, "service"),))
        resource = one.resource
        if kind_of(resource) == SERVICE_GROUP:
            members = self.device.references(resource, "members", *SERVICES)
            parts = [self._service(member, f"{resource.name}.members", depth + 1) for member in members]
            return union(parts, Services()).by_way_of(resource.urn)
        return _custom_service(resource).by_way_of(resource.urn)

    # Schedules

    def schedule(self, policy: Resource) -> Bound[Times]:
        """When a policy's schedule holds, as Times: of a part that is not known, never surely and always perhaps."""
        return self._times(self._windows(self.schedule_of(policy), f"{policy.name}.schedule", 0))

    def schedule_of(self, policy: Resource) -> Reference:
        """The schedule that a policy names."""
        name = prop_text(policy, "schedule", "always")
        used = [one for one in policy.refers_to("schedule") if kind_of(one) in SCHEDULES]
        if name is UNKNOWN:
            return Reference(name, used[0] if len(used) == 1 else None)
        # Computed from a schedule it may still be another's name: `always` where a setting says so.
        meant = next((one for one in used if one.get("name") == name), None)
        return Reference(name, meant or self.device.named(name, *SCHEDULES))

    def times(self, one: Reference) -> Bound[Times]:
        """When a schedule, or a member of a group of them, holds."""
        return self._times(self._windows(one, "", 0))

    def _times(self, windows: "_Windows") -> Bound[Times]:
        if windows.maybe is None:
            sure: Times = ALWAYS if windows.sure is None else (windows.sure,) if windows.sure else NEVER
            return Bound(sure, ALWAYS, windows.reasons, windows.through)
        return Bound((windows.sure or frozenset(),), (windows.maybe,), windows.reasons, windows.through)

    def _windows(self, one: Reference, reason: str, depth: int) -> "_Windows":
        if one.resource is None or depth >= _DEEPEST:
            if one.name == "always":
                return _Windows(None, None)
            if one.name == "none":
                return _Windows(frozenset(), frozenset())
            return _Windows(frozenset(), None, (_undefined(reason, one, "schedule"),))
        resource = one.resource
        readers: dict[str, Callable[[Resource], _Windows]] = {RECURRING: self._recurring, ONETIME: self._onetime}
        reader = readers.get(kind_of(resource))
        if reader is not None:
            return reader(resource).by_way_of(resource.urn)
        found = _Windows(frozenset(), frozenset())
        for member in self.device.references(resource, "members", *SCHEDULES):
            found = found.joined(self._windows(member, f"{resource.name}.members", depth + 1))
        return found.by_way_of(resource.urn)

    def _recurring(self, resource: Resource) -> "_Windows":
        unread = _Windows(frozenset(), None, (f"{resource.name}.{_unknown_among(resource, 'day', 'start', 'end')}",))
        day, start, end = (prop_text(resource, key) for key in ("day", "start", "end"))
        if UNKNOWN in (day, start, end):
            return unread
        if str(day).split() == ["none"]:
            return _Windows(frozenset(), frozenset())
        spans = _weekly_spans(str(day).split(), str(start), str(end))
        if spans is None:
            return unread
        if self.timezone is None:
            return _Windows(frozenset(), None, (f"{resource.name}: the device's time zone is not in the stack",))
        window = frozenset({Weekly(spans, self.timezone)})
        return _Windows(window, window)

    def _onetime(self, resource: Resource) -> "_Windows":
        moments = [self._moment(resource, key) for key in ("start", "end")]
        if None in moments:
            return _Windows(frozenset(), None, (f"{resource.name}.{_unknown_among(resource, 'start', 'end')}",))
        window = frozenset({Once(moments[0], moments[1])})
        return _Windows(window, window)

    def _moment(self, resource: Resource, key: str) -> datetime | None:
        epoch = resource.get(f"{key}Utc")
        if isinstance(epoch, str) and epoch.isdigit() and int(epoch) > 0:
            return datetime.fromtimestamp(int(epoch), UTC)
        return self.local_time(resource.get(key), "%H:%M %Y/%m/%d")

    def local_time(self, text: Any, form: str) -> datetime | None:
        """A moment on the device's clock; None when the text, or the clock, is not known."""
        if self.timezone is None or not isinstance(text, str):
            return None
        try:
            return datetime.strptime(text, form).replace(tzinfo=ZoneInfo(self.timezone))
        except ValueError:
            return None


class _Windows:
    """Windows of which any may hold; None is always. What surely holds, what may, and why they differ."""

    def __init__(
        self,
        sure: frozenset[Window] | None,
        maybe: frozenset[Window] | None,
        reasons: tuple[str, ...] = (),
        through: tuple[str, ...] = (),
    ) -> None:
        self.sure, self.maybe, self.reasons, self.through = sure, maybe, reasons, through

    def joined(self, other: "_Windows") -> "_Windows":
        sure = None if self.sure is None or other.sure is None else self.sure | other.sure
        maybe = None if self.maybe is None or other.maybe is None else self.maybe | other.maybe
        return _Windows(sure, maybe, (*self.reasons, *other.reasons), (*self.through, *other.through))

    def by_way_of(self, urn: str) -> "_Windows":
        return _Windows(self.sure, self.maybe, self.reasons, (urn, *self.through))


def _undefined(reason: str, one: Reference, what: str) -> str:
    if one.name is UNKNOWN:
        return reason
    return f"{reason}: {what} {one.name!r} is not in the stack"


def _unknown_among(resource: Resource, *props: str) -> str:
    return next((one for one in props if resource.get(one) is UNKNOWN), props[0])


def _address_field(resource: Resource) -> str:
    kind = resource.get("type")
    return "type" if kind is UNKNOWN else {"fqdn": "fqdn", "iprange": "startIp", "ipmask": "subnet"}.get(str(kind), "type")


def _address_value(resource: Resource, family: int) -> Bound[Hosts] | None:
    """What an address object matches; None when that is not known: computed values, and types that only the device resolves."""
    kind = resource.get("type")
    if kind is None:
        kind = next((kind for field, kind in _FIELDS[family].items() if resource.get(field) is not None), None)
    try:
        match kind:
            case "ipmask" | "subnet" if family == 4:
                return _exactly(_network(resource.get("subnet")))
            case "ipprefix" if family == 6:
                return _exactly(IPv6Network(str(resource.get("ip6")), strict=False))
            case "iprange":
                first, last = resource.get("startIp"), resource.get("endIp")
                return Bound.exactly(Hosts.from_range(str(first), str(last)))
            case "fqdn" | "wildcard-fqdn":
                name = resource.get("fqdn") or resource.get("wildcardFqdn")
                return Bound.exactly(Hosts.from_names([name])) if isinstance(name, str) else None
    except ValueError:
        return None
    return None


_FIELDS = {
    4: {"subnet": "ipmask", "fqdn": "fqdn", "startIp": "iprange"},
    6: {"ip6": "ipprefix", "fqdn": "fqdn", "startIp": "iprange"},
}
"""The type that FortiOS gives an address without one: by what it has."""


def _exactly(network: IPv4Network | IPv6Network) -> Bound[Hosts]:
    # 0.0.0.0/0 under another name is still every address, and so every name.
    return Bound.exactly(every(network.version) if network.prefixlen == 0 else Hosts.from_cidr(network))


def _network(text: Any) -> IPv4Network:
    """`10.20.4.0 255.255.255.0`, `10.20.4.0/24`, or `10.20.4.10`. ValueError for anything else."""
    if not isinstance(text, str):
        raise ValueError(text)
    return IPv4Network("/".join(text.split()), strict=False)


def _custom_service(resource: Resource) -> Bound[Services]:
    def unread(prop: str) -> Bound[Services]:
        return Bound(Services(), Services.every(), (f"{resource.name}.{prop}",))

    protocol = prop_text(resource, "protocol", "TCP/UDP/SCTP")
    if protocol is UNKNOWN:
        return unread("protocol")
    narrowed = next((key for key in ("fqdn", "iprange") if resource.get(key) not in (None, "", _NO_RANGE)), None)
    if narrowed:
        return unread(narrowed)
    match protocol.upper():
        case "ICMP" | "ICMP6":
            every_type = Services.of("icmp" if protocol.upper() == "ICMP" else "icmpv6")
            if resource.get("icmptype") is None:
                return Bound.exactly(every_type)
            return Bound(Services(), every_type, (f"{resource.name}.icmptype",))
        case "IP":
            return _ip_service(resource.get("protocolNumber", default=0)) or unread("protocolNumber")
        case text if text.startswith("TCP/UDP"):
            return _port_service(resource)
        case _:
            return unread("protocol")


def _ip_service(number: Any) -> Bound[Services] | None:
    try:
        value = int(number) if number is not UNKNOWN else -1
        return Bound.exactly(Services.every() if value == 0 else Services.of(value))
    except (TypeError, ValueError):
        return None


def _port_service(resource: Resource) -> Bound[Services]:
    parts = []
    for protocol in ("tcp", "udp", "sctp"):
        text = prop_text(resource, f"{protocol}Portrange")
        reason = f"{resource.name}.{protocol}Portrange"
        try:
            if text is UNKNOWN:
                raise ValueError(reason)
            parts.append(port_ranges(protocol, text, reason))
        except ValueError:
            parts.append(Bound(Services(), Services.of(protocol), (reason,)))
    return union(parts, Services())


def _weekly_spans(days: list[str], start: str, end: str) -> tuple[tuple[int, int], ...] | None:
    """A recurring schedule in minutes since Monday 00:00; None for what FortiOS would not take.

    An end at or before the start is on the next day; Sunday's goes on on Monday.
    """
    if not days or not set(days) <= set(_DAYS) or not (_CLOCK.fullmatch(start) and _CLOCK.fullmatch(end)):
        return None
    first, last = (int(text[:-3]) * 60 + int(text[-2:]) for text in (start, end))
    spans = []
    for day in days:
        begin = _DAYS.index(day) * 1440 + first
        stop = _DAYS.index(day) * 1440 + last + (1440 if last <= first else 0)
        spans.append((begin, min(stop, WEEK_MINUTES)))
        if stop > WEEK_MINUTES:
            spans.append((0, stop - WEEK_MINUTES))
    # Ends are exclusive here and inclusive there, where spans that touch are one.
    return tuple((low, high + 1) for low, high in Intervals.of((low, high - 1) for low, high in spans).spans)
