"""What all addresses of an environment may do alike: a route holds for a whole principal, wherever its tasks run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from ..access import HttpAccess
from ..proof.sets import Hosts, Services
from .windows import Weeks, both

_MOST = 2_000
"""Boxes that are kept on the way: of more, some stay undeclared, which the proof shows."""


@dataclass(frozen=True, slots=True)
class Box:
    """Hosts × services × times × requests, in one zone."""

    zone: str
    hosts: Hosts
    services: Services
    times: Weeks
    http: tuple[HttpAccess, ...]

    def meet(self, other: "Box") -> "Box | None":
        """What is in both; None where that is nothing, or cannot be said."""
        hosts, services, times = self.hosts & other.hosts, self.services & other.services, both(self.times, other.times)
        same = self.zone == other.zone and self.http == other.http
        return replace(self, hosts=hosts, services=services, times=times) if same and hosts and services and times else None


def shared(whole: Hosts, partial: Sequence[tuple[Hosts, Box]]) -> list[Box]:
    """What every address of `whole` may do, of boxes that hold for some of them each; of each family, what is reached by it."""
    families = (Hosts(v4=Hosts.every().v4), Hosts(v6=Hosts.every().v6))
    return [box for family in families for box in _shared(whole & family, [(mine & family, one) for mine, one in partial])]


def _shared(whole: Hosts, partial: Sequence[tuple[Hosts, Box]]) -> list[Box]:
    partial = [(sources, box) for sources, box in partial if sources]
    found: list[Box] | None = None
    for cell in _cells(whole, [sources for sources, _ in partial]) if partial else ():
        here = [box for sources, box in partial if sources.covers_addresses(cell)]
        met = here if found is None else [one for pair in product(found, here) if (one := pair[0].meet(pair[1])) is not None]
        found = list(dict.fromkeys(met))[:_MOST]
    return found or []


def _cells(whole: Hosts, sets: Iterable[Hosts]) -> list[Hosts]:
    """The parts of a set of addresses that the given sets tell apart."""
    cells = [whole.addresses()]
    for one in dict.fromkeys(sets):
        cells = [part for cell in cells for part in ((cell & one).addresses(), (cell - one).addresses()) if part]
    return cells
