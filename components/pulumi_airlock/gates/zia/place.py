"""Where an environment's traffic comes to Zscaler: which locations are whose, by proxy port or by source address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...access.values import DAYS
from ...environments.mwaa.read_egress import ways_out
from ...proof.filters import Match, Relay, Who
from ...proof.sets import Hosts, Services
from ...proof.times import Weekly
from ...tokens import ACCESS
from ..stack import UNKNOWN, Resource, mapping, port_number
from .kinds import LOCATION
from .tenant import Tenant

Caller = tuple[Who, tuple[str, ...]]
"""Who a rule is for, and what is not known of that."""


@dataclass(slots=True)
class _Way:
    """How an environment gets to Zscaler, as far as the stack tells."""

    ports: dict[str, int]
    """Component → dedicated proxy port."""
    proxy: Hosts
    direct: Hosts
    """Addresses that are not asked of the proxy, and the environment's own needs."""
    sources: Hosts


class Place:
    """The environments of one tenant's stack, and their locations."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    @cached_property
    def ways(self) -> dict[str, _Way]:
        """Environment → its way; every environment that the stack names has one, however little is known of it."""
        from ...environments import read_environments

        found: dict[str, _Way] = {}
        for one in read_environments(self.tenant.stack):
            found[one.name] = _Way({}, Hosts(), Hosts.union(need.hosts for need in one.own), one.sources.addresses())
        for name in self._declared():
            found.setdefault(name, _Way({}, Hosts(), Hosts(), Hosts()))
        for component in self.tenant.components:
            for name, told in mapping(component.get("environments")).items():
                self._told(found.setdefault(name, _Way({}, Hosts(), Hosts(), Hosts())), mapping(told))
        for name, way in ways_out(self.tenant.stack).items():
            mine = found.setdefault(name, _Way({}, Hosts(), Hosts(), Hosts()))
            mine.ports, mine.proxy, mine.direct = dict(way.ports), way.hosts, mine.direct | way.direct.addresses()
        return found

    def _declared(self) -> Iterator[str]:
        for declared in self.tenant.stack.of_type(ACCESS):
            for one in declared.get_list("document", "environments"):
                name = one.get("name") if isinstance(one, Mapping) else None
                if isinstance(name, str):
                    yield name

    @staticmethod
    def _told(way: _Way, told: Mapping[str, Any]) -> None:
        if told.get("mode") == "proxy":
            ports = mapping(told.get("ports"))
            way.ports = {str(key): port for key, given in ports.items() if (port := port_number(given)) is not None}
            way.proxy = _networks(told.get("cidrs"))
        elif not way.sources:
            way.sources = Hosts.union(_networks(one) for one in mapping(told.get("cidrs")).values())

    @cached_property
    def owners(self) -> dict[str, dict[str, Hosts | None]]:
        """Location's URN → environments whose traffic comes by it → the part of their addresses; None for all of them."""
        return {one.urn: self._owners(one) for one in self.tenant.of_kind(LOCATION)}

    def _owners(self, location: Resource) -> dict[str, Hosts | None]:
        ports = {_port(value) for value in location.get_list("ports")}
        found: dict[str, Hosts | None] = {name: None for name, way in self.ways.items() if ports & set(way.ports.values())}
        told = [addresses(str(value)) for value in location.get_list("ipAddresses") if value is not UNKNOWN]
        here = Hosts.union(one for one in told if one is not None)
        for name, way in self.ways.items():
            if name not in found and not way.ports and here & way.sources:
                found[name] = None if here.covers_addresses(way.sources) else here
        return found

    @cached_property
    def placed(self) -> frozenset[str]:
        """Environments of which the stack tells by which locations they come: their proxy's ports, or all of their addresses."""
        found = {name for name, way in self.ways.items() if way.ports}
        for name, way in self.ways.items():
            mine = [theirs[name] for theirs in self.owners.values() if name in theirs]
            if None in mine or (mine and Hosts.union(one for one in mine if one is not None).covers_addresses(way.sources)):
                found.add(name)
        return frozenset(found)

    @cached_property
    def unplaced(self) -> frozenset[str]:
        """The others: they may come by any location."""
        return frozenset(self.ways) - self.placed

    @cached_property
    def proxied(self) -> frozenset[str]:
        """Environments that go out through an explicit proxy."""
        return frozenset(name for name, way in self.ways.items() if way.ports)

    def callers(self, rule: Resource, blocks: bool) -> list[Caller]:
        """The environments that a rule is for by its locations; none: every one.

        A task may go out by any of its environment's ports. So a rule that blocks at some of their locations alone blocks it
        perhaps, and one that lets through at one of them lets it through.
        """
        found = self.tenant.named_by(rule, "locations", LOCATION)
        groups = [f"{rule.name}.{prop}" for prop in ("locationGroups",) if _says(rule, prop)]
        if not found.given and not groups:
            return [(Who(), ())]
        if not found.given:
            return [(Who(environments=frozenset(self.ways)) if self.ways else Who(), tuple(groups))]
        callers = [caller for location in found.objects for caller in self._at(rule, location, found.reasons)]
        if blocks:
            callers = [self._partly(caller, found.objects) for caller in callers]
        doubt = (*groups, *found.reasons)
        if self.unplaced:
            where = f"by which location {', '.join(sorted(self.unplaced))} comes"
            callers.append((Who(environments=self.unplaced), (where,)))
        if doubt:
            callers.append((Who(environments=frozenset(self.ways)) if self.ways else Who(), doubt))
        return callers

    def _partly(self, caller: Caller, locations: tuple[Resource, ...]) -> Caller:
        """A caller of a rule that blocks, with the locations that it could take instead."""
        who, doubts = caller
        for name in who.environments or ():
            mine = set(self.ways[name].ports.values())
            blocked = {_port(value) for one in locations for value in one.get_list("ports")}
            for one in self.tenant.of_kind(LOCATION):
                if {_port(value) for value in one.get_list("ports")} & mine - blocked:
                    doubts = (*doubts, f"whether a task of {name} comes by {one.name}, where this rule does not block")
        return who, tuple(dict.fromkeys(doubts))

    def _at(self, rule: Resource, location: Resource, doubt: tuple[str, ...]) -> Iterator[Caller]:
        # Where the whole list is computed, what it is computed from may be in it, or not.
        unsure = doubt if rule.get("locations") is UNKNOWN else ()
        for prop in ("ports", "ipAddresses"):
            if UNKNOWN in location.get_list(prop):
                unsure = (*unsure, f"{location.name}.{prop}")
                yield Who(environments=frozenset(self.ways)), unsure
        for name, part in self.owners[location.urn].items():
            yield Who(environments=frozenset({name}), sources=part), unsure
        for below in self.tenant.of_kind(LOCATION):
            if location in below.refers_to("parentId") or _same(below.get("parentId"), location.get("locationId")):
                reason = f"whether a rule for {location.name} holds for {below.name} below it"
                for name, part in self.owners[below.urn].items():
                    yield Who(environments=frozenset({name}), sources=part), (*unsure, reason)

    # What goes through a proxy

    def relays(self) -> Iterator[Relay]:
        """Each proxied environment: whatever it asks for can go to the proxy, by the workers' port.

        Also what clients are told to reach directly: that is their arrangement, and no barrier.
        """
        here = {name for theirs in self.owners.values() for name in theirs}
        for name in sorted(self.proxied & here):  # others have a proxy that is not this tenant's
            way = self.ways[name]
            port = way.ports.get("worker")
            if way.proxy and port is not None:
                entry = Match(hosts=way.proxy, services=Services.of("tcp", port, port))
                yield Relay(hosts=Hosts.every(), entry=entry, environments=frozenset({name}))

    # Time intervals

    @cached_property
    def time_windows(self) -> dict[int, Weekly]:
        """The intervals that components tell, by number."""
        from ...access.window import Window

        found: dict[int, Weekly] = {}
        for component in self.tenant.components:
            for one in component.get_list("timeWindows"):
                if isinstance(one, Mapping) and isinstance(one.get("id"), int | float):
                    days = [day for day in one.get("days") or () if day in DAYS]
                    told = {"days": days, "from": one.get("from"), "to": one.get("to"), "timezone": one.get("timezone")}
                    try:
                        window = Window.model_validate(told)
                    except ValueError:
                        continue
                    found[int(one["id"])] = Weekly(window.spans(), window.timezone)
        return found


def addresses(text: str) -> Hosts | None:
    """`10.0.0.0/24`, `10.0.0.1`, `10.0.0.1-10.0.0.9`; None for anything else."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        return Hosts.from_range(first, last) if dash else Hosts.from_cidr(first)
    except ValueError:
        return None


def _networks(value: Any) -> Hosts:
    found = [addresses(one) for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []
    return Hosts.union(one for one in found if one is not None)


def _port(value: Any) -> int:
    number = port_number(value)
    return -1 if number is None else number


def _says(rule: Resource, prop: str) -> bool:
    return bool(rule.get_list(prop))


def _same(one: Any, other: Any) -> bool:
    return one is not None and one is not UNKNOWN and isinstance(one, int | float) and one != 0 and one == other
