"""The rules of one filter laid out on their ground: which never decide, which could go, whether the filter refuses anything.

A *line* is what an engineer counts as one rule: everything that came of one place in one resource (a FortiGate policy with both
address families is two matches, and one line). Lines with something unknown are never reported, and never cover anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ...access.model import Access
from ..filters import Action, Combine, Environment, Filter, Kind, Match, Rule, Source
from ..shape import Shape
from .boxes import Box, Index, bits, irredundant, meet, meets, size, without
from .ground import Ground


@dataclass(frozen=True, slots=True)
class Line:
    """The rules of one source, by their places in the order in which the filter looks at them."""

    source: Source
    action: Action
    places: tuple[int, ...]
    known: bool
    implied: bool = False
    """No waste, whatever it decides."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A line that could be taken out, and what decides in its stead."""

    line: Line
    instead: tuple[Line, ...]
    default: bool = False


class Rulings:
    """One filter on its own ground."""

    def __init__(self, one: Filter, access: Access, environments: Sequence[Environment], at: datetime, shape: Shape) -> None:
        self.filter = one
        self.rules = _in_order(one)
        beside = [one.scope, *(Match(hosts=hosts) for hosts in shape.apart)]
        ground = self.ground = Ground(access, environments, [*beside, *(rule.match for rule in self.rules)], at)
        self.scopes = ground.touch(one.scope)
        self.needs = [self.here(ground.needs(rule.match)) for rule in self.rules]
        self.touch = [self.here(ground.touch(rule.match)) for rule in self.rules]
        self.says = [self.here(ground.says(rule.match)) for rule in self.rules]
        self.sure = [() if rule.unknown else self.here(ground.sure(rule.match)) for rule in self.rules]
        self.lines = _lines(self.rules)
        self._line_of = {place: line for line in self.lines for place in line.places}

    def here(self, boxes: Iterable[Box]) -> tuple[Box, ...]:
        """What of boxes is within the filter's scope."""
        return tuple(found for one in boxes for scope in self.scopes if (found := meet(one, scope)) is not None)

    @cached_property
    def _index(self) -> tuple[Index, list[int]]:
        flat = [(box, place) for place, boxes in enumerate(self.touch) for box in boxes]
        return Index([box for box, _ in flat]), [place for _, place in flat]

    def near(self, boxes: Iterable[Box]) -> list[int]:
        """The places of the rules that may match something of these boxes, in order."""
        index, places = self._index
        return sorted({places[number] for box in boxes for number in bits(index.near(box))})

    def points(self, place: int) -> list[Box]:
        """What a rule matches of what there can be: what another has to match in its stead."""
        return without(self.needs[place], self.ground.never)

    @cached_property
    def empty(self) -> tuple[Line, ...]:
        """Lines that match nothing that passes here."""
        return tuple(
            one for one in self.lines if one.known and not one.implied and not any(self.points(place) for place in one.places)
        )

    @cached_property
    def shadowed(self) -> tuple[Taken, ...]:
        """Lines that never decide, each with the fewest earlier lines found that decide in its stead."""
        gone = {one.source for one in self.empty}
        found = []
        for line in self.lines:
            if not line.known or line.implied or line.source in gone:
                continue
            points = [box for place in line.places for box in self.points(place)]
            before = [place for place in self.near(points) if place < line.places[0] and self.sure[place]]
            if not without(points, (box for place in before for box in self.sure[place])):
                lines = list({self._line_of[place].source: self._line_of[place] for place in before}.values())
                found.append(Taken(line, irredundant(lines, lambda some: self._cover(points, some, line.places[0]))))  # noqa: B023
        return tuple(found)

    def _cover(self, points: Iterable[Box], lines: Iterable[Line], before: int) -> bool:
        return not without(points, (box for one in lines for place in one.places if place < before for box in self.sure[place]))

    @cached_property
    def aside(self) -> frozenset[Line]:
        """Lines that are no waste and are not counted: implied ones, and the closing one."""
        implied = [one for one in self.lines if one.implied]
        return frozenset(implied if self._closing is None else [*implied, self._closing])

    @cached_property
    def _closing(self) -> Line | None:
        """The last line, if it does for all that is left what the default would do: there to log it."""
        last = self.lines[-1] if self.lines and self.filter.combine is Combine.FIRST_MATCH else None
        if last is None or not last.known or last.action is not self.filter.default or last.action is not Action.DENY:
            return None
        whole = without(without(self.scopes, self.ground.never), (box for place in last.places for box in self.sure[place]))
        return None if whole else last

    @cached_property
    def redundant(self) -> tuple[Taken, ...]:
        """Lines that decide, and could go: the narrowest first, each without those that are gone already.

        None of a route table: that another one leads there too does not say that it leads the same way.
        """
        if self.filter.kind is Kind.ROUTING:
            return ()
        gone = {place for one in (*self.empty, *(each.line for each in self.shadowed)) for place in one.places}
        sizes = {one.source: size(box for place in one.places for box in self.needs[place]) for one in self.lines}
        taken: list[Line] = []
        for line in sorted(self.lines, key=lambda one: (sizes[one.source], -one.places[0])):
            if not line.known or line.places[0] in gone:
                continue
            if line not in self.aside and self._goes(line, gone):
                gone.update(line.places)
                taken.append(line)
        return tuple(self._instead(line, gone) for line in sorted(taken, key=lambda one: one.places[0]))

    def _decides(self, line: Line, gone: set[int]) -> list[Box]:
        """The points at which a line may be the first to match, of what is left."""
        points = [box for place in line.places for box in self.points(place)]
        before = [place for place in self.near(points) if place < line.places[0] and place not in gone]
        return without(points, (box for place in before for box in self.sure[place]))

    def _goes(self, line: Line, gone: set[int]) -> bool:
        """Whether what is left would decide the same without it."""
        left = self._decides(line, gone)
        for place in self.near(left):
            if place <= line.places[0] or place in gone or place in line.places:
                continue
            if self.rules[place].action is line.action:
                left = without(left, self.sure[place])
            elif any(meets(box, other) for box in left for other in self.touch[place]):
                return False
        return not left or self.filter.default is line.action

    def _instead(self, line: Line, gone: set[int]) -> Taken:
        """What decides in the stead of a line that goes, of those that stay: as few lines as are enough, and the default."""
        left = self._decides(line, gone)
        after = [place for place in self.near(left) if place > line.places[-1] and place not in gone]
        same = [place for place in after if self.rules[place].action is line.action and self.sure[place]]
        lines = list({self._line_of[place].source: self._line_of[place] for place in same}.values())
        beyond = without(left, (box for place in same for box in self.sure[place]))
        wanted = without(left, beyond)

        def enough(some: Sequence[Line]) -> bool:
            return not without(wanted, (box for one in some for place in one.places for box in self.sure[place]))

        default = bool(beyond) and self.filter.default is line.action
        return Taken(line, irredundant(lines, enough) if wanted else (), default)

    @cached_property
    def kept(self) -> tuple[Line, ...]:
        """The lines that are left when all of these are taken out."""
        gone = {one.source for one in (*self.empty, *(each.line for each in (*self.shadowed, *self.redundant)))}
        return tuple(one for one in self.lines if one.source not in gone)

    @cached_property
    def refuses(self) -> bool:
        """Whether there may be something that the filter refuses."""
        left = without(self.scopes, self.ground.never)
        for place, rule in enumerate(self.rules):
            if rule.action is Action.ALLOW:
                left = without(left, self.sure[place])
            elif any(meets(box, other) for box in left for other in self.touch[place]):
                return True
        return bool(left) and self.filter.default is Action.DENY


def _in_order(one: Filter) -> list[Rule]:
    """The rules in the order in which the first match decides, whatever the filter's way to combine them."""
    if one.combine is Combine.FIRST_MATCH:
        return list(one.rules)
    allows = [rule for rule in one.rules if rule.action is Action.ALLOW]
    if one.combine is Combine.ANY_ALLOW:
        return allows
    return [rule for rule in one.rules if rule.action is Action.DENY] + allows


def _lines(rules: Sequence[Rule]) -> list[Line]:
    places: dict[Source, list[int]] = {}
    for place, rule in enumerate(rules):
        places.setdefault(rule.source, []).append(place)
    return [
        Line(
            source,
            rules[found[0]].action,
            tuple(found),
            not any(rules[place].unknown for place in found) and len({rules[place].action for place in found}) == 1,
            all(rules[place].implied for place in found),
        )
        for source, found in places.items()
    ]
