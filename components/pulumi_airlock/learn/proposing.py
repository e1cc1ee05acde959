"""Routes out of evidence: what an access file lacks for what its tasks reach, and what speaks for each.

Tasks that reach the same become one principal, unless the file has one for them. What a task may share with another, and nothing
tells apart, is only proposed where both are the same principal; what the file's own rules refuse (clearances, expectations) is
told, and not proposed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product

from ..access import Access, Destination, Principal, Route, Severity, Window, Zone, check
from ..access.errors import AccessError
from ..brownfield.making import slug
from .attributing import Ints
from .evidence import Evidence, Learnt, Task
from .naming import Selector, destination_of, free, selectors, zone_of
from .places import Target
from .windows import declared_at, window_of

REASON = "learnt from logs: nobody has confirmed it yet"


@dataclass(frozen=True)
class Proposal:
    """A route that logs speak for."""

    route: Route
    evidence: tuple[Evidence, ...]
    refused: tuple[str, ...] = ()
    """Why it is not to be declared as it is: what the access file's own rules say of it."""


@dataclass(frozen=True)
class Outside:
    """What was seen at times at which no route declares it, of routes that do at others."""

    evidence: Evidence
    routes: tuple[Route, ...]
    minutes: Ints
    """The minutes since 1970 in which it was, in order."""


@dataclass
class Proposed:
    """What there is to be added to an access file, or to begin one with."""

    principals: list[Principal] = field(default_factory=list)
    zones: dict[str, Zone] = field(default_factory=dict)
    destinations: list[Destination] = field(default_factory=list)
    routes: list[Proposal] = field(default_factory=list)
    refused: list[Proposal] = field(default_factory=list)
    unclear: list[Evidence] = field(default_factory=list)
    """Evidence of tasks that nothing tells apart from others, of another principal."""
    outside: list[Outside] = field(default_factory=list)
    """Uses of declared routes outside their windows."""
    declared: int = 0
    """Pairs of a principal and a destination that routes declare already."""


def propose(learnt: Learnt, access: Access | None, today: date, *, windows: bool = False, least: int = 1) -> Proposed:
    """Routes for what logs show. `windows`: with the times of day at which it was seen. `least`: connections for a route."""
    return _Proposing(learnt, access, today, windows=windows, least=least).proposed()


class _Proposing:
    def __init__(self, learnt: Learnt, access: Access | None, today: date, *, windows: bool, least: int) -> None:
        self._learnt, self._access, self._today, self._windows, self._least = learnt, access, today, windows, least
        self._found = Proposed()
        self._names = {one.name for one in access.principals} if access else set[str]()
        self._places = {one.name for one in access.destinations} if access else set[str]()
        self._routes = {one.name for one in access.routes} if access else set[str]()
        self._of: dict[Target, str] = {}

    def proposed(self) -> Proposed:
        evidence = [one for one in self._learnt.evidence if one.connections >= self._least]
        principal_of = self._principals(evidence)
        clear = [one for one in evidence if not self._is_unclear(one, principal_of)]
        self._found.unclear = [one for one in evidence if self._is_unclear(one, principal_of)]
        declared: dict[tuple[str, str], list[Route]] = {}
        for route in self._live():
            for pair in product(route.from_, route.to):
                declared.setdefault(pair, []).append(route)
        pairs: dict[tuple[str, Target], list[Evidence]] = {}
        for one in clear:
            names = [one.principal] if one.principal else principal_of.get(one.task, []) if one.task else []
            if routes := [route for name in names for route in declared.get((name, one.target.declared), ())]:
                if self._is_declared(one, routes):
                    pairs.setdefault(("", one.target), []).append(one)
            elif names:
                pairs.setdefault((names[0], one.target), []).append(one)
        self._found.declared = sum(not who for who, _ in pairs)
        for (who, target), found in pairs.items():
            if who:
                self._route(who, target, found)
        used = {name for one in self._found.routes for name in one.route.from_}
        self._found.principals = [one for one in self._found.principals if one.name in used]
        if self._access is not None:
            self._refuse(self._access)
        return self._found

    def _is_declared(self, one: Evidence, routes: Sequence[Route]) -> bool:
        """Whether a route's window holds at some of its times; those at which none does are noted."""
        declared = declared_at(routes, one.minutes)
        if not declared.all():
            self._found.outside.append(Outside(one, tuple(routes), one.minutes[~declared]))
        return bool(declared.any())

    def _live(self) -> list[Route]:
        return [one for one in self._access.routes if not one.expired(self._today)] if self._access else []

    # --- principals

    def _principals(self, evidence: Sequence[Evidence]) -> dict[Task, list[str]]:
        """Task → the principals that it is, those that the file has first."""
        found: dict[Task, list[str]] = {}
        reach: dict[Task, set[Target]] = {}
        for one in evidence:
            if one.task is None:
                continue
            found[one.task] = self._covering(one.task)
            if not found[one.task]:
                reach.setdefault(one.task, set()).add(one.target)
        alike: dict[frozenset[Target], list[Task]] = {}
        for task, targets in reach.items():
            alike.setdefault(frozenset(targets), []).append(task)
        for tasks in sorted(alike.values()):
            for selector in selectors(tasks, self._learnt.tasks):
                self._principal(selector)
        for task in reach:
            found[task] = [
                one.name for one in self._found.principals if one.covers(task.dag, task.task, task.environment or None)
            ]
        return found

    def _covering(self, task: Task) -> list[str]:
        if self._access is None:
            return []
        return [
            one.name
            for one in self._access.principals
            if not one.is_people and one.covers(task.dag, task.task, task.environment or None)
        ]

    def _principal(self, selector: Selector) -> None:
        name = free(selector.name(), self._names)
        self._names.add(name)
        self._found.principals.append(
            Principal(name=name, dags=selector.dags, tasks=selector.tasks, environment=selector.environment or None)
        )

    def _is_unclear(self, one: Evidence, principal_of: dict[Task, list[str]]) -> bool:
        """Whether another principal's task explains all of it as well."""
        mine = set(principal_of.get(one.task, ())) if one.task else set()
        return any(not mine & set(principal_of.get(other, ())) for other in one.others)

    # --- destinations

    def _destination(self, target: Target) -> str:
        """The destination's name; one that nothing declares is added."""
        if target not in self._of:
            ends = self._learnt.ends[target]
            name = target.declared
            if not name:
                zone, made = zone_of(ends, self._learnt.formats[target], self._access)
                if self._access is None or zone not in self._access.zones:
                    self._found.zones[zone] = made
                one = destination_of(target, ends, zone, self._places)
                self._places.add(one.name)
                self._found.destinations.append(one)
                name = one.name
            self._of[target] = name
        return self._of[target]

    # --- routes

    def _route(self, who: str, target: Target, evidence: list[Evidence]) -> None:
        to = self._destination(target)
        name = free(slug(f"{who}-{to}", 58), self._routes)
        self._routes.add(name)
        window: Window | None = window_of(evidence) if self._windows else None
        given = {"name": name, "from": (who,), "to": (to,), "window": window, "reason": REASON}
        route = Route.model_validate(given)
        self._found.routes.append(Proposal(route, tuple(evidence)))

    def _refuse(self, access: Access) -> None:
        """Takes out what the file's own rules refuse: each is looked at alone, where all together are at fault."""
        before = {(one.code, one.message) for one in check(access, self._today)}
        if not self._wrong(access, self._found.routes, before):
            return
        kept = []
        for one in self._found.routes:
            wrong = self._wrong(access, [one], before)
            if wrong:
                self._found.refused.append(replace(one, refused=tuple(wrong)))
            else:
                kept.append(one)
        self._found.routes = kept

    def _wrong(self, access: Access, routes: Sequence[Proposal], before: Collection[tuple[str, str]]) -> list[str]:
        try:
            found = check(added(access, replace(self._found, routes=list(routes))), self._today)
        except AccessError as error:
            return [str(one) for one in error.problems]
        return [one.message for one in found if one.severity is Severity.ERROR and (one.code, one.message) not in before]


def added(access: Access | None, proposed: Proposed) -> Access:
    """An access with everything that is proposed. AccessError where that does not fit together."""
    routes = tuple(one.route for one in proposed.routes)
    if access is None:
        return Access(
            principals=tuple(proposed.principals),
            zones=proposed.zones,
            destinations=tuple(proposed.destinations),
            routes=routes,
        )
    return Access(
        **{
            **{name: getattr(access, name) for name in type(access).model_fields},
            "principals": (*access.principals, *proposed.principals),
            "zones": {**access.zones, **proposed.zones},
            "destinations": (*access.destinations, *proposed.destinations),
            "routes": (*access.routes, *routes),
        }
    )
