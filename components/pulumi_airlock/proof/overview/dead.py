"""What never takes effect: rules that earlier ones decide for, routes that have expired or have no path."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ...access.model import Access, Route
from ..atoms.space import Space
from ..declared import Grant, expiry
from ..engine.sweep import Sweep
from ..filters import Combine, Filter, Source
from ..findings import Dead, DeadKind


def dead_routes(
    access: Access, grants: Sequence[Grant], space: Space, filters: Sequence[Filter], alive: set[str], at: datetime
) -> Iterator[Dead]:
    """The routes without a single point, each with its reason. `alive` are the others."""
    gates = {one.gate for one in filters}
    for route in access.routes:
        if route.name not in alive:
            kind, why = _why(access, route, [one for one in grants if one.route is route], space, gates, at)
            yield Dead(f"route {route.name} never holds: {why}", kind, route=route.name)


def _why(
    access: Access, route: Route, mine: Sequence[Grant], space: Space, gates: set[str], at: datetime
) -> tuple[DeadKind, str]:
    end = expiry(route)
    if end is not None and end <= at:
        return DeadKind.EXPIRED, f"it expired on {route.expires}"
    if not any(space.subjects.members[name].any() for name in route.from_ if name in space.subjects.members):
        return DeadKind.NO_SOURCE, f"no environment of the stack runs {', '.join(route.from_)}"
    if mine and not (space.clock.holds(mine[0].match.times, frozenset(_runs(mine[0]))) & space.clock.inside).any():
        return DeadKind.NEVER, "its window never opens"
    zones = dict.fromkeys(one.destination.zone for one in mine)
    without = [zone for zone in zones if zone in access.zones and not gates & set(access.zones[zone].gates)]
    if without:
        named = ", ".join(dict.fromkeys(gate for zone in without for gate in access.zones[zone].gates))
        return DeadKind.NO_PATH, f"none of the gates of zone {', '.join(without)} ({named}) is in the stack"
    return DeadKind.NO_PATH, "its principals and its destinations have no address family in common, or no gate between them"


def _runs(grant: Grant) -> Iterator[str]:
    window = grant.route.window
    if window is not None and window.dagrun is not None:
        yield window.dagrun


def dead_rules(sweep: Sweep) -> Iterator[Dead]:
    """The rules that never decide: earlier rules, together, do so for everything that they match; or they match nothing.

    A rule of a gate may have become several here (one for each location, or family of addresses): it is dead when all of them
    are. `deciders.find_deciding` has looked at all of them before.
    """
    found: dict[tuple[str, Source], list[tuple[Combine, bool, bool]]] = {}
    for reader in sweep.readers:
        one = reader.filter
        for number in sorted(reader.order):
            rule = one.rules[number]
            if rule.implied:
                continue
            decides = bool(sweep.decided[reader.number][number] or rule.unknown)
            matches = bool(sweep.matched[reader.number][number])
            found.setdefault((one.gate, rule.source), []).append((one.combine, decides, matches))
    for (gate, source), parts in found.items():
        if any(decides for _, decides, _ in parts):
            continue
        if any(matches for _, _, matches in parts):
            order = "the rules before it" if parts[0][0] is Combine.FIRST_MATCH else "other rules"
            message = f"{source} at {gate} never decides: {order} decide for everything that it matches"
            yield Dead(message, DeadKind.SHADOWED, gate=gate, rule=source)
        else:
            yield Dead(f"{source} at {gate} matches no traffic that there can be", DeadKind.EMPTY, gate=gate, rule=source)
