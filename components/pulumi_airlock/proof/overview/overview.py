"""What holds everywhere and fails no proof, for all classes of hosts at once: the matrix, which gates tell principals apart,
which routes hold, and where a filter may grant more than is declared.
"""

import sys
from collections.abc import Mapping, Sequence

import numpy as np

from ...access.model import Access
from ..atoms.instants import Bools
from ..atoms.space import Box
from ..declared import Grant
from ..engine.lanes import Numbers
from ..engine.rows import Rows
from ..engine.sight import Sight
from ..engine.sweep import Sweep
from ..findings import Identity, Matrix
from .holding import Held, Holding
from .identities import Identities
from .matrix import Depth, Pairs
from .overgrants import Overgrants, Stopped

_CHUNK = 250_000
"""Pairs of a rule and a row that are looked at in one go."""


class Overview:
    """One look at all rows."""

    def __init__(self, sweep: Sweep, grants: Sequence[Grant], destinations: Sequence[Box], sight: Sight) -> None:
        rows = Rows(sweep, sys.maxsize, every_service=True)
        table = np.array([*destinations], dtype=np.intp).reshape(-1, len(Box._fields))
        self._table = table
        boxes = sweep.granted
        depth = Depth(rows.lanes, rows.callers)
        self._grants = grants
        self._pairs = Pairs(len(destinations), rows.callers, depth)
        self._identities = Identities(sweep, grants, boxes, rows.lanes, depth.gates, rows.callers)
        self._overgrants = Overgrants(rows, sweep, sight, depth.gates)
        of_destinations, of_grants = Holding(rows, table, at_times=False), Holding(rows, boxes.table, at_times=True)
        for chunk in rows.chunks(_CHUNK):
            first, which, states = rows.deciding.states(chunk.row, chunk.item, chunk.perhaps, chunk.kind, chunk.idle, lanes=True)
            met, granted = (_distinct(one.within(chunk), which) for one in (of_destinations, of_grants))
            self._overgrants.begin(len(first))
            at = np.full(len(first), -1, dtype=np.intp)
            for state in states:
                at[state.rows] = np.arange(len(state.rows))
                row, box, _ = _among(at, met)
                self._pairs.add(state, row, box)
                self._identities.add(state, *_among(at, granted))
                self._overgrants.add(state)
                at[state.rows] = -1
            self._overgrants.end(chunk, which)

    def overgrants(self, access: Access) -> tuple[dict[tuple[int, int], Stopped], list[int]]:
        """By (filter, rule) what it grants beyond what is declared, and other gates stop.

        And the classes of hosts that are not in it, since they are to be looked at in detail.
        """
        return self._overgrants.all(self._table, [one.name for one in access.destinations])

    def matrix(self, access: Access, members: Mapping[str, Bools]) -> Matrix:
        """`members`: principal → the subjects that it is."""
        return self._pairs.matrix(members, [one.name for one in access.destinations])

    def identity(self) -> tuple[Identity, ...]:
        """Of each route and destination with a path."""
        return self._identities.all()

    def alive(self) -> set[str]:
        """The routes that hold any point."""
        return {self._grants[each].route.name for each in np.flatnonzero(self._identities.holds).tolist()}


def _distinct(held: Held, which: Numbers) -> Held:
    """By the rows where different things are decided."""
    row = which[held.row]
    order = np.lexsort((held.place, held.box, row))
    row, box, place = row[order], held.box[order], held.place[order]
    new = (np.diff(row, prepend=-1) > 0) | (np.diff(box, prepend=-1) != 0)
    return Held(row[new], box[new], place[new])


def _among(at: Numbers, held: Held) -> tuple[Numbers, Numbers, Numbers]:
    """The rows (by their places in a state), boxes and classes of a state's rows."""
    row = at[held.row]
    mine = row >= 0
    return row[mine], held.box[mine], held.place[mine]
