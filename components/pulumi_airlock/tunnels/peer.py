"""What the two ends of a VPN tell each other of one tunnel, whatever cloud the one is in."""

from dataclasses import dataclass
from typing import Literal

import pulumi

Routing = Literal["bgp", "static"]
TUNNELS = (1, 2)
"""Every VPN here has two."""


@dataclass(frozen=True)
class TunnelEnd:
    """One tunnel's own settings. What is left out, the cloud's end makes.

    A key that is made exists nowhere but in the cloud, on the device and in the encrypted state.
    """

    inside_cidr: str | None = None
    """A /30 of 169.254.0.0/16: the cloud has the first address, the device the second. Google's end needs one."""
    preshared_key: pulumi.Input[str] | None = None


@dataclass(frozen=True)
class PeerTunnel:
    """What the device needs of one tunnel."""

    address: pulumi.Output[str]
    """The cloud's public address."""
    preshared_key: pulumi.Output[str]
    """Secret."""
    device_inside_address: pulumi.Output[str]
    cloud_inside_address: pulumi.Output[str]
    cloud_asn: pulumi.Output[str]
    bgp_password: pulumi.Output[str] | None = None
    """Secret; authenticates BGP's segments (RFC 2385). None where the cloud's end has none."""
