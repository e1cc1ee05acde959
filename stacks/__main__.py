"""A bank's Airflow behind a FortiGate: one program for every stack, what differs is config.

Six environments in one VPC, a VPN to the FortiGate at the edge of the bank's network, and every gate compiled from the routes.
"""

import pulumi
import pulumiverse_fortios as fortios
from pulumi_airlock.access import load
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaLogs, MwaaScale
from pulumi_airlock.gates.aws_network import AwsNetworkGate
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.fortigate import FortigateGate
from pulumi_airlock.tunnels import SiteToSiteVpn, TunnelEnd
from settings import HERE, load_settings

settings = load_settings()
access = load(settings.access_file)
beyond = [zone for zone in access.zones if zone != "airflow"]
"""The zones behind the FortiGate; `airflow` is the VPC itself."""
AccessDeclaration("access", access)

vpc = AirflowVpc(
    "airflow",
    owner=settings.owner,
    cidr=settings.network.cidr,
    availability_zones=settings.network.availability_zones,
    endpoint_cidrs=settings.network.endpoint_cidrs,
    flow_log_bucket_arn=settings.flow_log_bucket_arn,
)
environments = [
    MwaaEnvironment(
        name,
        owner=settings.owner,
        vpc=vpc,
        subnet_cidrs=one.subnets,
        airflow_version=settings.airflow_version,
        scale=MwaaScale(environment_class=one.environment_class, min_workers=one.min_workers, max_workers=one.max_workers),
        protect_data=settings.protect_data,
        code=MwaaCode(dags=HERE / "dags" / name),
        logs=MwaaLogs(
            dag_processing="INFO", scheduler="INFO", webserver="INFO", worker="INFO", retention_days=settings.log_retention_days
        ),
    )
    for name, one in settings.environments.items()
]
networks = [one.network for one in environments]

# The FortiGate's API token comes from FORTIOS_ACCESS_TOKEN, never from the program.
device = fortios.Provider("edge", hostname=settings.fortigate.hostname)
vpn = SiteToSiteVpn(
    "vpn",
    device_address=settings.vpn.fortigate_address,
    wan_interface=settings.fortigate.wan_interface,
    cloud_cidrs=[settings.network.cidr],
    device_cidrs=[cidr for zone in beyond for cidr in access.zones[zone].cidrs if ":" not in cidr],
    vpc_id=vpc.vpc_id,
    device_asn=settings.vpn.fortigate_asn,
    amazon_asn=settings.vpn.amazon_asn,
    tunnels=(TunnelEnd(settings.vpn.inside_cidrs[0]), TunnelEnd(settings.vpn.inside_cidrs[1])),
    device_name="airflow",
    zone_name=settings.fortigate.interfaces["airflow"],
    log_retention_days=settings.log_retention_days,
    log_kms_key_arn=settings.log_key_arn,
    tags={"owner": settings.owner},
    opts=pulumi.ResourceOptions(providers=[device]),
)

AwsNetworkGate("aws_network", access=access, environments=networks, gateway=dict.fromkeys(beyond, vpn.gateway))
FortigateGate(
    "fortigate",
    access=access,
    sources={one.environment: one.subnet_cidrs for one in networks},
    tunnel_interface=vpn.zone_name,
    interfaces=settings.fortigate.interfaces,
    people_interface=settings.fortigate.people_interface,
    timezone=settings.fortigate.timezone,
    opts=pulumi.ResourceOptions(providers=[device]),
)

pulumi.export("web_servers", {one.network.environment: one.webserver_url for one in environments})
