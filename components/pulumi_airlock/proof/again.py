"""The proof of a stack again, after a change: only the hosts that the change can touch are looked at.

What a rule does to hosts that it does not hold stays as it is. So the second proof is that of a part: the hosts of the rules
that came, went or moved, those where something was found before, and those of expectations that ask about any of them; with the
rules and routes that hold some of these, and no others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..access.model import Access
from .atoms.space import Box
from .engine.reader import sees_of
from .filters import Environment, Filter, Rule
from .findings import Blocked, Excess, ExpectationResult, Proof, Unproven
from .proving import Case, Part, in_order, prove, undisturbed

_MOST = 0.25
"""The share of a stack's rules beyond which a part is no less work than the whole."""

_HOSTS = Box._fields.index("hosts")
_Finding = TypeVar("_Finding", Excess, Blocked, Unproven, ExpectationResult)


class Prover:
    """Proves filters against one access file, in the same environments and from the same instant on, again and again.

    The first proof is a whole one. Those after it are compared with it, and cost what the difference costs: filters and rules
    that are the same objects are not looked at. Findings are those of `prove`; a witness may be another one of the same finding.
    """

    def __init__(self, access: Access, environments: Sequence[Environment], *, at: datetime) -> None:
        """ValueError where `at` has no time zone."""
        if at.tzinfo is None:
            raise ValueError(f"at: {at} has no time zone")
        self._access, self._environments, self._at = access, in_order(environments), at
        self._base: _Base | None = None

    def prove(self, filters: Sequence[Filter]) -> Proof:
        """The proof of these filters. InputError when an expectation asks for something that does not exist."""
        with undisturbed():
            part = self._base.part(filters) if self._base else None
            if part is None:
                self._base = _Base(self._access, self._environments, list(filters), self._at)
                return self._base.proof
            return part


@dataclass(frozen=True)
class _Change:
    """The first and the last rules of a filter are as they were: so many of them."""

    head: int
    tail: int
    gone: tuple[Rule, ...]
    come: tuple[Rule, ...]


class _Base:
    """A whole proof, and what is needed to prove a part of its stack again."""

    def __init__(self, access: Access, environments: list[Environment], filters: list[Filter], at: datetime) -> None:
        self.access, self.environments, self.filters, self.at = access, environments, filters, at
        self.case = Case(access, environments, filters, at)
        self.proof = self.case.proof()
        self._doubtful = self.case.doubtful | self.case.needed
        self._granted = np.array([self.case.space.add(one.match).hosts for one in self.case.grants], dtype=np.intp)
        self._destinations = np.array([one.hosts for one in self.case.destinations], dtype=np.intp)
        self._asked = [[one.box.hosts for one in found] for found in self.case.expectations.asked]

    def part(self, filters: Sequence[Filter]) -> Proof | None:
        """The proof of what the stack has become; None where it is too different for a part of it to be enough."""
        if len(filters) != len(self.filters):
            return None
        changes: dict[int, _Change] = {}
        for number, (old, new) in enumerate(zip(self.filters, filters, strict=True)):
            if old is not new:
                if replace(old, rules=()) != replace(new, rules=()):
                    return None
                changes[number] = _change(old.rules, new.rules)
        if not changes:
            return self.proof
        touched = [rule.match.hosts for one in changes.values() for rule in (*one.gone, *one.come)]
        places = self.case.space.places
        region = places.region(touched, self._doubtful)
        if region is None:
            return None
        sets = places.sets_at(region.classes)
        again = [number for number, rows in enumerate(self._asked) if sets[rows].any()]
        if again:
            hosts = [one.hosts for number in again for one in self.case.expectations.targets[number]]
            region = places.region([*touched, *hosts], self._doubtful)
            if region is None:
                return None
            sets = places.sets_at(region.classes)
        kept = list(self._kept(filters, changes, sets))
        if sum(len(one.rules) for one in kept) > max(100, _MOST * self.proof.rules):
            return None
        return self._proof(filters, kept, Part(region, self.case.space, self.case.missing, self._sees(changes)), sets, again)

    def _kept(self, filters: Sequence[Filter], changes: Mapping[int, _Change], sets: NDArray[np.bool_]) -> Iterator[Filter]:
        """The filters as they are now, with the rules that hold some of the sets."""
        space = self.case.space
        for number, (old, new) in enumerate(zip(self.filters, filters, strict=True)):
            held = np.flatnonzero(sets[space.rules(old).table[:, _HOSTS]]).tolist()
            change = changes.get(number)
            if change is None:
                rules = [old.rules[each] for each in held]
            else:
                after = len(old.rules) - change.tail
                before = [old.rules[each] for each in held if each < change.head]
                rules = [*before, *change.come, *(old.rules[each] for each in held if each >= after)]
            yield replace(new, rules=tuple(rules))

    def _sees(self, changes: Mapping[int, _Change]) -> list[frozenset[str]]:
        """What the filters' unchanged rules look at."""
        found = [one.sees for one in self.case.sweep.readers[: len(self.filters)]]
        for number, change in changes.items():
            old = self.filters[number]
            table = self.case.space.rules(old).table
            stayed = np.concatenate([table[: change.head], table[len(table) - change.tail :]])
            found[number] = sees_of(self.case.space, np.vstack([stayed, self.case.sweep.readers[number].scope]))
        return found

    def _proof(
        self,
        filters: Sequence[Filter],
        kept: list[Filter],
        part: Part,
        sets: NDArray[np.bool_],
        again: list[int],
    ) -> Proof:
        case = self.case
        routes = {id(case.grants[each].route) for each in np.flatnonzero(sets[self._granted]).tolist()}
        access = self.access.model_copy(
            update={
                "routes": tuple(one for one in self.access.routes if id(one) in routes),
                "destinations": tuple(
                    self.access.destinations[each] for each in np.flatnonzero(sets[self._destinations]).tolist()
                ),
                "expect": tuple(self.access.expect[each] for each in again),
            }
        )
        found = Case(access, self.environments, kept, self.at, part).proof()
        real = {id(mine): one for mine, one in zip(kept, filters, strict=True)}
        results = list(self.proof.expectations)
        for number, result in zip(again, found.expectations, strict=True):
            results[number] = result
        now = [*filters]
        whole = cache(lambda: prove(self.access, self.environments, now, at=self.at))
        return Proof(
            at=self.at,
            excess=_whole(found.excess, real),
            blocked=_whole(found.blocked, real),
            unproven=_whole(found.unproven, real),
            expectations=_whole(results, real),
            assumptions=self.proof.assumptions,
            routes=self.proof.routes,
            gates=self.proof.gates,
            rules=sum(len(one.rules) for one in filters),
            _rest=lambda name: {name: getattr(whole(), name)},
        )


def _change(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> _Change:
    head = tail = 0
    most = min(len(old), len(new))
    while head < most and _same(old[head], new[head]):
        head += 1
    while tail < most - head and _same(old[-1 - tail], new[-1 - tail]):
        tail += 1
    return _Change(head, tail, old[head : len(old) - tail], new[head : len(new) - tail])


def _same(old: Rule, new: Rule) -> bool:
    return old is new or old == new


def _whole(found: Sequence[_Finding], real: Mapping[int, Filter]) -> tuple[_Finding, ...]:
    """Findings whose paths show the filters with all of their rules."""
    return tuple(
        replace(one, path=tuple(replace(row, filter=real.get(id(row.filter), row.filter)) for row in one.path)) for one in found
    )
