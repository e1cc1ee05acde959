"""The access file in the terms of the proof: routes as boxes, windows as `Times`, destinations as hosts and services."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..access.model import Access, Destination, Principal, Route, Window
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
    destinations = {one.name: one for one in access.destinations}
    known = frozenset(one.name for one in access.principals)
    return [
        Grant(route, destinations[name], _match(route, destinations[name], known))
        for route in access.routes
        for name in route.to
        if name in destinations
    ]


def _match(route: Route, destination: Destination, known: frozenset[str]) -> Match:
    return Match(
        who=Who(principals=frozenset(route.from_) & known),
        hosts=destination_hosts(destination),
        services=destination_services(destination),
        operations=route_operations(route),
        times=route_times(route),
    )


def destination_hosts(destination: Destination) -> Hosts:
    """Its names and its addresses."""
    return Hosts.from_names(destination.hosts) | Hosts.from_cidrs(destination.cidrs)


def destination_services(destination: Destination) -> Services:
    """Its protocols and ports."""
    return Services.union(Services.of(*one) for one in destination.services())


def route_operations(route: Route) -> frozenset[HttpOperation] | None:
    """The HTTP operations it is restricted to; None: any."""
    if not route.http:
        return None
    return frozenset(HttpOperation(method.upper(), path) for one in route.http for method in one.methods for path in one.paths)


def route_times(route: Route) -> Times:
    """Its window, and its last day (in UTC)."""
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


def _window(window: Window) -> Weekly | DagRun:
    if window.dagrun is not None:
        return DagRun(window.dagrun)
    return Weekly(window.spans(), window.timezone)


def sources_of(principal: Principal) -> Hosts | None:
    """Where people connect from; None: from anywhere outside the environments."""
    return Hosts.from_cidrs(principal.sources) if principal.sources else None
