"""What a cluster's gates need to know of an environment: the one thing that it hands to them. No SDK in here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...access.model import Access, Principal
from ...gates.kubernetes.workloads import API_SERVER as KUBERNETES_API
from ...gates.kubernetes.workloads import Workload
from ...proof.filters import Workloads
from ...proof.sets import Hosts
from .flows import Database, Endpoint, Flow, own_flows
from .platforms import METADATA
from .workloads import CELERY, WORKER, account_of, default_account
from .workloads import workloads as all_workloads


@dataclass(frozen=True, slots=True)
class ClusterNetwork:
    """Where an environment's tasks run in a cluster, as whom, and what Airflow itself needs."""

    environment: str
    """The name that principals use: the environment's component name."""
    namespace: str
    release: str
    """Helm's name of it."""
    executor: str
    """KubernetesExecutor or CeleryExecutor."""
    accounts: Mapping[str, str]
    """Principal → the service account that its tasks run as, in the order in which they are looked at."""
    pod_cidrs: tuple[str, ...]
    """Where its pods have their addresses: what gates beyond the cluster know it by."""
    workloads: tuple[Workload, ...]
    flows: tuple[Flow, ...]
    api_server: Workload
    mesh: str = ""
    """Whose sidecars its pods have; empty: none."""
    gateway: str = ""
    """The Secret by which its API server knows the gateway of people; empty: it has none."""

    def workload_of(self, principal: str) -> str | None:
        """The workload that a principal's tasks run as; None where it has no tasks here."""
        account = self.accounts.get(principal)
        return None if account is None else f"{self.namespace}/{account}"

    def as_workloads(self) -> Workloads:
        """As whom tasks run, for the proof."""
        others = others_account(self.executor, self.release)
        pairs = tuple((name, f"{self.namespace}/{account}") for name, account in self.accounts.items())
        tasks = {f"{self.namespace}/{others}", *(workload for _, workload in pairs)}
        return Workloads(
            pairs, f"{self.namespace}/{others}", frozenset(one.name for one in self.workloads if one.name not in tasks)
        )


def others_account(executor: str, release: str) -> str:
    """As whom tasks run that no principal covers; with Celery all of them."""
    return account_of(WORKER, release) if executor == CELERY else default_account(release)


def principals_of(access: Access, environment: str) -> list[Principal]:
    """The workloads that an environment may run, in the file's order."""
    return [one for one in access.principals if not one.is_people and one.environment in (None, environment)]


def accounts_of(access: Access, environment: str, executor: str, release: str) -> dict[str, str]:
    """The service account that each principal's tasks run as. Celery's workers run all tasks as one account."""
    principals = principals_of(access, environment)
    if executor == CELERY:
        return dict.fromkeys((one.name for one in principals), others_account(executor, release))
    return {one.name: one.service_account or one.name for one in principals}


def cluster_network(access: Access, environment: str, **given: Any) -> ClusterNetwork:
    """What gates need of an environment that is deployed so (`network_of`), with the accounts of an access file."""
    accounts = accounts_of(access, environment, given["executor"], given["release"])
    return network_of(environment, accounts=accounts, **given)


def network_of(
    environment: str,
    *,
    namespace: str,
    release: str,
    executor: str,
    accounts: Mapping[str, str],
    database: Database,
    pod_cidrs: Iterable[str],
    pgbouncer: bool = True,
    redis: bool = True,
    api_server_cidrs: Iterable[str] = (),
    launchers: Iterable[str] = (),
    mesh: str = "",
    gateway: str = "",
    endpoint_cidrs: Iterable[str] = (),
    gke: bool = False,
) -> ClusterNetwork:
    """What gates need of an environment that is deployed so.

    `api_server_cidrs`: the addresses of the cluster's API server, which its name stands for. `launchers`: the principals whose
    tasks start pods. `mesh`: whose sidecars its pods have. `gateway`: the Secret by which its API server knows people's gateway.
    `endpoint_cidrs`: where the cloud's endpoints are; `gke`: whether pods have the metadata server of GKE.
    """
    found = all_workloads(executor, namespace, release, list(accounts.values()), pgbouncer=pgbouncer, redis=redis)
    others = others_account(executor, release)
    tasks = frozenset(f"{namespace}/{account}" for account in (*accounts.values(), others))
    starting = frozenset(f"{namespace}/{accounts[name]}" for name in launchers if name in accounts)
    addresses = Hosts.from_cidrs(api_server_cidrs)
    flows = (
        replace(one, to=one.to | addresses) if KUBERNETES_API in one.to.names else one
        for one in own_flows(executor, release, found, database, tasks, starting, mesh, _endpoints(endpoint_cidrs, gke))
    )
    return ClusterNetwork(
        environment=environment,
        namespace=namespace,
        release=release,
        executor=executor,
        accounts=dict(accounts),
        pod_cidrs=tuple(pod_cidrs),
        workloads=found,
        flows=tuple(flows),
        api_server=next(one for one in found if one.labels.get("component") == "api-server"),
        mesh=mesh,
        gateway=gateway,
    )


def _endpoints(cidrs: Iterable[str], gke: bool) -> list[Endpoint]:
    own = METADATA if gke else ()
    return [
        *(Endpoint(cidr, 443, 443, "the cloud's endpoints: logs of tasks, and roles") for cidr in cidrs),
        *(Endpoint(cidr, first, last, "who a pod is, from GKE's metadata server") for cidr, first, last in own),
    ]
