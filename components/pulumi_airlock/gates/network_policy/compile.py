"""Compiles what a cluster has to let through into NetworkPolicies: one for each direction of each workload. No SDK in here.

A NetworkPolicy sees labels, not service accounts: task pods carry their account as a label (`airlock/principal`). It sees
addresses, not names: a destination that has a name alone cannot be said, and is refused here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import InputError, Problem
from ...proof.sets import Hosts, Services, protocol_name
from ..kubernetes import API_SERVER, DNS, Cluster, Workload
from ..kubernetes.cluster import NAME_LABEL
from ..kubernetes.wanted import Wanted
from ..naming import cut_name

_LONGEST = 253
"""Characters of an object's name (Kubernetes, "Object Names and IDs", DNS subdomain names)."""
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
HBONE = 15008
"""The port through which Istio's ambient mesh carries everything (Istio, "Ambient and Kubernetes NetworkPolicy"; istio#51034)."""


@dataclass(frozen=True)
class PolicyPlan:
    """One NetworkPolicy to make."""

    name: str
    namespace: str
    selector: Mapping[str, str]
    """Labels of the pods; empty: all of the namespace."""
    types: tuple[str, ...]
    ingress: list[dict[str, Any]] = field(default_factory=list)
    egress: list[dict[str, Any]] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    """The routes that it carries, for whoever reads the object."""

    def spec(self) -> dict[str, Any]:
        """As the API takes it."""
        found: dict[str, Any] = {"podSelector": {"matchLabels": dict(self.selector)}, "policyTypes": list(self.types)}
        if "Ingress" in self.types:
            found["ingress"] = self.ingress
        if "Egress" in self.types:
            found["egress"] = self.egress
        return found


def compile_policies(
    found: Sequence[Wanted], cluster: Cluster, namespaces: Iterable[str], gate: str, *, ambient: bool = False
) -> list[PolicyPlan]:
    """The policies of some namespaces: everything denied, then what is wanted, per workload.

    InputError with every route that cannot be said.
    """
    mine = tuple(dict.fromkeys(namespaces))
    problems = list(_problems(found, cluster, gate))
    if problems:
        raise InputError(problems)
    plans = [PolicyPlan(f"{gate}-default-deny", one, {}, ("Ingress", "Egress")) for one in mine]
    for workload in cluster.workloads:
        if workload.namespace in mine and not workload.stands_for:
            plans += _of_workload(workload, found, cluster, gate, ambient)
    return plans


def _of_workload(one: Workload, found: Sequence[Wanted], cluster: Cluster, gate: str, ambient: bool) -> Iterator[PolicyPlan]:
    for direction, verb in (("Egress", "from"), ("Ingress", "to")):
        name = cut_name(_LONGEST, f"{gate}-{verb}-{one.service_account}")
        plan = PolicyPlan(name, one.namespace, one.labels, (direction,))
        for each in found:
            if direction == "Egress" and one.name in each.callers:
                plan.egress.extend(_egress(each, cluster, ambient))
            elif direction == "Ingress" and one in each.workloads:
                plan.ingress.extend(_ingress(each, cluster, ambient))
            else:
                continue
            plan.routes.extend(route for route in each.routes if route not in plan.routes)
        if plan.ingress or plan.egress:
            yield plan


def _egress(one: Wanted, cluster: Cluster, ambient: bool) -> Iterator[dict[str, Any]]:
    if one.workloads:
        yield {"to": [_peer(each) for each in one.workloads], "ports": _ports(one.pod_services, ambient and not _is_dns(one))}
        return
    networks = _networks(one, cluster)
    yield {"to": [{"ipBlock": {"cidr": str(each)}} for each in networks.networks()], "ports": _ports(one.services)}


def _ingress(one: Wanted, cluster: Cluster, ambient: bool) -> Iterator[dict[str, Any]]:
    callers = [cluster.by_name[name] for name in sorted(one.callers) if name in cluster.by_name]
    peers = [_peer(each) for each in callers] + [{"ipBlock": {"cidr": each}} for each in one.cidrs]
    if peers:
        yield {"from": peers, "ports": _ports(one.pod_services, ambient and bool(callers))}


def _is_dns(one: Wanted) -> bool:
    return DNS in one.to.names


def _peer(one: Workload) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {NAME_LABEL: one.namespace}},
        "podSelector": {"matchLabels": dict(one.labels)},
    }


def _networks(one: Wanted, cluster: Cluster) -> Hosts:
    if API_SERVER in one.to.names:
        return cluster.api_server.addresses()
    return one.to.addresses()


def _ports(services: Services, ambient: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, first, last in services.ranges():
        entry: dict[str, Any] = {"protocol": protocol_name(number).upper()}
        if (first, last) != (0, 65535):
            entry["port"] = first
            if last != first:
                entry["endPort"] = last
        found.append(entry)
    return [*found, {"protocol": "TCP", "port": HBONE}] if ambient else found


def _problems(found: Sequence[Wanted], cluster: Cluster, gate: str) -> Iterator[Problem]:
    for one in found:
        what = f"route {one.routes[0]}" if one.routes else one.reason
        protocols = {protocol_name(number) for number, _, _ in one.services.ranges()}
        if protocols - _PROTOCOLS:
            yield Problem(
                gate, what, f"{', '.join(sorted(protocols - _PROTOCOLS))}: a NetworkPolicy knows TCP, UDP and SCTP alone"
            )
        if one.workloads or _networks(one, cluster):
            continue
        if API_SERVER in one.to.names:
            yield Problem(gate, what, "the API server's addresses are not known: give the ClusterDeclaration `api_server_cidrs`")
            continue
        names = ", ".join(sorted(one.to.names.mentioned()))
        fix = "give the destination `cidrs`, declare it as a workload of the cluster, or use the gate of Cilium"
        yield Problem(gate, what, f"{names} has no address, and a NetworkPolicy knows no names: {fix}")
