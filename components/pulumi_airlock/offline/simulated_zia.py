"""Simulated types of Zscaler Internet Access (see `simulated_types`): ids are numbers, each also under a name of its own.

What replaces a resource is not in the SDK (zscaler-pulumi-zia 1.4, a native provider): what stands here are the properties by
which ZIA knows an object, so that a preview warns of deletions rather than promising updates.
"""

from collections.abc import Mapping

from .simulation import Simulated


def _numbered(key: str, *forces: str) -> Simulated:
    """An object whose id is a number that the tenant gives out."""
    return Simulated(f"{{number.{key}}}", {key: f"{{number.{key}}}"}, frozenset(forces))


ZIA: Mapping[str, Simulated] = {
    "zia:index:Activation": Simulated("activation", {"resourceId": "activation"}),
    "zia:index:CloudNssFeed": _numbered("nssId"),
    "zia:index:FirewallFilteringRule": _numbered("ruleId"),
    "zia:index:FwIpDestinationGroup": _numbered("groupId"),
    "zia:index:FwIpSourceGroup": _numbered("groupId"),
    "zia:index:FwNetworkService": _numbered("networkServiceId"),
    "zia:index:FwNetworkServiceGroup": _numbered("groupId"),
    "zia:index:LocationManagement": _numbered("locationId"),
    "zia:index:NssServer": _numbered("nssId"),
    "zia:index:TrafficForwardingGreTunnel": _numbered("tunnelId", "sourceIp"),
    "zia:index:TrafficForwardingStaticIp": _numbered("staticIpId", "ipAddress"),
    "zia:index:TrafficForwardingVpnCredentials": _numbered("vpnId", "type", "ipAddress", "fqdn"),
    "zia:index:URLFilteringRule": _numbered("ruleId"),
    "zia:index:UrlCategory": Simulated("CUSTOM_{hex6}", {"categoryId": "CUSTOM_{hex6}"}),
}
"""Every simulated type of ZIA, by its token."""
