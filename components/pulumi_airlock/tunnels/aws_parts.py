"""What AWS's end of a VPN is made of, whatever stands at the other end: gateway, log, connection, routes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from ..gates.aws_network import Gateway
from .checks import key_at
from .peer import TUNNELS, TunnelEnd
from .proposals import IpsecProposal

GatewayKind = Literal["vpn", "transit"]


@dataclass(frozen=True)
class AwsParts:
    """Makes the parts of one component."""

    parent: pulumi.Resource
    name: str
    tags: dict[str, str]

    @property
    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self.parent)

    def gateway(
        self,
        kind: GatewayKind,
        gateway_id: pulumi.Input[str] | None,
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        amazon_asn: int,
    ) -> tuple[Gateway, pulumi.Output[str] | None]:
        """The gateway, brought or made and attached; with it the route table of a transit gateway that is made."""
        if gateway_id is not None:
            return Gateway(kind, gateway_id), None
        if kind == "vpn":
            made = aws.ec2.VpnGateway(
                f"{self.name}-gateway", vpc_id=vpc_id, amazon_side_asn=str(amazon_asn), tags=self.tags, opts=self._child
            )
            return Gateway("vpn", made.id, (made,)), None
        transit = aws.ec2transitgateway.TransitGateway(
            f"{self.name}-gateway",
            description=f"VPN {self.name}",
            amazon_side_asn=amazon_asn,
            # Nobody else's attachment comes in by itself.
            auto_accept_shared_attachments="disable",
            default_route_table_association="enable",
            default_route_table_propagation="enable",
            vpn_ecmp_support="enable",
            tags=self.tags,
            opts=self._child,
        )
        attachment = aws.ec2transitgateway.VpcAttachment(
            f"{self.name}-vpc",
            transit_gateway_id=transit.id,
            vpc_id=vpc_id,
            subnet_ids=list(subnet_ids),
            tags=self.tags,
            opts=self._child,
        )
        # AWS refuses a route to a transit gateway that the VPC is not attached to yet.
        return Gateway("transit", transit.id, (attachment,)), transit.association_default_route_table_id

    def log_group(self, retention_days: int | None, key_arn: pulumi.Input[str] | None) -> Any:
        """Where the tunnels log; None where they do not."""
        if retention_days is None:
            return None
        # Under this prefix AWS's log delivery needs no resource policy of its own, of which an account has ten.
        return aws.cloudwatch.LogGroup(
            f"{self.name}-log",
            name_prefix=f"/aws/vendedlogs/vpn/{self.name}-",
            retention_in_days=retention_days,
            kms_key_id=key_arn,
            tags=self.tags,
            opts=self._child,
        )

    def connection(
        self, label: str, gateway: Gateway, customer: aws.ec2.CustomerGateway, static: bool, options: Mapping[str, Any]
    ) -> Any:
        """Both tunnels. Their keys are secrets, and so is the file that holds them."""
        secret = ["customerGatewayConfiguration", *(f"tunnel{tunnel}PresharedKey" for tunnel in TUNNELS)]
        return aws.ec2.VpnConnection(
            label,
            type="ipsec.1",
            customer_gateway_id=customer.id,
            static_routes_only=static,
            tags=self.tags,
            opts=pulumi.ResourceOptions(parent=self.parent, additional_secret_outputs=secret),
            **{"vpn_gateway_id" if gateway.kind == "vpn" else "transit_gateway_id": gateway.id},
            **options,
        )

    def route(self, label: str, gateway: Gateway, connection: Any, cidr: str, table: pulumi.Input[str] | None) -> None:
        """A static route into the tunnels; `table` is that of a transit gateway."""
        if gateway.kind == "vpn":
            aws.ec2.VpnConnectionRoute(label, vpn_connection_id=connection.id, destination_cidr_block=cidr, opts=self._child)
            return
        aws.ec2transitgateway.Route(
            label,
            destination_cidr_block=cidr,
            transit_gateway_attachment_id=connection.transit_gateway_attachment_id,
            transit_gateway_route_table_id=table,
            opts=self._child,
        )


def tunnel_options(
    place: tuple[str, str], proposal: IpsecProposal, ends: Sequence[TunnelEnd], log_group: Any, how: Mapping[str, Any]
) -> dict[str, Any]:
    """A connection's arguments about its tunnels: what both speak, `how` they start and stop, what is agreed for each.

    `place`: the component's name, and what stands before `tunnels` in the paths of its arguments.
    """
    found: dict[str, Any] = {}
    for number, (tunnel, end) in enumerate(zip(TUNNELS, ends, strict=True)):
        options = dict(how)
        if end.inside_cidr is not None:
            options["inside_cidr"] = end.inside_cidr
        if end.preshared_key is not None:
            options["preshared_key"] = pulumi.Output.secret(end.preshared_key).apply(
                key_at(place[0], f"{place[1]}tunnels[{number}].preshared_key")
            )
        if log_group is not None:
            told = {"log_enabled": True, "log_group_arn": log_group.arn, "log_output_format": "json"}
            options["log_options"] = {"cloudwatch_log_options": told}
        found |= proposal.aws_options(tunnel) | {f"tunnel{tunnel}_{key}": value for key, value in options.items()}
    return found
