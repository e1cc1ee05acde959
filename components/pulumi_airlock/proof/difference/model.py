"""What a difference says: which access came, which went, which became certain or uncertain, and the changes that made it so."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ..findings import Outcome, Row, Witness


class What(Enum):
    """What a change is made to."""

    RULE = "rule"
    FILTER = "filter"
    GATE = "gate"
    ENVIRONMENT = "environment"
    ROUTE = "route"
    DESTINATION = "destination"
    PRINCIPAL = "principal"
    ZONE = "zone"


class How(Enum):
    """What a change does."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    """A rule that is the same and stands elsewhere in the order."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not the same before and after."""

    what: What
    how: How
    name: str
    """What an engineer calls it: a rule's label with its resource, a route's name."""
    gate: str = ""
    """The gate of a rule or a filter."""
    urn: str = ""
    position: str = ""
    detail: tuple[str, ...] = ()
    """What differs, one phrase each: `hosts 10.20.4.10/32 → 10.20.4.0/24`."""

    def __str__(self) -> str:
        where = f" at {self.gate}" if self.gate and self.what in (What.RULE, What.FILTER) else ""
        kind = "" if self.what is What.RULE else f"{self.what.value} "
        return f"{kind}{self.name}{where} {self.how.value}" + (f": {'; '.join(self.detail)}" if self.detail else "")


class Kind(Enum):
    """What happened to access."""

    ADDED = "added"
    """Let through now, and refused before (or there was nobody to let through)."""
    REMOVED = "removed"
    """Refused now, and let through before."""
    UNCERTAIN = "now uncertain"
    """Something unknown decides now, and nothing unknown did before."""
    CERTAIN = "now certain"
    """Nothing unknown decides any more."""
    DECLARED = "declared"
    """Declared now, and the gates do the same as before."""
    UNDECLARED = "no longer declared"
    """Declared before and not now, and the gates do the same as before."""


class Standing(Enum):
    """How access stands to the declaration."""

    DECLARED = "declared"
    PERHAPS = "perhaps declared"
    """A route declares addresses that the name may have, or may not."""
    OWN = "needed by the environment itself"
    NOT = "not declared"
    ASIDE = "not looked at"
    """One gate was compared by itself: routes are for whole paths."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where, on which ports and when: a part of a finding."""

    destination: str
    """A destination's name, or where in which zone."""
    services: str
    """Ports as the access file writes them (`443/tcp`), or `any`."""
    when: str = ""
    """Windows in words; empty: at all times."""
    requests: str = ""
    """HTTP requests in words; empty: all."""

    def __str__(self) -> str:
        return ", ".join(part for part in (f"{self.destination} on {self.services}", self.requests, self.when) if part)


@dataclass(frozen=True, slots=True)
class Part:
    """Callers that have the same part in a finding: each of them has every one of these reaches."""

    principals: tuple[str, ...]
    reaches: tuple[Reach, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Access of some callers that differs in one way, made by the same changes."""

    kind: Kind
    message: str
    parts: tuple[Part, ...]
    before: Outcome | None
    """None: there was no such caller, or no gate on the way."""
    after: Outcome | None
    standing_before: Standing
    standing: Standing
    """How it stands to the declaration now."""
    routes_before: tuple[str, ...]
    """Routes that declared it, or a part of it."""
    routes: tuple[str, ...]
    """Routes that declare it now, or a part of it."""
    changes: tuple[Change, ...]
    """What made it so."""
    witness: Witness | None
    """None where only declarations are compared."""
    path_before: tuple[Row, ...] = ()
    path: tuple[Row, ...] = ()

    @property
    def principals(self) -> tuple[str, ...]:
        """Everybody whom it concerns."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.principals))

    @property
    def destinations(self) -> tuple[str, ...]:
        """Everything that it leads to."""
        return tuple(dict.fromkeys(reach.destination for part in self.parts for reach in part.reaches))

    @property
    def excess(self) -> bool:
        """Whether it lets something through that no route declares now."""
        return self.after is Outcome.ALLOW and self.standing is Standing.NOT


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs between two cases. Deterministic: the same inputs give the same findings in the same order."""

    at: datetime
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    """Every change of rules, routes and of what they speak of."""
    gates: tuple[str, ...] = ()
    """The gates compared; empty: declarations alone."""
    only: str = ""
    """The one gate that was compared by itself; empty: whole paths."""
    declarations: bool = False
    """Whether only what is declared was compared: one side, or both, is an access file without a stack."""
    compared: int = 0
    """Classes of hosts that had to be looked at."""
    ineffective: tuple[Change, ...] = field(default=())
    """The changes that make no difference to any access."""

    @property
    def same(self) -> bool:
        """Whether access and declaration are the same."""
        return not self.findings

    def of(self, *kinds: Kind) -> tuple[Finding, ...]:
        """The findings of these kinds."""
        return tuple(one for one in self.findings if one.kind in kinds)

    @property
    def excess(self) -> tuple[Finding, ...]:
        """What this difference newly lets through, or leaves let through, without a route."""
        return tuple(one for one in self.findings if one.excess)
