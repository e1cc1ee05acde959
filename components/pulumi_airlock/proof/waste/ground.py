"""The ground that the rules of one filter, or all routes, stand on: their own atoms, and every match as boxes over these.

Beside the proof's space, this one is cut by few rules, and it takes for granted nothing but what the stack says: people may come
from anywhere, and a date counts however far ahead it is. What is covered here is covered wherever the proof looks.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from ...access.model import Access
from ..atoms.globs import region_of, regions
from ..atoms.places import representative
from ..filters import Environment, HttpOperation, Match
from ..sets import Hosts, Names
from .boxes import Box
from .calendar import Calendar
from .callers import Callers
from .lines import Addresses, Line

SOURCE, KIND, HOST, SERVICE, OPERATION, TIME = range(6)
"""The dimensions of a box."""

_CELLS = 256 * 65536 - 1
_FRESH = "\x00"
"""A name that nobody mentions."""


class Ground:
    """The atoms of some matches.

    A name may have several addresses, and which is not known: what a rule does there by address it does at the address too, so
    that a name is a place of its own only for rules that name it. Hence four readings of a rule's hosts: those for which another
    rule has to step in (`needs`), where it surely matches (`sure`), where it may match anything (`touch`), and what it `says`.
    """

    def __init__(self, access: Access, environments: Sequence[Environment], matches: Iterable[Match], at: datetime) -> None:
        listed = list(matches)
        hosts = list(dict.fromkeys(one.hosts for one in listed))
        self._declare(access, hosts)
        self.calendar = Calendar((one.times for one in listed), at)
        self.callers = Callers(access, environments, (one.who for one in listed), self.calendar.runs)
        self.addresses = Addresses([*hosts, *self._may.values(), *self._aliases.values()])
        self.services = Line((one.services.cells for one in listed), _CELLS)
        self._operations(one.operations for one in listed)
        names = ((1 << len(self._names)) - 1) << len(self.addresses)
        self.full: Box = (
            self.callers.addresses.full,
            (1 << len(self.callers.kinds)) - 1,
            self.addresses.full | names,
            self.services.full,
            (1 << len(self.operations)) - 1,
            self.calendar.full,
        )
        self._hosts: dict[Hosts, tuple[int, int, int, int]] = {}

    def _declare(self, access: Access, hosts: Sequence[Hosts]) -> None:
        zones = {name: Hosts.from_cidrs(zone.cidrs) for name, zone in access.zones.items()}
        mentioned = frozenset[str]().union(*(one.names.mentioned() for one in hosts))
        known = Names(mentioned)
        self._may: dict[str, Hosts] = {}
        self._aliases: dict[str, Hosts] = {}
        for one in access.destinations:
            theirs = Hosts.from_cidrs(one.cidrs)
            for host in map(representative, one.hosts):
                if host in known or host in map(representative, mentioned):
                    self._aliases[host] = self._aliases.get(host, Hosts()) | theirs
                    may = theirs or zones.get(one.zone, Hosts()) or Hosts.every().addresses()
                    self._may[host] = self._may.get(host, Hosts()) | may
        for pattern in sorted(mentioned):
            self._may.setdefault(representative(pattern), Hosts.every().addresses())
        self._names = sorted(self._may)

    def _operations(self, sets: Iterable[frozenset[HttpOperation] | None]) -> None:
        """An example of each class of requests; None is traffic that is not HTTP."""
        mentioned = sorted({one for found in sets if found is not None for one in found}, key=lambda one: (one.method, one.path))
        self.operations: list[HttpOperation | None] = [None]
        self._paths = sorted({path for one in mentioned for path in (one.path, *one.not_paths)})
        if not mentioned:
            return
        methods = sorted({method for one in mentioned for method in (one.method, *one.not_methods)} - {"*"})
        other = next(one for one in ("POST", "GET", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE") if one not in methods)
        words = [word for key, word in regions([("/*",), *((path,) for path in self._paths)]).items() if 0 in key]
        self.operations += [HttpOperation(method, word) for method in (*methods, other) for word in sorted(words)]

    def _asked(self, operations: frozenset[HttpOperation] | None) -> int:
        if operations is None:
            return self.full[OPERATION]
        found = 0
        for number, one in enumerate(self.operations):
            if one is None:
                continue
            paths = {self._paths[place] for place in region_of([(path,) for path in self._paths], one.path)}
            if any(each.holds(one.method, paths) for each in operations):
                found |= 1 << number
        return found

    def _readings(self, hosts: Hosts) -> tuple[int, int, int, int]:
        """`needs`, `sure`, `touch` and `says` of a set of hosts."""
        found = self._hosts.get(hosts)
        if found is None:
            found = self._hosts[hosts] = self._read(hosts)
        return found

    def _read(self, hosts: Hosts) -> tuple[int, int, int, int]:
        plain, line = hosts.addresses(), self.addresses
        fresh = _FRESH in hosts.names
        needs = touch = sure = line.bits(plain)
        for number, name in enumerate(self._names, len(line)):
            may, named = self._may[name], name in hosts.names
            if named and not fresh:
                needs |= 1 << number | line.bits(self._aliases.get(name, Hosts()))
                touch |= 1 << number | line.bits(may)
                sure |= 1 << number
            elif named == fresh:
                touch |= bool((may & plain).addresses()) << number
                sure |= plain.covers_addresses(may) << number
        for name in self._names:
            if fresh and name not in hosts.names:
                # The name may stand for any of these addresses, and is left out.
                sure &= ~line.bits(self._may[name])
        return needs, sure, touch, needs | sure

    def _boxes(self, match: Match, reading: int) -> tuple[Box, ...]:
        rest = (
            self._readings(match.hosts)[reading],
            self.services.bits(match.services.cells),
            self._asked(match.operations),
            self.calendar.bits(match.times),
        )
        return tuple((*caller, *rest) for caller in self.callers.boxes(match.who)) if all(rest) else ()

    def needs(self, match: Match) -> tuple[Box, ...]:
        """The points for which another rule has to step in, if this one is to go."""
        return self._boxes(match, 0)

    def sure(self, match: Match) -> tuple[Box, ...]:
        """The points where it matches, whatever addresses names turn out to have."""
        return self._boxes(match, 1)

    def touch(self, match: Match) -> tuple[Box, ...]:
        """All points where it may match."""
        return self._boxes(match, 2)

    def says(self, match: Match) -> tuple[Box, ...]:
        """The points that it speaks of, where a name is not taken for any address that it may turn out to have."""
        return self._boxes(match, 3)

    @cached_property
    def never(self) -> tuple[Box, ...]:
        """Points that there cannot be: of two address families, of tasks from elsewhere, of a DAG that does not run."""
        found = []
        for family, other in ((4, 6), (6, 4)):
            here = self.callers.addresses.family(family)
            found.append(self._with(SOURCE, here, HOST, self.addresses.family(other)))
        found += [self._with(SOURCE, sources, KIND, kinds) for sources, kinds in self.callers.elsewhere()]
        for dag in self.calendar.runs:
            kinds = sum(1 << number for number, one in enumerate(self.callers.kinds) if one.dag == dag)
            idle = self.calendar.idle(dag)
            if kinds and idle:
                found.append(self._with(KIND, kinds, TIME, idle))
        return tuple(found)

    def _with(self, first: int, atoms: int, second: int, others: int) -> Box:
        box = list(self.full)
        box[first], box[second] = atoms, others
        return tuple(box)

    def sure_hosts(self, hosts: Hosts) -> int:
        """The hosts that are surely in a set, of those that the ground was cut for."""
        return self._readings(hosts)[1]
