"""Compiles what the mesh has to let through into Istio's objects: plain data, no SDK in here.

STRICT mTLS and an AuthorizationPolicy without rules in every namespace; for each workload one ALLOW policy with the identities
that reach it; for names beyond the cluster the egress gateway, with one ALLOW policy for each destination. In ambient mode
requests are seen by a waypoint alone: policies are attached to the Services behind it, and a workload takes the waypoint only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputError, Problem
from ...proof.filters import HttpOperation
from ...proof.sets import Services
from ..kubernetes import Cluster, LabelSelector, Workload
from ..kubernetes.wanted import Wanted
from ..kubernetes.workloads import ServiceName
from ..naming import cut_name
from .egress_objects import GATEWAY_PORT, EgressGateway, goes_out, way_out
from .egress_objects import problems as egress_problems
from .objects import GATEWAY_API, LONGEST, SECURITY, TELEMETRY, IstioObject, accounts_of, sources

MOST_PORTS = 64
"""Single ports of one destination in a policy: the API has no ranges."""
SIDECAR, AMBIENT = "sidecar", "ambient"
MODES = (SIDECAR, AMBIENT)
WAYPOINT = "waypoint"
"""The waypoint's name, and so its service account's (Istio, "Configure waypoint proxies")."""
ACCESS_LOG = "airlock-json"
"""The provider of access logs, as `mesh_config` defines it."""
_LOGGED = {
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "authority": "%REQ(:AUTHORITY)%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
    "principal": "%DOWNSTREAM_PEER_URI_SAN%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
}
"""As `logs.envoy` reads them: the details and the principal tell which policy refused whom."""


def mesh_config() -> dict[str, Any]:
    """What to set in MeshConfig (`meshConfig` of istiod's chart) for what is compiled: the access log, and paths as meant.

    With DECODE_AND_MERGE_SLASHES `/execution%2Fx` and `//execution/x` are the path that Airflow takes them for; with Istio's own
    default they pass what hides `/execution/*` alone (Istio, "Security Best Practices", path normalization).
    """
    log = {"path": "/dev/stdout", "logFormat": {"labels": dict(_LOGGED)}}
    return {
        "extensionProviders": [{"name": ACCESS_LOG, "envoyFileAccessLog": log}],
        "pathNormalization": {"normalization": "DECODE_AND_MERGE_SLASHES"},
    }


@dataclass(frozen=True, slots=True)
class MeshPlan:
    """All objects, and what the egress gateway leads to."""

    objects: tuple[IstioObject, ...]
    names: tuple[str, ...]
    """Names beyond the cluster that are reached through the egress gateway."""


def compile_mesh(
    found: Sequence[Wanted],
    cluster: Cluster,
    namespaces: Sequence[str],
    gate: str,
    version: tuple[int, ...],
    egress: EgressGateway | None,
    entries: Sequence[str] = (),
    *,
    mode: str = SIDECAR,
    access_log: str | None = None,
) -> MeshPlan:
    """The objects. InputError with every route that the mesh cannot hold."""
    spaces = list(dict.fromkeys(namespaces))
    beyond = [one for one in found if goes_out(one)]
    problems = [*_problems(found, cluster, spaces, gate), *egress_problems(beyond, gate, egress)]
    if mode == AMBIENT and beyond:
        names = ", ".join(sorted({name for one in beyond for name in one.to.names.mentioned()}))
        problems.append(
            Problem(gate, "mode", f"{names}: in ambient mode this gate makes no way out of the cluster: use sidecars")
        )
    if problems:
        raise InputError(problems)
    objects = [each for one in spaces for each in _defaults(one, mode, access_log)]
    for workload in cluster.workloads:
        if workload.namespace in spaces and workload.name not in entries and not workload.stands_for:
            objects += (_behind_waypoint if mode == AMBIENT else _at)(workload, found, cluster, gate, version)
    if egress is not None and beyond:
        objects += [*_defaults(egress.namespace, SIDECAR, access_log), *way_out(beyond, gate, version, egress)]
    return MeshPlan(tuple(objects), tuple(sorted({name for one in beyond for name in one.to.names.mentioned()})))


def _defaults(namespace: str, mode: str, access_log: str | None) -> Iterator[IstioObject]:
    yield IstioObject(SECURITY, "PeerAuthentication", namespace, "default", {"mtls": {"mode": "STRICT"}})
    yield IstioObject(SECURITY, "AuthorizationPolicy", namespace, "allow-nothing", {})
    if access_log is not None:
        logging: dict[str, Any] = {"accessLogging": [{"providers": [{"name": access_log}]}]}
        yield IstioObject(TELEMETRY, "Telemetry", namespace, "access-log", logging)
    if mode == AMBIENT:
        listener = {"name": "mesh", "port": 15008, "protocol": "HBONE"}
        gateway = {"gatewayClassName": "istio-waypoint", "listeners": [listener]}
        labels = (("istio.io/waypoint-for", "service"),)
        yield IstioObject(GATEWAY_API, "Gateway", namespace, WAYPOINT, gateway, labels=labels)
        nothing: dict[str, Any] = {"targetRefs": [{"kind": "Gateway", "group": "gateway.networking.k8s.io", "name": WAYPOINT}]}
        yield IstioObject(SECURITY, "AuthorizationPolicy", namespace, "waypoint-allow-nothing", nothing)


def _at(one: Workload, found: Sequence[Wanted], cluster: Cluster, gate: str, version: tuple[int, ...]) -> Iterator[IstioObject]:
    """What reaches a workload with a sidecar."""
    rules, routes = _rules(one, found, cluster, version)
    if rules:
        spec = {"selector": {"matchLabels": dict(one.labels)}, "action": "ALLOW", "rules": rules}
        yield IstioObject(SECURITY, "AuthorizationPolicy", one.namespace, _key(one, cluster, gate), spec, routes)


def _behind_waypoint(
    one: Workload, found: Sequence[Wanted], cluster: Cluster, gate: str, version: tuple[int, ...]
) -> Iterator[IstioObject]:
    """What passes the waypoint before each Service of a workload; the workload itself takes the waypoint, and nobody else."""
    key = _key(one, cluster, gate)
    reached = False
    for service in one.services:
        rules, routes = _rules(one, found, cluster, version, service)
        if rules:
            reached = True
            name = service.host.partition(".")[0]
            spec = {"targetRefs": [{"kind": "Service", "group": "", "name": name}], "action": "ALLOW", "rules": rules}
            yield IstioObject(SECURITY, "AuthorizationPolicy", one.namespace, cut_name(LONGEST, key, name), spec, routes)
    if reached:
        rule = {"from": sources([f"{one.namespace}/{WAYPOINT}"], version)}
        own: dict[str, Any] = {"selector": {"matchLabels": dict(one.labels)}, "action": "ALLOW", "rules": [rule]}
        yield IstioObject(SECURITY, "AuthorizationPolicy", one.namespace, cut_name(LONGEST, key, WAYPOINT), own)


def _rules(
    one: Workload, found: Sequence[Wanted], cluster: Cluster, version: tuple[int, ...], service: ServiceName | None = None
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The rules for a workload, or for one Service before it, with the routes that they carry."""
    rules: list[dict[str, Any]] = []
    routes: list[str] = []
    for each in found:
        callers = [cluster.by_name[name] for name in sorted(each.callers) if name in cluster.by_name]
        if one not in each.workloads or not callers or (service is not None and service.host not in each.to.names):
            continue
        to = _to(each, each.pod_services if service is None else each.services)
        rules.append({"from": sources(accounts_of(callers), version), **({"to": to} if to else {})})
        routes += each.routes
    return rules, tuple(dict.fromkeys(routes))


def _key(one: Workload, cluster: Cluster, gate: str) -> str:
    """The name of a workload's policy: its account's, with its owner's where several have that account."""
    shared = len(cluster.of_account(one.namespace, one.service_account)) > 1
    return cut_name(LONGEST, gate, one.service_account, one.owner.rpartition(" ")[2] if shared else "")


def _to(one: Wanted, services: Services) -> list[dict[str, Any]]:
    ports = _ports(services)
    where: Mapping[str, Any] = {"ports": ports} if ports else {}
    operations: list[dict[str, Any]] = [
        {**where, **_request(each)} for each in sorted(one.operations or {HttpOperation()}, key=str)
    ]
    return [{"operation": each} for each in operations] if all(operations) else []


def _request(one: HttpOperation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if one.method != "*":
        found["methods"] = [one.method]
    if one.path != "*":
        found["paths"] = [one.path]
    if one.not_methods:
        found["notMethods"] = sorted(one.not_methods)
    if one.not_paths:
        found["notPaths"] = sorted(one.not_paths)
    return found


def _ports(services: Services) -> list[str]:
    return [str(port) for number, first, last in services.ranges() if number == 6 for port in range(first, last + 1)]


def _problems(found: Sequence[Wanted], cluster: Cluster, spaces: Sequence[str], gate: str) -> Iterator[Problem]:
    for one in found:
        if not one.routes:
            continue
        what = f"route {one.routes[0]}"
        for operation in one.operations or ():
            for path in (operation.path, *sorted(operation.not_paths)):
                inner = path[1:] if path.startswith("*") else path.removesuffix("*")
                if any(char in inner for char in "*?["):
                    fix = "write it exactly, or with one * at an end"
                    yield Problem(gate, what, f"path {path!r}: Istio has a * at one end of a path alone: {fix}")
        tcp = [(first, last) for number, first, last in one.pod_services.ranges() if number == 6]
        if one.workloads and (
            sum(last - first + 1 for first, last in tcp) > MOST_PORTS or len(tcp) < len(list(one.pod_services.ranges()))
        ):
            yield Problem(gate, what, "Istio's policies name single TCP ports: give the destination fewer")
        if not one.workloads and one.to.addresses():
            fix = "leave the gate out of the zone, or give the destination a name"
            yield Problem(gate, what, f"{one.to}: the mesh holds no addresses beyond the cluster: {fix}")
        for each in one.workloads:
            if each.namespace in spaces and not each.labels and len(cluster.select(each.namespace, LabelSelector())) > 1:
                yield Problem(gate, what, f"{each.name} has no labels: a policy for it would be one for its whole namespace")


__all__ = ["GATEWAY_PORT", "EgressGateway", "IstioObject", "MeshPlan", "compile_mesh", "mesh_config"]
