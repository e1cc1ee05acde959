"""What differs on the ways around gates that carry traffic on, beside what differs on the way through them."""

from dataclasses import replace
from datetime import datetime

from ..filters import Environment
from ..ways import WayAround
from .comparing import difference
from .model import Difference, Finding, Kind, Standing
from .sides import Case

Ways = tuple[tuple[Environment, ...], tuple[WayAround, ...]]
"""A stack's environments, and its ways around gates."""


def with_ways(found: Difference, old: Ways, new: Ways, *, at: datetime) -> Difference:
    """A difference, and that of each way around a gate that both sides have, as far as no route declares it."""
    before = {way.gate: Case(way.access, old[0], way.filters) for way in old[1]}
    for way in new[1]:
        if way.gate in before:
            found = _beside(found, way.gate, difference(before[way.gate], Case(way.access, new[0], way.filters), at=at))
    return found


def _is_declared(one: Finding) -> bool:
    """Whether routes say it: around a gate that callers may leave out, which is told of the way through it."""
    return (one.standing_before if one.kind is Kind.REMOVED else one.standing) is Standing.DECLARED


def _beside(found: Difference, gate: str, past: Difference) -> Difference:
    """What makes no difference on the one way may make one on the other."""
    more = tuple(replace(one, message=f"around {gate}: {one.message}") for one in past.findings if not _is_declared(one))
    changes = (*found.changes, *(one for one in past.changes if one not in found.changes))
    idle = tuple(one for one in found.ineffective if one not in past.changes or one in past.ineffective)
    return replace(found, findings=(*found.findings, *more), changes=changes, ineffective=idle)
