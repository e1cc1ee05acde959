"""What the routes through a FortiGate become there, as plain data: objects and policies, before any resource is made.

Nothing is ever widened: routes share a policy only where the union of what they allow is exactly one product of sources,
destinations, services and windows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

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


@dataclass(slots=True)
class Plan:
    """Every object and policy, in order; the deny-all comes after the last one."""

    addresses: dict[tuple[int, str], Address] = field(default_factory=dict)
    groups: dict[tuple[int, str], AddressGroup] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    schedule_groups: dict[str, ScheduleGroup] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
