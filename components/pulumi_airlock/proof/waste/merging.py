"""Rules that could be one: they differ in one field only, and what they match together one rule of their gate can say."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from ..filters import Combine, Kind, Match, Rule
from ..sets import Hosts, Intervals, Services
from ..shape import Shape, Span
from ..times import Once, Times, Weekly
from .boxes import meets
from .rulings import Line, Rulings


@dataclass(frozen=True, slots=True)
class Merged:
    """Lines that could be one, and what it would match."""

    lines: tuple[Line, ...]
    differs: str
    into: Match


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a match: how it is read, and written."""

    name: str
    get: Callable[[Match], Any]
    put: Callable[[Match, Any], Match]


def _of_who(field: str, name: str) -> _Field:
    return _Field(
        name,
        lambda match: getattr(match.who, field),
        lambda match, value: replace(match, who=replace(match.who, **{field: value})),
    )


_FIELDS = (
    _Field("destinations", lambda match: match.hosts, lambda match, value: replace(match, hosts=value)),
    _Field("services", lambda match: match.services, lambda match, value: replace(match, services=value)),
    _of_who("sources", "sources"),
    _of_who("groups", "groups"),
    _of_who("environments", "environments"),
    _of_who("principals", "principals"),
    _of_who("workloads", "workloads"),
    _Field("operations", lambda match: match.operations, lambda match, value: replace(match, operations=value)),
    _Field("times", lambda match: match.times, lambda match, value: replace(match, times=value)),
)


_BLANK: Mapping[str, Any] = {"destinations": Hosts(), "services": Services(), "times": ()}


def mergeable(rulings: Rulings, shape: Shape) -> Iterator[Merged]:
    """Groups of the lines that stay when redundant ones are gone; no line is in two."""
    if rulings.filter.kind is Kind.ROUTING:
        return  # Which way a route leads is not in its match.
    used: set[int] = set()
    single = [one for one in rulings.kept if one.known and len(one.places) == 1]
    for field in _FIELDS:
        buckets: dict[Hashable, list[Line]] = {}
        for line in single:
            match = rulings.rules[line.places[0]].match
            if field.get(match) is not None:
                key = field.put(match, _BLANK.get(field.name))
                buckets.setdefault((line.action, key, _lane(match, shape)), []).append(line)
        for bucket in buckets.values():
            for group, value in _unions(field, bucket, rulings.rules, shape):
                free = _movable([one for one in group if one.places[0] not in used], rulings)
                if len(free) < 2 or (len(free) < len(group) and not _any_will_do(field, shape)):
                    continue
                if len(free) < len(group):
                    value = _union(field.get(rulings.rules[one.places[0]].match) for one in free)
                used.update(one.places[0] for one in free)
                yield Merged(tuple(free), field.name, field.put(rulings.rules[free[0].places[0]].match, value))


def _lane(match: Match, shape: Shape) -> Hashable:
    """Which of the sets that no rule may span its hosts are in."""
    return tuple(number for number, one in enumerate(shape.apart) if in_common(match.hosts, one))


def in_common(one: Hosts, other: Hosts) -> bool:
    """Whether two sets have an address in common, or a name that `other` speaks of."""
    return bool(one.v4 & other.v4 or one.v6 & other.v6 or any(name in one.names for name in other.names.mentioned()))


def _any_will_do(field: _Field, shape: Shape) -> bool:
    """Whether any part of a group can be merged as well."""
    return field.name != "times" and _span(field, shape) is Span.SET


def _span(field: _Field, shape: Shape) -> Span:
    if field.name in ("environments", "groups", "principals"):
        return shape.sources
    return {"destinations": shape.hosts, "services": shape.services, "sources": shape.sources}.get(field.name, Span.SET)


def _movable(lines: list[Line], rulings: Rulings) -> list[Line]:
    """Those that can stand in place of the first one: no rule of the other action in between may match anything of theirs."""
    if rulings.filter.combine is not Combine.FIRST_MATCH or len(lines) < 2:
        return lines
    found = [lines[0]]
    for line in lines[1:]:
        place = line.places[0]
        boxes = rulings.touch[place]
        between = (one for one in rulings.near(boxes) if lines[0].places[0] < one < place)
        crossed = (one for one in between if rulings.rules[one].action is not line.action)
        if not any(meets(mine, theirs) for one in crossed for theirs in rulings.touch[one] for mine in boxes):
            found.append(line)
    return found


def _unions(field: _Field, bucket: Sequence[Line], rules: Sequence[Rule], shape: Shape) -> Iterator[tuple[list[Line], Any]]:
    """Groups of lines with the union of their values, where one rule can say it."""
    if len(bucket) < 2:
        return
    values = {one.source: field.get(rules[one.places[0]].match) for one in bucket}
    if field.name == "times":
        yield from _of_times(bucket, rules)
    elif _span(field, shape) is Span.SET:
        if field.name != "environments" or all(values.values()):
            yield list(bucket), _union(values.values())
    elif _span(field, shape) is Span.NETWORK and field.name in ("destinations", "sources"):
        plain = [one for one in bucket if not values[one.source].names and len(list(values[one.source].networks())) == 1]
        homes: dict[Any, list[Line]] = {}
        for one in plain:
            homes.setdefault(next(values[one.source].networks()), []).append(one)
        networks = _union(values[one.source] for one in plain).networks() if plain else ()
        for network in networks:
            if network not in homes:
                yield (
                    [one for inner, lines in homes.items() if _inside(inner, network) for one in lines],
                    Hosts.from_cidr(network),
                )
    elif field.name == "services":
        plain = [one for one in bucket if len(list(values[one.source].ranges())) == 1]
        for number, first, last in _union(values[one.source] for one in plain).ranges() if plain else ():
            span = Services.of(number, first, last)
            yield [one for one in plain if (values[one.source] & span) == values[one.source]], span


def _inside(network: Any, other: Any) -> bool:
    return network.version == other.version and bool(network.subnet_of(other))


def _of_times(bucket: Sequence[Line], rules: Sequence[Rule]) -> Iterator[tuple[list[Line], Times]]:
    """Those that differ in one condition: windows of a schedule, or the last day."""
    longest = max(len(rules[one.places[0]].match.times) for one in bucket)
    for place in range(longest):
        alike: dict[Hashable, list[Line]] = {}
        for one in bucket:
            match = rules[one.places[0]].match
            if place < len(match.times):
                rest = (*match.times[:place], *match.times[place + 1 :])
                kind = all(isinstance(window, Weekly) for window in match.times[place]), _is_end(match.times[place])
                if any(kind):
                    alike.setdefault((replace(match, times=rest), len(match.times), kind), []).append(one)
        for lines in alike.values():
            times = rules[lines[0].places[0]].match.times
            found = frozenset(window for one in lines for window in rules[one.places[0]].match.times[place])
            if len(lines) > 1:
                yield lines, (*times[:place], _latest(found), *times[place + 1 :])


def _is_end(windows: frozenset[Any]) -> bool:
    return len(windows) == 1 and all(isinstance(one, Once) and one.start is None and one.end is not None for one in windows)


def _latest(windows: frozenset[Any]) -> frozenset[Any]:
    """Of last days the last; of windows all."""
    if not all(isinstance(one, Once) for one in windows):
        return windows
    return frozenset({max(windows, key=lambda one: one.end)})


def _union(values: Iterable[Any]) -> Any:
    listed = list(values)
    if isinstance(listed[0], Hosts):
        return Hosts.union(listed)
    if isinstance(listed[0], Services):
        return Services(Intervals.of(span for one in listed for span in one.cells.spans))
    return reduce(frozenset.union, listed)
