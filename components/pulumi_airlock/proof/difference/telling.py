"""The words of a difference: each finding in one sentence, ports and windows as the access file writes them."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..atoms.instants import Bools
from ..atoms.space import Space
from ..findings import Outcome, Row, Witness
from ..sets import Hosts, Intervals, Services
from ..wording import listed
from .calendar import mask_text
from .model import Finding, Kind, Part, Reach, Standing
from .pairing import ABSENT, ALLOW, DENY, UNKNOWN
from .reaching import Key, Reached, When, Where, instants
from .sides import Side

if TYPE_CHECKING:
    from .comparing import Draft

_PORTS = 65536
_WHOLE_PROTOCOLS = (6, 7, 17, 18)
"""Where the space cuts services whatever rules say: before and after TCP and UDP."""
_RANGES = 5
_NETWORKS = 3

_KINDS = {kind: number for number, kind in enumerate(Kind)}
_OUTCOMES = {ABSENT: None, DENY: Outcome.DENY, UNKNOWN: Outcome.UNKNOWN, ALLOW: Outcome.ALLOW}


class Telling:
    """Puts drafts into words."""

    def __init__(self, sides: tuple[Side, Side], *, declarations: bool, gate: str) -> None:
        self._sides, self._declarations, self._gate = sides, declarations, gate
        self._space: Space = sides[1].space
        accesses = [side.case.access for side in reversed(sides)]
        names = [
            name for one in accesses for name in (*(to.name for to in one.destinations), *(who.name for who in one.principals))
        ]
        self._order = {name: number for number, name in reversed(list(enumerate(names)))}
        self._services = _atoms(self._space, sides[0].services)
        self._timezones = sides[1].timezones
        self.when = lru_cache(maxsize=4096)(self._when)

    def findings(
        self, drafts: Iterable["Draft"], rows: Sequence[tuple[Witness | None, tuple[Row, ...], tuple[Row, ...]]]
    ) -> list[Finding]:
        """All findings in the order in which they are worth reading: excess first, then by kind."""
        found = [self._finding(one, *seen) for one, seen in zip(drafts, rows, strict=True)]
        return sorted(found, key=lambda one: (not one.excess, _KINDS[one.kind], one.message, str(one.witness)))

    def _finding(self, draft: "Draft", seen: Witness | None, before: tuple[Row, ...], after: tuple[Row, ...]) -> Finding:
        parts = self._parts(draft.reached)
        routes = tuple(draft.routes[0]), tuple(draft.routes[1])
        compared = not self._declarations
        return Finding(
            kind=draft.kind,
            message=self._message(draft, parts, routes),
            parts=parts,
            before=_OUTCOMES[draft.before] if compared else None,
            after=_OUTCOMES[draft.after] if compared else None,
            standing_before=draft.standings[0],
            standing=draft.standings[1],
            routes_before=routes[0],
            routes=routes[1],
            changes=draft.changes,
            witness=seen,
            path_before=before,
            path=after,
        )

    # --- who and where

    def _parts(self, reached: Reached) -> tuple[Part, ...]:
        """Callers with the same reaches together."""
        same: dict[tuple[Reach, ...], list[str]] = {}
        for label, found in reached.by_label.items():
            reaches = sorted((self._reach(key, where) for key, where in found.items()), key=self._rank)
            same.setdefault(tuple(reaches), []).append(label)
        parts = [Part(tuple(sorted(labels, key=self._place)), reaches) for reaches, labels in same.items()]
        return tuple(sorted(parts, key=lambda one: self._place(one.principals[0])))

    def _place(self, name: str) -> tuple[int, str]:
        return self._order.get(name.split(" + ")[0], len(self._order)), name

    def _rank(self, reach: Reach) -> tuple[int, str, str, str]:
        return self._order.get(reach.destination, len(self._order)), reach.destination, reach.services, reach.when

    def _reach(self, key: Key, where: Where) -> Reach:
        destination, when, operations = key
        if where.hosts:
            destination += f" ({_networks(Hosts.union(where.hosts))})"
        return Reach(destination, self._ports(where.services), self.when(when), self._requests(operations))

    def _ports(self, atoms: Iterable[int]) -> str:
        found = Services(Intervals.of(self._services[atom] for atom in atoms))
        ranges, others = list(found.ranges()), list(found.complement().ranges())
        if others and len(ranges) > _RANGES and len(others) < len(ranges):
            return f"any port but {_ranges(found.complement())}"
        return _ranges(found)

    def _requests(self, atoms: frozenset[int] | None) -> str:
        if atoms is None:
            return ""
        found = [self._space.requests[atom] for atom in sorted(atoms)]
        shown = [f"{one.method} {one.path}" for one in found if one is not None]
        plain = ["what is not HTTP"] * (None in found)
        if not shown:
            return plain[0]
        return " and ".join([f"requests like {listed(shown, 3)}", *plain])

    def _when(self, when: When) -> str:
        """Instants in words, and the DAGs that have to run."""
        if not when:
            return ""
        clock = self._space.clock
        masks = {running: instants(self._space, packed) for running, packed in when}
        together: Bools = np.logical_or.reduce(list(masks.values()))
        text = mask_text(clock, together, self._timezones)
        running = frozenset.intersection(*masks)
        if running:
            text = " ".join(filter(None, [text, f"while {listed(sorted(running))} {'runs' if len(running) == 1 else 'run'}"]))
        return text or "in part of the time"

    # --- in one sentence

    def _message(self, draft: "Draft", parts: Sequence[Part], routes: tuple[Sequence[str], Sequence[str]]) -> str:
        whom = listed(name for part in parts for name in part.principals)
        where = self._where(parts)
        standing = _standing(draft.standings[1], routes[1])
        verb = f"pass {self._gate} to" if self._gate else "reach"
        several = len(parts) > 1 or len(parts[0].principals) > 1
        have = "are" if several else "is"
        match draft.kind:
            case Kind.ADDED:
                return f"{whom} can now {verb} {where}{standing}"
            case Kind.REMOVED if draft.before == ALLOW:
                return f"{whom} can no longer {verb} {where}{_lost(draft, routes)}"
            case Kind.REMOVED:
                return f"{whom} cannot {verb} {where} any more, which was uncertain before"
            case Kind.UNCERTAIN:
                change = "may no longer" if draft.before == ALLOW else "may now"
                return f"{whom} {change} {verb} {where}: something unknown decides{standing}"
            case Kind.CERTAIN:
                change = "can certainly" if draft.after == ALLOW else "certainly cannot"
                return f"{whom} {change} {verb} {where} now, which was uncertain before{standing}"
        if self._declarations:
            added = draft.kind is Kind.DECLARED
            by = routes[1] if added else routes[0]
            return f"{whom} {have} {'now' if added else 'no longer'} allowed to reach {where} ({_by(by)})"
        effect = {ALLOW: "let through", DENY: "refused"}.get(draft.after, "uncertain")
        if draft.kind is Kind.DECLARED:
            return f"{whom} to {where} is declared now ({_by(routes[1])}), and {effect} as before"
        return f"{whom} to {where} is declared no more (it was by {_by(routes[0])}), and {effect} as before"

    def _where(self, parts: Sequence[Part]) -> str:
        reaches = list(dict.fromkeys(reach for part in parts for reach in part.reaches))
        if len(reaches) == 1:
            return str(reaches[0])
        where = listed(reach.destination for reach in reaches)
        same = {(reach.services, reach.when, reach.requests) for reach in reaches}
        if len(same) == 1:
            return str(Reach(where, reaches[0].services, reaches[0].when, reaches[0].requests))
        whens = {reach.when for reach in reaches}
        return f"{where}, {whens.pop()}" if len(whens) == 1 and whens != {""} else where


def _standing(standing: Standing, routes: Sequence[str], *, past: bool = False) -> str:
    declare = "declared" if past else "declares" if len(routes) == 1 else "declare"
    return {
        Standing.DECLARED: f", which {_by(routes)} {declare}",
        Standing.PERHAPS: ", which may be declared, depending on the addresses of a name",
        Standing.OWN: f", which the environment or a gate {'needed' if past else 'needs'} itself",
        Standing.NOT: f", which no route {'declared' if past else 'declares'}",
        Standing.ASIDE: "",
    }[standing]


def _lost(draft: "Draft", routes: tuple[Sequence[str], Sequence[str]]) -> str:
    """How what is refused now stood to the declaration, or still does."""
    if draft.standings[1] is Standing.DECLARED:
        return f"{_standing(draft.standings[1], routes[1])} still"
    return _standing(draft.standings[0], routes[0], past=True)


def _by(routes: Sequence[str]) -> str:
    return f"route{'s' if len(routes) != 1 else ''} {listed(routes)}"


def _ranges(services: Services) -> str:
    if services == Services.every():
        return "any port"
    shown = [
        str(Services(Intervals.of([(number * _PORTS + first, number * _PORTS + last)])))
        for number, first, last in services.ranges()
    ]
    more = len(shown) - _RANGES
    return ", ".join(shown) if more <= 0 else f"{', '.join(shown[: _RANGES - 1])} and {more + 1} more ranges"


def _networks(hosts: Hosts) -> str:
    if hosts.names:
        shown = sorted(hosts.names.mentioned())
        rest = hosts.addresses()
    else:
        shown, rest = [], hosts
    shown += _ranges_of(rest)
    more = len(shown) - _NETWORKS
    return ", ".join(shown) if more <= 0 else f"{', '.join(shown[:_NETWORKS])} and {more} more"


def _ranges_of(hosts: Hosts) -> list[str]:
    """Networks where a span is one, else first and last."""
    parts = [Hosts(v4=Intervals((one,))) for one in hosts.v4.spans] + [Hosts(v6=Intervals((one,))) for one in hosts.v6.spans]
    found = []
    for part in parts:
        first, *others = part.networks()
        if others:
            found.append(f"{first.network_address}–{others[-1].broadcast_address}")
        else:
            found.append(str(first).removesuffix("/32").removesuffix("/128"))
    return found


def _atoms(space: Space, services: Iterable[Services]) -> list[tuple[int, int]]:
    """The interval of (protocol, port) that each atom of the space stands for."""
    top = 256 * _PORTS
    edges = {0, top, *(number * _PORTS for number in _WHOLE_PROTOCOLS)}
    edges.update(edge for one in services for first, last in one.cells.spans for edge in (first, last + 1))
    starts = sorted(edges)
    spans = [(start, following - 1) for start, following in pairwise(starts)]
    return [
        spans[bisect_right(starts, protocol * _PORTS + port) - 1]
        for protocol, port in map(space.cells.__getitem__, range(len(space.cells)))
    ]
