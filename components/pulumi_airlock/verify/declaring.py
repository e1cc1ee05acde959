"""Which routes declare a connection, as far as a log tells who made it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from ..access.names import task_example
from ..proof.declared import Grant, grants
from ..proof.filters import Match
from ..proof.sets import Hosts
from .expected import Expected
from .points import Held, Host, address_in, holds, serves, service


@dataclass(frozen=True, slots=True)
class Claim:
    """A route that declares a connection, surely or perhaps."""

    grant: Grant
    held: Held

    @property
    def name(self) -> str:
        """The route's name."""
        return self.grant.route.name


class Declared:
    """The routes of a stack, asked for one connection after the other."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        access = expected.access
        self._grants = grants(access)
        self.people = frozenset(one.name for one in access.principals if one.is_people)
        self._groups = {one.name: one.group for one in access.principals if one.group}
        self._workloads = {
            environment.name: frozenset(
                one.name for one in access.principals if not one.is_people and task_example(access, one, environment.name)
            )
            for environment in expected.environments
        }
        self._gates = {name: frozenset(zone.gates) for name, zone in access.zones.items()}
        self._networks = [(name, Hosts.from_cidrs(zone.networks())) for name, zone in access.zones.items()]
        self._destinations = [(one, Hosts.from_names(one.hosts), Hosts.from_cidrs(one.networks())) for one in access.destinations]
        self._perhaps = frozenset(name for one in access.destinations if not one.cidrs for name in one.hosts)
        self._near = lru_cache(maxsize=8192)(self._find)
        self.zone_of = lru_cache(maxsize=8192)(self._zone_of)
        self.host = lru_cache(maxsize=8192)(self._host)

    def workloads(self, environment: str) -> frozenset[str]:
        """The principals whose tasks an environment runs."""
        return self._workloads.get(environment, frozenset())

    def groups(self, principals: frozenset[str]) -> frozenset[str]:
        """The groups of principals that are people."""
        return frozenset(self._groups[one] for one in principals if one in self._groups)

    def gates_of(self, zone: str | None) -> frozenset[str]:
        """The gates on the way into a zone."""
        return self._gates.get(zone or "", frozenset())

    def claims(self, who: frozenset[str], host: Host, protocol: str, port: int, when: datetime) -> list[Claim]:
        """The routes that declare it for one of these principals, at that time."""
        return [
            Claim(grant, held)
            for grant, held in self._near(host, protocol, port)
            if (grant.match.who.principals or frozenset()) & who and holds(grant.match.times, when)
        ]

    def ever(self, who: frozenset[str], host: Host, protocol: str, port: int) -> list[Grant]:
        """The routes that declare it for one of these principals, at some time."""
        return [grant for grant, _ in self._near(host, protocol, port) if (grant.match.who.principals or frozenset()) & who]

    def _find(self, host: Host, protocol: str, port: int) -> tuple[tuple[Grant, Held], ...]:
        one = service(protocol, port)
        found = []
        for grant in self._grants:
            if not serves(grant.match.services, one) or (held := host.held(grant.match.hosts)) is Held.NO:
                continue
            if held is Held.MAYBE and host.name and grant.destination.hosts:
                continue  # it has names, and this is none of them
            found.append((grant, held))
        return tuple(found)

    def through(self, gate: str, who: frozenset[str]) -> list[Grant]:
        """What is declared for some of these principals behind a gate."""
        return [
            one
            for one in self._grants
            if gate in self.gates_of(one.destination.zone) and (one.match.who.principals or frozenset()) & who
        ]

    def matches(self) -> list[Match]:
        """The boxes of all routes."""
        return [one.match for one in self._grants]

    def _host(self, address: str, name: str) -> Host:
        may = Hosts.union(cidrs for _, names, cidrs in self._destinations if name and name in names.names)
        return Host(address, name, may, self._perhaps if not name else frozenset())

    def _zone_of(self, address: str, name: str) -> str | None:
        """The zone that a host lies in: of the destination that names it, else by its address. None: in none."""
        for one, names, cidrs in self._destinations:
            if (name and name in names.names) or address_in(address, cidrs):
                return one.zone
        return next((zone for zone, networks in self._networks if address_in(address, networks)), None)
