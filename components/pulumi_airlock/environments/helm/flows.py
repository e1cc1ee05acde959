"""Airflow 3's own flows in a cluster, and nothing else: who of its parts talks to whom. No SDK in here.

Every gate of a cluster lets through these and the routes. That tasks reach the API server's execution API alone is the flow that
matters most: on the same port the rest of the API takes identity headers from whoever sends them (measured, Airflow 3.3).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...gates.kubernetes.control_planes import CONTROLLERS, control_plane
from ...gates.kubernetes.workloads import API_SERVER as KUBERNETES_API
from ...gates.kubernetes.workloads import DNS, Workload
from ...proof.filters import HttpOperation, Match, Who
from ...proof.sets import Hosts, Services
from .workloads import (
    API_SERVER,
    API_SERVER_PORT,
    CELERY,
    DAG_PROCESSOR,
    MIGRATION,
    PGBOUNCER,
    PGBOUNCER_PORT,
    REDIS,
    REDIS_PORT,
    SCHEDULER,
    TRIGGERER,
    TRIGGERER_LOGS_PORT,
    WORKER,
    WORKER_LOGS_PORT,
    account_of,
)

EXECUTION_API = HttpOperation("*", "/execution/*")
"""What tasks call of the API server (Airflow 3, "Task Execution Interface"): all methods, no other path."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the metadata database is: by name, by address or both."""

    port: int
    hosts: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()

    def as_hosts(self) -> Hosts:
        """As a destination."""
        return Hosts.from_names(self.hosts) | Hosts.from_cidrs(self.cidrs)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Addresses of the cloud's own, and their TCP ports."""

    cidr: str
    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow of Airflow's own."""

    callers: frozenset[str]
    """Workloads, by their names."""
    to: Hosts
    """The destination, as callers name it."""
    services: Services
    workload: str = ""
    """The workload that it is, where it is one of Airflow's own."""
    operations: frozenset[HttpOperation] | None = None
    """The requests, where it is HTTP that a gate may look into; None: whatever goes over the connection."""
    reason: str = ""
    cidrs: tuple[str, ...] = ()
    """Networks that callers come from who are no workloads, as a gateway's are."""

    def match(self) -> Match:
        """As a need of the environment's own."""
        who = Who(sources=Hosts.from_cidrs(self.cidrs)) if self.cidrs else Who(workloads=self.callers)
        return Match(who=who, hosts=self.to, services=self.services, operations=self.operations)


def own_flows(
    executor: str,
    release: str,
    found: Sequence[Workload],
    database: Database,
    tasks: frozenset[str],
    launchers: frozenset[str] = frozenset(),
    mesh: str = "",
    endpoints: Sequence[Endpoint] = (),
) -> Iterator[Flow]:
    """All flows of an environment; `tasks`: the workloads that tasks run as, by name; `launchers`: those that start pods.

    `mesh`: whose sidecars they have, empty for none. `endpoints`: of the cloud, that tasks and whoever handles their logs need.
    """
    by_account = {one.service_account: one for one in found}
    own = {
        one: by_account[account_of(one, release)]
        for one in (API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER, MIGRATION, PGBOUNCER, REDIS, WORKER)
        if account_of(one, release) in by_account
    }

    def names(*parts: object) -> frozenset[str]:
        return frozenset(workload.name for part, workload in own.items() if part in parts)

    def to(part: object) -> tuple[Hosts, str]:
        workload = next(one for each, one in own.items() if each is part)
        return workload.hosts, workload.name

    api, api_name = to(API_SERVER)
    yield Flow(tasks, api, _tcp(API_SERVER_PORT), api_name, frozenset({EXECUTION_API}), "tasks report to the execution API")
    stateful = names(API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER, MIGRATION)
    if PGBOUNCER in own:
        bouncer, name = to(PGBOUNCER)
        yield Flow(stateful, bouncer, _tcp(PGBOUNCER_PORT), name, reason="the metadata database, through PgBouncer")
        yield Flow(names(PGBOUNCER), database.as_hosts(), _tcp(database.port), reason="the metadata database")
    else:
        yield Flow(stateful, database.as_hosts(), _tcp(database.port), reason="the metadata database")
    watchers = names(SCHEDULER, API_SERVER) if executor != CELERY else frozenset[str]()
    if watchers:
        kubernetes = Hosts.from_names([KUBERNETES_API])
        yield Flow(watchers, kubernetes, _tcp(443), reason="starts tasks' pods, and reads their logs")
        if launchers:
            yield Flow(launchers, kubernetes, _tcp(443), reason="tasks that start pods")
    triggerer, triggerer_name = to(TRIGGERER)
    yield Flow(names(API_SERVER), triggerer, _tcp(TRIGGERER_LOGS_PORT), triggerer_name, reason="logs of what waits")
    if executor == CELERY:
        worker, worker_name = to(WORKER)
        yield Flow(names(API_SERVER), worker, _tcp(WORKER_LOGS_PORT), worker_name, reason="logs of tasks")
        if REDIS in own:
            redis, name = to(REDIS)
            yield Flow(names(SCHEDULER, WORKER), redis, _tcp(REDIS_PORT), name, reason="the queue of tasks")
        # Workers write states of tasks into Celery's result backend.
        backend, name = to(PGBOUNCER) if PGBOUNCER in own else (database.as_hosts(), "")
        port = PGBOUNCER_PORT if PGBOUNCER in own else database.port
        yield Flow(names(WORKER), backend, _tcp(port), name, reason="Celery's result backend")
    for each in endpoints:
        hosts, services = Hosts.from_cidrs([each.cidr]), Services.of("tcp", each.first, each.last)
        yield Flow(tasks | names(API_SERVER, TRIGGERER), hosts, services, reason=each.reason)
    everybody = frozenset(one.name for one in found) | tasks
    yield names_flow(everybody)
    yield from sidecar_flows(mesh, everybody)


def names_flow(callers: frozenset[str]) -> Flow:
    """To the cluster's DNS."""
    return Flow(callers, Hosts.from_names([DNS]), Services.of("udp", 53, 53) | _tcp(53), reason="names")


def sidecar_flows(mesh: str, callers: frozenset[str]) -> Iterator[Flow]:
    """What the sidecars of workloads need of their mesh's control plane; nothing for no mesh."""
    for one, workload in zip(CONTROLLERS.get(mesh, ()), control_plane(mesh), strict=True):
        yield Flow(callers, workload.hosts, Services.union(map(_tcp, one.ports)), workload.name, reason=one.reason)


def _tcp(port: int) -> Services:
    return Services.of("tcp", port, port)
