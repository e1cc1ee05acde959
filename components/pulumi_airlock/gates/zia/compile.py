"""Routes → the plan of a ZIA gate. Pure: no Pulumi in here.

Everything that ZIA would refuse, or could not do, is found here, all of it at once, before anything is created.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, ip_network

from ...access.model import Access, Destination, Principal, Route
from ...access.values import parse_port
from ...access.window import Window
from ...environments.mwaa.egress import ProxyEgress, check_egress
from ...errors import Problems
from ..fortigate.names import device_text
from ..naming import cut_name
from .plan import DESCRIPTION, LOCATION_NAME, OBJECT_NAME, RULE_NAME, Allow, Category, Location, Plan, Service, Span
from .site import Site, TimeWindow, TunnelEgress

WEB_PORTS = (80, 443)
"""Ports on which ZIA looks for web traffic in a tunnel ("Configuring Custom Ports": its defaults)."""
MAX_ORDER = 1000


@dataclass(frozen=True, slots=True)
class _Variant:
    """Routes to one destination that a single rule can hold: those without an end and a window together, every other by
    itself.
    """

    destination: str
    route: str
    """Empty where it holds always."""

    @property
    def key(self) -> str:
        return f"{self.destination}-{self.route}" if self.route else self.destination


@dataclass(slots=True)
class _Want:
    environments: dict[str, None]
    routes: dict[str, None]
    time_window: int | None
    expires: date | None
    notes: dict[str, None]


def compile_routes(access: Access, site: Site, today: date | None = None) -> Plan:
    """The plan for the routes whose destination's zone lists the gate. InputError with every problem there is.

    Routes whose last day is before `today` are left out: a firewall rule has no end.
    """
    return _Compiler(access, site, today).run()


class _Compiler:
    """One compilation: the plan as it grows, and the problems met."""

    def __init__(self, access: Access, site: Site, today: date | None) -> None:
        self.access, self.site, self.today = access, site, today
        self.problems = Problems(site.name)
        self.plan = Plan(first_order=site.first_order)
        self.here = {one.name: one for one in access.destinations if site.name in access.zones[one.zone].gates}
        self.services: dict[str, tuple[tuple[Span, ...], tuple[Span, ...]]] = {}

    def run(self) -> Plan:
        self._check_site()
        for environment in self.site.environments:
            self._locations(environment)
        wants = self._wanted()
        for variant, want in wants.items():
            self._rules(variant, want)
        if len(self.plan.categories) > self.site.max_categories:
            fix = "write destinations together, or give what the tenant's subscription has as max_categories"
            self.problems.add("access", f"{len(self.plan.categories)} URL categories are over {self.site.max_categories}: {fix}")
        last = self.site.first_order + max(len(self.plan.firewall), len(self.plan.urls))
        if last > MAX_ORDER:
            self.problems.add("first_order", f"the last rule would be number {last}, over {MAX_ORDER}")
        self.problems.raise_any()
        return self.plan

    # What ZIA has to be told

    def _check_site(self) -> None:
        site, add = self.site, self.problems.add
        if not site.environments:
            add("environments", "none: write how each environment's traffic gets to Zscaler")
        if not 1 <= site.first_order <= MAX_ORDER:
            add("first_order", f"{site.first_order}: ZIA's rules begin at 1")
        if not 0 <= site.rank <= 7:
            add("rank", f"{site.rank}: an admin rank is 0–7")
        for component, names in site.others.items():
            if component not in ("scheduler", "webserver"):
                add(f"others[{component}]", "workers reach what routes say: write scheduler or webserver")
            for name in names:
                if name not in self.here:
                    known = ", ".join(sorted(self.here)) or "none"
                    add(f"others[{component}]", f"no destination {name!r} behind this gate; there are: {known}")
        ports: dict[int, str] = {}
        for environment, forwarding in site.environments.items():
            path = f"environments[{environment}]"
            if isinstance(forwarding, TunnelEgress):
                self._check_tunnel(forwarding, path)
                continue
            check_egress(forwarding, self.problems, path)
            for port in forwarding.ports.values():
                if ports.setdefault(port, environment) != environment:
                    add(path, f"port {port} is environment {ports[port]}'s: each location has a port of its own")
        self._check_apart()

    def _check_tunnel(self, tunnel: TunnelEgress, path: str) -> None:
        parts = {name: cidrs for name, cidrs in tunnel.parts.items() if cidrs}
        if not parts or (not tunnel.cidrs and len(parts) < 3):
            self.problems.add(
                path, "write cidrs for all components together, or the subnets of each: scheduler, worker, webserver"
            )
        if tunnel.cidrs and (tunnel.scheduler or tunnel.worker or tunnel.webserver):
            self.problems.add(path, "cidrs are for all components together: leave out those of each")
        for name, cidrs in parts.items():
            for cidr in cidrs:
                if self._network(cidr) is None:
                    self.problems.add(
                        f"{path}.{name}", f"{cidr!r} is no IPv4 network: sub-locations here are told by IPv4 addresses"
                    )

    def _check_apart(self) -> None:
        """Sub-locations are told by address alone: two must not have one."""
        taken: list[tuple[IPv4Network, str]] = []
        for environment, forwarding in self.site.environments.items():
            if not isinstance(forwarding, TunnelEgress):
                continue
            for component, cidrs in forwarding.parts.items():
                mine = [found for cidr in cidrs if (found := self._network(cidr)) is not None]
                for network in mine:
                    other = next((label for old, label in taken if old.overlaps(network)), "")
                    if other:
                        why = (
                            "ZIA tells sub-locations by address alone; where components share subnets, give cidrs for all of them"
                        )
                        self.problems.add(f"environments[{environment}].{component}", f"{network} overlaps {other}: {why}")
                taken += [(network, f"{environment}'s {component}") for network in mine]

    @staticmethod
    def _network(cidr: str) -> IPv4Network | None:
        try:
            found = ip_network(cidr)
        except ValueError:
            return None
        return found if isinstance(found, IPv4Network) else None

    def _locations(self, environment: str) -> None:
        forwarding = self.site.environments[environment]
        if isinstance(forwarding, ProxyEgress):
            parts = [(component, (port,), ()) for component, port in forwarding.ports.items()]
        else:
            parts = [(component, (), cidrs) for component, cidrs in forwarding.parts.items()]  # type: ignore[misc]
        for component, ports, cidrs in parts:
            key = f"{environment}-{component}"
            name = cut_name(LOCATION_NAME, f"{self.site.prefix}{key}")
            self.plan.locations[key] = Location(key, environment, component, name, ports, cidrs)

    # What routes ask for

    def _wanted(self) -> dict[_Variant, _Want]:
        wants: dict[_Variant, _Want] = {}
        for route in self.access.routes:
            if self.today is not None and route.expired(self.today):
                continue
            for name in route.to:
                if name in self.here:
                    self._want(wants, route, self.here[name])
        for names in self.site.others.values():
            for name in names:
                if name in self.here:
                    wants.setdefault(_Variant(name, ""), _Want({}, {}, None, None, {}))
        return wants

    def _want(self, wants: dict[_Variant, _Want], route: Route, destination: Destination) -> None:
        environments = self._environments(route)
        window = self._time_window(route.window)
        limited = route.expires is not None or window is not None
        variant = _Variant(destination.name, route.name if limited else "")
        want = wants.setdefault(variant, _Want({}, {}, window, route.expires, {}))
        want.environments |= dict.fromkeys(environments)
        want.routes[route.name] = None
        want.notes[_note(route, window)] = None

    def _environments(self, route: Route) -> list[str]:
        found: dict[str, None] = {}
        for principal in map(self.access.principal, route.from_):
            if principal.is_people:
                fix = "give their destinations a zone of their own, with the gates that people go through"
                self.problems.add(
                    f"routes[{route.name}]", f"{principal.name!r} are people, who come by locations of their own: {fix}"
                )
                continue
            found |= dict.fromkeys(self._homes(principal))
        return list(found)

    def _homes(self, principal: Principal) -> Sequence[str]:
        if principal.environment is None:
            return list(self.site.environments)
        if principal.environment not in self.site.environments:
            known = ", ".join(sorted(self.site.environments)) or "none"
            path = f"principals[{principal.name}].environment"
            self.problems.add(path, f"environment {principal.environment!r} has no way to Zscaler here; environments: {known}")
            return []
        return [principal.environment]

    def _time_window(self, window: Window | None) -> int | None:
        if window is None or window.dagrun is not None:
            return None
        return next((one.id for one in self.site.time_windows if _same_window(one, window)), None)

    # Wants → objects and rules

    def _rules(self, variant: _Variant, want: _Want) -> None:
        destination = self.here[variant.destination]
        self._objects(destination)
        tcp, _ = self.services.get(destination.name, ((), ()))
        locations = self._allowed(want, destination, variant)
        if not locations:
            return
        order = self.site.first_order + len(self.plan.firewall)
        self.plan.firewall.append(self._allow(variant, want, order, locations, _addresses(destination)))
        web = any(first <= port <= last for port in WEB_PORTS for first, last in tcp)
        seen = tuple(key for key in locations if web or self.plan.locations[key].ports)
        if seen and tcp:
            self._category(destination)
            order = self.site.first_order + len(self.plan.urls)
            self.plan.urls.append(self._allow(variant, want, order, seen, ()))

    def _allowed(self, want: _Want, destination: Destination, variant: _Variant) -> tuple[str, ...]:
        extra = () if variant.route else tuple(key for key, names in self.site.others.items() if destination.name in names)
        found = []
        for key, one in self.plan.locations.items():
            if (one.environment in want.environments and one.component in ("worker", "all")) or one.component in extra:
                found.append(key)
                self._check_carried(one, destination)
        return tuple(found)

    def _check_carried(self, location: Location, destination: Destination) -> None:
        if not location.ports:
            return
        for text in destination.ports:
            if not text.endswith("/tcp"):
                why = f"environment {location.environment} goes out through a proxy, which carries TCP alone"
                self.problems.add(f"destinations[{destination.name}].ports", f"{text!r}: {why}; use a tunnel for it")

    def _allow(self, variant: _Variant, want: _Want, order: int, locations: tuple[str, ...], addresses: tuple[str, ...]) -> Allow:
        text = device_text("; ".join(note for note in want.notes if note) or "For the environment itself.")[:DESCRIPTION]
        return Allow(
            key=variant.key,
            name=cut_name(RULE_NAME, f"{self.site.prefix}{variant.key}"),
            order=order,
            locations=locations,
            destination=variant.destination,
            addresses=addresses,
            time_window=want.time_window,
            expires=want.expires,
            routes=tuple(want.routes),
            description=text,
        )

    def _objects(self, destination: Destination) -> None:
        if destination.name in self.services:
            return
        tcp, udp = self._ports(destination)
        self.services[destination.name] = (tcp, udp)
        name = cut_name(OBJECT_NAME, f"{self.site.prefix}{destination.name}")
        self.plan.services[destination.name] = Service(destination.name, name, tcp, udp)
        if destination.cidrs and not _addresses(destination):
            self.problems.add(f"destinations[{destination.name}].cidrs", "IPv6 alone: the environments' subnets are IPv4")

    def _category(self, destination: Destination) -> None:
        for host in destination.hosts:
            if "." not in host.removeprefix("*."):
                why = "ZIA takes no name of a single label in a URL category"
                self.problems.add(f"destinations[{destination.name}].hosts", f"{host!r}: {why}; write its full name")
        urls = tuple(host.removeprefix("*") for host in destination.hosts)
        v4 = tuple(str(one) for one in destination.networks() if one.version == 4)
        name = cut_name(OBJECT_NAME, f"{self.site.prefix}{destination.name}")
        self.plan.categories[destination.name] = Category(destination.name, name, urls, v4)

    def _ports(self, destination: Destination) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        found: dict[str, list[Span]] = {"tcp": [], "udp": []}
        for text in destination.ports:
            protocol, first, last = parse_port(text)
            path = f"destinations[{destination.name}].ports"
            if protocol not in found:
                self.problems.add(
                    path, f"{text!r}: a network service of ZIA has TCP and UDP ports alone; another gate has to lead there"
                )
            elif first == 0:
                self.problems.add(path, f"{text!r}: ZIA takes ports 1–65535")
            else:
                found[protocol].append((first, last))
        return tuple(sorted(found["tcp"])), tuple(sorted(found["udp"]))


def _addresses(destination: Destination) -> tuple[str, ...]:
    """What a firewall rule holds of a destination: in the rule itself, so that nothing else has to go with it."""
    v4 = [str(one) for one in destination.networks() if one.version == 4]
    return tuple(dict.fromkeys((*v4, *destination.hosts)))


def _same_window(one: TimeWindow, window: Window) -> bool:
    told = Window.model_validate({"days": one.days, "from": one.from_, "to": one.to, "timezone": one.timezone})
    return one.timezone == window.timezone and told.spans() == window.spans()


def _note(route: Route, time_window: int | None) -> str:
    """What an auditor looks for at a rule: the route, the reason, and what of it this gate does not see."""
    return f"{route.name}: {route.reason}{''.join(_unseen(route, time_window))}"


def _unseen(route: Route, time_window: int | None) -> Iterator[str]:
    window = route.window
    if window is not None and window.dagrun is not None:
        yield f" [only while DAG {window.dagrun} runs: enforced at another gate]"
    elif window is not None and time_window is None:
        hours = f"{window.from_}-{window.to}" if window.from_ else "whole days"
        yield f" [only {' '.join(window.days) or 'every day'} {hours} {window.timezone}: enforced at another gate]"
    if route.http:
        yield " [some requests only: enforced at another gate]"
    if route.expires is not None:
        yield f" [until {route.expires}: by the URL rule]"
