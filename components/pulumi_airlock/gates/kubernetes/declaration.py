"""The declaration of a cluster: what gates have to know of it that no object of the stack says."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from ...errors import InputError, Problem
from ...proof.sets import Hosts
from ...tokens import CLUSTER
from .declared import CNIS, ClusterFacts, describe, facts_of
from .workloads import SERVICE_DOMAIN, ServiceName, ServicePort, Workload


def workload(
    namespace: str,
    service_account: str,
    labels: Mapping[str, str],
    *,
    ports: Mapping[str, int] | None = None,
    services: Mapping[str, Mapping[int, int]] | None = None,
    cidrs: Sequence[str] = (),
) -> Workload:
    """A workload of somebody else's: a destination in the cluster, or a caller.

    `ports`: named TCP ports of its containers. `services`: name of a Service in its namespace → its ports, each with that of the
    pods (`{"warehouse": {5432: 5432}}`).
    """
    names = tuple(
        ServiceName(f"{name}.{namespace}.{SERVICE_DOMAIN}", tuple(ServicePort("tcp", port, to) for port, to in each.items()))
        for name, each in (services or {}).items()
    )
    return Workload(
        name=f"{namespace}/{service_account}",
        namespace=namespace,
        service_account=service_account,
        labels=dict(labels),
        ports={name: ("tcp", port) for name, port in (ports or {}).items()},
        services=names,
        addresses=Hosts.from_cidrs(cidrs),
    )


class ClusterDeclaration(pulumi.ComponentResource):
    """Says what a cluster is: its networks, its CNI, and the workloads that the stack does not make.

    It creates nothing. One stack has at most one.
    """

    document: dict[str, Any]
    """What it says, as plain data."""
    facts: ClusterFacts
    """The same, for gates to compile with."""

    def __init__(
        self,
        name: str,
        *,
        cni: str,
        pod_cidrs: Sequence[str],
        service_cidrs: Sequence[str],
        node_cidrs: Sequence[str] = (),
        api_server_cidrs: Sequence[str] = (),
        api_server_port: int = 443,
        namespaces: Mapping[str, Mapping[str, str]] | None = None,
        workloads: Sequence[Workload] = (),
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the cluster's name.
            cni: cilium, gke-dataplane-v2, calico, aws-vpc-cni, antrea, kube-router, other: whether CIDRs in policies mean pods.
            pod_cidrs: where pods have their addresses.
            service_cidrs: where Services have theirs.
            node_cidrs: where nodes have theirs.
            api_server_cidrs: the API server's addresses.
            api_server_port: its port there: 443 on EKS and GKE, on most others 6443 (`kubectl get endpoints kubernetes`).
            namespaces: labels of namespaces that the stack does not make.
            workloads: those that the stack does not make (`workload`).

        Raises:
            InputError: with every problem.
        """
        networks = {"pod_cidrs": pod_cidrs, "service_cidrs": service_cidrs, "node_cidrs": node_cidrs}
        _check(name, cni, {**networks, "api_server_cidrs": api_server_cidrs}, api_server_port)
        document = {
            "cni": cni,
            "podCidrs": list(pod_cidrs),
            "serviceCidrs": list(service_cidrs),
            "nodeCidrs": list(node_cidrs),
            "apiServerCidrs": list(api_server_cidrs),
            "apiServerPort": api_server_port,
            "namespaces": {key: dict(labels) for key, labels in (namespaces or {}).items()},
            "workloads": [describe(one) for one in workloads],
        }
        # Among the inputs for `pulumi preview --json`, which has no outputs of components; among the outputs for stack policies.
        super().__init__(CLUSTER, name, dict(document), opts)
        self.document = document
        self.facts = facts_of(name, "", document)
        self.register_outputs(document)


def _check(name: str, cni: str, cidrs: Mapping[str, Sequence[str]], port: int) -> None:
    problems = []
    if not 0 < port < 65536:
        problems.append(Problem(name, "api_server_port", f"{port} is no port: write 443 (EKS, GKE) or 6443 (most others)"))
    if cni not in CNIS:
        problems.append(Problem(name, "cni", f"{cni!r}: write one of {', '.join(CNIS)}"))
    for field, given in cidrs.items():
        for number, one in enumerate(given):
            try:
                ipaddress.ip_network(one)
            except ValueError as error:
                problems.append(Problem(name, f"{field}[{number}]", f"{one!r} is no network: {error}"))
    if problems:
        raise InputError(problems)
