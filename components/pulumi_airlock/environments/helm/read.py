"""Reads the environments that `HelmEnvironment` makes: where their traffic comes from, as whom, and what Airflow needs itself.

A release of the chart that a program makes without the component is an environment of which nothing is known: `read` says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...gates.kubernetes import API_SERVER, Cluster, read_cluster
from ...gates.kubernetes.control_planes import control_plane
from ...gates.kubernetes.meshes import in_meshes
from ...gates.stack import Resource, Stack, cidrs, listed, mapping, port_number
from ...proof.filters import Action, Combine, Environment, Filter, Match, Need, Rule, Who
from ...proof.sets import Hosts, Services
from ...tokens import HELM_ENVIRONMENT
from .flows import Database, Flow, names_flow, sidecar_flows
from .network import ClusterNetwork, network_of

RELEASE = "kubernetes:helm.sh/v3:Release"


def read_environments(stack: Stack) -> Iterator[Environment]:
    """Every environment of the chart, by its component's name; a release without one by its own."""
    cluster = read_cluster(stack, strangers=False)
    for one, network in _networks(stack):
        own = tuple(match for flow in network.flows for match in _matches(flow, cluster))
        yield Environment(one.name, one.urn, Hosts.from_cidrs(network.pod_cidrs), own, network.as_workloads())
    for one in _bare(stack):
        yield Environment(one.name, one.urn, Hosts.every().addresses())


def read(stack: Stack) -> Iterator[Filter]:
    """What an environment needs; and for each release of the chart that no component made, that nothing can be proven of it."""
    networks = list(_networks(stack))
    cluster = read_cluster(stack, strangers=False) if networks else Cluster((), {})
    others = dict.fromkeys(_sidecars_of_others(stack, cluster, [network for _, network in networks]))
    for number, (one, network) in enumerate(networks):
        # What others need of the mesh is said once, with the first environment.
        flows = [*network.flows, *(others if number == 0 else ())]
        needs = tuple(Need(match, flow.reason) for flow in flows for each in _each(flow) for match in _matches(each, cluster))
        # It stands on no path, and decides nothing.
        scope = Match(who=Who(environments=frozenset({one.name})))
        yield Filter(one.name, "what Airflow needs", Combine.ANY_ALLOW, Action.ALLOW, (), one.urn, scope=scope, needs=needs)
    for one in _bare(stack):
        scope = Match(who=Who(environments=frozenset({one.name})))
        reason = f"{one.name}: a release of Airflow's chart without HelmEnvironment, so that nobody says where its pods are"
        rule = Rule(Action.DENY, scope, one.at("values", label=f"release {one.name}"), (reason,))
        name = f"pods of {one.name}"
        yield Filter(one.name, name, Combine.FIRST_MATCH, Action.ALLOW, (rule,), one.urn, scope=scope, always=True)


def _networks(stack: Stack) -> Iterator[tuple[Resource, ClusterNetwork]]:
    for one in stack.of_type(HELM_ENVIRONMENT):
        network = read_network(one)
        if network is not None:
            yield one, network


def _sidecars_of_others(stack: Stack, cluster: Cluster, networks: list[ClusterNetwork]) -> Iterator[Flow]:
    """What sidecars of others in the environments' meshes need: without it they do not start, and nobody is reached."""
    own = {workload.name for network in networks for workload in network.workloads}
    members = in_meshes(stack, cluster)
    for mesh in dict.fromkeys(network.mesh for network in networks if network.mesh):
        controllers = {one.name for one in control_plane(mesh)}
        callers = frozenset(name for name, theirs in members.items() if theirs == mesh) - own - controllers
        if callers:
            yield from (names_flow(callers), *sidecar_flows(mesh, callers))


def _each(flow: Flow) -> Iterator[Flow]:
    """The flow of each caller alone, so that a proof can tell who is refused."""
    if flow.cidrs:
        yield flow
    for one in sorted(flow.callers):
        yield replace(flow, callers=frozenset({one}))


def _matches(flow: Flow, cluster: Cluster) -> Iterator[Match]:
    """A flow as callers name it: by every Service before the pods, and the API server by its addresses with their port."""
    behind = cluster.behind(flow.to)
    boxes = [(flow.to, flow.services)]
    if behind:
        boxes += cluster.reached(behind, Services.union(one.pods(flow.services) for one in behind))
    elif API_SERVER in flow.to.names:
        boxes = cluster.beyond(flow.to, cluster.api_service.pods(flow.services))
    for hosts, services in dict.fromkeys(boxes):
        yield replace(flow.match(), hosts=hosts, services=services)


def read_network(one: Resource) -> ClusterNetwork | None:
    """What a component registered; None where it is not known whole."""
    accounts, database = one.get("accounts"), one.get("database")
    port = port_number(mapping(database).get("port"))
    if not isinstance(accounts, Mapping) or not isinstance(database, Mapping) or port is None:
        return None
    return network_of(
        one.name,
        namespace=str(one.get("namespace")),
        release=str(one.get("release")),
        executor=str(one.get("executor")),
        accounts={str(name): str(account) for name, account in accounts.items()},
        database=Database(port, _texts(database.get("hosts")), cidrs(database.get("cidrs"))),
        pod_cidrs=cidrs(one.get("podCidrs")),
        pgbouncer=bool(one.get("pgbouncer")),
        redis=bool(one.get("redis")),
        api_server_cidrs=cidrs(one.get("apiServerCidrs")),
        launchers=_texts(one.get("launchers")),
        mesh=str(one.get("mesh") or ""),
        gateway=str(one.get("gateway") or ""),
        endpoint_cidrs=cidrs(one.get("endpointCidrs")),
        gke=one.get("gke") is True,
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in listed(value) if isinstance(one, str))


def _bare(stack: Stack) -> Iterator[Resource]:
    for one in stack.of_type(RELEASE):
        is_airflow = one.get("chart") == "airflow" or str(one.get("chart")).endswith("/airflow")
        if is_airflow and not any(above.type == HELM_ENVIRONMENT for above in one.ancestors()):
            yield one
