"""`explain`: why somebody can, or cannot, reach something; every gate on the path in order.

`Inquiry` is the question under way: all points that it means, and which of them pass. `opposite` asks it again of other filters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...access.errors import AccessError
from ...access.model import Access
from ...access.names import Target, select_destinations, select_principals
from ..atoms.instants import Bools
from ..atoms.space import Box, Space
from ..atoms.subjects import Selector, Subject
from ..checks import Owned
from ..declared import destination_matches, grants
from ..engine.group import Group, Question
from ..engine.sweep import Sweep
from ..engine.walk import Point, first, reasons, walk, witness
from ..expecting import target_match
from ..filters import EVERYTHING, Environment, Filter, Match, Who
from ..findings import Explanation, Outcome
from ..missing import missing_gates
from ..needs import own_needs
from ..overview.checking import PEOPLE, TASKS, Checks
from ..proving import in_order
from ..sets import Hosts
from ..wording import listed
from .advising import Answer


def explain(
    access: Access,
    environments: Sequence[Environment],
    filters: Sequence[Filter],
    principal: str,
    destination: str,
    *,
    at: datetime,
    when: datetime | None = None,
    source: str | None = None,
) -> Explanation:
    """Why `principal` can, or cannot, reach `destination` at `when` (by default `at`, now).

    `principal` is written as in expectations (a principal's name, `dag.task`, `environment/dag.task`, `other`, `outside`),
    `destination` as a name, a host or an address, with a port or without; `source` is the caller's address, where it is known.
    Where the answer differs between the points that are meant, a refused one is explained, and the notes say so. AccessError when
    nobody or nothing is meant, ValueError for a time without a zone or a source that is no address.
    """
    return Inquiry(access, environments, filters, principal, destination, at=at, when=when, source=source).explanation


@dataclass(frozen=True)
class Found:
    """The points of one class of hosts that the question means: now, and over the horizon."""

    number: int
    """Which of the destinations that are asked about."""
    group: Group
    now: Bools
    ever: Bools


Part = tuple[Found, Bools]
"""Some of the points of a `Found`."""


class Inquiry:
    """One question: who, where, when, of which filters."""

    def __init__(
        self,
        access: Access,
        environments: Sequence[Environment],
        filters: Sequence[Filter],
        principal: str,
        destination: str,
        *,
        at: datetime,
        when: datetime | None = None,
        source: str | None = None,
        callers: Sequence[str] | None = None,
        asked: Sequence[tuple[Target, Match]] | None = None,
        cut: Sequence[Match] = (),
    ) -> None:
        """As `explain` takes it.

        `callers`: several instead of `principal` (none: everybody); `asked`: several destinations instead of `destination`, each
        with its hosts and services; `cut`: boxes to tell points apart by, besides those of rules and routes.
        """
        self.access, self.environments, self.filters = access, in_order(environments), list(filters)
        self.principal, self.destination, self.source = principal, destination, source
        self.at, self.when = at, at if when is None else when
        for label, value in (("at", self.at), ("when", self.when)):
            if value.tzinfo is None:
                raise ValueError(f"{label}: {value} has no time zone")
        self.grants = grants(access)
        names = [one.name for one in access.principals]
        selectors = [Selector.parse(one, names) for one in ((principal,) if callers is None else callers)]
        pairs = [(one, target_match(one)) for one in select_destinations(access, destination)] if asked is None else asked
        self.targets, self.asked = [one for one, _ in pairs], [match for _, match in pairs]
        self._more: dict[str, Any] = {"source": source, "callers": callers, "asked": asked}
        own = own_needs(self.environments, self.filters)
        origin = Match(who=Who(sources=Hosts.from_cidr(source))) if source else Match()
        matches = [*(one.match for one in self.grants), *own, *self.asked, origin, EVERYTHING, *cut]
        path = [*self.filters, *(one.stand_in() for one in missing_gates(access, self.filters))]
        begin = min(self.at, self.when)  # what changes after a time in the past is told from there on
        self.space = Space(access, self.environments, path, matches, selectors, begin, [self.when])
        gates = {name: tuple(zone.gates) for name, zone in access.zones.items()}
        self.sweep = Sweep(self.space, path, [one.match for one in self.grants], own, gates)
        self._who = [self.space.selector_row(one) for one in selectors] or [self.space.add(EVERYTHING).who]
        self._origin = self.space.add(origin).who
        table = self.space.who.table
        self.meant = _either(table, self._who) & table[self._origin]
        """Which subjects are meant."""
        self._checks: dict[tuple[int, int], tuple[Owned, ...]] = {}
        self._refuse_nobody()

    def _refuse_nobody(self) -> None:
        if self.meant.any():
            return
        if not _either(self.space.who.table, self._who).any():
            select_principals(self.access, self.principal)  # says what is wrong with a name that the access file does not have
            names = ", ".join(one.name for one in self.environments) or "none"
            raise AccessError.of("", "", f"no task or person of this stack is {self.principal!r}; its environments: {names}")
        sources = "; ".join(f"{one.name} has {one.sources.addresses()}" for one in self.environments)
        raise AccessError.of("", "", f"nobody of {self.principal!r} connects from {self.source} ({sources})")

    def with_filters(self, filters: Sequence[Filter], cut: Sequence[Match] = ()) -> "Inquiry":
        """The same question of other filters."""
        return self._again(self.access, filters, cut)

    def with_access(self, access: Access) -> "Inquiry":
        """The same question of another access file, before anything is compiled from it."""
        return self._again(access, self.filters, ())

    def _again(self, access: Access, filters: Sequence[Filter], cut: Sequence[Match]) -> "Inquiry":
        return Inquiry(
            access,
            self.environments,
            filters,
            self.principal,
            self.destination,
            at=self.at,
            when=self.when,
            cut=cut,
            **self._more,
        )

    # --- the points that are meant

    @cached_property
    def found(self) -> list[Found]:
        """The points that are meant, by class of hosts. AccessError where there is none."""
        found = [one for number, match in enumerate(self.asked) for one in self._points(number, self.space.add(match))]
        if not found:
            message = (
                f"{self.principal} and {self.destination} have no path in this stack: no gate, or no address family in common"
            )
            raise AccessError.of("", "", message)
        return found

    def _points(self, number: int, box: Box) -> list[Found]:
        column = self.space.places.row(box.hosts)
        # Beside the callers, the source is asked for only to tell callers there from others.
        questions = [Question(box, row, self.when) for row in dict.fromkeys((*self._who, self._origin))]
        found = []
        for group in self.sweep.groups(questions, only=np.flatnonzero(column & 3 == 2).tolist()):
            local = group.local
            who = _either(local.who.rows, self._who) & local.who.rows[self._origin]
            asked: Bools = who[:, None, None, None] & local.service.rows[box.services][:, None, None] & group.real
            now = asked & (local.time.classes == self.space.clock.class_of(self.when))
            if now.any():
                found.append(Found(number, group, now, asked & local.time.inside))
        return found

    def _where(self, points: Callable[[Group], Bools]) -> list[Part]:
        return [(one, mask) for one in self.found if (mask := one.now & points(one.group)).any()]

    @cached_property
    def refused(self) -> list[Part]:
        """The parts that surely do not pass."""
        return self._where(lambda group: ~group.possible)

    @cached_property
    def unclear(self) -> list[Part]:
        """The parts of which it is not known whether they pass."""
        return self._where(lambda group: group.possible & ~group.definite)

    @cached_property
    def passing(self) -> list[Part]:
        """The parts that surely pass."""
        return self._where(lambda group: group.definite)

    @property
    def outcome(self) -> Outcome:
        """Refused if anything that is meant is, allowed if all of it is."""
        return Outcome.DENY if self.refused else Outcome.UNKNOWN if self.unclear else Outcome.ALLOW

    @property
    def undeclared(self) -> bool:
        """Whether some of what is asked about is declared by no route now."""
        return any((one.now & ~one.group.declared).any() for one in self.found)

    @property
    def differs(self) -> bool:
        """Whether the answer differs between the points that are meant."""
        return bool(self.refused) + bool(self.unclear) + bool(self.passing) > 1

    @cached_property
    def telling(self) -> Part:
        """The part that is explained: of what is refused, where most filters refuse."""
        parts = self.refused or self.unclear or self.passing
        by_name = parts[0][0].group.place.name is not None
        alike = [part for part in parts if (part[0].group.place.name is not None) is by_name]
        counted = [(found, mask, _refusals(found.group, mask)) for found, mask in alike]
        most = max(int(counts.max()) for _, _, counts in counted)
        return next((found, mask & (counts == most)) for found, mask, counts in counted if (counts == most).any())

    def subjects(self, parts: Sequence[Part]) -> list[Subject]:
        """Everybody who is meant and has a point in these parts."""
        atoms = np.zeros_like(self.meant)
        for part in parts:
            atoms |= self.atoms(part)
        return [self.space.subjects.all[number] for number in np.flatnonzero(atoms).tolist()]

    def atoms(self, part: Part) -> Bools:
        """Which subjects have a point in a part; of those who are meant."""
        found, mask = part
        classes = np.asarray(mask.any(axis=(1, 2, 3)))
        return np.asarray(classes[found.group.local.who.inverse] & self.meant)

    # --- the answer

    @cached_property
    def explanation(self) -> Explanation:
        """The most telling of all points that are meant, explained."""
        return self._explained(self.telling, self.outcome, None, self.principal, self.destination)

    def about(self, subject: int, number: int | None = None) -> Explanation:
        """The same for one of those who are meant (an atom), and for one of the destinations that are."""
        for outcome, parts in (
            (Outcome.DENY, self.refused),
            (Outcome.UNKNOWN, self.unclear),
            (Outcome.ALLOW, self.passing),
        ):
            for part in parts:
                if number in (None, part[0].number) and self.atoms(part)[subject]:
                    label = self.space.subjects.all[subject].label
                    where = self.destination if number is None else str(self.targets[number])
                    return self._explained(part, outcome, subject, label, where)
        raise ValueError(f"subject {subject} has no point that is asked about")

    def _explained(self, part: Part, outcome: Outcome, subject: int | None, principal: str, destination: str) -> Explanation:
        found, mask = part
        point = first(found.group, mask, subject)
        path = walk(self.space, self.sweep.path(found.group.place.zone), point)
        routes = self._declaring(found, mask, point)
        seen = witness(self.space, point)
        change = self._next_change(outcome, subject)
        told = Answer(
            principal=principal,
            destination=destination,
            outcome=outcome,
            rows=path,
            witness=seen,
            routes=routes,
            other_times=() if routes else self._declaring(found, found.ever, point, at_any_time=True),
            own=_is_own(found.group, point),
            change="" if change is None else replace(seen, time=change).when,
            unknown=reasons(path, found.group.place),
        )
        return Explanation(
            principal=principal,
            destination=destination,
            outcome=outcome,
            routes=routes,
            other_times=told.other_times,
            witness=seen,
            rows=path,
            message=told.sentence(),
            kind=told.kind,
            advice=told.advice(),
            notes=(*self._notes(told, None if subject is None else part), *self._owners(found, point)),
        )

    def routes(self) -> tuple[str, ...]:
        """The routes that declare what is explained."""
        return self.explanation.routes

    def _declaring(self, found: Found, mask: Bools, point: Point, *, at_any_time: bool = False) -> tuple[str, ...]:
        """The routes that declare a point, or that do so at some time."""
        group, local = found.group, found.group.local
        here = np.zeros_like(mask)
        who, service = local.who.inverse[point.subject], local.service.inverse[point.service]
        operation = local.operation.inverse[point.operation]
        here[who, service, operation] = mask[who, service, operation]
        if not at_any_time:
            here &= np.array([minute == point.minute and running == point.running for minute, running in local.time.starts])
        names = [self.grants[number].route.name for number, points in group.grants if (points & here).any()]
        return tuple(dict.fromkeys(names))

    def _notes(self, told: Answer, alone: Part | None) -> list[str]:
        """What is to be said beside the point that is explained; of a part alone, nothing of the other ones."""
        notes = []
        differs = self.differs and alone is None
        if differs:
            shown = "a refused" if told.outcome is Outcome.DENY else "an unclear"
            notes.append(f"The answer differs between the hosts, ports, addresses or tasks that are meant; shown is {shown} one.")
            found = self.telling[0]
            if self.targets[found.number].destination is None and (names := self.targets[found.number].hosts):
                where = f"zone {found.group.place.zone}" if found.group.place.zone else "no zone"
                notes.append(f"No destination has the name {listed(names)}, so that it may be in any zone; shown is {where}.")
        if told.outcome is Outcome.DENY and alone is None and (others := self._also_refusing(told)):
            notes.append(f"Other hosts, ports, addresses or tasks that are meant are refused by {', '.join(others)} as well.")
        if told.change and not told.tells_change:
            notes.append(f"The answer changes at {told.change}.")
        elif not told.change and told.outcome is Outcome.DENY and not differs:
            notes.append("This is so at all times.")
        return notes

    def _owners(self, found: Found, point: Point) -> Iterator[str]:
        """Checks on this way that have not exactly one owner."""
        name = self.targets[found.number].destination
        number = next((place for place, one in enumerate(self.access.destinations) if one.name == name), None)
        if number is None or not any(one.destination.name == name for one in self.grants):
            return
        if (number, found.group.number) not in self._checks:
            boxes = [self.space.add(match) for match in destination_matches(self.access, self.grants)]
            checks = Checks(self.access, self.space, self.sweep, self.grants, boxes, frozenset({found.group.number}), {number})
            self._checks[number, found.group.number] = checks.all()
        asker = PEOPLE if self.space.subjects.all[point.subject].environment is None else TASKS
        for one in self._checks[number, found.group.number]:
            if one.fault is not None and one.callers in ("", asker):
                yield f"Not exactly one owner: {one.message}."

    def _also_refusing(self, told: Answer) -> list[str]:
        """Filters that refuse some of what is meant, but not the point that is explained."""
        shown = {(row.filter.gate, row.filter.name) for row in told.refusing}
        found: dict[str, None] = {}
        for part, mask in self.refused:
            for verdict in part.group.path:
                one = verdict.reader.filter
                if (one.gate, one.name) not in shown and (mask & verdict.refuses).any():
                    found[f"{one.gate} ({one.name}; {one.kind.value})"] = None
        return list(found)

    def _next_change(self, outcome: Outcome, subject: int | None) -> datetime | None:
        """The first instant after now at which something that is refused passes, or the other way round."""
        clock = self.space.clock
        moments = []
        for one in self.found:
            other = one.ever & (~one.group.definite if outcome is Outcome.ALLOW else one.group.definite)
            if subject is not None:
                other = other[[one.group.local.who.inverse[subject]]]
            times = one.group.local.time
            for place in np.flatnonzero(other.any(axis=(0, 1, 2))):
                running = times.starts[place][1]
                alike = np.logical_and.reduce(
                    [clock.inside, *(self.space.time.where(number, running) == row[place] for number, row in times.rows.items())]
                )
                moments += [minute for minute in [clock.first_after(alike, self.when)] if minute is not None]
        return self.space.moment(min(moments)) if moments else None


def _either(rows: Mapping[int, Bools] | Bools, numbers: Sequence[int]) -> Bools:
    """What at least one of these rows holds."""
    found = rows[numbers[0]].copy()
    for number in numbers[1:]:
        found |= rows[number]
    return found


def _refusals(group: Group, mask: Bools) -> NDArray[np.int_]:
    """How many filters refuse each point; -1 where there is none."""
    counts = np.where(mask, 0, -1)
    for verdict in group.path:
        counts += mask & verdict.refuses
    return counts


def _is_own(group: Group, point: Point) -> bool:
    """Whether the environment needs it itself."""
    local = group.local
    place = local.who.inverse[point.subject], local.service.inverse[point.service], local.operation.inverse[point.operation]
    return bool(group.own[place].any())
