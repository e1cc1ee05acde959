"""What a stack tells of where a device stands: its gates' interfaces, zones, clock and user groups."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...proof.sets import Hosts
from ...tokens import ACCESS, MWAA_ENVIRONMENT
from ..stack import UNKNOWN, Resource, cidrs, listed, mapping
from .device import GLOBAL, INTERFACES, POLICY, USER_SETTING, ZONE, Device, Reference, prop_text
from .members import Members, members


class Place:
    """What the FortigateGate components on a device registered. Without one, most of it is not known."""

    def __init__(self, device: Device) -> None:
        self.device = device

    # Where traffic comes in

    @cached_property
    def tunnels(self) -> frozenset[str] | None:
        """The interfaces that the environments' traffic comes in by; None when that is not known."""
        found: set[str] = set()
        for component in self.device.components:
            entries = component.get_list("tunnelInterfaces")
            if not entries or UNKNOWN in entries:
                tokens = self._tunnels_of_policies(component)
                if not tokens:
                    return None
                found |= tokens
            else:
                found.update(map(str, entries))
        return frozenset(found) or None

    def _tunnels_of_policies(self, component: Resource) -> set[str]:
        """The interfaces of the component's own deny-all: the same outputs, which property dependencies tell apart."""
        last = [one for one in self.device.of_kind(POLICY) if component in one.ancestors() and one.get("action") == "deny"]
        tokens = {one.token for policy in last for one in self.device.references(policy, "srcintfs", *INTERFACES)}
        return set() if None in tokens else {token for token in tokens if token}

    @cached_property
    def people_interfaces(self) -> frozenset[str] | None:
        """The interfaces that people come in by; None when no component tells."""
        found = [one.get("peopleInterface") for one in self.device.components]
        known = frozenset(str(one) for one in found if isinstance(one, str))
        return known or None

    @cached_property
    def environments(self) -> frozenset[str]:
        """Every Airflow environment that the stack names."""
        found: set[str] = set()
        for component in self.device.components:
            sources = component.get("sources", default={})
            found.update(map(str, sources) if isinstance(sources, Mapping) else ())
            stack = component.stack
            found.update(one.name for one in stack.of_type(MWAA_ENVIRONMENT))
            for declared in stack.of_type(ACCESS):
                found.update(_environment_names(declared.get("document", default={})))
        return frozenset(found)

    def spread(self, references: list[Reference]) -> tuple[frozenset[str], bool]:
        """The interfaces that a policy's entries stand for (a zone stands for its members), and whether that is all of them."""
        tokens = {one.token for one in references}
        known = {token for token in tokens if token is not None}
        for zone in self.device.of_kind(ZONE):
            name = Reference(UNKNOWN, zone).token
            members = {one.token for one in self.device.references(zone, "interfaces", *INTERFACES)}
            if name in known:
                known |= {token for token in members if token is not None}
                if None in members:
                    tokens.add(None)
        return frozenset(known), None not in tokens

    # Where traffic goes

    @cached_property
    def territories(self) -> tuple[tuple[frozenset[str], Hosts], ...]:
        """(Interfaces, what they lead to) for each zone; an address in two zones is in the more specific one."""
        zones = [zone for component in self.device.components for zone in _registered_zones(component)]
        nets = [
            (network, interfaces)
            for interfaces, zone in zones
            for network in (ip_network(one, strict=False) for one in cidrs(zone.get("cidrs")))
        ]
        found: dict[frozenset[str], Hosts] = {}
        for interfaces, zone in zones:
            named = Hosts.from_names(str(host) for host in listed(zone.get("hosts")) if host is not UNKNOWN)
            found[interfaces] = found.get(interfaces, Hosts()) | named
        taken = Hosts()
        for length in sorted({network.prefixlen for network, _ in nets}, reverse=True):
            level = [(interfaces, Hosts.from_cidr(network)) for network, interfaces in nets if network.prefixlen == length]
            for interfaces, hosts in level:
                found[interfaces] = found[interfaces] | (hosts - taken).addresses()
            taken = Hosts.union([taken, *(hosts for _, hosts in level)])
        return tuple(found.items())

    def not_behind(self, interfaces: frozenset[str]) -> Hosts:
        """What is surely not reached through these interfaces: what other interfaces lead to, and these do not."""
        theirs = Hosts.union(hosts for leading, hosts in self.territories if leading & interfaces)
        others = Hosts.union(hosts for leading, hosts in self.territories if not leading & interfaces)
        return others - theirs

    # The clock

    @cached_property
    def timezone(self) -> str | None:
        """The device's zone by its IANA name, if the stack tells; FortiOS's old numbers are not read."""
        told = [one.get("timezone") for one in (*self.device.components, *self.device.of_kind(GLOBAL))]
        names = [one for one in told if one is not None]
        known = names[0] if names and all(one == names[0] for one in names) else None
        if not isinstance(known, str) or known.isdigit():
            return None
        try:
            ZoneInfo(known)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None
        return known

    # People

    @cached_property
    def asks_always(self) -> bool | None:
        """Whether whoever has not signed in is stopped at the first policy that asks for a user group, as `always` has it.

        Otherwise he falls through to later ones. None: not known, or nothing in the stack says so (each VDOM has one setting).
        """
        told = [prop_text(one, "authOnDemand", "implicitly") for one in self.device.of_kind(USER_SETTING)]
        if not told or any(one is UNKNOWN or one != told[0] for one in told):
            return None
        return bool(told[0] == "always")

    def members(self, reference: Reference) -> Members:
        """Who is in the user group that a policy names."""
        return members(self.device, reference)


def _registered_zones(component: Resource) -> Iterator[tuple[frozenset[str], Mapping[str, Any]]]:
    """(Interfaces, zone) for each zone whose interfaces a component tells."""
    zones = component.get("interfaces", default={})
    for zone in zones.values() if isinstance(zones, Mapping) else ():
        names = mapping(zone).get("interfaces")
        if isinstance(names, list) and names and all(isinstance(one, str) for one in names):
            yield frozenset(names), zone


def _environment_names(document: Any) -> set[str]:
    if not isinstance(document, Mapping):
        return set()
    listed = [one.get("name") for one in document.get("environments") or () if isinstance(one, Mapping)]
    listed += [one.get("environment") for one in document.get("principals") or () if isinstance(one, Mapping)]
    return {one for one in listed if isinstance(one, str)}
