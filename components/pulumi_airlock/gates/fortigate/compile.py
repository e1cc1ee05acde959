"""Routes → the plan of a FortiGate: which objects, which policies. Pure: no Pulumi in here.

Everything that the device would refuse is found here, all of it at once, before anything is created.
"""

import ipaddress
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ...access.model import Access, Destination, Principal, Route
from ...access.values import PORT_PROTOCOLS, parse_port
from ...access.window import Window
from ...errors import Problems
from ...proof.sets import Intervals, is_network
from ...proof.times import WEEK_MINUTES
from . import names, people
from .alphabet import ALL, Alphabets, of_addresses, of_dates, of_services, of_spans, plain
from .boxes import Box
from .plan import DAYS, Address, AddressGroup, Plan, Policy, Schedule, ScheduleGroup, Service, Site

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class _Lane:
    """What must be equal for routes to share a policy: these do not merge as sets do."""

    people: bool
    dstintfs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Want:
    """What a route asks for: one of its principals, one of its destinations."""

    position: int
    """The route's, in the access file."""
    group: str
    """The FortiGate user group; empty for workloads."""
    sources: tuple[str, ...]
    """Environments; of people the networks they come from."""
    destination: str
    families: frozenset[int]
    """Those that sources and destination have in common."""
    services: frozenset[tuple[str, int, int]]
    window: Schedule | None
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
        self.minutes: dict[Schedule, Intervals] = {}
        """Since Monday 00:00, on the device's clock."""
        self.principals = {one.name: one for one in access.principals}
        self.destinations = {one.name: one for one in access.destinations}

    def run(self) -> Plan:
        self._check_site()
        people.check(self.access, self.site, self.problems)
        lanes: dict[_Lane, list[_Want]] = {}
        for position, route in enumerate(self.access.routes):
            for lane, want in self._wants(position, route):
                lanes.setdefault(lane, []).append(want)
        self.plan.user_groups = people.user_groups(self.access, self.site, self.problems)
        self.problems.raise_any()
        merged = [(box, lane, alphabets) for lane, wants in lanes.items() for box, alphabets in self._merged(lane, wants)]
        taken = {deny_name(self.site.prefix)}
        for box, lane, alphabets in sorted(merged, key=lambda item: item[0].origins):
            self.plan.policies.append(self._policy(box, lane, alphabets, taken))
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

    def _merged(self, lane: _Lane, wants: Sequence[_Want]) -> Iterable[tuple[Box, Alphabets]]:
        """The fewest products of groups, sources, destinations, services, windows and last days for what routes ask."""
        named = {name for want in wants for name in want.sources}
        sources = {name: (name,) if lane.people else self.site.sources[name] for name in sorted(named)}
        places = {want.destination: self._items(want.destination) for want in wants}
        who, where = of_addresses(sources), of_addresses(places)
        alphabets = Alphabets(
            plain(want.group for want in wants),
            who,
            where,
            of_services(service for want in wants for service in want.services),
            of_spans({want.window: self._minutes(want.window) for want in wants}),
            of_dates(want.expires for want in wants),
        )
        boxes = [
            alphabets.box(
                want.position,
                [want.group],
                [(name, family) for name in want.sources for family in want.families if (name, family) in who.atoms],
                [(want.destination, family) for family in want.families if (want.destination, family) in where.atoms],
                want.services,
                [want.window],
                [want.expires],
            )
            for want in wants
        ]
        return [(box, alphabets) for box in alphabets.fewest(boxes)]

    def _items(self, destination: str) -> tuple[str, ...]:
        """Names resolve to the declared addresses: those are exact, and need no DNS on the FortiGate."""
        one = self.destinations[destination]
        return one.cidrs or one.hosts

    def _minutes(self, window: Schedule | None) -> Intervals:
        return Intervals(((0, WEEK_MINUTES - 1),)) if window is None else self.minutes[window]

    # What routes ask for

    def _wants(self, position: int, route: Route) -> Iterable[tuple[_Lane, _Want]]:
        here = [self.destinations[name] for name in route.to if name in self.destinations]
        here = [one for one in here if self._leads_here(one.zone)]
        if not here:
            return
        window = self._window(route, f"routes[{route.name}].window")
        for principal in (self.principals[name] for name in route.from_ if name in self.principals):
            people = principal.group is not None
            names_ = self._sources(principal)
            sources = (tuple(principal.sources) or (ALL,)) if people else tuple(sorted(names_))
            for destination in here:
                services = self._services(destination)
                families = self._reachable(principal, destination, route) if names_ and services else frozenset()
                if not families:
                    continue
                group = next(iter(names_)) if people else ""
                want = _Want(position, group, sources, destination.name, families, services, window, route.expires)
                yield _Lane(people, self.site.interfaces.get(destination.zone, ())), want  # none: noted already

    def _sources(self, principal: Principal) -> frozenset[str]:
        """The environments, or the user group, that a principal comes as."""
        path = f"principals[{principal.name}]"
        if principal.group is not None:
            if self.site.people_interface is None:
                self.problems.add("people_interface", f"missing, but {path} are people: name the interface they come in by")
            return frozenset({people.device_group(self.site, principal.group, path, self.problems)})
        wanted = [principal.environment] if principal.environment else list(self.site.sources)
        if not wanted:
            self.problems.add("sources", f"empty, but principal {principal.name!r} is a workload: give each environment's CIDRs")
        unknown = [name for name in wanted if name not in self.site.sources]
        if unknown:
            known = ", ".join(sorted(self.site.sources)) or "none"
            self.problems.add(f"{path}.environment", f"no sources for environment {unknown[0]!r}; sources: {known}")
        return frozenset(name for name in wanted if name in self.site.sources)

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

    def _reachable(self, principal: Principal, destination: Destination, route: Route) -> frozenset[int]:
        """The address families that source and destination have in common; a problem where they have none."""
        path = f"destinations[{destination.name}]"
        if not destination.hosts and not destination.cidrs:
            self.problems.add(path, "neither hosts nor cidrs: a FortiGate policy needs an address")
            return frozenset()
        networks = [self._network(f"{path}.cidrs", cidr) for cidr in destination.cidrs]
        if None in networks:
            return frozenset()
        theirs = {network.version for network in networks if network} or {4, 6}
        if self._families(principal) & theirs:
            return frozenset(self._families(principal) & theirs)
        families = " and ".join(f"IPv{one}" for one in sorted(theirs))
        self.problems.add(
            f"routes[{route.name}]", f"{principal.name!r} has no {families} source, and {destination.name!r} no other address"
        )
        return frozenset()

    def _families(self, principal: Principal) -> set[int]:
        if principal.group is not None:
            cidrs: Iterable[str] = principal.sources or ("0.0.0.0/0", "::/0")
            path = f"principals[{principal.name}].sources"
        else:
            wanted = [principal.environment] if principal.environment else list(self.site.sources)
            cidrs = [cidr for name in wanted for cidr in self.site.sources.get(name, ())]
            path = "sources"
            if not cidrs or not all(map(is_network, cidrs)):
                return {4, 6}  # told already, of its environment
        return {network.version for network in (self._network(path, cidr) for cidr in cidrs) if network}

    def _window(self, route: Route, path: str) -> Schedule | None:
        """The schedule of a route's window, still without a name. None is always: no window, or one that only a proxy can see."""
        window = route.window
        if window is None or window.dagrun is not None:
            return None
        if self.site.timezone and window.timezone != self.site.timezone:
            fix = f"write the window in {self.site.timezone}, or give the FortiGate's own zone as timezone"
            why = f"a FortiGate's schedules follow its own clock ({self.site.timezone}), daylight saving included"
            self.problems.add(f"{path}.timezone", f"{window.timezone!r}: {why}: {fix}")
        found = _schedule(window, path, self.problems)
        if found is not None:
            self.minutes[found] = Intervals.of((first, last - 1) for first, last in window.spans())
        return found

    # Boxes → policies and their objects

    def _policy(self, box: Box, lane: _Lane, alphabets: Alphabets, taken: set[str]) -> Policy:
        groups, who, where, what, when, until = (list[Any](one) for one in alphabets.names(box))
        routes = [self.access.routes[position] for position in box.origins]
        destinations = self._destination_groups(where)
        sources = self._people_sources(who) if lane.people else self._environment_groups(who)
        families = [family for family in (4, 6) if sources[family] and destinations[family]]
        return Policy(
            name=self._policy_name(routes[0].name, taken),
            routes=tuple(route.name for route in routes),
            people=lane.people,
            dstintfs=lane.dstintfs,
            sources={family: sources[family] if family in families else () for family in (4, 6)},
            destinations={family: destinations[family] if family in families else () for family in (4, 6)},
            services=tuple(self._service_object(*item) for item in sorted(what)),
            schedule=self._schedule_object(frozenset(when)),
            groups=tuple(sorted(groups)) if lane.people else (),
            expires=None if None in until else max(until),
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

    def _destination_groups(self, wanted: Iterable[tuple[str, int]]) -> dict[int, tuple[str, ...]]:
        found: dict[int, list[str]] = {4: [], 6: []}
        for name, family in sorted(wanted):
            members = tuple(filter(None, (self._address(item, family) for item in self._items(name))))
            if members:
                found[family].append(self._group("to", name, family, members))
        return {family: tuple(listed) for family, listed in found.items()}

    def _environment_groups(self, environments: Iterable[tuple[str, int]]) -> dict[int, tuple[str, ...]]:
        found: dict[int, list[str]] = {4: [], 6: []}
        for environment, family in sorted(environments):
            members = tuple(filter(None, (self._address(cidr, family) for cidr in self.site.sources[environment])))
            if members:
                found[family].append(self._group("from", environment, family, members))
        return {family: tuple(listed) for family, listed in found.items()}

    def _people_sources(self, networks: Iterable[tuple[str, int]]) -> dict[int, tuple[str, ...]]:
        found: dict[int, list[str]] = {4: [], 6: []}
        for item, family in sorted(networks):
            name = ALL if item == ALL else self._address(item, family)
            if name is not None:
                found[family].append(name)
        return {family: tuple(dict.fromkeys(listed)) for family, listed in found.items()}

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
