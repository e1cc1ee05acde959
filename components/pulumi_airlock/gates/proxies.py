"""Proxies behind a gate of networks: tasks connect to these in place of the destinations of their zones. No SDK in here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..access.model import Access
from ..errors import Problems
from ..proof.sets import Hosts, Intervals, Services, is_network


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


def check_proxies(access: Access, gate: str, given: Mapping[str, ProxyEntry], problems: Problems) -> dict[str, ProxyEntry]:
    """The proxies of zones as far as they are right, for the gate before them; notes what is wrong with them."""
    found = {}
    for zone, one in given.items():
        path = f"proxies[{zone}]"
        gates = access.zones[zone].gates if zone in access.zones else ()
        if zone not in access.zones:
            problems.add(path, f"no zone {zone!r}; there are {', '.join(access.zones)}")
        elif gate not in gates[:-1]:
            problems.add(path, f"zone {zone!r} has no gate after {gate!r} that carries traffic on: gates {list(gates)}")
        if not one.cidrs:
            problems.add(path, "no networks: write those of the proxy")
        for position, cidr in enumerate(one.cidrs):
            if not is_network(cidr):
                problems.add(f"{path}.cidrs[{position}]", f"{cidr!r} is no network: write 10.40.15.0/28")
        if not 1 <= one.port <= 65535:
            problems.add(f"{path}.port", f"{one.port}: write a port, 1 to 65535")
        port = min(max(one.port, 1), 65535)
        found[zone] = replace(one, cidrs=tuple(filter(is_network, one.cidrs)), port=port)
    return found
