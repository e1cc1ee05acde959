"""The bank's Zscaler: people come to Airflow by ZPA, tasks go to subsidiaries by ZPA and to the internet by ZIA."""

from collections.abc import Mapping

from pulumi_airlock.access import Access
from pulumi_airlock.audit import AuditTrail
from pulumi_airlock.environments.mwaa import AirflowVpc
from pulumi_airlock.environments.mwaa.egress import ProxyEgress, direct
from pulumi_airlock.gates.aws_network import Gateway
from pulumi_airlock.gates.zia import LocationSettings, NssFeed, ZiaGate
from pulumi_airlock.gates.zpa import CloudConnector, ConnectorGroup, IdentityProvider, LogReceiver, Posture, ZpaGate
from pulumi_airlock.tunnels import ZscalerNode, ZscalerTunnel
from reading import HERE
from settings import Settings, Zia, Zpa


def way_out(settings: Settings, access: Access, environment: str) -> ProxyEgress | None:
    """The proxy that an environment's components are told; None where the stack has no Zscaler."""
    if settings.zscaler is None:
        return None
    zia = settings.zscaler.zia
    ports = zia.ports[environment]
    return ProxyEgress(
        host=zia.proxy,
        cidrs=zia.cidrs,
        scheduler=ports.scheduler,
        worker=ports.worker,
        webserver=ports.webserver,
        ca_bundle=HERE / "certificates" / "zscaler.pem",
        no_proxy=direct(access, "zia"),
    )


def tunnel_to_zscaler(settings: Settings, zia: Zia, vpc: AirflowVpc, gateway: Gateway) -> ZscalerTunnel:
    """The way to ZIA: by the VPC's one virtual private gateway, beside the tunnels to the FortiGate."""
    return ZscalerTunnel(
        "zscaler",
        nodes=[ZscalerNode(address=address) for address in zia.nodes],
        vpc_id=vpc.vpc_id,
        gateway_id=gateway.id,
        country=zia.country,
        tz=zia.time_zone,
        log_retention_days=settings.log_retention_days,
        log_kms_key_arn=settings.log_key_arn,
        tags={"owner": settings.owner},
    )


def private_access(zpa: Zpa, access: Access, audit: AuditTrail, scim_groups: Mapping[str, str], protect: bool) -> ZpaGate:
    """ZPA: who may come to what, with which device."""
    receiver = audit.lss_receiver
    assert receiver is not None  # noqa: S101  # the stack's SIEM takes syslog
    return ZpaGate(
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
            for zone, one in zpa.connectors.items()
        },
        workloads={environment: CloudConnector(name=group) for environment, group in zpa.cloud_connectors.items()},
        identity_provider=IdentityProvider(name=zpa.identity_provider, group_names=scim_groups),
        postures={"*": [Posture(name=zpa.posture)]},
        log_receivers=[LogReceiver(host=receiver.host, port=receiver.port, zone=zpa.logs_by)],
        protect=protect,
    )


def internet_access(
    zia: Zia, access: Access, audit: AuditTrail, egress: Mapping[str, ProxyEgress], tunnel: ZscalerTunnel | None
) -> ZiaGate:
    """ZIA: what tasks may reach on the internet."""
    target = audit.nss_target
    assert target is not None  # noqa: S101  # the stack's SIEM takes HTTPS
    return ZiaGate(
        "zia",
        access=access,
        environments=egress,
        siem=NssFeed(url=target.url, siem=target.siem, headers=target.headers),
        location=LocationSettings(country=zia.country, tz=zia.time_zone),
        activate_after=[tunnel] if tunnel is not None else [],
    )


__all__ = ["internet_access", "private_access", "way_out"]
