"""Which destination a connection goes to: one that the access file declares, or one that it would have to.

A log shows an address, a name, or both. What one log tells of an address another one can use: where an address was seen with one
name alone, it has that name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from ..access import Access, Destination
from ..logs import envoy, flow, fortigate, gcp, hubble, lss, nss, proxy
from ..proof.sets import Hosts, Services
from ..verify.points import address_in, serves, service

GATES: Mapping[str, str] = {
    proxy.FORMAT: "tcp_proxy",
    lss.FORMAT: "zpa",
    nss.FIREWALL: "zia",
    nss.WEB: "zia",
    fortigate.FORMAT: "fortigate",
    hubble.FORMAT: "cilium",
    envoy.FORMAT: "istio",
    gcp.FIREWALL: "gcp_firewall",
    gcp.FLOW: "gcp_firewall",
    flow.TGW: "aws_network",
    flow.VPC: "aws_network",
}
"""Format → the kind of gate that writes it, those that know most of a connection first."""


NEIGHBOURS = {4: 28, 6: 124}
"""Prefix lengths: addresses so close together, on one port, are taken for one destination's."""


class End(NamedTuple):
    """Where a connection goes, as a log shows it."""

    address: str
    name: str
    port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Target:
    """A destination: a declared one by its name, or what would have to be declared."""

    declared: str
    """Its name in the access file; empty where it is not declared."""
    host: str = ""
    """Otherwise its name; or the network of neighbours that its address is of: a service has several, side by side."""
    port: int = 0
    protocol: str = ""

    @property
    def is_network(self) -> bool:
        """Whether nothing is known but addresses."""
        return "/" in self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.declared or (f"{host}:{self.port}/{self.protocol}" if self.port else f"{host}:{self.protocol}")


class Places:
    """The destinations of an access file, asked for one end after the other."""

    def __init__(self, access: Access | None, ends: Iterable[End]) -> None:
        """`ends`: all that were seen, to know the names of addresses."""
        found = access.destinations if access is not None else ()
        self._declared = [(one, _services(one), Hosts.from_names(one.hosts), Hosts.from_cidrs(one.networks())) for one in found]
        self._names = _names(ends)

    def named(self, one: End) -> End:
        """The same with the name that its address has elsewhere, in small letters."""
        return one._replace(name=(one.name or self._names.get(one.address, "")).lower().rstrip("."))

    def of(self, one: End) -> Target:
        """Which destination it is."""
        end = self.named(one)
        wanted = service(end.protocol, end.port)
        serving = [
            (destination, names, networks)
            for destination, services, names, networks in self._declared
            if any(serves(each, wanted) for each in services)
        ]
        for destination, names, _ in serving:
            if end.name and end.name in names.names:
                return Target(destination.name)
        for destination, _, networks in serving:
            other = bool(end.name) and bool(destination.hosts)  # an address with several names is somebody else's by another
            if not other and end.address and address_in(end.address, networks):
                return Target(destination.name)
        return Target("", end.name or _neighbours(end.address), end.port, end.protocol)


def _neighbours(address: str) -> str:
    prefix = NEIGHBOURS[ip_address(address).version]
    return str(ip_network(f"{address}/{prefix}", strict=False))


def _services(destination: Destination) -> list[Services]:
    return [Services.of(protocol, first, last) for protocol, first, last in destination.services()]


def _names(ends: Iterable[End]) -> dict[str, str]:
    """Address → its name, where it was seen with one alone."""
    seen: dict[str, set[str]] = {}
    for one in ends:
        if one.address and one.name:
            seen.setdefault(one.address, set()).add(one.name.lower().rstrip("."))
    return {address: min(names) for address, names in seen.items() if len(names) == 1}
