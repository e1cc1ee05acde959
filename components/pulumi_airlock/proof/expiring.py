"""What ends soon, and what has ended and is still there: routes, exceptions of routes, and rules with an end.

A warning two weeks ahead, so that somebody renews what is still needed, or takes it out, before a task finds out. Expectations
about an instant that is past are none of it: they go on to say what must hold at such a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum

from ..access.clearance import Exceeding, exceeding
from ..access.model import Access
from .declared import expiry
from .filters import Action, Filter, Rule, Source
from .times import Once, Times
from .windows import last_moment
from .wording import listed

DAYS = 14
"""How long before its end something is told."""


class Ending(Enum):
    """What ends."""

    ROUTE = "route"
    EXCEPTION = "exception"
    """What lets a route into a zone above its principals' clearance."""
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Expiring:
    """Something that ends soon, or has ended and is still there. A warning, no failure."""

    ending: Ending
    name: str
    """The route's name (of an exception its route's), or what an engineer of the gate calls the rule."""
    gate: str
    """The rule's gate; empty for what is in the access file."""
    end: datetime
    """The first instant at which it holds no more."""
    last_day: date
    """The last day on which it holds, on the clock on which it is written."""
    days: int
    """Days left: 0 where it ends today, below 0 where it has ended."""
    owners: tuple[str, ...]
    """Who answers for the principals of the route."""
    message: str
    advice: str
    rule: Source | None = None
    rules: tuple[Source, ...] = ()
    """Of a route: the rules that end with it, at the same instant."""

    @property
    def expired(self) -> bool:
        """Whether it has ended."""
        return self.days < 0


def expiring(access: Access, filters: Sequence[Filter], *, at: datetime, days: int = DAYS) -> tuple[Expiring, ...]:
    """Everything that ends within `days` days of `at`, or has ended and is still there: what ended longest ago first.

    ValueError when `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"at: {at} has no time zone")
    rules = _rules(filters)
    with_routes = {expiry(one) for one in access.routes} - {None}
    beside = [one for one in rules if one.end not in with_routes]
    found = [*_routes(access, rules, at), *_exceptions(access, at), *(_of_rule(one, at) for one in beside)]
    near = (one for one in found if one.days <= days)
    return tuple(sorted(near, key=lambda one: (one.end, list(Ending).index(one.ending), one.gate, one.name)))


@dataclass(frozen=True, slots=True)
class _Ends:
    """A rule with an end, and where it stands."""

    filter: Filter
    rule: Rule
    end: datetime

    @property
    def schedule(self) -> str:
        """What makes it end, where the reader tells: `schedule "cutover" 2026-11-28 08:00 UTC – …`."""
        ending = (part for part in self.rule.parts() if end_of(part.match.times) == self.end)
        return next((f"{part.field} {part}" for part in ending), "")


def _rules(filters: Sequence[Filter]) -> list[_Ends]:
    """Every rule with an end, once: one that is several boxes ends with the last of them."""
    found: dict[tuple[str, str, str], _Ends] = {}
    endless: set[tuple[str, str, str]] = set()
    for one in filters:
        for rule in one.rules:
            key = (one.gate, rule.source.urn, rule.source.position)
            end = end_of(rule.match.times)
            if end is None:
                endless.add(key)
            elif key not in found or end > found[key].end:
                found[key] = _Ends(one, rule, end)
    return [one for key, one in found.items() if key not in endless]


def end_of(times: Times) -> datetime | None:
    """When a `Times` holds for the last time (exclusive); None where it has no end."""
    ends = [max(found) for part in times if (found := _ends(part)) is not None and found]
    return min(ends, default=None)


def _ends(windows: Iterable[object]) -> list[datetime] | None:
    """The ends of windows of which any may hold; None where one of them never ends."""
    ends = [one.end if isinstance(one, Once) else None for one in windows]
    return None if None in ends else [end for end in ends if end is not None]


def _routes(access: Access, rules: Sequence[_Ends], at: datetime) -> Iterator[Expiring]:
    owners = {one.name: one.owner for one in access.principals}
    for route in access.routes:
        end = expiry(route)
        if end is None or route.expires is None:
            continue
        left = (route.expires - at.astimezone(end.tzinfo).date()).days
        alike = [one.rule.source for one in rules if one.end == end]
        # Gates call their rules after routes; where none is, all that end with it are told.
        mine = tuple(one for one in alike if route.name in f"{one.label} {one.urn}") or tuple(alike)
        who = tuple(dict.fromkeys(owner for name in route.from_ if (owner := owners.get(name))))
        asked = f" ({listed(who)} answers for {listed(route.from_)})" if who else ""
        if left < 0:
            message = f"route {route.name} expired on {route.expires}, {_days(-left)} ago, and is still in the file"
            advice = f"Take it out, or renew it{asked}"
        else:
            message = f"route {route.name} {_when(left)}: its last day is {route.expires}"
            advice = f"Renew it (expires: a later day), or let it go{asked}"
        yield Expiring(Ending.ROUTE, route.name, "", end, route.expires, left, who, message, advice, None, mine)


def _exceptions(access: Access, at: datetime) -> Iterator[Expiring]:
    """The exceptions that something needs: once they have ended, their routes are refused."""
    owners = {one.name: one.owner for one in access.principals}
    needed: dict[str, list[Exceeding]] = {}
    for one in exceeding(access):
        if one.route.exception is not None:
            needed.setdefault(one.route.name, []).append(one)
    for name, parts in needed.items():
        route, exception = parts[0].route, parts[0].route.exception
        assert exception is not None  # noqa: S101  # asked before
        end = datetime.combine(exception.expires + timedelta(days=1), time.min, UTC)
        left = (exception.expires - at.astimezone(UTC).date()).days
        who = tuple(dict.fromkeys(owner for named in route.from_ if (owner := owners.get(named))))
        where = listed(tuple(dict.fromkeys(one.zone for one in parts)))
        what = f"the exception of route {name} into {where}"
        if left < 0:
            message = f"{what} expired on {exception.expires}, {_days(-left)} ago, and the route is still in the file"
            advice = f"Take the route out, raise the clearance, or ask {exception.approved_by} again"
        else:
            message = f"{what} {_when(left)}: its last day is {exception.expires}"
            advice = f"Raise the clearance, let the route go, or ask {exception.approved_by} again: from then on it is refused"
        yield Expiring(Ending.EXCEPTION, name, "", end, exception.expires, left, who, message, advice)


def _of_rule(one: _Ends, at: datetime) -> Expiring:
    source, end = one.rule.source, one.end
    last, today = (end - timedelta(minutes=1)).date(), at.astimezone(end.tzinfo).date()
    left = (last - today).days if end > at else min(-1, (last - today).days)
    what, schedule = f"{source} at {one.filter.gate}", one.schedule
    by = f" (by {schedule})" if schedule else ""
    if left < 0:
        message = f"{what} ended on {last}{by}, and is still in the stack"
        advice = "Take it out; or renew it, if it is still needed"
    else:
        message = f"{what} {_when(left)}: it holds until {last_moment(end)}{by}"
        effect = "what it lets through is refused" if one.rule.action is Action.ALLOW else "what it refuses may pass"
        advice = f"Renew it, or take it out: from then on {effect}"
    label = source.label or str(source)
    return Expiring(Ending.RULE, label, one.filter.gate, end, last, left, (), message, advice, source)


def _when(left: int) -> str:
    return "ends today" if left == 0 else f"ends in {_days(left)}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
