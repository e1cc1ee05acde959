"""Reads the Composer environments of a stack, whoever wrote them: where their traffic comes from, and what they need themselves.

Pure: no SDK. In the VPC, an environment of Composer 3 has addresses of its network attachment's subnetwork; one of Composer 2
those of its nodes' subnetwork and of its pods' range.
"""

import re
from collections.abc import Iterator
from typing import Any

from ...gates.stack import UNKNOWN, Resource, Stack, cidrs
from ...proof.filters import Action, Combine, Environment, Filter, Match, Rule, Who
from ...proof.sets import Hosts, Services
from ...tokens import COMPOSER_ENVIRONMENT
from .limits import GOOGLE_APIS

ENVIRONMENT = ("gcp:composer/environment:Environment", "gcp:composer:Environment")
SUBNETWORK = ("gcp:compute/subnetwork:Subnetwork", "gcp:compute:Subnetwork")
ATTACHMENT = ("gcp:compute/networkAttachment:NetworkAttachment", "gcp:compute:NetworkAttachment")

_HTTPS = Services.of("tcp", 443, 443)
_DATABASE = Services.union([Services.of("tcp", 3306, 3307)])
"""Cloud SQL's proxy ("Configure private IP networking" of Composer 2, the firewall's rules)."""


def read_environments(stack: Stack) -> Iterator[Environment]:
    """Every Composer environment: its name (the component's, where one made it), its source addresses, its own needs.

    Where an address is not known, all of IPv4: never fewer than there may be. `read` then says that they are not known.
    """
    for resource in stack.of_type(*ENVIRONMENT):
        name = environment_name(resource)
        sources, _ = _sources(resource)
        yield Environment(name, resource.urn, sources, tuple(_own_needs(resource, name, sources)))


def read(stack: Stack) -> Iterator[Filter]:
    """A filter for each environment whose source addresses are not all known: nothing about it can then be proven.

    An environment's real gates are read elsewhere: the VPC's firewall by `gates.gcp_firewall`.
    """
    for resource in stack.of_type(*ENVIRONMENT):
        _, unknown = _sources(resource)
        if not unknown:
            continue
        name = environment_name(resource)
        source = resource.at("config", "nodeConfig", label=f"networks of {name}")
        scope = Match(who=Who(environments=frozenset({name})))
        yield Filter(
            gate=name,
            name=f"networks of {name}",
            combine=Combine.FIRST_MATCH,
            default=Action.ALLOW,
            # It may be refused anywhere on its way, because it may come from another address than any gate was told.
            rules=(Rule(Action.DENY, scope, source, unknown=unknown),),
            urn=resource.urn,
            scope=scope,
            always=True,
        )


def environment_name(resource: Resource) -> str:
    """What principals call the environment: the name of the component that made it, else its resource's own."""
    component = _component(resource)
    return (component or resource).name


def generation_of(resource: Resource) -> int | None:
    """2 or 3, by the image; None where it is not known. Composer 3's attachment tells it as well."""
    image = resource.get("config", "softwareConfig", "imageVersion")
    found = re.match(r"composer-(\d)", image) if isinstance(image, str) else None
    if found is not None:
        return int(found[1])
    return 3 if resource.get("config", "nodeConfig", "composerNetworkAttachment") is not None else None


def _component(resource: Resource) -> Resource | None:
    return next((one for one in resource.ancestors() if one.type == COMPOSER_ENVIRONMENT), None)


def _sources(resource: Resource) -> tuple[Hosts, tuple[str, ...]]:
    """Addresses that the environment's tasks can have, and what is not known of them."""
    component = _component(resource)
    told = _networks(component.get_list("sourceCidrs")) if component is not None else None
    if told:
        return told, ()
    node = ("config", "nodeConfig")
    attachment = resource.get(*node, "composerNetworkAttachment")
    if attachment is not None:
        found, unknown = _through_attachment(resource, attachment)
    elif resource.get(*node, "subnetwork") is not None:
        found, unknown = _of_nodes(resource)
    else:
        found, unknown = Hosts(), (f"{resource.name}.config.nodeConfig",)
    return (found | Hosts.from_cidr("0.0.0.0/0"), unknown) if unknown else (found, ())


def _through_attachment(resource: Resource, attachment: Any) -> tuple[Hosts, tuple[str, ...]]:
    found = _named(resource, "config", attachment, ATTACHMENT)
    if found is None:
        return Hosts(), (f"{resource.name}.config.nodeConfig.composerNetworkAttachment{_said(attachment)}",)
    hosts, unknown = Hosts(), []
    values = found.get_list("subnetworks")
    for value in values:
        subnetwork = _named(found, "subnetworks", value, SUBNETWORK, alone=len(values) == 1)
        cidr = _networks([subnetwork.get("ipCidrRange")]) if subnetwork is not None else None
        if cidr is None:
            unknown.append(f"{found.name}.subnetworks{_said(value)}")
        else:
            hosts |= cidr
    return hosts, tuple(unknown) if values else (f"{found.name}.subnetworks",)


def _of_nodes(resource: Resource) -> tuple[Hosts, tuple[str, ...]]:
    value = resource.get("config", "nodeConfig", "subnetwork")
    # The endpoint's subnetwork stands in the same property: where both are unknown, one dependency may be either's.
    alone = resource.get("config", "privateEnvironmentConfig", "cloudComposerConnectionSubnetwork") is not UNKNOWN
    subnetwork = _named(resource, "config", value, SUBNETWORK, alone)
    nodes = _networks([subnetwork.get("ipCidrRange")]) if subnetwork is not None else None
    unknown = [] if nodes else [f"{resource.name}.config.nodeConfig.subnetwork{_said(value)}"]
    pods: Hosts | None = Hosts()
    if generation_of(resource) != 3:
        pods = _pods(resource, subnetwork)
        if pods is None:
            unknown.append(f"{resource.name}.config.nodeConfig.ipAllocationPolicy")
    return (nodes or Hosts()) | (pods or Hosts()), tuple(unknown)


def _pods(resource: Resource, subnetwork: Resource | None) -> Hosts | None:
    """The pods' network: by its CIDR, or by the name of a secondary range of the subnetwork."""
    policy = ("config", "nodeConfig", "ipAllocationPolicy")
    cidr = resource.get(*policy, "clusterIpv4CidrBlock")
    if cidr is not None:
        return _networks([cidr])
    name = resource.get(*policy, "clusterSecondaryRangeName")
    if not isinstance(name, str) or subnetwork is None:
        return None
    for one in subnetwork.get_list("secondaryIpRanges"):
        if isinstance(one, dict) and one.get("rangeName") == name:
            return _networks([one.get("ipCidrRange")])
    return None


def _named(resource: Resource, prop: str, value: Any, types: tuple[str, ...], alone: bool = True) -> Resource | None:
    """The resource that a value names: by id, link or name where it is known, else the only one it was computed from.

    `alone`: whether nothing else in the property may have been computed from a resource of these types.
    """
    found = resource.refers_to(prop, *types)
    if isinstance(value, str):
        tail = re.sub(r"^https://[^/]+/compute/[^/]+/", "", value)
        named = [one for one in resource.stack.of_type(*types) if _is_called(one, value, tail)]
        if named:
            return named[0] if len(named) == 1 else None
        # One whose id is known, and is another, is not meant.
        found = tuple(one for one in found if not isinstance(one.get("id"), str))
    return found[0] if alone and len(found) == 1 else None


def _is_called(one: Resource, value: str, tail: str) -> bool:
    names = [one.get("id"), one.get("selfLink"), one.get("name")]
    return any(isinstance(name, str) and (name in (value, tail) or name.endswith(f"/{tail}")) for name in names)


def _networks(values: list[Any]) -> Hosts | None:
    if not values or UNKNOWN in values:
        return None
    try:
        return Hosts.from_cidrs(str(one) for one in values)
    except ValueError:
        return None


def _said(value: Any) -> str:
    return f" ({value})" if isinstance(value, str) else ""


def _own_needs(resource: Resource, name: str, sources: Hosts) -> Iterator[Match]:
    """What Composer itself demands: its own subnetworks, Google's APIs; in Composer 2 services, control plane and database."""
    who = Who(environments=frozenset({name}))
    yield Match(who=who, hosts=sources)
    component = _component(resource)
    told = component.get("googleApis") if component is not None else None
    apis = cidrs(told) or tuple(GOOGLE_APIS.values())
    yield Match(who=who, hosts=Hosts.from_cidrs(apis), services=_HTTPS)
    for hosts, services in _cluster_needs(resource, component):
        yield Match(who=who, hosts=hosts, services=services)


def _cluster_needs(resource: Resource, component: Resource | None) -> Iterator[tuple[Hosts, Services]]:
    private = ("config", "privateEnvironmentConfig")
    policy = ("config", "nodeConfig", "ipAllocationPolicy")
    written = {
        "serviceCidrs": (policy, "servicesIpv4CidrBlock", Services.every()),
        "masterCidrs": (private, "masterIpv4CidrBlock", Services.of("tcp", 0, 65535)),
        "databaseCidrs": (private, "cloudSqlIpv4CidrBlock", _DATABASE),
    }
    for key, (path, prop, services) in written.items():
        values = component.get_list(key) if component is not None else []
        values = values or [one for one in [resource.get(*path, prop)] if one is not None]
        found = _networks(values)
        if found:
            yield found, services
