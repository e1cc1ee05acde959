"""The gate of Cilium: denies everything in Airflow's namespaces, then lets through what Airflow needs and routes say."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pulumi
import pulumi_kubernetes as kubernetes

from ...access import Access
from ...environments.helm.flows import Flow
from ...environments.helm.network import ClusterNetwork
from ...errors import InputError, Problem
from ...tokens import CILIUM_GATE
from ..kubernetes.declared import ClusterFacts
from ..kubernetes.making import custom_resource, metadata
from ..kubernetes.wanted import carried_by, cluster_of, flows_of_sidecars, mesh_of, through, wanted
from ..kubernetes.workloads import Workload
from .compile import CiliumPlan, Site, compile_policies, object_name
from .hubble import EXPORT_CONFIG, EXPORT_KEY, MESHES, export_document


class CiliumGate(pulumi.ComponentResource):
    """CiliumNetworkPolicies for the namespaces of Airflow, and of others on request, and the export of their flows.

    It tells tasks apart by their service accounts, destinations beyond the cluster by name as well, and requests where no mesh
    encrypts them.
    """

    policy_names: list[str]
    """`<namespace>/<name>` of every policy."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        environments: Sequence[ClusterNetwork],
        cluster: ClusterFacts,
        mesh: str | None = None,
        ambient: bool = False,
        flows: Iterable[Flow] = (),
        workloads: Sequence[Workload] = (),
        namespaces: Sequence[str] = (),
        egress_gateway: Workload | None = None,
        export_namespace: str | None = "kube-system",
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the gate's name, as zones write it.
            access: who may reach what.
            environments: the environments of the cluster (`HelmEnvironment.network`).
            cluster: what is declared of the cluster (`ClusterDeclaration.facts`), with the CNI `cilium`.
            mesh: istio, linkerd or consul: requests between its workloads are encrypted, and left to it; by default that of the
                environments.
            ambient: whether Istio's ambient mesh carries the traffic: it needs port 15008 at both ends.
            flows: what else is let through, as a gateway's flows.
            workloads: other workloads of this program, as a gateway's.
            namespaces: others than Airflow's to deny by default, and to open for what is wanted.
            egress_gateway: the mesh's egress gateway (`gateway_workload`), by which names beyond the cluster are reached.
            export_namespace: where Cilium runs, for the list of flows that Hubble exports; None: somebody else makes it.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every problem.
        """
        mesh = mesh or mesh_of(environments) or None
        _check(name, cluster, mesh, ambient, egress_gateway)
        spaces = [*(one.namespace for one in environments), *(one.namespace for one in workloads), *namespaces]
        spaces = list(dict.fromkeys(spaces))
        given = {"namespaces": spaces, "mesh": mesh, "ambient": ambient}
        super().__init__(CILIUM_GATE, name, given, opts)
        here = cluster_of(cluster, environments, [*workloads, *([egress_gateway] if egress_gateway else [])])
        flows = [*flows, *flows_of_sidecars(here, environments, spaces, egress_gateway)]
        found = wanted(access, name, environments, here, today or datetime.now(UTC).date(), flows)
        connections = found if egress_gateway is None else through(found, here.by_name[egress_gateway.name], 443)
        carrying = carried_by(mesh or "", here, environments, egress_gateway)
        plans = compile_policies(found, connections, Site(here, tuple(spaces), name, replace(carrying, ambient=ambient)))
        for plan in plans:
            self._make(name, plan)
        if export_namespace is not None:
            self._export(name, spaces, export_namespace)
        self.policy_names = [f"{one.namespace}/{one.name}" for one in plans]
        self.register_outputs({**given, "policyNames": self.policy_names})

    def _make(self, name: str, plan: CiliumPlan) -> None:
        key = f"{name}-{plan.namespace}-{plan.name.removeprefix(object_name(name) + '-')}"
        meta = metadata(plan.name, plan.namespace, routes=plan.routes)
        custom_resource(key, "cilium.io/v2", "CiliumNetworkPolicy", meta, plan.spec(), self)

    def _export(self, name: str, namespaces: Sequence[str], where: str) -> None:
        kubernetes.core.v1.ConfigMap(
            f"{name}-flow-export",
            metadata=metadata(EXPORT_CONFIG, where),
            data={EXPORT_KEY: export_document(namespaces)},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _check(name: str, cluster: ClusterFacts, mesh: str | None, ambient: bool, gateway: Workload | None) -> None:
    problems = []
    if cluster.cni != "cilium":
        fix = "declare `cni: cilium`, or use NetworkPolicyGate (GKE Dataplane V2 has no CiliumNetworkPolicies)"
        problems.append(Problem(name, "cluster", f"is declared with the CNI {cluster.cni}, which knows no such policies: {fix}"))
    if mesh is not None and mesh not in MESHES:
        problems.append(Problem(name, "mesh", f"{mesh!r} is no mesh: write one of {', '.join(MESHES)}"))
    if gateway is not None and not gateway.labels:
        problems.append(Problem(name, "egress_gateway.labels", f"{gateway.name} has none: write those of its pods"))
    if ambient and mesh != "istio":
        problems.append(Problem(name, "ambient", "is Istio's: give mesh=istio"))
    if problems:
        raise InputError(problems)
