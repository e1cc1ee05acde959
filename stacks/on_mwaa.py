"""A bank's Airflow on Amazon MWAA, behind a FortiGate and Zscaler: what differs between the stacks is config.

Six environments in one VPC, a VPN to the FortiGate at the edge of the bank's network, and every gate compiled from the routes.
Production has Zscaler besides.
"""

import pulumi
from operations import one_cadence, one_identity, one_siem
from pulumi_airlock.access import load
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaLogs, MwaaScale
from pulumi_airlock.gates.aws_network import AwsNetworkGate, Gateway
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.fortigate import FortigateGate, SamlIdentity
from pulumi_airlock.tunnels import SiteToSiteVpn, TunnelEnd
from reading import HERE
from settings import Settings
from zscaler import internet_access, private_access, tunnel_to_zscaler, way_out

settings = Settings.load()
access = load(settings.access_file)
beyond = [name for name, zone in access.zones.items() if "fortigate" in zone.gates and name != "airflow"]
"""The zones behind the FortiGate; `airflow` is the VPC itself."""
AccessDeclaration("access", access)

vpc = AirflowVpc(
    "airflow",
    owner=settings.owner,
    cidr=settings.network.cidr,
    availability_zones=settings.network.availability_zones,
    endpoint_cidrs=settings.network.endpoint_cidrs,
    # Tasks take the roles of their principals, and read their secrets.
    extra_services=["secretsmanager", "sts"],
)
device = settings.fortigate.provider()
on_device = pulumi.ResourceOptions(providers=[device])
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
    zone_name=settings.fortigate.tunnel_zone,
    dialect=settings.fortigate.dialect,
    log_retention_days=settings.log_retention_days,
    log_kms_key_arn=settings.log_key_arn,
    tags={"owner": settings.owner},
    opts=on_device,
)

tunnel = None if settings.zscaler is None else tunnel_to_zscaler(settings, settings.zscaler.zia, vpc, vpn.gateway)
egress = {name: proxy for name in settings.environments if (proxy := way_out(settings, access, name)) is not None}
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
        egress=egress.get(name),
        egress_gateway=None if tunnel is None else tunnel.gateway,
    )
    for name, one in settings.environments.items()
]
networks = [one.network for one in environments]

identity = one_identity(settings, access, environments)
audit = one_siem(settings, environments, vpc.vpc_id, {"vpn": vpn, "zscaler": tunnel}, device)
credentials = one_cadence(settings, access, identity, device)

gateways = dict.fromkeys(beyond, vpn.gateway)
connectors = {}
if settings.zscaler is not None:
    zpa = settings.zscaler.zpa
    private_access(zpa, access, audit, identity.scim_groups, settings.protect_data)
    internet_access(settings.zscaler.zia, access, audit, egress, tunnel)
    gateways |= {
        zone: Gateway("endpoint", zpa.cloud_connector_endpoint)
        for zone in zpa.connectors
        if zone in access.zones and zone != "airflow"
    }
    connectors = {"airflow": zpa.connectors["airflow"].cidrs}

AwsNetworkGate("aws_network", access=access, environments=networks, gateway=gateways, connectors=connectors)
saml = identity.saml["fortigate"]
FortigateGate(
    "fortigate",
    access=access,
    sources={one.environment: one.subnet_cidrs for one in networks},
    tunnel_interface=vpn.zone_name,
    interfaces=settings.fortigate.interfaces,
    people_interface=settings.fortigate.people_interface,
    timezone=settings.fortigate.timezone,
    dialect=settings.fortigate.dialect,
    user_groups=identity.user_groups,
    saml=SamlIdentity(
        portal=settings.fortigate.portal,
        idp_entity_id=saml.entity_id,
        idp_single_sign_on_url=saml.sign_on_url,
        idp_certificate=settings.fortigate.idp_certificate,
        user_attribute=saml.user_attribute,
        group_attribute=saml.group_attribute,
        # Okta sends a group's name in an assertion, Entra its id.
        group_values=identity.group_ids if access.identity_provider and access.identity_provider.kind == "entra" else {},
    ),
    opts=on_device,
)

pulumi.export("web_servers", {one.network.environment: one.webserver_url for one in environments})
