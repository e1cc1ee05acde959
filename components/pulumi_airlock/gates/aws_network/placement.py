"""Where each MWAA environment of a stack runs: its subnets and security groups, and the gates that speak for it."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...proof.filters import Environment
from ...proof.sets import Hosts
from ...tokens import AWS_NETWORK_GATE
from ..stack import Resource, Stack
from .links import DEFAULT_SECURITY_GROUP, SECURITY_GROUP, SUBNET, VPC, Addresses, Linked, Links, cidr_addresses


@dataclass(frozen=True, eq=False)
class Subnet:
    """A subnet of an environment. `addresses.maybe` where its CIDR is not known."""

    resource: Resource
    addresses: Addresses
    vpc: Resource | None


@dataclass(frozen=True, eq=False)
class Placement:
    """An environment, and what of the network it stands in."""

    environment: Environment
    resource: Resource
    gates: tuple[str, ...]
    """Names of the gates that compile for it; the environment's own name where none does. Never empty."""
    subnets: tuple[Subnet, ...]
    subnets_elsewhere: bool
    """Some of its subnets are not in this stack, or are not known."""
    groups: Linked
    default_group_of: Resource | None
    """The VPC whose default security group it has, where it names none of its own."""

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.environment.name

    @property
    def hosts(self) -> Hosts:
        """Every address that its tasks can have, as far as known."""
        return Hosts.union([self.environment.sources.addresses(), *(subnet.addresses.known for subnet in self.subnets)])


def placements(stack: Stack, links: Links) -> Iterator[Placement]:
    """The placement of every MWAA environment, in the stack's order."""
    from ...environments.mwaa.read import read_environments  # here: that module finds its links with this package

    for environment in read_environments(stack):
        resource = stack.find(environment.urn)
        if resource is None:
            continue
        groups = _groups_of(links, resource)
        subnets = links.follow(resource, ("networkConfiguration", "subnetIds"), SUBNET)
        yield Placement(
            environment=environment,
            resource=resource,
            gates=_gates_of(stack, environment.name),
            subnets=tuple(Subnet(one, cidr_addresses(one, ("cidrBlock",)), links.vpc_of(one)) for one in subnets.resources),
            subnets_elsewhere=bool(subnets.foreign or subnets.unknown or not subnets),
            groups=groups,
            default_group_of=_default_group_of(links, resource, groups),
        )


def _gates_of(stack: Stack, environment: str) -> tuple[str, ...]:
    found = [gate.name for gate in stack.of_type(AWS_NETWORK_GATE) if environment in gate.get_list("environments")]
    return tuple(found) or (environment,)


def _groups_of(links: Links, resource: Resource) -> Linked:
    """The environment's security groups; the VPC's default one where that was adopted as a resource."""
    groups = links.follow(resource, ("networkConfiguration", "securityGroupIds"), SECURITY_GROUP)
    vpc = _default_group_of(links, resource, groups)
    adopted = [one for one in links.stack.of_type(*DEFAULT_SECURITY_GROUP) if vpc is not None and links.vpc_of(one) is vpc]
    return Linked(tuple(adopted)) if adopted else groups


def _default_group_of(links: Links, resource: Resource, groups: Linked) -> Resource | None:
    if groups.resources:
        return None
    if groups.unknown:
        return next(iter(resource.refers_to("networkConfiguration", *VPC)), None)
    vpcs = links.stack.of_type(*VPC)
    return next((vpc for vpc in vpcs if vpc.get("defaultSecurityGroupId") in groups.foreign), None)
