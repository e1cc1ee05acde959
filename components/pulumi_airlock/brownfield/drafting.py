"""What Airflow can reach today, as an access file: `reach` asked of every environment, its answers as destinations and routes.

The draft declares no more and no less than what the gates let through. What is too broad to be meant (any destination, any port)
is declared and marked; what an access file cannot say (some addresses of an environment alone, protocols without a name, times
that are not weekly) is not declared, so that the proof shows it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..access import Access, Destination, HttpAccess, Principal, Route, Window
from ..errors import InputError, Problem
from ..gates import read_all
from ..gates.stack import Stack
from ..proof import prove
from ..proof.filters import Environment, Filter, HttpOperation, Kind
from ..proof.findings import Excess, Proof, Unproven
from ..proof.reach.exposure import Reached, Right
from ..proof.reach.reaching import reach
from .making import slug
from .places import Place, is_any_host, is_any_port, named_objects, places, ports_of
from .reading import with_access
from .windows import Windows
from .zoning import zones_of

_ZONE = "elsewhere in "
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
        fix = "name it with --environment NAME=CIDR,…, or give the output of `aws mwaa get-environment`"
        raise InputError([Problem("", "", f"no source has an Airflow environment: {fix}")])
    principals = {one.name: slug(one.name) for one in reading.environments}
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
    again = read_all(declared)
    proof = prove(access, again.environments, again.filters, at=at, around=again.around)
    return Draft(access, declared, why, proof)


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
        self._windows = Windows(filters)
        self._objects = named_objects(filters)
        self._names: dict[_Key, str] = {}

    def routes(self) -> tuple[Access, dict[str, Why]]:
        """The whole access, and what is behind each route."""
        flows: dict[object, _Flow] = {}
        for principal in self._bare.principals:
            for row in self._rows(self._bare, principal.name):
                for one in self._flows(row):
                    key = (one.key, one.windows, one.http)
                    flows.setdefault(key, one).principals[principal.name] = None
        listed = list(flows.values())
        windowed = [(one, window) for one in listed for window in one.windows]
        single = self._access(
            _route(f"route-{number}", one, (self._name(one.key),), window, "-") for number, (one, window) in enumerate(windowed)
        )
        why = self._why(single)
        return self._together(listed, why)

    def _access(self, routes: Iterator[Route]) -> Access:
        named = list(routes)
        destinations = tuple(_destination(name, key) for key, name in self._names.items())
        lived_in = {one.zone for one in destinations}
        zones = {name: zone for name, zone in self._bare.zones.items() if name in lived_in} or dict(self._bare.zones)
        return Access(principals=self._bare.principals, zones=zones, destinations=destinations, routes=tuple(named))

    def _rows(self, access: Access, principal: str) -> list[Reached]:
        return list(reach(access, self._environments, self._filters, at=self._at, who=principal).rows)

    # What one row of the answer becomes

    def _flows(self, row: Reached) -> Iterator[_Flow]:
        windows, http = self._windows.of(row.when.text), _http(row)
        whole = all(one.sources is None for one in row.callers)
        if not (row.certain and row.right is Right.EXCESS and whole) or windows is None or http is None:
            return
        ports, zone = ports_of(row.services), row.destination.removeprefix(_ZONE)
        if not ports or zone not in self._bare.zones:
            return
        for place in places(row.hosts, self._objects):
            if not place.hosts or self._home(place.hosts[0]) == zone:
                anywhere = "any destination" if is_any_host(row.hosts) and not place.hosts else ""
                broad = " and ".join(filter(None, (anywhere, "any port" if is_any_port(row.services) else "")))
                yield _Flow((zone, place, ports, "http" if http else ""), windows, http, broad)

    def _home(self, name: str) -> str:
        """The zone of a name: the first behind a gate that speaks of it."""
        speaking = {one.gate for one in self._filters for rule in one.rules if name in rule.match.hosts.names.mentioned()}
        fitting = [zone for zone, one in self._bare.zones.items() if speaking & set(one.gates)]
        return (fitting or list(self._bare.zones))[0]

    def _name(self, key: _Key) -> str:
        """A destination's name: the object's, with its ports where several have the object."""
        if key not in self._names:
            _, place, ports, _ = key
            plain = place.name
            taken = {one.replace("_", "-") for one in self._names.values()}
            ported = slug(f"{plain}-{'-'.join(ports[:2])}", 58)
            numbered = (f"{ported}-{number}" for number in range(2, len(taken) + 3))
            self._names[key] = next(one for one in (plain, ported, *numbered) if one not in taken)
        return self._names[key]

    # What is behind it

    def _why(self, access: Access) -> dict[str, Why]:
        """Destination → what lets it through."""
        found: dict[str, Why] = {}
        for principal in access.principals:
            for row in self._rows(access, principal.name):
                for name in row.destination.split(" + ") if row.named else ():
                    found.setdefault(name, Why(tuple(_rules(row)), str(row.witness)))
        return found

    def _together(self, flows: Sequence[_Flow], why: Mapping[str, Why]) -> tuple[Access, dict[str, Why]]:
        """Flows that differ in their destination alone, and are let through by the same rules, as one route."""
        alike: dict[object, list[_Flow]] = {}
        for one in flows:
            behind = why.get(self._name(one.key), Why((), ""))
            key = (tuple(one.principals), one.windows, one.http, one.broad, behind.rules)
            alike.setdefault(key, []).append(one)
        routes: list[Route] = []
        told: dict[str, Why] = {}
        for same in alike.values():
            first = same[0]
            behind = why.get(self._name(first.key), Why((), ""))
            for window in first.windows:
                name = self._route_name(behind, told)
                told[name] = Why(behind.rules, behind.witness, first.broad)
                to = tuple(dict.fromkeys(self._name(one.key) for one in same))
                reason = "imported: " + ("; ".join(behind.rules) or "no gate refuses it")
                routes.append(_route(name, first, to, window, reason))
        return self._access(iter(routes)), told

    @staticmethod
    def _route_name(why: Why, taken: Mapping[str, Why]) -> str:
        label = why.rules[-1].rpartition(" at ")[0].partition(" (")[0] if why.rules else "open"
        name = slug(label, 58)
        return next(one for one in (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))) if one not in taken)


def _route(name: str, one: _Flow, to: tuple[str, ...], window: Window | None, reason: str) -> Route:
    given = {"name": name, "from": tuple(one.principals), "to": to, "window": window, "http": one.http, "reason": reason}
    return Route.model_validate(given)


def _rules(row: Reached) -> Iterator[str]:
    for one in row.path:
        if one.filter.kind is Kind.PERMISSION:
            yield f"{one.source} at {one.gate}"


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
