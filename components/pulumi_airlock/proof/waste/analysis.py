"""`waste`: what of a stack's rules, and of the routes themselves, could go, be merged, or never mattered."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ...access.model import Access, Route
from ..declared import grants
from ..filters import Action, Combine, Environment, Filter, Kind, Rule, Source
from ..shape import Shape
from ..wording import listed
from .counting import count
from .findings import Count, CoveredRoute, Mergeable, Redundant, Shadowed, Vacuous, Waste
from .merging import Merged, mergeable
from .rulings import Line, Rulings, Taken
from .words import match_text

_USES = ("session", "credential", "requires")
"""Fields of a route that other routes to the same place do not stand for."""


def waste(access: Access, environments: Sequence[Environment], filters: Sequence[Filter], *, at: datetime) -> Waste:
    """What is there for nothing in these filters and in the access file's routes, from `at` on, without a horizon.

    `environments` and `filters` are what readers found in a stack. ValueError where `at` has no time zone. What depends on
    something unknown is never listed, and nothing that is listed rests on it.
    """
    if at.tzinfo is None:
        raise ValueError(f"at: {at} has no time zone")
    shadowed: list[Shadowed] = []
    redundant: list[Redundant] = []
    merging: list[Mergeable] = []
    vacuous: list[Vacuous] = []
    counts: list[Count] = []
    for one in filters:
        if one.needs and not one.decides:
            continue  # It says what somebody needs, and stands on no path.
        shape = one.shape or Shape()
        rulings = Rulings(one, access, environments, at, shape)
        merged = list(mergeable(rulings, shape))
        shadowed += (_shadowed(one, found) for found in rulings.shadowed)
        redundant += (_redundant(one, found) for found in rulings.redundant)
        merging += (_mergeable(one, found) for found in merged)
        vacuous += _vacuous(rulings)
        counts.append(count(rulings, shape, merged))
    routes = tuple(covered_routes(access, environments, at))
    return Waste(at, tuple(shadowed), tuple(redundant), tuple(merging), routes, tuple(vacuous), tuple(counts))


def _shadowed(one: Filter, found: Taken) -> Shadowed:
    decides = "decides first for everything" if len(found.instead) == 1 else "together decide first for everything"
    if one.combine is Combine.ANY_ALLOW:
        decides = "lets through everything" if len(found.instead) == 1 else "together let through everything"
    message = f"{found.line.source} at {one.gate} never decides: {_sources(found.instead)} {decides} that it matches"
    return Shadowed(message, one.gate, one.name, found.line.source, tuple(each.source for each in found.instead))


def _redundant(one: Filter, found: Taken) -> Redundant:
    default = f"the default of {one.name}, which is to {one.default.value}"
    who = [*([_sources(found.instead)] if found.instead else []), *([default] if found.default else [])]
    message = f"{found.line.source} at {one.gate} can go: {' and '.join(who)} would decide the same in its stead"
    return Redundant(message, one.gate, one.name, found.line.source, tuple(each.source for each in found.instead), found.default)


def _mergeable(one: Filter, found: Merged) -> Mergeable:
    sources = tuple(each.source for each in found.lines)
    message = (
        f"{_sources(found.lines)} at {one.gate} differ in {found.differs} alone, and could be one: "
        f"{found.lines[0].action.value} {match_text(found.into)}"
    )
    return Mergeable(message, one.gate, one.name, sources, found.differs, found.into)


def _sources(lines: Iterable[Line]) -> str:
    return listed(str(one.source) for one in lines)


def _vacuous(rulings: Rulings) -> Iterator[Vacuous]:
    one = rulings.filter
    for line in rulings.empty:
        yield Vacuous(f"{line.source} at {one.gate} matches nothing that can pass there", one.gate, one.name, line.source)
    if one.combine is Combine.ANY_ALLOW:
        for rule in one.rules:
            if rule.action is Action.DENY:
                message = f"{rule.source} at {one.gate} is never looked at: what any rule there allows is allowed"
                yield Vacuous(message, one.gate, one.name, rule.source)
    # That a route table leads everywhere is no permission: it is not there to refuse.
    if one.kind is not Kind.ROUTING and not rulings.refuses:
        yield Vacuous(f"{one.name} at {one.gate} refuses nothing that passes there", one.gate, one.name, None)


def covered_routes(access: Access, environments: Sequence[Environment], at: datetime) -> Iterator[CoveredRoute]:
    """The routes that declare nothing which the others do not declare; those that have expired are left out."""
    rules = tuple(Rule(Action.ALLOW, one.match, Source("", "", one.route.name)) for one in grants(access))
    routes = {one.name: one for one in access.routes}
    every = Filter("", "the routes", Combine.ANY_ALLOW, Action.DENY, rules, "")
    rulings = Rulings(every, access, environments, at, Shape())
    taken = sorted((*rulings.shadowed, *rulings.redundant), key=lambda found: found.line.places[0])
    for found in taken:
        name, by = found.line.source.label, [routes[one.source.label] for one in found.instead]
        differs = tuple(field for field in _USES if not all(_same(field, routes[name], one) for one in by))
        verb = "declares" if len(by) == 1 else "together declare"
        but = f"; it has its own {listed(differs)}" if differs else ""
        message = f"route {name} can go: {listed(one.name for one in by)} {verb} all that it does{but}"
        yield CoveredRoute(message, name, tuple(one.name for one in by), differs)


def _same(field: str, one: Route, other: Route) -> bool:
    return bool(getattr(one, field) == getattr(other, field))
