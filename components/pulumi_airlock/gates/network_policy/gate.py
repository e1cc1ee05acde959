"""The gate of NetworkPolicies: denies everything in Airflow's namespaces, then lets through what Airflow needs and routes say."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import pulumi
import pulumi_kubernetes as kubernetes

from ...access import Access
from ...environments.helm.flows import Flow
from ...environments.helm.network import ClusterNetwork
from ...tokens import NETWORK_POLICY_GATE
from ..kubernetes.declared import ClusterFacts
from ..kubernetes.making import metadata
from ..kubernetes.wanted import carried_by, cluster_of, flows_of_sidecars, mesh_of, through, wanted
from ..kubernetes.workloads import Workload
from .compile import PolicyPlan, compile_policies, object_name


class NetworkPolicyGate(pulumi.ComponentResource):
    """NetworkPolicies for the namespaces of Airflow, and of others on request: who may reach what, by labels and addresses.

    It tells tasks apart by the labels of their pods. It knows no names beyond the cluster, and no HTTP.
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
        flows: Iterable[Flow] = (),
        workloads: Sequence[Workload] = (),
        namespaces: Sequence[str] = (),
        egress_gateway: Workload | None = None,
        ambient: bool = False,
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
            namespaces: others than Airflow's to deny by default, and to open for what is wanted.
            egress_gateway: the mesh's egress gateway (`gateway_workload`), by which names beyond the cluster are reached.
            ambient: whether Istio's ambient mesh carries the traffic: it needs port 15008 at both ends.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every route that NetworkPolicies cannot say.
        """
        super().__init__(NETWORK_POLICY_GATE, name, {"namespaces": list(namespaces), "ambient": ambient}, opts)
        here = cluster_of(cluster, environments, [*workloads, *([egress_gateway] if egress_gateway else [])])
        spaces = [*(one.namespace for one in environments), *(one.namespace for one in workloads), *namespaces]
        flows = [*flows, *flows_of_sidecars(here, environments, spaces, egress_gateway)]
        found = wanted(access, name, environments, here, today or datetime.now(UTC).date(), flows)
        if egress_gateway is not None:
            found = through(found, here.by_name[egress_gateway.name], 443)
        carrying = carried_by(mesh_of(environments), here, environments, egress_gateway, ambient=ambient)
        plans = compile_policies(found, here, spaces, name, carrying)
        for plan in plans:
            self._make(name, plan)
        self.policy_names = [f"{one.namespace}/{one.name}" for one in plans]
        self.register_outputs({"policyNames": self.policy_names})

    def _make(self, name: str, plan: PolicyPlan) -> None:
        kubernetes.networking.v1.NetworkPolicy(
            f"{name}-{plan.namespace}-{plan.name.removeprefix(object_name(name) + '-')}",
            metadata=metadata(plan.name, plan.namespace, routes=plan.routes),
            spec=plan.spec(),
            opts=pulumi.ResourceOptions(parent=self),
        )
