"""What the gates of a cluster have to let through: Airflow's own flows, and the routes that pass a gate. No SDK in here.

Every gate compiles the same list; they differ in how they name callers and destinations.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from ...access import Access, Destination, Route
from ...proof.declared import destination_hosts, destination_services, route_operations
from ...proof.filters import HttpOperation
from ...proof.sets import Hosts, Services
from .cluster import Cluster
from .control_planes import with_control_plane
from .declared import DNS_WORKLOAD, ClusterFacts
from .meshes import Carrying, members
from .workloads import DNS, Workload, named

if TYPE_CHECKING:
    from ...environments.helm.flows import Flow
    from ...environments.helm.network import ClusterNetwork


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something to let through."""

    callers: frozenset[str]
    """Workloads, by their names."""
    cidrs: tuple[str, ...]
    """Networks that callers come from who are no workloads."""
    to: Hosts
    """The destination, as callers name it."""
    services: Services
    """Its ports, as callers name them."""
    workloads: tuple[Workload, ...] = ()
    """The workloads that it is; empty: it is outside of the cluster."""
    pod_services: Services = field(default_factory=Services)
    """The ports of their pods."""
    operations: frozenset[HttpOperation] | None = None
    """The requests; None: whatever goes over the connection."""
    routes: tuple[str, ...] = ()
    """The routes that say so; empty for flows of Airflow's own."""
    reason: str = ""
    destination: Destination | None = None


def cluster_of(facts: ClusterFacts, environments: Sequence["ClusterNetwork"], more: Iterable[Workload] = ()) -> Cluster:
    """The cluster as a program knows it: what it declares, what Airflow brings, and other workloads of the program's own."""
    own = [one for environment in environments for one in environment.workloads]
    found = with_control_plane([*own, *more, *facts.workloads], dict.fromkeys(one.mesh for one in environments))
    if not any(DNS in one.names for one in found):
        found.append(DNS_WORKLOAD)
    return Cluster(named(found), facts.namespaces, facts)


def mesh_of(environments: Sequence["ClusterNetwork"]) -> str:
    """The mesh of some environments: a cluster has one; empty for none."""
    return next((one.mesh for one in environments if one.mesh), "")


def carried_by(
    mesh: str, cluster: Cluster, environments: Sequence["ClusterNetwork"], gateway: Workload | None, *, ambient: bool = False
) -> Carrying:
    """How a mesh carries connections. `gateway`: its egress gateway, which takes them by a port of its own."""
    if not mesh and not ambient:
        return Carrying()
    found = members(mesh, cluster, _spaces(environments), ambient=ambient)
    return Carrying(mesh, found - {gateway.name} if gateway else found, ambient)


def flows_of_sidecars(
    cluster: Cluster, environments: Sequence["ClusterNetwork"], namespaces: Iterable[str], gateway: Workload | None
) -> list["Flow"]:
    """What sidecars of others than Airflow's workloads, and the mesh's egress gateway, need in namespaces that a gate shuts.

    Names, and their control plane.
    """
    from ...environments.helm.flows import names_flow, sidecar_flows

    mesh = mesh_of(environments)
    if not mesh:
        return []
    shut, own = frozenset(namespaces), {workload.name for one in environments for workload in one.workloads}
    here = frozenset(one.name for one in cluster.workloads if one.namespace in shut and not one.stands_for)
    meshed = members(mesh, cluster, _spaces(environments)) | ({gateway.name} if gateway else frozenset())
    callers = (meshed & here) - own
    return [names_flow(callers), *sidecar_flows(mesh, callers)] if callers else []


def _spaces(environments: Sequence["ClusterNetwork"]) -> frozenset[str]:
    return frozenset(one.namespace for one in environments)


def wanted(
    access: Access,
    gate: str,
    environments: Sequence["ClusterNetwork"],
    cluster: Cluster,
    today: date,
    flows: Iterable["Flow"] = (),
) -> list[Wanted]:
    """All that a gate has to let through. `flows`: others than Airflow's own, as a gateway has them.

    Routes that are over are left out. People come as the workload of a gateway: its flows say so. O(routes × environments).
    """
    own = [flow for environment in environments for flow in environment.flows]
    found = [_of_flow(flow, cluster) for flow in (*own, *flows) if flow.callers or flow.cidrs]
    for route in access.routes:
        if not route.expired(today):
            found += _of_route(access, route, gate, environments, cluster)
    return _merged(found)


def through(found: Iterable[Wanted], gateway: Workload, port: int) -> list[Wanted]:
    """The same for a gate that names beyond the cluster are hidden from by a mesh's egress gateway: callers connect to that."""
    services = Services.of("tcp", port, port)
    to, pods = gateway.hosts, gateway.pods(services)
    return [
        replace(one, to=to, services=services, workloads=(gateway,), pod_services=pods, operations=None)
        if one.routes and not one.workloads and not one.to.addresses() and one.to.names.mentioned()
        else one
        for one in found
    ]


def _of_flow(flow: "Flow", cluster: Cluster) -> Wanted:
    behind = cluster.behind(flow.to)
    pods = Services.union(one.pods(flow.services) for one in behind)
    return Wanted(flow.callers, flow.cidrs, flow.to, flow.services, behind, pods, flow.operations, reason=flow.reason)


def _of_route(
    access: Access, route: Route, gate: str, environments: Sequence["ClusterNetwork"], cluster: Cluster
) -> Iterator[Wanted]:
    callers = frozenset(
        workload for one in environments for name in route.from_ if (workload := one.workload_of(name)) is not None
    )
    if not callers:
        return
    for name in route.to:
        destination = access.destination(name)
        if gate not in access.zones[destination.zone].gates:
            continue
        hosts, services = destination_hosts(destination), destination_services(destination)
        behind = cluster.behind(hosts)
        pods = Services.union(one.pods(services) for one in behind)
        requests = route_operations(route)
        yield Wanted(callers, (), hosts, services, behind, pods, requests, (route.name,), route.reason, destination)


def _merged(found: Iterable[Wanted]) -> list[Wanted]:
    """Those that differ in their callers alone are one."""
    kept: dict[object, Wanted] = {}
    for one in found:
        key = (one.cidrs, one.to, one.services, one.operations, tuple(each.name for each in one.workloads), bool(one.routes))
        known = kept.get(key)
        if known is None:
            kept[key] = one
        else:
            routes = tuple(dict.fromkeys((*known.routes, *one.routes)))
            kept[key] = replace(known, callers=known.callers | one.callers, routes=routes)
    return list(kept.values())
