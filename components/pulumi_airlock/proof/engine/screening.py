"""At which classes of hosts anything can be a finding: all of them at once, so that only these are looked at in detail.

Exact for the same question as `sweep.Group`: is some considered point let through perhaps though nothing declares it, or declared
and not surely let through? It is asked of the table of `rows`.
"""

import sys
from collections.abc import Iterator

import numpy as np

from ..atoms.instants import Bools
from .rows import Rows, TooMuchError
from .sweep import Sweep


def doubtful(sweep: Sweep, budget: int | None = None) -> dict[int, Bools]:
    """The classes of hosts where something can be a finding, each with the atoms of services (`space.service`) at which.

    A class that is missing has no excess, nothing blocked and nothing unproven. Past the `budget` (by default one that grows
    with the number of rules) diagrams answer the same; where these need too much memory, the screen goes on whatever it takes.
    """
    try:
        return dict(_found(Rows(sweep, budget)))
    except TooMuchError:
        # Only here is a proof large enough for the library to be worth its loading.
        from .diagrams import doubtful as by_diagrams

    try:
        return by_diagrams(sweep)
    except MemoryError:
        return dict(_found(Rows(sweep, sys.maxsize)))


def _found(rows: Rows) -> Iterator[tuple[int, Bools]]:
    masks = dict(_types(rows))
    for one, places in rows.classes(masks):
        for place in places:
            yield place, masks[one]


def _types(rows: Rows) -> Iterator[tuple[int, Bools]]:
    for chunk in rows.chunks():
        hit = np.flatnonzero(rows.deciding.wrong(chunk.row, chunk.item, chunk.perhaps, chunk.kind, chunk.idle))
        for one in np.unique(chunk.type[hit]).tolist():
            yield one, rows.mask(one, frozenset(np.unique(chunk.service[hit[chunk.type[hit] == one]]).tolist()))
