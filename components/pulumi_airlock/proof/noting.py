"""How what is found at a class of hosts is kept: under which destination and kind of caller, by its most telling point."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..access.model import Access
from .atoms.instants import Bools
from .atoms.places import SURE
from .atoms.space import Box, Space
from .atoms.subjects import OUTSIDE
from .drafts import Draft, Sighting
from .engine.group import Group
from .engine.walk import first
from .overview.overgrants import elsewhere

Drafts = dict[tuple[object, ...], Draft]
"""What one finding is about → the finding so far."""


class Notes:
    """Keeps drafts of one proof."""

    def __init__(self, access: Access, space: Space, destinations: Sequence[Box]) -> None:
        self._access, self._space, self._destinations = access, space, destinations
        self._labels: dict[int, tuple[object, list[dict[str, list[int]]]]] = {}

    @cached_property
    def _of_destinations(self) -> NDArray[np.intp]:
        """The row of hosts of each destination."""
        return np.array([box.hosts for box in self._destinations], dtype=np.intp)

    def here(self, group: Group) -> list[int]:
        """The destinations that a class of hosts surely lies in."""
        column = self._space.places.column(group.number)
        found: list[int] = np.flatnonzero(column[self._of_destinations] & 3 == SURE).tolist()
        return found

    def note(
        self,
        into: Drafts,
        key: tuple[object, ...],
        blank: Callable[[Sighting], Draft],
        group: Group,
        here: Sequence[int],
        points: Bools,
        atom: int | None = None,
    ) -> Draft:
        """The draft under a key, new or known, with the most telling point so far."""
        rank, telling = self._telling(group, here, points)
        known = into.get(key)
        if known is None or rank < known.seen.rank:
            seen = Sighting(group, first(group, telling, atom), rank)
            if known is None:
                known = into[key] = blank(seen)
            known.seen = seen
        return known

    def _telling(self, group: Group, here: Sequence[int], points: Bools) -> tuple[int, Bools]:
        """The points that say most, and how much that is: on a declared port of a destination rather than on any."""
        for number in here:
            declared = points & group.local.service.rows[self._destinations[number].services][:, None, None]
            if declared.any():
                return 0, declared
        return (1 if here else 2), points

    def origins(self, group: Group) -> list[dict[str, list[int]]]:
        """For each class of subjects its atoms, by the kind of caller: tasks, people, the outside."""
        cut = group.local.who
        found = self._labels.get(id(cut))
        if found is None:
            table: list[dict[str, list[int]]] = [{} for _ in cut.first]
            for atom, which in enumerate(cut.inverse):
                subject = self._space.subjects.all[atom]
                origin = "tasks" if subject.environment else "people" if subject.principals else OUTSIDE
                table[which].setdefault(origin, []).append(atom)
            found = self._labels[id(cut)] = (cut, table)
        return found[1]

    def destination(self, group: Group, here: Sequence[int], points: Bools) -> str:
        """The destination that points belong to: one with their service, else one with their host, else where they are."""
        services = points.any(axis=(0, 2, 3))
        for number in here:
            if (services & group.local.service.rows[self._destinations[number].services]).any():
                return self._access.destinations[number].name
        if here:
            return self._access.destinations[here[0]].name
        return elsewhere(group.place.zone)
