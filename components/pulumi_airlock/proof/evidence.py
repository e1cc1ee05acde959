"""`evidence`: for every pair of caller and destination the few points that tell most, each with its path, gate by gate.

A proof has findings for what is wrong; this answers whoever asks about any other pair, without a walk for each of them: callers
that no rule tells apart at a host share a point and its path, and what is alike is kept once and referred to by number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..access.model import Access
from .filters import Environment, Filter
from .findings import Outcome, Proof, Row, Witness

Numbers = NDArray[np.int32]

NONE = -1
"""Stands for "there is none" where a number is expected."""


class Standing(Enum):
    """How a pair of caller and destination stands: the worst of what holds for its points."""

    EXCESS = "excess"
    """Let through, not declared."""
    BLOCKED = "blocked"
    """Declared, not let through."""
    UNPROVEN = "unproven"
    """Something unknown decides."""
    DECLARED = "declared"
    """All of it is declared and let through."""
    PART = "part"
    """Declared and let through in a window, or in part; the rest is refused."""
    REFUSED = "refused"
    """Not declared, and refused."""
    NO_PATH = "no path"
    """Nothing leads there (no gate, or no address family in common), or it is the environment's own: nothing needs a route."""


FAULTS = (Standing.EXCESS, Standing.BLOCKED, Standing.UNPROVEN)
"""What fails a proof, the worst first."""


class Aspect(Enum):
    """What a point is an example of."""

    PASSES = "passes"
    """Declared, and let through."""
    LOST = "lost"
    """Declared, and refused."""
    DOUBTFUL = "doubtful"
    """Declared, and something unknown decides."""
    UNDECLARED = "undeclared"
    """Not declared: the one that the fewest gates refuse."""
    OWN = "own"
    """What the environment needs itself: no route declares it, and none has to."""


ASPECTS = tuple(Aspect)


class CallerKind(Enum):
    """What a row of the matrix is."""

    TASKS = "tasks"
    PEOPLE = "people"
    OTHER = "other"
    """Any DAG of an environment that no principal covers."""
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Caller:
    """A row: a declared principal, or one of those who are always there besides."""

    name: str
    """As findings call it."""
    kind: CallerKind
    environment: str = ""
    """Where the tasks run; empty: in every environment, or none."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One telling point, but for who is calling: everybody for whom it is the same shares it."""

    aspect: Aspect
    outcome: Outcome
    """What all gates together do."""
    refusals: tuple[str, ...]
    """The gates that refuse it, each by itself."""
    witness: Witness
    """The point, for one of the callers."""
    path: int
    """Number of its path."""
    routes: tuple[str, ...] = ()
    """The routes that declare this very point."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a cell shows. Many cells have the same."""

    standing: Standing
    faults: tuple[Standing, ...]
    """Everything that is wrong, the worst first."""
    depth: int | None
    """How many gates refuse what is not declared, at the least; None: everything is, or nothing exists."""
    samples: tuple[int, ...]
    """Numbers of the samples, one for each aspect that the pair has."""


@dataclass(frozen=True)
class Evidence:
    """All pairs, interned. Deterministic, as the proof is."""

    callers: tuple[Caller, ...]
    destinations: tuple[str, ...]
    entries: tuple[Entry, ...]
    cells: Numbers
    """Callers × destinations: number of the entry."""
    speakers: tuple[tuple[str, str, str], ...]
    """(task, or group; source address; zone of the windows) of those who can be a witness."""
    speaking: Numbers
    """Callers × destinations × aspects: number of the speaker, or NONE."""
    samples: tuple[Sample, ...]
    paths: tuple[tuple[int, ...], ...]
    """Numbers of rows, from the caller to the destination."""
    rows: tuple[Row, ...]

    def entry(self, caller: int, destination: int) -> Entry:
        """What a cell shows."""
        return self.entries[int(self.cells[caller, destination])]

    def path(self, sample: Sample) -> tuple[Row, ...]:
        """What each filter does with a sample, in order."""
        return tuple(self.rows[number] for number in self.paths[sample.path])

    def witness(self, caller: int, destination: int, sample: Sample) -> Witness:
        """A sample as this caller's own point."""
        task, source, timezone = self.speakers[self.speaking[caller, destination, ASPECTS.index(sample.aspect)]]
        return replace(sample.witness, principal=self.callers[caller].name, task=task, source=source, timezone=timezone)


def evidence(
    access: Access, environments: Sequence[Environment], filters: Sequence[Filter], proof: Proof, *, at: datetime
) -> Evidence:
    """The evidence of a proof, from the same access, environments and filters that it was made of.

    `at` is the proof's instant. ValueError where it is not, or has no time zone: the two would speak of different times.
    """
    if at.tzinfo is None or at != proof.at:
        raise ValueError(f"at: {at} is not the instant of the proof, {proof.at}")
    from .sampling import Collector

    return Collector(access, environments, filters, at).evidence()
