"""What gates check on a path, and who owns each check: people's identity at the gateway, requests between services at the mesh.

A check is a distinction that a gate makes, as its rules are read. Depth is welcome where gates look at different things (an
address at the firewall, an account at the mesh, pods at the CNI); of the same check a second owner is one too many: two lists of
groups, or two of paths, drift apart, and nobody knows which of them counts.
"""

from dataclasses import dataclass
from enum import Enum

from .filters import Source


class Check(Enum):
    """What a gate tells apart."""

    CALLER = "who is calling"
    """Tasks from whoever else: by environment, address, account or task. Several gates may: each sees something else."""
    PERSON = "who a person is"
    """By groups of the identity provider; with it, which requests each group may send."""
    TASK = "which task it is"
    """By DAG and task, beyond what an environment, an address or an account tells."""
    REQUEST = "which requests are sent"
    """HTTP methods and paths, whoever the person is: what a task or a gateway's own account may ask for."""


class Fault(Enum):
    """Why a check has not exactly one owner."""

    NOBODY = "nobody checks it"
    SEVERAL = "more than one gate checks it"
    UNSEEN = "the gate cannot see it"
    """Its rule speaks of HTTP on a way that a mesh encrypts."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A gate that makes a check, and the first of its rules that does."""

    gate: str
    rule: Source


@dataclass(frozen=True, slots=True)
class Owned:
    """One check on the way to some destinations."""

    check: Check
    callers: str
    """`people` or `tasks`; empty where a rule is at fault whoever calls."""
    zone: str
    destinations: tuple[str, ...]
    owners: tuple[Owner, ...]
    """In the order of the path."""
    fault: Fault | None
    """None: there is exactly one owner."""
    message: str
