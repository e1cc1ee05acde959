"""What names stand for, in atoms: so that networks within others, port ranges and windows that overlap are seen as such."""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping
from datetime import date
from typing import Any, Generic, TypeVar

from ...proof.sets import Hosts, Intervals, Services, is_network
from .boxes import Box, fewest_boxes

Name = TypeVar("Name", bound=Hashable)

FAMILIES = (4, 6)
ALL = "all"
"""Every address, as FortiOS writes it."""


class Alphabet(Generic[Name]):
    """Some names, the atoms that each stands for, and what can be written with them."""

    def __init__(self, atoms: Mapping[Name, frozenset[Hashable]]) -> None:
        self.atoms = atoms
        self._having: dict[Hashable, list[Name]] = {}
        for name, mine in atoms.items():
            for atom in mine:
                self._having.setdefault(atom, []).append(name)
        self._order = {name: number for number, name in enumerate(atoms)}

    def encode(self, names: Iterable[Name]) -> frozenset[Hashable]:
        """The atoms of names together."""
        return frozenset().union(*(self.atoms[one] for one in names))

    def decode(self, atoms: frozenset[Hashable]) -> list[Name]:
        """The names that lie within a set, without those that lie within another one of them; in the order of the alphabet."""
        near = {one for atom in atoms for one in self._having.get(atom, ())}
        inside = sorted((one for one in near if self.atoms[one] <= atoms), key=self._order.__getitem__)
        return [one for one in inside if not any(self.atoms[one] < self.atoms[other] for other in inside)]


def plain(names: Iterable[Name]) -> Alphabet[Name]:
    """Names that have nothing in common."""
    return Alphabet({one: frozenset({one}) for one in sorted(set(names), key=repr)})


def of_spans(named: Mapping[Name, Intervals]) -> Alphabet[Name]:
    """Names for sets of numbers."""
    cuts = sorted({edge for one in named.values() for first, last in one.spans for edge in (first, last + 1)})
    return Alphabet(
        {
            name: frozenset(
                cuts[place] for first, last in one.spans for place in range(bisect_left(cuts, first), bisect_left(cuts, last + 1))
            )
            for name, one in named.items()
        }
    )


def of_addresses(named: Mapping[Name, Iterable[str]]) -> Alphabet[tuple[Name, int]]:
    """Names for networks, host names and `all`, each of both address families: a host name may be of either."""
    found: dict[tuple[Name, int], frozenset[Hashable]] = {}
    for family in FAMILIES:
        networks = {name: _networks(items, family) for name, items in named.items()}
        spans = {name: one.v4 if family == 4 else one.v6 for name, one in networks.items()}
        numbers = of_spans(spans)
        for name, items in named.items():
            hosts = {item for item in items if item != ALL and not is_network(item)}
            atoms = frozenset((family, one) for one in (*numbers.atoms[name], *hosts))
            if atoms:
                found[name, family] = atoms
    return Alphabet(found)


def of_services(services: Iterable[tuple[str, int, int]]) -> Alphabet[tuple[str, int, int]]:
    """Port ranges; protocols without ports as a whole."""
    return of_spans({one: Services.of(*one).cells for one in sorted(set(services))})


def of_dates(dates: Iterable[date | None]) -> Alphabet[date | None]:
    """Last days, each of which stands for all time until then; None for all time."""
    mentioned = set(dates)
    spans = [*sorted(one for one in mentioned if one is not None), None]
    return Alphabet({one: frozenset(range(number + 1)) for number, one in enumerate(spans) if one in mentioned})


def _networks(items: Iterable[str], family: int) -> Hosts:
    whole = Hosts.every().addresses()
    networks = (whole if item == ALL else Hosts.from_cidr(item) for item in items if item == ALL or is_network(item))
    found = Hosts.union(networks)
    return Hosts(v4=found.v4) if family == 4 else Hosts(v6=found.v6)


GROUPS, SOURCES, HOSTS, SERVICES, WINDOWS, DATES = range(6)
"""The dimensions of what a policy says."""


class Alphabets:
    """All dimensions of some policies."""

    def __init__(self, *alphabets: Alphabet[Any]) -> None:
        self._all = alphabets

    def box(self, origin: int, *names: Iterable[Hashable]) -> Box:
        """The box that names mean, one list for each dimension."""
        return Box(tuple(one.encode(some) for one, some in zip(self._all, names, strict=True)), (origin,))

    def names(self, box: Box) -> list[list[Hashable]]:
        """What a box is written as, in each dimension."""
        return [one.decode(atoms) for one, atoms in zip(self._all, box.sets, strict=True)]

    def fewest(self, boxes: Iterable[Box]) -> list[Box]:
        """The fewest boxes that say the same. A source of one address family never reaches a host of the other."""
        every = [frozenset[Hashable]().union(*one.atoms.values()) for one in self._all]
        free = []
        for family, other in ((4, 6), (6, 4)):
            sets = list(every)
            sets[SOURCES], sets[HOSTS] = _of_family(every[SOURCES], family), _of_family(every[HOSTS], other)
            if all(sets):
                free.append(tuple(sets))
        units = [list(one.atoms.values()) for one in self._all]
        together = [[SOURCES, HOSTS], *([place] for place in (GROUPS, SERVICES, WINDOWS, DATES))]
        return fewest_boxes(boxes, free, units=units, together=together)


def _of_family(atoms: frozenset[Hashable], family: int) -> frozenset[Hashable]:
    return frozenset(one for one in atoms if isinstance(one, tuple) and one[0] == family)
