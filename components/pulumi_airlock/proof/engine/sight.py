"""Who is who: the subjects that a declared principal is, and those that a gate cannot tell apart."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..atoms.instants import Bools
from ..atoms.space import Cut, Space

_WHO = frozenset({"environment", "source", "group", "principal", "workload"})
"""What a gate may see of a caller."""


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


class _Alike(NamedTuple):
    """Which classes hold a subject that looks so: pairs of a look and a class, once by look and once by class."""

    classes: NDArray[np.intp]
    """Of the pairs, by look."""
    of_look: NDArray[np.intp]
    """Where each look's pairs begin."""
    looks: NDArray[np.intp]
    """Of the pairs, by class."""
    of_class: NDArray[np.intp]
    """Where each class's pairs begin."""


class Sight:
    """What a gate can tell apart: it cannot be asked to refuse a point that looks to it like a declared one."""

    def __init__(self, space: Space) -> None:
        self._subjects = space.subjects.all
        self._known: dict[tuple[int, frozenset[str]], tuple[Cut, _Alike]] = {}
        self._looks: dict[frozenset[str], NDArray[np.intp]] = {}

    def blur(self, wanted: Bools, cut: Cut, sees: frozenset[str]) -> Bools:
        """All points that a gate which sees only `sees` cannot tell from the wanted ones. Broadcasts to the same shape."""
        for axis, what in ((1, "service"), (2, "operation"), (3, "time")):
            if what not in sees:
                wanted = np.any(wanted, axis=axis, keepdims=True)
        # Bits and ORs, not a product of matrices: a proof leaves nothing to the arithmetic of floats.
        shape, flat = wanted.shape, np.packbits(wanted.reshape(len(wanted), -1), axis=1)
        alike = self._alike(cut, sees)
        seen = np.bitwise_or.reduceat(flat[alike.classes], alike.of_look, axis=0)
        blurred = np.bitwise_or.reduceat(seen[alike.looks], alike.of_class, axis=0)
        found: Bools = np.unpackbits(blurred, axis=1, count=int(np.prod(shape[1:]))).astype(bool).reshape(shape)
        return found

    def looks(self, sees: frozenset[str]) -> NDArray[np.intp]:
        """A number for each subject: the same for those that look the same to a gate which sees only `sees`."""
        return self._looks_to(sees & _WHO)

    def _alike(self, cut: Cut, sees: frozenset[str]) -> _Alike:
        key = (id(cut), sees & _WHO)
        found = self._known.get(key)
        if found is None:
            # Every look is some subject's, and every class has one: no row of the two is without a pair.
            looks, classes = np.unique(np.stack([self._looks_to(key[1]), cut.inverse]), axis=1)
            by_class = np.argsort(classes, kind="stable")
            alike = _Alike(
                classes,
                np.flatnonzero(np.diff(looks, prepend=-1)),
                looks[by_class],
                np.flatnonzero(np.diff(classes[by_class], prepend=-1)),
            )
            found = self._known[key] = (cut, alike)
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
    fields: Mapping[str, str] = {
        "environment": "environment",
        "source": "cell",
        "group": "group",
        "principal": "principals",
        "workload": "workloads",
    }
    return tuple(getattr(one, field) if name in sees else None for name, field in fields.items())
