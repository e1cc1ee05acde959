"""The gate of Consul: an intention that denies everything, then each service to what routes and Airflow's flows name."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import pulumi

from ...access import Access
from ...environments.helm.flows import Flow
from ...environments.helm.network import ClusterNetwork
from ...tokens import CONSUL_GATE
from ..kubernetes.declared import ClusterFacts
from ..kubernetes.making import custom_resource, metadata
from ..kubernetes.wanted import cluster_of, wanted
from ..kubernetes.workloads import SERVICE_DOMAIN, ServiceName, ServicePort, Workload
from ..naming import cut_name
from .compile import GROUP, TerminatingGateway, compile_mesh


class ConsulGate(pulumi.ComponentResource):
    """Consul's intentions for the namespaces of Airflow, and of others on request.

    It sees services, whose names are their service accounts', and, of HTTP, methods and paths; beyond the cluster, services
    behind the terminating gateway.
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
        gateway: TerminatingGateway | None = None,
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the gate's name, as zones write it.
            access: who may reach what.
            environments: the environments of the cluster (`HelmEnvironment.network`).
            cluster: what is declared of the cluster (`ClusterDeclaration.facts`).
            flows: what else is let through, as a gateway's flows.
            workloads: other workloads of this program, as a gateway's.
            namespaces: others than Airflow's that are in the mesh, and in which objects are made.
            gateway: by which names beyond the cluster are reached.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every route that the mesh cannot hold.
        """
        here = cluster_of(cluster, environments, workloads)
        found = wanted(access, name, environments, here, today or datetime.now(UTC).date(), flows)
        spaces = [*(one.namespace for one in environments), *(one.namespace for one in workloads), *namespaces]
        objects = compile_mesh(found, here, spaces, name, gateway)
        described = {"gateway": {"workload": gateway.workload} if gateway else {}, "namespaces": spaces}
        super().__init__(CONSUL_GATE, name, dict(described), opts)
        for one in objects:
            key = cut_name(200, f"{name}-{one.namespace}-{one.kind.lower()}-{one.name.removeprefix(name + '-')}")
            meta = metadata(one.name, one.namespace, routes=one.routes)
            custom_resource(key, f"{GROUP}/v1alpha1", one.kind, meta, one.spec, self)
        self.object_names = [f"{one.kind} {one.namespace}/{one.name}" for one in objects]
        self.register_outputs(described)


def terminating_workload(terminating_gateway: TerminatingGateway) -> Workload:
    """The terminating gateway as a workload of the cluster, for whoever declares it (consul-k8s: labels and port)."""
    name, namespace = terminating_gateway.name, terminating_gateway.namespace
    service = ServiceName(f"{name}.{namespace}.{SERVICE_DOMAIN}", (ServicePort("tcp", 443, 8443),))
    labels = {"component": "terminating-gateway", "terminating-gateway-name": name}
    return Workload(terminating_gateway.workload, namespace, name, labels, services=(service,))
