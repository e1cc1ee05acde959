"""Compiles what the mesh has to let through into Linkerd's objects: plain data, no SDK in here.

For each port of a workload that something is wanted of a Server that denies; for its callers a MeshTLSAuthentication, and an
AuthorizationPolicy for the Server, or for an HTTPRoute where the requests count (`cells`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputError, Problem
from ...proof.filters import HttpOperation
from ...proof.sets import Services
from ..kubernetes import Cluster, Workload
from ..kubernetes.wanted import Wanted
from ..naming import cut_name
from .cells import Cell, Wishes, callers, cells, undecided

POLICY = "policy.linkerd.io"
_LONGEST = 63
_PROBES = "probes"
_PROBED = Cell("GET", "/api/v2/version")
"""What the kubelet asks Airflow's API server for (Airflow's chart, apiServer.livenessProbe)."""


@dataclass(frozen=True, slots=True)
class LinkerdObject:
    """One object to make."""

    version: str
    kind: str
    namespace: str
    name: str
    spec: Mapping[str, Any]
    routes: tuple[str, ...] = ()


def compile_mesh(
    found: Sequence[Wanted], cluster: Cluster, namespaces: Sequence[str], gate: str, nodes: Sequence[str]
) -> list[LinkerdObject]:
    """The objects. `nodes`: networks of the nodes, whose kubelets probe. InputError with every route that cannot be said."""
    problems = list(_problems(found, gate))
    if problems:
        raise InputError(problems)
    spaces = list(dict.fromkeys(namespaces))
    objects: list[LinkerdObject] = []
    for one in cluster.workloads:
        if one.namespace in spaces and not one.stands_for:
            for port in sorted({port for each in found if one in each.workloads for port in _ports(each.pod_services)}):
                mine = [each for each in found if one in each.workloads and port in _ports(each.pod_services) and each.callers]
                problems += _undecided(one, port, mine, gate, nodes)
                objects += _at(one, port, mine, cluster, nodes)
    if problems:
        raise InputError(problems)
    return objects


def _undecided(one: Workload, port: int, found: Sequence[Wanted], gate: str, nodes: Sequence[str]) -> Iterator[Problem]:
    wishes, whole = _wishes(found)
    for first, second in undecided(_cells(wishes, whole, nodes), wishes):
        what = f"{first.method} {first.path} and {second.method} {second.path} are for different callers"
        why = "of two routes that match alike Linkerd takes the older, and no age is declared"
        yield Problem(gate, f"{one.name}:{port}", f"{what}: {why}: give both the same callers, or paths that do not overlap")


def _at(one: Workload, port: int, found: Sequence[Wanted], cluster: Cluster, nodes: Sequence[str]) -> Iterator[LinkerdObject]:
    name = cut_name(_LONGEST, one.service_account, str(port))
    wishes, whole = _wishes(found)
    routes = tuple(dict.fromkeys(route for each in found for route in each.routes))
    spec = {
        "podSelector": {"matchLabels": dict(one.labels)},
        "port": port,
        # Where some may send whatever they like, it is seen whether a connection is HTTP.
        "proxyProtocol": "opaque" if not wishes else "unknown" if whole else "HTTP/1",
        "accessPolicy": "deny",
    }
    yield LinkerdObject("v1beta3", "Server", one.namespace, name, spec, routes)
    if whole:
        yield from _allowed(one, name, {"group": POLICY, "kind": "Server", "name": name}, whole, cluster, routes)
    if not wishes:
        return
    for number, cell in enumerate(_cells(wishes, whole, nodes)):
        probed = bool(nodes) and cell == _PROBED
        key = cut_name(_LONGEST, name, _PROBES if probed else str(number))
        target = {"group": POLICY, "kind": "HTTPRoute", "name": key}
        yield LinkerdObject("v1beta3", "HTTPRoute", one.namespace, key, _route(name, cell), routes)
        if mine := callers(cell, wishes):
            yield from _allowed(one, key, target, mine, cluster, routes)
        if probed:
            yield from _probes(one, key, target, nodes)


def _cells(wishes: Wishes, whole: frozenset[str], nodes: Sequence[str]) -> list[Cell]:
    """The routes of a port: also for what the kubelet asks for, and for those who may send whatever they like."""
    more = [*([_PROBED] if nodes else []), *([Cell("*", "*")] if whole else [])]
    return cells(wishes, more) if wishes else []


def _wishes(found: Sequence[Wanted]) -> tuple[dict[str, frozenset[HttpOperation]], frozenset[str]]:
    """The requests that each caller may send, and those who may send whatever they like."""
    wishes: dict[str, frozenset[HttpOperation]] = {}
    for each in found:
        for caller in each.callers if each.operations is not None else ():
            wishes[caller] = wishes.get(caller, frozenset()) | (each.operations or frozenset())
    whole = frozenset(caller for each in found if each.operations is None for caller in each.callers)
    return {caller: operations for caller, operations in wishes.items() if caller not in whole}, whole


def _allowed(
    one: Workload, key: str, target: Mapping[str, str], names: frozenset[str], cluster: Cluster, routes: tuple[str, ...]
) -> Iterator[LinkerdObject]:
    refs = [_account(cluster.by_name[caller]) for caller in sorted(names) if caller in cluster.by_name]
    yield LinkerdObject("v1alpha1", "MeshTLSAuthentication", one.namespace, key, {"identityRefs": refs}, routes)
    wanted = [{"group": POLICY, "kind": "MeshTLSAuthentication", "name": key}]
    policy = {"targetRef": dict(target), "requiredAuthenticationRefs": wanted}
    yield LinkerdObject("v1alpha1", "AuthorizationPolicy", one.namespace, key, policy, routes)


def _probes(one: Workload, key: str, target: Mapping[str, str], nodes: Sequence[str]) -> Iterator[LinkerdObject]:
    """A Server with HTTPRoutes authorizes the kubelet's probes no more by itself (Linkerd, "Authorization Policy")."""
    networks = {"networks": [{"cidr": cidr} for cidr in nodes]}
    yield LinkerdObject("v1alpha1", "NetworkAuthentication", one.namespace, key, networks)
    wanted = [{"group": POLICY, "kind": "NetworkAuthentication", "name": key}]
    policy = {"targetRef": dict(target), "requiredAuthenticationRefs": wanted}
    yield LinkerdObject("v1alpha1", "AuthorizationPolicy", one.namespace, cut_name(_LONGEST, key, "nodes"), policy)


def _account(one: Workload) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": one.service_account, "namespace": one.namespace}


def _route(server: str, cell: Cell) -> dict[str, Any]:
    match: dict[str, Any] = {} if cell.everything else {"path": _path(cell.path)}
    if cell.method != "*":
        match["method"] = cell.method
    return {"parentRefs": [{"group": POLICY, "kind": "Server", "name": server}], "rules": [{"matches": [match]}]}


def _path(glob: str) -> dict[str, str]:
    """A prefix of the Gateway API also matches the path without its last slash: what is below a path alone is a pattern."""
    if glob.endswith("/*"):
        return {"type": "RegularExpression", "value": f"{re.escape(glob.removesuffix('*'))}.*"}
    return {"type": "Exact", "value": glob}


def _ports(services: Services) -> list[int]:
    return [port for number, first, last in services.ranges() if number == 6 for port in range(first, last + 1)]


def _problems(found: Sequence[Wanted], gate: str) -> Iterator[Problem]:
    for one in found:
        if not one.routes:
            continue
        what = f"route {one.routes[0]}"
        if not one.workloads:
            fix = "leave the gate out of the zone: Linkerd tells nobody apart on the way out (EgressNetwork is per namespace)"
            yield Problem(gate, what, f"{one.to} is beyond the cluster: {fix}")
            continue
        if any(number != 6 or last - first > 63 for number, first, last in one.pod_services.ranges()):
            yield Problem(gate, what, "Linkerd's Servers have single TCP ports: give the destination fewer")
        for path in sorted({path for each in one.operations or () for path in (each.path, *each.not_paths)}):
            body = path.removesuffix("/*")
            if path != "*" and any(char in body for char in "*?["):
                fix = "write it exactly, or with /* at its end"
                yield Problem(gate, what, f"path {path!r}: Linkerd's routes know exact paths and prefixes: {fix}")
