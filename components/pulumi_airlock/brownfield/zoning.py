"""Which gates stand before what: the zones of a drafted access file, from what the stack's route tables tell."""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from ..access import Zone
from ..access.values import is_address
from ..errors import InputError, Problem
from ..gates import Reading
from ..gates.declaration import declared_access
from ..gates.stack import UNKNOWN, Stack
from ..proof.filters import Action, Filter, Kind, Rule
from ..proof.sets import Hosts
from ..tokens import FORTIGATE_GATE
from .making import slug
from .places import is_any_host

_CLUSTER = ("network_policy", "cilium", "istio", "linkerd", "consul")
CLUSTER = "cluster"
"""The zone of what is in the cluster."""
_FORTIGATE = (FORTIGATE_GATE, "pulumi:providers:fortios")
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_VPN_GATEWAY = "vgw-"
_TO_A_SITE = (
    *("route to transit gateway", "route to network interface", "propagated"),
    *("route to VPN tunnel", "custom learned route", "route learned by BGP"),
)
"""What routes to one's own networks are called; those to a virtual private gateway are told by its id."""


def zones_of(stack: Stack, reading: Reading, given: Mapping[str, Sequence[str]]) -> dict[str, Zone]:
    """The zones, each with the gates on the way.

    `given`: what somebody says of them, networks and gates mixed; else what an access says that the stack declares; else what
    routes tell. InputError where nothing tells which of several gates traffic passes: nothing is guessed.
    """
    names = {one.gate for one in reading.filters}
    declared = declared_access(stack)
    if given or declared is not None:
        told = {name: _given(name, items, names) for name, items in given.items()}
        # How sensitive a zone is counts against clearances, and a draft has none.
        return told or {
            name: Zone(cidrs=one.cidrs, gates=one.gates) for name, one in (declared.zones if declared else {}).items()
        }
    firewalls = list(dict.fromkeys(one.gate for one in reading.filters if _is_fortigate(stack, one)))
    private, internet = (_gates(stack, module) for module in ("zpa", "zia"))
    cluster = [gate for module in _CLUSTER for gate in _gates(stack, module)]
    known = {*firewalls, *private, *internet, *cluster}
    own = list(dict.fromkeys(one.gate for one in reading.filters if one.always and one.gate not in known))
    if not names:
        raise InputError([Problem("", "", "no source has a gate: nothing says what is let through")])
    behind = _behind_firewalls(stack, reading, firewalls, ambiguous=bool(internet))
    found: dict[str, Zone] = {}
    inside = tuple(_in_cluster(stack)) if cluster else ()
    if cluster:
        found[CLUSTER] = Zone(cidrs=inside, gates=tuple(cluster))
        behind = {gate: tuple(map(str, _without(networks, inside).networks())) for gate, networks in behind.items()}
    for gate, networks in behind.items():
        found[slug(f"behind-{gate}")] = Zone(cidrs=networks, gates=(*cluster, gate))
    rest = _rest([*inside, *(one for networks in behind.values() for one in networks)])
    if rest:
        gates = (*cluster, *internet) or tuple(own) or tuple(private)
        found["internet" if internet else "elsewhere"] = Zone(cidrs=rest, gates=gates)
    if private:
        found["private-applications"] = Zone(gates=(*cluster, *private))
    return found


def _in_cluster(stack: Stack) -> Iterator[str]:
    """The addresses that Services have, as far as the objects tell: those that the API server gave out."""
    services = [one.get("spec", "clusterIP") for one in stack.of_type("kubernetes:core/v1:Service")]
    known = Hosts.union(Hosts.from_cidr(one) for one in services if isinstance(one, str) and is_address(one))
    yield from map(str, known.networks())


def _without(networks: Sequence[str], inside: Sequence[str]) -> Hosts:
    return (Hosts.from_cidrs(networks) - Hosts.from_cidrs(inside)).addresses()


def _given(name: str, items: Sequence[str], gates: set[str]) -> Zone:
    cidrs, listed = [one for one in items if "/" in one], [one for one in items if "/" not in one]
    lost = [one for one in listed if one not in gates]
    if lost or not listed:
        has = ", ".join(sorted(gates)) or "none"
        message = f"zone {name} names {', '.join(lost)}, which no source has" if lost else f"zone {name} names no gate"
        raise InputError([Problem("", "--zone", f"{message}: the gates are {has}")])
    return Zone(cidrs=tuple(cidrs), gates=tuple(listed))


def _is_fortigate(stack: Stack, one: Filter) -> bool:
    resource = stack.find(one.urn)
    return resource is not None and (resource.type in _FORTIGATE or resource.type.startswith("fortios:"))


def _gates(stack: Stack, module: str) -> list[str]:
    package = __name__.rpartition(".")[0].rpartition(".")[0]
    found = import_module(f"{package}.gates.{module}").read(stack)
    return list(dict.fromkeys(one.gate for one in found))


def _behind_firewalls(stack: Stack, reading: Reading, firewalls: list[str], *, ambiguous: bool) -> dict[str, tuple[str, ...]]:
    """What lies behind a FortiGate: what routes lead to a site, or everything where there are no other ways."""
    if not firewalls:
        return {}
    fix = "say so with --zone NAME=CIDR,…,GATE, once for each"
    if len(firewalls) > 1:
        message = (
            f"there are {len(firewalls)} FortiGates ({', '.join(firewalls)}), and nothing tells what lies behind which: {fix}"
        )
        raise InputError([Problem("", "", message)])
    routing = [one for one in reading.filters if one.kind is Kind.ROUTING]
    if not routing and not ambiguous:
        return {firewalls[0]: _EVERYWHERE}
    networks = Hosts.union(_to_sites(stack, routing)).addresses()
    if not networks or (ambiguous and is_any_host(networks)):
        raise InputError([Problem("", "", f"nothing tells which networks lie behind {firewalls[0]}: {fix}")])
    return {firewalls[0]: tuple(map(str, networks.networks()))}


def _to_sites(stack: Stack, routing: Sequence[Filter]) -> Iterator[Hosts]:
    for one in routing:
        for rule in one.rules:
            if rule.action is Action.ALLOW and not rule.unknown and _leads_to_a_site(stack, rule):
                yield rule.match.hosts


def _leads_to_a_site(stack: Stack, rule: Rule) -> bool:
    if rule.source.label in _TO_A_SITE:
        return True
    resource = stack.find(rule.source.urn)
    if resource is None:
        return False
    steps: list[Any] = [int(one) if one.isdigit() else one for one in re.findall(r"\w+", rule.source.position)]
    gateway = resource.get(*steps, "gatewayId")
    if gateway is UNKNOWN:
        return any("vpnGateway" in one.type for one in resource.refers_to(str(steps[0]) if steps else "gatewayId"))
    return isinstance(gateway, str) and gateway.startswith(_VPN_GATEWAY)


def _rest(cidrs: Sequence[str]) -> tuple[str, ...]:
    """All networks that are in none of these."""
    return tuple(map(str, Hosts.from_cidrs(cidrs).complement().networks())) if cidrs else _EVERYWHERE
