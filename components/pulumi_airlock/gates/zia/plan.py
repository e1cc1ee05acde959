"""What the routes through ZIA become there, as plain data: locations, objects and rules, before any resource is made.

Every object has a key that does not depend on its content, so that a change is an update in place: ZIA takes 400 of those an
hour, and 4 deletions.
"""

from dataclasses import dataclass, field
from datetime import date

RULE_NAME = 31
LOCATION_NAME = 32
OBJECT_NAME = 255
"""Characters of names (ZIA's admin portal: rules, locations; groups and services)."""
CATEGORY_LIMIT = 64
"""Custom URL categories of a tenant (Zscaler, "Configuring Custom URL Categories"); a subscription may have more."""
DESCRIPTION = 10240

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Location:
    """A location told by a proxy port, or a sub-location told by source addresses."""

    key: str
    environment: str
    component: str
    """`scheduler`, `worker`, `webserver`, or `all`."""
    name: str
    ports: tuple[int, ...]
    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A network service: TCP and UDP port ranges."""

    key: str
    name: str
    tcp: tuple[Span, ...]
    udp: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Category:
    """A custom URL category. A leading dot stands for the name and all below it."""

    key: str
    name: str
    urls: tuple[str, ...]
    ip_ranges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allow:
    """A firewall or URL rule that lets some locations reach one destination."""

    key: str
    name: str
    order: int
    locations: tuple[str, ...]
    """Keys."""
    destination: str
    addresses: tuple[str, ...]
    """Of a firewall rule: networks, names, names with all below them (`*.cdn.example`)."""
    time_window: int | None
    expires: date | None
    routes: tuple[str, ...]
    description: str


@dataclass(slots=True)
class Plan:
    """Everything, in order; a rule that blocks all locations comes after the last rule of each kind."""

    locations: dict[str, Location] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    categories: dict[str, Category] = field(default_factory=dict)
    firewall: list[Allow] = field(default_factory=list)
    urls: list[Allow] = field(default_factory=list)
    first_order: int = 1
