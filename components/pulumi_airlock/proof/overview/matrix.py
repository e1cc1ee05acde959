"""The matrix of principals and destinations: for each pair what is declared, what is let through, and how deep a refusal is."""

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from functools import cached_property
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from ..atoms.instants import Bools
from ..engine.deciding import State
from ..engine.lanes import Callers, Lane, Numbers, Words
from ..findings import Cell, Matrix, Share

_PARTS = ("declared", "undeclared", "passes", "stops", "perhaps")


class Depth:
    """Counts the gates that surely refuse. A lane can have filters of several gates, and a gate filters in several lanes."""

    def __init__(self, lanes: Sequence[Lane], callers: Callers) -> None:
        everybody = callers.packed(np.ones((1, callers.size), dtype=bool))[0]
        of_gates: list[dict[str, Words]] = []
        for one in lanes:
            found: dict[str, Words] = {}
            for reader in one.readers:
                gate = reader.filter.gate
                mine = callers.rows[callers.number[reader.scope.who]] if len(one.readers) > 1 else everybody
                found[gate] = found[gate] | mine if gate in found else mine
            of_gates.append(found)
        self.gates = of_gates
        """Of each lane: gate → its callers, as bits."""
        self._same = [[self._both(earlier, later) for earlier in of_gates[:place]] for place, later in enumerate(of_gates)]

    @staticmethod
    def _both(one: dict[str, Words], other: dict[str, Words]) -> Words | None:
        """The callers for which two lanes are the same gate."""
        both = [one[gate] & other[gate] for gate in one if gate in other]
        return np.bitwise_or.reduce(both) if both else None

    def at_least(self, state: State) -> list[Words]:
        """For each number from 1 on, the callers that so many gates refuse surely; up to the last that has any."""
        found: list[Words] = []
        refused: list[tuple[int, Words]] = []
        for done in state.lanes:
            fresh = mine = done.deny & ~done.allow
            for lane, before in refused:
                same = self._same[done.lane][lane]
                if same is not None:
                    fresh = fresh & ~(before & same[state.words])
            refused.append((done.lane, mine))
            found.append(np.zeros_like(mine))
            for number in range(len(found) - 1, 0, -1):
                found[number] |= found[number - 1] & fresh
            found[0] |= fresh
            if not found[-1].any():
                found.pop()
        return found


class Pairs:
    """Collects the matrix, many rows at a time."""

    def __init__(self, destinations: int, callers: Callers, depth: Depth) -> None:
        self._shape = destinations, callers.rows.shape[1]
        self._callers, self._depth = callers, depth
        self._seen = {name: np.zeros(self._shape, dtype=np.uint64) for name in _PARTS}
        self._shallow: list[Words] = []
        """For each number from 0 on, the callers that at most so many gates refuse, somewhere that is not declared."""

    def add(self, state: State, row: Numbers, destination: Numbers) -> None:
        """Takes in rows (of the state) that lie in destinations."""
        order = np.argsort(destination, kind="stable")
        row, destination = row[order], destination[order]
        if not len(row):
            return
        starts = np.flatnonzero(np.diff(destination, prepend=-1) > 0)
        into = destination[starts]

        def collect(found: Words, bits: Words) -> None:
            found[into, state.words] |= np.bitwise_or.reduceat(bits[row], starts, axis=0)

        # Whether a name that no rule knows gets through, its addresses tell; that it does not, is known.
        known = state.considered & (state.declared | state.named | ~state.possible)
        undeclared = known & ~state.declared & ~state.own
        parts = (
            known & state.declared,
            undeclared,
            known & ~state.denied,
            known & state.denied,
            known & state.possible & state.denied,
        )
        for name, bits in zip(_PARTS, parts, strict=True):
            collect(self._seen[name], bits)
        for number, deeper in enumerate(chain(self._depth.at_least(state), repeat(None))):
            if number == len(self._shallow):
                self._shallow.append(np.zeros(self._shape, dtype=np.uint64))
            collect(self._shallow[number], undeclared if deeper is None else undeclared & ~deeper)
            if deeper is None:
                break

    def matrix(self, members: Mapping[str, Bools], destinations: Sequence[str]) -> Matrix:
        """The matrix of everything that was taken in. `members`: principal → the subjects that it is."""
        table = np.array(list(members.values()), dtype=bool).reshape(len(members), self._callers.size)
        masks = self._callers.packed(table)

        def of_principals(bits: Words) -> Bools:
            found = np.zeros((len(members), len(destinations)), dtype=bool)
            by_word = np.ascontiguousarray(bits.T)
            for mask, row in zip(masks, found, strict=True):
                for word in np.flatnonzero(mask):
                    row |= (by_word[word] & mask[word]) > 0
            return found

        seen = {name: of_principals(bits) for name, bits in self._seen.items()}
        depth = np.full((len(members), len(destinations)), len(self._shallow), dtype=np.int8)
        for number in reversed(range(len(self._shallow))):
            depth[of_principals(self._shallow[number])] = number
        declared = _share(seen["declared"], seen["undeclared"])
        allowed = _share(seen["passes"], seen["stops"])
        codes = ((depth.astype(np.uint16) * 2 + seen["perhaps"]) * 3 + allowed) * 3 + declared
        cells = [
            Cell(declared=one, allowed=other, possible=possible, depth=deep)
            for deep in (*range(len(self._shallow)), None)
            for possible in (False, True)
            for other in _SHARES
            for one in _SHARES
        ]
        return Matrix(tuple(members), tuple(destinations), Cells(tuple(members), tuple(destinations), codes, cells))


_SHARES = (Share.NONE, Share.PART, Share.ALL)


def _share(some: Bools, rest: Bools) -> NDArray[np.uint8]:
    """Places in `_SHARES`."""
    found: NDArray[np.uint8] = some.astype(np.uint8) * (np.uint8(2) - rest.astype(np.uint8))
    return found


class Cells(Mapping[tuple[str, str], Cell]):
    """(principal, destination) → cell. A large matrix has few different cells: each is kept once."""

    def __init__(
        self, principals: tuple[str, ...], destinations: tuple[str, ...], codes: NDArray[np.uint16], cells: Sequence[Cell]
    ) -> None:
        """`codes`: for each principal (row) and destination (column) a place in `cells`."""
        self._principals, self._destinations = principals, destinations
        self._codes, self._cells = codes, tuple(cells)

    @cached_property
    def _places(self) -> tuple[dict[str, int], dict[str, int]]:
        return _numbered(self._principals), _numbered(self._destinations)

    def __getitem__(self, pair: tuple[str, str]) -> Cell:
        principals, destinations = self._places
        principal, destination = pair
        try:
            return self._cells[int(self._codes[principals[principal], destinations[destination]])]
        except KeyError:
            raise KeyError(pair) from None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for one in self._principals:
            yield from zip(repeat(one), self._destinations)

    def __len__(self) -> int:
        return len(self._principals) * len(self._destinations)

    def values(self) -> "_Values":
        """All cells."""
        return _Values(self)

    def items(self) -> "_Items":
        """All pairs, each with its cell."""
        return _Items(self)

    def in_order(self) -> Iterator[Cell]:
        """All cells, principal by principal."""
        for row in self._codes:
            yield from map(self._cells.__getitem__, row.tolist())

    def __repr__(self) -> str:
        return f"<{len(self._principals)} principals × {len(self._destinations)} destinations>"


class _Values(ValuesView[Cell]):
    """Without a look-up for each."""

    def __init__(self, cells: Cells) -> None:
        super().__init__(cells)
        self._found = cells

    def __iter__(self) -> Iterator[Cell]:
        return self._found.in_order()


class _Items(ItemsView[tuple[str, str], Cell]):
    """Without a look-up for each."""

    def __init__(self, cells: Cells) -> None:
        super().__init__(cells)
        self._found = cells

    def __iter__(self) -> Iterator[tuple[tuple[str, str], Cell]]:
        return zip(self._found, self._found.in_order(), strict=True)


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}
