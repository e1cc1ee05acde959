"""What the routes through a FortiGate become there, as plain data: objects and policies, before any resource is made.

Nothing is ever widened: routes share a policy only where the union of what they allow is exactly one product of sources,
destinations, services and windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .people import SamlIdentity

DAYS = {
    "mon": "monday",
    "tue": "tuesday",
    "wed": "wednesday",
    "thu": "thursday",
    "fri": "friday",
    "sat": "saturday",
    "sun": "sunday",
}


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
    """The device's own; empty where what was given is none: no window is then held against it."""
    user_groups: Mapping[str, str]
    """Group of the identity provider → FortiGate user group, where the names differ."""
    prefix: str
    """In front of the name of every object made."""
    saml: "SamlIdentity | None" = None
    """How people sign in here; None: the device has user groups already."""
    tunnels: tuple[str, ...] = ()
    """Those interfaces of the environments whose names are known beforehand."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address object. `kind` is FortiOS's: `ipmask`/`ipprefix` (value: a network), `fqdn` (value: a name)."""

    name: str
    family: int
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class AddressGroup:
    """An address group: its name and its members' names, all of one family."""

    name: str
    family: int
    members: tuple[str, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class Service:
    """A custom service: ports `first`…`last` of one protocol; `icmp` and `icmpv6` have none."""

    name: str
    protocol: str
    first: int
    last: int

    @property
    def portrange(self) -> str:
        """The ports as FortiOS writes them."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring schedule: FortiOS day names, `hh:mm`; an end at or before the start is on the next day."""

    name: str
    days: tuple[str, ...]
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class ScheduleGroup:
    """Several schedules, any of which holds."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """An accept policy. Its fields are names of objects of the plan, or FortiOS's own (`all`, `always`)."""

    name: str
    routes: tuple[str, ...]
    people: bool
    dstintfs: tuple[str, ...]
    sources: Mapping[int, tuple[str, ...]]
    """By address family, as are `destinations`."""
    destinations: Mapping[int, tuple[str, ...]]
    services: tuple[str, ...]
    schedule: str
    groups: tuple[str, ...]
    """FortiGate user groups; empty for workloads."""
    expires: date | None
    """The last day, in UTC."""
    comment: str


@dataclass(frozen=True, slots=True)
class UserGroup:
    """A user group of people who sign in: a group of the identity provider, by the name that the device has for it."""

    name: str
    group: str
    """The identity provider's."""
    minutes: int
    """How long a sign-in lasts: the shortest session of their routes."""


@dataclass(slots=True)
class Plan:
    """Every object and policy, in order; the deny-all comes after the last one."""

    addresses: dict[tuple[int, str], Address] = field(default_factory=dict)
    groups: dict[tuple[int, str], AddressGroup] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    schedule_groups: dict[str, ScheduleGroup] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
    user_groups: dict[str, UserGroup] = field(default_factory=dict)
    """By name; empty where the device has its groups already."""
