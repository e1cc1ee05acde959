"""What one rule of a gate can say: the language in which the fewest rules are counted, and in which rules can be merged."""

from dataclasses import dataclass
from enum import Enum

from .sets import Hosts


class Span(Enum):
    """What a field of one rule can hold."""

    SET = "any set"
    """Address objects, lists of services: whatever somebody puts in."""
    NETWORK = "one network"
    """One CIDR block; or one group or prefix list that the gate knows by name."""
    RANGE = "one range"
    """Consecutive ports of one protocol, or all protocols."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A rule's language, field by field."""

    sources: Span = Span.SET
    hosts: Span = Span.SET
    services: Span = Span.SET
    apart: tuple[Hosts, ...] = ()
    """Sets of hosts of which no rule has members of two: what different interfaces lead to, say."""
    nouns: tuple[str, str] = ("rule", "rules")
    """What an engineer calls one, and several (`policy`, `policies`)."""
