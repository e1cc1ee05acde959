"""The rules that would let through what is refused: at every filter that refuses it, the fewest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..atoms.instants import Bools
from ..atoms.subjects import Subject
from ..engine.group import Verdict
from ..filters import ANYONE, Action, Combine, Filter, Kind, Match, Rule, Source, Who
from ..sets import Hosts, Services
from .changing import Change, Step
from .explaining import Found, Inquiry


@dataclass
class Refusal:
    """What one filter does not surely let through of everything that is asked about."""

    number: int
    parts: list[tuple[Found, Bools]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    denying: set[int] = field(default_factory=set)
    """Numbers of the rules that may deny some of it."""


def openings(inquiry: Inquiry, filters: Sequence[Filter], made: Sequence[Change]) -> list[Change]:
    """What would let through what is still refused, or unclear, once the changes in `made` are made to `filters`.

    `inquiry` is the question as it stands then. One change for each refusing filter, but where denies override: one for each
    rule that denies. Filters of gates that the stack does not have cannot be changed.
    """
    found = []
    for one in refusals(inquiry, len(filters)):
        now, before = inquiry.filters[one.number], filters[one.number]
        found += list(_opening(inquiry, one, now, before, made))
    return found


def refusals(inquiry: Inquiry, size: int) -> list[Refusal]:
    """Every filter, of the first `size`, that may refuse some of what is asked about."""
    found: dict[int, Refusal] = {}
    for part, mask in [*inquiry.refused, *inquiry.unclear]:
        for verdict in part.group.path:
            bad = mask & verdict.inscope & verdict.deny
            number = verdict.reader.number
            if number >= size or not bad.any():
                continue
            one = found.setdefault(number, Refusal(number))
            one.parts.append((part, bad))
            one.verdicts.append(verdict)
            one.denying |= set(deciding(verdict, bad, Action.DENY))
    return list(found.values())


def deciding(verdict: Verdict, points: Bools, action: Action) -> Iterator[int]:
    """Numbers of the rules that may decide so at some of the points."""
    for place, _, box in verdict.matching:
        number = verdict.reader.order[place]
        if verdict.reader.filter.rules[number].action is action and (points & box).any():
            yield number


def _opening(inquiry: Inquiry, one: Refusal, now: Filter, before: Filter, made: Sequence[Change]) -> Iterator[Change]:
    mine = [each for each in made if each.number == one.number]
    if now.combine is Combine.DENY_OVERRIDES and one.denying:
        for source in dict.fromkeys(now.rules[number].source for number in sorted(one.denying)):
            # What a narrower rule still denies (a name, by its addresses), no narrower one lets through.
            again = any(each.step is Step.NARROW and each.source == source for each in mine)
            if again:
                yield Change(Step.TAKE_AWAY, one.number, before, source)
                continue
            for match in new_matches(inquiry, now, inquiry.subjects(one.parts)):
                if match.who.groups is None and match.who.principals is None and match.who.tasks is None:
                    yield Change(Step.NARROW, one.number, before, source, match)
                else:
                    yield Change(Step.TAKE_AWAY, one.number, before, source)
        return
    closed = _closed_for_now(one, now)
    if closed is not None:
        yield Change(Step.ALWAYS, one.number, before, closed)
        return
    first = now.rules[min(one.denying)].source if one.denying and now.combine is Combine.FIRST_MATCH else None
    for match in new_matches(inquiry, now, inquiry.subjects(one.parts)):
        yield Change(Step.ADD, one.number, before, first, match, Action.ALLOW)


def _closed_for_now(one: Refusal, now: Filter) -> Source | None:
    """A rule that would let all of it through, if only its window were open; it stands before those that deny."""
    found: set[int] | None = None
    for (_, bad), verdict in zip(one.parts, one.verdicts, strict=True):
        here = {
            verdict.reader.order[place]
            for place, sure, box in verdict.matching
            if sure and not (bad & ~np.broadcast_to(box, bad.shape).any(axis=3, keepdims=True)).any()
        }
        found = here if found is None else found & here
    limit = min(one.denying, default=len(now.rules)) if now.combine is Combine.FIRST_MATCH else len(now.rules)
    fit = [n for n in sorted(found or ()) if n < limit and now.rules[n].action is Action.ALLOW and now.rules[n].match.times]
    return now.rules[fit[0]].source if fit else None


# --- what a new rule has to match


def new_matches(inquiry: Inquiry, one: Filter, subjects: Sequence[Subject]) -> list[Match]:
    """What new rules of a filter match: what is asked about, as far as this filter can tell traffic apart."""
    if one.kind is Kind.ROUTING:
        hosts = Hosts.union(_hosts(inquiry, one, asked) for asked in inquiry.asked)
        return [Match(hosts=hosts)]
    services: dict[Hosts, Services] = {}
    for asked in inquiry.asked:
        hosts = _hosts(inquiry, one, asked)
        services[hosts] = services.get(hosts, Services()) | asked.services
    return [
        Match(who=who, hosts=hosts, services=found) for hosts, found in services.items() for who in _whos(inquiry, one, subjects)
    ]


def _hosts(inquiry: Inquiry, one: Filter, asked: Match) -> Hosts:
    """By name only where the filter knows names; else by all addresses that the names may have."""
    names = asked.hosts.names.mentioned()
    if not names or (one.kind is not Kind.ROUTING and any(map(_by_name, one.rules))):
        return asked.hosts
    addresses = asked.hosts.addresses()
    if addresses:
        return addresses
    places = [found.group.place for found in inquiry.found if found.group.place.name is not None]
    v4 = [place.may for place in places if place.family == 4]
    v6 = [place.may for place in places if place.family == 6]
    may = Hosts.union([*(Hosts(v4=one) for one in v4), *(Hosts(v6=one) for one in v6)])
    return may or asked.hosts


def _by_name(rule: Rule) -> bool:
    """Whether a rule looks at host names; a cloud's prefix lists (`pl:…`) are none."""
    return any(not name.startswith("pl:") for name in rule.match.hosts.names.mentioned())


def _whos(inquiry: Inquiry, one: Filter, subjects: Sequence[Subject]) -> list[Who]:
    if one.scope.who.environments is not None:
        return [ANYONE]  # The filter stands in this environment alone.
    seen = [rule.match.who for rule in one.rules]
    return list(dict.fromkeys(_who(inquiry, seen, subject) for subject in subjects))


def _who(inquiry: Inquiry, seen: Sequence[Who], subject: Subject) -> Who:
    """A caller as the rules of a filter see callers: as a principal, an environment, or by addresses."""
    if subject.principals and any(who.principals is not None or who.tasks is not None for who in seen):
        mine = sorted(subject.principals)
        return Who(principals=frozenset({inquiry.principal if inquiry.principal in mine else mine[0]}))
    if subject.workloads != {""} and any(who.workloads is not None for who in seen):
        return Who(workloads=subject.workloads)
    by_address = any(who.sources is not None for who in seen)
    if subject.environment is not None and not by_address and any(who.environments for who in seen):
        return Who(environments=frozenset({subject.environment}))
    if subject.environment is None and not subject.principals and inquiry.source is None:
        return Who(environments=frozenset())
    who = Who(sources=_sources(inquiry, subject))
    if subject.group is not None and any(who.groups is not None for who in seen):
        return replace(who, groups=frozenset({subject.group}))
    return who


def _sources(inquiry: Inquiry, subject: Subject) -> Hosts:
    """All addresses that somebody can have."""
    environments = {one.name: one.sources.addresses() for one in inquiry.environments}
    if subject.environment is not None:
        return environments[subject.environment]
    if inquiry.source is not None:
        return Hosts.from_cidr(inquiry.source)
    declared = [one for one in inquiry.access.principals if one.name in subject.principals]
    if declared and all(one.sources for one in declared):
        return Hosts.from_cidrs(cidr for one in declared for cidr in one.sources)
    return (Hosts.every() - Hosts.union(environments.values())).addresses()
