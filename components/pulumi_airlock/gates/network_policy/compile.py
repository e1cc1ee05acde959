"""Compiles what a cluster has to let through into NetworkPolicies: one for each workload, beside a default deny. No SDK in here.

A NetworkPolicy sees labels, not service accounts: task pods carry their account as a label (`airlock/principal`). It sees
addresses, not names: a destination that has a name alone cannot be said, and is refused here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import InputError, Problem
from ...proof.sets import Hosts, Services, protocol_name
from ..kubernetes import API_SERVER, Cluster, Workload
from ..kubernetes.cluster import NAME_LABEL
from ..kubernetes.meshes import PROBES, Carrying
from ..kubernetes.wanted import Wanted
from ..naming import cut_name
from .rules import EGRESS, INGRESS

_LONGEST = 253
"""Characters of an object's name (Kubernetes, "Object Names and IDs", DNS subdomain names)."""
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_NO_MESH = Carrying()
Rule = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class PolicyPlan:
    """One NetworkPolicy to make."""

    name: str
    namespace: str
    selector: Mapping[str, Any]
    """Of the pods; empty: all of the namespace."""
    types: tuple[str, ...]
    ingress: list[Rule] = field(default_factory=list)
    egress: list[Rule] = field(default_factory=list)
    routes: tuple[str, ...] = ()
    """The routes that it carries, for whoever reads the object."""

    def spec(self) -> dict[str, Any]:
        """As the API takes it."""
        found: dict[str, Any] = {"podSelector": dict(self.selector), "policyTypes": list(self.types)}
        if "Ingress" in self.types:
            found[INGRESS] = self.ingress
        if "Egress" in self.types:
            found[EGRESS] = self.egress
        return found


def compile_policies(
    found: Sequence[Wanted], cluster: Cluster, namespaces: Iterable[str], gate: str, mesh: Carrying = _NO_MESH
) -> list[PolicyPlan]:
    """The policies of some namespaces: everything denied, then what is wanted, per workload. O(workloads × wanted).

    `mesh`: by which ports it carries connections. InputError with every route that cannot be said.
    """
    mine = tuple(dict.fromkeys(namespaces))
    subjects = [one for one in cluster.workloads if one.namespace in mine and not one.stands_for]
    problems = [*_problems(found, cluster, gate), *_nameless(found, subjects, gate)]
    if problems:
        raise InputError(problems)
    plans = [PolicyPlan(object_name(gate, "default-deny"), one, {}, ("Ingress", "Egress")) for one in mine]
    return [*plans, *(plan for one in subjects if (plan := _of_workload(one, found, cluster, gate, mesh)) is not None)]


def object_name(gate: str, *parts: str) -> str:
    """A name that the API server takes: small letters, digits, `-` and `.` (RFC 1123)."""
    # What stands for something else, as in `airflow/x (Pod y)`, is made up for by `cut_name`'s hash.
    clean = [re.sub(r"[_/]+", "-", part.lower()) for part in (gate, *parts)]
    return cut_name(_LONGEST, *clean).replace("_", "-")


def _of_workload(one: Workload, found: Sequence[Wanted], cluster: Cluster, gate: str, mesh: Carrying) -> PolicyPlan | None:
    out = [each for each in found if one.name in each.callers]
    into = [each for each in found if one in each.workloads]
    egress = _merged("to", (rule for each in out for rule in _egress(one, each, cluster, mesh)))
    ingress = _merged("from", (rule for each in into for rule in _ingress(one, each, cluster, mesh)))
    if not (egress or ingress):
        return None
    if ingress and mesh.ambient and one.ports:
        ports = Services.union(Services.of(protocol, number, number) for protocol, number in one.ports.values())
        ingress.append({"from": [{"ipBlock": {"cidr": PROBES}}], "ports": _ports(ports)})
    types = (*(["Ingress"] if ingress else []), *(["Egress"] if egress else []))
    routes = tuple(dict.fromkeys(route for each in (*out, *into) for route in each.routes))
    name = object_name(gate, one.name.removeprefix(f"{one.namespace}/"))
    return PolicyPlan(name, one.namespace, _pods(one, cluster), types, ingress, egress, routes)


def _egress(mine: Workload, one: Wanted, cluster: Cluster, mesh: Carrying) -> Iterator[Rule]:
    for each in one.workloads:
        yield {"to": [_peer(each, cluster)], "ports": _ports(mesh.ports(mine, each, each.pods(one.services)))}
    if not one.workloads:
        networks = _networks(one, cluster)
        services = cluster.api_service.pods(one.services) if API_SERVER in one.to.names else one.services
        yield {"to": [{"ipBlock": {"cidr": str(each)}} for each in networks.networks()], "ports": _ports(services)}


def _ingress(mine: Workload, one: Wanted, cluster: Cluster, mesh: Carrying) -> Iterator[Rule]:
    services = mine.pods(one.services)
    callers = [cluster.by_name[name] for name in sorted(one.callers) if name in cluster.by_name]
    for each in callers:
        yield {"from": [_peer(each, cluster)], "ports": _ports(mesh.ports(each, mine, services))}
    if one.cidrs:
        yield {"from": [{"ipBlock": {"cidr": each}} for each in one.cidrs], "ports": _ports(services)}


def _merged(key: str, rules: Iterable[Rule]) -> list[Rule]:
    """The same with fewest rules: those with the same ports share their peers, then those with the same peers their ports."""
    found = list(rules)
    for same, other in (("ports", key), (key, "ports")):
        groups: dict[str, Rule] = {}
        for one in found:
            known = groups.setdefault(repr(one[same]), {key: [], "ports": []})
            known[same] = one[same]
            known[other] = [*known[other], *(each for each in one[other] if each not in known[other])]
        found = list(groups.values())
    return found


def _peer(one: Workload, cluster: Cluster) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {NAME_LABEL: one.namespace}}, "podSelector": _pods(one, cluster)}


def _pods(one: Workload, cluster: Cluster) -> dict[str, Any]:
    """Selects a workload's pods, and no others of the namespace that have all of its labels and more."""
    found: dict[str, Any] = {"matchLabels": dict(sorted(one.labels.items()))}
    besides = sorted(
        {
            min(other.labels.keys() - one.labels.keys())
            for other in cluster.workloads
            if other.namespace == one.namespace and one.labels.items() < other.labels.items()
        }
    )
    if besides:
        found["matchExpressions"] = [{"key": key, "operator": "DoesNotExist"} for key in besides]
    return found


def _networks(one: Wanted, cluster: Cluster) -> Hosts:
    if API_SERVER in one.to.names:
        return cluster.api_server.addresses()
    return one.to.addresses()


def _ports(services: Services) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, first, last in services.ranges():
        entry: dict[str, Any] = {"protocol": protocol_name(number).upper()}
        if (first, last) != (0, 65535):
            entry["port"] = max(first, 1)
            if last != entry["port"]:
                entry["endPort"] = last
        found.append(entry)
    return found


def _problems(found: Sequence[Wanted], cluster: Cluster, gate: str) -> Iterator[Problem]:
    for one in found:
        what = _what(one)
        protocols = {protocol_name(number) for number, _, _ in one.services.ranges()} - _PROTOCOLS
        if protocols:
            yield Problem(gate, what, f"{', '.join(sorted(protocols))}: a NetworkPolicy knows TCP, UDP and SCTP alone")
        if one.workloads or _networks(one, cluster):
            continue
        if API_SERVER in one.to.names:
            yield Problem(gate, what, "the API server's addresses are not known: give the ClusterDeclaration `api_server_cidrs`")
            continue
        names = ", ".join(sorted(one.to.names.mentioned()))
        fix = "give the destination `cidrs`, declare it as a workload of the cluster, or use the gate of Cilium"
        yield Problem(gate, what, f"{names} has no address, and a NetworkPolicy knows no names: {fix}")


def _nameless(found: Sequence[Wanted], subjects: Sequence[Workload], gate: str) -> Iterator[Problem]:
    """Pods without labels: a selector of them would be one of all pods."""
    for one in subjects:
        if not one.labels and any(one.name in each.callers or one in each.workloads for each in found):
            yield Problem(gate, one.name, "has no labels, and a NetworkPolicy knows pods by nothing else: label its pods")
    for wanted in found:
        for one in wanted.workloads:
            if not one.labels and one not in subjects:
                yield Problem(gate, _what(wanted), f"{one.name} has no labels: declare those of its pods")


def _what(one: Wanted) -> str:
    return f"route {one.routes[0]}" if one.routes else one.reason
