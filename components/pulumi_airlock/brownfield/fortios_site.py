"""Where a FortiGate stands, as its backup tells: by which interface Airflow's traffic comes in, and what lies behind the others.

FortiOS takes a packet by an interface only if it has a route back by it (reverse path check, FortiOS administration guide), and
policies name interfaces: so routes say which policies a task can meet. Routes that are learned are in no backup.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any
from zoneinfo import available_timezones

from ..environments import read_environments
from ..tokens import FORTIGATE_GATE
from .fortios_text import Node
from .making import Made

_DISTANCE = "10"
_DEFAULT_ROUTE = ("0.0.0.0", "0.0.0.0")  # noqa: S104  # no address to listen at
"""Of a static route that says none (FortiOS CLI reference, `config router static`)."""
_SDWAN = "virtual-wan-link"
"""The zone of a member of SD-WAN that says none."""
_BY_NAME = ("dstaddr", "internet-service", "internet-service-custom")
"""Settings of a static route that is to no network."""
_INTERFACES = ("system interface", "system zone", "vpn ipsec phase1-interface")

Tables = Mapping[str, list[Node]]
"""Table → its entries, of one VDOM."""


@dataclass(frozen=True, slots=True)
class _Route:
    network: IPv4Network
    interface: str
    distance: int
    """0 for what is connected."""


def place(gate: str, settings: Node | None, tables: Tables, unread: Sequence[str], made: Made) -> str:
    """Adds a component that says where the device stands; its URN, or nothing where that is not known."""
    timezone = made.options.timezone or (settings.text("timezone") if settings is not None else "")
    routes = _best([*_connected(tables), *_static(tables)])
    sources = {one.name: [str(network) for network in one.sources.networks()] for one in read_environments(made.stack())}
    own = {entry.name for table in _INTERFACES for entry in tables[table]}
    told_ones = [one for one in made.options.interfaces if one in own]
    made.interfaces.update(own)
    tunnels = told_ones or _ways_in(routes, sources, unread)
    _tell(gate, timezone, sources, tunnels, unread, made)
    if not tunnels:
        return ""
    told: dict[str, Any] = {"gate": gate, "sources": sources, "tunnelInterfaces": tunnels, "timezone": timezone}
    if not unread and not _hides_routes(tables):
        told["interfaces"] = _territories(routes)
    return made.add(FORTIGATE_GATE, gate, told, custom=False).urn


def _tell(gate: str, timezone: str, sources: Mapping[str, Any], tunnels: list[str], unread: Sequence[str], made: Made) -> None:
    if sources and not tunnels:
        by = f" ({', '.join(unread)}: not in a backup)" if unread else ""
        made.notes.append(
            f"{gate}: no static route tells by which interface {', '.join(sources)} comes in{by}: policies of every interface "
            "count as met; --interface NAME says which"
        )
    if timezone not in available_timezones():
        what = f"number {timezone}" if timezone.isdigit() else f"{timezone!r}, which is none"
        number = what if timezone else "not in the backup"
        made.notes.append(
            f"{gate}: its time zone is {number}: schedules are not known; --timezone says which, as in Europe/Zurich"
        )
    if unread:
        made.notes.append(
            f"{gate}: {', '.join(unread)} decide what lies behind an interface: policies that refuse may not be met"
        )


def _connected(tables: Tables) -> Iterator[_Route]:
    for one in tables["system interface"]:
        network = _network(one.values("ip"))
        if one.text("status", "up") == "up" and network is not None and network.prefixlen > 0:
            yield _Route(network, one.name, 0)


def _static(tables: Tables) -> Iterator[_Route]:
    for one in tables["router static"]:
        ways = one.values("sdwan-zone") or one.values("device") or (("blackhole",) if one.text("blackhole") == "enable" else ())
        network, distance = _network(one.values("dst") or _DEFAULT_ROUTE), one.text("distance", _DISTANCE)
        enabled = one.text("status", "enable") == "enable"
        if enabled and network is not None and distance.isdigit() and not _says(one, *_BY_NAME):
            yield from (_Route(network, interface, int(distance)) for interface in ways)


def _network(values: Sequence[str]) -> IPv4Network | None:
    """An address with its mask; None for what is none, of which `fortios` tells."""
    try:
        return IPv4Network("/".join(values), strict=False) if values else None
    except ValueError:
        return None


def _hides_routes(tables: Tables) -> bool:
    """Whether addresses come by DHCP or PPPoE, routes are to what is no network, or by SD-WAN without its zone (FortiOS 6): then
    not all routes are known."""
    asked = any(one.text("mode", "static") != "static" for one in tables["system interface"])
    return asked or any(_says(one, *_BY_NAME, "sdwan", "virtual-wan-link") for one in tables["router static"])


def _says(entry: Node, *keys: str) -> bool:
    """Whether an entry sets one of these to more than FortiOS's default."""
    return any(entry.text(key) not in ("", "0", "disable") for key in keys)


def sdwan_zones(nodes: Iterable[Node | None]) -> list[Node]:
    """The zones of SD-WAN, each with its members' interfaces, as entries of `config system zone`."""
    found: dict[str, tuple[Node, list[str]]] = {}
    for node in nodes:
        members = node.table("members") if node is not None else None
        for one in members.entries if members is not None else ():
            name = one.text("zone", _SDWAN)
            found.setdefault(name, (one, []))[1].extend(one.values("interface"))
    return [Node(name, one.line, {"interface": tuple(interfaces)}) for name, (one, interfaces) in found.items()]


def _best(routes: Sequence[_Route]) -> list[_Route]:
    """Of routes to one network, those of the least distance."""
    least: dict[IPv4Network, int] = {}
    for one in routes:
        least[one.network] = min(one.distance, least.get(one.network, one.distance))
    return [one for one in routes if one.distance == least[one.network]]


def _ways_in(routes: Sequence[_Route], sources: Mapping[str, list[str]], unread: Sequence[str]) -> list[str]:
    """The interfaces to which the routes to all environments lead; none where they do not tell."""
    found: dict[str, None] = {}
    networks = [one for cidrs in sources.values() for one in map(ip_network, cidrs) if isinstance(one, IPv4Network)]
    for network in networks:
        around = [one for one in routes if network.subnet_of(one.network)]
        longest = max((one.network.prefixlen for one in around), default=-1)
        split = any(one.network != network and one.network.subnet_of(network) for one in routes)
        if longest < 0 or split or (longest == 0 and unread):
            return []
        found.update((one.interface, None) for one in around if one.network.prefixlen == longest)
    return list(found)


def _territories(routes: Sequence[_Route]) -> dict[str, Any]:
    """(Interfaces, networks) that the routes lead to, in the form of a gate's `interfaces`."""
    networks: dict[IPv4Network, dict[str, None]] = {}
    for one in routes:
        networks.setdefault(one.network, {})[one.interface] = None
    together: dict[tuple[str, ...], list[IPv4Network]] = {}
    for network, interfaces in networks.items():
        together.setdefault(tuple(sorted(interfaces)), []).append(network)
    return {
        "+".join(interfaces): {"interfaces": list(interfaces), "cidrs": [str(one) for one in found]}
        for interfaces, found in together.items()
    }
