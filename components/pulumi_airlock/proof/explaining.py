"""`explain`: why somebody can, or cannot, reach something; every gate on the path in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ..access.errors import AccessError
from ..access.model import Access
from ..access.names import select_destinations, select_principals
from .advising import Answer
from .declared import grants
from .expecting import target_match
from .filters import Environment, Filter
from .findings import Explanation, Outcome
from .instants import Bools
from .missing import missing_gates
from .proving import in_order, own_needs
from .space import Space
from .subjects import Selector
from .sweep import Group, Question, Sweep
from .walk import Point, first, reasons, walk, witness


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
    return _Question(access, in_order(environments), filters, principal, destination, at, moment).answer()


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
        path = [*filters, *(one.stand_in() for one in missing_gates(access, filters))]
        self.space = Space(access, environments, path, matches, [selector], at, [when])
        gates = {name: tuple(zone.gates) for name, zone in access.zones.items()}
        self.sweep = Sweep(self.space, path, [one.match for one in self.grants], own, gates)
        row = self.space.selector_row(selector)
        if not self.space.who.table[row].any():
            select_principals(access, principal)  # says what is wrong with a name that the access file does not have
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
        change = self._next_change(found, outcome)
        seen = witness(self.space, point)
        told = Answer(
            principal=self.principal,
            destination=self.destination,
            outcome=outcome,
            rows=path,
            witness=seen,
            routes=routes,
            other_times=() if routes else later,
            own=self._is_own(named.group, point),
            change="" if change is None else replace(seen, time=change).when,
            unknown=reasons(path, named.group.place),
        )
        return Explanation(
            principal=self.principal,
            destination=self.destination,
            outcome=outcome,
            routes=routes,
            other_times=told.other_times,
            witness=seen,
            rows=path,
            message=told.sentence(),
            kind=told.kind,
            advice=told.advice(),
            notes=tuple(self._notes(told, differs=bool(refused) + bool(unclear) + bool(passing) > 1)),
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

    def _is_own(self, group: Group, point: Point) -> bool:
        """Whether the environment needs it itself."""
        local = group.local
        place = local.who.inverse[point.subject], local.service.inverse[point.service], local.operation.inverse[point.operation]
        return bool(group.own[place].any())

    def _notes(self, told: Answer, *, differs: bool) -> list[str]:
        notes = []
        if differs:
            shown = "a refused" if told.outcome is Outcome.DENY else "an unclear"
            notes.append(f"The answer differs between the hosts, ports, addresses or tasks that are meant; shown is {shown} one.")
        if told.change:
            notes.append(f"The answer changes at {told.change}.")
        elif told.outcome is Outcome.DENY and not differs:
            notes.append("This is so at all times.")
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
