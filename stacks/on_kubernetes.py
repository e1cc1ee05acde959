"""A bank's Airflow on Kubernetes: the chart on EKS or GKE, NetworkPolicies or Cilium's, a mesh.

In production there are a gateway of people too, and a FortiGate behind a VPN.

Tasks run as a service account of their own. With Istio names beyond the cluster go through its egress gateway; addresses of the
bank's network go through the FortiGate, which knows the environment by its pods' networks.
"""

from datetime import date

import pulumi
from kubernetes_parts import behind_a_fortigate, cilium_release, people_gateway
from kubernetes_settings import Settings
from pulumi_airlock.access import load
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, Gke, HelmEnvironment, Image
from pulumi_airlock.gates.cilium import CiliumGate
from pulumi_airlock.gates.consul import ConsulCertificates, ConsulGate, TerminatingGateway, terminating_workload
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.istio import EgressGateway, IstioGate, gateway_workload
from pulumi_airlock.gates.kubernetes import ClusterDeclaration, workload
from pulumi_airlock.gates.kubernetes.certificates import Anchor, MeshCertificates
from pulumi_airlock.gates.linkerd import LinkerdGate
from pulumi_airlock.gates.network_policy import NetworkPolicyGate
from pulumi_airlock.gates.nginx import airflow_side

MESHED = {
    "istio": {"istio-injection": "enabled"},
    "consul": {"consul.hashicorp.com/connect-inject": "true"},
    "linkerd": {"linkerd.io/inject": "enabled", "config.linkerd.io/default-inbound-policy": "deny"},
}
"""What namespaces of others are marked with, that are in the mesh."""

settings = Settings.load()
access = load(settings.access_file)
AccessDeclaration("access", access)

egress = EgressGateway() if settings.mesh == "istio" else None
terminating = TerminatingGateway() if settings.mesh == "consul" else None
way_out = gateway_workload(egress) if egress else terminating_workload(terminating) if terminating else None
others = sorted({one.namespace for one in settings.peers})
# Beside Consul's gateway, which has no sidecar, are its servers, which are in no mesh.
meshed = [*others, *([egress.namespace] if egress else [])]
cluster = ClusterDeclaration(
    settings.cluster.name,
    cni=settings.cluster.cni,
    pod_cidrs=settings.cluster.pods,
    service_cidrs=settings.cluster.services,
    node_cidrs=settings.cluster.nodes,
    api_server_cidrs=settings.cluster.api_server,
    api_server_port=settings.cluster.api_server_port,
    namespaces=dict.fromkeys(meshed, MESHED[settings.mesh]),
    workloads=[
        *(workload(one.namespace, one.service_account, one.labels, services=one.services) for one in settings.peers),
        *([way_out] if way_out else []),
    ],
).facts

environments = [
    HelmEnvironment(
        name,
        access=access,
        owner=settings.owner,
        platform=Gke(settings.cluster.project, one.identities) if settings.cluster.project else Eks(one.identities),
        airflow_version=one.airflow_version,
        chart_version=one.chart_version,
        image=Image(one.image, digest=one.digest),
        secrets=ChartSecrets(metadata="airflow-metadata", fernet="airflow-fernet", api="airflow-api", jwt="airflow-jwt"),
        database=Database(5432, cidrs=one.database_cidrs),
        pod_cidrs=one.pods,
        remote_logs=one.logs,
        endpoint_cidrs=one.endpoints,
        cluster=cluster,
        mesh=settings.mesh,
        gateway=airflow_side(access, "nginx", ui) if (ui := settings.ui_of(name)) else None,
    )
    for name, one in settings.environments.items()
]
networks = [one.network for one in environments]
people = people_gateway(settings.gateway, access, networks) if settings.gateway else None
flows, doors = (people.flows, people.workloads) if people else ((), ())

if terminating is None:
    MeshCertificates("trust", mesh=settings.mesh, anchors=[Anchor("2026", trusted=date(2026, 11, 2))])
else:
    ConsulCertificates("trust")
if egress is not None:
    IstioGate(
        "istio",
        access=access,
        environments=networks,
        cluster=cluster,
        istio_version=settings.istio_version,
        flows=flows,
        workloads=doors,
        entries=people.entries if people else (),
        namespaces=others,
        egress_gateway=egress,
    )
elif terminating is not None:
    ConsulGate(
        "consul",
        access=access,
        environments=networks,
        cluster=cluster,
        flows=flows,
        workloads=doors,
        namespaces=others,
        gateway=terminating,
    )
else:
    LinkerdGate("linkerd", access=access, environments=networks, cluster=cluster, flows=flows, workloads=doors, namespaces=others)
if settings.cluster.cni == "cilium":
    CiliumGate(
        "cilium",
        access=access,
        environments=networks,
        cluster=cluster,
        flows=flows,
        workloads=doors,
        namespaces=others,
        egress_gateway=way_out,
    )
    cilium_release(settings, [*(one.namespace for one in networks), *others])
else:
    NetworkPolicyGate(
        "network_policy",
        access=access,
        environments=networks,
        cluster=cluster,
        flows=flows,
        workloads=doors,
        namespaces=others,
        egress_gateway=way_out,
    )


if settings.vpn is not None and settings.fortigate is not None:
    behind_a_fortigate(settings, settings.vpn, settings.fortigate, access, networks)

pulumi.export("releases", {one.network.environment: one.status for one in environments})
