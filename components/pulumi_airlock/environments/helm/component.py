"""The component that puts an environment together: namespace, service accounts, the chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ...access import Access
from ...errors import Problems
from ...gates.kubernetes.declared import ClusterFacts, describe
from ...tokens import HELM_ENVIRONMENT
from .checks import check_accounts, check_release, check_versions
from .cluster_policy import cluster_policy
from .flows import Database
from .limits import CHART, GOOGLE_ACCOUNT, REPOSITORY, ROLE_ARN
from .network import ClusterNetwork, cluster_network
from .values import ChartSecrets, Image, chart_values
from .workloads import KUBERNETES, default_account

MESHES = ("istio", "linkerd", "consul")
_INJECTION = {
    "istio": {"istio-injection": "enabled"},
    "linkerd": {},
    "consul": {},
}
"""Labels of a namespace whose pods are put into a mesh."""
_ANNOTATIONS = {
    "istio": {"proxy.istio.io/config": '{"holdApplicationUntilProxyStarts": true}', "sidecar.istio.io/nativeSidecar": "true"},
    "linkerd": {
        "linkerd.io/inject": "enabled",
        "config.alpha.linkerd.io/proxy-enable-native-sidecar": "true",
        # PgBouncer's port is none of those that Linkerd takes for opaque by itself (Linkerd, "Protocol Detection").
        "config.linkerd.io/opaque-ports": "5432,6543,6379",
        "config.linkerd.io/default-inbound-policy": "deny",
    },
    "consul": {
        "consul.hashicorp.com/connect-inject": "true",
        # Pods that end: the sidecar has to end with them (consul-k8s, "Enable sidecar for jobs").
        "consul.hashicorp.com/enable-consul-dataplane-as-sidecar": "true",
    },
}
"""Annotations of every pod of Airflow's, as each mesh needs them: sidecars start before Airflow, and end with a task's pod."""


@dataclass(frozen=True, slots=True)
class Eks:
    """Amazon EKS: AWS roles for service accounts."""

    role_arns: Mapping[str, str] = field(default_factory=dict)
    """Principal → the role that its tasks take."""
    pod_identity_cluster: str | None = None
    """The EKS cluster's name, to bind roles by EKS Pod Identity; None: by the OIDC provider of the cluster (IRSA)."""


@dataclass(frozen=True, slots=True)
class Gke:
    """Google GKE: Google service accounts, by workload identity."""

    project: str
    """The project of the cluster, whose workload identity pool it is."""
    service_accounts: Mapping[str, str] = field(default_factory=dict)
    """Principal → the Google service account that its tasks act as."""


class HelmEnvironment(pulumi.ComponentResource):
    """Airflow 3 by its official chart, in a namespace of its own, each principal's tasks as a service account of their own.

    With the Kubernetes executor a cluster policy gives every task's pod the account of its principal, and no DAG is changed. With
    Celery all tasks run in the workers, as one account: no gate that sees accounts tells them apart, and the proof says so.
    """

    network: ClusterNetwork
    """What gates need of it."""
    namespace: str
    release_name: str
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
        webserver_config: str | None = None,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        remote_logs: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: what principals call the environment.
            access: whose principals its tasks are.
            owner: who answers for it.
            platform: `Eks` or `Gke`, with the cloud identities of principals.
            airflow_version, chart_version: whole versions.
            image: Airflow's image, pinned.
            secrets: names of Secrets that somebody else keeps.
            database: where the metadata database is.
            pod_cidrs: where its pods, and nobody else's, have their addresses: what gates beyond the cluster know it by.
            cluster: what is declared of the cluster (`ClusterDeclaration.facts`).
            executor: KubernetesExecutor, or CeleryExecutor.
            namespace, release: of Kubernetes and of Helm.
            mesh: istio, linkerd, consul, or None.
            pgbouncer: whether the chart's PgBouncer stands before the database.
            webserver_config: text of webserver_config.py, as the gateway gives it.
            settings: sections of airflow.cfg, as the gateway gives them (`webserver_settings`).
            remote_logs: where tasks' logs go (`s3://…`, `gs://…`); pods of tasks are gone afterwards.

        Raises:
            InputError: with every problem.
        """
        problems = Problems(name)
        check_release(namespace, release, executor, problems)
        check_versions(airflow_version, chart_version, image, problems)
        check_accounts(access, name, executor, release, problems)
        _check_platform(access, platform, mesh, problems)
        if executor == KUBERNETES and remote_logs is None:
            problems.add("remote_logs", "missing: a task's pod is gone when it ends, and its log with it; write s3://… or gs://…")
        problems.raise_any()

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
        )
        described = _described(network, database, pgbouncer, secrets.broker is None, cluster, mesh)
        # Among the inputs for `pulumi preview --json`, which has no outputs of components.
        super().__init__(HELM_ENVIRONMENT, name, dict(described), opts)
        self.network = network
        self.namespace = namespace
        self.release_name = release
        space = self._namespace(name, owner, mesh)
        accounts = self._accounts(name, platform, space)
        self.status = self._chart(
            name,
            chart_version,
            chart_values(
                network,
                airflow_version=airflow_version,
                image=image,
                secrets=secrets,
                policy=cluster_policy(access, name, release, self.network.accounts),
                pgbouncer=pgbouncer,
                webserver_config=webserver_config,
                settings=settings or {},
                remote_logs=remote_logs,
                annotations=_ANNOTATIONS.get(mesh or "", {}),
                native_sidecars=mesh is not None,
            ),
            [space, *accounts],
        )
        self.register_outputs(described)

    def _namespace(self, name: str, owner: str, mesh: str | None) -> kubernetes.core.v1.Namespace:
        return kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(
                name=self.namespace,
                labels={
                    "app.kubernetes.io/managed-by": "airlock",
                    "pod-security.kubernetes.io/enforce": "restricted",
                    **_INJECTION.get(mesh or "", {}),
                },
                annotations={"airlock/owner": owner},
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _accounts(self, name: str, platform: Eks | Gke, space: pulumi.Resource) -> list[pulumi.Resource]:
        if self.network.executor != KUBERNETES:
            return []
        found: list[pulumi.Resource] = []
        wanted = dict.fromkeys([*self.network.accounts.values(), default_account(self.release_name)])
        by_account = {account: principal for principal, account in reversed(list(self.network.accounts.items()))}
        for account in wanted:
            annotations, binding = _identity(platform, by_account.get(account))
            made = kubernetes.core.v1.ServiceAccount(
                f"{name}-account-{account}",
                metadata=kubernetes.meta.v1.ObjectMetaArgs(
                    name=account,
                    namespace=self.namespace,
                    annotations=annotations or None,
                    labels={"app.kubernetes.io/managed-by": "airlock"},
                ),
                automount_service_account_token=False,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[space]),
            )
            found.append(made)
            if binding is not None:
                self._bind(name, account, platform, binding, made)
        return found

    def _bind(self, name: str, account: str, platform: Eks | Gke, binding: str, made: pulumi.Resource) -> None:
        """Lets a service account act as an identity of the cloud, where that is a resource of its own."""
        opts = pulumi.ResourceOptions(parent=self, depends_on=[made])
        if isinstance(platform, Gke):
            import pulumi_gcp as gcp  # here: Airflow on EKS needs no SDK of Google's

            gcp.serviceaccount.IAMMember(
                f"{name}-identity-{account}",
                service_account_id=f"projects/-/serviceAccounts/{binding}",
                role="roles/iam.workloadIdentityUser",
                member=f"serviceAccount:{platform.project}.svc.id.goog[{self.namespace}/{account}]",
                opts=opts,
            )
        elif platform.pod_identity_cluster is not None:
            import pulumi_aws as aws

            aws.eks.PodIdentityAssociation(
                f"{name}-identity-{account}",
                cluster_name=platform.pod_identity_cluster,
                namespace=self.namespace,
                service_account=account,
                role_arn=binding,
                opts=opts,
            )

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
            # Migrations run as a hook that waits for the release, which would wait for them (chart, "Production Guide").
            skip_await=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        found: pulumi.Output[Any] = release.status
        return found


def _identity(platform: Eks | Gke, principal: str | None) -> tuple[dict[str, str], str | None]:
    """Annotations of an account, and the identity of the cloud that a resource of its own binds it to."""
    if isinstance(platform, Gke):
        google = platform.service_accounts.get(principal or "")
        return ({"iam.gke.io/gcp-service-account": google}, google) if google else ({}, None)
    role = platform.role_arns.get(principal or "")
    if role is None:
        return {}, None
    return ({}, role) if platform.pod_identity_cluster else ({"eks.amazonaws.com/role-arn": role}, None)


def _check_platform(access: Access, platform: Eks | Gke, mesh: str | None, problems: Problems) -> None:
    if mesh is not None and mesh not in MESHES:
        problems.add("mesh", f"{mesh!r}: write one of {', '.join(MESHES)}, or None")
    known = {one.name for one in access.principals if not one.is_people}
    given = platform.service_accounts if isinstance(platform, Gke) else platform.role_arns
    what = "service_accounts" if isinstance(platform, Gke) else "role_arns"
    pattern = GOOGLE_ACCOUNT if isinstance(platform, Gke) else ROLE_ARN
    for principal, value in given.items():
        if principal not in known:
            problems.add(f"platform.{what}[{principal}]", f"no principal {principal!r} whose tasks run here")
        if not pattern.fullmatch(value):
            right = "name@project.iam.gserviceaccount.com" if isinstance(platform, Gke) else "arn:aws:iam::123456789012:role/name"
            problems.add(f"platform.{what}[{principal}]", f"{value!r}: write {right}")


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
