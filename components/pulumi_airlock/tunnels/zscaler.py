"""Tunnels between a VPC and Zscaler: what AWS offers, and what has to be known at both ends.

AWS Site-to-Site VPN reaches a Zscaler node as any customer gateway: IPsec with pre-shared keys, IKEv2, static routes, since
Zscaler speaks no BGP. Zscaler answers and never begins, so that AWS begins (`startup_action` `start`, which needs IKEv2 and
the node's address: AWS, "Tunnel initiation options"). Zscaler knows each of AWS's two tunnel addresses as VPN credentials of
the type IP.

AWS has no managed GRE to a third party (Transit Gateway Connect ends at an appliance inside a VPC): a GRE tunnel begins at a
router of one's own in the VPC, and `ZscalerGre` makes Zscaler's end of it.

Not tried, for want of a tenant: that Zscaler takes AWS's tunnel addresses as static addresses of a customer without a request
to its support. Encryption of phase 2 needs a subscription (otherwise Zscaler speaks NULL alone, which AWS does not). Zscaler
recommends phase 2 without perfect forward secrecy, which AWS does not switch off ("Understanding IPSec VPNs", "Tunnel options").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

import pulumi
import pulumi_aws as aws
import zscaler_pulumi_zia as zia

from ..errors import Problems
from ..gates.aws_network import Gateway
from .aws import TUNNELS, GatewayKind, TunnelEnd
from .checks import check_inside_cidrs, check_public_address, valid_preshared_key
from .proposals import IpsecProposal
from .zscaler_location import check_location, make_location

EVERYWHERE = "0.0.0.0/0"
MAX_NODES = 2
"""A primary and a secondary data centre, as Zscaler recommends."""
THROUGHPUT_MBPS = 400
"""What one IPsec tunnel to Zscaler carries (Zscaler, "Understanding IPSec VPNs"): more needs further tunnels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZscalerNode:
    """A Zscaler data centre's VPN address (config.zscaler.com lists them), and the settings of the two tunnels to it."""

    address: str
    tunnels: tuple[TunnelEnd, TunnelEnd] = (TunnelEnd(), TunnelEnd())


class ZscalerTunnel(pulumi.ComponentResource):
    """IPsec tunnels from a VPC to ZIA: AWS's end, Zscaler's end, and the location that they belong to.

    `location_id` is the parent of the environments' sub-locations (`TunnelEgress(parent_id=…)`); `gateway` is where
    `AwsNetworkGate` routes the zones behind it.

    Args:
        nodes: Zscaler's data centres, the nearest first: one, or two with a virtual private gateway.
        vpc_id, subnet_ids: the VPC to attach; for a transit gateway one subnet in each zone.
        kind: `vpn`, a virtual private gateway; or `transit`, whose table has one static route to everywhere, so one node.
        gateway_id: brings a gateway of that kind, the VPC attached already.
        route_table_id: with a brought transit gateway, its table for the route to Zscaler.
        location_name: Zscaler's name of the location; the component's unless given (32 characters).
        country, tz: Zscaler's names of country and time zone of the location.
        proposal: what both phases speak.
        amazon_asn: of a gateway that is made; no BGP is spoken.
        log_retention_days: keeps the tunnels' logs for so long; None makes none.
        log_kms_key_arn: encrypts them.
        tags: of every AWS resource.

    Raises:
        InputError: every argument that AWS or Zscaler would refuse, at once, before anything is registered.
    """

    gateway: Gateway
    location_id: pulumi.Output[int]
    connection_ids: tuple[pulumi.Output[str], ...]
    log_group_name: pulumi.Output[str] | None = None
    """The tunnels' log group; None where they keep no logs."""

    def __init__(
        self,
        name: str,
        *,
        nodes: Sequence[ZscalerNode],
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]] = (),
        kind: GatewayKind = "vpn",
        gateway_id: pulumi.Input[str] | None = None,
        route_table_id: pulumi.Input[str] | None = None,
        location_name: str | None = None,
        country: str | None = None,
        tz: str | None = None,
        proposal: IpsecProposal | None = None,
        amazon_asn: int = 64512,
        log_retention_days: int | None = 365,
        log_kms_key_arn: pulumi.Input[str] | None = None,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        self.proposal = proposal or IpsecProposal("aes256gcm")
        problems = Problems(name)
        _check(problems, nodes, kind, gateway_id, route_table_id, subnet_ids, self.proposal)
        check_location(problems, location_name or name)
        problems.raise_any()

        super().__init__("airlock:index:ZscalerTunnel", name, {"nodes": [one.address for one in nodes]}, opts)
        self._name, self._tags = name, {**(tags or {}), "Name": name}
        self._child = pulumi.ResourceOptions(parent=self)
        table = self._make_gateway(kind, gateway_id, vpc_id, subnet_ids, amazon_asn) or route_table_id
        logs = self._make_logs(log_retention_days, log_kms_key_arn)
        connections = [self._connect(position, node, logs) for position, node in enumerate(nodes)]
        for position, connection in enumerate(connections):
            self._route(position, connection, table)
        ends = [self._zscaler_end(position, connection) for position, connection in enumerate(connections)]
        self.location_id = make_location(
            self,
            name,
            location_name,
            country,
            tz,
            ip_addresses=[address for one in ends for address in one.addresses],
            vpn_credentials=[credential for one in ends for credential in one.credentials],
            after=[made for one in ends for made in one.made],
        )
        self.connection_ids = tuple(one.id for one in connections)
        self.register_outputs(
            {"locationId": self.location_id, "gatewayId": self.gateway.id, "connectionIds": list(self.connection_ids)}
        )

    def _make_gateway(
        self,
        kind: GatewayKind,
        gateway_id: pulumi.Input[str] | None,
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        amazon_asn: int,
    ) -> pulumi.Output[str] | None:
        """Sets `gateway`; returns the route table of a transit gateway that is made."""
        if gateway_id is not None:
            self.gateway = Gateway(kind, gateway_id)
            return None
        if kind == "vpn":
            made = aws.ec2.VpnGateway(
                f"{self._name}-gateway", vpc_id=vpc_id, amazon_side_asn=str(amazon_asn), tags=self._tags, opts=self._child
            )
            self.gateway = Gateway("vpn", made.id, (made,))
            return None
        transit = aws.ec2transitgateway.TransitGateway(
            f"{self._name}-gateway",
            description=f"Tunnels to Zscaler: {self._name}",
            amazon_side_asn=amazon_asn,
            auto_accept_shared_attachments="disable",
            tags=self._tags,
            opts=self._child,
        )
        attachment = aws.ec2transitgateway.VpcAttachment(
            f"{self._name}-vpc",
            transit_gateway_id=transit.id,
            vpc_id=vpc_id,
            subnet_ids=list(subnet_ids),
            tags=self._tags,
            opts=self._child,
        )
        self.gateway = Gateway("transit", transit.id, (attachment,))
        table: pulumi.Output[str] = transit.association_default_route_table_id
        return table

    def _make_logs(self, retention: int | None, key_arn: pulumi.Input[str] | None) -> pulumi.Output[str] | None:
        if retention is None:
            return None
        # Under this prefix AWS's log delivery needs no resource policy of its own, of which an account has ten.
        group = aws.cloudwatch.LogGroup(
            f"{self._name}-log",
            name_prefix=f"/aws/vendedlogs/vpn/{self._name}-",
            retention_in_days=retention,
            kms_key_id=key_arn,
            tags=self._tags,
            opts=self._child,
        )
        self.log_group_name = group.name
        arn: pulumi.Output[str] = group.arn
        return arn

    def _connect(self, position: int, node: ZscalerNode, logs: pulumi.Output[str] | None) -> Any:
        customer = aws.ec2.CustomerGateway(
            f"{self._name}-node-{position}",
            type="ipsec.1",
            ip_address=node.address,
            bgp_asn="65000",
            tags=self._tags,
            opts=self._child,
        )
        options: dict[str, Any] = {}
        for tunnel, end in zip(TUNNELS, node.tunnels, strict=True):
            options |= self.proposal.aws_options(tunnel) | _tunnel_options(tunnel, end, logs)
        secret = ["customerGatewayConfiguration", *(f"tunnel{tunnel}PresharedKey" for tunnel in TUNNELS)]
        gateway = {"vpn_gateway_id" if self.gateway.kind == "vpn" else "transit_gateway_id": self.gateway.id}
        return aws.ec2.VpnConnection(
            f"{self._name}-connection-{position}",
            type="ipsec.1",
            customer_gateway_id=customer.id,
            static_routes_only=True,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=secret),
            **gateway,
            **options,
        )

    def _route(self, position: int, connection: Any, table: pulumi.Input[str] | None) -> None:
        """Everything that AWS hands to the gateway goes to Zscaler: what that is, the environments' route tables say."""
        label = f"{self._name}-route-{position}"
        if self.gateway.kind == "vpn":
            aws.ec2.VpnConnectionRoute(
                label, vpn_connection_id=connection.id, destination_cidr_block=EVERYWHERE, opts=self._child
            )
            return
        aws.ec2transitgateway.Route(
            label,
            destination_cidr_block=EVERYWHERE,
            transit_gateway_attachment_id=connection.transit_gateway_attachment_id,
            transit_gateway_route_table_id=table,
            opts=self._child,
        )

    def _zscaler_end(self, position: int, connection: Any) -> "_End":
        """AWS's two addresses of a connection, as Zscaler has to know them, each with its key."""
        end = _End([], [], [])
        for tunnel in TUNNELS:
            address = getattr(connection, f"tunnel{tunnel}_address")
            static = zia.TrafficForwardingStaticIp(
                f"{self._name}-address-{position}-{tunnel}",
                ip_address=address,
                routable_ip=True,
                comment=f"AWS VPN {self._name}, tunnel {tunnel}",
                opts=self._child,
            )
            credentials = zia.TrafficForwardingVpnCredentials(
                f"{self._name}-key-{position}-{tunnel}",
                type="IP",
                ip_address=address,
                pre_shared_key=pulumi.Output.secret(getattr(connection, f"tunnel{tunnel}_preshared_key")),
                comments=f"AWS VPN {self._name}, tunnel {tunnel}",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[static]),
            )
            end.addresses.append(address)
            end.credentials.append({"id": credentials.vpn_id, "type": "IP", "ip_address": address})
            end.made.extend([static, credentials])
        return end


@dataclass(frozen=True, slots=True)
class _End:
    addresses: list[pulumi.Output[str]]
    credentials: list[dict[str, Any]]
    made: list[pulumi.Resource]


def _tunnel_options(tunnel: int, end: TunnelEnd, logs: pulumi.Output[str] | None) -> dict[str, Any]:
    """What of a tunnel is not its proposal: AWS begins, and begins again when the other end is silent."""
    options: dict[str, Any] = {"startup_action": "start", "dpd_timeout_action": "restart", "dpd_timeout_seconds": 30}
    if end.inside_cidr is not None:
        options["inside_cidr"] = end.inside_cidr
    if end.preshared_key is not None:
        options["preshared_key"] = pulumi.Output.secret(end.preshared_key).apply(valid_preshared_key)
    if logs is not None:
        told = {"log_enabled": True, "log_group_arn": logs, "log_output_format": "json"}
        options["log_options"] = {"cloudwatch_log_options": told}
    return {f"tunnel{tunnel}_{key}": value for key, value in options.items()}


def _check(
    problems: Problems,
    nodes: Sequence[ZscalerNode],
    kind: str,
    gateway_id: pulumi.Input[str] | None,
    route_table_id: pulumi.Input[str] | None,
    subnet_ids: Sequence[pulumi.Input[str]],
    proposal: IpsecProposal,
) -> None:
    proposal.check(problems)
    if proposal.integrity in ("sha384", "sha512") and proposal.dh_group != 14:
        problems.add("proposal.dh_group", f"{proposal.dh_group}: with {proposal.integrity} Zscaler takes group 14 alone")
    if kind not in ("vpn", "transit"):
        problems.add("kind", f"{kind!r}: write vpn or transit")
    if not 1 <= len(nodes) <= MAX_NODES:
        problems.add("nodes", f"{len(nodes)}: write Zscaler's nearest data centre, and with kind vpn perhaps a second one")
    elif kind == "transit" and len(nodes) > 1:
        problems.add("nodes", "a transit gateway's table has one static route to everywhere: write one node, or kind vpn")
    if kind == "transit" and gateway_id is None and not subnet_ids:
        problems.add("subnet_ids", "none: a transit gateway is attached to a VPC through a subnet in each zone")
    if kind == "transit" and gateway_id is not None and route_table_id is None:
        problems.add("route_table_id", "not given: the route to Zscaler goes into one of the brought gateway's tables")
    _check_nodes(problems, nodes)


def _check_nodes(problems: Problems, nodes: Sequence[ZscalerNode]) -> None:
    for position, node in enumerate(nodes):
        check_public_address(problems, f"nodes[{position}].address", node.address)
    known = [one.address for one in nodes if _is_address(one.address)]
    if len(known) != len(set(known)):
        problems.add("nodes", "both are one node: write two data centres")
    check_inside_cidrs(problems, [end.inside_cidr for node in nodes for end in node.tunnels])
    plain = [end.preshared_key for node in nodes for end in node.tunnels if isinstance(end.preshared_key, str)]
    if len(plain) != len(set(plain)):
        problems.add("nodes", "two tunnels have the same pre-shared key: give each its own")
    for position, node in enumerate(nodes):
        for number, end in enumerate(node.tunnels):
            if isinstance(end.preshared_key, str):
                try:
                    valid_preshared_key(end.preshared_key)
                except ValueError as error:
                    problems.add(f"nodes[{position}].tunnels[{number}].preshared_key", str(error))


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
