"""What the analysis of waste says: rules and routes that could go, rules that could be one, how many a gate needs at least."""

from dataclasses import dataclass
from datetime import datetime

from ..filters import Match, Source


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A rule that never decides: others, together, decide first for everything that it matches."""

    message: str
    gate: str
    filter: str
    rule: Source
    by: tuple[Source, ...]
    """Rules that are enough for that together; none of them can be left out."""


@dataclass(frozen=True, slots=True)
class Redundant:
    """A rule that decides, and without which the filter would decide the same.

    All of a filter's shadowed and redundant rules can be taken out together.
    """

    message: str
    gate: str
    filter: str
    rule: Source
    instead: tuple[Source, ...]
    """The rules that would decide then, of those that stay."""
    default: bool
    """Whether the filter's default would decide, for some of it or all."""


@dataclass(frozen=True, slots=True)
class Mergeable:
    """Rules of a filter that differ in one thing, and could be one rule of its gate."""

    message: str
    gate: str
    filter: str
    rules: tuple[Source, ...]
    """In the order in which the filter looks at them; the one rule stands in place of the first."""
    differs: str
    """What they differ in: destinations, services, sources, environments, groups, principals, operations, times."""
    into: Match
    """What the one rule matches."""


@dataclass(frozen=True, slots=True)
class CoveredRoute:
    """A route that declares nothing that others do not declare, windows and last days included.

    All routes that are listed can be taken out together.
    """

    message: str
    route: str
    by: tuple[str, ...]
    """Routes that are enough for that together."""
    differs: tuple[str, ...]
    """Fields of the route by which it is of use all the same: a credential, a session, conditions of its own."""


@dataclass(frozen=True, slots=True)
class Vacuous:
    """A rule or a filter that is there for nothing: it matches nothing that passes, or refuses nothing."""

    message: str
    gate: str
    filter: str
    rule: Source | None
    """None: the filter as a whole."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rules a filter has, and how many it could have."""

    message: str
    gate: str
    filter: str
    rules: int
    least: int
    """No list of rules of this gate's kind makes the same decisions with fewer."""
    most: int
    """So many are known to be enough."""
    bound: str
    """By which argument `least` is known."""

    @property
    def exact(self) -> bool:
        """Whether the fewest possible number is known."""
        return self.least == self.most


@dataclass(frozen=True, slots=True)
class Waste:
    """All findings, in the order of the filters and their rules."""

    at: datetime
    shadowed: tuple[Shadowed, ...] = ()
    redundant: tuple[Redundant, ...] = ()
    mergeable: tuple[Mergeable, ...] = ()
    routes: tuple[CoveredRoute, ...] = ()
    vacuous: tuple[Vacuous, ...] = ()
    counts: tuple[Count, ...] = ()

    @property
    def findings(self) -> int:
        """How many there are; counts aside."""
        return len(self.shadowed) + len(self.redundant) + len(self.mergeable) + len(self.routes) + len(self.vacuous)
