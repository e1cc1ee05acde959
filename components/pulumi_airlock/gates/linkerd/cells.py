"""Cuts the requests that are wanted at one port into routes, so that the route that takes a request names all its callers.

Of a request only one route counts, the one that matches it best (`requests`). So a route has to let in whoever may send what it
takes, also those who asked for more; and what is taken out of somebody's requests is a route of its own, without them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations

from ...proof.filters import HttpOperation

EVERYTHING = ("*", "/*")


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Requests that one route takes: a method, or `*`; a path, or one with `/*` at its end."""

    method: str
    path: str

    @property
    def everything(self) -> bool:
        """Whether it is of every path: of all routes it counts last."""
        return self.path in EVERYTHING

    def within(self, other: "Cell") -> bool:
        """Whether all its requests are another's too."""
        return other.method in ("*", self.method) and _inside(self.path, other.path)

    def meet(self, other: "Cell") -> "Cell | None":
        """The requests of both; None where there are none."""
        if "*" not in (self.method, other.method) and self.method != other.method:
            return None
        path = self.path if _inside(self.path, other.path) else other.path if _inside(other.path, self.path) else None
        return None if path is None else Cell(self.method if self.method != "*" else other.method, path)


def _inside(path: str, other: str) -> bool:
    return other in EVERYTHING or path == other or fnmatchcase(path, other)


Wishes = Mapping[str, frozenset[HttpOperation]]
"""Caller → the requests that it may send."""


def cells(wishes: Wishes, more: Iterable[Cell] = ()) -> list[Cell]:
    """The cells of a port, closed under intersection, so that every request has a smallest one. O(cells²) a round."""
    found = {cell for operations in wishes.values() for one in operations for cell in _of(one)} | set(more)
    while True:
        meets = {meet for one, two in combinations(sorted(found), 2) if (meet := one.meet(two)) is not None}
        if meets <= found:
            return sorted(found)
        found |= meets


def callers(cell: Cell, wishes: Wishes) -> frozenset[str]:
    """Who may send the requests of a cell that no smaller one takes."""
    return frozenset(name for name, operations in wishes.items() if any(_covers(one, cell) for one in operations))


def undecided(found: Sequence[Cell], wishes: Wishes) -> Iterator[tuple[Cell, Cell]]:
    """Cells of which Linkerd takes the older one for a request of both, though different callers may send it."""
    for one, two in combinations(found, 2):
        meet = one.meet(two)
        alike = not (one.everything or two.everything) or "/" in (one.path, two.path)
        same_method = (one.method == "*") == (two.method == "*")
        if meet is not None and alike and same_method and callers(one, wishes) != callers(two, wishes):
            yield one, two


def _of(one: HttpOperation) -> Iterator[Cell]:
    yield Cell(one.method, one.path)
    for path in one.not_paths:
        yield Cell(one.method, path)
    for method in one.not_methods:
        yield Cell(method, one.path)


def _covers(one: HttpOperation, cell: Cell) -> bool:
    """Whether an operation has what a cell takes: what is taken out of it are cells of their own."""
    if not cell.within(Cell(one.method, one.path)) or cell.method in one.not_methods:
        return False
    return not any(_inside(cell.path, path) for path in one.not_paths)
