"""A bank's Airflow on Kubernetes: the chart on EKS or GKE, NetworkPolicies, a mesh, and in production a FortiGate behind a VPN.

Tasks run as a service account of their own. With Istio names beyond the cluster go through its egress gateway; addresses of the
bank's network go through the FortiGate, which knows the environment by its pods' networks.
"""

from collections.abc import Sequence

import pulumi
from kubernetes_settings import Fortigate, Settings, Vpn
from pulumi_airlock.access import load
from pulumi_airlock.environments.helm import ChartSecrets, ClusterNetwork, Database, Eks, Gke, HelmEnvironment, Image
from pulumi_airlock.gates.consul import ConsulGate, TerminatingGateway, terminating_workload
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.istio import EgressGateway, IstioGate, gateway_workload
from pulumi_airlock.gates.kubernetes import ClusterDeclaration, workload
from pulumi_airlock.gates.kubernetes.certificates import MeshCertificates
from pulumi_airlock.gates.linkerd import LinkerdGate
from pulumi_airlock.gates.network_policy import NetworkPolicyGate

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
        cluster=cluster,
        mesh=settings.mesh,
    )
    for name, one in settings.environments.items()
]
networks = [one.network for one in environments]

if terminating is None:
    MeshCertificates("trust", mesh=settings.mesh)
if egress is not None:
    IstioGate(
        "istio",
        access=access,
        environments=networks,
        cluster=cluster,
        istio_version=settings.istio_version,
        namespaces=others,
        egress_gateway=egress,
    )
elif terminating is not None:
    ConsulGate("consul", access=access, environments=networks, cluster=cluster, namespaces=others, gateway=terminating)
else:
    LinkerdGate("linkerd", access=access, environments=networks, cluster=cluster, namespaces=others)
NetworkPolicyGate(
    "network_policy",
    access=access,
    environments=networks,
    cluster=cluster,
    namespaces=others,
    egress_gateway=way_out,
)


def behind_a_fortigate(given: Settings, vpn: Vpn, device: Fortigate, found: Sequence[ClusterNetwork]) -> None:
    """The tunnels between the cluster's VPC and the FortiGate, and its policies."""
    import pulumiverse_fortios as fortios
    from pulumi_airlock.gates.fortigate import FortigateGate
    from pulumi_airlock.tunnels import SiteToSiteVpn, TunnelEnd

    assert given.cluster.vpc_id is not None  # noqa: S101  # every stack with a VPN has one
    # The FortiGate's API token comes from FORTIOS_ACCESS_TOKEN, never from the program.
    on_device = pulumi.ResourceOptions(providers=[fortios.Provider("edge", hostname=device.hostname)])
    beyond = [zone for zone in access.zones.values() if "fortigate" in zone.gates]
    tunnels = SiteToSiteVpn(
        "vpn",
        device_address=vpn.fortigate_address,
        wan_interface=device.wan_interface,
        cloud_cidrs=list(given.cluster.pods),
        device_cidrs=[cidr for zone in beyond for cidr in zone.cidrs],
        vpc_id=given.cluster.vpc_id,
        device_asn=vpn.fortigate_asn,
        amazon_asn=vpn.amazon_asn,
        tunnels=(TunnelEnd(vpn.inside_cidrs[0]), TunnelEnd(vpn.inside_cidrs[1])),
        device_name="eks",
        zone_name=device.tunnel_zone,
        log_retention_days=given.log_retention_days,
        log_kms_key_arn=given.log_key_arn,
        tags={"owner": given.owner},
        opts=on_device,
    )
    FortigateGate(
        "fortigate",
        access=access,
        sources={one.environment: one.pod_cidrs for one in found},
        tunnel_interface=tunnels.zone_name,
        interfaces=device.interfaces,
        timezone=device.timezone,
        opts=on_device,
    )


if settings.vpn is not None and settings.fortigate is not None:
    behind_a_fortigate(settings, settings.vpn, settings.fortigate, networks)

pulumi.export("releases", {one.network.environment: one.status for one in environments})
