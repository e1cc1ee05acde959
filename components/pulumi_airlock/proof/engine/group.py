"""One class of hosts: the other dimensions as far as anything there tells points apart, and what every filter does with them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np

from ..atoms.instants import Bools
from ..atoms.places import Place
from ..atoms.space import Box, Cut, Space, TimeCut
from ..filters import Action
from .reader import DEFAULT, Reader


@dataclass(frozen=True)
class Question:
    """Points that somebody asks about: what they tell apart, the engine tells apart."""

    box: Box
    """Hosts, services and operations count."""
    selector: int
    """A row of the axis of subjects."""
    mark: datetime | None = None
    """An instant; a mark of the clock."""


@dataclass(frozen=True)
class Local:
    """The dimensions at one class of hosts, cut as far as anything there tells points apart."""

    space: Space
    who: Cut
    service: Cut
    operation: Cut
    time: TimeCut
    exists: Bools
    """Which points exist: the source's address family is the host's, and a DAG's tasks run only while it does.

    Shape (S, 1, 1, T).
    """
    known: dict[tuple[int, int, int, int], Bools] = field(default_factory=dict, repr=False, compare=False)
    """Boxes that were asked for."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Classes of subjects, services, operations, times."""
        return len(self.who.first), len(self.service.first), len(self.operation.first), len(self.time.starts)

    def box(self, box: Box) -> Bools:
        """The points of a box; hosts aside. Broadcasts to `shape`."""
        key = box.who, box.services, box.operations, box.times
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = (
                self.who.rows[box.who][:, None, None, None]
                & self.service.rows[box.services][:, None, None]
                & self.operation.rows[box.operations][:, None]
                & self.time.rows[box.times]
            )
        return found


@dataclass(frozen=True)
class Verdict:
    """What one filter does at one class of hosts. All of `Local.shape`; points that do not exist are in none of them."""

    reader: Reader
    inscope: Bools
    allow: Bools
    """May allow; within its scope."""
    deny: Bools
    """May deny."""
    matching: tuple[tuple[int, bool, Bools], ...]
    """(place in `Reader.order`, surely or perhaps, points) of the rules that hold the class, in order."""

    @property
    def grants(self) -> Bools:
        """Surely allows, within its scope."""
        return self.inscope & ~self.deny

    @property
    def refuses(self) -> Bools:
        """Surely denies."""
        return self.deny & ~self.allow

    def attribute(self, points: Bools, action: Action) -> Iterator[tuple[int, Bools]]:
        """Splits points by the rule (its number in the filter, or DEFAULT) that is the first that can decide so there."""
        rest = points & self.inscope
        for place, _, box in self.matching:
            number = self.reader.order[place]
            if self.reader.filter.rules[number].action is not action:
                continue
            hit = rest & box
            if hit.any():
                yield number, hit
                rest = rest & ~hit
        if rest.any():
            yield DEFAULT, rest


@dataclass
class Group:
    """Everything about one class of hosts."""

    number: int
    place: Place
    local: Local
    path: list[Verdict]
    """The verdicts of the filters that stand on the path, in order."""
    declared: Bools
    perhaps_declared: Bools
    """Declared for addresses that a name may have, or may not."""
    own: Bools
    grants: list[tuple[int, Bools]]
    """(number of the grant, its points)."""
    named: Bools | None
    """For a name: where a filter tells it from its addresses; elsewhere these tell the same. None for addresses."""

    @cached_property
    def possible(self) -> Bools:
        """Points that may pass every filter on the path."""
        result = np.broadcast_to(self.local.exists, self.local.shape).copy()
        for one in self.path:
            result &= one.allow | ~one.inscope
        return result

    @cached_property
    def definite(self) -> Bools:
        """Points that surely pass every filter on the path."""
        result = np.broadcast_to(self.local.exists, self.local.shape).copy()
        for one in self.path:
            result &= ~one.deny
        return result

    @cached_property
    def real(self) -> Bools:
        """Points that exist and are the stack's concern: tasks anywhere, and others where they meet a filter."""
        result = np.zeros(self.local.shape, dtype=bool)
        result |= self.local.who.rows[self.local.space.is_task][:, None, None, None]
        for one in self.path:
            result |= one.inscope
        result &= self.local.exists
        return result

    @cached_property
    def considered(self) -> Bools:
        """Real points within the horizon."""
        return self.real & self.local.time.inside

    @cached_property
    def undeclared(self) -> Bools:
        """Considered points that nothing declares; of a name, those that its addresses do not tell about."""
        found: Bools = self.considered & ~self.declared & ~self.own
        return found if self.named is None else found & self.named

    @cached_property
    def by_gate(self) -> dict[str, Bools]:
        """Gate → points that it surely refuses."""
        found: dict[str, Bools] = {}
        for one in self.path:
            gate = one.reader.filter.gate
            found[gate] = found[gate] | one.refuses if gate in found else one.refuses
        return found
