"""Which changes make a difference: the deciding rules before and after, at the filters whose decision differs."""

from collections.abc import Iterable, Iterator, Sequence

from ..atoms.instants import Bools
from ..declared import Grant
from ..engine.reader import DEFAULT
from .changes import Changes
from .model import Change, How, What
from .pairing import ABSENT, Codes, Pair, Seen

Parts = list[tuple[Bools, tuple[Change, ...]]]
"""Points, with the changes that are to blame for them."""


class Blame:
    """Finds the changes behind the points of a pair."""

    def __init__(self, changes: Changes, grants: tuple[Sequence[Grant], Sequence[Grant]]) -> None:
        self._changes, self._grants = changes, grants

    def outcome(self, pair: Pair, points: Bools, before: int, after: int) -> Parts:
        """Splits points whose outcome differs by what made it so."""
        if ABSENT in (before, after):
            # Of tasks, their environment says why; of others, the filters that came or went.
            return self._presence(pair, points, 0 if after == ABSENT else 1)
        parts: Parts = [(points, ())]
        for old, new in self._partners(pair):
            decisions = [
                one.decision(number) if number is not None else None for one, number in zip(pair.seen, (old, new), strict=True)
            ]
            worse = _differs(decisions, up=after > before)
            if worse is None or not (worse & points).any():
                continue
            parts = [
                found
                for mask, causes in parts
                for found in self._split(pair, mask, causes, mask & worse, old, new)
                if found[0].any()
            ]
        return parts

    def _partners(self, pair: Pair) -> Iterator[tuple[int | None, int | None]]:
        """Filters on the path on either side."""
        first, second = (one.path.keys() for one in pair.seen)
        sizes = [len(one.side.case.filters) for one in pair.seen]
        for old, new in self._changes.partners:
            if (old is not None and old in first) or (new is not None and new in second):
                yield old if old in first else None, new if new in second else None
        # Stand-ins for gates that the stack does not have.
        gates = [
            {one.path[number].reader.filter.gate: number for number in one.path if number >= size}
            for one, size in zip(pair.seen, sizes, strict=True)
        ]
        for gate in dict.fromkeys((*gates[0], *gates[1])):
            yield gates[0].get(gate), gates[1].get(gate)

    def _split(
        self, pair: Pair, mask: Bools, causes: tuple[Change, ...], hit: Bools, old: int | None, new: int | None
    ) -> Iterator[tuple[Bools, tuple[Change, ...]]]:
        yield mask & ~hit, causes
        if not hit.any():
            return
        for rules, points in pair.seen[0].deciders(old, hit):
            for others, both in pair.seen[1].deciders(new, points):
                yield both, _joined(causes, self._causes(pair, old, rules, new, others))

    def _causes(
        self, pair: Pair, old: int | None, rules: tuple[int, ...], new: int | None, others: tuple[int, ...]
    ) -> Iterator[Change]:
        """What was changed between the deciding rules before and now."""
        if old is None or new is None:
            yield from self._standing(pair, old, new)
            return
        keys = [(0, old, number) for number in rules] + [(1, new, number) for number in others]
        decided = [change for key in keys if (change := self._changes.rules.get(key)) is not None]
        found = [one for one in decided if one.how is not How.MOVED]
        whole = self._changes.filters.get((1, new))
        if whole is not None and (DEFAULT in (*rules, *others) or not found):
            found.append(whole)
        yield from found or decided or self._around(pair)

    def _standing(self, pair: Pair, old: int | None, new: int | None) -> Iterator[Change]:
        """Why a filter stands on the path on one side alone: it came or went, or the zone's gates did."""
        side, number = (0, old) if old is not None else (1, new)
        if number is None:
            return
        one = pair.seen[side].path[number].reader.filter
        named = self._changes.named
        keys = [(What.GATE, one.gate)]
        keys += [(What.ZONE, zone) for seen in pair.seen if (zone := seen.group.place.zone) is not None]
        own = self._changes.filters.get((side, number))
        found = [] if own is None else [own]
        yield from found or [named[key] for key in keys if key in named] or self._around(pair)

    def _around(self, pair: Pair) -> list[Change]:
        """What else can differ at a host: which addresses its name has, its zone, who the principals are."""
        found = []
        for (what, name), change in self._changes.named.items():
            zones = [one.group.place.zone for one in pair.seen]
            here = (
                self._holds(pair, change)
                if what is What.DESTINATION
                else name in zones
                if what is What.ZONE
                else what is What.PRINCIPAL
            )
            if here:
                found.append(change)
        return found

    def _holds(self, pair: Pair, change: Change) -> bool:
        place = pair.seen[1].group.place
        hosts = self._changes.all[change]
        if place.name is not None:
            return place.name in hosts.names
        spans = hosts.v4 if place.family == 4 else hosts.v6
        return place.address is not None and place.address in spans

    def _presence(self, pair: Pair, points: Bools, side: int) -> Parts:
        """Of callers outside of environments: the filters that they meet and that came, or went."""
        seen = pair.seen[side]
        met = []
        for number, verdict in seen.path.items():
            change = self._changes.filters.get((side, number))
            if change is not None and (seen.of(verdict.inscope) & points).any():
                met.append(change)
        return [(points, tuple(dict.fromkeys(met)))]

    def environment(self, name: str) -> tuple[Change, ...]:
        """The change of an environment, where there is one."""
        change = self._changes.named.get((What.ENVIRONMENT, name))
        return () if change is None else (change,)

    def declaration(self, pair: Pair, parts: Parts) -> Parts:
        """Splits points that are declared differently by the routes that make it so, beside what is known already."""
        for side, seen in enumerate(pair.seen):
            for number, points in seen.grants():
                causes = self._routes(self._grants[side][number])
                if causes:
                    parts = [
                        (mask, _joined(found, causes) if hit else found)
                        for whole, found in parts
                        for hit, mask in ((True, whole & points), (False, whole & ~points))
                        if mask.any()
                    ]
        # A route leads to another host when that is where a name has its address now.
        return [(mask, causes or tuple(self._around(pair))) for mask, causes in parts]

    def _routes(self, grant: Grant) -> list[Change]:
        """The changes of a route, of where it leads and of whom it is for."""
        keys = [(What.ROUTE, grant.route.name), (What.DESTINATION, grant.destination.name)]
        keys += [(What.PRINCIPAL, name) for name in grant.route.from_]
        return [self._changes.named[key] for key in keys if key in self._changes.named]


def _differs(decisions: Sequence[Codes | None], *, up: bool) -> Bools | None:
    """Where a filter lets through more than before (or less, if not `up`)."""
    old, new = decisions
    if old is None and new is None:
        return None
    # A filter that does not stand there lets everything through.
    before, after = (3 if one is None else one for one in (old, new))
    found: Bools = after > before if up else after < before  # type: ignore[assignment]
    return found


def _joined(causes: Iterable[Change], more: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(dict.fromkeys((*causes, *more)), key=_order))


_RANK = {what: number for number, what in enumerate(What)}


def _order(change: Change) -> tuple[int, str, str]:
    return _RANK[change.what], change.gate, change.name


def routes_over(seen: Seen, grants: Sequence[Grant], points: Bools) -> list[str]:
    """The routes that declare some of these points on a side."""
    return list(dict.fromkeys(grants[number].route.name for number, mine in seen.grants() if (mine & points).any()))
