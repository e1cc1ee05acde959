"""Names in a FortiGate's configuration that no resource of the stack defines, and objects that no policy comes to."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...tokens import ACCESS
from ..references import Fault, Reference, depended_on, hint, near, texts
from ..stack import UNKNOWN, Resource, Stack
from .device import (
    ADDRESS,
    ADDRESS6,
    ADDRESS_GROUP,
    ADDRESS_GROUP6,
    ADDRESSES,
    INTERFACES,
    LOCAL,
    LOCAL_USERS,
    ONETIME,
    POLICY,
    RECURRING,
    SAML,
    SCHEDULE_GROUP,
    SCHEDULES,
    SERVERS,
    SERVICE,
    SERVICE_GROUP,
    SERVICES,
    USER_GROUP,
    VIP,
    VIP6,
    VIP_GROUP,
    VIP_GROUP6,
    ZONE,
    Device,
    devices,
    kind_of,
)
from .device import Reference as Named
from .services import builtin_service

ROUTE_MAP, STATIC, STATIC6, ROUTE_POLICY = "routerroutemap", "routerstatic", "routerstatic6", "routerpolicy"
ACCESS_LIST, PREFIX_LIST, POOL = "routeraccesslist", "routerprefixlist", "firewallippool"

_OBJECTS = {
    ADDRESS: "address",
    ADDRESS6: "address",
    ADDRESS_GROUP: "address group",
    ADDRESS_GROUP6: "address group",
    VIP: "virtual IP",
    VIP6: "virtual IP",
    VIP_GROUP: "virtual IP group",
    VIP_GROUP6: "virtual IP group",
    SERVICE: "service",
    SERVICE_GROUP: "service group",
    RECURRING: "schedule",
    ONETIME: "schedule",
    SCHEDULE_GROUP: "schedule group",
    ZONE: "zone",
    USER_GROUP: "user group",
    SAML: "SAML server",
    POOL: "IP pool",
    ROUTE_MAP: "route map",
    ACCESS_LIST: "access list",
    PREFIX_LIST: "prefix list",
}
"""What has an effect only where something else names it."""

_HARDWARE = re.compile(r"(port|wan|lan|dmz|internal|mgmt|ha|x|s|sfp|aux|modem|wwan|fortilink)[0-9]*|npu[0-9]+_vlink[0-9]*")
_VIRTUAL = re.compile(r"any|virtual-wan-link|(ssl|l2t|naf)\.[\w-]+")
"""Interfaces that a FortiGate has by itself (FortiOS 7.4 administration guide, "Interfaces"; names differ between models)."""

_BUILT_IN_ADDRESSES = frozenset(
    {
        "all",
        "any",
        "none",
        "FABRIC_DEVICE",
        "FIREWALL_AUTH_PORTAL_ADDRESS",
        "SSLVPN_TUNNEL_ADDR1",
        "SSLVPN_TUNNEL_IPv6_ADDR1",
        "EMS_ALL_UNKNOWN_CLIENTS",
        "EMS_ALL_UNMANAGEABLE_CLIENTS",
        "G Suite",
        "Microsoft Office 365",
        "gmail.com",
        "login.microsoft.com",
        "login.microsoftonline.com",
        "login.windows.net",
        "metadata-server",
        "wildcard.dropbox.com",
        "wildcard.google.com",
    }
)
_BUILT_IN_SCHEDULES = frozenset({"always", "none", "default-darrp-optimize"})
_BUILT_IN_SERVICES = frozenset({"MGCP", "GTP", "webproxy"})
_BUILT_IN_GROUPS = frozenset({"Guest-group", "SSO_Guest_Users"})
"""Factory defaults of FortiOS 6.4–7.4 (`show firewall address`, `schedule`, `user group`), beside those of `services.py`."""


def _is_service(name: str) -> bool:
    return name in _BUILT_IN_SERVICES or builtin_service(name) is not None


def _is_interface(name: str) -> bool:
    return bool(_HARDWARE.fullmatch(name) or _VIRTUAL.fullmatch(name))


@dataclass(frozen=True, slots=True)
class _Field:
    """A property that names objects."""

    prop: str
    what: str
    kinds: tuple[str, ...]
    built_in: Callable[[str], bool]


def _never(name: str) -> bool:
    return False


_Address = _BUILT_IN_ADDRESSES.__contains__
_POLICY_FIELDS = (
    _Field("srcintfs", "interface", INTERFACES, _is_interface),
    _Field("dstintfs", "interface", INTERFACES, _is_interface),
    _Field("srcaddrs", "address", ADDRESSES[4], _Address),
    _Field("dstaddrs", "address", ADDRESSES[4], _Address),
    _Field("srcaddr6s", "address", ADDRESSES[6], _Address),
    _Field("dstaddr6s", "address", ADDRESSES[6], _Address),
    _Field("services", "service", SERVICES, _is_service),
    _Field("schedule", "schedule", SCHEDULES, _BUILT_IN_SCHEDULES.__contains__),
    _Field("groups", "user group", (USER_GROUP,), _BUILT_IN_GROUPS.__contains__),
    _Field("users", "user", (LOCAL,), {"guest"}.__contains__),
    _Field("poolnames", "IP pool", (POOL,), _never),
)
_FIELDS: dict[str, tuple[_Field, ...]] = {
    POLICY: _POLICY_FIELDS,
    ADDRESS_GROUP: tuple(_Field(prop, "address", ADDRESSES[4], _Address) for prop in ("members", "excludeMembers")),
    ADDRESS_GROUP6: tuple(_Field(prop, "address", ADDRESSES[6], _Address) for prop in ("members", "excludeMembers")),
    SERVICE_GROUP: (_Field("members", "service", SERVICES, _is_service),),
    SCHEDULE_GROUP: (_Field("members", "schedule", SCHEDULES, _BUILT_IN_SCHEDULES.__contains__),),
    USER_GROUP: (_Field("members", "user or server", (*SERVERS, *LOCAL_USERS), {"guest"}.__contains__),),
    ZONE: (_Field("interfaces", "interface", INTERFACES, _is_interface),),
    STATIC: (_Field("device", "interface", INTERFACES, _is_interface), _Field("dstaddr", "address", ADDRESSES[4], _Address)),
    STATIC6: (_Field("device", "interface", INTERFACES, _is_interface),),
}
_IN_RULES = {
    ROUTE_MAP: (
        _Field("matchIpAddress", "access list or prefix list", (ACCESS_LIST, PREFIX_LIST), _never),
        _Field("matchIpNexthop", "access list or prefix list", (ACCESS_LIST, PREFIX_LIST), _never),
        _Field("matchInterface", "interface", INTERFACES, _is_interface),
    )
}
"""Of kinds whose names stand in a list of rules."""


def references(stack: Stack) -> Iterator[Reference]:
    """Undefined names of every FortiGate of the stack, and objects that nothing in effect names."""
    found = devices(stack)
    for device in found:
        one = _Device(device, [other for other in found if other is not device])
        yield from one.undefined()
        yield from one.unused()


class _Device:
    """One FortiGate under the magnifying glass."""

    def __init__(self, device: Device, others: list[Device]) -> None:
        self._device, self._others = device, others
        self._gate = next((str(one.get("gate", default=one.name) or one.name) for one in device.components), device.name)
        self._told = set(self._tell())
        self._in_doubt: set[str] = set()
        """Kinds of objects of which something unknown may name any."""

    def _tell(self) -> Iterator[str]:
        """Names that whoever wrote the gate's component, or the access file, answers for."""
        for component in self._device.components:
            for prop in ("tunnelInterfaces", "peopleInterface", "interfaces", "userGroups"):
                yield from texts(component.get(prop))
            groups = component.get("userGroups")
            yield from groups if isinstance(groups, Mapping) else ()
            for declared in component.stack.of_type(ACCESS):
                for principal in declared.get_list("document", "principals"):
                    group = principal.get("group") if isinstance(principal, dict) else None
                    if isinstance(group, str):
                        yield group

    # Undefined

    def undefined(self) -> Iterator[Reference]:
        """Names that no resource of the device defines."""
        for resource in self._device.resources:
            kind = kind_of(resource)
            for field in _FIELDS.get(kind, ()):
                named = self._device.references(resource, field.prop, *field.kinds)
                yield from self._lost(resource, field, named, self._position(resource, field.prop, len(named)))
            for index, rule in enumerate(resource.get_list("rules") if kind in _IN_RULES else ()):
                for field in _IN_RULES[kind]:
                    value = rule.get(field.prop) if isinstance(rule, dict) else None
                    if isinstance(value, str) and value:
                        named = [Named(value, self._device.named(value, *field.kinds))]
                        yield from self._lost(resource, field, named, [f"rules[{index}].{field.prop}"])

    def _position(self, resource: Resource, prop: str, count: int) -> list[str]:
        key = prop if resource.get(prop) is not None else prop.removesuffix("s")
        if not isinstance(resource.get(key), list | tuple):
            return [key] * count
        return [f"{key}[{number}]" for number in range(count)]

    def _lost(self, resource: Resource, field: _Field, named: list[Named], positions: list[str]) -> Iterator[Reference]:
        for one, position in zip(named, positions, strict=False):
            if one.resource is not None:
                continue
            if one.name is UNKNOWN:
                self._in_doubt.update(field.kinds)
                continue
            name = str(one.name)
            if not name or field.built_in(name) or name in self._told or self._perhaps(name, field):
                continue
            names = [str(other.get("name")) for other in self._device.of_kind(*field.kinds) if isinstance(other.get("name"), str)]
            elsewhere = next((other.name for other in self._others if other.named(name, *field.kinds)), "")
            where = f"; {elsewhere} has one" if elsewhere else hint(name, names)
            message = f'{resource.name}.{position} names {field.what} "{name}", which no resource of {self._gate} defines{where}'
            yield Reference(Fault.UNDEFINED, self._gate, field.what, name, resource.urn, position, message, near(name, names))

    def _perhaps(self, name: str, field: _Field) -> bool:
        """Whether some object may have this name: its own is not known, or it may be on this device."""
        if any(one.get("name") is UNKNOWN for one in self._device.of_kind(*field.kinds)):
            return True
        unsure = (other for other in self._others if not (self._device.hostname and other.hostname))
        return any(other.named(name, *field.kinds) for other in unsure)

    # Unused

    def unused(self) -> Iterator[Reference]:
        """Objects that nothing with an effect of its own leads to. Ask for `undefined` first: it finds what is in doubt."""
        objects = [one for one in self._device.resources if kind_of(one) in _OBJECTS]
        by_urn = {one.urn: one for one in objects}
        by_name: dict[str, list[Resource]] = {}
        for one in objects:
            if isinstance(one.get("name"), str):
                by_name.setdefault(str(one.get("name")), []).append(one)
        stack = self._device.components[0].stack if self._device.components else self._device.resources[0].stack
        others = [one for one in stack.resources if one.urn not in by_urn and self._counts(one)]
        reached: dict[str, None] = {}
        waiting = others
        while waiting:
            following = []
            for one in waiting:
                for named in self._named_by(one, by_urn, by_name):
                    if named.urn not in reached and named is not one:
                        reached[named.urn] = None
                        following.append(named)
            waiting = following
        for one in objects:
            if one.urn not in reached and kind_of(one) not in self._in_doubt and one.get("name") is not UNKNOWN:
                yield self._left_over(one, objects, by_urn, by_name)

    def _counts(self, one: Resource) -> bool:
        """Whether a resource can give an object an effect: components only repeat what their children have."""
        return bool(kind_of(one)) or one.custom or one in self._device.components

    def _named_by(self, one: Resource, by_urn: dict[str, Resource], by_name: dict[str, list[Resource]]) -> Iterator[Resource]:
        for urn in depended_on(one):
            if urn in by_urn:
                yield by_urn[urn]
        if kind_of(one) or one in self._device.components:
            own: Any = one.get("name") if one.urn in by_urn else None
            for text in texts(dict(one.properties)):
                if text != own:
                    yield from by_name.get(text, ())

    def _left_over(
        self, one: Resource, objects: list[Resource], by_urn: dict[str, Resource], by_name: dict[str, list[Resource]]
    ) -> Reference:
        what, name = _OBJECTS[kind_of(one)], str(one.get("name", default=one.name))
        users = [other for other in objects if other is not one and one in list(self._named_by(other, by_urn, by_name))]
        if users:
            user = users[0]
            why = f'only {_OBJECTS[kind_of(user)]} "{user.get("name", default=user.name)}" uses it, which nothing uses'
        else:
            why = "nothing of the stack uses it"
        message = f'{what} "{name}" has no effect: {why}; take it out, unless something outside of the stack needs it'
        return Reference(Fault.UNUSED, self._gate, what, name, one.urn, "", message)
