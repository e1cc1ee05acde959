"""Routes → the plan of a FortiGate: which objects, which policies. Pure: no Pulumi in here.

Everything that the device would refuse is found here, all of it at once, before anything is created.
"""

import ipaddress
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ...access.model import Access, Destination, Principal, Route, Window
from ...access.values import PORT_PROTOCOLS, parse_port
from ...errors import Problems
from . import names
from .boxes import Box, fewest_boxes
from .plan import DAYS, Address, AddressGroup, Plan, Policy, Schedule, ScheduleGroup, Service

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Site:
    """What a FortiGate has to be told beside the routes."""

    name: str
    """The gate, as zones write it."""
    sources: Mapping[str, Sequence[str]]
    """Environment → the CIDRs its tasks come from."""
    interfaces: Mapping[str, tuple[str, ...]]
    """Zone → the interfaces (or FortiGate zone) that lead to it."""
    people_interface: str | None
    timezone: str
    """The device's own."""
    user_groups: Mapping[str, str]
    """Group of the identity provider → FortiGate user group, where the names differ."""
    prefix: str
    """In front of the name of every object made."""


@dataclass(frozen=True, slots=True)
class _Lane:
    """What must be equal for routes to share a policy: these do not merge as sets do."""

    people: bool
    people_sources: tuple[str, ...]
    dstintfs: tuple[str, ...]
    expires: date | None


def compile_routes(access: Access, site: Site) -> Plan:
    """The objects and policies for the routes whose destination's zone lists the gate. InputError with every problem there is."""
    return _Compiler(access, site).run()


def deny_name(prefix: str) -> str:
    """The name of the policy that stands last."""
    return names.device_name(names.POLICY_NAME, f"{prefix}deny-all")


class _Compiler:
    """One compilation: the plan as it grows, and the problems met."""

    def __init__(self, access: Access, site: Site) -> None:
        self.access = access
        self.site = site
        self.problems = Problems(site.name)
        self.plan = Plan()
        self.principals = {one.name: one for one in access.principals}
        self.destinations = {one.name: one for one in access.destinations}

    def run(self) -> Plan:
        self._check_site()
        lanes: dict[_Lane, list[Box]] = {}
        for position, route in enumerate(self.access.routes):
            for lane, box in self._route_boxes(position, route):
                lanes.setdefault(lane, []).append(box)
        self.problems.raise_any()
        merged = [(box, lane) for lane, boxes in lanes.items() for box in fewest_boxes(boxes)]
        taken = {deny_name(self.site.prefix)}
        for box, lane in sorted(merged, key=lambda pair: pair[0].origins):
            self.plan.policies.append(self._policy(box, lane, taken))
        self.problems.raise_any()
        return self.plan

    # What the device has to be told

    def _check_site(self) -> None:
        site, add = self.site, self.problems.add
        for environment, cidrs in site.sources.items():
            if not cidrs:
                add(f"sources[{environment}]", "no CIDR: name the environment's subnets")
            for cidr in cidrs:
                self._network(f"sources[{environment}]", cidr)
        for zone, interfaces in site.interfaces.items():
            if zone not in self.access.zones:
                add(f"interfaces[{zone}]", f"no zone {zone!r}; zones: {', '.join(sorted(self.access.zones)) or 'none'}")
            elif not self._leads_here(zone):
                add(f"interfaces[{zone}]", f"zone {zone!r} does not list {site.name!r} among its gates")
            if not interfaces:
                add(f"interfaces[{zone}]", "no interface: name the one that leads there")
            for interface in interfaces:
                self._check_name(f"interfaces[{zone}]", interface, names.INTERFACE_NAME)
        for zone in self.access.zones:
            if self._leads_here(zone) and zone not in site.interfaces:
                add("interfaces", f"no interface leads to zone {zone!r}, which lists this gate: add it")
        if site.people_interface is not None:
            self._check_name("people_interface", site.people_interface, names.INTERFACE_NAME)

    def _check_name(self, path: str, name: str, limit: int) -> None:
        if not name or len(name) > limit:
            self.problems.add(path, f"{name!r} has {len(name)} characters; FortiOS takes 1–{limit}")

    def _network(self, path: str, cidr: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
        try:
            return ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            self.problems.add(path, f"{cidr!r} is no CIDR; write 10.20.4.0/24 or 2001:db8::/64")
            return None

    def _leads_here(self, zone: str) -> bool:
        return zone in self.access.zones and self.site.name in self.access.zones[zone].gates

    # Routes → boxes of (sources, destinations, services, windows)

    def _route_boxes(self, position: int, route: Route) -> Iterable[tuple[_Lane, Box]]:
        here = [self.destinations[name] for name in route.to if name in self.destinations]
        here = [one for one in here if self._leads_here(one.zone) and one.zone in self.site.interfaces]
        if not here:
            return
        window = self._window(route, f"routes[{route.name}].window")
        for principal in (self.principals[name] for name in route.from_ if name in self.principals):
            sources = self._sources(principal)
            for destination in here:
                services = self._services(destination)
                if not sources or not services or not self._reachable(principal, destination, route):
                    continue
                lane = _Lane(
                    principal.group is not None,
                    tuple(sorted(principal.sources)) if principal.group is not None else (),
                    self.site.interfaces[destination.zone],
                    route.expires,
                )
                sets: tuple[frozenset[Hashable], ...] = (sources, frozenset({destination.name}), services, frozenset({window}))
                yield lane, Box(sets, (position,))

    def _sources(self, principal: Principal) -> frozenset[str]:
        """The environments, or the user group, that a principal comes as."""
        path = f"principals[{principal.name}]"
        if principal.group is not None:
            return self._people(principal.group, path)
        wanted = [principal.environment] if principal.environment else list(self.site.sources)
        if not wanted:
            self.problems.add("sources", f"empty, but principal {principal.name!r} is a workload: give each environment's CIDRs")
        unknown = [name for name in wanted if name not in self.site.sources]
        if unknown:
            known = ", ".join(sorted(self.site.sources)) or "none"
            self.problems.add(f"{path}.environment", f"no sources for environment {unknown[0]!r}; sources: {known}")
        return frozenset(name for name in wanted if name in self.site.sources)

    def _people(self, group: str, path: str) -> frozenset[str]:
        if self.site.people_interface is None:
            self.problems.add("people_interface", f"missing, but {path} are people: name the interface they come in by")
        user_group = self.site.user_groups.get(group, group)
        if len(user_group) > names.USER_GROUP_NAME:
            fix = "give the FortiGate's name for it in user_groups"
            self.problems.add(
                f"{path}.group", f"{user_group!r} is over {names.USER_GROUP_NAME} characters, a user group's limit: {fix}"
            )
        return frozenset({user_group})

    def _services(self, destination: Destination) -> frozenset[tuple[str, int, int]]:
        return frozenset(
            filter(None, (self._service(text, f"destinations[{destination.name}].ports") for text in destination.ports))
        )

    def _service(self, text: str, path: str) -> tuple[str, int, int] | None:
        try:
            protocol, first, last = parse_port(text)
        except ValueError as error:
            self.problems.add(path, str(error))
            return None
        if protocol in PORT_PROTOCOLS and first == 0:
            fix = f"write 1-{last}/{protocol}" if last else "use a port that exists"
            self.problems.add(path, f"{text!r}: FortiOS takes ports 1–65535: {fix}")
            return None
        return (protocol, first, last)

    def _reachable(self, principal: Principal, destination: Destination, route: Route) -> bool:
        """Whether source and destination have an address family in common; a problem where they have none."""
        path = f"destinations[{destination.name}]"
        if not destination.hosts and not destination.cidrs:
            self.problems.add(path, "neither hosts nor cidrs: a FortiGate policy needs an address")
            return False
        networks = [self._network(f"{path}.cidrs", cidr) for cidr in destination.cidrs]
        if None in networks:
            return False
        theirs = {network.version for network in networks if network} or {4, 6}
        if self._families(principal) & theirs:
            return True
        families = " and ".join(f"IPv{one}" for one in sorted(theirs))
        self.problems.add(
            f"routes[{route.name}]", f"{principal.name!r} has no {families} source, and {destination.name!r} no other address"
        )
        return False

    def _families(self, principal: Principal) -> set[int]:
        if principal.group is not None:
            cidrs: Iterable[str] = principal.sources or ("0.0.0.0/0", "::/0")
            path = f"principals[{principal.name}].sources"
        else:
            wanted = [principal.environment] if principal.environment else list(self.site.sources)
            cidrs = [cidr for name in wanted for cidr in self.site.sources.get(name, ())]
            path = "sources"
        return {network.version for network in (self._network(path, cidr) for cidr in cidrs) if network}

    def _window(self, route: Route, path: str) -> Schedule | None:
        """The schedule of a route's window, still without a name. None is always: no window, or one that only a proxy can see."""
        window = route.window
        if window is None or window.dagrun is not None:
            return None
        if window.timezone != self.site.timezone:
            fix = f"write the window in {self.site.timezone}, or give the FortiGate's own zone as timezone"
            why = f"a FortiGate's schedules follow its own clock ({self.site.timezone}), daylight saving included"
            self.problems.add(f"{path}.timezone", f"{window.timezone!r}: {why}: {fix}")
        return _schedule(window, path, self.problems)

    # Boxes → policies and their objects

    def _policy(self, box: Box, lane: _Lane, taken: set[str]) -> Policy:
        who, where, what, when = box.sets
        routes = [self.access.routes[position] for position in box.origins]
        destinations = self._destination_groups(sorted(map(str, where)))
        sources = self._people_sources(lane) if lane.people else self._environment_groups(sorted(map(str, who)))
        families = [family for family in (4, 6) if sources[family] and destinations[family]]
        return Policy(
            name=self._policy_name(routes[0].name, taken),
            routes=tuple(route.name for route in routes),
            people=lane.people,
            dstintfs=lane.dstintfs,
            sources={family: sources[family] if family in families else () for family in (4, 6)},
            destinations={family: destinations[family] if family in families else () for family in (4, 6)},
            services=tuple(self._service_object(*item) for item in sorted(what)),  # type: ignore[misc, type-var]
            schedule=self._schedule_object(when),
            groups=tuple(sorted(map(str, who))) if lane.people else (),
            expires=lane.expires,
            comment=names.listed_text(names.POLICY_COMMENT, [_comment(route) for route in routes]),
        )

    def _policy_name(self, route: str, taken: set[str]) -> str:
        """A policy is called after the first route in it; a route that needs several policies numbers them."""
        for number in range(1, len(taken) + 2):
            name = names.device_name(names.POLICY_NAME, self.site.prefix + route, str(number) if number > 1 else "")
            if name not in taken:
                break
        taken.add(name)
        return name

    def _destination_groups(self, wanted: list[str]) -> dict[int, tuple[str, ...]]:
        found: dict[int, list[str]] = {4: [], 6: []}
        for name in wanted:
            one = self.destinations[name]
            # Names resolve to the declared addresses: those are exact, and need no DNS on the FortiGate.
            items = one.cidrs or one.hosts
            for family in (4, 6):
                members = tuple(filter(None, (self._address(item, family) for item in items)))
                if members:
                    found[family].append(self._group("to", name, family, members))
        return {family: tuple(listed) for family, listed in found.items()}

    def _environment_groups(self, environments: list[str]) -> dict[int, tuple[str, ...]]:
        found: dict[int, list[str]] = {4: [], 6: []}
        for environment in environments:
            for family in (4, 6):
                members = tuple(filter(None, (self._address(cidr, family) for cidr in self.site.sources[environment])))
                if members:
                    found[family].append(self._group("from", environment, family, members))
        return {family: tuple(listed) for family, listed in found.items()}

    def _people_sources(self, lane: _Lane) -> dict[int, tuple[str, ...]]:
        if not lane.people_sources:
            return {4: ("all",), 6: ("all",)}
        return {family: tuple(filter(None, (self._address(cidr, family) for cidr in lane.people_sources))) for family in (4, 6)}

    def _address(self, item: str, family: int) -> str | None:
        """The name of the object for a network of this family, or for a host name, which both families have."""
        try:
            network = ipaddress.ip_network(item, strict=False)
        except ValueError:
            name = names.device_name(names.OBJECT_NAME, f"{self.site.prefix}host", item)
            self.plan.addresses.setdefault((family, name), Address(name, family, "fqdn", item))
            return name
        if network.version != family:
            return None
        if network.prefixlen == 0:
            return "all"
        text = str(network).replace("/", "_").replace(":", ".")
        name = names.device_name(names.OBJECT_NAME, f"{self.site.prefix}net", text)
        kind = "ipmask" if family == 4 else "ipprefix"
        self.plan.addresses.setdefault((family, name), Address(name, family, kind, str(network)))
        return name

    def _group(self, direction: str, subject: str, family: int, members: tuple[str, ...]) -> str:
        if "all" in members:
            return "all"  # FortiOS takes no `all` within a group
        name = names.device_name(names.OBJECT_NAME, f"{self.site.prefix}{direction}", subject)
        comment = f"Airflow environment {subject}" if direction == "from" else f"Destination {subject}"
        text = names.device_text(comment)[: names.OBJECT_COMMENT]
        self.plan.groups.setdefault((family, name), AddressGroup(name, family, tuple(dict.fromkeys(members)), text))
        return name

    def _service_object(self, protocol: str, first: int, last: int) -> str:
        ports = (str(first) if first == last else f"{first}-{last}") if protocol in PORT_PROTOCOLS else ""
        name = names.device_name(names.OBJECT_NAME, f"{self.site.prefix}{protocol}", ports)
        self.plan.services.setdefault(name, Service(name, protocol, first, last))
        return name

    def _schedule_object(self, windows: frozenset[Hashable]) -> str:
        if None in windows:
            return _ALWAYS
        listed = sorted((one for one in windows if isinstance(one, Schedule)), key=lambda one: (one.days, one.start, one.end))
        members = []
        for one in listed:
            days = "".join(day[:2] for day in one.days)
            name = names.device_name(names.SCHEDULE_NAME, f"{self.site.prefix}{days}", f"{one.start}-{one.end}".replace(":", ""))
            self.plan.schedules.setdefault(name, Schedule(name, one.days, one.start, one.end))
            members.append(name)
        if len(members) == 1:
            return members[0]
        group = names.device_name(names.SCHEDULE_NAME, f"{self.site.prefix}any", *members)
        self.plan.schedule_groups.setdefault(group, ScheduleGroup(group, tuple(members)))
        return group


def _schedule(window: Window, path: str, problems: Problems) -> Schedule | None:
    start, end = window.from_ or "00:00", window.to or "00:00"
    if end == "24:00":
        end = "00:00"
    for key, value in (("from", start), ("to", end)):
        if not _CLOCK.fullmatch(value):
            problems.add(f"{path}.{key}", f"{value!r} is no time of day: write hh:mm, 00:00–23:59")
            return None
    days = tuple(full for short, full in DAYS.items() if short in window.days) or tuple(DAYS.values())
    return Schedule("", days, start, end)


def _comment(route: Route) -> str:
    """What an auditor looks for at a policy: the route, the reason, and what of it this gate cannot see."""
    unseen = (
        f" [only while DAG {route.window.dagrun} runs: enforced at another gate]" if route.window and route.window.dagrun else ""
    )
    return f"{route.name}: {route.reason}{unseen}"
