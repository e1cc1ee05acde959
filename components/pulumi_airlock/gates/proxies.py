"""Proxies behind a gate of networks: tasks connect to these in place of the destinations of their zones. No SDK in here."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..access.model import Access
from ..errors import Problems
from ..proof.sets import Hosts, Intervals, Services


@dataclass(frozen=True, slots=True)
class ProxyEntry:
    """Where tasks connect to a proxy (`TcpProxy.entry`)."""

    cidrs: tuple[str, ...]
    """The networks that it is in."""
    port: int
    """Its TCP port."""

    @property
    def addresses(self) -> Intervals:
        """Its IPv4 addresses."""
        return Hosts.from_cidrs(self.cidrs).v4

    @property
    def services(self) -> Services:
        """Its port."""
        return Services.of("tcp", self.port, self.port)


def check_proxies(access: Access, gate: str, given: Mapping[str, ProxyEntry], problems: Problems) -> None:
    """Notes what is wrong with the proxies of zones, for the gate before them."""
    for zone, one in given.items():
        path = f"proxies[{zone}]"
        gates = access.zones[zone].gates if zone in access.zones else ()
        if zone not in access.zones:
            problems.add(path, f"no zone {zone!r}; there are {', '.join(access.zones)}")
        elif gate not in gates[:-1]:
            problems.add(path, f"zone {zone!r} has no gate after {gate!r} that carries traffic on: gates {list(gates)}")
        if not one.cidrs:
            problems.add(path, "no networks: write those of the proxy")
