"""The rules by which what is let through would be refused: at one gate, which is enough, with the fewest changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..atoms.places import Place, span
from ..engine.group import Verdict
from ..filters import Action, Combine, Kind, Match
from ..sets import Hosts
from .changing import Change, Step, apply
from .explaining import Found, Inquiry
from .opening import deciding, new_matches

ROUNDS = 8
"""How many layers of rules that allow the same are taken away, before a gate is given up."""


@dataclass(frozen=True, slots=True)
class Closing:
    """One way to refuse what is let through, or to let through what is refused."""

    changes: tuple[Change, ...]
    lost: tuple[str, ...]
    """Declared access that would be lost besides, as `principal → destination`."""
    apart: bool = False
    """Whether the gate tells the caller apart: it lets nobody else through there."""


def closings(inquiry: Inquiry) -> list[Closing]:
    """Every way to refuse, at one filter, all that is asked about; the best first.

    Route tables come last, since they are no permission; then what needs the fewest changes; then filters that tell the
    caller apart; then what takes the least away from others.
    """
    found = []
    for number, verdicts in _filters(inquiry).items():
        apart = all(_apart(inquiry, part, verdict) for part, verdict in verdicts)
        for changes in (_without_what_allows(inquiry, number), _with_a_deny(inquiry, number, verdicts)):
            if changes:
                found.append(Closing(changes, losses(inquiry, changes), apart))
    return sorted(found, key=lambda one: _rank(inquiry, one))


def _rank(inquiry: Inquiry, one: Closing) -> tuple[bool, int, bool, int, bool]:
    first = one.changes[0]
    routing = first.filter.kind is Kind.ROUTING
    return routing, len(one.changes), not one.apart, len(one.lost), first.step is Step.ADD


def _filters(inquiry: Inquiry) -> dict[int, list[tuple[Found, Verdict]]]:
    """The filters that everything asked about has to pass."""
    found: dict[int, list[tuple[Found, Verdict]]] = {}
    for part, mask in inquiry.passing:
        for verdict in part.group.path:
            if not (mask & ~verdict.inscope).any():
                found.setdefault(verdict.reader.number, []).append((part, verdict))
    return {number: parts for number, parts in found.items() if len(parts) == len(inquiry.passing)}


def _refused(inquiry: Inquiry) -> bool:
    """Whether nothing of what is asked about passes, not even perhaps."""
    return not inquiry.passing and not inquiry.unclear


def _without_what_allows(inquiry: Inquiry, number: int) -> tuple[Change, ...]:
    """All rules of a filter that allow it, layer by layer; empty where that does not help."""
    changes: list[Change] = []
    current = inquiry
    for _ in range(ROUNDS):
        sources = []
        for part, mask in [*current.passing, *current.unclear]:
            for verdict in part.group.path:
                if verdict.reader.number == number:
                    rules = verdict.reader.filter.rules
                    sources += [rules[each].source for each in deciding(verdict, mask & verdict.allow, Action.ALLOW)]
        new = [Change(Step.TAKE_AWAY, number, inquiry.filters[number], source) for source in dict.fromkeys(sources)]
        if not new:
            return ()  # The default allows it.
        changes += new
        current = inquiry.with_filters(apply(inquiry.filters, changes))
        if _refused(current):
            order = [rule.source for rule in inquiry.filters[number].rules]
            return tuple(sorted(changes, key=lambda one: order.index(one.source) if one.source else 0))
    return ()


def _with_a_deny(inquiry: Inquiry, number: int, verdicts: Sequence[tuple[Found, Verdict]]) -> tuple[Change, ...]:
    """A new rule before the first one that allows it, where the filter has rules that deny; empty where that does not help."""
    one = inquiry.filters[number]
    if one.combine is Combine.ANY_ALLOW or one.kind is Kind.ROUTING:
        return ()
    masks = {id(part): mask for part, mask in inquiry.passing}
    allowing = [each for part, verdict in verdicts for each in deciding(verdict, masks[id(part)], Action.ALLOW)]
    first = one.rules[min(allowing)].source if allowing and one.combine is Combine.FIRST_MATCH else None
    matches = new_matches(inquiry, one, inquiry.subjects(inquiry.passing))
    changes = tuple(Change(Step.ADD, number, one, first, match, Action.DENY) for match in matches)
    return changes if _refused(inquiry.with_filters(apply(inquiry.filters, changes))) else ()


def _apart(inquiry: Inquiry, part: Found, verdict: Verdict) -> bool:
    """Whether a filter lets nobody but those who are asked about to these points."""
    asked = {one.label for one in inquiry.subjects(inquiry.passing)}
    allowed = np.asarray((part.now.any(axis=0, keepdims=True) & verdict.inscope & verdict.allow).any(axis=(1, 2, 3)))
    atoms = np.flatnonzero(allowed[part.group.local.who.inverse]).tolist()
    return all(inquiry.space.subjects.all[each].label in asked for each in atoms)


# --- who else would lose access


def losses(inquiry: Inquiry, changes: Sequence[Change]) -> tuple[str, ...]:
    """Declared access that changes take away beside what is asked about, as `principal → destination`, in the file's order."""
    touched = Hosts.union(_touched(changes))
    # A rule that is gone no longer cuts hosts: its own are told apart all the same.
    changed = inquiry.with_filters(apply(inquiry.filters, changes), [Match(hosts=touched)])
    new = _lacking(changed, touched) - _lacking(inquiry, touched)
    asked = {name for one in inquiry.subjects(inquiry.passing) for name in one.principals}
    meant = {one.destination for one in inquiry.targets}
    others = {(who, where) for who, where in new if not (who in asked and where in meant)}
    order = [(who.name, where.name) for who in inquiry.access.principals for where in inquiry.access.destinations]
    return tuple(f"{who} → {where}" for who, where in order if (who, where) in others)


def _touched(changes: Sequence[Change]) -> Iterator[Hosts]:
    for one in changes:
        if one.step is Step.ADD and one.match is not None:
            yield one.match.hosts
        else:
            yield from (rule.match.hosts for rule in one.filter.rules if rule.source == one.source)


def _lacking(inquiry: Inquiry, hosts: Hosts) -> set[tuple[str, str]]:
    """The pairs of principal and destination of which some declared point there does not surely pass."""
    space = inquiry.space
    declared = Hosts.union(one.match.hosts for one in inquiry.grants)
    numbers = [n for n, place in enumerate(space.places.all) if _meets(declared, place) and _meets(hosts, place)]
    found = set()
    for group in inquiry.sweep.groups(only=numbers):
        for number, points in group.grants:
            missing = points & group.considered & ~group.definite
            if group.named is not None:
                missing &= group.named
            classes = np.asarray(missing.any(axis=(1, 2, 3)))
            if not classes.any():
                continue
            grant = inquiry.grants[number]
            atoms = np.flatnonzero(classes[group.local.who.inverse]).tolist()
            names = {name for each in atoms for name in space.subjects.all[each].principals}
            found |= {(name, grant.destination.name) for name in names & set(grant.route.from_)}
    return found


def _meets(hosts: Hosts, place: Place) -> bool:
    if place.name is None:
        return (place.address or 0) in span(hosts, place.family)
    return place.name in hosts.names or bool(span(hosts, place.family) & place.may)
