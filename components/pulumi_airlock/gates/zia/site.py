"""What a ZIA gate has to be told beside the routes: how each environment's traffic gets to Zscaler, and what a location is
like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...environments.mwaa.egress import COMPONENTS, Component, ProxyEgress

if TYPE_CHECKING:
    import pulumi

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelEgress:
    """An environment whose traffic comes through a tunnel (GRE, IPsec): its sub-location is told by source addresses.

    Either `cidrs`, for all components together: MWAA's share their subnets, and ZIA tells sub-locations by address alone. Or
    the subnets of each component, where each has its own.
    """

    parent_id: "pulumi.Input[int]"
    """The tunnel's location: `ZscalerTunnel.location_id`, or the number of one that is there."""
    cidrs: tuple[str, ...] = ()
    scheduler: tuple[str, ...] = ()
    worker: tuple[str, ...] = ()
    webserver: tuple[str, ...] = ()

    @property
    def parts(self) -> Mapping[Component | Literal["all"], tuple[str, ...]]:
        """Component → its subnets; `all` where they are told together."""
        if self.cidrs:
            return {"all": self.cidrs}
        return {"scheduler": self.scheduler, "worker": self.worker, "webserver": self.webserver}

    @property
    def every(self) -> tuple[str, ...]:
        """The subnets of all components."""
        return tuple(dict.fromkeys(cidr for cidrs in self.parts.values() for cidr in cidrs))


Forwarding = ProxyEgress | TunnelEgress


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationSettings:
    """What every location of the gate has in common. Firewall and IPS are on, authentication off: tasks cannot answer it."""

    country: str | None = None
    """ZIA's name of it (`SWITZERLAND`)."""
    tz: str | None = None
    """ZIA's name of the time zone (`SWITZERLAND_EUROPE_ZURICH`), by which time intervals are taken."""
    ssl_inspection: bool = True
    """Whether TLS is decrypted: without it, ZIA sees a request's host alone. Needs the authority in `ProxyEgress.ca_bundle`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """A time interval that the tenant has: ZIA's API makes none, so that an administrator does, and tells its number here.

    Routes with just this window are limited by it. Readers take its hours from here, since no resource has them.
    """

    id: int
    days: tuple[Day, ...]
    from_: str
    """`02:00`, in `timezone`."""
    to: str
    timezone: str
    """IANA. The locations' `tz` has to be the same: ZIA takes an interval in the time zone of the location."""


@dataclass(frozen=True, slots=True)
class Site:
    """All that a compilation is told beside the routes."""

    name: str
    """The gate, as zones write it."""
    environments: Mapping[str, Forwarding]
    others: Mapping[str, tuple[str, ...]]
    """`scheduler`, `webserver` → destinations that they may reach too."""
    time_windows: tuple[TimeWindow, ...]
    first_order: int
    rank: int
    prefix: str
    max_categories: int


__all__ = ["COMPONENTS", "Component", "Forwarding", "LocationSettings", "ProxyEgress", "Site", "TimeWindow", "TunnelEgress"]
