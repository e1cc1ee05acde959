"""How the resources of a VPC hang together: by property dependency where ids are unknown, by id where they are known."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...proof.sets import Hosts
from ..stack import UNKNOWN, Resource, Stack


def tokens(kind: str, *modules: str) -> tuple[str, ...]:
    """Every spelling of a type: `aws:ec2/route:Route` (pulumi-aws), `aws:ec2:Route` (YAML's short form),
    `aws:index/route:Route` (any-Terraform bridge).
    """
    member = kind[0].lower() + kind[1:]
    spelled = [spelling for module in modules for spelling in (f"aws:{module}/{member}:{kind}", f"aws:{module}:{kind}")]
    return (*spelled, f"aws:index/{member}:{kind}")


ENVIRONMENT = tokens("Environment", "mwaa")
SUBNET = tokens("Subnet", "ec2")
VPC = (*tokens("Vpc", "ec2"), *tokens("DefaultVpc", "ec2"))
VPC_CIDR = tokens("VpcIpv4CidrBlockAssociation", "ec2")
DEFAULT_SECURITY_GROUP = tokens("DefaultSecurityGroup", "ec2")
SECURITY_GROUP = (*tokens("SecurityGroup", "ec2"), *DEFAULT_SECURITY_GROUP)
VPC_ENDPOINT = tokens("VpcEndpoint", "ec2")
PREFIX_LIST = tokens("ManagedPrefixList", "ec2")
PREFIX_LIST_ENTRY = tokens("ManagedPrefixListEntry", "ec2")


@dataclass(frozen=True, slots=True)
class Linked:
    """What a property that holds ids refers to.

    Resources of this stack, ids of resources elsewhere, and whether something stayed unknown.
    """

    resources: tuple[Resource, ...] = ()
    foreign: tuple[str, ...] = ()
    unknown: bool = False

    def __bool__(self) -> bool:
        return bool(self.resources or self.foreign or self.unknown)


@dataclass(frozen=True)
class Addresses:
    """Addresses that a rule speaks of.

    Those known, and those that it may or may not mean, each with the reason why it is not known.
    """

    known: Hosts = Hosts()  # noqa: RUF009  # frozen
    maybe: Hosts = Hosts()  # noqa: RUF009
    reasons: tuple[str, ...] = ()

    def __or__(self, other: "Addresses") -> "Addresses":
        return Addresses(self.known | other.known, self.maybe | other.maybe, (*self.reasons, *other.reasons))


class Links:
    """Look-ups between the network resources of one stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    @cached_property
    def _by_id(self) -> dict[str, Resource]:
        return {one.properties["id"]: one for one in self.stack.resources if isinstance(one.properties.get("id"), str)}

    def follow(self, resource: Resource, path: tuple[str | int, ...], types: tuple[str, ...]) -> Linked:
        """The resources of the given types that the ids at `path` name.

        A known id is looked up; where one is unknown, or known but of no resource here, the property dependencies of the
        path's first step tell.
        """
        found: dict[str, Resource] = {}
        foreign: list[str] = []
        unknown = 0
        for value in resource.get_list(*path):
            target = self._by_id.get(value) if isinstance(value, str) else None
            if target is not None and target.type in types:
                found[target.urn] = target
            elif isinstance(value, str):
                foreign.append(value)
            else:
                unknown += 1
        if foreign or unknown:
            by_dependency = [one for one in resource.refers_to(str(path[0]), *types) if one.urn not in found]
            # A dependency whose id is known and not in the list is not meant: the value was computed from more than it names.
            meant = [one for one in by_dependency if not (isinstance(one.properties.get("id"), str) and not unknown)]
            if meant:
                found.update((one.urn, one) for one in sorted(meant, key=lambda one: one.urn))
                # Enough to account for every value: the known ids are theirs too. Fewer: an id of elsewhere stays one.
                foreign = [] if len(meant) >= len(foreign) + unknown else foreign
                unknown = 0
        return Linked(tuple(found.values()), tuple(foreign), bool(unknown))

    def vpc_of(self, resource: Resource) -> Resource | None:
        """The VPC that a subnet, group or table is in, if it is in this stack."""
        return next(iter(self.follow(resource, ("vpcId",), VPC).resources), None)

    def of_vpc_attribute(self, resource: Resource, prop: str, *attributes: str) -> Resource | None:
        """The VPC whose own attribute (`mainRouteTableId`, say) a property was taken from."""
        value = resource.get(prop)
        for vpc in self.stack.of_type(*VPC):
            if isinstance(value, str) and value in [vpc.get(attribute) for attribute in attributes]:
                return vpc
        return next(iter(resource.refers_to(prop, *VPC)), None) if value is UNKNOWN else None

    def vpc_addresses(self, vpc: Resource | None) -> Addresses:
        """A VPC's IPv4 CIDRs; all of IPv4, not known, where there is no VPC to look at or its CIDR is unknown."""
        if vpc is None:
            return Addresses(maybe=Hosts.every_v4(), reasons=("the VPC's CIDRs (the VPC is not in this stack)",))
        found = cidr_addresses(vpc, ("cidrBlock",))
        for more in self.stack.of_type(*VPC_CIDR):
            if vpc in self.follow(more, ("vpcId",), VPC).resources:
                found |= cidr_addresses(more, ("cidrBlock",))
        return found

    def prefix_list(self, resource: Resource, path: tuple[str | int, ...]) -> Addresses:
        """What the prefix lists at `path` hold.

        One of this stack: its entries. One of AWS's, taken from a gateway endpoint of this stack: the name `pl:<service>`,
        since AWS does not promise its addresses. Any other id: not known.
        """
        linked = self.follow(resource, path, (*PREFIX_LIST, *VPC_ENDPOINT))
        found = Addresses()
        for one in linked.resources:
            found |= self._entries(one) if one.type in PREFIX_LIST else service_name(one)
        foreign = []
        for literal in linked.foreign:
            endpoint = next((one for one in self.stack.of_type(*VPC_ENDPOINT) if one.get("prefixListId") == literal), None)
            if endpoint is None:
                foreign.append(literal)
            else:
                found |= service_name(endpoint)
        if foreign or linked.unknown:
            reason = f"{resource.name}.{'.'.join(map(str, path))}" + (f" ({', '.join(foreign)})" if foreign else "")
            found |= Addresses(maybe=Hosts.every(), reasons=(reason,))
        return found

    def _entries(self, prefix_list: Resource) -> Addresses:
        found = Addresses()
        for position, entry in enumerate(prefix_list.get_list("entries")):
            cidr = entry.get("cidr") if isinstance(entry, dict) else UNKNOWN
            found |= parse_cidr(cidr, f"{prefix_list.name}.entries[{position}].cidr")
        for entry in self.stack.of_type(*PREFIX_LIST_ENTRY):
            if prefix_list in self.follow(entry, ("prefixListId",), PREFIX_LIST).resources:
                found |= cidr_addresses(entry, ("cidr",))
        return found


def service_name(endpoint: Resource) -> Addresses:
    """AWS's own prefix list behind a gateway endpoint, as the name `pl:com.amazonaws.<region>.s3`."""
    service = endpoint.get("serviceName")
    if isinstance(service, str):
        return Addresses(known=Hosts.from_names([f"pl:{service}"]))
    return Addresses(maybe=Hosts.from_names(["pl:*"]), reasons=(f"{endpoint.name}.serviceName",))


def cidr_addresses(resource: Resource, path: tuple[str, ...]) -> Addresses:
    """The CIDRs at a path (one or a list); an unknown or malformed one may be anything."""
    found = Addresses()
    for value in resource.get_list(*path):
        found |= parse_cidr(value, f"{resource.name}.{'.'.join(path)}")
    return found


def parse_cidr(value: Any, reason: str) -> Addresses:
    """One CIDR as addresses; anything, for the given reason, where it is unknown or is none."""
    if isinstance(value, str):
        try:
            return Addresses(known=Hosts.from_cidr(value))
        except ValueError:
            pass
    return Addresses(maybe=Hosts.every(), reasons=(reason,))


def blocks(resource: Resource, prop: str) -> Iterator[tuple[int, Any]]:
    """The inline blocks of a property with their positions; a block that is not known, or is none, as `UNKNOWN`."""
    for position, block in enumerate(resource.get_list(prop)):
        yield position, block if isinstance(block, dict) else UNKNOWN
