"""A bank's Airflow on Kubernetes: the chart on EKS, NetworkPolicies, Istio, and a FortiGate behind a VPN.

Tasks run as a service account of their own; names beyond the cluster go through the mesh's egress gateway, addresses of the
bank's network through the FortiGate, which knows the environment by its pods' networks.
"""

import pulumi
import pulumiverse_fortios as fortios
from kubernetes_settings import load_settings
from pulumi_airlock.access import load
from pulumi_airlock.environments.helm import ChartSecrets, Database, Eks, HelmEnvironment, Image
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.fortigate import FortigateGate
from pulumi_airlock.gates.istio import EgressGateway, IstioGate, gateway_workload
from pulumi_airlock.gates.kubernetes import ClusterDeclaration, workload
from pulumi_airlock.gates.network_policy import NetworkPolicyGate
from pulumi_airlock.tunnels import SiteToSiteVpn, TunnelEnd

settings = load_settings()
access = load(settings.access_file)
AccessDeclaration("access", access)

meshed = {"istio-injection": "enabled"}
egress = EgressGateway()
others = sorted({one.namespace for one in settings.peers})
cluster = ClusterDeclaration(
    settings.cluster.name,
    cni=settings.cluster.cni,
    pod_cidrs=settings.cluster.pods,
    service_cidrs=settings.cluster.services,
    api_server_cidrs=settings.cluster.api_server,
    namespaces=dict.fromkeys((*others, egress.namespace), meshed),
    workloads=[
        *(workload(one.namespace, one.service_account, one.labels, services=one.services) for one in settings.peers),
        gateway_workload(egress),
    ],
).facts

environments = [
    HelmEnvironment(
        name,
        access=access,
        owner=settings.owner,
        platform=Eks(one.roles),
        airflow_version=one.airflow_version,
        chart_version=one.chart_version,
        image=Image(one.image, digest=one.digest),
        secrets=ChartSecrets(metadata="airflow-metadata", fernet="airflow-fernet", api="airflow-api", jwt="airflow-jwt"),
        database=Database(5432, cidrs=one.database_cidrs),
        pod_cidrs=one.pods,
        remote_logs=one.logs,
        cluster=cluster,
        mesh="istio",
    )
    for name, one in settings.environments.items()
]
networks = [one.network for one in environments]

IstioGate(
    "istio",
    access=access,
    environments=networks,
    cluster=cluster,
    istio_version=settings.istio_version,
    namespaces=others,
    egress_gateway=egress,
)
NetworkPolicyGate(
    "network_policy",
    access=access,
    environments=networks,
    cluster=cluster,
    namespaces=others,
    egress_gateway=gateway_workload(egress),
)

# The FortiGate's API token comes from FORTIOS_ACCESS_TOKEN, never from the program.
device = fortios.Provider("edge", hostname=settings.fortigate.hostname)
on_device = pulumi.ResourceOptions(providers=[device])
beyond = [zone for zone in access.zones.values() if "fortigate" in zone.gates]
vpn = SiteToSiteVpn(
    "vpn",
    device_address=settings.vpn.fortigate_address,
    wan_interface=settings.fortigate.wan_interface,
    cloud_cidrs=list(settings.cluster.pods),
    device_cidrs=[cidr for zone in beyond for cidr in zone.cidrs],
    vpc_id=settings.cluster.vpc_id,
    device_asn=settings.vpn.fortigate_asn,
    amazon_asn=settings.vpn.amazon_asn,
    tunnels=(TunnelEnd(settings.vpn.inside_cidrs[0]), TunnelEnd(settings.vpn.inside_cidrs[1])),
    device_name="eks",
    zone_name=settings.fortigate.tunnel_zone,
    log_retention_days=settings.log_retention_days,
    log_kms_key_arn=settings.log_key_arn,
    tags={"owner": settings.owner},
    opts=on_device,
)
FortigateGate(
    "fortigate",
    access=access,
    sources={one.environment: one.pod_cidrs for one in networks},
    tunnel_interface=vpn.zone_name,
    interfaces=settings.fortigate.interfaces,
    timezone=settings.fortigate.timezone,
    opts=on_device,
)

pulumi.export("releases", {one.network.environment: one.status for one in environments})
