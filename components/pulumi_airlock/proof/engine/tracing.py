"""Which entries of a rule's fields hold a point: the trace from the rule down to the address object.

Sets are asked about one concrete point here, not about atoms: members of a group are cut nowhere, and need not be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ..atoms.places import Place, span
from ..atoms.subjects import Subject
from ..filters import Match, Part, Rule, Who
from ..findings import Step, Trace
from ..sets import Hosts, Names
from ..times import DagRun, Once, Times, Window

_PORTS = 65536
_DEEPEST = 64
"""Nesting of groups that is followed: far more than any gate takes."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in concrete values."""

    subject: Subject
    place: Place
    service: tuple[int, int]
    """Protocol and port."""
    moment: datetime
    running: frozenset[str]
    names: Sequence[Place] = ()
    """Every name of the proof, with the addresses that it may have."""


def trace(rule: Rule, spot: Spot) -> tuple[Trace, ...]:
    """For each field of a rule, in the reader's order, the entry that holds a point; fields without one are left out."""
    fields: dict[str, list[Part]] = {}
    for part in rule.parts():
        fields.setdefault(part.field, []).append(part)
    found = []
    for field, entries in fields.items():
        holding = _holding(entries, spot)
        if holding:
            steps = tuple(Step(one.kind, one.name, one.value, one.urn) for one in _down(holding[0], spot))
            found.append(Trace(field, steps, len(holding) - 1))
    return tuple(found)


def _down(part: Part, spot: Spot) -> Iterator[Part]:
    """A part, the first member of it that holds the point, and so on."""
    for _ in range(_DEEPEST):
        yield part
        below = _holding(part.parts, spot)
        if not below:
            return
        part = below[0]


def _holding(parts: Sequence[Part], spot: Spot) -> list[Part]:
    """The parts that hold a point: by its address or name; else by a name that may have the address, the surest first."""
    fitting = [part for part in parts if _otherwise(part.match, spot)]
    found = [part for part in fitting if _holds_place(part.match.hosts, spot.place)]
    if found or spot.place.name is not None:
        return found
    by_name = [(most, part) for part in fitting if (most := _may_have(part.match.hosts, spot)) is not None]
    return [part for _, part in sorted(by_name, key=lambda item: item[0])]


def holds(match: Match, spot: Spot) -> bool:
    """Whether a match holds a point, or may: of a name, whose addresses are not known, if it holds some of them. HTTP aside."""
    return _otherwise(match, spot) and _holds_place(match.hosts, spot.place)


def _otherwise(match: Match, spot: Spot) -> bool:
    protocol, port = spot.service
    return (
        _holds_subject(match.who, spot.subject)
        and protocol * _PORTS + port in match.services.cells
        and open_at(match.times, spot.moment, spot.running)
    )


def _holds_subject(who: Who, subject: Subject) -> bool:
    if who.environments is not None and subject.environment not in (who.environments or (None,)):
        return False
    if who.outside is not None and subject.environment in who.outside:
        return False
    if who.groups is not None and subject.group not in who.groups:
        return False
    if who.principals is not None and not subject.principals & who.principals:
        return False
    if who.workloads is not None and not subject.workloads & who.workloads:
        return False
    if who.tasks is not None and not (subject.ids and who.holds_task(*subject.ids)):
        return False
    return who.sources is None or subject.address in span(who.sources, subject.family)


def _holds_place(hosts: Hosts, place: Place) -> bool:
    addresses = span(hosts, place.family)
    if place.name is not None:
        return place.name in hosts.names or bool(addresses & place.may)
    return (place.address or 0) in addresses


def _may_have(hosts: Hosts, spot: Spot) -> int | None:
    """Of the names of a set that may have the point's address, the surest: how many it may have. None where there is none."""
    if hosts.names in (Names(), Names.every()):
        return None
    sizes = (
        sum(last - first + 1 for first, last in one.may.spans)
        for one in spot.names
        if one.name is not None
        and one.family == spot.place.family
        and one.name in hosts.names
        and (spot.place.address or 0) in one.may
    )
    return min(sizes, default=None)


def open_at(times: Times, moment: datetime, running: frozenset[str] = frozenset()) -> bool:
    """Whether a `Times` holds at an instant, while runs of the given DAGs are under way."""
    return all(any(_open(window, moment, running) for window in alternatives) for alternatives in times)


def _open(window: Window, moment: datetime, running: frozenset[str]) -> bool:
    if isinstance(window, DagRun):
        return window.dag in running
    if isinstance(window, Once):
        return (window.start is None or window.start <= moment) and (window.end is None or moment < window.end)
    local = moment.astimezone(ZoneInfo(window.timezone))
    minute = local.weekday() * 24 * 60 + local.hour * 60 + local.minute
    return any(first <= minute < last for first, last in window.spans)
