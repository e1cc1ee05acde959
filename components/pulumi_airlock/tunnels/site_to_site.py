"""A VPN between a VPC and a FortiGate, both ends from one declaration, so that they cannot differ."""

from collections.abc import Mapping, Sequence

import pulumi

from ..errors import Problems
from ..gates.aws_network import Gateway
from ..gates.fortigate.dialect import Dialect, check_sdk
from .aws import AwsVpn, check_aws_vpn
from .aws_parts import GatewayKind
from .checks import check_asns
from .fortigate import FortigateTunnel, check_fortigate, device_names
from .peer import Routing, TunnelEnd
from .proposals import IpsecProposal


class SiteToSiteVpn(pulumi.ComponentResource):
    """An AWS VPN with its FortiGate end: one proposal, one kind of routing, the same keys, addresses and networks on both.

    `gateway` is for `AwsNetworkGate`, `zone_name` for `FortigateGate`. For an explicit provider of each end:
    `opts=ResourceOptions(providers=[aws, fortios])`.

    Args:
        device_address: the FortiGate's public address.
        wan_interface: its interface with that address.
        cloud_cidrs: the VPC's networks.
        device_cidrs: the networks behind the FortiGate: its zones' CIDRs.
        vpc_id, subnet_ids, kind, gateway_id, route_table_id: the AWS gateway, see `AwsVpn`.
        routing, device_asn, amazon_asn, tunnels, proposal: for both ends.
        device_name, zone_name, local_address, vdom, network_ids: names and places on the device, see `FortigateTunnel`.
        dialect: of the FortiGate end, see `FortigateTunnel`.
        log_retention_days, log_kms_key_arn, tags: of the AWS end.

    Raises:
        InputError: every argument that AWS or FortiOS would refuse.
    """

    gateway: Gateway
    """What the networks behind the FortiGate are routed to, for `AwsNetworkGate`."""
    zone_name: pulumi.Output[str]
    connection_id: pulumi.Output[str]
    """The VPN connection, `vpn-…`."""
    log_group_name: pulumi.Output[str] | None
    """The tunnels' log group; None where they keep no logs."""

    def __init__(
        self,
        name: str,
        *,
        device_address: str,
        wan_interface: str,
        cloud_cidrs: Sequence[str],
        device_cidrs: Sequence[str],
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]] = (),
        kind: GatewayKind = "vpn",
        gateway_id: pulumi.Input[str] | None = None,
        route_table_id: pulumi.Input[str] | None = None,
        routing: Routing = "bgp",
        device_asn: int = 65000,
        amazon_asn: int = 64512,
        tunnels: tuple[TunnelEnd, TunnelEnd] = (TunnelEnd(), TunnelEnd()),
        proposal: IpsecProposal | None = None,
        device_name: str | None = None,
        zone_name: str | None = None,
        local_address: str | None = None,
        vdom: str = "root",
        network_ids: int = 1000,
        log_retention_days: int | None = 365,
        log_kms_key_arn: pulumi.Input[str] | None = None,
        tags: Mapping[str, str] | None = None,
        dialect: Dialect = "pulumiverse",
        opts: pulumi.ResourceOptions | None = None,
    ):
        problems = Problems(name)
        check_asns(problems, device_asn, amazon_asn)
        check_aws_vpn(
            problems,
            proposal=proposal or IpsecProposal(),
            device_address=device_address,
            device_cidrs=device_cidrs,
            subnet_ids=subnet_ids,
            kind=kind,
            gateway_id=gateway_id,
            route_table_id=route_table_id,
            routing=routing,
            tunnels=tunnels,
        )
        base, zone = device_names(name, device_name, zone_name)
        check_fortigate(problems, base, zone, wan_interface, cloud_cidrs=cloud_cidrs, device_cidrs=device_cidrs, routing=routing)
        check_sdk(problems, dialect, opts)
        problems.raise_any()

        super().__init__("airlock:index:SiteToSiteVpn", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.aws = AwsVpn(
            f"{name}-aws",
            device_address=device_address,
            device_cidrs=device_cidrs,
            vpc_id=vpc_id,
            subnet_ids=subnet_ids,
            kind=kind,
            gateway_id=gateway_id,
            route_table_id=route_table_id,
            routing=routing,
            device_asn=device_asn,
            amazon_asn=amazon_asn,
            tunnels=tunnels,
            proposal=proposal,
            log_retention_days=log_retention_days,
            log_kms_key_arn=log_kms_key_arn,
            tags=tags,
            opts=child,
        )
        self.fortigate = FortigateTunnel(
            f"{name}-fortigate",
            tunnels=self.aws.tunnels,
            proposal=self.aws.proposal,
            wan_interface=wan_interface,
            cloud_cidrs=cloud_cidrs,
            device_cidrs=device_cidrs,
            routing=routing,
            device_asn=device_asn,
            cloud_asn=amazon_asn,
            device_name=base,
            zone_name=zone,
            network_ids=network_ids,
            local_address=local_address,
            vdom=vdom,
            dialect=dialect,
            opts=child,
        )
        self.gateway = self.aws.gateway
        self.zone_name = self.fortigate.zone_name
        self.connection_id = self.aws.connection_id
        self.log_group_name = self.aws.log_group_name
        self.register_outputs({"connectionId": self.connection_id, "zoneName": self.zone_name, "gatewayId": self.gateway.id})
