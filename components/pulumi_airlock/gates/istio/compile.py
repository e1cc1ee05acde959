"""Compiles what the mesh has to let through into Istio's objects: plain data, no SDK in here.

STRICT mTLS and an AuthorizationPolicy without rules in every namespace; for each workload one ALLOW policy with the identities
that reach it; for names beyond the cluster the egress gateway, with one ALLOW policy for each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputError, Problem
from ...proof.filters import HttpOperation
from ...proof.sets import Services
from ..kubernetes import Cluster, Workload
from ..kubernetes.wanted import Wanted
from ..naming import cut_name
from .policies import TRUST_DOMAIN

_LONGEST = 63
_NETWORKING = "networking.istio.io/v1"
_SECURITY = "security.istio.io/v1"
ACCOUNTS_SINCE = (1, 27)
"""The release from which `source.serviceAccounts` is taken; before, the same is said by `principals`. Not tried on an istiod."""
GATEWAY_PORT = 8443
"""Where the egress gateway's pods listen (Istio, "Egress Gateways")."""


@dataclass(frozen=True, slots=True)
class EgressGateway:
    """The mesh's egress gateway, which somebody else deploys: pods, their account, and the Service before them."""

    namespace: str = "istio-egress"
    service: str = "istio-egressgateway"
    service_account: str = "istio-egressgateway"
    labels: tuple[tuple[str, str], ...] = (("istio", "egressgateway"),)

    @property
    def host(self) -> str:
        """The Service's name."""
        return f"{self.service}.{self.namespace}.svc.cluster.local"

    @property
    def workload(self) -> str:
        """Its name as a workload."""
        return f"{self.namespace}/{self.service_account}"


@dataclass(frozen=True, slots=True)
class IstioObject:
    """One object to make."""

    api_version: str
    kind: str
    namespace: str
    name: str
    spec: Mapping[str, Any]
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeshPlan:
    """All of them, and what the egress gateway leads to."""

    objects: tuple[IstioObject, ...]
    names: tuple[str, ...]
    """Names beyond the cluster that are reached through the egress gateway."""


def compile_mesh(
    found: Sequence[Wanted],
    cluster: Cluster,
    namespaces: Sequence[str],
    gate: str,
    version: tuple[int, int],
    egress: EgressGateway | None,
    entries: Sequence[str] = (),
) -> MeshPlan:
    """The objects. InputError with every route that the mesh cannot hold."""
    spaces = list(dict.fromkeys(namespaces))
    problems = list(_problems(found, gate, egress))
    if problems:
        raise InputError(problems)
    beyond = [one for one in found if _goes_out(one)]
    objects = [each for one in spaces for each in _defaults(one)]
    for workload in cluster.workloads:
        if workload.namespace in spaces and workload.name not in entries and not workload.stands_for:
            objects += _at(workload, found, cluster, gate, version)
    if egress is not None and beyond:
        objects += [*_defaults(egress.namespace), *_way_out(beyond, gate, version, egress)]
    names = sorted({name for one in beyond for name in one.to.names.mentioned()})
    return MeshPlan(tuple(objects), tuple(names))


def _defaults(namespace: str) -> Iterator[IstioObject]:
    yield IstioObject(_SECURITY, "PeerAuthentication", namespace, "default", {"mtls": {"mode": "STRICT"}})
    yield IstioObject(_SECURITY, "AuthorizationPolicy", namespace, "allow-nothing", {})


def _goes_out(one: Wanted) -> bool:
    """Whether a destination is reached by its name, through the egress gateway."""
    return bool(one.routes) and not one.workloads and bool(one.to.names.mentioned())


def _at(one: Workload, found: Sequence[Wanted], cluster: Cluster, gate: str, version: tuple[int, int]) -> Iterator[IstioObject]:
    rules: list[dict[str, Any]] = []
    routes: list[str] = []
    for each in found:
        callers = [cluster.by_name[name] for name in sorted(each.callers) if name in cluster.by_name]
        if one in each.workloads and callers:
            rules.append({"from": [{"source": _source(callers, version)}], "to": _to(each)})
            routes += each.routes
    if rules:
        spec = {"selector": {"matchLabels": dict(one.labels)}, "action": "ALLOW", "rules": rules}
        name = cut_name(_LONGEST, gate, one.service_account)
        yield IstioObject(_SECURITY, "AuthorizationPolicy", one.namespace, name, spec, tuple(dict.fromkeys(routes)))


def _source(callers: Sequence[Workload], version: tuple[int, int]) -> dict[str, Any]:
    if version >= ACCOUNTS_SINCE:
        return {"serviceAccounts": [one.account for one in callers]}
    return {"principals": [f"{TRUST_DOMAIN}/ns/{one.namespace}/sa/{one.service_account}" for one in callers]}


def _to(one: Wanted) -> list[dict[str, Any]]:
    ports = _ports(one.pod_services)
    where = {"ports": ports} if ports else {}
    if one.operations is None:
        return [{"operation": where}] if where else [{"operation": {"ports": ["*"]}}]
    return [{"operation": {**where, **_request(each)}} for each in sorted(one.operations, key=str)]


def _request(one: HttpOperation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if one.method != "*":
        found["methods"] = [one.method]
    if one.path != "*":
        found["paths"] = [one.path]
    if one.not_paths:
        found["notPaths"] = sorted(one.not_paths)
    return found


def _ports(services: Services) -> list[str]:
    return [str(port) for number, first, last in services.ranges() if number == 6 for port in range(first, last + 1)]


def _problems(found: Sequence[Wanted], gate: str, egress: EgressGateway | None) -> Iterator[Problem]:
    for one in found:
        if not one.routes:
            continue
        what = f"route {one.routes[0]}"
        for operation in one.operations or ():
            inner = operation.path.strip("*")
            if "*" in inner or any(char in operation.path for char in "?["):
                fix = "write it exactly, or with one * at an end"
                yield Problem(gate, what, f"path {operation.path!r}: Istio has a * at one end of a path alone: {fix}")
        wide = [(first, last) for number, first, last in one.pod_services.ranges() if last - first > 63 or number != 6]
        if one.workloads and wide:
            yield Problem(gate, what, "Istio's policies name single TCP ports: give the destination fewer")
        if not one.workloads and one.to.addresses():
            fix = "leave the gate out of the zone, or give the destination a name"
            yield Problem(gate, what, f"{one.to}: the mesh holds no addresses beyond the cluster: {fix}")
        elif _goes_out(one) and egress is None:
            names = ", ".join(sorted(one.to.names.mentioned()))
            yield Problem(
                gate, what, f"{names} is beyond the cluster, and without an egress gateway a sidecar holds nothing there"
            )
        elif _goes_out(one) and one.services != Services.of("tcp", 443, 443):
            yield Problem(gate, what, f"{one.services}: the egress gateway tells TLS by its server name, on 443/tcp alone")


def _way_out(beyond: Sequence[Wanted], gate: str, version: tuple[int, int], egress: EgressGateway) -> Iterator[IstioObject]:
    labels = dict(egress.labels)
    for one in beyond:
        names = sorted(one.to.names.mentioned())
        key = cut_name(_LONGEST, gate, one.destination.name if one.destination else names[0])
        entry = {
            "hosts": names,
            "location": "MESH_EXTERNAL",
            "resolution": "NONE" if any(name.startswith("*") for name in names) else "DNS",
            "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
            "exportTo": ["*"],
        }
        server = {
            "port": {"number": GATEWAY_PORT, "name": key[:63], "protocol": "TLS"},
            "hosts": names,
            "tls": {"mode": "PASSTHROUGH"},
        }
        to_gateway = {"destination": {"host": egress.host, "port": {"number": 443}}}
        yield IstioObject(_NETWORKING, "ServiceEntry", egress.namespace, key, entry, one.routes)
        yield IstioObject(_NETWORKING, "Gateway", egress.namespace, key, {"selector": labels, "servers": [server]}, one.routes)
        tls = [
            {"match": [{"gateways": ["mesh"], "port": 443, "sniHosts": names}], "route": [to_gateway]},
            {
                "match": [{"gateways": [f"{egress.namespace}/{key}"], "port": GATEWAY_PORT, "sniHosts": names}],
                "route": [{"destination": {"host": names[0], "port": {"number": 443}}}],
            },
        ]
        spec = {"hosts": names, "gateways": ["mesh", f"{egress.namespace}/{key}"], "tls": tls, "exportTo": ["*"]}
        yield IstioObject(_NETWORKING, "VirtualService", egress.namespace, key, spec, one.routes)
        callers = [f"{name}" for name in sorted(one.callers)]
        source: dict[str, Any] = {"serviceAccounts": callers}
        if version < ACCOUNTS_SINCE:
            source = {"principals": [f"{TRUST_DOMAIN}/ns/{name.replace('/', '/sa/')}" for name in callers]}
        rule = {
            "from": [{"source": source}],
            "to": [{"operation": {"ports": [str(GATEWAY_PORT)]}}],
            "when": [{"key": "connection.sni", "values": names}],
        }
        allow = {"selector": {"matchLabels": labels}, "action": "ALLOW", "rules": [rule]}
        yield IstioObject(_SECURITY, "AuthorizationPolicy", egress.namespace, key, allow, one.routes)
