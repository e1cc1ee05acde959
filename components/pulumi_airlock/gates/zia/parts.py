"""The entries of a rule's fields, down to the objects: what a trace shows below the rule itself."""

from collections.abc import Callable, Iterator
from functools import partial

from ...proof.filters import Match, Part, Who
from ...proof.sets import Hosts, Services
from ..stack import Resource
from .kinds import DESTINATIONS, LOCATION, SERVICE, SERVICE_GROUP, URL_RULE, kind_of
from .objects import Objects
from .place import Place

_MOST = 3


class Parts:
    """Tells the entries of one tenant's rules. Looks at nothing before it is asked."""

    def __init__(self, place: Place, objects: Objects) -> None:
        self._place, self._objects = place, objects

    def later(self, rule: Resource) -> Callable[[], tuple[Part, ...]]:
        """A rule's entries, when somebody asks."""
        return partial(self.of, rule)

    def of(self, rule: Resource) -> tuple[Part, ...]:
        """A rule's entries, field by field: locations, destinations or categories, services."""
        found = [*self._locations(rule)]
        if kind_of(rule.type) == URL_RULE:
            found += self._categories(rule)
        else:
            found += [*self._destinations(rule), *self._services(rule)]
        return tuple(found)

    def _locations(self, rule: Resource) -> Iterator[Part]:
        for one in self._place.tenant.named_by(rule, "locations", LOCATION).objects:
            owners = self._place.owners[one.urn]
            who = Who(environments=frozenset(owners))
            ports = [f"port {value}" for value in one.get_list("ports") if isinstance(value, int | float)]
            value = ", ".join(ports or [str(entry) for entry in one.get_list("ipAddresses") if isinstance(entry, str)])
            yield Part("locations", "location", _name(one), Match(who=who), value, one.urn)

    def _destinations(self, rule: Resource) -> Iterator[Part]:
        for entry in rule.get_list("destAddresses"):
            bound = self._objects.entry(entry, "")
            yield Part("destAddresses", "", "", Match(hosts=bound.maybe), str(entry) if isinstance(entry, str) else "not known")
        for one in self._place.tenant.named_by(rule, "destIpGroups", DESTINATIONS).objects:
            hosts = self._objects.group(one).maybe
            yield Part("destIpGroups", "destination group", _name(one), Match(hosts=hosts), _hosts(hosts), one.urn)

    def _services(self, rule: Resource) -> Iterator[Part]:
        found = [("nwServices", one) for one in self._place.tenant.named_by(rule, "nwServices", SERVICE).objects]
        for group in self._place.tenant.named_by(rule, "nwServiceGroups", SERVICE_GROUP).objects:
            found += [("nwServiceGroups", one) for one in self._place.tenant.named_by(group, "serviceIds", SERVICE).objects]
        for field, one in found:
            services = self._objects.service(one).maybe
            text = "" if services == Services.every() else str(services).replace(" ", ", ")
            yield Part(field, "network service", _name(one), Match(services=services), text, one.urn)

    def _categories(self, rule: Resource) -> Iterator[Part]:
        for one in self._objects.category_resources(rule):
            hosts = self._objects.category(one).maybe
            name = str(one.get("configuredName", default=one.name) or one.name)
            yield Part("urlCategories", "URL category", name, Match(hosts=hosts), _hosts(hosts), one.urn)


def _name(one: Resource) -> str:
    name = one.get("name")
    return name if isinstance(name, str) else one.name


def _hosts(hosts: Hosts) -> str:
    if hosts == Hosts.every():
        return "not known"
    listed = [*sorted(hosts.names.mentioned()), *map(str, hosts.networks())]
    return ", ".join(listed[:_MOST]) + (f" and {len(listed) - _MOST} more" if len(listed) > _MOST else "")
