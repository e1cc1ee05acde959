"""Where each Composer environment of a stack stands in Google's network, and what a firewall rule's targets see of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...proof.filters import Environment
from ...proof.sets import Hosts
from ...tokens import GCP_FIREWALL_GATE
from ..stack import UNKNOWN, Resource, Stack
from .kinds import ACCOUNT, ATTACHMENT, FOLDER, NETWORK, PROJECT, SUBNETWORK
from .links import Linked, follow, plain

_NODE = ("config", "nodeConfig")


@dataclass(frozen=True, eq=False)
class Placement:
    """An environment, and what of the network it stands in."""

    environment: Environment
    resource: Resource
    gate: str
    """The name of the gate that compiles for it; the environment's own name where none does."""
    network: Linked
    region: Any
    """A name, or UNKNOWN."""
    sees_nodes: bool | None
    """Whether the VPC's firewall meets VMs of the environment itself (Composer 2); None where the generation is not known."""
    account: Linked
    """What the VMs run as."""
    tags: frozenset[str] | None
    """Network tags of the VMs, as written; None where not all are known."""
    ancestors: tuple[str, ...] | None
    """The organization and the folders above the network's project, from the top down; None where they are not known."""
    order: Any
    """The network's enforcement order: text, or UNKNOWN."""

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.environment.name

    @property
    def hosts(self) -> Hosts:
        """Every address that its tasks can have."""
        return self.environment.sources.addresses()

    @property
    def network_resource(self) -> Resource | None:
        """The network, where it is in the stack."""
        return self.network.resources[0] if len(self.network.resources) == 1 else None


def placements(stack: Stack) -> Iterator[Placement]:
    """The placement of every Composer environment, in the stack's order."""
    from ...environments.composer.read import generation_of, read_environments  # here: environments import gates

    for environment in read_environments(stack):
        resource = stack.find(environment.urn)
        if resource is None:
            continue
        gate = _gate_of(stack, environment.name)
        network = _network(resource, gate, environment.name)
        generation = generation_of(resource)
        tags = resource.get_list(*_NODE, "tags")
        project = _project(resource, network, gate)
        yield Placement(
            environment=environment,
            resource=resource,
            gate=gate.name if gate is not None else environment.name,
            network=network,
            region=resource.get("region", default=UNKNOWN),
            sees_nodes=None if generation is None else generation == 2,
            account=follow(resource, (*_NODE, "serviceAccount"), ACCOUNT) or Linked(unknown=True),
            tags=None if UNKNOWN in tags else frozenset(map(str, tags)),
            ancestors=_ancestors(stack, gate, project),
            order=_order(network, gate),
        )


def _gate_of(stack: Stack, environment: str) -> Resource | None:
    return next((one for one in stack.of_type(GCP_FIREWALL_GATE) if environment in one.get_list("environments")), None)


def _network(resource: Resource, gate: Resource | None, environment: str) -> Linked:
    """Named by the environment, or by its subnetwork, or by its attachment's subnetworks; else as its gate was told."""
    found = follow(resource, (*_NODE, "network"), NETWORK)
    if found:
        return found
    subnetworks = follow(resource, (*_NODE, "subnetwork"), SUBNETWORK)
    for attachment in follow(resource, (*_NODE, "composerNetworkAttachment"), ATTACHMENT).resources:
        subnetworks = follow(attachment, ("subnetworks",), SUBNETWORK)
    for subnetwork in subnetworks.resources:
        if found := follow(subnetwork, ("network",), NETWORK):
            return found
    return (follow(gate, ("network",), NETWORK) if gate is not None else Linked()) or Linked(unknown=True)


def _project(resource: Resource, network: Linked, gate: Resource | None) -> Any:
    told = [one.get("project") for one in (*network.resources, gate) if one is not None]
    written = [one.split("/")[1] for one in network.foreign if one.startswith("projects/")]
    return next((one for one in (*told, *written, resource.get("project")) if one is not None), UNKNOWN)


def _order(network: Linked, gate: Resource | None) -> Any:
    if len(network.resources) == 1:
        return network.resources[0].get("networkFirewallPolicyEnforcementOrder", default="AFTER_CLASSIC_FIREWALL")
    return gate.get("enforcementOrder", default=UNKNOWN) if gate is not None else UNKNOWN


def _ancestors(stack: Stack, gate: Resource | None, project: Any) -> tuple[str, ...] | None:
    """As the gate was told, else as the stack's own projects and folders say."""
    told = gate.get_list("ancestors") if gate is not None else []
    if told:
        return None if UNKNOWN in told else tuple(map(plain, told))
    for one in stack.of_type(*PROJECT):
        if isinstance(project, str) and one.get("projectId") == project:
            return _above(stack, one)
    return None


def _above(stack: Stack, project: Resource) -> tuple[str, ...] | None:
    """The chain above a project of the stack, as far up as the stack has it; None where it does not end at an organization."""
    chain: list[str] = []
    organization = project.get("orgId")
    if isinstance(organization, str | int):
        return (_organization(organization),)
    above = follow(project, ("folderId",), FOLDER)
    seen: set[str] = set()
    while len(above.resources) == 1 and above.resources[0].urn not in seen:
        folder = above.resources[0]
        seen.add(folder.urn)
        chain.insert(0, folder_name(folder))
        parent = folder.get("parent")
        if isinstance(parent, str) and plain(parent).startswith("organizations/"):
            return (plain(parent), *chain)
        above = follow(folder, ("parent",), FOLDER)
    return None


def _organization(value: str | int) -> str:
    text = plain(value)
    return text if text.startswith("organizations/") else f"organizations/{text}"


def folder_name(folder: Resource) -> str:
    """`folders/123`; where its number is not known yet, what no other folder is called."""
    for prop in ("id", "name", "folderId"):
        value = folder.get(prop)
        if isinstance(value, str) and value:
            return value if value.startswith("folders/") else f"folders/{value}"
    return folder.urn
