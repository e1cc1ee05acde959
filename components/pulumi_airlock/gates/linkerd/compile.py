"""Compiles what the mesh has to let through into Linkerd's objects: plain data, no SDK in here.

For each port of a workload that something is wanted of a Server that denies; for its callers a MeshTLSAuthentication, and an
AuthorizationPolicy for the Server, or for an HTTPRoute where the requests count.
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

POLICY = "policy.linkerd.io"
_LONGEST = 63
_PROBES = "probes"


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
                objects += _at(one, port, mine, cluster, nodes)
    return objects


def _at(one: Workload, port: int, found: Sequence[Wanted], cluster: Cluster, nodes: Sequence[str]) -> Iterator[LinkerdObject]:
    name = cut_name(_LONGEST, one.service_account, str(port))
    http = any(each.operations is not None for each in found)
    routes = tuple(dict.fromkeys(route for each in found for route in each.routes))
    spec = {
        "podSelector": {"matchLabels": dict(one.labels)},
        "port": port,
        "proxyProtocol": "HTTP/1" if http else "opaque",
        "accessPolicy": "deny",
    }
    yield LinkerdObject("v1beta3", "Server", one.namespace, name, spec, routes)
    for number, each in enumerate(found):
        key = cut_name(_LONGEST, name, str(number))
        target = {"group": POLICY, "kind": "Server", "name": name}
        if each.operations is not None:
            target = {"group": POLICY, "kind": "HTTPRoute", "name": key}
            yield LinkerdObject("v1beta3", "HTTPRoute", one.namespace, key, _route(name, each.operations), each.routes)
        refs = [_account(cluster.by_name[caller]) for caller in sorted(each.callers) if caller in cluster.by_name]
        yield LinkerdObject("v1alpha1", "MeshTLSAuthentication", one.namespace, key, {"identityRefs": refs}, each.routes)
        policy = {
            "targetRef": target,
            "requiredAuthenticationRefs": [{"group": POLICY, "kind": "MeshTLSAuthentication", "name": key}],
        }
        yield LinkerdObject("v1alpha1", "AuthorizationPolicy", one.namespace, key, policy, each.routes)
    if http and nodes:
        yield from _probes(one, name, nodes)


def _probes(one: Workload, server: str, nodes: Sequence[str]) -> Iterator[LinkerdObject]:
    """A Server with HTTPRoutes authorizes the kubelet's probes no more by itself (Linkerd, "Authorization Policy")."""
    key = cut_name(_LONGEST, server, _PROBES)
    match = {"path": {"type": "PathPrefix", "value": "/api/v2/version"}, "method": "GET"}
    spec = {"parentRefs": [{"group": POLICY, "kind": "Server", "name": server}], "rules": [{"matches": [match]}]}
    yield LinkerdObject("v1beta3", "HTTPRoute", one.namespace, key, spec)
    networks = {"networks": [{"cidr": cidr} for cidr in nodes]}
    yield LinkerdObject("v1alpha1", "NetworkAuthentication", one.namespace, key, networks)
    policy = {
        "targetRef": {"group": POLICY, "kind": "HTTPRoute", "name": key},
        "requiredAuthenticationRefs": [{"group": POLICY, "kind": "NetworkAuthentication", "name": key}],
    }
    yield LinkerdObject("v1alpha1", "AuthorizationPolicy", one.namespace, key, policy)


def _account(one: Workload) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": one.service_account, "namespace": one.namespace}


def _route(server: str, operations: frozenset[HttpOperation]) -> dict[str, Any]:
    matches = []
    for one in sorted(operations, key=str):
        match: dict[str, Any] = {}
        if one.path not in ("*", "/*"):
            match["path"] = _path(one.path)
        if one.method != "*":
            match["method"] = one.method
        matches.append(match)
    return {"parentRefs": [{"group": POLICY, "kind": "Server", "name": server}], "rules": [{"matches": matches}]}


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
        for operation in one.operations or ():
            body = operation.path.removesuffix("/*")
            if operation.path != "*" and any(char in body for char in "*?["):
                fix = "write it exactly, or with /* at its end"
                yield Problem(gate, what, f"path {operation.path!r}: Linkerd's routes know exact paths and prefixes: {fix}")
            if operation.not_paths:
                yield Problem(gate, what, f"{', '.join(sorted(operation.not_paths))}: Linkerd's routes take no paths out again")
