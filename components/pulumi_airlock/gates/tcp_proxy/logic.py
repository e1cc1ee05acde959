"""Conditions on a caller as lists of cases, of which the first that holds decides: exact, also for what is unknown.

Every list ends with a case that always holds, so that lists combine: `both` and `either` go through the cases of one, and where
these leave it open, through those of the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

from ...proof.filters import Who
from ...proof.sets import Hosts
from ...proof.times import ALWAYS, Times

Pairs = frozenset[tuple[str, str]]
Answer = bool | None
"""None: nobody knows."""


@dataclass(frozen=True, slots=True)
class Box:
    """What a case holds for: every field that is not None, and each set of `tasks` and `times`."""

    environments: frozenset[str] | None = None
    workloads: frozenset[str] | None = None
    sources: Hosts | None = None
    tasks: tuple[Pairs, ...] = ()
    times: Times = ALWAYS

    def __and__(self, other: "Box") -> "Box | None":
        """What both hold for; None where that is nobody."""
        environments, workloads = _meet(self.environments, other.environments), _meet(self.workloads, other.workloads)
        sources = (
            self.sources if other.sources is None else other.sources if self.sources is None else self.sources & other.sources
        )
        empty = frozenset[str]()
        if environments == empty or workloads == empty or (sources is not None and not sources):
            return None
        tasks = tuple(dict.fromkeys((*self.tasks, *other.tasks)))
        return Box(environments, workloads, sources, tasks, tuple(dict.fromkeys((*self.times, *other.times))))

    def within(self, other: "Box") -> bool:
        """Whether it holds for nobody else than the other does, as far as the fields show it."""
        return (
            _less(self.environments, other.environments)
            and _less(self.workloads, other.workloads)
            and (other.sources is None or self.sources == other.sources)
            and set(self.tasks) >= set(other.tasks)
            and set(self.times) >= set(other.times)
        )

    def who(self) -> Who:
        """Its caller."""
        return Who(self.environments, self.sources, workloads=self.workloads, tasks=self.tasks or None)


EVERYBODY = Box()


def _meet(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return one if other is None else other if one is None else one & other


def _less(one: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    return other is None or (one is not None and one <= other)


@dataclass(frozen=True, slots=True)
class Case:
    """An answer for a box."""

    box: Box
    answer: Answer
    label: str = ""
    """The policy that gives it."""
    unknown: tuple[str, ...] = field(default=())
    """Why nobody knows."""


Cases = tuple[Case, ...]
YES: Cases = (Case(EVERYBODY, True),)
NO: Cases = (Case(EVERYBODY, False),)


def only(box: Box) -> Cases:
    """Holds for a box."""
    return (Case(box, True), *NO)


def unknown(reason: str) -> Cases:
    """Nobody knows for whom it holds."""
    return (Case(EVERYBODY, None, unknown=(reason,)),)


def negated(cases: Cases) -> Cases:
    """Holds where the other does not."""
    return tuple(replace(one, answer=None if one.answer is None else not one.answer) for one in cases)


def labelled(cases: Cases, label: str) -> Cases:
    """The same cases; those that hold are given by a policy."""
    return tuple(replace(one, label=label) if one.answer is not False else one for one in cases)


def both(one: Cases, other: Cases) -> Cases:
    """Holds where two do."""
    return _joined(one, other, False)


def either(one: Cases, other: Cases) -> Cases:
    """Holds where one of two does."""
    return _joined(one, other, True)


def all_of(several: Iterable[Cases]) -> Cases:
    """Holds where all do; of none, always."""
    return reduce(both, several, YES)


def any_of(several: Iterable[Cases]) -> Cases:
    """Holds where some do; of none, never."""
    return reduce(either, several, NO)


def _joined(one: Cases, other: Cases, decisive: bool) -> Cases:
    found: list[Case] = []
    for first in one:
        if first.answer is decisive:
            found.append(first)
            continue
        for second in other:
            box = first.box & second.box
            if box is not None:
                found.append(_case(box, first, second, decisive))
    return kept(found)


def _case(box: Box, first: Case, second: Case, decisive: bool) -> Case:
    if second.answer is decisive:
        return replace(second, box=box)
    label = second.label or first.label
    if first.answer is None or second.answer is None:
        return Case(box, None, label, tuple(dict.fromkeys((*first.unknown, *second.unknown))))
    return Case(box, not decisive, label)


def kept(cases: Sequence[Case]) -> Cases:
    """Without cases that never decide, as far as the boxes show it: those within an earlier one, and before a last one alike."""
    found: list[Case] = []
    for one in cases:
        if not any(one.box.within(other.box) for other in found):
            found.append(one)
    while len(found) > 1 and found[-1].box == EVERYBODY and found[-2].answer is found[-1].answer is not None:
        del found[-2]
    return tuple(found)
