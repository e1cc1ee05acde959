"""Which gates tell a route's principals apart from everybody who has no such route, and which routes hold at all."""

from collections.abc import Sequence

import numpy as np

from ..atoms.instants import Bools
from ..atoms.space import Box, Boxes
from ..declared import Grant
from ..engine.deciding import State
from ..engine.lanes import Callers, Lane, Numbers, Words
from ..engine.sweep import Sweep
from ..findings import Identity


def along(sweep: Sweep, gates: Sequence[str]) -> Numbers:
    """In which order the gates stand on the path into each zone. Shape (zones, gates)."""
    paths = [list(dict.fromkeys(one.filter.gate for one in sweep.path(zone))) for zone in sweep.space.places.zones]
    order = [[path.index(gate) if gate in path else len(gates) for gate in gates] for path in paths]
    return np.array(order, dtype=np.intp).reshape(len(paths), len(gates))


_NEVER = np.iinfo(np.int64).max


class Identities:
    """Collects, per route and destination, which gates refuse everybody else; many rows at a time."""

    def __init__(
        self,
        sweep: Sweep,
        grants: Sequence[Grant],
        boxes: Boxes,
        lanes: Sequence[Lane],
        gates: Sequence[dict[str, Words]],
        callers: Callers,
    ) -> None:
        """`boxes`: of each grant. `gates`: of each lane, gate → its callers."""
        self._grants, self._callers = grants, callers
        self._places = sweep.space.places
        self._gates = list(dict.fromkeys(gate for one in gates for gate in one))
        self._of_lanes = [[(self._gates.index(gate), mine) for gate, mine in one.items()] for one in gates]
        self._who = callers.number[boxes.table[:, Box._fields.index("who")]]
        keys: dict[tuple[str, str], int] = {}
        names = [(one.route.name, one.destination.name) for one in grants]
        self._key = np.array([keys.setdefault(name, len(keys)) for name in names], dtype=np.intp)
        self._keys = list(keys)
        self._by_address = np.array([bool(one.destination.cidrs) for one in grants], dtype=bool)
        shape = len(keys), len(self._gates)
        self._known = np.zeros(len(keys), dtype=bool)
        self._full, self._some = np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool)
        self._order = np.full(shape, _NEVER, dtype=np.int64)
        """When each gate is first met: by the class of hosts, then along the path."""
        self._along = along(sweep, self._gates)
        self.holds = np.zeros(len(grants), dtype=bool)
        """Which grants hold any point."""

    def add(self, state: State, row: Numbers, grant: Numbers, place: Numbers) -> None:
        """Takes in rows (of the state) that grants hold; `place`: the first class of hosts of these."""
        his = self._callers.rows[self._who[grant], state.words]
        here = np.flatnonzero((his & state.considered[row]).any(axis=1))
        self.holds[grant[here]] = True
        # Names that also have addresses are judged by these.
        here = here[~(self._by_address[grant[here]] & self._places.kinds.is_name[place[here]])]
        if not len(here):
            return
        used, row = np.unique(row[here], return_inverse=True)
        key, place = self._key[grant[here]], place[here]
        order = np.argsort(key, kind="stable")
        row, key, place = row[order], key[order], place[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1) > 0)
        into = key[starts]
        self._known[into] = True
        there, refuses, lets = self._by_gate(state, used)
        self._full[into] &= np.logical_and.reduceat(~lets[row], starts, axis=0)
        self._some[into] |= np.logical_or.reduceat(refuses[row], starts, axis=0)
        first = place[:, None] * (len(self._gates) + 1) + self._along[self._places.kinds.zone[place]]
        found = np.minimum.reduceat(np.where(there[row], first, _NEVER), starts, axis=0)
        self._order[into] = np.minimum(self._order[into], found)

    def _by_gate(self, state: State, used: Numbers) -> tuple[Bools, Bools, Bools]:
        """Rows × gates: those on the path, those that refuse some others, and those on the path that do not refuse all others."""
        others = (state.considered & ~state.declared & ~state.own)[used]
        shape = len(used), len(self._gates)
        there, refused = np.zeros(shape, dtype=bool), [np.zeros((0, 0), dtype=np.uint64)] * len(self._gates)
        for done in state.lanes:
            mine = (done.deny & ~done.allow)[used] & others
            for gate, callers in self._of_lanes[done.lane]:
                there[:, gate] |= done.there[used]
                his = mine & callers[state.words]
                refused[gate] = refused[gate] | his if len(refused[gate]) else his
        refuses, lets = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        for gate, his in enumerate(refused):
            if len(his):
                refuses[:, gate] = his.any(axis=1)
                lets[:, gate] = there[:, gate] & (his != others).any(axis=1)
        return there, refuses, lets

    def all(self) -> tuple[Identity, ...]:
        """One for each route and destination with a path, in the file's order."""
        return tuple(self._one(number) for number in np.flatnonzero(self._known).tolist())

    def _one(self, number: int) -> Identity:
        order = self._order[number]
        met = [gate for gate in np.argsort(order, kind="stable").tolist() if order[gate] < _NEVER and self._some[number, gate]]
        return Identity(
            *self._keys[number],
            gates=tuple(self._gates[gate] for gate in met if self._full[number, gate]),
            partly=tuple(self._gates[gate] for gate in met if not self._full[number, gate]),
        )
