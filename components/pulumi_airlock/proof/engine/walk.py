"""One point of the space, in concrete terms, and what every filter on its path does with it, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..atoms.instants import Bools
from ..atoms.places import MAYBE, NEVER, SURE, Place, address_text
from ..atoms.space import Box, Space
from ..atoms.subjects import Subject
from ..filters import Action, Combine, Kind, Rule
from ..findings import Outcome, Row, Witness
from ..sets import Services, protocol_name
from .group import Group
from .reader import Reader
from .tracing import Spot, trace

_DIMENSIONS = ("at this time", "for this request", "for this caller", "on this port", "to this host")
"""In the order in which a near miss is worth telling."""

_DEFAULTS = ("no rule matches, and the default is to deny", "no route leads there")
"""Why a filter without a matching rule refuses: of permissions, of routing."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point by its atoms in each dimension."""

    subject: int
    place: int
    service: int
    operation: int
    minute: int
    instant: int
    """Class of instants."""
    running: frozenset[str]


def points(group: Group, mask: Bools) -> Iterator[Point]:
    """The points of a mask over a group, the earliest first."""
    for time, who, service, operation in np.argwhere(mask.transpose(3, 0, 1, 2)).tolist():
        yield _point(group, time, who, service, operation)


def _point(group: Group, time: int, who: int, service: int, operation: int) -> Point:
    """By the classes in each dimension."""
    local = group.local
    minute, running = local.time.starts[time]
    return Point(
        int(local.who.first[who]),
        group.number,
        int(local.service.first[service]),
        int(local.operation.first[operation]),
        minute,
        int(local.time.classes[time]),
        running,
    )


def first(group: Group, mask: Bools, subject: int | None = None) -> Point:
    """The first point of a mask that is not empty; for this subject (an atom), if given."""
    local, start = group.local, 0
    if subject is not None:
        start = int(local.who.inverse[subject])
        mask = mask[start : start + 1]
    ordered = mask.transpose(3, 0, 1, 2)
    time, who, service, operation = np.unravel_index(int(np.argmax(ordered)), ordered.shape)
    found = _point(group, int(time), start + int(who), int(service), int(operation))
    if subject is None:
        return found
    return Point(subject, found.place, found.service, found.operation, found.minute, found.instant, found.running)


def witness(space: Space, point: Point) -> Witness:
    """A point in the words of an engineer."""
    subject: Subject = space.subjects.all[point.subject]
    place: Place = space.places.all[point.place]
    protocol, port = space.cells[point.service]
    return Witness(
        principal=subject.label,
        task=f"{subject.environment}/{subject.task}" if subject.environment is not None else subject.group or "",
        source=address_text(subject.address, subject.family),
        host=str(place),
        protocol=protocol_name(protocol),
        port=port,
        time=space.moment(point.minute),
        operation=space.requests[point.operation],
        running=point.running,
        timezone=space.timezone(subject.principals),
    )


def spot(space: Space, point: Point) -> Spot:
    """A point in concrete values."""
    return Spot(
        space.subjects.all[point.subject],
        space.places.all[point.place],
        space.cells[point.service],
        space.moment(point.minute),
        point.running,
        space.places.all.names,
    )


def walk(space: Space, path: Sequence[Reader], point: Point, *, elsewhere: bool = True) -> tuple[Row, ...]:
    """What each filter on a path does with a point; those in whose scope it is not are left out.

    `elsewhere`: whether a rule for other hosts may be told as the nearest one. Without it, all callers that no rule tells apart
    at this host get the same rows.
    """
    return tuple(row for one in path if (row := _row(space, one, point, elsewhere)) is not None)


def _row(space: Space, reader: Reader, point: Point, elsewhere: bool) -> Row | None:
    one = reader.filter
    within = _holds(space, reader.scope, point)
    if within == NEVER:
        return None
    found = _deciding(space, reader, point)
    action, rule = found[0]
    traced = () if rule is None else trace(rule, spot(space, point))
    if within == MAYBE or any(other is not action for other, _ in found):
        decides, detail = _why_unknown(space, found, point)
        return Row(one, Outcome.UNKNOWN, rule, f"{decides}: {detail}", detail, traced)
    if action is Action.DENY:
        decides = f"{rule.source} denies it" if rule else _DEFAULTS[one.kind is Kind.ROUTING]
        # Of a route table any entry is near, and none says anything.
        details = [
            _overruled(space, reader, rule, point),
            "" if one.kind is Kind.ROUTING else _nearest(space, reader, point, elsewhere),
        ]
        detail = "; ".join(filter(None, details))
        return Row(one, Outcome.DENY, rule, "; ".join(filter(None, [decides, detail])), detail, traced)
    why = "no rule matches, and the default is to allow" if rule is None else f"{rule.source} allows it"
    return Row(one, Outcome.ALLOW, rule, why, "", traced)


def _deciding(space: Space, reader: Reader, point: Point) -> list[tuple[Action, Rule | None]]:
    """The rules that may decide, in order, up to the first that surely does; the default where none surely does."""
    one = reader.filter
    found: list[tuple[Action, Rule | None]] = []
    for place in _at(space, reader, point, holding=True):
        number, box = reader.order[place], reader.boxes[place]
        held = _holds(space, box, point)
        if held == NEVER:
            continue
        rule = one.rules[number]
        found.append((rule.action, rule))
        if held == SURE and not rule.unknown:
            return found
    return [*found, (one.default, None)]


def _at(space: Space, reader: Reader, point: Point, *, holding: bool) -> list[int]:
    """The places in a reader's order of the rules that hold a point's host, or of those that do not."""
    if not len(reader.hosts):
        return []
    found: list[int] = np.flatnonzero((space.places.column(point.place)[reader.hosts] & 3 != NEVER) == holding).tolist()
    return found


def _holds(space: Space, box: Box, point: Point) -> int:
    """NEVER, MAYBE or SURE: whether a box holds a point."""
    held = (
        space.who.table[box.who, point.subject]
        and space.service.table[box.services, point.service]
        and space.operation.table[box.operations, point.operation]
        and space.time.holds(box.times, point.instant, point.running)
    )
    return int(space.places.column(point.place)[box.hosts] & 3) if held else NEVER


def _missing(space: Space, box: Box, point: Point) -> list[str]:
    """The dimensions in which a box does not hold a point, in words."""
    holds = (
        space.time.holds(box.times, point.instant, point.running),
        space.operation.table[box.operations, point.operation],
        space.who.table[box.who, point.subject],
        space.service.table[box.services, point.service],
        space.places.column(point.place)[box.hosts] & 3 != NEVER,
    )
    return [name for name, held in zip(_DIMENSIONS, holds, strict=True) if not held]


def _nearest(space: Space, reader: Reader, point: Point, elsewhere: bool) -> str:
    """The rule that would allow it but for one thing: the time rather than the caller, that rather than the port."""
    for holding in (True, False) if elsewhere else (True,):
        near = [
            (_DIMENSIONS.index(missing[0]), reader.filter.rules[reader.order[place]].source)
            for place in _at(space, reader, point, holding=holding)
            if reader.filter.rules[reader.order[place]].action is Action.ALLOW
            and len(missing := _missing(space, reader.boxes[place], point)) == 1
            # That a rule for every service leads elsewhere says nothing.
            and (holding or reader.filter.rules[reader.order[place]].match.services != Services.every())
        ]
        if near:
            dimension, source = min(near, key=lambda item: item[0])
            return f"nearest: {source}, but not {_DIMENSIONS[dimension]}"
    return ""


def _overruled(space: Space, reader: Reader, rule: Rule | None, point: Point) -> str:
    """Which rule would have allowed it, but for the one that denies it."""
    if rule is None:
        return ""
    for place in _at(space, reader, point, holding=True):
        other = reader.filter.rules[reader.order[place]]
        if other.action is Action.ALLOW and _holds(space, reader.boxes[place], point) != NEVER:
            first_match = reader.filter.combine is Combine.FIRST_MATCH
            return f"it {'stands before' if first_match else 'overrides'} {other.source}, which allows it"
    return ""


def _why_unknown(space: Space, found: Sequence[tuple[Action, Rule | None]], point: Point) -> tuple[str, str]:
    unknown = dict.fromkeys(reason for _, rule in found if rule is not None for reason in rule.unknown)
    what = " and ".join(unknown) or f"which addresses {space.places.all[point.place]} has"
    rule = found[0][1]
    return f"{rule.source if rule else 'this filter'} may decide", f"not known is {what}"


def reasons(rows: Sequence[Row], place: Place) -> tuple[str, ...]:
    """What is not known along a path."""
    open_rows = [row for row in rows if row.outcome is Outcome.UNKNOWN]
    found = dict.fromkeys(reason for row in open_rows if row.rule is not None for reason in row.rule.unknown)
    by_name = any(row.rule is None or not row.rule.unknown for row in open_rows) or not open_rows
    if by_name and place.name is not None:
        found[f"which addresses {place.name} has"] = None
    return tuple(found)
