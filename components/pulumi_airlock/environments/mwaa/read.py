"""Reads the MWAA environments of a stack, whoever wrote them: where their traffic comes from, and what they need themselves."""

import re
from collections.abc import Iterator

from ...gates.aws_network.links import ENVIRONMENT, SUBNET, VPC_ENDPOINT, Links, cidr_addresses, service_name
from ...gates.stack import UNKNOWN, Resource, Stack
from ...proof.filters import Action, Combine, Environment, Filter, Match, Rule, Who
from ...proof.sets import Hosts, Services
from ...tokens import MWAA_ENVIRONMENT
from .limits import INTERFACE_SERVICES
from .read_egress import told_egress

_HTTPS = Services.of("tcp", 443, 443)
_NEEDED = re.compile(r"(cn\.)?com\.amazonaws\.[a-z0-9\-]+\.(" + "|".join(map(re.escape, INTERFACE_SERVICES)) + ")")


def read_environments(stack: Stack) -> Iterator[Environment]:
    """Every MWAA environment: its name (the component's, where one made it), its source addresses, its own needs.

    The source addresses are those of its subnets, as far as they are known; where none is known, the VPC's, and where that is not
    known either, all of IPv4: never fewer than there may be. `read` then says that they are not known.
    """
    links = Links(stack)
    for resource in stack.of_type(*ENVIRONMENT):
        name = environment_name(resource)
        sources, _ = _sources(links, resource)
        yield Environment(name, resource.urn, sources, tuple(_own_needs(links, resource, name, sources)))


def read(stack: Stack) -> Iterator[Filter]:
    """A filter for each environment whose source addresses are not all known: nothing about it can then be proven.

    An environment's real gates are read elsewhere: its security groups, network ACLs and routes by `gates.aws_network`.
    """
    links = Links(stack)
    for resource in stack.of_type(*ENVIRONMENT):
        _, unknown = _sources(links, resource)
        if not unknown:
            continue
        name = environment_name(resource)
        source = resource.at("networkConfiguration", "subnetIds", label=f"subnets of {name}")
        scope = Match(who=Who(environments=frozenset({name})))
        yield Filter(
            gate=name,
            name=f"subnets of {name}",
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


def _sources(links: Links, resource: Resource) -> tuple[Hosts, tuple[str, ...]]:
    """Addresses that the environment's tasks can have, and what is not known of them."""
    told = _told_by_component(resource)
    if told:
        return told, ()
    linked = links.follow(resource, ("networkConfiguration", "subnetIds"), SUBNET)
    here = [(subnet, cidr_addresses(subnet, ("cidrBlock",))) for subnet in linked.resources]
    found = Hosts.union(addresses.known for _, addresses in here)
    unknown = [reason for _, addresses in here for reason in addresses.reasons]
    if linked.foreign or linked.unknown or not here:
        elsewhere = f" ({', '.join(linked.foreign)})" if linked.foreign else ""
        unknown.append(f"{resource.name}.networkConfiguration.subnetIds{elsewhere}")
    if not unknown:
        return found, ()
    around = Hosts.union(addresses.known for subnet, _ in here for addresses in [links.vpc_addresses(links.vpc_of(subnet))])
    return found | (around or Hosts.from_cidr("0.0.0.0/0")), tuple(unknown)


def _told_by_component(resource: Resource) -> Hosts | None:
    """What the component registered: it was given its subnets' CIDRs, and they are known where brought ids are not."""
    component = _component(resource)
    if component is None:
        return None
    return _networks(component, "subnetCidrs")


def _networks(resource: Resource, prop: str) -> Hosts | None:
    cidrs = resource.get_list(prop)
    try:
        return Hosts.from_cidrs(str(cidr) for cidr in cidrs) if cidrs and UNKNOWN not in cidrs else None
    except ValueError:
        return None


def _own_needs(links: Links, resource: Resource, name: str, sources: Hosts) -> Iterator[Match]:
    """What MWAA itself demands: the environment's own subnets, the interface endpoints of AWS services, and S3."""
    who = Who(environments=frozenset({name}))
    # Schedulers, workers, the metadata database's endpoint and the web server's all are in these subnets.
    yield Match(who=who, hosts=sources)
    endpoints = _endpoint_addresses(links, resource)
    if endpoints:
        yield Match(who=who, hosts=endpoints, services=_HTTPS)
    names = _s3_names(links, resource)
    if names:
        yield Match(who=who, hosts=names, services=_HTTPS)
    component = _component(resource)
    way_out = told_egress(component) if component is not None else None
    if way_out is not None:
        # What lies behind the proxy is the proxy's to decide: reaching it is a need of the environment's own.
        yield Match(who=who, hosts=way_out.hosts, services=way_out.services)


def _endpoint_addresses(links: Links, resource: Resource) -> Hosts:
    """Where the interface endpoints of the services that MWAA needs can be: their subnets, since AWS picks the addresses."""
    found = []
    for endpoint in _endpoints_around(links, resource):
        service = endpoint.get("serviceName")
        if isinstance(service, str) and _NEEDED.fullmatch(service):
            linked = links.follow(endpoint, ("subnetIds",), SUBNET)
            found += [cidr_addresses(subnet, ("cidrBlock",)).known for subnet in linked.resources]
    component = _component(resource)
    told = _networks(component, "endpointCidrs") if component is not None else None
    return Hosts.union([*found, *([told] if told else [])])


def _s3_names(links: Links, resource: Resource) -> Hosts:
    """AWS's prefix list of S3, as the name that every reader gives it (`pl:com.amazonaws.<region>.s3`)."""
    gateways = [
        one
        for one in _endpoints_around(links, resource)
        if one.get("vpcEndpointType", default="Gateway") == "Gateway" and str(one.get("serviceName")).endswith(".s3")
    ]
    return Hosts.union(service_name(one).known for one in gateways)


def _endpoints_around(links: Links, resource: Resource) -> Iterator[Resource]:
    """The VPC endpoints of the environment's VPC."""
    subnets = links.follow(resource, ("networkConfiguration", "subnetIds"), SUBNET).resources
    vpcs = {vpc.urn for subnet in subnets if (vpc := links.vpc_of(subnet)) is not None}
    ids = {value for subnet in subnets if isinstance(value := subnet.get("vpcId"), str)}
    for endpoint in links.stack.of_type(*VPC_ENDPOINT):
        vpc = links.vpc_of(endpoint)
        if (vpc is not None and vpc.urn in vpcs) or endpoint.get("vpcId") in ids:
            yield endpoint


def _component(resource: Resource) -> Resource | None:
    """The `MwaaEnvironment` that a resource is part of."""
    return next((one for one in resource.ancestors() if one.type == MWAA_ENVIRONMENT), None)
