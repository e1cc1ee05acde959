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
from .aws_parts import AwsParts, GatewayKind, tunnel_options
from .checks import check_inside_cidrs, check_public_address, valid_preshared_key
from .peer import TUNNELS, TunnelEnd
from .proposals import IpsecProposal
from .zscaler_location import check_location, make_location

EVERYWHERE = "0.0.0.0/0"
MAX_NODES = 2
"""A primary and a secondary data centre, as Zscaler recommends."""
THROUGHPUT_MBPS = 400
"""What one IPsec tunnel to Zscaler carries (Zscaler, "Understanding IPSec VPNs"): more needs further tunnels."""


_AWS_STARTS = {"startup_action": "start", "dpd_timeout_action": "restart", "dpd_timeout_seconds": 30}
"""AWS begins, and begins again when the other end is silent."""


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
    """What Zscaler's networks are routed to."""
    location_id: pulumi.Output[int]
    """ZIA's number of the tunnel's location."""
    connection_ids: tuple[pulumi.Output[str], ...]
    """The VPN connections, one for each node."""
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
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        parts = AwsParts(self, name, {**(tags or {}), "Name": name})
        self.gateway, table = parts.gateway(kind, gateway_id, vpc_id, subnet_ids, amazon_asn)
        log_group = parts.log_group(log_retention_days, log_kms_key_arn)
        self.log_group_name = None if log_group is None else log_group.name
        connections = [self._connect(parts, position, node, log_group) for position, node in enumerate(nodes)]
        for position, connection in enumerate(connections):
            # Everything that AWS hands to the gateway goes to Zscaler: what that is, the environments' route tables say.
            parts.route(f"{name}-route-{position}", self.gateway, connection, EVERYWHERE, table or route_table_id)
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

    def _connect(self, parts: AwsParts, position: int, node: ZscalerNode, log_group: Any) -> Any:
        customer = aws.ec2.CustomerGateway(
            f"{self._name}-node-{position}",
            type="ipsec.1",
            ip_address=node.address,
            bgp_asn="65000",
            tags=parts.tags,
            opts=self._child,
        )
        options = tunnel_options((self._name, f"nodes[{position}]."), self.proposal, node.tunnels, log_group, _AWS_STARTS)
        return parts.connection(f"{self._name}-connection-{position}", self.gateway, customer, True, options)

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
                with problems.noting(f"nodes[{position}].tunnels[{number}].preshared_key"):
                    valid_preshared_key(end.preshared_key)


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
