"""Declared routes that logs do not show to be used: for so many days, where there are logs of so many days.

A route is only called unused where a gate on its destination's path wrote logs on every one of these days. Where the destination
was reached, and nothing tells by whom, that is said instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from .. import tokens
from ..access import Access, Route
from ..gates.stack import Stack
from .evidence import Evidence, Learnt
from .places import GATES, End, Target
from .seen import Seen, at
from .windows import declared_at


class Verdict(StrEnum):
    """What logs say of a route's use."""

    USED = "used"
    UNUSED = "unused"
    SOMEBODY = "reached by somebody"
    """The destination was reached, and the logs do not tell whether by the route's principals."""
    UNKNOWN = "not known"
    """There are no logs of all of these days of a gate on the way."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What logs say of a route to one of its destinations."""

    route: Route
    destination: str
    verdict: Verdict
    why: str
    connections: int = 0
    """In these days, to the destination; of the route's own principals where they are told."""
    last: datetime | None = None
    """When it was seen last, in all of the logs."""
    covered: int = 0
    """Of these days, those with a log of a gate on the way."""


_TOKENS: Mapping[str, str] = {
    tokens.FORTIGATE_GATE: "fortigate",
    tokens.AWS_NETWORK_GATE: "aws_network",
    tokens.GCP_FIREWALL_GATE: "gcp_firewall",
    tokens.CILIUM_GATE: "cilium",
    tokens.ISTIO_GATE: "istio",
    tokens.TCP_PROXY: "tcp_proxy",
    tokens.ZPA_GATE: "zpa",
    tokens.ZIA_GATE: "zia",
}


def gate_kinds(access: Access, stack: Stack | None = None) -> dict[str, str]:
    """Gate → its kind: by the stack's components; by its name (`fortigate`, `fortigate-dc`) where there is no stack."""
    found = {one.name: kind for token, kind in _TOKENS.items() for one in stack.of_type(token)} if stack is not None else {}
    for gate in dict.fromkeys(gate for zone in access.zones.values() for gate in zone.gates):
        name = gate.replace("-", "_")
        kind = next((kind for kind in _TOKENS.values() if name == kind or name.startswith(f"{kind}_")), "")
        if kind:
            found.setdefault(gate, kind)
    return found


def unused(seen: Seen, learnt: Learnt, access: Access, kinds: Mapping[str, str], days: int) -> list[Usage]:
    """What logs say of every route, in the file's order. `days`: counted back from the last day of the logs."""
    covered, named = _covered(seen), _covered(seen, "name <> ''")
    last = max((max(found) for found in covered.values() if found), default=0)
    wanted = range(last - days + 1, last + 1)
    reached = _reached(seen, learnt, wanted.start * 1440)
    by: dict[tuple[str, str], list[Evidence]] = {}
    for one in learnt.evidence:
        for name in _principals(access, one):
            by.setdefault((name, one.target.declared), []).append(one)
    found = []
    for route in access.routes:
        for destination in route.to:
            where = access.destination(destination)
            gates = access.zones[where.zone].gates
            told = {kind for kind in map(kinds.get, gates) if kind}
            telling = covered if where.cidrs else named  # addresses alone do not tell of a name
            logged = set[int]().union(*(telling.get(name, ()) for name, kind in GATES.items() if kind in told))
            every = [one for name in route.from_ for one in by.get((name, destination), ())]
            mine = list(_in_window(route, every))
            here = _Logged(destination, gates, "" if where.cidrs else " that show names", len(logged & set(wanted)), days)
            unclear = _is_unclear(learnt, destination)
            outside = bool(every) and not mine
            found.append(
                _usage(route, here, mine, reached.get(destination), wanted.start * 1440, unclear=unclear, outside=outside)
            )
    return found


@dataclass(frozen=True, slots=True)
class _Logged:
    destination: str
    gates: Sequence[str]
    needed: str
    covered: int
    days: int


def _usage(
    route: Route,
    here: _Logged,
    mine: list[Evidence],
    reached: tuple[int, int] | None,
    start: int,
    *,
    unclear: bool,
    outside: bool,
) -> Usage:
    count, last = reached or (0, 0)
    if any(one.latest >= start for one in mine):
        told = max(one.last for one in mine)
        connections = sum(one.connections for one in mine)
        return Usage(route, here.destination, Verdict.USED, "by its own principals", connections, told, here.covered)
    own = max((one.last for one in mine), default=None)
    if count and unclear:
        why = "the logs do not tell by whom: give task runs, or a log that names tasks"
        return Usage(route, here.destination, Verdict.SOMEBODY, why, count, at(last), here.covered)
    seen = own or (at(last) if last and unclear else None)
    if here.covered < here.days:
        gates = ", ".join(here.gates)
        why = f"logs{here.needed} of its gates ({gates}) are there of {here.covered} of {here.days} days"
        return Usage(route, here.destination, Verdict.UNKNOWN, why, 0, seen, here.covered)
    others = "its own principals reached it outside its window alone" if outside else "others alone reached the destination"
    why = others if count else "nobody reached the destination"
    return Usage(route, here.destination, Verdict.UNUSED, why, 0, seen, here.covered)


def _in_window(route: Route, evidence: Iterable[Evidence]) -> Iterable[Evidence]:
    """What of it the route declares by its window."""
    for one in evidence:
        minutes = one.minutes[declared_at([route], one.minutes)]
        if len(minutes):
            latest = one.latest if minutes[-1] == one.minutes[-1] else int(minutes[-1])
            yield replace(one, minutes=minutes, latest=latest)


def _is_unclear(learnt: Learnt, destination: str) -> bool:
    """Whether some connection to a destination may be anybody's."""
    target = Target(destination)
    return bool(learnt.unexplained.get(target)) or any(one.others for one in learnt.evidence if one.target == target)


def _principals(access: Access, one: Evidence) -> Iterable[str]:
    if one.principal:
        return (one.principal,)
    task = one.task
    if task is None:
        return ()
    return [
        each.name
        for each in access.principals
        if not each.is_people and each.covers(task.dag, task.task, task.environment or None)
    ]


def _covered(seen: Seen, such: str = "true") -> dict[str, set[int]]:
    """Format → the days since 1970 of which there are (such) lines."""
    found: dict[str, set[int]] = {}
    query = f"SELECT DISTINCT format, last // 1440 FROM seen WHERE last IS NOT NULL AND {such}"  # noqa: S608
    for name, day in seen.sql.execute(query).fetchall():
        found.setdefault(name, set()).add(day)
    return found


def _reached(seen: Seen, learnt: Learnt, start: int) -> dict[str, tuple[int, int]]:
    """Declared destination → connections from that minute on, and the last minute in which it was reached at all."""
    found: dict[str, tuple[int, int]] = {}
    ends = {end: target.declared for target, ends in learnt.raw.items() for end in ends if target.declared}
    rows = seen.sql.execute(
        "SELECT destination, name, port, protocol, coalesce(sum(connections) FILTER (last >= ?), 0)::BIGINT, max(last) "
        "FROM seen WHERE coalesce(allowed, true) AND minute IS NOT NULL GROUP BY ALL",
        [start],
    ).fetchall()
    for *end, count, last in rows:
        name = ends.get(End(*end))
        if name:
            before = found.get(name, (0, 0))
            found[name] = (before[0] + count, max(before[1], last))
    return found
