"""Where an environment's tasks have an address in a VPC: an attachment's subnetwork (Composer 3), nodes and pods (Composer 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_gcp as gcp

from ...errors import Problems
from .checks import disjoint, known, network
from .generation import Image
from .limits import (
    ATTACHMENT_ADDRESSES,
    ATTACHMENT_ID,
    FUNCTIONS_BY_NETWORK,
    FUNCTIONS_DIRECT,
    GOOGLE_APIS,
    INTERNAL_PREFIX,
    MASTER_PREFIX,
    MAX_MASTER_NETWORKS,
    NAME,
    RESERVED_ADDRESSES,
)
from .network import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposerPlacement:
    """The networks of an environment. CIDRs are text, since gates and the proof compute with them where ids are unknown.

    Each generation has inputs of its own; those of the other one are refused.
    """

    network_id: pulumi.Input[str]
    """The VPC network (`projects/<project>/global/networks/<name>`)."""
    subnetwork_cidr: str
    """The subnetwork that tasks (Composer 3) or nodes (Composer 2) have addresses of."""
    subnetwork_id: pulumi.Input[str] | None = None
    """That subnetwork. With Composer 3 an attachment is made of it, unless one is brought."""
    network_project: str | None = None
    """The network's project, where it is a Shared VPC's host."""
    google_apis: str = "private"
    """The virtual addresses that Google's APIs have in the VPC's DNS: `private`, or `restricted` (VPC Service Controls)."""

    attachment_id: pulumi.Input[str] | None = None
    """Composer 3: brings the network attachment, in the environment's project and region."""
    google_attachment: bool | None = None
    """Composer 3: True leaves the attachment to Composer, which deletes it with the environment."""
    internal_cidr: str | None = None
    """Composer 3: a /20 for Google's own parts, which must not overlap what tasks have to reach."""
    functions_by_network: bool | None = None
    """Composer 3: whether calls of Cloud Run functions go by the attachment, as all else does. None: True. Google's own default
    is to send them past the VPC, and so past its gates (`cloud_run_functions_routing`, in beta)."""

    pod_cidr: str | None = None
    """Composer 2: the addresses of pods, which tasks have."""
    pod_range: str | None = None
    """Composer 2: the name of the subnetwork's secondary range that `pod_cidr` is."""
    service_cidr: str | None = None
    """Composer 2: the addresses of the cluster's services."""
    service_range: str | None = None
    """Composer 2: the name of the subnetwork's secondary range that `service_cidr` is."""
    master_cidr: str | None = None
    """Composer 2: a /28 for the cluster's control plane."""
    sql_cidr: str | None = None
    """Composer 2, by peering: the database's network."""
    google_network_cidr: str | None = None
    """Composer 2, by peering: the network of Google's other parts."""
    connection_subnetwork_id: pulumi.Input[str] | None = None
    """Composer 2, by Private Service Connect: the subnetwork of the database's endpoint. Without it, by peering."""
    connection_subnetwork_cidr: str | None = None
    """Composer 2: the network of `connection_subnetwork_id`."""
    master_authorized_networks: Mapping[str, str] = field(default_factory=dict)
    """Composer 2: name → network from where people reach the control plane; nobody unless given."""
    public_endpoint: bool | None = None
    """Composer 2: True gives the control plane a public address as well."""
    ip_masq_agent: bool | None = None
    """Composer 2: True lets tasks come from the nodes' addresses instead of the pods'."""
    tags: tuple[str, ...] = ()
    """Composer 2: network tags of the nodes, for firewall rules."""

    def source_cidrs(self, generation: int) -> tuple[str, ...]:
        """The addresses that tasks have in the VPC."""
        if generation == 3 or self.pod_cidr is None:
            return (self.subnetwork_cidr,)
        return (self.subnetwork_cidr, self.pod_cidr)

    def needs(self, generation: int) -> tuple[Need, ...]:
        """What Composer itself reaches through the VPC.

        Composer 2: "Configure private IP networking", the rules for egress; its services are virtual, and DNS is the metadata
        server's, which no firewall stops. Composer 3: nothing ("Connect an environment to a VPC network": Google's APIs are
        reached without the VPC).
        """
        if generation == 3:
            return ()
        found = [
            Need("nodes and pods of the cluster", self.source_cidrs(generation)),
            Need("Google's APIs", (GOOGLE_APIS[self.google_apis],), (("tcp", 443, 443),)),
        ]
        master = (self.master_cidr,) if self.master_cidr else ()
        found.append(Need("control plane of the cluster", master, (("tcp", 0, 65535),), "master_cidr"))
        database = tuple(one for one in (self.sql_cidr, self.connection_subnetwork_cidr) if one)
        fix = "connection_subnetwork_id and connection_subnetwork_cidr, or sql_cidr"
        found.append(Need("Airflow's database", database, (("tcp", 3306, 3307),), fix))
        return tuple(found)

    def described(self, generation: int) -> dict[str, Any]:
        """What readers are told, among the component's inputs: `pulumi preview --json` has no outputs of components."""
        told: dict[str, Any] = {
            "generation": generation,
            "sourceCidrs": list(self.source_cidrs(generation)),
            "googleApis": GOOGLE_APIS.get(self.google_apis, ""),
        }
        if generation == 2:
            told["serviceCidrs"] = [one for one in (self.service_cidr,) if one]
            told["masterCidrs"] = [one for one in (self.master_cidr,) if one]
            told["databaseCidrs"] = [one for one in (self.sql_cidr, self.connection_subnetwork_cidr) if one]
        return told


def check_placement(
    placement: ComposerPlacement, image: Image, project: str, region: str, private: bool, problems: Problems
) -> None:
    """Notes everything that Google refuses of the networks."""
    path = "placement"
    if placement.google_apis not in GOOGLE_APIS:
        problems.add(f"{path}.google_apis", f"{placement.google_apis!r} is none of {', '.join(GOOGLE_APIS)}")
    tasks = network(f"{path}.subnetwork_cidr", placement.subnetwork_cidr, problems)
    if image.generation == 3:
        _check_attachment(placement, project, region, problems)
        if tasks is not None and tasks.num_addresses < ATTACHMENT_ADDRESSES + RESERVED_ADDRESSES:
            fix = (
                f"an environment takes {ATTACHMENT_ADDRESSES} addresses, Google keeps {RESERVED_ADDRESSES}: write a /29 at least"
            )
            problems.add(f"{path}.subnetwork_cidr", f"{tasks}: {fix}")
        inner = _optional(placement, "internal_cidr", problems, (INTERNAL_PREFIX, INTERNAL_PREFIX))
        disjoint([(f"{path}.subnetwork_cidr", tasks), (f"{path}.internal_cidr", inner)], problems)
        return
    _check_nodes(placement, private, problems)
    names = ("pod_cidr", "service_cidr", "master_cidr", "sql_cidr", "google_network_cidr", "connection_subnetwork_cidr")
    sizes = {"master_cidr": (MASTER_PREFIX, MASTER_PREFIX)}
    found = [(f"{path}.{name}", _optional(placement, name, problems, sizes.get(name, (8, 29)))) for name in names]
    disjoint([(f"{path}.subnetwork_cidr", tasks), *found], problems)
    _check_master_networks(placement.master_authorized_networks, problems)
    for position, tag in enumerate(placement.tags):
        if not NAME.fullmatch(tag):
            problems.add(f"{path}.tags[{position}]", f"{tag!r} is no network tag; write lower-case letters, digits and -")


def _optional(placement: ComposerPlacement, name: str, problems: Problems, prefixes: tuple[int, int]) -> Any:
    value = getattr(placement, name)
    return None if value is None else network(f"placement.{name}", value, problems, prefixes)


def _check_attachment(placement: ComposerPlacement, project: str, region: str, problems: Problems) -> None:
    if placement.attachment_id is None:
        if placement.subnetwork_id is None:
            fix = "give the subnetwork to make an attachment of, or bring one by attachment_id"
            problems.add("placement.subnetwork_id", f"missing: {fix}")
        return
    for what in ("subnetwork_id", "google_attachment"):
        if getattr(placement, what) is not None:
            problems.add(f"placement.{what}", "not used with a brought attachment, which has its subnetwork: leave it out")
    text = known(placement.attachment_id)
    if text is None:
        return
    found = ATTACHMENT_ID.fullmatch(text)
    if found is None:
        problems.add("placement.attachment_id", f"{text!r}: write projects/<project>/regions/<region>/networkAttachments/<name>")
    elif project and region and (found["project"], found["region"]) != (project, region):
        problems.add("placement.attachment_id", f"{text}: it has to be in {project} and {region}, with the environment")


def _check_nodes(placement: ComposerPlacement, private: bool, problems: Problems) -> None:
    needed = ["subnetwork_id", "pod_cidr", "service_cidr", *(["master_cidr"] if private else [])]
    for what in needed:
        if getattr(placement, what) is None:
            problems.add(f"placement.{what}", "missing: Composer 2's nodes, pods and services are in your VPC")
    if not private:
        for what in ("master_cidr", "sql_cidr", "google_network_cidr", "connection_subnetwork_id", "public_endpoint"):
            if getattr(placement, what) is not None:
                problems.add(f"placement.{what}", "only a private environment has it: leave it out, or private=False")
    if placement.connection_subnetwork_id is None:
        if placement.connection_subnetwork_cidr is not None:
            problems.add("placement.connection_subnetwork_id", "missing beside its CIDR: give the subnetwork, or neither")
        return
    if placement.connection_subnetwork_cidr is None:
        problems.add(
            "placement.connection_subnetwork_cidr", "missing: tasks reach the database there; write the subnetwork's CIDR"
        )
    for what in ("sql_cidr", "google_network_cidr"):
        if getattr(placement, what) is not None:
            fix = "with Private Service Connect nothing is peered: leave it out, or connection_subnetwork_id"
            problems.add(f"placement.{what}", fix)


def _check_master_networks(given: Mapping[str, str], problems: Problems) -> None:
    path = "placement.master_authorized_networks"
    if len(given) > MAX_MASTER_NETWORKS:
        problems.add(path, f"{len(given)} networks: GKE takes {MAX_MASTER_NETWORKS}")
    for name, cidr in given.items():
        network(f'{path}["{name}"]', cidr, problems, (8, 32))


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a placement: blocks of the provider, and what has to be there before."""

    node: dict[str, Any]
    config: dict[str, Any]
    before: tuple[pulumi.Resource, ...] = ()


def make_placement(
    name: str,
    environment_name: str,
    placement: ComposerPlacement,
    generation: int,
    project: str,
    region: str,
    private: bool,
    opts: pulumi.ResourceOptions,
) -> Placed:
    """The network blocks, and the attachment where it is made here."""
    if generation == 2:
        return Placed(_node_block(placement), _cluster_blocks(placement, private))
    by_network = placement.functions_by_network is not False
    node: dict[str, Any] = {
        "composer_internal_ipv4_cidr_block": placement.internal_cidr,
        "traffic_routing_config": gcp.composer.EnvironmentConfigNodeConfigTrafficRoutingConfigArgs(
            cloud_run_functions_routing=FUNCTIONS_BY_NETWORK if by_network else FUNCTIONS_DIRECT
        ),
    }
    config = {"enable_private_environment": private}
    if placement.attachment_id is not None:
        return Placed({**node, "composer_network_attachment": placement.attachment_id}, config)
    if placement.google_attachment:
        return Placed({**node, "network": placement.network_id, "subnetwork": placement.subnetwork_id}, config)
    attachment = gcp.compute.NetworkAttachment(
        f"{name}-attachment",
        name=f"{environment_name[:50]}-composer",
        project=project,
        region=region,
        # Google's project is not known before: a list of accepted ones cannot be written.
        connection_preference="ACCEPT_AUTOMATIC",
        subnetworks=[placement.subnetwork_id],
        description=f"Tasks of the Airflow environment {environment_name}",
        opts=opts,
    )
    return Placed({**node, "composer_network_attachment": attachment.id}, config, (attachment,))


def _node_block(placement: ComposerPlacement) -> dict[str, Any]:
    addresses = gcp.composer.EnvironmentConfigNodeConfigIpAllocationPolicyArgs(
        # Either the range's name or its CIDR: Google refuses both.
        cluster_secondary_range_name=placement.pod_range,
        cluster_ipv4_cidr_block=None if placement.pod_range else placement.pod_cidr,
        services_secondary_range_name=placement.service_range,
        services_ipv4_cidr_block=None if placement.service_range else placement.service_cidr,
    )
    return {
        "network": placement.network_id,
        "subnetwork": placement.subnetwork_id,
        "tags": list(placement.tags) or None,
        "enable_ip_masq_agent": placement.ip_masq_agent,
        "ip_allocation_policy": addresses,
    }


def _cluster_blocks(placement: ComposerPlacement, private: bool) -> dict[str, Any]:
    one = gcp.composer.EnvironmentConfigMasterAuthorizedNetworksConfigCidrBlockArgs
    blocks = [one(display_name=name, cidr_block=cidr) for name, cidr in placement.master_authorized_networks.items()]
    # On, also without networks: off lets everybody reach the control plane.
    found: dict[str, Any] = {
        "master_authorized_networks_config": gcp.composer.EnvironmentConfigMasterAuthorizedNetworksConfigArgs(
            enabled=True, cidr_blocks=blocks or None
        )
    }
    if private:
        by_connect = placement.connection_subnetwork_id is not None
        found["private_environment_config"] = gcp.composer.EnvironmentConfigPrivateEnvironmentConfigArgs(
            connection_type="PRIVATE_SERVICE_CONNECT" if by_connect else "VPC_PEERING",
            enable_private_endpoint=not placement.public_endpoint,
            master_ipv4_cidr_block=placement.master_cidr,
            cloud_sql_ipv4_cidr_block=placement.sql_cidr,
            cloud_composer_network_ipv4_cidr_block=placement.google_network_cidr,
            cloud_composer_connection_subnetwork=placement.connection_subnetwork_id,
        )
    return found
