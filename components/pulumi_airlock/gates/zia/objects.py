"""What the objects of a rule stand for: destinations, services, URL categories, as sets that are known in part."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from ...proof.sets import Hosts, Services
from ..fortigate.bounds import Bound, union
from ..stack import UNKNOWN, Resource
from .kinds import CATEGORY, DESTINATIONS, SERVICE, SERVICE_GROUP, SOURCES, kind_of
from .place import addresses
from .tenant import Tenant

NO_HOSTS = Hosts()
EVERY_HOST = Bound.exactly(Hosts.every())
EVERY_SERVICE = Bound.exactly(Services.every())
_CLIENTS = (1024, 65535)
"""Source ports of clients (RFC 6056, section 3.2): a service limited to them matches every client."""


class Objects:
    """The objects of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    # The cloud firewall

    def destinations(self, rule: Resource) -> Bound[Hosts]:
        """Where a firewall rule leads to: its own addresses, groups, countries, categories.

        Whether ZIA joins these by *or* is not tried: with more than one of them, what is in all is sure, what is in any may be.
        """
        kinds: list[Bound[Hosts]] = []
        own = rule.get_list("destAddresses")
        if own:
            kinds.append(union([self.entry(one, f"{rule.name}.destAddresses") for one in own], NO_HOSTS))
        found = self._tenant.named_by(rule, "destIpGroups", DESTINATIONS)
        if found.given:
            kinds.append(_with(union([self.group(one) for one in found.objects], NO_HOSTS), found.reasons, Hosts.every()))
        kinds += [Bound(NO_HOSTS, Hosts.every(), (f"{rule.name}.{prop}",)) for prop in _PLACES if rule.get_list(prop)]
        if not kinds:
            return EVERY_HOST
        if len(kinds) == 1:
            return kinds[0]
        sure = kinds[0].sure
        for one in kinds[1:]:
            sure = sure & one.sure
        whole = union(kinds, NO_HOSTS)
        return Bound(sure, whole.maybe, (*whole.reasons, f"{rule.name}: how its destinations are joined"), whole.through)

    def group(self, one: Resource) -> Bound[Hosts]:
        """What a destination group holds."""
        parts = [self.entry(entry, f"{one.name}.addresses") for entry in one.get_list("addresses")]
        parts += [
            Bound(NO_HOSTS, Hosts.every(), (f"{one.name}.{prop}",))
            for prop in ("countries", "ipCategories")
            if one.get_list(prop)
        ]
        return union(parts, NO_HOSTS).by_way_of(one.urn)

    def entry(self, entry: Any, reason: str) -> Bound[Hosts]:
        """An address, a range, a network, a name, or a name with everything below it (`*.corp.example`)."""
        if not isinstance(entry, str):
            return Bound(NO_HOSTS, Hosts.every(), (reason,))
        found = addresses(entry)
        if found is not None:
            return Bound.exactly(found)
        if entry.startswith("."):
            entry = f"*{entry}"
        return Bound.exactly(Hosts.from_names([entry]))

    def services(self, rule: Resource) -> Bound[Services]:
        """Which ports a firewall rule is for: its services and service groups together."""
        single = self._tenant.named_by(rule, "nwServices", SERVICE)
        groups = self._tenant.named_by(rule, "nwServiceGroups", SERVICE_GROUP)
        if not single.given and not groups.given:
            return EVERY_SERVICE
        parts = [self.service(one) for one in single.objects]
        parts += [self._service_group(one) for one in groups.objects]
        return _with(union(parts, Services()), (*single.reasons, *groups.reasons), Services.every())

    def _service_group(self, one: Resource) -> Bound[Services]:
        members = self._tenant.named_by(one, "serviceIds", SERVICE)
        return _with(
            union([self.service(member) for member in members.objects], Services()), members.reasons, Services.every()
        ).by_way_of(one.urn)

    def service(self, one: Resource) -> Bound[Services]:
        """The ports of a network service: (TCP or UDP source ports) and (TCP or UDP destination ports)."""
        parts = []
        for protocol, prop, source in (("tcp", "destTcpPorts", "srcTcpPorts"), ("udp", "destUdpPorts", "srcUdpPorts")):
            ports = union([_ports(protocol, entry, f"{one.name}.{prop}") for entry in one.get_list(prop)], Services())
            limits = [entry for entry in one.get_list(source) if not _of_clients(entry)]
            if limits and ports.maybe:
                ports = Bound(Services(), ports.maybe, (*ports.reasons, f"{one.name}.{source}"))
            parts.append(ports)
        found = union(parts, Services())
        if not found.maybe:
            # A service of the tenant's own that only has a tag, or whose ports nobody told.
            found = Bound(Services(), Services.every(), (f"{one.name}: its ports",))
        return found.by_way_of(one.urn)

    def sources(self, rule: Resource) -> Bound[Hosts]:
        """Source addresses that a firewall rule is for."""
        own, found = rule.get_list("srcIps"), self._tenant.named_by(rule, "srcIpGroups", SOURCES)
        if not own and not found.given:
            return EVERY_HOST
        parts = [self.entry(one, f"{rule.name}.srcIps") for one in own]
        for group in found.objects:
            parts += [self.entry(one, f"{group.name}.ipAddresses") for one in group.get_list("ipAddresses")]
        return _with(union(parts, NO_HOSTS), found.reasons, Hosts.every())

    # URL filtering

    @cached_property
    def _categories(self) -> Mapping[str, Resource]:
        found = {}
        for one in self._tenant.of_kind(CATEGORY):
            for key in ("categoryId", "id"):
                if isinstance(one.get(key), str):
                    found[one.get(key)] = one
        return found

    def categories(self, rule: Resource) -> Bound[Hosts]:
        """The hosts of a URL rule's categories; ZIA's own categories may hold any name."""
        values = [one for one in rule.get_list("urlCategories") if one != "ANY"]
        if not values:
            return EVERY_HOST
        found = self.category_resources(rule)
        parts = [self.category(one) for one in found]
        known = [one for one in values if one is not UNKNOWN and one in self._categories]
        own = [str(one) for one in values if one is not UNKNOWN and one not in self._categories]
        lost = len(found) < len(values) - len(own) or rule.get("urlCategories") is UNKNOWN
        reasons = [f"{rule.name}.urlCategories ({one}: which hosts it holds)" for one in own]
        reasons += [f"{rule.name}.urlCategories"] if lost and not known else []
        return _with(union(parts, NO_HOSTS), tuple(reasons), Hosts.every())

    def category_resources(self, rule: Resource) -> list[Resource]:
        """The custom categories of the stack that a URL rule names."""
        values = rule.get_list("urlCategories")
        found = {one.urn: one for value in values if isinstance(value, str) and (one := self._categories.get(value)) is not None}
        if any(value is UNKNOWN for value in values):
            found |= {one.urn: one for one in rule.refers_to("urlCategories") if kind_of(one.type) == CATEGORY}
        return list(found.values())

    def category(self, one: Resource) -> Bound[Hosts]:
        """What a custom category holds: URLs (a leading dot: the name and all below it) and addresses; keywords may hit
        anything.
        """
        parts = []
        for prop in ("urls", "dbCategorizedUrls"):
            parts += [_url(value, f"{one.name}.{prop}") for value in one.get_list(prop)]
        for prop in ("ipRanges", "ipRangesRetainingParentCategory"):
            parts += [_range(value, f"{one.name}.{prop}") for value in one.get_list(prop)]
        parts += [Bound(NO_HOSTS, Hosts.every(), (f"{one.name}.{prop}",)) for prop in _PATTERNS if one.get_list(prop)]
        return union(parts, NO_HOSTS).by_way_of(one.urn)


_PLACES = ("destCountries", "destIpCategories")
_PATTERNS = ("keywords", "keywordsRetainingParentCategory", "regexPatterns", "regexPatternsRetainingParentCategory")


def _with(known: Bound[Any], reasons: tuple[str, ...], whole: Any) -> Bound[Any]:
    """A set to which something unknown may belong as well."""
    return Bound(known.sure, whole, (*known.reasons, *reasons), known.through) if reasons else known


def _ports(protocol: str, entry: Any, reason: str) -> Bound[Services]:
    start = entry.get("start") if isinstance(entry, Mapping) else UNKNOWN
    end = entry.get("end") if isinstance(entry, Mapping) else UNKNOWN
    if not isinstance(start, int | float):
        return Bound(Services(), Services.of(protocol), (reason,))
    if end is UNKNOWN:
        return Bound(Services(), Services.of(protocol, int(start)), (reason,))
    last = int(end) if isinstance(end, int | float) and end else int(start)
    try:
        return Bound.exactly(Services.of(protocol, int(start), last))
    except ValueError:
        return Bound.exactly(Services())


def _of_clients(entry: Any) -> bool:
    if not isinstance(entry, Mapping):
        return False
    start, end = entry.get("start"), entry.get("end")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return False
    return start <= _CLIENTS[0] and end >= _CLIENTS[1]


def _url(value: Any, reason: str) -> Bound[Hosts]:
    """A URL's host. With a path, only some requests to that host are meant."""
    if not isinstance(value, str):
        return Bound(NO_HOSTS, Hosts.every(), (reason,))
    host, slash, path = value.lower().partition("/")
    name, _, port = host.partition(":")
    found = addresses(name)
    hosts = found if found is not None else Hosts.from_names(_names(name))
    if (slash and path) or port:
        return Bound(NO_HOSTS, hosts, (f"{reason} ({value}): some of its requests alone",))
    return Bound.exactly(hosts)


def _names(name: str) -> Iterable[str]:
    if name.startswith("."):
        return (name[1:], f"*{name}")
    return (name,)


def _range(value: Any, reason: str) -> Bound[Hosts]:
    found = addresses(value) if isinstance(value, str) else None
    return Bound.exactly(found) if found is not None else Bound(NO_HOSTS, Hosts.every().addresses(), (reason,))
