"""The gate of Linkerd: a Server that denies at every port that is wanted, and the identities that routes and flows name."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import pulumi

from ...access import Access
from ...environments.helm.flows import Flow
from ...environments.helm.network import ClusterNetwork
from ...tokens import LINKERD_GATE
from ..kubernetes.declared import ClusterFacts
from ..kubernetes.making import custom_resource, metadata
from ..kubernetes.wanted import cluster_of, wanted
from ..kubernetes.workloads import Workload
from ..naming import cut_name
from .compile import POLICY, compile_mesh


class LinkerdGate(pulumi.ComponentResource):
    """Linkerd's authorization for the namespaces of Airflow, and of others on request.

    It sees service accounts and, of HTTP, methods and paths. On the way out of the cluster it tells nobody apart.
    """

    object_names: list[str]
    """`<kind> <namespace>/<name>` of every object."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        environments: Sequence[ClusterNetwork],
        cluster: ClusterFacts,
        flows: Iterable[Flow] = (),
        workloads: Sequence[Workload] = (),
        namespaces: Sequence[str] = (),
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the gate's name, as zones write it.
            access: who may reach what.
            environments: the environments of the cluster (`HelmEnvironment.network`).
            cluster: what is declared of the cluster (`ClusterDeclaration.facts`); its node networks may probe.
            flows: what else is let through, as a gateway's flows.
            workloads: other workloads of this program, as a gateway's.
            namespaces: others than Airflow's that are in the mesh, and in which objects are made.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every route that the mesh cannot hold.
        """
        here = cluster_of(cluster, environments, workloads)
        found = wanted(access, name, environments, here, today or datetime.now(UTC).date(), flows)
        spaces = [*(one.namespace for one in environments), *(one.namespace for one in workloads), *namespaces]
        objects = compile_mesh(found, here, spaces, name, cluster.node_cidrs)
        super().__init__(LINKERD_GATE, name, {"namespaces": spaces}, opts)
        for one in objects:
            key = cut_name(200, f"{name}-{one.namespace}-{one.kind.lower()}-{one.name}")
            meta = metadata(one.name, one.namespace, routes=one.routes)
            custom_resource(key, f"{POLICY}/{one.version}", one.kind, meta, one.spec, self)
        self.object_names = [f"{one.kind} {one.namespace}/{one.name}" for one in objects]
        self.register_outputs({"namespaces": spaces})
