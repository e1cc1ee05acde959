"""`explain`: why somebody can, or cannot, reach something; every gate on the path in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ..access.errors import AccessError
from ..access.model import Access
from ..access.names import select_destinations
from .declared import grants
from .expecting import target_match
from .filters import Environment, Filter
from .findings import Explanation, Outcome
from .instants import Bools
from .proving import own_needs
from .space import Space
from .subjects import Selector
from .sweep import Group, Question, Sweep
from .walk import Point, first, walk, witness


def explain(
    access: Access,
    environments: Sequence[Environment],
    filters: Sequence[Filter],
    principal: str,
    destination: str,
    *,
    at: datetime,
    when: datetime | None = None,
) -> Explanation:
    """Why `principal` can, or cannot, reach `destination` at `when` (by default `at`, now).

    `principal` is written as in expectations (a principal's name, `dag.task`, `environment/dag.task`, `other`, `outside`),
    `destination` as a name, a host or an address, with a port or without. Where the answer differs between the points that are
    meant, a refused one is explained, and the notes say so. AccessError when nobody or nothing is meant, ValueError for a time
    without a zone.
    """
    moment = at if when is None else when
    for label, value in (("at", at), ("when", moment)):
        if value.tzinfo is None:
            raise ValueError(f"{label}: {value} has no time zone")
    return _Question(access, environments, filters, principal, destination, at, moment).answer()


@dataclass(frozen=True)
class _Found:
    """The points of one class of hosts that the question means: now, and over the horizon."""

    group: Group
    now: Bools
    ever: Bools


def _where(found: Sequence[_Found], points: Callable[[Group], Bools]) -> list[tuple[_Found, Bools]]:
    """The parts of what was found that have such points now."""
    return [(one, mask) for one in found if (mask := one.now & points(one.group)).any()]


class _Question:
    """One question under way."""

    def __init__(
        self,
        access: Access,
        environments: Sequence[Environment],
        filters: Sequence[Filter],
        principal: str,
        destination: str,
        at: datetime,
        when: datetime,
    ) -> None:
        self.principal, self.destination, self.when = principal, destination, when
        self.grants = grants(access)
        selector = Selector.parse(principal, [one.name for one in access.principals])
        asked = [target_match(one) for one in select_destinations(access, destination)]
        own = own_needs(environments)
        matches = [*(one.match for one in self.grants), *own, *asked]
        self.space = Space(access, environments, filters, matches, [selector], at, [when])
        gates = {name: tuple(zone.gates) for name, zone in access.zones.items()}
        self.sweep = Sweep(self.space, filters, [one.match for one in self.grants], own, gates)
        row = self.space.selector_row(selector)
        if not self.space.who.table[row].any():
            names = ", ".join(one.name for one in environments) or "none"
            raise AccessError.of("", "", f"no task or person of this stack is {principal!r}; its environments: {names}")
        self.questions = [Question(self.space.add(match), row, when) for match in asked]

    def answer(self) -> Explanation:
        """Looks at all points that are meant, and explains the most telling one."""
        found = [one for question in self.questions for one in self._points(question)]
        if not found:
            message = (
                f"{self.principal} and {self.destination} have no path in this stack: no gate, or no address family in common"
            )
            raise AccessError.of("", "", message)
        refused = _where(found, lambda group: ~group.possible)
        unclear = _where(found, lambda group: group.possible & ~group.definite)
        passing = _where(found, lambda group: group.definite)
        named, mask = (refused or unclear or passing)[0]
        outcome = Outcome.DENY if refused else Outcome.UNKNOWN if unclear else Outcome.ALLOW
        point = first(named.group, mask)
        path = walk(self.space, self.sweep.path(named.group.place.zone), point)
        routes = self._routes(named.group, mask, point)
        later = self._routes(named.group, named.ever, point, at_any_time=True)
        seen = witness(self.space, point)
        return Explanation(
            principal=self.principal,
            destination=self.destination,
            outcome=outcome,
            routes=routes,
            witness=seen,
            rows=path,
            message=self._verdict(outcome, routes, later, str(seen)),
            notes=tuple(self._notes(found, outcome, bool(refused), bool(unclear), bool(passing))),
        )

    def _points(self, question: Question) -> list[_Found]:
        column = self.space.places.table[question.box.hosts]
        found = []
        for group in self.sweep.groups([question], only=np.flatnonzero(column & 3 == 2).tolist()):
            local = group.local
            asked: Bools = (
                local.who.rows[question.selector][:, None, None, None]
                & local.service.rows[question.box.services][:, None, None]
                & group.real
            )
            now = asked & (local.time.classes == self.space.clock.class_of(self.when))
            if now.any():
                found.append(_Found(group, now, asked & local.time.inside))
        return found

    def _routes(self, group: Group, mask: Bools, point: Point, at_any_time: bool = False) -> tuple[str, ...]:
        """The routes that declare the point, or that do so at some other time."""
        local = group.local
        here = np.zeros_like(mask)
        who, service = local.who.inverse[point.subject], local.service.inverse[point.service]
        operation = local.operation.inverse[point.operation]
        here[who, service, operation] = mask[who, service, operation]
        if not at_any_time:
            now = [minute == point.minute and running == point.running for minute, running in local.time.starts]
            here &= np.array(now)
        names = [self.grants[number].route.name for number, points in group.grants if (points & here).any()]
        return tuple(dict.fromkeys(names))

    def _verdict(self, outcome: Outcome, routes: Sequence[str], later: Sequence[str], seen: str) -> str:
        verb = {Outcome.ALLOW: "can reach", Outcome.DENY: "cannot reach", Outcome.UNKNOWN: "may reach, which is not certain,"}
        declared = f"declared by {', '.join(routes)}" if routes else "declared by no route"
        if later and not routes:
            declared = f"declared at other times by {', '.join(later)}"
        return f"{self.principal} {verb[outcome]} {self.destination}, {declared}: {seen}"

    def _notes(self, found: Sequence[_Found], outcome: Outcome, refused: bool, unclear: bool, passing: bool) -> list[str]:
        notes = []
        if refused + unclear + passing > 1:
            notes.append("this differs between the hosts, ports, addresses or tasks that are meant; a refused one is shown")
        change = self._next_change(found, outcome)
        if change is not None:
            notes.append(f"this is different from {change:%a %Y-%m-%d %H:%M} UTC on")
        elif not passing and outcome is Outcome.DENY:
            notes.append("this is so at all times")
        return notes

    def _next_change(self, found: Sequence[_Found], outcome: Outcome) -> datetime | None:
        """The first instant after now at which something that is refused passes, or the other way round."""
        clock = self.space.clock
        moments = []
        for one in found:
            other = one.ever & (~one.group.definite if outcome is Outcome.ALLOW else one.group.definite)
            times = one.group.local.time
            for place in np.flatnonzero(other.any(axis=(0, 1, 2))):
                running = times.starts[place][1]
                alike = np.logical_and.reduce(
                    [clock.inside, *(self.space.time.where(number, running) == row[place] for number, row in times.rows.items())]
                )
                moments += [minute for minute in [clock.first_after(alike, self.when)] if minute is not None]
        return self.space.moment(min(moments)) if moments else None
