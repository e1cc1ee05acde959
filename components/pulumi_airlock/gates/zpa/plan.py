"""What the routes through ZPA become there, as plain data: segments, access rules, timeouts, before any resource is made.

Nothing is ever widened: routes share a rule only where the union of what they allow is exactly callers × segments.
"""

from dataclasses import dataclass, field
from enum import Enum

from .site import Posture


class Lane(Enum):
    """By what callers are known. Rules hold callers of one kind."""

    CLOUD = "EDGE_CONNECTOR_GROUP"
    MACHINE = "MACHINE_GRP"
    PEOPLE = "SCIM_GROUP"


CLIENT_TYPE = {Lane.CLOUD: "zpn_client_type_edge_connector", Lane.MACHINE: "zpn_client_type_machine_tunnel"}
"""The client type of each kind of workload."""

PEOPLE_CLIENTS = ("zpn_client_type_zapp",)
"""The client type of people: Client Connector, which alone tells of a device's posture."""


@dataclass(frozen=True, slots=True)
class Segment:
    """An application segment: the domains, and the ports on all of them."""

    name: str
    destinations: tuple[str, ...]
    """Whose hosts and ports these are: several where destinations overlap."""
    zones: tuple[str, ...]
    domains: tuple[str, ...]
    tcp: tuple[tuple[int, int], ...]
    udp: tuple[tuple[int, int], ...]
    ping: bool
    description: str


@dataclass(frozen=True, slots=True)
class AccessRule:
    """An access rule that allows."""

    name: str
    lane: Lane
    callers: tuple[str, ...]
    """Environments, or groups of the identity provider."""
    postures: tuple[Posture, ...]
    segments: tuple[str, ...]
    routes: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class TimeoutRule:
    """A timeout rule: how long a session to these segments lasts before its caller must authenticate again."""

    name: str
    lane: Lane
    callers: tuple[str, ...]
    """Groups of people; workloads are known by their client type alone."""
    segments: tuple[str, ...]
    timeout: str


@dataclass(slots=True)
class Plan:
    """Everything, in order; what refuses the rest comes after the last rule."""

    segments: dict[str, Segment] = field(default_factory=dict)
    rules: list[AccessRule] = field(default_factory=list)
    timeouts: list[TimeoutRule] = field(default_factory=list)

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones that segments lie in, in order of first use."""
        return tuple(dict.fromkeys(zone for one in self.segments.values() for zone in one.zones))
