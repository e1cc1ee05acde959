"""The gate of Istio: mTLS without exception, nobody by default, then each identity to what routes and Airflow's flows name."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import pulumi

from ...access import Access
from ...environments.helm.flows import Flow
from ...environments.helm.network import ClusterNetwork
from ...errors import InputError, Problem
from ...tokens import ISTIO_GATE
from ..kubernetes.declared import ClusterFacts
from ..kubernetes.making import custom_resource, metadata
from ..kubernetes.wanted import cluster_of, wanted
from ..kubernetes.workloads import ServiceName, ServicePort, Workload
from ..naming import cut_name
from .compile import ACCESS_LOG, AMBIENT, MODES, SIDECAR, compile_mesh
from .egress_objects import GATEWAY_PORT, SERVICE_PORT, EgressGateway
from .versions import parse_version


class IstioGate(pulumi.ComponentResource):
    """Istio's security for the namespaces of Airflow, and of others on request.

    It sees service accounts and, of HTTP, methods and paths; beyond the cluster, server names at the egress gateway.
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
        istio_version: str,
        flows: Iterable[Flow] = (),
        workloads: Sequence[Workload] = (),
        namespaces: Sequence[str] = (),
        entries: Sequence[str] = (),
        egress_gateway: EgressGateway | None = None,
        mode: str = SIDECAR,
        access_log_provider: str | None = ACCESS_LOG,
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the gate's name, as zones write it.
            access: who may reach what.
            environments: the environments of the cluster (`HelmEnvironment.network`).
            cluster: what is declared of the cluster (`ClusterDeclaration.facts`).
            istio_version: `1.27` or `1.27.3`: what policies may say differs.
            flows: what else is let through, as a gateway's flows.
            workloads: other workloads of this program, as a gateway's.
            namespaces: others than Airflow's that are in the mesh, and in which policies are made.
            entries: workloads at which people arrive: their ports are kept from the sidecar, and no policy is made for them.
            egress_gateway: through which names beyond the cluster are reached; without it the mesh holds nothing there.
            mode: sidecar, or ambient, in which a waypoint in each namespace sees requests. The environments' namespaces carry the
                labels that put them into the mesh (in ambient mode `istio.io/use-waypoint: waypoint` too).
            access_log_provider: what MeshConfig calls the access log (`mesh_config()` defines it); None: no Telemetry is made.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every route that the mesh cannot hold.
        """
        version = parse_version(name, istio_version)
        if mode not in MODES:
            raise InputError([Problem(name, "mode", f"{mode!r}: write {' or '.join(MODES)}")])
        here = cluster_of(cluster, environments, [*workloads, *([gateway_workload(egress_gateway)] if egress_gateway else [])])
        found = wanted(access, name, environments, here, today or datetime.now(UTC).date(), flows)
        spaces = [*(one.namespace for one in environments), *namespaces]
        plan = compile_mesh(
            found, here, spaces, name, version, egress_gateway, entries, mode=mode, access_log=access_log_provider
        )
        described = {
            "entries": list(entries),
            "istioVersion": istio_version,
            "ambient": mode == AMBIENT,
            "names": list(plan.names),
        }
        super().__init__(ISTIO_GATE, name, dict(described), opts)
        for one in plan.objects:
            key = cut_name(200, f"{name}-{one.namespace}-{one.kind.lower()}-{one.name.removeprefix(name + '-')}")
            meta = metadata(one.name, one.namespace, routes=one.routes, labels=dict(one.labels))
            custom_resource(key, one.api_version, one.kind, meta, one.spec, self)
        self.object_names = [f"{one.kind} {one.namespace}/{one.name}" for one in plan.objects]
        self.register_outputs(described)


def gateway_workload(egress_gateway: EgressGateway) -> Workload:
    """The egress gateway as a workload of the cluster, for whoever declares it."""
    service = ServiceName(egress_gateway.host, (ServicePort("tcp", SERVICE_PORT, GATEWAY_PORT),))
    return Workload(
        egress_gateway.workload,
        egress_gateway.namespace,
        egress_gateway.service_account,
        dict(egress_gateway.labels),
        services=(service,),
    )
