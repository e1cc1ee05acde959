"""How far principals are trusted, and what that means for their routes: the table of roles and clearances, and its exceptions.

A zone has a `trust`: how sensitive it is. A principal has a clearance: its own, else its role's, else medium. A route into a zone
above it is refused, unless the route has an exception that still holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .model import Access, Principal, Route, Trust, TrustException

__all__ = ["Clearance", "Exceeding", "Exemption", "Origin", "clearance_of", "clearances", "exceeding", "exemptions"]


class Origin(StrEnum):
    """Where a clearance comes from."""

    PRINCIPAL = "principal"
    ROLE = "role"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Clearance:
    """A row of the table: how far a principal is trusted, and how far its routes lead."""

    principal: str
    kind: str
    """`people` or `tasks`."""
    who: tuple[str, ...]
    """The identity provider's group; of tasks their DAGs."""
    role: str | None
    clearance: Trust
    origin: Origin
    zone: str | None
    """The most sensitive zone that it has a route into; None where it has none."""
    trust: Trust | None
    """That zone's."""
    route: str | None
    """The first such route."""
    exception: TrustException | None
    """What lets that route into a zone above the clearance; it may have expired."""

    @property
    def above(self) -> bool:
        """Whether its routes lead above its clearance."""
        return self.trust is not None and self.trust.rank > self.clearance.rank


@dataclass(frozen=True, slots=True)
class Exceeding:
    """A destination of a route that lies above what some of the route's principals are cleared for."""

    index: int
    """The route's, in the document."""
    route: Route
    position: int
    """The destination's, in the route's `to`."""
    zone: str
    trust: Trust
    principals: tuple[Principal, ...]


@dataclass(frozen=True, slots=True)
class Exemption:
    """An exception that holds: a route that leads above its principals' clearance, for a while."""

    route: str
    zones: tuple[str, ...]
    """The zones above the clearance that it leads into."""
    trust: Trust
    """The most sensitive of them."""
    principals: tuple[str, ...]
    """Those who are not cleared for them."""
    reason: str
    approved_by: str
    expires: date
    days: int
    """Days left: 0 on the last day."""

    def __str__(self) -> str:
        left = "today is its last day" if self.days == 0 else f"{self.days} {'day' if self.days == 1 else 'days'} left"
        return (
            f"route {self.route}: {_listed(self.principals)} into {_listed(self.zones)} ({self.trust.value} trust) "
            f"until {self.expires}, {left}; approved by {self.approved_by}: {self.reason}"
        )


def clearance_of(access: Access, principal: Principal) -> tuple[Trust, Origin]:
    """A principal's clearance, and where it comes from."""
    if principal.clearance is not None:
        return principal.clearance, Origin.PRINCIPAL
    roles = {one.name: one.clearance for one in access.roles}
    if principal.role is not None and roles.get(principal.role) is not None:
        return access.clearance(principal), Origin.ROLE
    return access.clearance(principal), Origin.DEFAULT


def exceeding(access: Access) -> Iterator[Exceeding]:
    """Every destination of every route that is above the clearance of some of its principals, exceptions or not.

    Names that nothing declares are passed over: the check of names tells them.
    """
    principals = {one.name: one for one in access.principals}
    places = {one.name: one.zone for one in access.destinations}
    cleared = {one.name: access.clearance(one).rank for one in access.principals}
    for index, route in enumerate(access.routes):
        known = [principals[name] for name in route.from_ if name in principals]
        for position, name in enumerate(route.to):
            zone = access.zones.get(places.get(name, ""))
            below = () if zone is None else tuple(one for one in known if cleared[one.name] < zone.trust.rank)
            if zone is not None and below:
                yield Exceeding(index, route, position, places[name], zone.trust, below)


def exemptions(access: Access, today: date) -> tuple[Exemption, ...]:
    """The exceptions that hold on a day and that something needs, in the order of the routes."""
    found: dict[int, list[Exceeding]] = {}
    for one in exceeding(access):
        exception = one.route.exception
        if exception is not None and exception.expires >= today and not one.route.expired(today):
            found.setdefault(one.index, []).append(one)
    return tuple(_exemption(parts, today) for parts in found.values())


def _exemption(parts: list[Exceeding], today: date) -> Exemption:
    route = parts[0].route
    exception = route.exception
    assert exception is not None  # noqa: S101  # only such come here
    return Exemption(
        route=route.name,
        zones=tuple(dict.fromkeys(one.zone for one in parts)),
        trust=max((one.trust for one in parts), key=lambda one: one.rank),
        principals=tuple(dict.fromkeys(one.name for part in parts for one in part.principals)),
        reason=exception.reason,
        approved_by=exception.approved_by,
        expires=exception.expires,
        days=(exception.expires - today).days,
    )


def clearances(access: Access) -> tuple[Clearance, ...]:
    """The table: every principal in the document's order."""
    places = {one.name: one.zone for one in access.destinations}
    return tuple(_row(access, one, places) for one in access.principals)


def _row(access: Access, principal: Principal, places: dict[str, str]) -> Clearance:
    led = [
        (access.zones[places[name]].trust, places[name], route)
        for route in access.routes
        if principal.name in route.from_
        for name in route.to
    ]
    trust, zone, route = max(led, key=lambda one: one[0].rank, default=(None, None, None))
    clearance, origin = clearance_of(access, principal)
    return Clearance(
        principal=principal.name,
        kind="people" if principal.is_people else "tasks",
        who=(principal.group or "",) if principal.is_people else principal.dags,
        role=principal.role,
        clearance=clearance,
        origin=origin,
        zone=zone,
        trust=trust,
        route=route.name if route is not None else None,
        exception=route.exception if route is not None and trust is not None and trust.rank > clearance.rank else None,
    )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
