"""ZIA's resource types by one name each, whichever package they come from (`zia:index:X`, `zia:index/x:X`)."""

from ..stack import Resource, Stack

LOCATION = "LocationManagement"
FIREWALL_RULE = "FirewallFilteringRule"
URL_RULE = "URLFilteringRule"
CATEGORY = "UrlCategory"
SERVICE = "FwNetworkService"
SERVICE_GROUP = "FwNetworkServiceGroup"
DESTINATIONS = "FwIpDestinationGroup"
SOURCES = "FwIpSourceGroup"
ACTIVATION = "Activation"
FEED = "CloudNssFeed"
CLOUD_APP_RULE = "CloudAppControlRule"
TLS_RULES = ("SslInspectionRule", "SslInspectionRules", "SSLInspectionRules")
VPN_CREDENTIALS = "TrafficForwardingVpnCredentials"

IDS = {
    LOCATION: "locationId",
    CATEGORY: "categoryId",
    SERVICE: "networkServiceId",
    SERVICE_GROUP: "groupId",
    DESTINATIONS: "groupId",
    SOURCES: "groupId",
}
"""The output by which rules name an object of each kind."""


def kind_of(type_: str) -> str:
    """The kind of a ZIA resource type; empty for any other type."""
    return type_.rpartition(":")[2] if type_.startswith("zia:") else ""


def of_kind(stack: Stack, *kinds: str) -> list[Resource]:
    """The stack's resources of these kinds, in the stack's order."""
    return [one for one in stack.resources if kind_of(one.type) in kinds]
