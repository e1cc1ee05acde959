"""Where a filter may grant more than is declared although it could tell: at which types of classes of hosts.

Careful: what is missing here surely has none; what is found is looked at in detail. A filter that sees no time cannot be asked to
refuse at some times: what it cannot tell from something declared is taken off, as `Sight` does.
"""

from dataclasses import dataclass

import numpy as np

from .deciding import State
from .filters import Kind
from .lanes import Numbers, Words
from .pairs import Sight
from .rows import Chunk, Rows
from .sweep import Sweep


@dataclass
class _Look:
    """Filters that see the same."""

    sees: frozenset[str]
    callers: dict[int, Words | None]
    """Lane → the callers of its filters that see this; None: all."""
    blurred: Words
    """For each set of callers those who look like one of them, within their address family. Empty for sets of rules alone."""
    beyond: list[tuple[Numbers, slice, Words]]
    """(rows, words, callers): granted, refused by others, and not declared."""
    wanted: list[tuple[Numbers, slice, Words]]
    """Who looks like somebody declared."""

    @property
    def at_service(self) -> bool:
        return "service" in self.sees

    @property
    def at_times(self) -> bool:
        return bool(self.sees & {"operation", "time"})


class Overgrants:
    """Collects the types, many rows at a time."""

    def __init__(self, rows: Rows, sweep: Sweep, sight: Sight) -> None:
        self._rows = rows
        declared = np.unique(rows.items.who[(rows.items.lane == len(rows.lanes)) | (rows.items.lane == len(rows.lanes) + 1)])
        self._looks: dict[frozenset[str], _Look] = {}
        for number, lane in enumerate(rows.lanes):
            for reader in lane.readers:
                if reader.filter.kind is Kind.ROUTING:
                    continue  # A route table is no permission: that it leads further grants nobody anything.
                look = self._looks.get(reader.sees)
                if look is None:
                    look = self._looks[reader.sees] = _Look(reader.sees, {}, self._blurred(declared, sight, reader.sees), [], [])
                mine = rows.callers.rows[rows.callers.number[reader.scope.who]] if len(lane.readers) > 1 else None
                before = look.callers.get(number)
                look.callers[number] = mine if before is None or mine is None else mine | before
        self.types: set[int] = set()
        """Types of classes of hosts where a filter may."""

    def _blurred(self, declared: Numbers, sight: Sight, sees: frozenset[str]) -> Words:
        callers = self._rows.callers
        found = np.zeros_like(callers.rows)
        is_v4 = self._rows.space.who.table[self._rows.space.is_v4]
        for part in np.array_split(declared, -(-len(declared) // 1024) if len(declared) else 1):
            table = callers.unpacked(callers.rows[part])
            for family in (is_v4, ~is_v4):
                found[part] |= callers.packed(sight.alike(table & family, sees) & family)
        return found

    def add(self, state: State) -> None:
        """Takes in what is decided at some rows."""
        undeclared = state.considered & ~state.declared & ~state.own & state.named & ~state.possible
        if not undeclared.any():
            return
        exactly = ((state.declared | state.own) & state.exists) if state.idle.any() else None
        for look in self._looks.values():
            beyond = None
            for done in state.lanes:
                if done.lane in look.callers:
                    mine = look.callers[done.lane]
                    found = undeclared & done.scope & ~done.deny
                    found = found if mine is None else found & mine[state.words]
                    beyond = found if beyond is None else beyond | found
            if beyond is None or not beyond.any():
                continue
            wanted = state.wanted(look.blurred[:, state.words])
            if exactly is not None:
                # While some DAGs do not run, their tasks make nobody look declared.
                wanted = np.where((state.idle > 0)[:, None], exactly, wanted)
            look.beyond.append((state.rows, state.words, beyond))
            look.wanted.append((state.rows, state.words, wanted))

    def end(self, chunk: Chunk, which: Numbers) -> None:
        """Ends a chunk; `which`: of each of its rows, its number among those where different things are decided."""
        for look in self._looks.values():
            if look.beyond:
                self._end(look, chunk, which)
            look.beyond, look.wanted = [], []

    def _end(self, look: _Look, chunk: Chunk, which: Numbers) -> None:
        rows = self._rows
        beyond, wanted = (self._table(parts, int(which.max()) + 1) for parts in (look.beyond, look.wanted))
        key = chunk.type - chunk.begin
        if look.at_service:
            key = key * int(rows.cells[chunk.begin : chunk.end].max()) + chunk.service
        if look.at_times:
            key = key * int(rows.moments[chunk.begin : chunk.end].max()) + chunk.when
        some = beyond.any(axis=1)
        kept = np.flatnonzero(np.isin(key, np.unique(key[some[which]])))
        kept = kept[np.argsort(key[kept], kind="stable")]
        starts = np.flatnonzero(np.diff(key[kept], prepend=-1) > 0)
        # What is met at some row of those that look alike is told from what is declared at none of them.
        for begin in range(0, len(starts), _STEP):
            mine = starts[begin : begin + _STEP]
            last = starts[begin + _STEP] if begin + _STEP < len(starts) else len(kept)
            these = which[kept[mine[0] : last]]
            over = np.bitwise_or.reduceat(beyond[these], mine - mine[0], axis=0)
            over &= ~np.bitwise_or.reduceat(wanted[these], mine - mine[0], axis=0)
            self.types.update(chunk.type[kept[mine[over.any(axis=1)]]].tolist())

    def _table(self, parts: list[tuple[Numbers, slice, Words]], size: int) -> Words:
        found = np.zeros((size, self._rows.callers.rows.shape[1]), dtype=np.uint64)
        for rows, words, bits in parts:
            found[rows, words] = bits
        return found


_STEP = 20_000
"""Groups of rows in one go."""
