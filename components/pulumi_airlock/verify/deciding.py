"""What the filters of a gate do with one connection, rule by rule: the proof's own filters, at one point.

The proof decides all points at once; a log shows few, each many times over, and one pass over the rules is cheaper for these. The
two are compared in the tests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from ..proof.findings import Outcome
from ..proof.sets import Hosts, Services
from .points import Held, Host, holds, serves


@dataclass(frozen=True, slots=True)
class Caller:
    """Who connects, as far as a log tells."""

    environment: str | None
    """None: from outside of the environments."""
    sources: Hosts
    """The addresses that they can have; the one that the log shows, where it shows one."""
    groups: frozenset[str] = frozenset()
    """Groups of a person, where they are known."""
    principals: frozenset[str] = frozenset()
    """Who it can be: declared principals by name."""

    def held(self, who: Who) -> Held:
        """Whether a rule means them."""
        found = Held.YES
        if who.environments is not None and not self._inside(who.environments):
            return Held.NO
        if who.outside is not None and self.environment in who.outside:
            return Held.NO
        if who.groups is not None:
            if not self.groups & who.groups:
                return Held.NO
            found = min(found, Held.YES if self.groups <= who.groups else Held.MAYBE)
        if who.principals is not None:
            found = min(found, _share(self.principals, who.principals))
        if who.workloads is not None or who.tasks is not None:
            found = min(found, Held.MAYBE)  # Logs of networks show no workload, and no task.
        if who.sources is not None:
            found = min(found, _from(self.sources, who.sources))
        return found

    def _inside(self, environments: frozenset[str]) -> bool:
        """A set of environments; the empty one means everybody outside of all of them."""
        return not environments if self.environment is None else self.environment in environments


def _share(mine: frozenset[str], theirs: frozenset[str]) -> Held:
    return Held.NO if not mine & theirs else Held.YES if mine <= theirs else Held.MAYBE


def _from(mine: Hosts, theirs: Hosts) -> Held:
    if not mine.addresses():
        return Held.MAYBE
    if theirs.covers_addresses(mine):
        return Held.YES
    return Held.MAYBE if (mine & theirs).addresses() else Held.NO


@dataclass(frozen=True, slots=True)
class Point:
    """One connection."""

    caller: Caller
    host: Host
    service: Services
    when: datetime
    location: str = ""
    """The location that it came by, in small letters, where a log tells it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What filters do, and by which rule."""

    outcome: Outcome
    source: Source | None = None


def decide(filters: Iterable[Filter], point: Point, bound: Mapping[str, frozenset[str]] | None = None) -> Decision | None:
    """What the filters on the way do together, with the rule that decides; None where none of them is passed.

    All must allow; the first that refuses is told. `bound` has the locations that rules are for, by URN: a filter tells
    environments apart, and its log more.
    """
    found: Decision | None = None
    for one in filters:
        if matches(one.scope, point) is Held.NO:
            continue
        here = _decide(one, point, bound or {})
        if here.outcome is Outcome.DENY:
            return here
        if found is None or here.outcome is Outcome.UNKNOWN:
            found = here
    return found


def matches(match: Match, point: Point) -> Held:
    """Whether a box holds a point. A rule on HTTP may hold it: a connection is not one request."""
    if not serves(match.services, point.service) or not holds(match.times, point.when):
        return Held.NO
    found = min(point.host.held(match.hosts), point.caller.held(match.who))
    return min(found, Held.MAYBE) if match.operations is not None else found


def is_elsewhere(rule: Rule, point: Point, bound: Mapping[str, frozenset[str]]) -> bool:
    """Whether a rule is for other locations than the one that a connection came by."""
    return bool(point.location) and rule.source.urn in bound and point.location not in bound[rule.source.urn]


def _decide(one: Filter, point: Point, bound: Mapping[str, frozenset[str]]) -> Decision:
    here = (rule for rule in one.rules if not is_elsewhere(rule, point, bound))
    hits = [(rule, held) for rule in here if (held := _held(rule, point)) is not Held.NO]
    if one.combine is not Combine.FIRST_MATCH:
        first, second = (Action.DENY, Action.ALLOW) if one.combine is Combine.DENY_OVERRIDES else (Action.ALLOW, Action.DENY)
        hits.sort(key=lambda hit: hit[0].action is not first)
        hits = [hit for hit in hits if one.combine is Combine.DENY_OVERRIDES or hit[0].action is not second]
    default = Decision(_outcome(one.default), Source(one.urn, label="default"))
    possible: list[Decision] = []
    for rule, held in hits:
        possible.append(Decision(_outcome(rule.action), rule.source))
        if held is Held.YES:
            break
    else:
        possible.append(default)
    if len({each.outcome for each in possible}) > 1:
        return Decision(Outcome.UNKNOWN, possible[0].source)
    return possible[-1]


def _held(rule: Rule, point: Point) -> Held:
    found = matches(rule.match, point)
    return min(found, Held.MAYBE) if rule.unknown else found


def _outcome(action: Action) -> Outcome:
    return Outcome.ALLOW if action is Action.ALLOW else Outcome.DENY
