"""What all lanes decide at many rows at once, for every caller: rows of bits over the subjects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..atoms.grid import firsts, signs, spread
from ..atoms.instants import Bools
from ..atoms.space import Space
from .lanes import SCOPE, Callers, Items, Lane, Numbers, Words, distinct

_WORDS = 500_000
"""Words of bits in one go: what a processor's cache holds a few of."""

_LONG = 64
"""Decisions of one level at one row, past which they are joined one row after the other."""


@dataclass(frozen=True)
class _Family:
    """The callers with addresses of one family, as bits."""

    bits: Words
    """Sets of callers."""
    words: slice
    """Which words of a set these are."""
    everybody: Words
    task: Words
    exists: Words
    """For each set of DAGs that do not run."""
    scopes: list[Words | None]
    """Of each lane."""


class Deciding:
    """Decides rows of the screen."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        present: Bools,
        items: Items,
        callers: Callers,
        space: Space,
        idle: Sequence[frozenset[str]],
    ) -> None:
        """`present`: lanes × kinds of paths. `idle`: sets of DAGs that do not run."""
        self._lanes, self._present = lanes, present
        perhaps = np.concatenate([items.unknown, np.ones(len(items.unknown), dtype=bool)])
        level, lane = np.tile(items.level, 2), np.tile(items.lane, 2)
        # What an item decides, whatever its hosts, services and times are: (lane, level, perhaps, callers).
        self._decisions, which = distinct(lane, level, perhaps.astype(np.intp), np.tile(items.who, 2))
        self._decision = which.reshape(2, -1)
        who = callers.packed(space.who.table[[space.is_task, *space.runs.values()]])
        everybody = callers.packed(np.ones((1, len(space.subjects)), dtype=bool))[0]
        of_run = dict(zip(space.runs, who[1:], strict=True))
        exists = [everybody & ~np.bitwise_or.reduce([np.zeros_like(everybody), *(of_run[run] for run in one)]) for one in idle]
        self._idle = len(idle)
        self._families = {
            is_v4: _Family(
                np.ascontiguousarray(callers.rows[:, words]),
                words,
                everybody[words],
                who[0, words],
                np.array(exists, dtype=np.uint64)[:, words],
                [None if one.scope is None else one.scope[words] for one in lanes],
            )
            for is_v4, words in callers.words.items()
        }

    def wrong(self, row: Numbers, item: Numbers, perhaps: Bools, kind: Numbers, idle: Numbers) -> Bools:
        """At which rows anything is wrong.

        `row[i]` is met by `item[i]`, perhaps. Of each row: its kind (path × family × name) and set of idle DAGs.
        """
        first, which, states = self.states(row, item, perhaps, kind, idle)
        found = np.zeros(len(first), dtype=bool)
        for state in states:
            found[state.rows] = state.wrong()
        return found[which]

    def states(
        self, row: Numbers, item: Numbers, perhaps: Bools, kind: Numbers, idle: Numbers, *, lanes: bool = False
    ) -> tuple[Numbers, Numbers, Iterator["State"]]:
        """The first of all rows where the same is decided; for each row which one of these; and these, many at a time.

        As `wrong` takes them. `lanes`: what each lane does is kept.
        """
        bits = max(1, len(self._decisions).bit_length())
        key = np.sort(row << bits | self._decision[perhaps.astype(np.intp), item])
        key = key[np.concatenate([[True], key[1:] != key[:-1]])] if len(key) else key
        row, decision = key >> bits, key & (1 << bits) - 1
        total = np.zeros((len(key) + 1, 2), dtype=np.uint64)
        np.cumsum(signs(len(self._decisions))[decision], axis=0, out=total[1:])
        bounds = np.searchsorted(row, np.arange(len(kind) + 1))
        first, which = firsts(total[bounds[1:]] - total[bounds[:-1]], kind * self._idle + idle)
        return first, which, self._states(first, bounds, decision, kind[first], idle[first], lanes)

    def _states(
        self, first: Numbers, bounds: Numbers, decision: Numbers, kind: Numbers, idle: Numbers, lanes: bool
    ) -> Iterator["State"]:
        for is_v4, family in self._families.items():
            mine = np.flatnonzero((kind % 4 // 2 == 1) == is_v4)
            step = max(1, _WORDS // max(1, len(family.everybody)))
            for begin in range(0, len(mine), step):
                part = mine[begin : begin + step]
                counts = bounds[first[part] + 1] - bounds[first[part]]
                rows = np.repeat(np.arange(len(part)), counts)
                met = decision[spread(bounds[first[part]], counts)]
                yield self._state(family, part, rows, met, kind[part], idle[part], lanes)

    def _state(
        self, family: _Family, part: Numbers, row: Numbers, decision: Numbers, kind: Numbers, idle: Numbers, lanes: bool
    ) -> "State":
        lane = self._decisions[decision, 0]
        order = np.argsort(lane.astype(np.uint16), kind="stable")
        row, decision = row[order], decision[order]
        last = len(self._lanes)
        bounds = np.searchsorted(lane[order], np.arange(2 * last + 3))
        met = [_Met(family, self._decisions[decision[a:b]], row[a:b], len(kind)) for a, b in pairwise(bounds)]
        possible = np.broadcast_to(family.everybody, (len(kind), len(family.everybody))).copy()
        denied, inscope, named = np.zeros_like(possible), np.zeros_like(possible), np.zeros_like(possible)
        of_lanes = []
        for number, one in enumerate(self._lanes):
            present: Bools = self._present[number][kind // 4]
            if not present.any():
                continue
            scope, allow, deny = met[number].lane(family.scopes[number], one.allows)
            if not present.all():
                # What meets a class is on its path; elsewhere the lane is not there.
                scope = np.where(present[:, None], scope, np.uint64(0))
                deny &= scope
            possible &= allow | ~scope
            denied |= deny
            inscope |= scope
            if lanes:
                of_lanes.append(Done(number, present, scope, allow, deny))
        for each in met[last + 2 :]:
            named |= each.union()
        named[kind % 2 == 0] = family.everybody
        return State(
            rows=part,
            words=family.words,
            idle=idle,
            possible=possible,
            denied=denied,
            considered=(inscope | family.task) & family.exists[idle],
            declared=met[last].union(),
            own=met[last + 1].union(),
            named=named,
            exists=family.exists[idle],
            lanes=of_lanes,
            _wanted=(met[last], met[last + 1]),
        )


@dataclass(frozen=True)
class Done:
    """What a lane does at some rows. The callers as bits, rows × words."""

    lane: int
    there: Bools
    """At which rows it stands on the path, and its scope may hold the host."""
    scope: Words
    allow: Words
    """May allow."""
    deny: Words
    """May deny."""


@dataclass(frozen=True)
class State:
    """What all lanes decide at some rows where different things are decided. The callers as bits, rows × words."""

    rows: Numbers
    """Numbers of the rows, among those where different things are decided."""
    words: slice
    """Which words of a set of callers these are: those of one address family."""
    idle: Numbers
    """Of each row: the number of its set of DAGs that do not run."""
    possible: Words
    """May pass all lanes."""
    denied: Words
    """May be denied by some."""
    considered: Words
    """Exist, and are the stack's concern."""
    declared: Words
    own: Words
    named: Words
    """Told from other names, of a name; everybody at an address."""
    exists: Words
    lanes: list[Done]
    _wanted: tuple["_Met", "_Met"]

    def wrong(self) -> Bools:
        """At which rows something is let through perhaps and not declared, or declared and not surely let through."""
        lost = self.declared & self.denied
        found = self.considered & ~self.own & ((self.possible & self.named & ~self.declared) | lost)
        return np.asarray(found.any(axis=1))

    def wanted(self, bits: Words) -> Words:
        """Who is declared, or own, by other bits for each set of callers."""
        return self._wanted[0].union(bits=bits) | self._wanted[1].union(bits=bits)


class _Met:
    """The decisions of one lane, at many rows."""

    def __init__(self, family: _Family, decisions: Numbers, row: Numbers, size: int) -> None:
        """`decisions[i]` (lane, level, perhaps, callers) is met at `row[i]`, of `size` ones; in order of the rows."""
        self._bits = family.bits
        self._level, self._perhaps, self._who = decisions[:, 1], decisions[:, 2] > 0, decisions[:, 3]
        self._row, self._shape = row, (size, len(family.everybody))

    def lane(self, callers: Words | None, allows: bool) -> tuple[Words, Words, Words]:
        """The callers in scope, those that it may allow, and those that it may deny, at each row."""
        outside = None
        if callers is not None:
            scope = np.broadcast_to(callers, self._shape)
        else:
            of_scope = self._level == SCOPE
            scope, outside = self.union(of_scope), self.union(of_scope & self._perhaps)
        allow, deny, rest = np.zeros(self._shape, dtype=np.uint64), np.zeros(self._shape, dtype=np.uint64), scope.copy()
        for where, level, sure, perhaps in self._turns():
            here = rest[where]
            hit = here & sure if perhaps is None else here & (sure | perhaps)
            allowing = level % 2 == 1
            for mask, into in ((allowing, allow), (~allowing, deny)):
                if mask.all():
                    into[where] |= hit
                elif mask.any():
                    into[where[mask]] |= hit[mask]
            rest[where] = here & ~sure
        if allows:
            allow |= rest
        else:
            deny |= rest
        if outside is not None:
            allow |= outside  # Outside of its scope the filter is transparent.
        return scope, allow, deny

    def union(self, chosen: Bools | None = None, bits: Words | None = None) -> Words:
        """The callers of all decisions, or of the chosen ones, at each row; by other bits for each set of callers, if given."""
        found = np.zeros(self._shape, dtype=np.uint64)
        row, who = (self._row, self._who) if chosen is None else (self._row[chosen], self._who[chosen])
        if len(row):
            starts = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
            found[row[starts]] = self._ored(who, starts, bits)
        return found

    def _turns(self) -> Iterator[tuple[Numbers, Numbers, Words, Words | None]]:
        """The first level at each row, then the second where there is one, …: rows, levels, callers surely and perhaps."""
        rule = self._level != SCOPE
        row, level, perhaps, who = (one[rule] for one in (self._row, self._level, self._perhaps, self._who))
        if not len(row):
            return
        starts = np.flatnonzero(np.concatenate([[True], (row[1:] != row[:-1]) | (level[1:] != level[:-1])]))
        sure, doubt = self._parted(who, perhaps, starts)
        row, level = row[starts], level[starts]
        begins = np.concatenate([[True], row[1:] != row[:-1]])
        turn = np.arange(len(row)) - np.maximum.accumulate(np.where(begins, np.arange(len(row)), 0))
        if not turn.any():
            yield row, level, sure, doubt
            return
        for number in range(int(turn.max()) + 1):
            one = np.flatnonzero(turn == number)
            yield row[one], level[one], sure[one], None if doubt is None else doubt[one]

    def _parted(self, who: Numbers, perhaps: Bools, starts: Numbers) -> tuple[Words, Words | None]:
        """The callers of each group surely, and perhaps."""
        if not perhaps.any():
            return self._ored(who, starts), None
        parts = []
        for chosen in (~perhaps, perhaps):
            group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(who))))[chosen]
            found = np.zeros((len(starts), self._shape[1]), dtype=np.uint64)
            if len(group):
                first = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
                found[group[first]] = self._ored(who[chosen], first)
            parts.append(found)
        return parts[0], parts[1]

    def _ored(self, who: Numbers, starts: Numbers, bits: Words | None = None) -> Words:
        """The callers of each group of decisions, from one start to the next."""
        bits = self._bits if bits is None else bits
        found = bits[who[starts]]
        counts = np.diff(np.append(starts, len(who)))
        longest = int(counts.max())
        if longest > _LONG:
            return np.asarray(np.bitwise_or.reduceat(bits[who], starts, axis=0))
        for place in range(1, longest):
            groups = np.flatnonzero(counts > place)
            found[groups] |= bits[who[starts[groups] + place]]
        return found
