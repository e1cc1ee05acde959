"""What the comparison of identity across systems finds: one kind for each thing that can be wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """What a finding means for the proof."""

    ERROR = "error"
    """Somebody has what was not declared, or lacks what was: the proof fails."""
    WARNING = "warning"
    """Something to look at."""


class Kind(Enum):
    """What is wrong."""

    NO_ROUTE = "grant without route"
    """A group gets an Airflow role of an environment that no route leads it to."""
    SECOND_WAY = "undeclared way"
    """A role is reachable by a group, or from beside the identity provider, that does not have it."""
    SHARED = "shared"
    """Two declared groups have one role; two environments are one to a gate."""
    ORPHAN = "orphan"
    """Something stands for nobody that is declared."""
    MISSING = "missing"
    """What is declared is not there."""
    UNUSED = "role never granted"
    """A declared role that nobody gets."""
    UNTAGGED = "no session tags"
    """A task's AWS role that may be assumed without saying which DAG and task it is."""
    WIDER = "wider than declared"
    """More than declared: DAGs, callers, permissions."""
    NARROWER = "narrower than declared"
    """Less than declared."""
    DRIFT = "drift"
    """Two systems say different things of one principal."""
    UNKNOWN = "not known"
    """The value that decides is not known before the update."""


@dataclass(frozen=True, slots=True)
class IdentityFinding:
    """One thing found, where, and what to do."""

    severity: Severity
    kind: Kind
    system: str
    """`okta`, `entra`, `aws`, `airflow`, `fortigate`, `zpa`, or `access` for the access file."""
    name: str
    """Who or what it is about: a group, a role, a principal."""
    urn: str
    """The resource; empty where it is about the access file alone."""
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.system}: {self.message}"


def sound(found: Sequence[IdentityFinding]) -> bool:
    """Whether nothing fails."""
    return not any(one.severity is Severity.ERROR for one in found)
