"""`reach`: everything that somebody can reach, and everybody who can reach something.

The proof's exposure, and its "preview as this principal": what all gates together let through, whoever asks.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from ...access.errors import AccessError
from ...access.model import Access
from ...access.names import select_destinations, select_principals, split_task
from ..atoms.places import SURE
from ..atoms.space import Space
from ..atoms.subjects import Selector
from ..declared import destination_hosts, destination_services, grants
from ..engine.group import Question
from ..engine.sweep import Sweep
from ..expecting import target_match
from ..filters import EVERYTHING, Environment, Filter, Match
from ..missing import missing_gates
from ..needs import own_needs
from ..proving import in_order
from ..sets import Services
from .exposure import Reach
from .gathering import Gathering
from .moments import Moments
from .regions import Regions
from .relevant import relevance


def reach(
    access: Access,
    environments: Sequence[Environment],
    filters: Sequence[Filter],
    *,
    at: datetime,
    who: str | None = None,
    to: str | None = None,
    when: datetime | None = None,
) -> Reach:
    """Everything that `who` can reach, and everybody who can reach `to`; both: what of the one the other can reach.

    `who` is written as in expectations (a principal's name, `dag.task`, `environment/dag.task`, `other`, `outside`), `to` as a
    destination's name, a host or an address, with a port or without. From `at` on for `HORIZON_DAYS`, or at `when` alone. What
    may get through, since something unknown decides, is in it, marked. ValueError when neither is given, or for a time without
    a zone; AccessError when nobody or nothing is meant.
    """
    if who is None and to is None:
        raise ValueError("say who, to, or both")
    for label, value in (("at", at), ("when", when)):
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{label}: {value} has no time zone")
    return _Asked(access, in_order(environments), filters, at, who, to, when).answer()


def _targets(access: Access, to: str) -> list[Match]:
    """What a destination text means: without a port all of them, not the declared ones alone."""
    found = [target_match(one) for one in select_destinations(access, to)]
    names = {one.name for one in access.destinations}
    ported = to not in names and (":" in to.rpartition("]")[2] if to.startswith("[") else to.count(":") == 1)
    return found if ported else [replace(one, services=Services.every()) for one in found]


class _Asked:
    """One question under way."""

    def __init__(
        self,
        access: Access,
        environments: Sequence[Environment],
        filters: Sequence[Filter],
        at: datetime,
        who: str | None,
        to: str | None,
        when: datetime | None,
    ) -> None:
        self._access, self._at, self._who, self._to, self._when = access, at, who, to, when
        self._selector = None if who is None else Selector.parse(who, [one.name for one in access.principals])
        asked = [EVERYTHING] if to is None else _targets(access, to)
        places = [Match(hosts=destination_hosts(one), services=destination_services(one)) for one in access.destinations]
        every = [*filters, *(one.stand_in() for one in missing_gates(access, filters))]
        granted, own = grants(access), own_needs(environments, filters)
        said = [
            *(one.scope for one in every),
            *(rule.match for one in every for rule in one.rules),
            *(one.match for one in granted),
            *own,
        ]
        counts = relevance(access, environments, said, self._selector, None if to is None else asked, at)
        path = list(counts.filters(every))
        self._grants = [one for one in granted if counts(one.match)]
        own = [one for one in own if counts(one)]
        matches = [*(one.match for one in self._grants), *own, *places, *asked]
        selectors, marks = [one for one in [self._selector] if one], [one for one in [when] if one]
        self._space = Space(access, environments, path, matches, selectors, at, marks)
        self._destinations = [self._space.add(one) for one in places]
        self._asked = [self._space.add(one) for one in asked]
        gates = {name: tuple(zone.gates) for name, zone in access.zones.items()}
        cut_by = [*self._destinations, *self._asked]
        self._sweep = Sweep(self._space, path, [one.match for one in self._grants], own, gates, cut_by)
        self._row = None if self._selector is None else self._space.selector_row(self._selector)
        self._check(environments)
        self._regions = Regions(access, environments, path, matches)
        windows = [*(one.match.times for one in self._grants), *(rule.match.times for one in path for rule in one.rules)]
        clock = self._space.clock
        within = clock.inside if when is None else np.arange(len(clock)) == clock.class_of(when)
        self._moments = Moments(self._space, dict.fromkeys(windows), within)

    def _check(self, environments: Sequence[Environment]) -> None:
        if self._row is None:
            return
        # Without a dot it is no task: then it has to be a name that the access file knows.
        if self._selector is not None and self._selector.dag and split_task(str(self._who).rpartition("/")[2]) is None:
            select_principals(self._access, str(self._who))
        if not self._space.who.table[self._row].any():
            select_principals(self._access, str(self._who))  # says what is wrong with a name that the file does not have
            names = ", ".join(one.name for one in environments) or "none"
            raise AccessError.of("", "", f"no task or person of this stack is {self._who!r}; its environments: {names}")

    def answer(self) -> Reach:
        """Looks at every class of hosts that is meant, then puts together what reads as one."""
        gathering = Gathering(
            self._access, self._space, self._sweep, self._grants, self._destinations, self._regions, self._moments
        )
        row = self._space.is_task if self._row is None else self._row
        questions = [Question(box, row, self._when) for box in self._asked]
        places = self._space.places
        held = [np.flatnonzero(places.row(box.hosts) & 3 == SURE).tolist() for box in self._asked]
        only = None if self._to is None else sorted({number for numbers in held for number in numbers})
        for group in self._sweep.groups(questions, only=only, path_alone=True):
            local = group.local
            column = places.column(group.number)
            meant = [local.service.rows[box.services] for box in self._asked if column[box.hosts] & 3 == SURE]
            time = local.time.inside if self._when is None else local.time.classes == self._space.clock.class_of(self._when)
            asked = group.real & np.logical_or.reduce(meant)[:, None, None] & time
            if self._row is not None:
                asked &= local.who.rows[self._row][:, None, None, None]
            gathering.add(group, asked)
        return Reach(self._at, self._who, self._to, self._when, gathering.rows())
