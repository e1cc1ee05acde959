"""Which CIDRs are so wide that they mean the internet."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from .registry import setting

_PRIVATE4 = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"))
)
_PRIVATE6 = tuple(map(IPv6Network, ("fc00::/7", "fe80::/10", "::1/128")))

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "openPrefixLength": setting("A public IPv4 CIDR with a prefix this long or shorter counts as the whole internet.", 8),
    "openPrefixLengthIpv6": setting("A public IPv6 CIDR with a prefix this long or shorter counts as the whole internet.", 16),
}
"""Configuration of every policy that asks `world_open`: two halves of the internet are the internet, too."""


def world_open(cidr: Any, config: Mapping[str, Any]) -> bool:
    """Whether a CIDR is (nearly) the whole internet: 0.0.0.0/0, ::/0, 0.0.0.0/1, 8.0.0.0/7.

    Private ranges (RFC 1918, 4193, 6598) are not.
    """
    try:
        network: IPv4Network | IPv6Network = ip_network(str(cidr), strict=False)
    except ValueError:
        return False
    if isinstance(network, IPv4Network):
        private = any(network.subnet_of(one) for one in _PRIVATE4)
        return not private and network.prefixlen <= int(config["openPrefixLength"])
    private = any(network.subnet_of(one) for one in _PRIVATE6)
    return not private and network.prefixlen <= int(config["openPrefixLengthIpv6"])
