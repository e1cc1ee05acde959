"""A VPN between a network of Google Cloud and a FortiGate, both ends from one declaration, so that they cannot differ."""

from collections.abc import Mapping, Sequence

import pulumi

from ..errors import Problems
from ..gates.fortigate.dialect import Dialect, check_sdk
from .clouds import GOOGLE
from .fortigate import FortigateTunnel, check_fortigate, device_names
from .gcp import DEFAULT_PROPOSAL, GcpVpn
from .gcp_checks import MAX_NAME, check_gcp_vpn
from .peer import TunnelEnd
from .proposals import IpsecProposal


class GcpSiteToSiteVpn(pulumi.ComponentResource):
    """HA VPN with its FortiGate end: one proposal, the same keys, addresses and networks on both, BGP between them.

    `zone_name` is for `FortigateGate`. For an explicit provider of each end: `opts=ResourceOptions(providers=[gcp, fortios])`.

    Args:
        device_address: the FortiGate's public address.
        wan_interface: its interface with that address.
        cloud_cidrs: the networks of the environments' tasks.
        device_cidrs: the networks behind the FortiGate: its zones' CIDRs.
        network_id, project, region: where Google's end is, see `GcpVpn`.
        device_asn, google_asn, tunnels, proposal: for both ends.
        device_name, zone_name, local_address, vdom, network_ids: names and places on the device, see `FortigateTunnel`.
        dialect: of the FortiGate end, see `FortigateTunnel`.
        labels: of Google's end.

    Raises:
        InputError: every argument that Google or FortiOS would refuse.
    """

    zone_name: pulumi.Output[str]
    gateway_id: pulumi.Output[str]
    """The HA VPN gateway."""

    def __init__(
        self,
        name: str,
        *,
        device_address: str,
        wan_interface: str,
        cloud_cidrs: Sequence[str],
        device_cidrs: Sequence[str],
        network_id: pulumi.Input[str],
        project: str,
        region: str,
        tunnels: tuple[TunnelEnd, TunnelEnd],
        device_asn: int = 65000,
        google_asn: int = 64514,
        proposal: IpsecProposal | None = None,
        device_name: str | None = None,
        zone_name: str | None = None,
        local_address: str | None = None,
        vdom: str = "root",
        network_ids: int = 1000,
        labels: Mapping[str, str] | None = None,
        dialect: Dialect = "pulumiverse",
        opts: pulumi.ResourceOptions | None = None,
    ):
        base, zone = device_names(name, device_name, zone_name)
        problems = Problems(name)
        check_gcp_vpn(
            problems,
            name,
            proposal=proposal or DEFAULT_PROPOSAL,
            device_address=device_address,
            device_cidrs=device_cidrs,
            network_id=network_id,
            cloud_cidrs=cloud_cidrs,
            project=project,
            region=region,
            tunnels=tunnels,
            device_asn=device_asn,
            google_asn=google_asn,
            labels=labels or {},
            longest=MAX_NAME - len("-gcp"),
        )
        check_fortigate(
            problems,
            base,
            zone,
            wan_interface,
            cloud_cidrs=cloud_cidrs,
            device_cidrs=device_cidrs,
            routing="bgp",
            cloud=GOOGLE,
        )
        check_sdk(problems, dialect, opts)
        problems.raise_any()

        super().__init__("airlock:index:GcpSiteToSiteVpn", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.gcp = GcpVpn(
            f"{name}-gcp",
            device_address=device_address,
            device_cidrs=device_cidrs,
            network_id=network_id,
            cloud_cidrs=cloud_cidrs,
            project=project,
            region=region,
            tunnels=tunnels,
            device_asn=device_asn,
            google_asn=google_asn,
            proposal=proposal,
            labels=labels,
            opts=child,
        )
        self.fortigate = FortigateTunnel(
            f"{name}-fortigate",
            tunnels=self.gcp.tunnels,
            proposal=self.gcp.proposal,
            wan_interface=wan_interface,
            cloud_cidrs=cloud_cidrs,
            cloud=GOOGLE,
            device_cidrs=device_cidrs,
            device_asn=device_asn,
            cloud_asn=google_asn,
            device_name=base,
            zone_name=zone,
            network_ids=network_ids,
            local_address=local_address,
            vdom=vdom,
            dialect=dialect,
            opts=child,
        )
        self.zone_name = self.fortigate.zone_name
        self.gateway_id = self.gcp.gateway_id
        self.register_outputs({"zoneName": self.zone_name, "gatewayId": self.gateway_id})
