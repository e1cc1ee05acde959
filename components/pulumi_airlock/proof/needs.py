"""What environments and gates need for themselves: no route declares it, and no proof counts it as excess.

What an environment needs is there to be used or not. A gate's own flow has to get through: where another gate surely refuses it,
the gate does not work.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .atoms.instants import Bools
from .atoms.places import SURE
from .atoms.space import Box, Space
from .engine.group import Group, Verdict
from .engine.reader import DEFAULT
from .filters import Action, Environment, Filter, Match, Need
from .wording import listed


def own_needs(environments: Sequence[Environment], filters: Iterable[Filter]) -> list[Match]:
    """All of it: what environments need, each for its own tasks alone, and the flows of gates."""
    return [
        *(
            replace(match, who=replace(match.who, environments=frozenset({one.name})))
            for one in environments
            for match in one.own
        ),
        *(need.match for _, need in needs_of(filters)),
    ]


def needs_of(filters: Iterable[Filter]) -> list[tuple[str, Need]]:
    """(gate, need) of all gates; of a gate with several filters each once."""
    return list(dict.fromkeys((one.gate, need) for one in filters for need in one.needs))


def caller_text(need: Need) -> str:
    """Who makes a flow, in words."""
    who = need.match.who
    named = sorted(filter(None, who.workloads or ())) or [f"tasks of {one}" for one in sorted(who.environments or ())]
    return listed(named) if named else f"whoever comes from {who.sources.addresses() if who.sources is not None else 'outside'}"


def target_text(need: Need) -> str:
    """Where a flow leads, in words."""
    return f"{need.match.hosts} ({need.match.services})"


@dataclass(frozen=True)
class Refused:
    """Points of a gate's own flow that a filter refuses, or may refuse."""

    gate: str
    need: Need
    verdict: Verdict
    number: int
    """Of the rule, or DEFAULT."""
    points: Bools
    surely: bool


class Needs:
    """The flows of a proof's gates, in its space."""

    def __init__(self, space: Space, filters: Iterable[Filter]) -> None:
        self._all = needs_of(filters)
        self.boxes: list[Box] = [space.add(need.required) for _, need in self._all]
        """What must get through of each."""
        self._at = [self._targets(space, box) for box in self.boxes]
        self.places = frozenset[int]().union(*self._at)
        """The classes of hosts that some flow leads to."""

    @staticmethod
    def _targets(space: Space, box: Box) -> frozenset[int]:
        """Where a flow leads. Nobody knows the zone of a name that no destination has: it counts as one in none, if it may be."""
        found = np.flatnonzero(space.places.row(box.hosts) & 3 == SURE).tolist()
        every = {number: space.places.all[number] for number in found}
        free = {(one.name, one.family) for one in every.values() if one.name is not None and one.zone is None}
        return frozenset(number for number, one in every.items() if one.zone is None or (one.name, one.family) not in free)

    def refused(self, group: Group) -> Iterator[Refused]:
        """What is not surely let through at a class of hosts, with the filter that refuses it."""
        for (gate, need), box, places in zip(self._all, self.boxes, self._at, strict=True):
            if group.number not in places:
                continue
            wanted: Bools = group.considered & group.local.box(box)
            lost, unclear = wanted & ~group.possible, wanted & group.possible & ~group.definite
            if not (lost.any() or unclear.any()):
                continue
            for verdict in group.path:
                for number, points in verdict.attribute(lost & verdict.refuses, Action.DENY):
                    yield Refused(gate, need, verdict, number, points, surely=True)
                doubted = unclear & verdict.allow & verdict.deny
                if doubted.any():
                    yield Refused(gate, need, verdict, DEFAULT, doubted, surely=False)
                lost, unclear = lost & ~verdict.refuses, unclear & ~doubted
