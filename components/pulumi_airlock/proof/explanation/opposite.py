"""What would have to change for the opposite answer: the fewest rules at the gates, and the one route in the access file.

Every set of changes is found by making it and asking again, so what is proposed is what turns the answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..engine.walk import reasons
from ..findings import Outcome
from .changing import Change, Step, apply
from .closing import Closing, closings
from .declaring import Proposal, proposal
from .explaining import Inquiry
from .opening import openings

ROUNDS = 8
"""How often changes are made and the question is asked again: each round finds what the rounds before it hid."""


@dataclass(frozen=True, slots=True)
class Opposite:
    """The way from an answer to its opposite."""

    outcome: Outcome
    """The answer that it leads to; UNKNOWN where no change of rules turns it."""
    changes: tuple[Change, ...]
    """The fewest changes at the gates that turn the answer, in the order in which a packet meets them."""
    declare: Proposal | None
    """The one change in the access file, from which all gates follow; None where there is nothing to declare."""
    others: tuple[Closing, ...] = ()
    """Other ways to the same: at another gate, or by another rule."""
    lost: tuple[str, ...] = ()
    """Declared access that the changes at the gates would take away besides, as `principal → destination`."""
    unknown: tuple[str, ...] = ()
    """What has to become known, whatever is changed."""


def opposite(inquiry: Inquiry) -> Opposite:
    """What turns an answer: refused into allowed, allowed into refused, unclear into either."""
    declare = proposal(inquiry)
    if inquiry.outcome is Outcome.UNKNOWN:
        return Opposite(Outcome.UNKNOWN, (), declare, unknown=_unknown(inquiry))
    if inquiry.outcome is Outcome.ALLOW:
        found = closings(inquiry)
        best = found[:1]
        changes, lost = (best[0].changes, best[0].lost) if best else ((), ())
        return Opposite(Outcome.DENY if best else Outcome.UNKNOWN, changes, declare, tuple(found[1:]), lost)
    opened, end = open_all(inquiry)
    others = [Closing(each, ()) for each in _instead(inquiry, opened)]
    if end.outcome is Outcome.ALLOW:
        return Opposite(Outcome.ALLOW, tuple(opened), declare, tuple(others))
    return Opposite(Outcome.UNKNOWN, tuple(opened), declare, unknown=_unknown(end))


def open_all(inquiry: Inquiry) -> tuple[list[Change], Inquiry]:
    """The changes that let everything through which is asked about, and the question as it stands then."""
    changes: list[Change] = []
    current = inquiry
    for _ in range(ROUNDS):
        if current.outcome is Outcome.ALLOW:
            break
        new = [one for one in openings(current, inquiry.filters, changes) if one not in changes]
        if not new:
            break
        changes += new
        current = inquiry.with_filters(apply(inquiry.filters, changes))
    if current.outcome is Outcome.ALLOW:
        changes = _needed(inquiry, changes)
    path = inquiry.sweep.path(inquiry.telling[0].group.place.zone)
    order = {reader.number: place for place, reader in enumerate(path)}
    return sorted(changes, key=lambda one: order.get(one.number, len(order))), current


def _needed(inquiry: Inquiry, changes: Sequence[Change]) -> list[Change]:
    """The changes without those that the others make needless."""
    left = list(changes)
    several = [one for one in changes if sum(each.number == one.number for each in changes) > 1]
    for one in several:
        fewer = [each for each in left if each is not one]
        if inquiry.with_filters(apply(inquiry.filters, fewer)).outcome is Outcome.ALLOW:
            left = fewer
    return left


def _unknown(inquiry: Inquiry) -> tuple[str, ...]:
    found, _ = inquiry.telling
    return reasons(inquiry.explanation.rows, found.group.place)


def _instead(inquiry: Inquiry, opened: Sequence[Change]) -> Iterable[tuple[Change, ...]]:
    """The same with the denying rule taken away instead of a new one before it, where that suffices."""
    for place, change in enumerate(opened):
        if change.step is Step.ADD and change.source is not None:
            away = Change(Step.TAKE_AWAY, change.number, change.filter, change.source)
            yield from _if_allowed(inquiry, (*opened[:place], away, *opened[place + 1 :]))


def _if_allowed(inquiry: Inquiry, changes: tuple[Change, ...]) -> Iterable[tuple[Change, ...]]:
    if inquiry.with_filters(apply(inquiry.filters, changes)).outcome is Outcome.ALLOW:
        yield changes
