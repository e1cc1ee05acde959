"""The entries of a policy's fields, down to the objects: what a trace shows below the policy itself."""

from collections.abc import Callable, Iterator
from functools import partial

from ...proof.filters import Match, Part, Who
from ...proof.sets import Hosts, Services
from ...proof.times import ALWAYS, Once, Times
from ...proof.windows import last_moment, times_text
from ..stack import UNKNOWN, Resource
from .device import (
    ADDRESS_GROUP,
    ADDRESS_GROUP6,
    ADDRESSES,
    SCHEDULE_GROUP,
    SCHEDULES,
    SERVICE_GROUP,
    SERVICES,
    USER_GROUP,
    VIP,
    VIP6,
    VIP_GROUP,
    VIP_GROUP6,
    Device,
    Reference,
    kind_of,
    prop_text,
)
from .objects import Objects, every
from .site import Place

_DEEPEST = 32
_KINDS = {
    ADDRESS_GROUP: "group",
    ADDRESS_GROUP6: "group",
    VIP: "virtual IP",
    VIP6: "virtual IP",
    VIP_GROUP: "virtual IP group",
    VIP_GROUP6: "virtual IP group",
    SERVICE_GROUP: "group",
    SCHEDULE_GROUP: "group",
}
_MOST = 3
"""Networks or names of one object that its value lists."""

_Wrap = Callable[[Hosts], Match]


class Parts:
    """Tells the entries of one device's policies. Looks at nothing before it is asked."""

    def __init__(self, device: Device, place: Place, objects: Objects) -> None:
        self._device, self._place, self._objects = device, place, objects
        self._known: dict[str, tuple[Part, ...]] = {}

    def later(self, policy: Resource) -> Callable[[], tuple[Part, ...]]:
        """A policy's entries, when somebody asks."""
        return partial(self.of, policy)

    def of(self, policy: Resource) -> tuple[Part, ...]:
        """A policy's entries, field by field: sources, people, destinations, services, times."""
        if policy.urn not in self._known:
            self._known[policy.urn] = tuple(self._entries(policy))
        return self._known[policy.urn]

    def _entries(self, policy: Resource) -> Iterator[Part]:
        yield from self._addresses(policy, "srcaddr", _from)
        yield from self._people(policy)
        yield from self._addresses(policy, "dstaddr", _to)
        yield from self._services(policy)
        yield from self._times(policy)

    # Addresses

    def _addresses(self, policy: Resource, field: str, wrap: _Wrap) -> Iterator[Part]:
        for family, suffix in ((4, ""), (6, "6")):
            internet = f"internetService{suffix}{'Src' if field == 'srcaddr' else ''}"
            if prop_text(policy, internet, "disable") != "disable":
                yield Part(internet, "internet service", "", wrap(every(family)), "known to the device alone")
                continue
            name = f"{field}{suffix}"
            references = self._device.references(policy, f"{name}s", *ADDRESSES[family])
            found = [self._address(one, family, name, wrap, 0) for one in references]
            if prop_text(policy, f"{name}Negate", "disable") == "disable":
                yield from found
            elif found:
                hosts = self._objects.addresses(policy, f"{name}s", family)
                yield Part(name, "", "", wrap(every(family) - hosts.sure), _none_of(found))

    def _address(self, one: Reference, family: int, field: str, wrap: _Wrap, depth: int) -> Part:
        bound = self._objects.address(one, family)
        hosts = bound.maybe
        if one.resource is None:
            known = one.name in ("all", "any", "none")
            return Part(field, "address", _name(one), wrap(hosts), "" if known else "not in the stack")
        kind = kind_of(one.resource)
        parts: tuple[Part, ...] = ()
        if kind in (ADDRESS_GROUP, ADDRESS_GROUP6) and depth < _DEEPEST:
            members = self._device.references(one.resource, "members", *ADDRESSES[family])
            parts = tuple(self._address(member, family, "", wrap, depth + 1) for member in members)
        value = "" if kind in _KINDS else "not known" if bound.reasons else _hosts_text(hosts, family)
        return Part(field, _KINDS.get(kind, "address"), _name(one), wrap(hosts), value, one.resource.urn, parts)

    # Services

    def _services(self, policy: Resource) -> Iterator[Part]:
        found = [self._service(one, "service", 0) for one in self._device.references(policy, "services", *SERVICES)]
        if prop_text(policy, "serviceNegate", "disable") == "disable":
            yield from found
        elif found:
            services = self._objects.services(policy, "services").sure.complement()
            yield Part("service", "", "", Match(services=services), _none_of(found))

    def _service(self, one: Reference, field: str, depth: int) -> Part:
        services = self._objects.service(one).maybe
        match = Match(services=services)
        if one.resource is None:
            value = (
                _services_text(services) if services != Services.every() or _name(one).upper() == "ALL" else "not in the stack"
            )
            return Part(field, "service", _name(one), match, value)
        kind = kind_of(one.resource)
        parts: tuple[Part, ...] = ()
        if kind == SERVICE_GROUP and depth < _DEEPEST:
            members = self._device.references(one.resource, "members", *SERVICES)
            parts = tuple(self._service(member, "", depth + 1) for member in members)
        value = "" if kind in _KINDS else _services_text(services)
        shown = _KINDS.get(kind, "" if field else "service")
        return Part(field, shown, _name(one), match, value, one.resource.urn, parts)

    # Times

    def _times(self, policy: Resource) -> Iterator[Part]:
        yield self._schedule(self._objects.schedule_of(policy), "schedule", 0)
        if prop_text(policy, "policyExpiry", "disable") == "enable":
            end = self._objects.local_time(policy.get("policyExpiryDate"), "%Y-%m-%d %H:%M:%S")
            limit: Times = ALWAYS if end is None else (frozenset({Once(None, end)}),)
            yield Part("policy-expiry-date", "", "", Match(times=limit), "not known" if end is None else last_moment(end))

    def _schedule(self, one: Reference, field: str, depth: int) -> Part:
        bound = self._objects.times(one)
        match = Match(times=bound.maybe)
        if one.resource is None:
            value = "" if one.name in ("always", "none") else "not in the stack"
            return Part(field, "", _name(one), match, value)
        kind = kind_of(one.resource)
        parts: tuple[Part, ...] = ()
        if kind == SCHEDULE_GROUP and depth < _DEEPEST:
            members = self._device.references(one.resource, "members", *SCHEDULES)
            parts = tuple(self._schedule(member, "", depth + 1) for member in members)
        value = "" if kind in _KINDS else "not known" if bound.reasons else times_text(bound.maybe)
        shown = _KINDS.get(kind, "" if field else "schedule")
        return Part(field, shown, _name(one), match, value, one.resource.urn, parts)

    # People

    def _people(self, policy: Resource) -> Iterator[Part]:
        for one in self._device.references(policy, "groups", USER_GROUP):
            found = self._place.members(one)
            name, urn = _name(one), one.resource.urn if one.resource else ""
            value = f"for {', '.join(sorted(found.groups))}"
            if found.groups:
                yield Part("groups", "user group", name, Match(who=Who(groups=found.groups)), value, urn)
            if found.doubts:
                yield Part(
                    "groups", "user group", name, Match(who=Who(environments=frozenset())), "perhaps for anybody else", urn
                )


def _from(hosts: Hosts) -> Match:
    return Match(who=Who(sources=hosts.addresses() if not hosts.names.mentioned() else None))


def _to(hosts: Hosts) -> Match:
    return Match(hosts=hosts)


def _name(one: Reference) -> str:
    if one.name is not UNKNOWN:
        return str(one.name)
    name = one.resource.get("name") if one.resource is not None else None
    return name if isinstance(name, str) else one.resource.name if one.resource is not None else ""


def _none_of(found: list[Part]) -> str:
    names = [f'"{part.name}"' for part in found]
    shown = ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
    return f"not {shown}" if len(names) == 1 else f"none of {shown}"


def _hosts_text(hosts: Hosts, family: int) -> str:
    if hosts == every(family):
        return "any"
    listed = [*sorted(hosts.names.mentioned()), *map(str, hosts.networks())]
    return ", ".join(listed[:_MOST]) + (f" and {len(listed) - _MOST} more" if len(listed) > _MOST else "")


def _services_text(services: Services) -> str:
    return "" if services == Services.every() else str(services).replace(" ", ", ")
