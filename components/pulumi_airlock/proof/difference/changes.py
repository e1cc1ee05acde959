"""What was changed, piece by piece: rules by their resources, and the things of the access file by their names.

Which of it changes access is for the comparison to say; here it is only found, with the hosts that it may concern.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from ...access.model import Access
from ..declared import destination_hosts
from ..filters import Combine, Environment, Filter, Match, Rule
from ..sets import Hosts
from .model import Change, How, What
from .values import field_changes, match_changes

_Thing = TypeVar("_Thing")


@dataclass
class Changes:
    """All changes, each with the hosts that it may concern."""

    all: dict[Change, Hosts] = field(default_factory=dict)
    rules: dict[tuple[int, int, int], Change] = field(default_factory=dict)
    """(side, filter, rule) → the change of this rule. Sides are 0 and 1."""
    filters: dict[tuple[int, int], Change] = field(default_factory=dict)
    """(side, filter) → the change of the filter itself."""
    partners: list[tuple[int | None, int | None]] = field(default_factory=list)
    """Filters that are the same before and after, by their numbers."""
    named: dict[tuple[What, str], Change] = field(default_factory=dict)
    """Changes of environments, routes, destinations, principals and zones, by name."""

    def note(self, change: Change, hosts: Hosts) -> Change:
        """Adds a change."""
        known = self.all.get(change)
        self.all[change] = hosts if known is None else known | hosts
        return change

    def note_named(self, what: What, how: How, name: str, hosts: Hosts, detail: Sequence[str] = ()) -> None:
        """Adds the change of something that has a name."""
        self.named[what, name] = self.note(Change(what, how, name, detail=tuple(detail)), hosts)


def stackless(urn: str) -> str:
    """A URN without its stack: the same resource in two stacks of one program."""
    return urn.partition("::")[2] or urn


# --- rules


def compare_filters(found: Changes, old: Sequence[Filter], new: Sequence[Filter]) -> None:
    """Pairs filters and their rules, and notes what differs."""
    found.partners = list(_paired(old, new))
    for before, after in found.partners:
        if before is None or after is None:
            side, number = (0, before) if before is not None else (1, after)
            one = (old, new)[side][number or 0]
            how = How.REMOVED if side == 0 else How.ADDED
            change = Change(What.FILTER, how, one.name, one.gate, one.urn)
            found.filters[side, number or 0] = found.note(change, one.scope.hosts | _needed(one))
            continue
        _compare_rules(found, before, old[before], after, new[after])
        detail = list(_filter_changes(old[before], new[after]))
        if detail:
            one = new[after]
            change = Change(What.FILTER, How.CHANGED, one.name, one.gate, one.urn, detail=tuple(detail))
            found.note(change, Hosts.union([one.scope.hosts, old[before].scope.hosts, _needed(one), _needed(old[before])]))
            found.filters[0, before] = found.filters[1, after] = change


def _paired(old: Sequence[Filter], new: Sequence[Filter]) -> Iterator[tuple[int | None, int | None]]:
    left, right = dict(enumerate(old)), dict(enumerate(new))
    keys: tuple[Callable[[Filter], Hashable], ...] = (
        lambda one: (one.gate, one.name, stackless(one.urn)),
        lambda one: (one.gate, stackless(one.urn), one.kind),
        lambda one: (one.gate, one.name),
    )
    pairs: dict[int, int] = {}
    for key in keys:
        waiting: dict[Hashable, list[int]] = defaultdict(list)
        for number, one in left.items():
            waiting[key(one)].append(number)
        for number, one in list(right.items()):
            same = waiting.get(key(one))
            if same:
                pairs[number] = same.pop(0)
                del left[pairs[number]], right[number]
    yield from ((number, None) for number in left)
    yield from ((pairs.get(number), number) for number in range(len(new)))


def _filter_changes(old: Filter, new: Filter) -> Iterator[str]:
    if old.default is not new.default:
        yield f"default {old.default.value} → {new.default.value}"
    if old.combine is not new.combine:
        yield f"rules combine by {old.combine.value} → {new.combine.value}"
    if old.always != new.always:
        yield "stands on every path of its scope" if new.always else "stands only where a zone names it"
    yield from (f"scope: {one}" for one in match_changes(old.scope, new.scope))
    if set(old.needs) != set(new.needs):
        yield "what it needs itself"


def _needed(one: Filter) -> Hosts:
    """Where a gate's own flows lead."""
    return Hosts.union(need.match.hosts for need in one.needs)


def _content(rule: Rule) -> Hashable:
    return stackless(rule.source.urn), rule.action, rule.match, rule.unknown


def _place(rule: Rule) -> Hashable:
    return stackless(rule.source.urn), rule.source.position, bool(rule.unknown)


def _compare_rules(found: Changes, before: int, old: Filter, after: int, new: Filter) -> None:
    """The same content is the same rule, wherever in a list it stands; else the same place in the same resource is."""
    pairs = _equal_rules(old.rules, new.rules)
    ordered = old.combine is Combine.FIRST_MATCH or new.combine is Combine.FIRST_MATCH
    if ordered:
        for number, other in _moved(pairs):
            rule = new.rules[other]
            change = found.note(_rule_change(How.MOVED, rule, new), rule.match.hosts)
            found.rules[0, before, number] = found.rules[1, after, other] = change
    left = {number: rule for number, rule in enumerate(old.rules) if number not in pairs}
    taken = set(pairs.values())
    right = {number: rule for number, rule in enumerate(new.rules) if number not in taken}
    for number, other in _same_places(left, right):
        detail = tuple(_rule_changes(left[number], right[other]))
        change = _rule_change(How.CHANGED, right[other], new, detail)
        found.note(change, left[number].match.hosts | right[other].match.hosts)
        found.rules[0, before, number] = found.rules[1, after, other] = change
        del left[number], right[other]
    for number, rule in left.items():
        found.rules[0, before, number] = found.note(_rule_change(How.REMOVED, rule, old), rule.match.hosts)
    for number, rule in right.items():
        found.rules[1, after, number] = found.note(_rule_change(How.ADDED, rule, new), rule.match.hosts)


def _equal_rules(old: Sequence[Rule], new: Sequence[Rule]) -> dict[int, int]:
    """Old number → new number of rules that say the same."""
    if len(old) == len(new) and all(
        one is other or _content(one) == _content(other) for one, other in zip(old, new, strict=True)
    ):
        return {number: number for number in range(len(old))}
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for number, rule in enumerate(old):
        waiting[_content(rule)].append(number)
    pairs: dict[int, int] = {}
    for number, rule in enumerate(new):
        same = waiting.get(_content(rule))
        if same:
            pairs[same.pop(0)] = number
    return pairs


def _same_places(left: Mapping[int, Rule], right: Mapping[int, Rule]) -> list[tuple[int, int]]:
    """Rules that differ and stand in the same place; or, alone on both sides, in the same resource."""
    pairs: list[tuple[int, int]] = []
    used: tuple[set[int], set[int]] = (set(), set())
    for key in (_place, lambda rule: stackless(rule.source.urn)):
        groups: tuple[dict[Hashable, list[int]], dict[Hashable, list[int]]] = (defaultdict(list), defaultdict(list))
        for side, rules in enumerate((left, right)):
            for number, rule in rules.items():
                if number not in used[side]:
                    groups[side][key(rule)].append(number)
        for place, numbers in groups[0].items():
            others = groups[1].get(place, [])
            if len(numbers) == len(others) == 1:
                pairs.append((numbers[0], others[0]))
                used[0].add(numbers[0])
                used[1].add(others[0])
    return pairs


def _moved(pairs: Mapping[int, int]) -> list[tuple[int, int]]:
    """The fewest rules whose move explains the new order: all but a longest sequence that keeps it."""
    order = sorted(pairs)
    tails: list[int] = []
    last: list[int] = []
    previous: dict[int, int | None] = {}
    for number in order:
        place = bisect_left(tails, pairs[number])
        previous[number] = last[place - 1] if place else None
        if place == len(tails):
            tails.append(pairs[number])
            last.append(number)
        else:
            tails[place], last[place] = pairs[number], number
    kept: set[int] = set()
    here = last[-1] if last else None
    while here is not None:
        kept.add(here)
        here = previous[here]
    return [(number, pairs[number]) for number in order if number not in kept]


def _rule_changes(old: Rule, new: Rule) -> Iterator[str]:
    if old.action is not new.action:
        yield f"{old.action.value} → {new.action.value}"
    yield from match_changes(old.match, new.match)
    if old.unknown and not new.unknown:
        yield f"now known: {', '.join(old.unknown)}"
    elif new.unknown and not old.unknown:
        yield f"not known any more: {', '.join(new.unknown)}"
    elif old.unknown != new.unknown:
        yield f"not known: {', '.join(old.unknown)} → {', '.join(new.unknown)}"


def _rule_change(how: How, rule: Rule, one: Filter, detail: tuple[str, ...] = ()) -> Change:
    return Change(What.RULE, how, str(rule.source), one.gate, rule.source.urn, rule.source.position, detail)


# --- what has a name


def compare_access(found: Changes, old: Access, new: Access, filters: Iterable[Filter], *, routes: bool = True) -> None:
    """Notes changes of destinations, of routes if they count, of principals and zones."""
    places = (_Destinations(old), _Destinations(new))
    for name, before, after in _by_name(old.destinations, new.destinations):
        _note(
            found,
            What.DESTINATION,
            name,
            before,
            after,
            partial(_both, places, (name,), (name,)),
            ("zone", "hosts", "cidrs", "ports"),
        )
    for name, route, other in _by_name(old.routes, new.routes) if routes else ():
        to = [() if one is None else one.to for one in (route, other)]
        _note(found, What.ROUTE, name, route, other, partial(_both, places, *to), ("from_", "to", "http", "window", "expires"))
    _compare_principals(found, old, new, places, filters)
    for name in dict.fromkeys((*old.zones, *new.zones)):
        hosts = partial(_zone_hosts, (old, new), name)
        _note(found, What.ZONE, name, old.zones.get(name), new.zones.get(name), hosts, ("cidrs", "gates"))


class _Destinations:
    """The hosts of destinations by name, looked up when somebody asks."""

    def __init__(self, access: Access) -> None:
        self._all = {one.name: one for one in access.destinations}

    def hosts(self, name: str) -> Hosts:
        one = self._all.get(name)
        return Hosts() if one is None else destination_hosts(one)


def _both(places: tuple[_Destinations, _Destinations], old: Iterable[str], new: Iterable[str]) -> Hosts:
    return Hosts.union([*map(places[0].hosts, old), *map(places[1].hosts, new)])


def _compare_principals(
    found: Changes, old: Access, new: Access, places: tuple[_Destinations, _Destinations], filters: Iterable[Filter]
) -> None:
    changed = [
        (name, before, after)
        for name, before, after in _by_name(old.principals, new.principals)
        if before is None or after is None or definition(before) != definition(after)
    ]
    if not changed:
        return
    seen: dict[str, list[Hosts]] = defaultdict(list)
    for rule in (rule for one in filters for rule in one.rules):
        who = rule.match.who
        for name in (*(who.principals or ()), *(f"group {one}" for one in who.groups or ())):
            seen[name].append(rule.match.hosts)
    for name, before, after in changed:
        to = [[to for one in access.routes if name in one.from_ for to in one.to] for access in (old, new)]
        groups = {f"group {one.group}" for one in (before, after) if one is not None and one.group}
        hosts = Hosts.union([_both(places, *to), *(each for key in (name, *sorted(groups)) for each in seen[key])])
        _note(found, What.PRINCIPAL, name, before, after, partial(Hosts.union, [hosts]), _DEFINITION)


_DEFINITION = ("environment", "dags", "tasks", "group", "sources")


def definition(principal: object) -> tuple[object, ...]:
    """What says who a principal is."""
    return tuple(getattr(principal, name) for name in _DEFINITION)


def _note(
    found: Changes,
    what: What,
    name: str,
    before: object | None,
    after: object | None,
    hosts: Callable[[], Hosts],
    fields: Sequence[str],
) -> None:
    if before is None or after is None:
        found.note_named(what, How.REMOVED if after is None else How.ADDED, name, hosts())
    elif before is not after and (detail := field_changes(before, after, fields)):
        found.note_named(what, How.CHANGED, name, hosts(), detail)


def _by_name(old: Iterable[_Thing], new: Iterable[_Thing]) -> Iterator[tuple[str, _Thing | None, _Thing | None]]:
    """The new order, then what is gone."""
    before = {str(getattr(one, "name", "")): one for one in old}
    after = {str(getattr(one, "name", "")): one for one in new}
    for name in dict.fromkeys((*after, *before)):
        yield name, before.get(name), after.get(name)


def _zone_hosts(accesses: Iterable[Access], name: str) -> Hosts:
    """A zone's networks, and the names that the files put there."""
    found = []
    for access in accesses:
        zone = access.zones.get(name)
        found.append(Hosts.from_cidrs(zone.cidrs) if zone is not None else Hosts())
        found += [destination_hosts(one) for one in access.destinations if one.zone == name]
    return Hosts.union(found)


def compare_environments(
    found: Changes, old: tuple[Access, Sequence[Environment]], new: tuple[Access, Sequence[Environment]]
) -> None:
    """Notes environments that come, go, have other addresses, run other DAGs, or need something else themselves."""
    deployed = tuple({one.name: one.dags for one in access.environments} for access, _ in (old, new))
    before, after = ({one.name: one for one in environments} for _, environments in (old, new))
    for name in dict.fromkeys((*after, *before)):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            found.note_named(What.ENVIRONMENT, How.REMOVED if other is None else How.ADDED, name, Hosts.every())
            continue
        detail: list[str] = []
        hosts = Hosts()
        if one.sources.addresses() != other.sources.addresses():
            detail.append(f"addresses {one.sources.addresses()} → {other.sources.addresses()}")
            hosts = Hosts.every()
        dags = [", ".join(side.get(name, ("*",))) for side in deployed]
        if dags[0] != dags[1]:
            detail.append(f"DAGs {dags[0]} → {dags[1]}")
            hosts = Hosts.every()
        if one.workloads != other.workloads:
            detail.append("the workloads that its tasks run as")
            hosts = Hosts.every()
        if set(one.own) != set(other.own):
            detail.append("what it needs itself")
            hosts |= Hosts.union(_own_hosts(set(one.own) ^ set(other.own)))
        if detail:
            found.note_named(What.ENVIRONMENT, How.CHANGED, name, hosts, detail)


def _own_hosts(matches: Iterable[Match]) -> list[Hosts]:
    return [one.hosts for one in matches]


def compare_missing(found: Changes, old: Mapping[str, Hosts], new: Mapping[str, Hosts]) -> None:
    """Notes gates that zones name, and that are in the stack only before, or only after."""
    for gate in sorted(old.keys() ^ new.keys()):
        side = old if gate in old else new
        how = How.ADDED if gate in old else How.REMOVED
        found.named[What.GATE, gate] = found.note(Change(What.GATE, how, gate, gate), side[gate])
