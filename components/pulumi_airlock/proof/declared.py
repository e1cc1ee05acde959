"""The access file in the terms of the proof: routes as boxes, windows as `Times`, destinations as hosts and services."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ..access.model import Access, Destination, Principal, Route
from ..access.values import parse_port
from ..access.window import Window
from .atoms.cidrs import of_cidrs
from .filters import HttpOperation, Match, Who
from .sets import Hosts, Services
from .times import DagRun, Once, Times, Weekly


@dataclass(frozen=True, slots=True)
class Grant:
    """What a route declares towards one of its destinations."""

    route: Route
    destination: Destination
    match: Match


def grants(access: Access) -> list[Grant]:
    """Every route × destination of the file, in order. Names that do not exist are left out: the model refuses them."""
    destinations = {one.name: (one, destination_hosts(one), destination_services(one)) for one in access.destinations}
    known = frozenset(one.name for one in access.principals)
    # Many routes have the same window, and an object is compared faster than a value.
    same: dict[Hashable, Times] = {}
    found = []
    for route in access.routes:
        who = Who(principals=known.intersection(route.from_))
        operations, times = route_operations(route), route_times(route)
        times = same.setdefault(times, times)
        for name in route.to:
            if name in destinations:
                destination, hosts, services = destinations[name]
                found.append(Grant(route, destination, Match(who, hosts, services, operations, times)))
    return found


def destination_matches(access: Access, found: Sequence[Grant]) -> list[Match]:
    """Where each destination is, and on which ports; `found` are the grants of the file."""
    known = {one.destination.name: one.match for one in found}
    return [
        Match(hosts=match.hosts, services=match.services)
        if (match := known.get(one.name))
        else Match(hosts=destination_hosts(one), services=destination_services(one))
        for one in access.destinations
    ]


def destination_hosts(destination: Destination) -> Hosts:
    """Its names and its addresses."""
    return _at(destination.hosts, of_cidrs(destination.cidrs))


def _at(names: Sequence[str], addresses: Hosts) -> Hosts:
    return Hosts(addresses.v4, addresses.v6, Hosts.from_names(names).names) if names else addresses


def zone_hosts(access: Access) -> dict[str, Hosts]:
    """Where the hosts of each zone can be: in its networks; without any, wherever no other zone is."""
    networks = {name: of_cidrs(zone.cidrs) for name, zone in access.zones.items()}
    elsewhere = Hosts.union(networks.values()).complement().addresses() or Hosts.every().addresses()
    return {name: found or elsewhere for name, found in networks.items()}


def destination_services(destination: Destination) -> Services:
    """Its protocols and ports."""
    return _services(destination.ports)


@lru_cache(maxsize=65536)
def _services(ports: tuple[str, ...]) -> Services:
    return Services.union(Services.of(*parse_port(one)) for one in ports)


def route_operations(route: Route) -> frozenset[HttpOperation] | None:
    """The HTTP operations it is restricted to; None: any."""
    if not route.http:
        return None
    return frozenset(
        HttpOperation(method.upper(), path, not_paths=frozenset(one.except_))
        for one in route.http
        for method in one.methods
        for path in one.paths
    )


def route_times(route: Route) -> Times:
    """Its window, and its last day (in UTC)."""
    if route.window is None and route.expires is None:
        return ()
    times: Times = ()
    if route.window is not None:
        times = (*times, frozenset({_window(route.window)}))
    if route.expires is not None:
        times = (*times, frozenset({Once(None, expiry(route))}))
    return times


def expiry(route: Route) -> datetime | None:
    """The first instant at which the route holds no more; None: it does not expire."""
    if route.expires is None:
        return None
    return datetime(route.expires.year, route.expires.month, route.expires.day, tzinfo=UTC) + timedelta(days=1)


@lru_cache(maxsize=4096)
def _window(window: Window) -> Weekly | DagRun:
    if window.dagrun is not None:
        return DagRun(window.dagrun)
    return Weekly(window.spans(), window.timezone)


def sources_of(principal: Principal) -> Hosts | None:
    """Where people connect from; None: from anywhere outside the environments."""
    return of_cidrs(principal.sources) if principal.sources else None
