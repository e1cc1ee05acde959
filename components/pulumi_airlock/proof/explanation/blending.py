"""Whom the gates on a path cannot tell apart: a route for one of them lets in all, and lets nobody out while another has one."""

import numpy as np

from ...access.model import Access
from ..atoms.instants import Bools
from ..engine.sight import Sight
from ..filters import Kind
from .explaining import Found, Inquiry


def let_in_besides(inquiry: Inquiry, access: Access) -> tuple[str, ...]:
    """Callers without a route who get where is asked about, once the gates are compiled from `access`."""
    again = inquiry.with_access(access)
    sight, found = Sight(again.space), dict[str, None]()
    asked = {one.label for one in again.subjects([(part, part.now) for part in again.found])}
    for part in again.found:
        group = part.group
        there = part.now.any(axis=0, keepdims=True) & group.real & ~group.declared & ~group.own
        mask = _indistinct(part, sight, there, group.declared)
        found |= dict.fromkeys(_labels(again, part, mask))
    return tuple(one for one in found if one not in asked)


def kept_open_by(inquiry: Inquiry, access: Access) -> tuple[str, ...]:
    """Callers whose routes in `access` keep open what is asked about, since no gate tells them from those who are asked about."""
    again = inquiry.with_access(access)
    sight, found = Sight(again.space), dict[str, None]()
    for part in again.found:
        declared = part.group.declared
        points = part.now & ~declared & ~part.group.own
        mask = _indistinct(part, sight, points, declared)
        others = declared & mask.any(axis=0, keepdims=True)
        alone = [one for one in _classes(others) if _indistinct(part, sight, points, _only(declared, one)).any()]
        # Where nobody alone keeps all gates open, several do together.
        blamed = [_only(others, one) for one in alone] or [others]
        found |= dict.fromkeys(label for each in blamed for label in _labels(again, part, each))
    return tuple(found)


def _indistinct(part: Found, sight: Sight, points: Bools, wanted: Bools) -> Bools:
    """The points that look to every gate on the path like a wanted one; route tables are no permission."""
    group = part.group
    for verdict in group.path:
        one = verdict.reader
        if one.filter.kind is not Kind.ROUTING:
            exact = wanted & group.local.exists
            # A filter without rules shows nothing of what it could tell apart: it is not blamed.
            looks = sight.blur(exact, group.local.who, one.sees) if one.filter.rules else exact
            points = points & (looks | ~verdict.inscope)
    return points


def _classes(mask: Bools) -> list[int]:
    """The classes of subjects with a point in a mask."""
    return [int(one) for one in np.flatnonzero(mask.any(axis=(1, 2, 3)))]


def _only(mask: Bools, one: int) -> Bools:
    """A mask's points of one class of subjects."""
    found = np.zeros_like(mask)
    found[one] = mask[one]
    return found


def _labels(inquiry: Inquiry, part: Found, mask: Bools) -> list[str]:
    classes = np.asarray(mask.any(axis=(1, 2, 3)))
    atoms = np.flatnonzero(classes[part.group.local.who.inverse]).tolist()
    return [inquiry.space.subjects.all[each].label for each in atoms]
