"""A filter, ready to be evaluated."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..atoms.grid import spread
from ..atoms.space import Box, Boxes, Space
from ..filters import Action, Combine, Filter
from ..sets import Services

DEFAULT = -1
"""Stands for a filter's default where a rule's number is expected."""


@dataclass(frozen=True)
class Reader:
    """A filter, ready to be evaluated: first match in `order` decides, whatever its way to combine."""

    number: int
    filter: Filter
    order: tuple[int, ...]
    """Numbers of the rules that can decide, in the order in which they do."""
    scope: Box
    boxes: Boxes
    """Of each rule in `order`."""
    hosts: NDArray[np.intp]
    """The row of hosts of each rule in `order`."""
    sees: frozenset[str]
    """What its rules look at: environment, source, group, principal, workload; service, operation, time."""

    @cached_property
    def _by_hosts(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The places of the rules by their rows of hosts, and these."""
        places = np.argsort(self.hosts, kind="stable")
        return places, self.hosts[places]

    def places(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """The places, in order, of the rules with these rows of hosts. O(rows × log rules)."""
        places, hosts = self._by_hosts
        begin = np.searchsorted(hosts, rows)
        return np.sort(places[spread(begin, np.searchsorted(hosts, rows, "right") - begin)])

    @classmethod
    def of(cls, number: int, one: Filter, space: Space) -> "Reader":
        """Deny overrides and any allow are first match in another order: denies first, and allows alone."""
        numbers = range(len(one.rules))
        order = list(numbers)
        if one.combine is not Combine.FIRST_MATCH:
            allows = [place for place in numbers if one.rules[place].action is Action.ALLOW]
            denies = [place for place in numbers if one.rules[place].action is Action.DENY]
            order = allows if one.combine is Combine.ANY_ALLOW else denies + allows
        table = space.rules(one).table
        scope, boxes = space.add(one.scope), Boxes(table[order])
        sees = sees_of(space, np.vstack([table, scope]))
        return cls(number, one, tuple(order), scope, boxes, boxes.table[:, Box._fields.index("hosts")], sees)


def sees_of(space: Space, table: NDArray[np.intp]) -> frozenset[str]:
    """What some boxes look at (see `Reader.sees`)."""
    who, _, services, operations, times = (np.unique(column).tolist() for column in table.T)
    whos = [space.who_of(one) for one in who]
    tests = {
        "environment": any(one.environments is not None or one.outside is not None for one in whos),
        "source": any(one.sources is not None for one in whos),
        "group": any(one.groups is not None for one in whos),
        "principal": any(one.principals is not None or one.tasks is not None for one in whos),
        "workload": any(one.workloads is not None for one in whos),
        "service": any(space.services_of(one) != Services.every() for one in services),
        "operation": any(space.operations_of(one) is not None for one in operations),
        "time": any(map(space.times_of, times)),
    }
    return frozenset(name for name, found in tests.items() if found)
