"""Many questions at once: for each caller and each destination that wildcards mean, what happens, then the sums."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import product

import numpy as np

from ...access.model import Access
from ..atoms.instants import Bools
from ..filters import Environment, Filter, Kind
from ..findings import Explanation, Outcome
from .asking import asked, callers
from .explaining import Inquiry

FIRST = 3
"""Witnesses of each outcome that are shown."""

_OUTCOMES = (Outcome.DENY, Outcome.UNKNOWN, Outcome.ALLOW)


@dataclass(frozen=True, slots=True)
class Pair:
    """One caller and one destination on one port, or range of ports."""

    caller: str
    destination: str
    outcomes: tuple[Outcome, ...]
    """What happens there; several where hosts, ports or requests differ."""
    refused_by: tuple[str, ...]
    """The gates that refuse, each with its kind, in the order in which a packet meets them."""
    excess: bool
    """Some of it passes for certain, and no route declares it."""
    blocked: bool
    """Some of it is declared, and does not pass."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What wildcards mean, and what happens there at an instant."""

    principal: str
    destination: str
    when: datetime
    callers: tuple[str, ...]
    destinations: tuple[str, ...]
    pairs: tuple[Pair, ...]
    first: Mapping[Outcome, tuple[Explanation, ...]]
    """The first pairs of each outcome, explained."""

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """Pairs of each outcome. One whose points differ counts as refused before it counts as unclear, and so on."""
        found = Counter(one.outcomes[0] for one in self.pairs)
        return {outcome: found[outcome] for outcome in (Outcome.ALLOW, Outcome.DENY, Outcome.UNKNOWN)}

    @property
    def partly(self) -> int:
        """Pairs whose points differ."""
        return sum(len(one.outcomes) > 1 for one in self.pairs)

    @property
    def excess(self) -> int:
        """Pairs of which something passes that no route declares."""
        return sum(one.excess for one in self.pairs)

    @property
    def blocked(self) -> int:
        """Pairs of which something is declared, and does not pass."""
        return sum(one.blocked for one in self.pairs)

    @property
    def refusals(self) -> Mapping[str, int]:
        """Gate and kind → pairs that it refuses, the most first."""
        return dict(Counter(gate for one in self.pairs for gate in one.refused_by).most_common())

    @property
    def without_path(self) -> int:
        """Pairs with no path: no gate between them, or no address family in common."""
        return len(self.callers) * len(self.destinations) - len(self.pairs)


def survey(
    access: Access,
    environments: Sequence[Environment],
    filters: Sequence[Filter],
    principal: str,
    destination: str,
    *,
    at: datetime,
    when: datetime | None = None,
    first: int = FIRST,
) -> Survey:
    """What everybody that `principal` means can reach of everything that `destination` means, at `when` (by default `at`).

    Both may have wildcards (`asking`); up to `first` pairs of each outcome are explained. Errors are those of `explain`.
    """
    meant = asked(access, destination)
    inquiry = Inquiry(
        access, environments, filters, principal, destination, at=at, when=when, callers=callers(access, principal), asked=meant
    )
    return _Survey(inquiry, first).made()


class _Survey:
    """A survey under way: for each destination and each subject, what happens."""

    def __init__(self, inquiry: Inquiry, first: int) -> None:
        self._inquiry, self._first = inquiry, first
        shape = len(inquiry.asked), len(inquiry.meant)
        self._happens = {outcome: np.zeros(shape, dtype=bool) for outcome in _OUTCOMES}
        self._gates: dict[tuple[str, Kind], Bools] = {}
        for outcome, parts in zip(_OUTCOMES, (inquiry.refused, inquiry.unclear, inquiry.passing), strict=True):
            for part in parts:
                self._happens[outcome][part[0].number] |= inquiry.atoms(part)
        self._excess, self._blocked = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        self._compare()
        self._look_at_gates(shape)

    def _compare(self) -> None:
        """What is declared beside what passes; what an environment needs itself is neither excess nor blocked."""
        for table, parts, wrong in (
            (self._excess, self._inquiry.passing, False),
            (self._blocked, self._inquiry.refused, True),
        ):
            for found, mask in parts:
                group = found.group
                declared = group.declared | group.perhaps_declared
                differs = mask & (group.declared if wrong else ~declared) & ~group.own
                table[found.number] |= self._inquiry.atoms((found, differs))

    def _look_at_gates(self, shape: tuple[int, int]) -> None:
        for found, mask in self._inquiry.refused:
            for verdict in found.group.path:
                refused = mask & verdict.refuses
                if refused.any():
                    key = verdict.reader.filter.gate, verdict.reader.filter.kind
                    table = self._gates.setdefault(key, np.zeros(shape, dtype=bool))
                    table[found.number] |= self._inquiry.atoms((found, refused))

    @cached_property
    def _subjects(self) -> dict[str, list[int]]:
        """Caller → the subjects that it is; callers in the order of the access file, others last."""
        found: dict[str, list[int]] = {}
        for number in np.flatnonzero(self._inquiry.meant).tolist():
            found.setdefault(self._inquiry.space.subjects.all[number].label, []).append(number)
        order = {one.name: place for place, one in enumerate(self._inquiry.access.principals)}
        return dict(sorted(found.items(), key=lambda item: order.get(item[0].partition(" + ")[0], len(order))))

    def made(self) -> Survey:
        inquiry = self._inquiry
        pairs: list[Pair] = []
        shown: dict[Outcome, list[Explanation]] = {outcome: [] for outcome in (Outcome.ALLOW, Outcome.DENY, Outcome.UNKNOWN)}
        for caller, number in product(self._subjects, range(len(inquiry.asked))):
            atoms = self._subjects[caller]
            outcomes = tuple(outcome for outcome in _OUTCOMES if self._happens[outcome][number, atoms].any())
            if not outcomes:
                continue
            gates = tuple(f"{gate} ({kind.value})" for (gate, kind), table in self._gates.items() if table[number, atoms].any())
            excess, blocked = (bool(table[number, atoms].any()) for table in (self._excess, self._blocked))
            pairs.append(Pair(caller, str(inquiry.targets[number]), outcomes, gates, excess, blocked))
            if len(shown[outcomes[0]]) < self._first:
                telling = next(each for each in atoms if self._happens[outcomes[0]][number, each])
                shown[outcomes[0]].append(inquiry.about(telling, number))
        return Survey(
            principal=inquiry.principal,
            destination=inquiry.destination,
            when=inquiry.when,
            callers=tuple(self._subjects),
            destinations=tuple(map(str, inquiry.targets)),
            pairs=tuple(pairs),
            first={outcome: tuple(found) for outcome, found in shown.items()},
        )
