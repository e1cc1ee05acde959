"""The component that puts an environment together: namespace, service accounts, the chart."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ...access import Access
from ...errors import Problems
from ...gates.kubernetes.declared import ClusterFacts, describe
from ...gates.kubernetes.marks import MANAGED
from ...gates.nginx.webserver import AirflowSide
from ...gates.tcp_proxy.platforms import InTaskPods
from ...tokens import HELM_ENVIRONMENT
from .accounts import Accounts
from .checks import check_accounts, check_addresses, check_launchers, check_mesh, check_proxy, check_release, check_versions
from .cluster_policy import cluster_policy
from .flows import Database
from .limits import CHART, REPOSITORY
from .mesh import MESHES, NONE, Mesh
from .network import ClusterNetwork, accounts_of, cluster_network
from .platforms import Eks, Gke, check_platform
from .tasks import TaskProvider, check_tasks, config_map
from .values import ChartSecrets, Image, chart_values
from .workloads import CELERY, KUBERNETES

__all__ = ["Eks", "Gke", "HelmEnvironment"]


class HelmEnvironment(pulumi.ComponentResource):
    """Airflow 3 by its official chart, in a namespace of its own, each principal's tasks as a service account of their own.

    With the Kubernetes executor a cluster policy gives every task's pod the account of its principal, and no DAG is changed. With
    Celery all tasks run in the workers, as one account: no gate that sees accounts tells them apart, and the proof says so.
    """

    network: ClusterNetwork
    """What gates need of it."""
    namespace: str
    release_name: str
    """Helm's name of it."""
    identity: str
    """What the cluster tells its tasks apart by, in words."""
    status: pulumi.Output[Any]
    """The release's status, as Helm has it."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        owner: str,
        platform: Eks | Gke,
        airflow_version: str,
        chart_version: str,
        image: Image,
        secrets: ChartSecrets,
        database: Database,
        pod_cidrs: Sequence[str],
        cluster: ClusterFacts | None = None,
        executor: str = KUBERNETES,
        namespace: str = "airflow",
        release: str = "airflow",
        mesh: str | None = None,
        pgbouncer: bool = True,
        launchers: Sequence[str] = (),
        gateway: AirflowSide | None = None,
        tasks: TaskProvider | None = None,
        proxy: InTaskPods | None = None,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        remote_logs: str | None = None,
        endpoint_cidrs: Sequence[str] = (),
        log_volume: str = "5Gi",
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: what principals call the environment.
            access: whose principals its tasks are.
            owner: who answers for it.
            platform: `Eks` or `Gke`, with the cloud identities of principals.
            airflow_version, chart_version: whole versions.
            image: Airflow's image, pinned, with the DAGs in it.
            secrets: names of Secrets that somebody else keeps.
            database: where the metadata database is.
            pod_cidrs: where its pods, and nobody else's, have their addresses: what gates beyond the cluster know it by.
            cluster: what is declared of the cluster (`ClusterDeclaration.facts`).
            executor: KubernetesExecutor, or CeleryExecutor.
            namespace, release: of Kubernetes and of Helm.
            mesh: istio, linkerd, consul, or None.
            pgbouncer: whether the chart's PgBouncer stands before the database.
            launchers: principals whose tasks start pods themselves (KubernetesPodOperator), as themselves and no other.
            gateway: by which people come (`gates.nginx.airflow_side`). Its Secret is there once the `NginxGateway` is: the API
                server waits for it.
            tasks: Airlock's provider, which the image holds: each task gets the connections that its routes lead to, no others.
            proxy: the TCP proxy as a sidecar of each task's pod, with the Kubernetes executor; `TcpProxy(platform=…)` makes what
                it mounts, after this environment.
            settings: more sections of airflow.cfg; they count before the gateway's.
            remote_logs: where tasks' logs go (`s3://…`, `gs://…`); pods of tasks are gone afterwards.
            endpoint_cidrs: where the endpoints of the cloud are that tasks need for logs and roles: on EKS the VPC's endpoints
                of S3 and STS, on GKE `199.36.153.8/30` (private.googleapis.com). Gates that shut the namespace open these alone.
            log_volume: the size of a volume for logs of the triggerer, and of each of Celery's workers.

        Raises:
            InputError: with every problem.
        """
        problems = Problems(name)
        check_release(namespace, release, executor, problems)
        check_versions(airflow_version, chart_version, image, problems)
        check_accounts(access, name, executor, release, problems)
        check_addresses(database, pod_cidrs, endpoint_cidrs, problems)
        check_mesh(mesh, problems)
        check_launchers(access, name, executor, release, launchers, problems)
        if tasks is not None:
            check_tasks(tasks, executor, problems)
        if proxy is not None:
            check_proxy(proxy, namespace, executor, problems)
        check_platform(access, platform, accounts_of(access, name, executor, release), problems)
        if executor == KUBERNETES and remote_logs is None:
            problems.add("remote_logs", "missing: a task's pod is gone when it ends, and its log with it; write s3://… or gs://…")
        if not owner.strip():
            problems.add("owner", "empty: write who answers for it")
        problems.raise_any()

        given = MESHES[mesh] if mesh else NONE
        network = cluster_network(
            access,
            name,
            namespace=namespace,
            release=release,
            executor=executor,
            database=database,
            pod_cidrs=pod_cidrs,
            pgbouncer=pgbouncer,
            redis=secrets.broker is None,
            api_server_cidrs=cluster.api_server_cidrs if cluster else (),
            launchers=launchers,
            mesh=mesh or "",
            gateway=gateway.secret if gateway else "",
            endpoint_cidrs=endpoint_cidrs,
            gke=isinstance(platform, Gke),
        )
        described = {
            **_described(network, database, pgbouncer, secrets.broker is None, cluster, mesh),
            "launchers": list(launchers),
            "gateway": network.gateway,
            "endpointCidrs": list(endpoint_cidrs),
            "gke": isinstance(platform, Gke),
        }
        # Among the inputs for `pulumi preview --json`, which has no outputs of components.
        super().__init__(HELM_ENVIRONMENT, name, dict(described), opts)
        self.network = network
        self.namespace = namespace
        self.release_name = release
        self.identity = (
            f"all tasks run as {network.as_workloads().others}: nothing in the cluster tells principals apart"
            if executor == CELERY
            else "each principal's tasks run as a service account of their own"
        )
        space = self._namespace(name, owner, given)
        after: list[pulumi.Resource] = [space]
        starting = list(dict.fromkeys(network.accounts[one] for one in launchers))
        if executor == KUBERNETES:
            after += Accounts(name, network, platform, starting, given.tokens, self, space).make()
        self.status = self._chart(
            name,
            chart_version,
            chart_values(
                network,
                airflow_version=airflow_version,
                image=image,
                secrets=secrets,
                policy=cluster_policy(access, name, release, network.accounts, launchers, tokens=given.tokens),
                pgbouncer=pgbouncer,
                gateway=gateway,
                settings=settings or {},
                remote_logs=remote_logs,
                annotations=given.annotations,
                tokens=given.tokens,
                log_volume=log_volume,
                tasks=tasks,
                proxy=proxy,
            ),
            [*after, *([self._manifest(name, tasks, space)] if tasks else [])],
        )
        self.register_outputs(described)

    def _namespace(self, name: str, owner: str, mesh: Mesh) -> kubernetes.core.v1.Namespace:
        return kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(
                name=self.namespace,
                labels={
                    **MANAGED,
                    "pod-security.kubernetes.io/enforce": "restricted",
                    **mesh.labels,
                },
                annotations={"airlock/owner": owner, **mesh.namespace_annotations},
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _manifest(self, name: str, tasks: TaskProvider, space: kubernetes.core.v1.Namespace) -> pulumi.Resource:
        """What tasks go by. A change of it arrives within a minute or two, without a restart."""
        made: pulumi.Resource = kubernetes.core.v1.ConfigMap(
            f"{name}-airlock",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(
                name=config_map(self.release_name), namespace=self.namespace, labels=dict(MANAGED)
            ),
            data={"manifest.json": tasks.manifest.text()},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[space]),
        )
        return made

    def _chart(self, name: str, version: str, values: dict[str, Any], after: Sequence[pulumi.Resource]) -> pulumi.Output[Any]:
        release = kubernetes.helm.v3.Release(
            f"{name}-airflow",
            name=self.release_name,
            namespace=self.namespace,
            chart=CHART,
            version=version,
            repository_opts=kubernetes.helm.v3.RepositoryOptsArgs(repo=REPOSITORY),
            values=values,
            atomic=True,
            timeout=900,
            # All is waited for: the migrations are no hook, so that they run beside the pods that wait for them (`values`).
            skip_await=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        found: pulumi.Output[Any] = release.status
        return found


def _described(
    network: ClusterNetwork, database: Database, pgbouncer: bool, redis: bool, cluster: ClusterFacts | None, mesh: str | None
) -> dict[str, Any]:
    """What readers need, as plain data."""
    return {
        "namespace": network.namespace,
        "release": network.release,
        "executor": network.executor,
        "accounts": dict(network.accounts),
        "podCidrs": list(network.pod_cidrs),
        "database": {"port": database.port, "hosts": list(database.hosts), "cidrs": list(database.cidrs)},
        "pgbouncer": pgbouncer,
        "redis": redis,
        "apiServerCidrs": list(cluster.api_server_cidrs) if cluster else [],
        "mesh": mesh or "",
        "workloads": [describe(one) for one in network.workloads],
    }
