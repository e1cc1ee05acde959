"""What holds for pairs of principal and destination: the matrix with its depth, and which gate tells principals apart."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..access.model import Access
from .declared import Grant
from .findings import Cell, Identity, Matrix, Share
from .instants import Bools
from .space import Box, Cut, Space
from .sweep import Group

_DEEP = 120
"""Deeper than any path: stands for "nothing undeclared here"."""


class Members:
    """Which classes of subjects a declared principal has a part in."""

    def __init__(self, space: Space) -> None:
        self._members = space.subjects.members
        self.names = tuple(self._members)
        self._table = np.array(list(self._members.values()), dtype=bool).reshape(len(self.names), len(space.subjects))
        self._known: dict[int, tuple[Cut, Bools]] = {}

    def of(self, cut: Cut) -> Bools:
        """Principals × classes."""
        found = self._known.get(id(cut))
        if found is None:
            table = np.zeros((len(self.names), len(cut.first)), dtype=bool)
            rows, atoms = np.nonzero(self._table)
            table[rows, cut.inverse[atoms]] = True
            found = self._known[id(cut)] = (cut, table)
        return found[1]


class Pairs:
    """Collects the matrix, group by group."""

    def __init__(self, access: Access, space: Space, members: Members, destinations: Sequence[Box]) -> None:
        self._members = members
        self._boxes = destinations
        self._names = tuple(one.name for one in access.destinations)
        size = (len(members.names), len(self._names))
        self._seen = {
            key: np.zeros(size, dtype=bool) for key in ("exists", "declared", "undeclared", "passes", "stops", "perhaps")
        }
        self._depth = np.full(size, _DEEP, dtype=np.int8)

    def add(self, group: Group, here: Sequence[int]) -> None:
        """Takes in a group that lies in these destinations."""
        if not here:
            return
        local = group.local
        members = self._members.of(local.who)
        # Whether a name that no rule knows gets through, its addresses tell; that it does not, is known.
        known = group.considered
        if group.named is not None:
            known = known & (group.declared | group.named | ~group.possible)
        refusals = np.zeros(local.shape, dtype=np.int8)
        for refused in group.by_gate.values():
            refusals += refused
        for number in here:
            points = known & local.service.rows[self._boxes[number].services][:, None, None]
            undeclared = points & ~group.declared & ~group.own
            parts = {
                "exists": points,
                "declared": points & group.declared,
                "undeclared": undeclared,
                "passes": points & group.definite,
                "stops": points & ~group.definite,
                "perhaps": points & group.possible & ~group.definite,
            }
            for key, part in parts.items():
                self._seen[key][:, number] |= members @ part.any(axis=(1, 2, 3))
            depth = np.where(undeclared, refusals, _DEEP).min(axis=(1, 2, 3))
            self._depth[:, number] = np.minimum(
                self._depth[:, number], np.where(members, depth, _DEEP).min(axis=1, initial=_DEEP)
            )

    def matrix(self) -> Matrix:
        """The matrix of everything that was taken in."""
        cells = {
            (principal, destination): self._cell(row, column)
            for row, principal in enumerate(self._members.names)
            for column, destination in enumerate(self._names)
        }
        return Matrix(self._members.names, self._names, cells)

    def _cell(self, row: int, column: int) -> Cell:
        seen = {key: bool(table[row, column]) for key, table in self._seen.items()}
        depth = int(self._depth[row, column])
        return Cell(
            declared=_share(seen["declared"], seen["undeclared"]),
            allowed=_share(seen["passes"], seen["stops"]),
            possible=seen["perhaps"],
            depth=None if depth == _DEEP else depth,
        )


def _share(some: bool, rest: bool) -> Share:
    if not some:
        return Share.NONE
    return Share.PART if rest else Share.ALL


class Identities:
    """Collects, per route and destination, which gates refuse everybody else."""

    def __init__(self, grants: Sequence[Grant]) -> None:
        self._grants = grants
        self._full: dict[tuple[str, str], dict[str, bool]] = {}
        self._some: dict[tuple[str, str], dict[str, bool]] = {}

    def add(self, group: Group) -> None:
        """Takes in a group. Names that also have addresses are judged by these."""
        others = group.considered & ~group.declared & ~group.own
        for number, granted in group.grants:
            grant = self._grants[number]
            if group.place.name is not None and grant.destination.cidrs:
                continue
            here = granted & group.considered
            if not here.any():
                continue
            strangers = others & here.any(axis=0)
            key = (grant.route.name, grant.destination.name)
            full, some = self._full.setdefault(key, {}), self._some.setdefault(key, {})
            for gate, refused in group.by_gate.items():
                full[gate] = full.get(gate, True) and not (strangers & ~refused).any()
                some[gate] = some.get(gate, False) or bool((strangers & refused).any())

    def all(self) -> tuple[Identity, ...]:
        """One for each route and destination with a path, in the file's order."""
        order = {(one.route.name, one.destination.name): None for one in self._grants}
        return tuple(
            Identity(
                *key,
                gates=tuple(gate for gate, every in self._full[key].items() if every and self._some[key][gate]),
                partly=tuple(gate for gate, every in self._full[key].items() if not every and self._some[key][gate]),
            )
            for key in order
            if key in self._full
        )


class Sight:
    """What a gate can tell apart: it cannot be asked to refuse a point that looks to it like a declared one."""

    def __init__(self, space: Space) -> None:
        self._subjects = space.subjects.all
        self._known: dict[tuple[int, frozenset[str]], tuple[Cut, NDArray[np.float32]]] = {}
        self._looks: dict[frozenset[str], NDArray[np.intp]] = {}

    def blur(self, wanted: Bools, cut: Cut, sees: frozenset[str]) -> Bools:
        """All points that a gate which sees only `sees` cannot tell from the wanted ones. Broadcasts to the same shape."""
        for axis, what in ((1, "service"), (2, "operation"), (3, "time")):
            if what not in sees:
                wanted = np.any(wanted, axis=axis, keepdims=True)
        flat = wanted.reshape(len(wanted), -1).astype(np.float32)
        looks = self._alike(cut, sees)
        seen = (looks @ flat > 0).astype(np.float32)
        found: Bools = np.asarray(looks.T @ seen > 0).reshape(wanted.shape)
        return found

    def _alike(self, cut: Cut, sees: frozenset[str]) -> NDArray[np.float32]:
        """Looks × classes of subjects: which classes hold a subject that looks so."""
        key = (id(cut), sees & {"environment", "source", "group", "principal"})
        found = self._known.get(key)
        if found is None:
            looks = self._looks_to(key[1])
            table = np.zeros((int(looks.max(initial=-1)) + 1, len(cut.first)), dtype=np.float32)
            table[looks, cut.inverse] = 1
            found = self._known[key] = (cut, table)
        return found[1]

    def _looks_to(self, sees: frozenset[str]) -> NDArray[np.intp]:
        """A number for each subject: the same for those that look the same."""
        found = self._looks.get(sees)
        if found is None:
            codes: dict[tuple[object, ...], int] = {}
            numbers = [codes.setdefault(_look(one, sees), len(codes)) for one in self._subjects]
            found = self._looks[sees] = np.array(numbers, dtype=np.intp)
        return found


def _look(one: object, sees: frozenset[str]) -> tuple[object, ...]:
    fields: Mapping[str, str] = {"environment": "environment", "source": "cell", "group": "group", "principal": "principals"}
    return tuple(getattr(one, field) if name in sees else None for name, field in fields.items())
