"""What Airflow can reach today, as an access file: `reach` asked of every environment, its answers as destinations and routes.

The draft declares no more and no less than what the gates let through. What is too broad to be meant (any destination, any port)
is declared and marked; what an access file cannot say (some addresses of an environment alone, protocols without a name, times
that are not weekly) is not declared, so that the proof shows it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, count

from ..access import Access, Destination, HttpAccess, Principal, Route, Window
from ..access.values import RESERVED_PRINCIPALS
from ..errors import InputError, Problem
from ..gates import read_all
from ..gates.stack import Stack
from ..proof import prove
from ..proof.filters import Environment, Filter, HttpOperation, Kind
from ..proof.findings import Excess, Proof, Unproven
from ..proof.reach.exposure import Reached, Right
from ..proof.reach.reaching import reach
from ..proof.sets import Hosts
from .making import slug
from .places import Objects, Place, is_any_host, is_any_port, places, ports_of
from .reading import with_access
from .sharing import Box, shared
from .windows import Texts, windows
from .zoning import CLUSTER, zones_of

_ZONE = "elsewhere in "
_IN_CLUSTER = ".cluster.local"
_Key = tuple[str, Place, tuple[str, ...], str]
"""Zone, hosts, ports and application protocol of a destination."""


@dataclass(frozen=True, slots=True)
class Why:
    """What lets a route's traffic through: for one witness, which stands for all of it."""

    rules: tuple[str, ...]
    """The rule at each gate that permits, in order."""
    witness: str
    broad: str = ""
    """Why it is too broad to be meant (`any port`); empty where it is not."""


_OPEN = Why((), "")
"""Of what nothing refuses."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted access, what is behind each route, and its proof."""

    access: Access
    stack: Stack
    """With the access declared."""
    why: Mapping[str, Why]
    """Route → what lets it through."""
    proof: Proof

    @property
    def broad(self) -> tuple[Route, ...]:
        """The routes that are too broad to be meant."""
        return tuple(one for one in self.access.routes if self.why[one.name].broad)

    @property
    def undeclared(self) -> tuple[Excess, ...]:
        """What is let through, and an access file cannot say; or for others than Airflow's tasks."""
        return self.proof.excess

    @property
    def unknown(self) -> tuple[Unproven, ...]:
        """What something unknown decides."""
        return self.proof.unproven


def draft(stack: Stack, zones: Mapping[str, Sequence[str]], at: datetime) -> Draft:
    """The access that a stack's gates give its Airflow environments. InputError where there is none, or no gate."""
    reading = read_all(stack)
    if not reading.environments:
        described = "`aws mwaa get-environment` or `gcloud composer environments describe`"
        fix = f"name it with --environment NAME=CIDR,…, or give the output of {described}"
        raise InputError([Problem("", "", f"no source has an Airflow environment: {fix}")])
    principals = _principals([one.name for one in reading.environments])
    bare = Access(
        principals=tuple(Principal(name=name, dags=("*",), environment=one) for one, name in principals.items()),
        zones=zones_of(stack, reading, zones),
        destinations=(),
        routes=(),
    )
    reading = read_all(with_access(stack, bare))
    found = _Drafting(bare, reading.environments, reading.filters, at)
    access, why = found.routes()
    declared = with_access(stack, access)
    # What gates carry on depends on the destinations; all else was read.
    again = read_all(declared) if reading.around or reading.written != reading.filters else reading
    proof = prove(access, again.environments, again.filters, at=at, around=again.around)
    return Draft(access, declared, why, proof)


def _principals(environments: Sequence[str]) -> dict[str, str]:
    """Environment → what its tasks are called: the same, where an access file takes that."""
    found: dict[str, str] = {}
    for one in environments:
        name = slug(one, 50)
        names = chain(() if name in RESERVED_PRINCIPALS else (name,), (f"{name}-{number}" for number in count(2)))
        found[one] = next(each for each in names if each not in found.values())
    return found


@dataclass
class _Flow:
    """Something that principals reach at the same times, by the same requests."""

    key: _Key
    windows: tuple[Window | None, ...]
    http: tuple[HttpAccess, ...]
    broad: str
    principals: dict[str, None] = field(default_factory=dict)


class _Drafting:
    """One draft under way."""

    def __init__(self, bare: Access, environments: Sequence[Environment], filters: Sequence[Filter], at: datetime) -> None:
        self._bare, self._environments, self._filters, self._at = bare, environments, filters, at
        self._texts = Texts(filters)
        self._objects = Objects(filters)
        self._names: dict[_Key, str] = {}
        self._taken: set[str] = set()
        self._homes: dict[str, str] = {}
        """Host name → the zone in which it is declared."""

    def routes(self) -> tuple[Access, dict[str, Why]]:
        """The whole access, and what is behind each route."""
        flows: dict[object, _Flow] = {}
        rows = {one.name: self._rows(self._bare, one.name) for one in self._bare.principals}
        self._homes = self._homes_of([row for found in rows.values() for row in found])
        for principal, found in rows.items():
            for one in (flow for box in self._boxes(found) for flow in self._flows(box)):
                key = (one.key, one.windows, one.http)
                flows.setdefault(key, one).principals[principal] = None
        windowed = [(one, window) for one in flows.values() for window in one.windows]
        single = [
            _route(f"route-{number}", one, (self._name(one.key),), window, "-") for number, (one, window) in enumerate(windowed)
        ]
        why = self._why(self._access(single))
        return self._together(
            [(one, window, why.get(route.name, _OPEN)) for (one, window), route in zip(windowed, single, strict=True)]
        )

    def _access(self, routes: Sequence[Route]) -> Access:
        destinations = tuple(_destination(name, key) for key, name in self._names.items())
        lived_in = {one.zone for one in destinations}
        zones = {name: zone for name, zone in self._bare.zones.items() if name in lived_in} or dict(self._bare.zones)
        return Access(principals=self._bare.principals, zones=zones, destinations=destinations, routes=tuple(routes))

    def _rows(self, access: Access, principal: str) -> list[Reached]:
        return list(reach(access, self._environments, self._filters, at=self._at, who=principal).rows)

    # What one row of the answer becomes

    def _boxes(self, rows: Sequence[Reached]) -> Iterator[Box]:
        """What the rows let through for sure from every address of the environment."""
        partial: list[tuple[Hosts, Box]] = []
        for row in rows:
            box = self._box(row)
            sources = [one.sources for one in row.callers]
            if box is None:
                continue
            if None in sources:
                yield box
            else:
                partial.append((Hosts.union(one for one in sources if one is not None), box))
        yield from shared(Hosts.union(one.sources for one in self._of(rows)), partial)

    def _of(self, rows: Sequence[Reached]) -> list[Environment]:
        """The environments of the rows' callers."""
        names = {caller.environment for row in rows for caller in row.callers}
        return [one for one in self._environments if one.name in names]

    def _box(self, row: Reached) -> Box | None:
        """A row as an access file may say it; None where it cannot."""
        weeks, http, zone = self._texts.weeks(row.when.text), _http(row), row.destination.removeprefix(_ZONE)
        sayable = row.certain and row.right is Right.EXCESS and zone in self._bare.zones
        return Box(zone, row.hosts, row.services, weeks, http) if sayable and weeks is not None and http is not None else None

    def _flows(self, box: Box) -> Iterator[_Flow]:
        """A box cut into destinations."""
        ports = ports_of(box.services)
        for place in places(box.hosts, self._objects) if ports else ():
            if not place.hosts or self._homes.get(place.hosts[0]) == box.zone:
                anywhere = "any destination" if is_any_host(box.hosts) and not place.hosts else ""
                broad = " and ".join(filter(None, (anywhere, "any port" if is_any_port(box.services) else "")))
                yield _Flow((box.zone, place, ports, "http" if box.http else ""), windows(box.times), box.http, broad)

    def _homes_of(self, rows: Sequence[Reached]) -> dict[str, str]:
        """The zone of each name: where it is surely let through, behind a gate that speaks of it if there is one."""
        speaking: dict[str, set[str]] = {}
        for one in self._filters:
            for name in {name for rule in one.rules for name in rule.match.hosts.names.mentioned()}:
                speaking.setdefault(name, set()).add(one.gate)
        found: dict[str, str] = {}
        for zone, name in ((row.destination.removeprefix(_ZONE), name) for row in rows for name in _names(row)):
            gates = set(self._bare.zones[zone].gates) if zone in self._bare.zones else set[str]()
            elsewhere = CLUSTER in self._bare.zones and name.endswith(_IN_CLUSTER) != (zone == CLUSTER)
            if gates & speaking.get(name, set()) and not elsewhere:
                found.setdefault(name, zone)
        return found

    def _name(self, key: _Key) -> str:
        """A destination's name: the object's, with its ports where several have the object."""
        if key not in self._names:
            _, place, ports, _ = key
            plain = place.name
            ported = slug(f"{plain}-{'-'.join(ports[:2])}", 58)
            found = next(one for one in chain((plain, ported), (f"{ported}-{n}" for n in count(2))) if one not in self._taken)
            self._taken.add(found)
            self._names[key] = found
        return self._names[key]

    # What is behind it

    def _why(self, access: Access) -> dict[str, Why]:
        """Route → what lets it through."""
        found: dict[str, Why] = {}
        for principal in access.principals:
            for row in self._rows(access, principal.name):
                for name in row.routes:
                    found.setdefault(name, Why(tuple(_rules(row)), str(row.witness)))
        return found

    def _together(self, flows: Sequence[tuple[_Flow, Window | None, Why]]) -> tuple[Access, dict[str, Why]]:
        """Flows that differ in their destination alone, and are let through by the same rule of the last gate, as one route."""
        alike: dict[object, list[tuple[_Flow, Window | None, Why]]] = {}
        for one, window, behind in flows:
            key = (tuple(one.principals), window, one.http, one.broad, behind.rules[-1:])
            alike.setdefault(key, []).append((one, window, behind))
        routes: list[Route] = []
        told: dict[str, Why] = {}
        for same in alike.values():
            first, window, behind = same[0]
            name = self._route_name(behind, told)
            told[name] = replace(behind, broad=first.broad)
            to = tuple(dict.fromkeys(self._name(one.key) for one, _, _ in same))
            routes.append(
                _route(name, first, to, window, f"imported: {behind.rules[-1] if behind.rules else 'no gate refuses it'}")
            )
        return self._access(routes), told

    @staticmethod
    def _route_name(why: Why, taken: Mapping[str, Why]) -> str:
        label = why.rules[-1].rpartition(" at ")[0] if why.rules else "open"
        name = slug(label, 58)
        return next(one for one in chain((name,), (f"{name}-{number}" for number in count(2))) if one not in taken)


def _route(name: str, one: _Flow, to: tuple[str, ...], window: Window | None, reason: str) -> Route:
    given = {"name": name, "from": tuple(one.principals), "to": to, "window": window, "http": one.http, "reason": reason}
    return Route.model_validate(given)


def _rules(row: Reached) -> Iterator[str]:
    for one in row.path:
        if one.filter.kind is Kind.PERMISSION:
            yield f"{one.source.label or one.source} at {one.gate}"


def _names(row: Reached) -> frozenset[str]:
    """The host names that a row surely lets through."""
    return row.hosts.names.patterns if row.certain and not row.hosts.names.inverted else frozenset()


def _http(row: Reached) -> tuple[HttpAccess, ...] | None:
    """The requests of a row, where one rule on the way says them; empty: all. None: an access file cannot say it."""
    if not row.operations:
        return ()
    limiting = [one.rule.match.operations for one in row.path if one.rule is not None and one.rule.match.operations is not None]
    operations: frozenset[HttpOperation] = limiting[0] if len(limiting) == 1 else frozenset()
    if not operations or any(one.not_methods for one in operations):
        return None
    written = [{"methods": (one.method,), "paths": (one.path,), "except": tuple(sorted(one.not_paths))} for one in operations]
    return tuple(HttpAccess.model_validate(one) for one in sorted(written, key=str))


def _destination(name: str, key: _Key) -> Destination:
    zone, place, ports, protocol = key
    return Destination(
        name=name, zone=zone, hosts=place.hosts, cidrs=place.cidrs, ports=ports, protocol=protocol or None, connections=None
    )
