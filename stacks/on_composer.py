"""A bank's Airflow on Google Cloud Composer: one environment a desk in one VPC network, behind Google's firewall.

The network has no way out but two: tunnels to the FortiGate at the edge of the bank's network, and Zscaler's Cloud Connectors.
The firewall and ZPA see the environment, the FortiGate the addresses of its network attachment: a desk's tasks have equal rights.
"""

import pulumi
import pulumi_gcp as gcp
from composer_settings import Environment, Settings
from pulumi_airlock.access import load
from pulumi_airlock.audit import AuditTrail, FortigateSyslog, Siem, SyslogIntake
from pulumi_airlock.environments.composer import (
    ComposerEnvironment,
    ComposerPlacement,
    ComposerScale,
    ComposerSoftware,
    Retention,
    SecretsBackend,
    Snapshots,
    Workers,
)
from pulumi_airlock.environments.composer.checks import label_of
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.fortigate import FortigateGate
from pulumi_airlock.gates.gcp_firewall import GcpFirewallGate
from pulumi_airlock.gates.zpa import CloudConnector, ConnectorGroup, IdentityProvider, LogReceiver, Posture, ZpaGate
from pulumi_airlock.tunnels import GcpSiteToSiteVpn, TunnelEnd

settings = Settings.load()
access = load(settings.access_file)
AccessDeclaration("access", access)

place = settings.network
network = gcp.compute.Network(
    "airflow",
    name="airflow",
    project=place.project,
    description="Airflow's environments",
    auto_create_subnetworks=False,
    # No way to the internet: what tasks reach, they reach by the tunnels or by Zscaler.
    delete_default_routes_on_create=True,
    # A VPC firewall rule that somebody writes comes after the policy, and so changes nothing for the environments.
    network_firewall_policy_enforcement_order="BEFORE_CLASSIC_FIREWALL",
)


def airflow(name: str, one: Environment) -> ComposerEnvironment:
    """A desk's environment, with the subnetwork that its tasks have addresses of."""
    subnetwork = gcp.compute.Subnetwork(
        f"airflow-{name}",
        name=f"airflow-{name}",
        project=place.project,
        region=place.region,
        network=network.id,
        ip_cidr_range=one.subnetwork,
        private_ip_google_access=True,
        log_config={
            "aggregation_interval": "INTERVAL_5_SEC",
            "flow_sampling": 1,
            "metadata": "INCLUDE_ALL_METADATA",
        },
    )
    return ComposerEnvironment(
        name,
        owner=settings.owner,
        project=settings.project,
        project_number=settings.project_number,
        region=place.region,
        image_version=settings.image_version,
        placement=ComposerPlacement(
            network_id=network.id,
            network_project=place.project,
            subnetwork_id=subnetwork.id,
            subnetwork_cidr=one.subnetwork,
            internal_cidr=one.internal_cidr,
        ),
        scale=ComposerScale(
            size=one.size,
            worker=Workers(cpu=one.worker_cpu, memory_gb=one.worker_memory_gb, min_count=1, max_count=one.max_workers),
        ),
        software=ComposerSoftware(secrets=SecretsBackend(secrets=one.secrets) if one.secrets else None),
        ui_cidrs=settings.ui_cidrs,
        retention=Retention(metadata_days=settings.log_retention_days),
        snapshots=Snapshots(location=f"{settings.snapshots}/{name}", schedule="30 3 * * *"),
        protect_data=settings.protect_data,
    )


environments = [airflow(name, one) for name, one in settings.environments.items()]
networks = [one.network for one in environments]
sources = {one.environment: one.source_cidrs for one in networks}


def behind(gate: str) -> list[str]:
    """The networks of the zones that a gate stands before."""
    return [cidr for zone in access.zones.values() if gate in zone.gates for cidr in zone.cidrs]


device = settings.fortigate.provider()
on_device = pulumi.ResourceOptions(providers=[device])
vpn = GcpSiteToSiteVpn(
    "vpn",
    device_address=settings.vpn.fortigate_address,
    wan_interface=settings.fortigate.wan_interface,
    cloud_cidrs=[cidr for cidrs in sources.values() for cidr in cidrs],
    device_cidrs=behind("fortigate"),
    network_id=network.id,
    project=place.project,
    region=place.region,
    tunnels=(TunnelEnd(settings.vpn.inside_cidrs[0]), TunnelEnd(settings.vpn.inside_cidrs[1])),
    device_asn=settings.vpn.fortigate_asn,
    google_asn=settings.vpn.google_asn,
    device_name="composer",
    zone_name=settings.fortigate.tunnel_zone,
    dialect=settings.fortigate.dialect,
    labels={"owner": label_of(settings.owner)},
    opts=on_device,
)
for position, cidr in enumerate(behind("zpa")):
    gcp.compute.Route(
        f"to-zscaler-{position}",
        project=place.project,
        network=network.id,
        dest_range=cidr,
        next_hop_ilb=place.cloud_connector_ilb,
        description="By Zscaler's Cloud Connectors",
    )

GcpFirewallGate("gcp_firewall", access=access, environments=networks)
FortigateGate(
    "fortigate",
    access=access,
    sources=sources,
    tunnel_interface=vpn.zone_name,
    interfaces=settings.fortigate.interfaces,
    timezone=settings.fortigate.timezone,
    dialect=settings.fortigate.dialect,
    opts=on_device,
)
audit = AuditTrail(
    "audit",
    owner=settings.owner,
    siem=Siem(
        name=settings.siem.name,
        syslog=SyslogIntake(host=settings.siem.syslog_host, public_ca=True),
        minimum_retention_days=settings.log_retention_days,
    ),
    fortigates={"edge": FortigateSyslog(slot=2, provider=device, dialect=settings.fortigate.dialect)},
)
receiver = audit.lss_receiver
assert receiver is not None  # noqa: S101  # the stack's SIEM takes syslog
# In a tenant that no other stack has: two programs cannot both put its rules in order.
ZpaGate(
    "zpa",
    access=access,
    connectors={
        zone: ConnectorGroup(
            location=one.location,
            latitude=one.latitude,
            longitude=one.longitude,
            country_code=one.country_code,
            cidrs=one.cidrs,
        )
        for zone, one in settings.zpa.connectors.items()
    },
    workloads={environment: CloudConnector(name=group) for environment, group in settings.zpa.cloud_connectors.items()},
    identity_provider=IdentityProvider(name=settings.zpa.identity_provider),
    postures={"*": [Posture(name=settings.zpa.posture)]},
    log_receivers=[LogReceiver(host=receiver.host, port=receiver.port, zone=settings.zpa.logs_by)],
    protect=settings.protect_data,
)

pulumi.export("airflow", {one.network.environment: one.airflow_uri for one in environments})
