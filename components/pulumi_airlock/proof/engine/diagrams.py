"""Where anything is wrong, by binary decision diagrams: slower than `screening` where that is fast, and never much slower.

Screening counts the pairs of a rule and a class of hosts; where very many rules meet at very many classes, it asks here instead.
A diagram grows with what differs between classes, not with how many rules meet there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from oxidd.bcdd import BCDDFunction as Diagram

from ..atoms.instants import Bools
from ..atoms.places import BY_NAME
from ..atoms.space import Boxes
from ..filters import Action
from .encoding import HOSTS, Encoding, union
from .reader import Reader
from .sweep import Sweep

_NODES = 1 << 27
"""Nodes that may exist at a time: some 3 GB. Memory is taken as they come to be."""


def doubtful(sweep: Sweep) -> dict[int, Bools]:
    """The classes of hosts where something is let through that is not declared, or declared and not surely let through.

    Number of the class → mask over all atoms of services at which it is so. What `sweep.Group` defines, at once for all groups:
    a class that is missing here has no excess, nothing blocked and nothing unproven. MemoryError when it takes some gigabytes.
    """
    return _Doubt(sweep, Encoding(sweep.space, _NODES)).found()


class _Doubt:
    """The question, as one diagram."""

    def __init__(self, sweep: Sweep, encoding: Encoding) -> None:
        self._sweep, self._encoding = sweep, encoding
        self._on_path = self._paths()

    def found(self) -> dict[int, Bools]:
        encoding = self._encoding
        wrong = self._extra_or_lost()
        return dict(self._places(wrong.exists(encoding.all_but_hosts_and_services())))

    def _extra_or_lost(self) -> Diagram:
        encoding, sweep = self._encoding, self._sweep
        space = sweep.space
        decisions = [_Decision(one, encoding, on_path) for one, on_path in self._on_path]
        met = union([one.scope for one in decisions], encoding.false)
        inside = encoding.clock.where(space.clock.inside)
        considered = encoding.exists() & inside & (encoding.who(space.is_task) | met)
        considered &= ~self._boxes(sweep.needed)
        declared = self._boxes(sweep.granted)
        extra = considered & ~declared & (self._addresses() | self._named())
        kept = wanted = considered & declared
        for one in decisions:
            extra &= one.may_pass
            kept &= one.passes
        return extra | (wanted & ~kept)

    def _paths(self) -> list[tuple[Reader, Diagram]]:
        """The filters that stand on some path, each with the classes of hosts whose path it stands on."""
        places = self._sweep.space.places
        behind: dict[int, list[int]] = {}
        for number, zone in enumerate(places.zones):
            for reader in self._sweep.path(zone):
                behind.setdefault(reader.number, []).append(number)
        return [
            (reader, self._encoding.place.where(np.isin(places.kinds.zone, behind[reader.number])))
            for reader in self._sweep.readers
            if reader.number in behind
        ]

    def _boxes(self, boxes: Boxes) -> Diagram:
        """Everything that is surely in one of these boxes."""
        return _united(boxes.table, self._encoding, self._encoding.sure_hosts)

    def _addresses(self) -> Diagram:
        return self._encoding.place.where(~self._sweep.space.places.kinds.is_name)

    def _named(self) -> Diagram:
        """Names, where a rule on the path tells them from their addresses."""
        found = [
            on_path & _united(reader.boxes.table, self._encoding, lambda row: self._encoding.flagged(row, BY_NAME))
            for reader, on_path in self._on_path
        ]
        return ~self._addresses() & union(found, self._encoding.false)

    def _places(self, wrong: Diagram) -> Iterator[tuple[int, Bools]]:
        """Spells out a diagram over hosts and services."""
        place, masks = self._encoding.place, _Masks(self._encoding)
        stack = [(wrong, 0, 0)]
        while stack:
            rest, bit, number = stack.pop()
            if not rest.satisfiable():
                continue
            if bit == place.bits:
                yield number, masks.of(rest)
                continue
            high, low = _branches(rest, place.first + bit)
            stack += [(high, bit + 1, number * 2 + 1), (low, bit + 1, number * 2)]


class _Masks:
    """Diagrams over services alone, as masks."""

    def __init__(self, encoding: Encoding) -> None:
        self._field, self._rank = encoding.service, encoding.space.service.rank
        self._known: dict[tuple[Diagram, int], Bools] = {}

    def of(self, rest: Diagram, bit: int = 0) -> Bools:
        found = self._known.get((rest, bit))
        if found is None:
            found = self._known[rest, bit] = self._made(rest, bit)
        if bit:
            return found
        # In the order in which atoms are shown, not that of ports.
        shown = np.zeros(self._field.size, dtype=bool)
        shown[self._rank] = found[: self._field.size]
        return shown

    def _made(self, rest: Diagram, bit: int) -> Bools:
        size = 1 << (self._field.bits - bit)
        if rest.cofactors() is None:
            return np.full(size, rest.satisfiable())
        high, low = _branches(rest, self._field.first + bit)
        halves: Bools = np.concatenate([self.of(low, bit + 1), self.of(high, bit + 1)])
        return halves


def _branches(one: Diagram, variable: int) -> tuple[Diagram, Diagram]:
    """What remains where a variable is true, and where it is false."""
    if one.node_var() != variable:
        return one, one
    return one.cofactor_true() or one, one.cofactor_false() or one


class _Decision:
    """What one filter does, on every path that it stands on."""

    def __init__(self, reader: Reader, encoding: Encoding, on_path: Diagram) -> None:
        box = reader.scope
        self._reader, self._encoding = reader, encoding
        self.scope = on_path & encoding.hosts(box.hosts) & encoding.points(box)
        perhaps_outside = encoding.hosts(box.hosts) & ~encoding.sure_hosts(box.hosts)
        part = self._rules()
        allow, deny = part.allow, part.denies
        self.may_pass = ~self.scope | allow | perhaps_outside
        """Points that it may let through, or that do not pass it."""
        self.passes = ~(self.scope & deny)
        """Points that it surely lets through, or that do not pass it."""

    def _rules(self) -> "_Part":
        """All rules, the default last. Put together in pairs of neighbours, so that what is done together stays small."""
        parts = [*self._runs()]
        while len(parts) > 1:
            alone = parts[-1:] if len(parts) % 2 else []
            parts = [*map(_Part.then, parts[::2], parts[1::2]), *alone]
        return parts[0]

    def _runs(self) -> Iterator["_Part"]:
        """Rules in a row that have one action, and the default."""
        encoding, reader = self._encoding, self._reader
        rules, place = reader.filter.rules, 0
        for action, found in groupby(reader.order, lambda number: rules[number].action):
            known = np.array([not rules[number].unknown for number in found], dtype=bool)
            here = reader.boxes.table[place : place + len(known)]
            place += len(known)
            sure = _united(here[known], encoding, encoding.sure_hosts)
            perhaps = ~known | encoding.held.perhaps(here[:, HOSTS])
            any_ = sure | _united(here[perhaps], encoding, encoding.hosts)
            yield _Part.of(action, any_, sure, encoding.false)
        yield _Part.of(reader.filter.default, encoding.true, encoding.true, encoding.false)


@dataclass(frozen=True, slots=True)
class _Part:
    """What some rules in a row do by themselves."""

    allow: Diagram
    """May allow."""
    sure: Diagram
    """Surely decide."""
    deny: Diagram | None
    """May deny; None: exactly where it surely decides and does not allow."""

    @classmethod
    def of(cls, action: Action, matched: Diagram, sure: Diagram, nothing: Diagram) -> "_Part":
        """Rules of one action; `matched`: where they match, surely or perhaps."""
        if action is Action.ALLOW:
            return cls(matched, sure, None if matched == sure else nothing)
        return cls(nothing, sure, None if matched == sure else matched)

    @property
    def denies(self) -> Diagram:
        return self.sure & ~self.allow if self.deny is None else self.deny

    def then(self, after: "_Part") -> "_Part":
        """These rules, and others after them."""
        sure = self.sure | after.sure
        if self.deny is None and after.deny is None:
            return _Part(self.sure.ite(self.allow, after.allow), sure, None)
        rest = ~self.sure
        return _Part(self.allow | (after.allow & rest), sure, self.denies | (after.denies & rest))


def _united(table: NDArray[np.intp], encoding: Encoding, hosts: Callable[[int], Diagram]) -> Diagram:
    """The points of all boxes of a table, with what `hosts` makes of their hosts."""
    return union([hosts(box.hosts) & encoding.points(box) for box in encoding.near(table)], encoding.false)
