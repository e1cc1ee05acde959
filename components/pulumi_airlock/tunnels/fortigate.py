"""The FortiGate end of a cloud's VPN.

Phase 1 and 2 of both tunnels, their interfaces and routes, in one zone for policies to name.
"""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network
from typing import Any

import pulumi

from ..errors import Problems
from ..gates.fortigate.dialect import Dialect, Sdk, check_sdk
from .checks import PHASE1_NAME, ZONE_NAME, check_asns, check_cidrs, check_device_name, short_name, with_mask
from .clouds import AWS, Cloud
from .peer import PeerTunnel, Routing
from .proposals import IpsecProposal

TCP_MSS = 1360
"""What is left of 1,500 bytes for TCP, in the worst case of the table: AES-CBC with SHA2-512 behind NAT (IP 20, UDP 8, ESP 8,
IV 16, digest 32, padding to 16 bytes, trailer 2; the inner IP and TCP headers 40), rounded down.
"""

_EVERYWHERE = "0.0.0.0 0.0.0.0"


class FortigateTunnel(pulumi.ComponentResource):
    """Both tunnels of a cloud's VPN on a FortiGate, in a zone of their own: `FortigateGate(tunnel_interface=tunnel.zone_name)`.

    Nothing gets through by itself: traffic between the tunnels is denied (`intrazone`), and policies decide on the rest.

    Every argument that FortiOS would otherwise fill in is written, since most are optional *and* computed: one left out keeps
    whatever the device has. The pre-shared keys are never read back by the provider, so that a key changed on the device is
    not noticed.

    Args:
        tunnels: from `AwsVpn.tunnels` or `GcpVpn.tunnels`.
        proposal: the same as the cloud's.
        cloud: which one: `AWS` or `GOOGLE`, of `tunnels.clouds`.
        wan_interface: where the device meets the internet.
        cloud_cidrs: the networks at the far end: the environments' VPC. Static routes go to these alone; BGP takes these alone.
        device_cidrs: the networks behind this device; with BGP, the cloud is told of these and no others.
        routing: as the cloud's end has it.
        device_asn: with BGP, the device's number. It has to be what the device has (`config router bgp`): that belongs to its
            owner, and the SDK's Python package has no class for it.
        cloud_asn: the cloud's number.
        device_name: begins the names on the device, at most 13 characters; made from `name` otherwise.
        zone_name: at most 35 characters; `device_name` otherwise.
        network_ids: with BGP, the id of the first entry in the device's network table; one is taken for each of `device_cidrs`.
        local_address: of the WAN interface, where it has several.
        vdom: the device's virtual domain.
        tcp_mss: of connections through the tunnels, in bytes.
        dialect: `pulumiverse`, or `terraform-provider` for FortiOS 7.4.5 and later; another one makes all resources anew.

    Raises:
        InputError: every argument that FortiOS would refuse or cut, at once, before anything is registered.
    """

    zone_name: pulumi.Output[str]
    interface_names: tuple[pulumi.Output[str], ...]
    """The tunnels' interfaces on the device."""

    def __init__(
        self,
        name: str,
        *,
        tunnels: Sequence[PeerTunnel],
        proposal: IpsecProposal,
        wan_interface: str,
        cloud_cidrs: Sequence[str],
        cloud: Cloud = AWS,
        device_cidrs: Sequence[str] = (),
        routing: Routing = "bgp",
        device_asn: int = 65000,
        cloud_asn: int = 64512,
        device_name: str | None = None,
        zone_name: str | None = None,
        network_ids: int = 1000,
        local_address: str | None = None,
        vdom: str = "root",
        tcp_mss: int = TCP_MSS,
        dialect: Dialect = "pulumiverse",
        opts: pulumi.ResourceOptions | None = None,
    ):
        problems = Problems(name)
        self._base, zone = device_names(name, device_name, zone_name)
        proposal.check(problems, cloud)
        check_asns(problems, device_asn, cloud_asn, cloud, "cloud_asn")
        beyond, announced = check_fortigate(
            problems,
            self._base,
            zone,
            wan_interface,
            cloud_cidrs=cloud_cidrs,
            device_cidrs=device_cidrs,
            routing=routing,
            cloud=cloud,
        )
        check_sdk(problems, dialect, opts)
        if not 500 <= tcp_mss <= 1460:
            problems.add("tcp_mss", f"{tcp_mss}: write 500–1460")
        problems.raise_any()

        super().__init__("airlock:index:FortigateTunnel", name, {}, opts)
        self._name = name
        self._sdk = Sdk(dialect)
        # A number in the provider of 2024, text in today's, which takes AS numbers with a dot.
        self._asn: Callable[[str], int | str] = int if dialect == "pulumiverse" else str
        self._vdom = vdom
        self._cloud = cloud
        self._told = f"{cloud.name} VPN {name}"
        self._child = pulumi.ResourceOptions(parent=self)
        interfaces = []
        for position, tunnel in enumerate(tunnels, start=1):
            phase1 = self._make_phase1(position, tunnel, proposal, wan_interface, local_address)
            self._make_phase2(position, phase1, proposal)
            interfaces.append(self._make_interface(position, phase1, tunnel, wan_interface, tcp_mss))
        made_zone = self._make_zone(zone, interfaces)
        after = pulumi.ResourceOptions(parent=self, depends_on=[made_zone])
        if routing == "static":
            self._make_static_routes(beyond, interfaces, after)
        else:
            self._make_bgp(tunnels, beyond, announced, network_ids, after)

        self.interface_names = tuple(one.name for one in interfaces)
        self.zone_name = made_zone.name
        self.register_outputs({"zoneName": self.zone_name, "interfaceNames": list(self.interface_names)})

    def _make_phase1(
        self, position: int, tunnel: PeerTunnel, proposal: IpsecProposal, wan_interface: str, local_address: str | None
    ) -> Any:
        return self._sdk.vpnipsec_phase1interface(
            f"{self._name}-{position}",
            name=f"{self._base}-{position}",
            type="static",
            interface=wan_interface,
            ip_version="4",
            local_gw=local_address or "0.0.0.0",  # noqa: S104  # FortiOS's "the interface's own"
            remote_gw=tunnel.address,
            ike_version="2",
            authmethod="psk",
            psksecret=tunnel.preshared_key,
            # The cloud names itself by its address; it is told apart by that and by the key.
            peertype="any",
            net_device="disable",
            proposal=proposal.fortios_phase1,
            dhgrp=str(proposal.dh_group),
            keylife=proposal.phase1_lifetime,
            rekey="enable",
            reauth="disable",
            auto_negotiate="enable",
            passive_mode="disable",
            nattraversal="enable",
            keepalive=10,
            fragmentation="enable",
            dpd="on-idle",
            dpd_retrycount=3,
            dpd_retryinterval="10",
            idle_timeout="disable",
            add_route="disable",
            mode_cfg="disable",
            encapsulation="none",
            esn="disable",
            suite_b="disable",
            comments=f"{self._told}, tunnel {position}",
            vdomparam=self._vdom,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["psksecret"]),
        )

    def _make_phase2(self, position: int, phase1: Any, proposal: IpsecProposal) -> None:
        self._sdk.vpnipsec_phase2interface(
            f"{self._name}-{position}",
            name=f"{self._base}-{position}",
            phase1name=phase1.name,
            proposal=proposal.fortios_phase2,
            pfs="enable",
            dhgrp=str(proposal.dh_group),
            keylife_type="seconds",
            keylifeseconds=proposal.phase2_lifetime,
            auto_negotiate="enable",
            keepalive="enable",
            replay="enable",
            encapsulation="tunnel-mode",
            add_route="disable",
            # The cloud has route-based tunnels: routes and policies choose what goes in, not selectors.
            src_addr_type="subnet",
            src_subnet=_EVERYWHERE,
            dst_addr_type="subnet",
            dst_subnet=_EVERYWHERE,
            protocol=0,
            comments=f"{self._told}, tunnel {position}",
            vdomparam=self._vdom,
            opts=self._child,
        )

    def _make_interface(self, position: int, phase1: Any, tunnel: PeerTunnel, wan_interface: str, tcp_mss: int) -> Any:
        """The interface that phase 1 made: `autogenerated` turns its creation into an update of what is there."""
        return self._sdk.system_interface(
            f"{self._name}-{position}",
            name=phase1.name,
            autogenerated="auto",
            type="tunnel",
            vdom=self._vdom,
            interface=wan_interface,
            mode="static",
            ip=pulumi.Output.format("{0} 255.255.255.255", tunnel.device_inside_address),
            remote_ip=pulumi.Output.format("{0} 255.255.255.252", tunnel.cloud_inside_address),
            # Ping alone: the device is not managed through the tunnel.
            allowaccess="ping",
            role="undefined",
            status="up",
            tcp_mss=tcp_mss,
            description=f"{self._told}, tunnel {position}",
            opts=self._child,
        )

    def _make_zone(self, zone: str, interfaces: Sequence[Any]) -> Any:
        return self._sdk.system_zone(
            f"{self._name}-zone",
            name=zone,
            description=self._told,
            intrazone="deny",
            interfaces=[{"interface_name": one.name} for one in interfaces],
            vdomparam=self._vdom,
            opts=self._child,
        )

    def _make_static_routes(
        self, beyond: Sequence[IPv4Network], interfaces: Sequence[Any], after: pulumi.ResourceOptions
    ) -> None:
        """To each network through tunnel 1, then 2; and nowhere while both are down, rather than out to the internet by the
        default route.
        """
        for network in beyond:
            label = f"{self._name}-to-{str(network).replace('/', '-')}"
            for position, interface in enumerate(interfaces, start=1):
                self._route(f"{label}-{position}", network, after, device=interface.name, distance=10, priority=position)
            self._route(f"{label}-blackhole", network, after, blackhole="enable", distance=254, priority=1)

    def _route(self, label: str, network: IPv4Network, after: pulumi.ResourceOptions, **where: Any) -> None:
        self._sdk.router_static(
            label,
            dst=with_mask(network),
            status="enable",
            dynamic_gateway="disable",
            link_monitor_exempt="disable",
            comment=self._told,
            vdomparam=self._vdom,
            opts=after,
            **{"blackhole": "disable", **where},
        )

    def _make_bgp(
        self,
        tunnels: Sequence[PeerTunnel],
        beyond: Sequence[IPv4Network],
        announced: Sequence[IPv4Network],
        network_ids: int,
        after: pulumi.ResourceOptions,
    ) -> None:
        """A neighbour for each tunnel, with lists of what is taken from it and told to it.

        Neither end can draw the other's traffic to itself.
        """
        taken = self._prefix_list("in", beyond)
        told = self._prefix_list("out", announced)
        for offset, network in enumerate(announced):
            self._sdk.routerbgp_network(
                f"{self._name}-announce-{str(network).replace('/', '-')}",
                fosid=network_ids + offset,
                prefix=with_mask(network),
                backdoor="disable",
                # Announced while the device itself has a route to it, never otherwise.
                network_import_check="enable",
                vdomparam=self._vdom,
                opts=after,
            )
        for position, tunnel in enumerate(tunnels, start=1):
            self._sdk.routerbgp_neighbor(
                f"{self._name}-{position}",
                ip=tunnel.cloud_inside_address,
                remote_as=tunnel.cloud_asn.apply(self._asn),
                password=tunnel.bgp_password,
                description=f"{self._told}, tunnel {position}",
                activate="enable",
                activate6="disable",
                shutdown="disable",
                prefix_list_in=taken.name,
                prefix_list_out=told.name,
                soft_reconfiguration="enable",
                capability_default_originate="disable",
                ebgp_enforce_multihop="disable",
                next_hop_self="disable",
                link_down_failover="enable",
                keep_alive_timer=self._cloud.keepalive,
                holdtime_timer=self._cloud.holdtime,
                capability_graceful_restart="enable" if self._cloud.graceful_restart else None,
                vdomparam=self._vdom,
                opts=pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(additional_secret_outputs=["password"])),
            )

    def _prefix_list(self, direction: str, networks: Sequence[IPv4Network]) -> Any:
        rules = [
            _permit(position, network, 32 if direction == "in" else network.prefixlen)
            for position, network in enumerate(networks, start=1)
        ]
        # An empty list would let everything through.
        rules.append({"id": len(rules) + 1, "action": "deny", "prefix": "any", "ge": 0, "le": 32})
        return self._sdk.router_prefixlist(
            f"{self._name}-{direction}",
            name=f"{self._base}-{direction}",
            comments=self._told,
            rules=rules,
            vdomparam=self._vdom,
            opts=self._child,
        )


def _permit(position: int, network: IPv4Network, longest: int) -> dict[str, Any]:
    """A line of a prefix list: the network, and parts of it up to a prefix length."""
    return {"id": position, "action": "permit", "prefix": with_mask(network), "ge": network.prefixlen, "le": longest}


def device_names(name: str, device_name: str | None, zone_name: str | None) -> tuple[str, str]:
    """What the names on the device begin with, and the zone's name."""
    base = device_name if device_name is not None else short_name(name, PHASE1_NAME - 2)
    return base, zone_name if zone_name is not None else base


def check_fortigate(
    problems: Problems,
    base: str,
    zone: str,
    wan_interface: str,
    *,
    cloud_cidrs: Sequence[str],
    device_cidrs: Sequence[str],
    routing: str,
    cloud: Cloud = AWS,
) -> tuple[tuple[IPv4Network, ...], tuple[IPv4Network, ...]]:
    """Notes every argument that FortiOS would refuse or cut; returns the cloud's networks and the announced ones."""
    check_device_name(problems, "device_name", base, PHASE1_NAME - 2)
    check_device_name(problems, "zone_name", zone, ZONE_NAME)
    check_device_name(problems, "wan_interface", wan_interface, PHASE1_NAME)
    if zone in (f"{base}-1", f"{base}-2", wan_interface):
        problems.add("zone_name", f"{zone!r} is an interface's name already: zones and interfaces share their names")
    beyond = check_cidrs(problems, "cloud_cidrs", cloud_cidrs)
    announced = check_cidrs(problems, "device_cidrs", device_cidrs)
    if not cloud_cidrs:
        problems.add("cloud_cidrs", "none: nothing would be routed into the tunnels")
    if routing not in ("bgp", "static"):
        problems.add("routing", f"{routing!r}: write bgp or static")
    if routing == "bgp" and not device_cidrs:
        problems.add("device_cidrs", f"none: {cloud.name} would learn of no network behind this device")
    for network in announced:
        overlapping = next((other for other in beyond if other.overlaps(network)), None)
        if overlapping is not None:
            problems.add("device_cidrs", f"{network} overlaps {overlapping} of cloud_cidrs: one address, two ends")
    return beyond, announced
