"""The AWS end of a VPN: customer gateway, virtual private or transit gateway, and a connection with both tunnels pinned to
one proposal.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from ..errors import Problems
from ..gates.aws_network import Gateway
from .aws_parts import AwsParts, GatewayKind, tunnel_options
from .checks import MAX_STATIC_ROUTES, check_asns, check_cidrs, check_ends, check_public_address
from .peer import TUNNELS, PeerTunnel, Routing, TunnelEnd
from .proposals import IpsecProposal

_DEVICE_STARTS = {
    "startup_action": "add",
    "dpd_timeout_action": "clear",
    "dpd_timeout_seconds": 30,
    "replay_window_size": 1024,
}
"""The device starts a tunnel and AWS answers: with both starting, two pairs of keys are made."""


class AwsVpn(pulumi.ComponentResource):
    """A VPN connection from a VPC to a device, ready for `AwsNetworkGate(gateway=vpn.gateway)` and for
    `FortigateTunnel(vpn.tunnels)`.

    Args:
        device_address: the device's public address.
        device_cidrs: the networks behind the device. Static routing announces these alone; with BGP the device does.
        vpc_id: the VPC to attach.
        subnet_ids: for a transit gateway, one subnet in each zone that it has its attachment in.
        kind: `vpn`, a virtual private gateway for this VPC alone; or `transit`, a transit gateway.
        gateway_id: brings a gateway of that kind, the VPC attached already.
        route_table_id: with a brought transit gateway and static routing, its table for the routes to `device_cidrs`.
        routing: `bgp` (failover in seconds, both tunnels in use), or `static`.
        device_asn: the device's autonomous system number.
        amazon_asn: AWS's, a private one.
        tunnels: settings of tunnel 1 and 2.
        proposal: what both phases speak.
        log_retention_days: keeps the tunnels' logs for so long; None makes none.
        log_kms_key_arn: encrypts them.
        tags: of every resource.

    Raises:
        InputError: every argument that AWS would refuse, at once, before anything is registered.
    """

    connection_id: pulumi.Output[str]
    """The VPN connection, `vpn-…`."""
    gateway: Gateway
    """What the networks behind the device are routed to."""
    tunnels: tuple[PeerTunnel, PeerTunnel]
    proposal: IpsecProposal
    log_group_name: pulumi.Output[str] | None = None
    """The tunnels' log group; None where they keep no logs."""

    def __init__(
        self,
        name: str,
        *,
        device_address: str,
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
        log_retention_days: int | None = 365,
        log_kms_key_arn: pulumi.Input[str] | None = None,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        self.proposal = proposal or IpsecProposal()
        problems = Problems(name)
        check_asns(problems, device_asn, amazon_asn)
        check_aws_vpn(
            problems,
            proposal=self.proposal,
            device_address=device_address,
            device_cidrs=device_cidrs,
            subnet_ids=subnet_ids,
            kind=kind,
            gateway_id=gateway_id,
            route_table_id=route_table_id,
            routing=routing,
            tunnels=tunnels,
        )
        problems.raise_any()

        super().__init__("airlock:index:AwsVpn", name, {}, opts)
        parts = AwsParts(self, name, {**(tags or {}), "Name": name})
        self.gateway, table = parts.gateway(kind, gateway_id, vpc_id, subnet_ids, amazon_asn)
        log_group = parts.log_group(log_retention_days, log_kms_key_arn)
        self.log_group_name = None if log_group is None else log_group.name
        # A customer gateway never changes: a new address or number is another one, made before the old one goes.
        long = {"bgp_asn_extended": str(device_asn)} if device_asn > 2147483647 else {"bgp_asn": str(device_asn)}
        customer = aws.ec2.CustomerGateway(
            f"{name}-device",
            type="ipsec.1",
            ip_address=device_address,
            tags=parts.tags,
            opts=pulumi.ResourceOptions(parent=self),
            **long,
        )
        options = tunnel_options((name, ""), self.proposal, tunnels, log_group, _DEVICE_STARTS)
        connection = parts.connection(f"{name}-connection", self.gateway, customer, routing == "static", options)
        for cidr in device_cidrs if routing == "static" else ():
            parts.route(f"{name}-to-{cidr.replace('/', '-')}", self.gateway, connection, cidr, table or route_table_id)

        self.connection_id = connection.id
        first, second = (_peer_tunnel(connection, tunnel) for tunnel in TUNNELS)
        self.tunnels = (first, second)
        self.register_outputs(
            {
                "connectionId": self.connection_id,
                "gatewayId": self.gateway.id,
                "tunnelAddresses": [one.address for one in self.tunnels],
            }
        )


def _peer_tunnel(connection: Any, tunnel: int) -> PeerTunnel:
    return PeerTunnel(
        address=getattr(connection, f"tunnel{tunnel}_address"),
        preshared_key=pulumi.Output.secret(getattr(connection, f"tunnel{tunnel}_preshared_key")),
        device_inside_address=getattr(connection, f"tunnel{tunnel}_cgw_inside_address"),
        cloud_inside_address=getattr(connection, f"tunnel{tunnel}_vgw_inside_address"),
        cloud_asn=getattr(connection, f"tunnel{tunnel}_bgp_asn"),
    )


def check_aws_vpn(
    problems: Problems,
    *,
    proposal: IpsecProposal,
    device_address: str,
    device_cidrs: Sequence[str],
    subnet_ids: Sequence[pulumi.Input[str]],
    kind: str,
    gateway_id: pulumi.Input[str] | None,
    route_table_id: pulumi.Input[str] | None,
    routing: str,
    tunnels: Sequence[TunnelEnd],
) -> None:
    """Notes every argument of `AwsVpn` that AWS would refuse."""
    proposal.check(problems)
    check_public_address(problems, "device_address", device_address)
    _check_routing(problems, kind, routing, device_cidrs, gateway_id, route_table_id)
    _check_tunnels(problems, tunnels)
    if kind == "transit" and gateway_id is None and not subnet_ids:
        problems.add("subnet_ids", "none: a transit gateway is attached to a VPC through a subnet in each zone")


def _check_routing(
    problems: Problems,
    kind: str,
    routing: str,
    cidrs: Sequence[str],
    gateway_id: pulumi.Input[str] | None,
    route_table_id: pulumi.Input[str] | None,
) -> None:
    if kind not in ("vpn", "transit"):
        problems.add("kind", f"{kind!r}: write vpn or transit")
    if routing not in ("bgp", "static"):
        problems.add("routing", f"{routing!r}: write bgp or static")
    check_cidrs(problems, "device_cidrs", cidrs)
    if routing == "static" and not cidrs:
        problems.add("device_cidrs", "none: static routing reaches only what is listed")
    if routing == "static" and len(cidrs) > MAX_STATIC_ROUTES:
        problems.add("device_cidrs", f"{len(cidrs)} are over {MAX_STATIC_ROUTES}, the static routes of one VPN connection")
    if routing == "static" and kind == "transit" and gateway_id is not None and route_table_id is None:
        problems.add("route_table_id", "not given: static routes of a brought transit gateway go into one of its tables")


def _check_tunnels(problems: Problems, tunnels: Sequence[TunnelEnd]) -> None:
    if len(tunnels) != len(TUNNELS):
        problems.add("tunnels", f"{len(tunnels)}: an AWS VPN connection has two")
    check_ends(problems, tunnels)
