"""Changes to the rules of gates, as data: what they would be in words, and what the filters are once they are made.

`apply` is pure: an explanation's proposals are shown to be true by applying them and asking again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ..filters import ANYONE, Action, Combine, Filter, Kind, Match, Rule, Source, Who
from ..sets import Hosts, Services


class Step(Enum):
    """What is done to a filter."""

    ADD = "add"
    """A new rule."""
    TAKE_AWAY = "take away"
    """A rule of the gate, with all that it stands for."""
    NARROW = "narrow"
    """A rule no longer holds for some traffic."""
    ALWAYS = "hold always"
    """A rule holds at all times, no longer in its window alone."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one filter."""

    step: Step
    number: int
    """Which of the filters it changes, from 0."""
    filter: Filter
    """The same as it is now."""
    source: Source | None = None
    """The rule that is changed (everything that comes from the same place); ADD: the rule that the new one stands before. None:
    the new rule stands last."""
    match: Match | None = None
    """ADD: what the new rule matches; NARROW: what the rule no longer matches."""
    action: Action | None = None
    """ADD: what the new rule does."""

    def __str__(self) -> str:
        one = self.filter
        if self.step is Step.ADD:
            match = self.match or Match()
            if one.kind is Kind.ROUTING:
                now = f"; now: {self.source}" if self.source else ""
                return f"add to {one.name} a route to {_few(match.hosts)}{now}"
            does = "allows" if self.action is Action.ALLOW else "denies"
            return f"add to {one.name} a rule that {does} {traffic(match)}{self._place()}"
        if self.step is Step.NARROW:
            return f"make an exception in {self.source} of {one.name}: {traffic(self.match or Match())}"
        if self.step is Step.ALWAYS:
            return f"let {self.source} of {one.name} hold at this time too"
        return f"take {self.source} away from {one.name}"

    def _place(self) -> str:
        """Only where the order decides."""
        if self.filter.combine is not Combine.FIRST_MATCH:
            return ""
        return f", before {self.source}" if self.source else ", as the last one" if self.filter.rules else ""


def traffic(match: Match) -> str:
    """What a rule matches, as a person writes it down: `10.40.0.0/25 → 10.20.4.10 on 1521/tcp`."""
    who = match.who
    parts = []
    if who.environments is not None:
        parts.append(" and ".join(sorted(who.environments)) or "anything outside Airflow")
    if who.principals is not None:
        parts.append(" and ".join(sorted(who.principals)))
    for each in who.tasks or ():
        parts.append(" or ".join(sorted(f"{dag}.{task}" for dag, task in each)) or "no task")
    if who.groups is not None:
        parts.append(f"group {' and '.join(sorted(who.groups))}")
    if who.workloads is not None:
        parts.append(" and ".join(sorted(one or "whoever is no workload" for one in who.workloads)) or "no workload")
    if who.sources is not None:
        parts.append(_few(who.sources))
    origin = f"{', '.join(parts)} → " if parts else "traffic to "
    where = "any address" if match.hosts == Hosts.every() else _few(match.hosts)
    return f"{origin}{where}{'' if match.services == Services.every() else f' on {match.services}'}"


_SHOWN = 6


def _few(hosts: Hosts) -> str:
    if hosts == Hosts.every():
        return "any address"
    words = str(hosts).split(" ")
    shown = words if len(words) <= _SHOWN else [*words[: _SHOWN - 1], f"and {len(words) - _SHOWN + 1} more"]
    return " ".join(word.removesuffix("/32").removesuffix("/128") for word in shown)


def apply(filters: Sequence[Filter], changes: Iterable[Change]) -> tuple[Filter, ...]:
    """The filters once all changes are made, those of one filter at the same time. The filters themselves stay as they are."""
    made: dict[int, list[Change]] = {}
    for change in changes:
        made.setdefault(change.number, []).append(change)
    return tuple(
        replace(one, rules=tuple(_rules(one, made[number]))) if number in made else one for number, one in enumerate(filters)
    )


def _rules(one: Filter, changes: Sequence[Change]) -> Iterator[Rule]:
    added = [each for each in changes if each.step is Step.ADD]
    waiting = list(added)
    for rule in one.rules:
        for each in [each for each in waiting if each.source == rule.source]:
            yield _new(each)
            waiting.remove(each)
        mine = [each for each in changes if each.step is not Step.ADD and each.source == rule.source]
        if not any(each.step is Step.TAKE_AWAY for each in mine):
            yield from _changed(rule, mine)
    yield from map(_new, waiting)


def _new(change: Change) -> Rule:
    return Rule(change.action or Action.ALLOW, change.match or Match(), Source(change.filter.urn, "", "the new rule"))


def _changed(rule: Rule, changes: Sequence[Change]) -> Iterator[Rule]:
    """What is left of a rule that is narrowed, or holds always."""
    if any(each.step is Step.ALWAYS for each in changes):
        rule = replace(rule, match=replace(rule.match, times=()))
    left = [rule.match]
    for each in changes:
        if each.step is Step.NARROW and each.match is not None:
            left = [part for one in left for part in without(one, each.match)]
    return (replace(rule, match=one) for one in left)


def without(whole: Match, part: Match) -> Iterator[Match]:
    """`whole` less `part`, as boxes. Of `part` the hosts, services, sources and environments count; the rest is not looked at."""
    rest = whole.hosts - part.hosts
    if rest:
        yield replace(whole, hosts=rest)
    hosts = whole.hosts & part.hosts
    if not hosts:
        return
    others = whole.services & part.services.complement()
    if others:
        yield replace(whole, hosts=hosts, services=others)
    services = whole.services & part.services
    if services and part.who != ANYONE:
        yield from (replace(whole, who=who, hosts=hosts, services=services) for who in _others(whole.who, part.who))


def _others(whole: Who, part: Who) -> Iterator[Who]:
    """The callers of `whole` that are not of the environments, or have not the sources, of `part`."""
    if part.environments:
        if whole.environments is None:
            yield replace(whole, outside=(whole.outside or frozenset()) | part.environments)
        elif left := whole.environments - part.environments:
            yield replace(whole, environments=left)
        elif not whole.environments:
            yield whole  # the outside alone, which is in no environment
    elif part.environments is not None:
        return  # the outside: what is left are tasks, whom no rule of these speaks of together
    if part.sources is not None:
        rest = (Hosts.every() if whole.sources is None else whole.sources) - part.sources
        inside = whole if not part.environments else _within(whole, part.environments)
        if rest and inside is not None:
            yield replace(inside, sources=rest.addresses())


def _within(whole: Who, environments: frozenset[str]) -> Who | None:
    names = environments if whole.environments is None else whole.environments & environments
    return replace(whole, environments=names) if names else None
