"""Expectations: what an access file says must be possible, and what must not, held against the sweep."""

from dataclasses import dataclass, field
from datetime import datetime

from ..access.model import Access, Expectation
from ..access.names import Target, select_destinations
from ..errors import InputError, Problem
from .atoms.instants import Bools
from .atoms.space import Space
from .atoms.subjects import Selector
from .engine.group import Group, Question
from .engine.sweep import Sweep
from .engine.walk import Point, first, walk, witness
from .filters import Kind, Match
from .findings import ExpectationResult, Outcome
from .sets import Hosts, Services


@dataclass
class _State:
    """What was seen of an expectation so far."""

    expectation: Expectation
    selector: Selector
    matches: list[Match]
    mark: datetime | None
    questions: list[Question] = field(default_factory=list)
    seen: bool = False
    """Whether a filter decides some of it, or tasks are asked about, which go wherever nothing stops them."""
    unmet: Group | None = None
    """Where some of it meets no filter at all: whether it gets through, nothing in the stack says."""
    wrong: tuple[Group, Point] | None = None
    """The first point that is not as expected."""
    right: tuple[Group, Point] | None = None


class Expectations:
    """All expectations of an access file."""

    def __init__(self, access: Access) -> None:
        names = [one.name for one in access.principals]
        self._states = [
            _State(one, Selector.parse(one.from_, names), _targets(access, one, number), instant(one.at))
            for number, one in enumerate(access.expect)
        ]

    @property
    def matches(self) -> list[Match]:
        """What they ask about, for the space to be cut by."""
        return [match for one in self._states for match in one.matches]

    @property
    def selectors(self) -> list[Selector]:
        """Whom they ask about."""
        return [one.selector for one in self._states]

    @property
    def marks(self) -> list[datetime]:
        """The instants that they ask about."""
        return [one.mark for one in self._states if one.mark is not None]

    @property
    def targets(self) -> list[list[Match]]:
        """What each of them asks about."""
        return [one.matches for one in self._states]

    @property
    def asked(self) -> list[list[Question]]:
        """The questions of each of them."""
        return [one.questions for one in self._states]

    def questions(self, space: Space) -> list[Question]:
        """What the engine has to tell apart for them."""
        for one in self._states:
            one.questions = [Question(space.add(match), space.selector_row(one.selector), one.mark) for match in one.matches]
        return [question for one in self._states for question in one.questions]

    def add(self, group: Group) -> None:
        """Takes in a group."""
        column = group.local.space.places.column(group.number)
        for one in self._states:
            for question in one.questions:
                if column[question.box.hosts] & 3 == 2:
                    _look(one, question, group)

    def results(self, space: Space, sweep: Sweep) -> tuple[ExpectationResult, ...]:
        """How each turned out, in the file's order."""
        return tuple(_result(one, space, sweep) for one in self._states)


def instant(text: str | None) -> datetime | None:
    """An instant as access files write it."""
    return None if text is None else datetime.fromisoformat(text)


def _targets(access: Access, one: Expectation, number: int) -> list[Match]:
    try:
        return list(map(target_match, select_destinations(access, one.to)))
    except InputError as error:
        raise InputError([Problem("", f"expect[{number}].to", str(error))]) from None


def target_match(target: Target) -> Match:
    """A destination text's meaning as hosts and services."""
    services = [Services.of(*one) for one in target.services]
    hosts = Hosts.from_names(target.hosts) | Hosts.from_cidrs(target.networks)
    return Match(hosts=hosts, services=Services.union(services) if services else Services.every())


def _look(one: _State, question: Question, group: Group) -> None:
    local = group.local
    asked: Bools = (
        local.who.rows[question.selector][:, None, None, None]
        & local.service.rows[question.box.services][:, None, None]
        & (local.time.inside if one.mark is None else local.time.classes == local.space.clock.class_of(one.mark))
        & local.exists
    )
    if one.unmet is None and (asked & ~group.real).any():
        one.unmet = group
    asked = asked & group.real
    if group.named is not None:
        # What happens to a name that no rule knows, its addresses tell.
        asked = asked & (group.declared | group.named)
    if not asked.any():
        return
    one.seen = True
    if one.expectation.allow:
        # Everybody who is meant, at every host and port, at some time and for some request.
        passes = (asked & group.definite).any(axis=(2, 3), keepdims=True)
        wrong, right = asked & ~passes, asked & group.definite
    else:
        wrong, right = asked & group.possible, asked & ~group.possible
    if one.wrong is None and wrong.any():
        one.wrong = (group, first(group, wrong))
    if one.right is None and right.any():
        one.right = (group, first(group, right))


def _result(one: _State, space: Space, sweep: Sweep) -> ExpectationResult:
    text = f"{one.expectation.from_} {'can' if one.expectation.allow else 'cannot'} reach {one.expectation.to}"
    text += f" at {one.expectation.at}" if one.expectation.at else ""
    if not one.seen:
        return _vacuous(one, space, sweep, text)
    passed = one.wrong is None
    if passed and one.unmet is not None and not one.expectation.allow:
        return _unmet(one.unmet, sweep, text)
    group, point = one.wrong or one.right or (None, None)
    if group is None or point is None:
        return ExpectationResult(text, passed, "holds")
    path = walk(space, sweep.path(group.place.zone), point)
    shown = witness(space, point)
    if passed:
        return ExpectationResult(text, True, f"holds: {shown}", shown, path)
    telling = [row for row in path if row.outcome is not Outcome.ALLOW]
    if not telling:
        telling = [row for row in path if row.filter.kind is not Kind.ROUTING]
    why = "; ".join(f"{row.gate}: {row.why}" for row in telling) or "no gate stands on the path"
    return ExpectationResult(text, False, why, shown, path)


def _vacuous(one: _State, space: Space, sweep: Sweep, text: str) -> ExpectationResult:
    if not space.who.table[space.selector_row(one.selector)].any():
        return ExpectationResult(text, False, f"no task or person of this stack is {one.expectation.from_}")
    if one.unmet is not None:
        return _unmet(one.unmet, sweep, text)
    # Who has no address of the destination's family gets nowhere.
    return ExpectationResult(text, not one.expectation.allow, "they have no address family in common")


def _unmet(group: Group, sweep: Sweep, text: str) -> ExpectationResult:
    """Of callers outside Airflow that no filter holds: a gate refuses only what it says something of."""
    gates = list(dict.fromkeys(one.filter.gate for one in sweep.path(group.place.zone)))
    here = f"of {', '.join(gates)}, no filter is about it" if gates else "no gate stands there"
    return ExpectationResult(text, False, f"nothing in the stack refuses it or lets it through: {here}")
