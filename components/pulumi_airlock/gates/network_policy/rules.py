"""What NetworkPolicies say, in one form for the proof and for connections between workloads: one truth for both.

Semantics: Kubernetes API, `networking.k8s.io/v1`, and "Network Policies" of the documentation. Isolation is per direction;
policies add up; nothing denies; both ends must allow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...proof.filters import Source
from ...proof.sets import Hosts, Services
from ..kubernetes import KubeObject, LabelSelector, Workload
from ..stack import UNKNOWN, listed, port_number

GROUP = "networking.k8s.io"
INGRESS, EGRESS = "ingress", "egress"
DIRECTIONS = (INGRESS, EGRESS)
_LAST_PORT = 65535
_PROTOCOLS = ("tcp", "udp", "sctp")


@dataclass(frozen=True, slots=True)
class PortRule:
    """An entry of `ports`."""

    protocol: str
    """`tcp`, `udp`, `sctp`; the API's default is TCP. Of a name in an AdminNetworkPolicy, empty: that of the container's port."""
    first: int | None = None
    """None: all ports of the protocol, or a port by name."""
    last: int | None = None
    name: str = ""
    """Of a container port of the destination."""
    unknown: bool = False

    def services(self, pods: Workload | None) -> Services:
        """The ports at a destination; pods None: outside of the cluster, where no port has a name."""
        if self.name:
            protocol, number = (pods.ports.get(self.name) if pods is not None else None) or ("", 0)
            return Services.of(protocol, number, number) if protocol and self.protocol in (protocol, "") else Services()
        if self.first is None:
            return Services.of(self.protocol)
        last = self.first if self.last is None else self.last
        # The API refuses ports out of range or order: nothing of the kind is ever let through.
        return Services.of(self.protocol, self.first, last) if 0 <= self.first <= last <= _LAST_PORT else Services()


@dataclass(frozen=True, slots=True)
class Peer:
    """An entry of `from` or `to`: pods, or addresses."""

    namespace: LabelSelector | str | None = None
    """A selector, or the policy's own namespace by name."""
    pods: LabelSelector | None = None
    block: Hosts | None = None
    unknown: tuple[str, ...] = ()

    @property
    def anybody(self) -> bool:
        """Whether nothing is known of it: it may mean anybody, pods and names included."""
        return bool(self.unknown) and self.block == Hosts.every()


@dataclass(frozen=True, slots=True)
class Allowance:
    """One rule of one direction."""

    position: int
    peers: tuple[Peer, ...] | None
    """None: everybody."""
    ports: tuple[PortRule, ...] | None
    """None: every port of every protocol."""

    def services(self, pods: Workload | None) -> Services:
        """The ports at a destination that the rule lets through."""
        if self.ports is None:
            return Services.every()
        return Services.union(one.services(pods) for one in self.ports)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What of its ports is not known."""
        return tuple(f"ports[{number}]" for number, one in enumerate(self.ports or ()) if one.unknown)


@dataclass(frozen=True)
class Policy:
    """One NetworkPolicy."""

    object: KubeObject
    selector: LabelSelector
    directions: frozenset[str]
    rules: Mapping[str, tuple[Allowance, ...]]
    unknown: tuple[str, ...] = ()
    """What is not known of whom it isolates: it may isolate fewer than it seems to."""

    @property
    def namespace(self) -> str:
        """Where it holds."""
        return self.object.namespace

    def selects(self, one: Workload) -> bool:
        """Whether it applies to a workload's pods."""
        return one.namespace == self.namespace and self.selector.matches(one.labels)

    def source(self, direction: str, allowance: Allowance) -> Source:
        """A rule as the source of a decision: `NetworkPolicy airflow/x ingress[0]`."""
        position = f"{direction}[{allowance.position}]"
        return self.object.at("spec", direction, allowance.position, label=f"{self.object} {position}")


def policy(one: KubeObject) -> Policy:
    """What a NetworkPolicy says."""
    rules = {direction: tuple(_allowances(one, direction, key)) for direction, key in ((INGRESS, "from"), (EGRESS, "to"))}
    given = one.get_list("spec", "policyTypes")
    types = frozenset(str(each).lower() for each in given if each is not UNKNOWN)
    # The API server's defaults: ingress always, egress where there are rules for it.
    directions = types or frozenset({INGRESS, *([EGRESS] if rules[EGRESS] else [])})
    selector = LabelSelector.parse(one.get("spec", "podSelector"), "spec.podSelector")
    unknown = selector.unknown
    if UNKNOWN in given:
        directions, unknown = frozenset(DIRECTIONS), (*unknown, "spec.policyTypes")
    return Policy(one, selector, directions, rules, unknown)


def _allowances(one: KubeObject, direction: str, key: str) -> Iterator[Allowance]:
    for position, rule in enumerate(one.get_list("spec", direction)):
        if rule is UNKNOWN:
            yield Allowance(position, (Peer(block=Hosts.every(), unknown=(f"spec.{direction}",)),), None)
            continue
        given = rule if isinstance(rule, Mapping) else {}
        where = f"spec.{direction}[{position}]"
        peers, ports = given.get(key), given.get("ports")
        yield from _parts(
            position,
            tuple(_peers(peers, one.namespace, f"{where}.{key}")) if _some(peers) else None,
            tuple(map(_port, listed(ports))) if _some(ports) else None,
        )


def _parts(position: int, peers: tuple[Peer, ...] | None, ports: tuple[PortRule, ...] | None) -> Iterator[Allowance]:
    """A rule, what is known of it apart from what is not: an unknown entry of a list does not make the others unknown."""
    unsure = tuple(one for one in peers or () if one.unknown)
    odd = tuple(one for one in ports or () if one.unknown)
    if not (unsure or odd):
        yield Allowance(position, peers, ports)
        return
    sure = None if peers is None else tuple(one for one in peers if not one.unknown)
    plain = None if ports is None else tuple(one for one in ports if not one.unknown)
    for some, their in ((sure, plain), (sure, odd), (unsure, ports)):
        if some != () and their != ():
            yield Allowance(position, some, their)


def _some(value: Any) -> bool:
    """A list that is missing, or empty, restricts nothing."""
    return value is UNKNOWN or bool(value)


def _peers(peers: Any, namespace: str, where: str) -> Iterator[Peer]:
    for number, one in enumerate(listed(peers)):
        here = f"{where}[{number}]"
        if one is UNKNOWN or not isinstance(one, Mapping):
            yield Peer(block=Hosts.every(), unknown=(here,))
            continue
        if one.get("ipBlock") is not None:
            yield _block(one["ipBlock"], f"{here}.ipBlock")
            continue
        pods = LabelSelector.parse(one.get("podSelector"), f"{here}.podSelector")
        spaces = one.get("namespaceSelector")
        chosen = LabelSelector.parse(spaces, f"{here}.namespaceSelector") if spaces is not None else namespace
        unknown = (*pods.unknown, *(chosen.unknown if isinstance(chosen, LabelSelector) else ()))
        if "podSelector" not in one and spaces is None:
            continue  # The API refuses a peer that says nothing.
        yield Peer(chosen, pods, unknown=unknown)


def _block(block: Any, where: str) -> Peer:
    cidr = block.get("cidr") if isinstance(block, Mapping) else UNKNOWN
    excepts = (block.get("except") if isinstance(block, Mapping) else None) or ()
    try:
        whole = Hosts.from_cidr(str(cidr)) if cidr is not UNKNOWN else Hosts.every()
        known = [one for one in listed(excepts) if one is not UNKNOWN] if excepts is not UNKNOWN else []
        out = Hosts.from_cidrs(map(str, known))
    except ValueError:
        return Peer(block=Hosts.every(), unknown=(where,))
    doubt = cidr is UNKNOWN or excepts is UNKNOWN or len(known) < len(listed(excepts) if excepts else ())
    return Peer(block=whole - out if out else whole, unknown=(where,) if doubt else ())


def _port(one: Any) -> PortRule:
    if not isinstance(one, Mapping):
        return PortRule("tcp", unknown=True)
    protocol, port, last = one.get("protocol") or "TCP", one.get("port"), one.get("endPort")
    if UNKNOWN in (protocol, port, last):
        return PortRule("tcp" if protocol is UNKNOWN else str(protocol).lower(), unknown=True)
    protocol = str(protocol).lower()
    if protocol not in _PROTOCOLS:
        return PortRule("tcp", 1, 0)  # The API refuses it.
    if port is None:
        return PortRule(protocol)
    if isinstance(port, str) and not port.isdigit():
        return PortRule(protocol, name=port)
    if not isinstance(port, int | float | str) or not isinstance(last, int | float | None):
        return PortRule(protocol, unknown=True)
    first, end = port_number(port), port_number(last)
    if first is None or (last is not None and end is None):
        return PortRule(protocol, 1, 0)  # no port: the API refuses it
    return PortRule(protocol, first, end)
