"""VPNs between a cloud network and a FortiGate, or Zscaler, both ends, from one declaration.

`SiteToSiteVpn` makes both ends of an AWS VPN, `GcpSiteToSiteVpn` of one of Google Cloud; `AwsVpn` or `GcpVpn`, and
`FortigateTunnel`, are their halves, for those who run them in two stacks.
"""

from typing import TYPE_CHECKING

from ..lazy import exports
from .proposals import IpsecProposal

if TYPE_CHECKING:
    from .aws import AwsVpn
    from .fortigate import FortigateTunnel
    from .gcp import GcpVpn
    from .gcp_site_to_site import GcpSiteToSiteVpn
    from .peer import PeerTunnel, TunnelEnd
    from .site_to_site import SiteToSiteVpn
    from .zscaler import ZscalerNode, ZscalerTunnel
    from .zscaler_gre import ZscalerGre

__all__ = [
    "AwsVpn",
    "FortigateTunnel",
    "GcpSiteToSiteVpn",
    "GcpVpn",
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
        "FortigateTunnel": "fortigate",
        "GcpSiteToSiteVpn": "gcp_site_to_site",
        "GcpVpn": "gcp",
        "PeerTunnel": "peer",
        "TunnelEnd": "peer",
        "SiteToSiteVpn": "site_to_site",
        "ZscalerGre": "zscaler_gre",
        "ZscalerNode": "zscaler",
        "ZscalerTunnel": "zscaler",
    },
)
