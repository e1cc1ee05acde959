"""What `toPorts` and `icmps` say: ports, and what is looked at within the connection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...proof.filters import HttpOperation
from ...proof.sets import Services
from ..kubernetes import Workload
from ..stack import UNKNOWN, listed
from .patterns import requests_of

_ANY = ("tcp", "udp", "sctp")
"""What a port of protocol ANY means (Cilium API, `PortProtocol`)."""
_NUMBERS = {"vrrp": 112, "igmp": 2, "gre": 47, "ipip": 4, "ipv6": 41, "esp": 50, "ah": 51}
_OTHER_L7 = ("kafka", "l7", "l7proto")


@dataclass(frozen=True, slots=True)
class Port:
    """An entry of `ports`."""

    protocols: tuple[str | int, ...]
    first: int = 0
    """0: every port."""
    last: int = 0
    name: str = ""
    """Of a container port of the destination."""

    def services(self, pods: Workload | None) -> Services:
        """The ports at a destination; pods None: outside of the cluster, where no port has a name."""
        if self.name:
            found = None if pods is None else pods.ports.get(self.name)
            return Services.of(found[0], found[1], found[1]) if found and found[0] in self.protocols else Services()
        if not self.first:
            return Services.union(map(Services.of, self.protocols))
        return Services.union(Services.of(one, self.first, max(self.first, self.last)) for one in self.protocols)


@dataclass(frozen=True, slots=True)
class PortRule:
    """What a rule lets through of a connection: one entry of `toPorts`, or of its requests."""

    ports: tuple[Port, ...] | None = None
    """None: every port of every protocol."""
    operations: frozenset[HttpOperation] | None = None
    dns: tuple[str, ...] | None = None
    """Patterns of names that may be asked for; None: DNS is not looked at."""
    servers: tuple[str, ...] | None = None
    """Server names (SNI); None: TLS is not looked at."""
    unknown: tuple[str, ...] = ()

    def services(self, pods: Workload | None) -> Services:
        """The ports at a destination."""
        return Services.every() if self.ports is None else Services.union(one.services(pods) for one in self.ports)

    @property
    def plain(self) -> bool:
        """Whether it lets connections through without looking into them."""
        return self.operations is None and self.dns is None and self.servers is None and not self.unknown


def port_rules(rule: Mapping[str, Any], where: str) -> tuple[PortRule, ...] | None:
    """The port rules of a rule; None where it has none, which is every port."""
    found: list[PortRule] = []
    for key, read in (("toPorts", _port_rule), ("icmps", _icmp)):
        given = rule.get(key)
        if given is UNKNOWN:
            found.append(PortRule(unknown=(f"{where}.{key}",)))
        for number, one in enumerate(listed(given) if given is not UNKNOWN else ()):
            here = f"{where}.{key}[{number}]"
            found += read(one, here) if isinstance(one, Mapping) else [PortRule(unknown=(here,))]
    return tuple(found) or None


def _port_rule(one: Mapping[str, Any], where: str) -> Iterator[PortRule]:
    ports, unknown = _ports(one.get("ports"), where)
    servers = one.get("serverNames")
    if servers is not None and (not isinstance(servers, list | tuple) or UNKNOWN in servers):
        unknown, servers = (*unknown, f"{where}.serverNames"), None
    names = tuple(map(str, servers)) if servers else None
    if one.get("listener") is not None:
        unknown = (*unknown, f"{where}.listener: an Envoy listener decides")
    rules = one.get("rules")
    if rules is UNKNOWN:
        yield PortRule(ports, servers=names, unknown=(*unknown, f"{where}.rules"))
        return
    rules = rules if isinstance(rules, Mapping) else {}
    for key in _OTHER_L7:
        if rules.get(key) is UNKNOWN or rules.get(key):
            yield PortRule(ports, servers=names, unknown=(*unknown, f"{where}.rules.{key}: requests that the proof has none of"))
            return
    dns, http = rules.get("dns"), rules.get("http")
    if dns is UNKNOWN or dns:
        yield _dns(ports, names, dns, unknown, f"{where}.rules.dns")
    elif http is UNKNOWN or http:
        yield from _http(ports, names, http, unknown, f"{where}.rules.http")
    else:
        # An empty list of requests restricts nothing (Cilium API, `L7Rules.IsEmpty`).
        yield PortRule(ports, servers=names, unknown=unknown)


def _ports(given: Any, where: str) -> tuple[tuple[Port, ...] | None, tuple[str, ...]]:
    if given is UNKNOWN:
        return None, (f"{where}.ports",)
    if not given:
        return None, ()
    found: list[Port] = []
    unknown: list[str] = []
    for number, one in enumerate(given):
        here = f"{where}.ports[{number}]"
        port = _port(one) if isinstance(one, Mapping) and UNKNOWN not in one.values() else None
        if port is None:
            unknown.append(here)
        else:
            found.append(port)
    return (None if unknown else tuple(found)), tuple(unknown)


def _port(one: Mapping[str, Any]) -> Port | None:
    text = str(one.get("protocol") or "ANY").lower()
    protocols: tuple[str | int, ...] = _ANY if text == "any" else (_NUMBERS.get(text, text),)
    port, last = str(one.get("port") or "0").removesuffix(".0"), one.get("endPort")
    if not port.isdigit():
        return Port(protocols, name=port)
    found = Port(protocols, int(port), int(last) if last else 0)
    try:
        found.services(None)
    except ValueError:
        return None
    return found


def _dns(
    ports: tuple[Port, ...] | None, servers: tuple[str, ...] | None, given: Any, unknown: tuple[str, ...], where: str
) -> PortRule:
    if given is UNKNOWN:
        return PortRule(ports, dns=(), servers=servers, unknown=(*unknown, where))
    patterns: list[str] = []
    missing: list[str] = []
    for number, one in enumerate(given):
        text = (one.get("matchName") or one.get("matchPattern")) if isinstance(one, Mapping) else UNKNOWN
        if isinstance(text, str):
            patterns.append(text)
        else:
            missing.append(f"{where}[{number}]")
    # That some names are not known decides about names, not about the connection to the resolver.
    return PortRule(ports, dns=tuple(patterns), servers=servers, unknown=unknown if patterns else (*unknown, *missing))


def _http(
    ports: tuple[Port, ...] | None, servers: tuple[str, ...] | None, given: Any, unknown: tuple[str, ...], where: str
) -> Iterator[PortRule]:
    if given is UNKNOWN:
        yield PortRule(ports, frozenset({HttpOperation()}), servers=servers, unknown=(*unknown, where))
        return
    known: set[HttpOperation] = set()
    for number, one in enumerate(given):
        here = f"{where}[{number}]"
        if not isinstance(one, Mapping) or any(one.get(key) is UNKNOWN for key in ("method", "path", "host", "headers")):
            yield PortRule(ports, frozenset({HttpOperation()}), servers=servers, unknown=(*unknown, here))
            continue
        requests = requests_of(str(one.get("method") or ""), str(one.get("path") or ""))
        reasons = list(requests.unknown)
        reasons += [f"{key}" for key in ("headers", "headerMatches") if one.get(key)]
        reasons += ["host"] if one.get("host") not in (None, "", ".*") else []
        if reasons:
            yield PortRule(
                ports, requests.operations, servers=servers, unknown=(*unknown, *(f"{here}: {reason}" for reason in reasons))
            )
        else:
            known |= requests.operations
    if known:
        yield PortRule(ports, frozenset(known), servers=servers, unknown=unknown)


def _icmp(one: Mapping[str, Any], where: str) -> Iterator[PortRule]:
    fields = one.get("fields")
    if fields is UNKNOWN:
        yield PortRule((Port(("icmp", "icmpv6")),), unknown=(f"{where}.fields",))
    for number, field in enumerate(fields or ()):
        here = f"{where}.fields[{number}]"
        family = field.get("family") or "IPv4" if isinstance(field, Mapping) else UNKNOWN
        protocols = ("icmp", "icmpv6") if family is UNKNOWN else ("icmpv6",) if family == "IPv6" else ("icmp",)
        # The proof tells no types of ICMP apart, and a rule always names one.
        kind = field.get("type") if isinstance(field, Mapping) else None
        yield PortRule((Port(protocols),), unknown=(f"{here}: of ICMP type {kind} alone",))
