"""What the gates need to know of an environment's network: the one thing an environment hands to them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi


@dataclass(frozen=True, slots=True)
class Need:
    """What an environment itself has to reach through the VPC's firewall, whatever its DAGs do."""

    what: str
    """In words, for a rule's description."""
    cidrs: tuple[str, ...]
    """Empty where it is not known: Google chooses what the placement leaves open."""
    services: tuple[tuple[str, int, int], ...] = ()
    """(protocol, first port, last port); none: every protocol."""
    said_by: str = ""
    """What of a placement says it."""


@dataclass(frozen=True, slots=True)
class ComposerNetwork:
    """Where an environment's tasks run. CIDRs are plain text, since gates compute with them at preview; ids are outputs."""

    environment: str
    """The name that principals use: the environment's component name."""
    network_id: "pulumi.Output[str]"
    """The VPC network (`projects/<project>/global/networks/<name>`) that tasks have an address in."""
    source_cidrs: tuple[str, ...]
    """The addresses that tasks have in the VPC: the attachment's subnetwork (Composer 3), or the nodes' subnetwork and the range
    of the pods (Composer 2)."""
    service_account_email: "pulumi.Output[str]"
    """The account that tasks run as. Composer 2's nodes are VMs that run as it, so that firewall rules can name it; Composer 3's
    are in Google's own project, where the VPC's firewall sees an attachment's interface and neither account nor tag."""
    tags: tuple[str, ...] = ()
    """Network tags of the nodes (Composer 2 alone)."""
    sees_nodes: bool = False
    """Whether firewall rules of the VPC meet the nodes themselves, by account and tag: Composer 2. False: by address alone."""
    project: str = ""
    """The project of the network, where it is known as text; a Shared VPC's host project is another than the environment's."""
    region: str = ""
    """The environment's."""
    subnetwork_id: "pulumi.Output[str] | None" = None
    """The subnetwork of the attachment, or of the nodes; None where only an attachment was brought."""
    needs: tuple[Need, ...] = ()
    """Composer 2's own traffic. Composer 3's parts are in Google's network, and so is its way to Google's APIs: it has none."""
