"""The workloads of Airflow's chart: their service accounts, labels, ports and Services, per executor. No SDK in here.

Facts: the official chart's templates (labels `tier: airflow`, `component`, `release`; service accounts `<release>-<component>`;
Services `<release>-api-server`, `<release>-worker`, …), held against what chart 1.22 renders (docs/environments/helm.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...gates.kubernetes.workloads import SERVICE_DOMAIN, ServiceName, ServicePort, Workload

KUBERNETES = "KubernetesExecutor"
CELERY = "CeleryExecutor"
EXECUTORS = (KUBERNETES, CELERY)

API_SERVER_PORT = 8080
WORKER_LOGS_PORT = 8793
TRIGGERER_LOGS_PORT = 8794
PGBOUNCER_PORT = 6543
REDIS_PORT = 6379

PRINCIPAL_LABEL = "airlock/principal"
"""A label of task pods, set where their service account is: what gates go by that see labels alone."""


@dataclass(frozen=True, eq=False, slots=True)
class Component:
    """A part of Airflow, as the chart deploys it."""

    name: str
    """`api-server`: the label `component`, and the end of its service account's name."""
    ports: Mapping[str, int]
    """Named ports of its containers."""
    service: bool = False
    """Whether a Service of its name stands in front of it."""
    headless: bool = False


API_SERVER = Component("api-server", {"api-server": API_SERVER_PORT}, service=True)
SCHEDULER = Component("scheduler", {})
DAG_PROCESSOR = Component("dag-processor", {})
TRIGGERER = Component("triggerer", {"triggerer-logs": TRIGGERER_LOGS_PORT}, service=True, headless=True)
WORKER = Component("worker", {"worker-logs": WORKER_LOGS_PORT}, service=True, headless=True)
PGBOUNCER = Component("pgbouncer", {"pgbouncer": PGBOUNCER_PORT, "metrics": 9127}, service=True)
REDIS = Component("redis", {"redis-db": REDIS_PORT}, service=True)
MIGRATION = Component("run-airflow-migrations", {})


def components(executor: str, *, pgbouncer: bool = True, redis: bool = True) -> tuple[Component, ...]:
    """The parts that run all the time, or at an upgrade, beside tasks' pods."""
    celery = (WORKER, REDIS) if redis else (WORKER,)
    return (
        API_SERVER,
        SCHEDULER,
        DAG_PROCESSOR,
        TRIGGERER,
        MIGRATION,
        *((PGBOUNCER,) if pgbouncer else ()),
        *(celery if executor == CELERY else ()),
    )


def account_prefix(release: str) -> str:
    """How the chart begins the names of service accounts: unlike those of all else, they always say airflow (`_helpers.yaml`)."""
    return release if "airflow" in release else f"{release}-airflow"


def account_of(component: Component, release: str) -> str:
    """The service account that the chart gives a component (`serviceAccount.name` unset)."""
    name = "migrate-database-job" if component is MIGRATION else component.name
    return f"{account_prefix(release)}-{name}"


def workload_of(component: Component, namespace: str, release: str) -> Workload:
    """A component as a workload of the cluster."""
    account = account_of(component, release)
    host = f"{release}-{component.name}.{namespace}.{SERVICE_DOMAIN}"
    ports = () if component.headless else tuple(ServicePort("tcp", port, port) for port in component.ports.values())
    return Workload(
        name=f"{namespace}/{account}",
        namespace=namespace,
        service_account=account,
        labels=labels_of(component, release),
        ports={name: ("tcp", port) for name, port in component.ports.items()},
        services=(ServiceName(host, ports),) if component.service else (),
    )


def labels_of(component: Component, release: str) -> dict[str, str]:
    """What the chart's pods of a component are labelled with, as far as it is the same in every release."""
    return {"tier": "airflow", "component": component.name, "release": release}


def tasks_workload(namespace: str, account: str, release: str) -> Workload:
    """The pods of tasks that run as an account of their own, and those that such tasks start: Kubernetes executor alone."""
    return Workload(
        name=f"{namespace}/{account}",
        namespace=namespace,
        service_account=account,
        labels={**labels_of(WORKER, release), PRINCIPAL_LABEL: account},
        ports={"worker-logs": ("tcp", WORKER_LOGS_PORT)},
    )


def default_account(release: str) -> str:
    """As whom tasks run that no principal covers: an account to which no route belongs."""
    return f"{release}-tasks"


def workloads(
    executor: str,
    namespace: str,
    release: str,
    accounts: Sequence[str],
    *,
    pgbouncer: bool = True,
    redis: bool = True,
) -> tuple[Workload, ...]:
    """All workloads of an environment: Airflow's own, and tasks' pods, one for each account."""
    own = [workload_of(one, namespace, release) for one in components(executor, pgbouncer=pgbouncer, redis=redis)]
    tasks = dict.fromkeys([*accounts, default_account(release)]) if executor == KUBERNETES else ()
    return (*own, *(tasks_workload(namespace, account, release) for account in tasks))
