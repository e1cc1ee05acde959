"""VPNs between a cloud network and a FortiGate, or Zscaler, both ends, from one declaration.

`SiteToSiteVpn` makes both ends of an AWS VPN; `AwsVpn` and `FortigateTunnel` are its halves, for those who run them in two
stacks.
"""

from typing import TYPE_CHECKING

from ..lazy import exports
from .proposals import IpsecProposal

if TYPE_CHECKING:
    from .aws import AwsVpn, PeerTunnel
    from .aws_parts import TunnelEnd
    from .fortigate import FortigateTunnel
    from .site_to_site import SiteToSiteVpn
    from .zscaler import ZscalerNode, ZscalerTunnel
    from .zscaler_gre import ZscalerGre

__all__ = [
    "AwsVpn",
    "FortigateTunnel",
    "IpsecProposal",
    "PeerTunnel",
    "SiteToSiteVpn",
    "TunnelEnd",
    "ZscalerGre",
    "ZscalerNode",
    "ZscalerTunnel",
]

# Each end needs its own SDK alone: an AWS stack runs without fortios, and the other way round.
__getattr__ = exports(
    __name__,
    {
        "AwsVpn": "aws",
        "PeerTunnel": "aws",
        "TunnelEnd": "aws_parts",
        "FortigateTunnel": "fortigate",
        "SiteToSiteVpn": "site_to_site",
        "ZscalerGre": "zscaler_gre",
        "ZscalerNode": "zscaler",
        "ZscalerTunnel": "zscaler",
    },
)
