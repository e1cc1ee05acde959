"""What `reach` answers with: who can reach what, when, by what right, through which gates."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ..filters import HttpOperation, Source
from ..findings import Row, Witness
from ..sets import Hosts, Services
from .moments import When


class CallerKind(Enum):
    """What a caller is."""

    TASKS = "tasks"
    PEOPLE = "people"
    OTHER = "any other DAG"
    OUTSIDE = "outside"


class Right(Enum):
    """By what right something is let through."""

    ROUTE = "route"
    """A route declares it."""
    OWN = "own need"
    """The environment needs it itself: its endpoints, its own subnets."""
    UNCLEAR = "unclear"
    """A route may declare it: of a name, whose addresses are not known."""
    EXCESS = "excess"
    """Nothing declares it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller, as findings name it."""

    name: str
    kind: CallerKind
    environment: str | None
    sources: Hosts | None
    """The source addresses from which it can; None: from all of its own."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What some callers can reach, by one right, through the same gates, at the same times."""

    callers: tuple[Caller, ...]
    destination: str
    """A destination's name (several with ` + ` where they overlap), or where it is: `elsewhere in datacenter`."""
    named: bool
    """Whether `destination` is one of the access file."""
    hosts: Hosts
    whole: bool
    """Whether these are all hosts of the destination."""
    services: Services
    operations: tuple[HttpOperation | None, ...]
    """An example of each kind of request, None for what is not HTTP; empty: every request."""
    when: When
    right: Right
    routes: tuple[str, ...]
    """The routes that declare it."""
    certain: bool
    """False: something unknown decides, and it may be refused."""
    gates: tuple[str, ...]
    """The gates that it passes, in order; empty: no gate stands on the path."""
    witness: Witness
    path: tuple[Row, ...]
    """What each filter does with the witness."""

    @property
    def rules(self) -> tuple[Source, ...]:
        """What decides about the witness at each filter that is a permission."""
        return tuple(row.source for row in self.path if row.filter.kind.value != "routing")


@dataclass(frozen=True, slots=True)
class Reach:
    """The answer: by destination in the file's order, then what is in none; of each, what is declared first."""

    at: datetime
    who: str | None
    to: str | None
    when: datetime | None
    """The instant that was asked about; None: the whole horizon from `at` on."""
    rows: tuple[Reached, ...]

    @property
    def excess(self) -> tuple[Reached, ...]:
        """What nothing declares."""
        return tuple(one for one in self.rows if one.right is Right.EXCESS)
