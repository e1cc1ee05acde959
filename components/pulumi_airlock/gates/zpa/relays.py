"""Where traffic comes from behind ZPA: from the App Connectors of a destination, not from the caller."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from ...proof.filters import Relay
from ...proof.sets import Hosts
from ..stack import Resource
from .applications import Application, Applications
from .tenant import CONNECTOR_GROUP, SERVER_GROUP, Tenant, id_lists


def relays(tenant: Tenant, applications: Applications) -> tuple[Relay, ...]:
    """Of each zone of a ZpaGate whose App Connectors' addresses are given: the destinations that they lead to."""
    found = []
    for component in tenant.components:
        listed = component.get("connectors")
        for zone, described in listed.items() if isinstance(listed, Mapping) else ():
            sources = _networks(described)
            group = _connectors(tenant, component, str(zone))
            if sources and group is not None:
                behind = [one for one in applications.all if one.enabled is not False and group in _groups(tenant, one)]
                hosts = Hosts.union(applications.extent(one).maybe[0] for one in behind)
                if hosts:
                    found.append(Relay(hosts, sources))
    return tuple(found)


def _networks(described: Any) -> Hosts:
    listed = described.get("cidrs") if isinstance(described, Mapping) else None
    found = []
    for text in listed if isinstance(listed, list | tuple) else ():
        try:
            found.append(Hosts.from_cidr(ip_network(text, strict=False)))
        except (TypeError, ValueError):
            continue
    return Hosts.union(found)


def _connectors(tenant: Tenant, component: Resource, zone: str) -> Resource | None:
    """The connector group that a gate made for a zone."""
    name = f"{component.name}-{zone}-connectors"
    return next((one for one in tenant.of_type(CONNECTOR_GROUP) if one.parent == component.urn and one.name == name), None)


def _groups(tenant: Tenant, one: Application) -> list[Resource]:
    """The connector groups behind a segment's server groups."""
    servers = tenant.named(one.resource, "serverGroups", id_lists(one.resource, "serverGroups"), SERVER_GROUP)
    return [
        named.resource
        for server in servers
        if server.resource is not None
        for named in tenant.named(
            server.resource, "appConnectorGroups", id_lists(server.resource, "appConnectorGroups"), CONNECTOR_GROUP
        )
        if named.resource is not None
    ]
