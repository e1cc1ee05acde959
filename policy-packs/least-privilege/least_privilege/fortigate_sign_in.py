"""A FortiGate as people sign in there, for the policies of `fortigate_people`: what the gate's own reader knows of it."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from pulumi_airlock.access.values import parse_duration
from pulumi_airlock.gates.fortigate.device import INTERFACES, POLICY, USER_GROUP, USER_SETTING, Device, Reference, devices
from pulumi_airlock.gates.fortigate.members import singles, wholes
from pulumi_airlock.gates.fortigate.order import Order
from pulumi_airlock.gates.fortigate.site import Place
from pulumi_airlock.tokens import ACCESS

from .fortigate import accepts
from .reading import UNKNOWN, Resource, Stack

_ASKING = ("groups", "users", "fssoGroups")
_DEFAULT_MINUTES = 5
"""FortiOS's own `auth-timeout` (7.4 administration guide, "User and user group timeouts")."""


def sign_ins(stack: Stack) -> Iterator["SignIn"]:
    """Each FortiGate and VDOM of a stack that has policies."""
    return (SignIn(one, stack) for one in devices(stack))


class SignIn:
    """One FortiGate, or one VDOM of one."""

    def __init__(self, device: Device, stack: Stack) -> None:
        self._device, self._stack, self._place = device, stack, Place(device)

    # Policies

    @cached_property
    def policies(self) -> list[Resource]:
        """All of them."""
        return self._device.of_kind(POLICY)

    @cached_property
    def accepting(self) -> list[Resource]:
        """Those that let traffic in, or may."""
        return [one for one in self.policies if accepts(one)]

    def asks(self, policy: Resource) -> Any:
        """The property by which a policy asks who somebody is; None where by none, `UNKNOWN` where that is not known."""
        values = {prop: policy.get(prop) for prop in _ASKING}
        asked = next((prop for prop, value in values.items() if value is not UNKNOWN and value), None)
        return asked or (UNKNOWN if UNKNOWN in values.values() else None)

    def names(self, policy: Resource, prop: str) -> list[str]:
        """The names in a list of references."""
        entries = (entry.get("name") if isinstance(entry, Mapping) else entry for entry in policy.get_list(prop))
        return ["somebody" if name is UNKNOWN else str(name) for name in entries]

    # Interfaces

    @property
    def tunnels(self) -> frozenset[str]:
        """Where the environments come in; empty where nothing tells."""
        return self._place.tunnels or frozenset()

    @property
    def doors(self) -> frozenset[str]:
        """Where people come in; empty where nothing tells."""
        return self._place.people_interfaces or frozenset()

    def comes_in(self, policy: Resource, interfaces: frozenset[str]) -> tuple[list[str], bool]:
        """(Those of some interfaces by which traffic comes to a policy, whether all of its interfaces are known)."""
        names, complete = self._ingress(policy)
        return sorted(names & (interfaces | {"any"})), complete

    def _ingress(self, policy: Resource) -> tuple[frozenset[str], bool]:
        return self._place.spread(self._device.references(policy, "srcintfs", *INTERFACES))

    def falls_through(self) -> tuple[Resource, Resource] | None:
        """(A policy that asks for somebody, one that may come after it and asks nobody) by which the same people may come in."""
        order = Order(self._device)
        asking = [one for one in order.policies if self.asks(one) not in (None, UNKNOWN) and one.get("status") != "disable"]
        for one in asking:
            for other in self.accepting:
                if self.asks(other) is None and not order.surely_before(other, one) and self._meet(one, other):
                    return one, other
        return None

    def _meet(self, one: Resource, other: Resource) -> bool:
        """Whether both look at traffic from one interface; one that is not known is taken for another."""
        mine, theirs = self._ingress(one)[0], self._ingress(other)[0]
        return bool(mine & theirs) or "any" in mine | theirs

    # Groups

    def groups_in_use(self) -> Iterator[tuple[Resource, Resource]]:
        """Each user group that an accepting policy names, once, with the first such policy."""
        seen: set[str] = set()
        for policy in self.accepting:
            for one in self._device.references(policy, "groups", USER_GROUP):
                if one.resource is not None and one.resource.urn not in seen:
                    seen.add(one.resource.urn)
                    yield one.resource, policy

    def wholes(self, group: Resource) -> list[str]:
        """The servers of which everybody is in a group."""
        return wholes(self._device, group)

    def singles(self, group: Resource) -> list[str]:
        """The users of the device itself in a group."""
        return singles(self._device, group)

    # How long

    @cached_property
    def setting(self) -> Resource | None:
        """The VDOM's `config user setting`, where the stack has it."""
        return next(iter(self._device.of_kind(USER_SETTING)), None)

    def minutes(self, group: Resource) -> Any:
        """How long a sign-in of a group lasts: its own timeout, else the VDOM's, else FortiOS's."""
        own = group.get("authtimeout", default=0)
        if own is UNKNOWN or own:
            return own
        return self.setting.get("authTimeout", default=_DEFAULT_MINUTES) if self.setting is not None else _DEFAULT_MINUTES

    def shortest_session(self, group: Resource) -> tuple[str, int] | None:
        """(The route, its session's minutes): the shortest of the routes of a group's people that pass this device."""
        theirs = self._place.members(Reference(group.get("name", default=UNKNOWN), group)).groups
        found: list[tuple[int, str]] = []
        for document in (one.get("document") for one in self._stack.of_type(ACCESS)):
            people = {one.get("name") for one in _entries(document, "principals") if one.get("group") in theirs}
            found += [
                (minutes, str(route.get("name")))
                for route in _entries(document, "routes")
                if people & set(_texts(route, "from")) and self._passed_by(document, route)
                if (minutes := _minutes(route.get("session"))) is not None
            ]
        shortest, name = min(found, default=(0, ""))
        return (name, shortest) if name else None

    def _passed_by(self, document: Mapping[str, Any], route: Mapping[str, Any]) -> bool:
        """Whether a route passes the device; any does where no component says what zones call it."""
        gates = {str(one.get("gate", default=one.name)) for one in self._device.components}
        zones = document.get("zones")
        places = {one.get("name"): one.get("zone") for one in _entries(document, "destinations")}
        on_the_way = (zones.get(places.get(name)) if isinstance(zones, Mapping) else None for name in _texts(route, "to"))
        return not gates or any(gates & set(_texts(zone, "gates")) for zone in on_the_way)


def _minutes(session: Any) -> int | None:
    """The minutes of `1h`; None where the text says none: the access file's own check reports that."""
    try:
        return int(parse_duration(session).total_seconds() // 60) if isinstance(session, str) else None
    except ValueError:
        return None


def _entries(document: Any, section: str) -> list[Mapping[str, Any]]:
    found = document.get(section) if isinstance(document, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def _texts(entry: Any, key: str) -> list[str]:
    found = entry.get(key) if isinstance(entry, Mapping) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []
