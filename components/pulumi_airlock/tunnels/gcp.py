"""The Google Cloud end of a VPN: an HA VPN gateway with a tunnel on each of its interfaces, and a Cloud Router that tells the
device of the named networks, and takes the named ones from it, and no others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Final

import pulumi
import pulumi_gcp as gcp
import pulumi_random as random

from ..errors import Problems
from ..gates.gcp_routes.learned import import_terms
from .checks import key_at
from .clouds import GOOGLE
from .gcp_checks import check_gcp_vpn
from .peer import TUNNELS, PeerTunnel, TunnelEnd
from .proposals import IpsecProposal

KEY_LENGTH: Final = 32
"""Characters of a key that is made: letters and digits, 190 bits of chance."""

DEFAULT_PROPOSAL: Final = IpsecProposal("aes256gcm", "sha384", 20)


class GcpVpn(pulumi.ComponentResource):
    """HA VPN from a VPC network to a device, with BGP, ready for `FortigateTunnel(vpn.tunnels, cloud=GOOGLE)`.

    Both tunnels speak one proposal, which Google pins, too (`cipher_suite`). Cloud Router advertises `cloud_cidrs` alone, not the
    network's subnetworks, and an import policy drops every route that the device announces beside `device_cidrs`: neither end can
    draw the other's traffic to itself. Sessions are authenticated, by keys that are made for them.

    Args:
        device_address: the device's public address; both tunnels end there (`SINGLE_IP_INTERNALLY_REDUNDANT`).
        device_cidrs: the networks behind the device. Routes to these alone are learned.
        network_id: the VPC network, `projects/<project>/global/networks/<name>`.
        cloud_cidrs: the networks of the environments' tasks. The device is told of these alone.
        project: the network's project.
        region: of gateway and router.
        tunnels: settings of tunnel 1 and 2; `inside_cidr` has to be given, a pre-shared key is made unless given.
        device_asn: the device's autonomous system number.
        google_asn: Cloud Router's, a private one.
        proposal: what both phases speak.
        labels: of every resource that takes some.

    Raises:
        InputError: every argument that Google would refuse, at once, before anything is registered.
    """

    gateway_id: pulumi.Output[str]
    """The HA VPN gateway."""
    router_name: pulumi.Output[str]
    """The Cloud Router that speaks BGP with the device."""
    tunnels: tuple[PeerTunnel, PeerTunnel]
    proposal: IpsecProposal

    def __init__(
        self,
        name: str,
        *,
        device_address: str,
        device_cidrs: Sequence[str],
        network_id: pulumi.Input[str],
        cloud_cidrs: Sequence[str],
        project: str,
        region: str,
        tunnels: tuple[TunnelEnd, TunnelEnd],
        device_asn: int = 65000,
        google_asn: int = 64514,
        proposal: IpsecProposal | None = None,
        labels: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        self.proposal = proposal or DEFAULT_PROPOSAL
        problems = Problems(name)
        check_gcp_vpn(
            problems,
            name,
            proposal=self.proposal,
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
        )
        problems.raise_any()

        super().__init__("airlock:index:GcpVpn", name, {}, opts)
        self._name = name
        self._labels = dict(labels or {})
        self._place = {"project": project, "region": region}
        self._child = pulumi.ResourceOptions(parent=self)
        # A session is on its interface, and that on its tunnel: Google deletes none that another one uses, and takes no second
        # interface with the same address. So a tunnel that is replaced goes first, with all that is on it.
        self._chained = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        gateway = gcp.compute.HaVpnGateway(
            f"{name}-gateway",
            network=network_id,
            stack_type="IPV4_ONLY",
            description=f"VPN {name}",
            labels=self._labels,
            opts=self._child,
            **self._place,
        )
        device = gcp.compute.ExternalVpnGateway(
            f"{name}-device",
            redundancy_type="SINGLE_IP_INTERNALLY_REDUNDANT",
            interfaces=[{"id": 0, "ip_address": device_address}],
            description=f"The device of VPN {name}",
            labels=self._labels,
            project=project,
            opts=self._child,
        )
        router = gcp.compute.Router(
            f"{name}-router",
            network=network_id,
            # CUSTOM and empty: a session that somebody adds tells nothing by itself. Each peer says what it is told.
            bgp={
                "asn": google_asn,
                "advertise_mode": "CUSTOM",
                "advertised_groups": [],
                "keepalive_interval": GOOGLE.keepalive,
            },
            description=f"VPN {name}",
            opts=self._child,
            **self._place,
        )
        learned = gcp.compute.RouterRoutePolicy(
            f"{name}-learned",
            router=router.name,
            type="ROUTE_POLICY_TYPE_IMPORT",
            terms=import_terms(device_cidrs),
            opts=self._child,
            **self._place,
        )
        ends = [
            self._make_tunnel(number, end, gateway, device, router, learned, device_asn, google_asn, cloud_cidrs)
            for number, end in zip(TUNNELS, tunnels, strict=True)
        ]
        first, second = ends
        self.tunnels = (first, second)
        self.gateway_id = gateway.id
        self.router_name = router.name
        self.register_outputs(
            {
                "gatewayId": self.gateway_id,
                "routerName": self.router_name,
                "tunnelAddresses": [one.address for one in self.tunnels],
            }
        )

    def _make_tunnel(
        self,
        number: int,
        end: TunnelEnd,
        gateway: Any,
        device: Any,
        router: Any,
        learned: Any,
        device_asn: int,
        google_asn: int,
        cloud_cidrs: Sequence[str],
    ) -> PeerTunnel:
        key = self._key(f"key-{number}") if end.preshared_key is None else pulumi.Output.secret(end.preshared_key)
        key = key.apply(key_at(self._name, f"tunnels[{number - 1}].preshared_key", GOOGLE))
        tunnel = gcp.compute.VPNTunnel(
            f"{self._name}-tunnel-{number}",
            vpn_gateway=gateway.id,
            vpn_gateway_interface=number - 1,
            peer_external_gateway=device.id,
            peer_external_gateway_interface=0,
            router=router.id,
            ike_version=2,
            shared_secret=key,
            cipher_suite=self.proposal.gcp_cipher_suite,
            description=f"VPN {self._name}, tunnel {number}",
            labels=self._labels,
            opts=self._secret("sharedSecret"),
            **self._place,
        )
        inside = _Inside.of(end)
        interface = gcp.compute.RouterInterface(
            f"{self._name}-interface-{number}",
            router=router.name,
            vpn_tunnel=tunnel.name,
            ip_range=f"{inside.cloud}/30",
            opts=self._chained,
            **self._place,
        )
        password = self._key(f"bgp-key-{number}")
        gcp.compute.RouterPeer(
            f"{self._name}-peer-{number}",
            router=router.name,
            interface=interface.name,
            ip_address=inside.cloud,
            peer_ip_address=inside.device,
            peer_asn=device_asn,
            advertise_mode="CUSTOM",
            advertised_groups=[],
            advertised_ip_ranges=[{"range": cidr, "description": "tasks"} for cidr in cloud_cidrs],
            import_policies=[learned.name],
            md5_authentication_key={"name": f"{self._name}-{number}", "key": password},
            enable=True,
            enable_ipv4=True,
            enable_ipv6=False,
            opts=self._secret("md5AuthenticationKey"),
            **self._place,
        )
        return PeerTunnel(
            address=gateway.vpn_interfaces.apply(lambda made: made[number - 1].ip_address),
            preshared_key=key,
            device_inside_address=pulumi.Output.from_input(inside.device),
            cloud_inside_address=pulumi.Output.from_input(inside.cloud),
            cloud_asn=pulumi.Output.from_input(str(google_asn)),
            bgp_password=password,
        )

    def _secret(self, output: str) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._chained, pulumi.ResourceOptions(additional_secret_outputs=[output]))

    def _key(self, what: str) -> pulumi.Output[str]:
        """A key that is made once, and kept in the encrypted state alone."""
        made = random.RandomPassword(f"{self._name}-{what}", length=KEY_LENGTH, special=False, opts=self._child)
        return pulumi.Output.secret(made.result)


@dataclass(frozen=True, slots=True)
class _Inside:
    """The addresses of a tunnel's two ends."""

    cloud: str
    device: str

    @classmethod
    def of(cls, end: TunnelEnd) -> "_Inside":
        assert end.inside_cidr is not None  # noqa: S101  # a problem otherwise
        network = IPv4Network(end.inside_cidr)
        return cls(str(network[1]), str(network[2]))
