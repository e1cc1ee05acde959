"""How many rules a filter has, and how few of its gate's kind could do: a lower bound, and a number that is enough."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..filters import ANYONE, Action, Kind, Match
from ..sets import Hosts, Intervals, Services
from ..shape import Shape, Span
from .boxes import meet, without
from .covering import cover
from .findings import Count
from .fooling import Fooling
from .ground import HOST, SERVICE, SOURCE
from .merging import Merged
from .rectangles import Piece, held, largest, pieces, ranges, rows
from .rulings import Rulings

WIDTHS = {4: 32, 6: 128}
"""Bits of an address."""

COVER = "the smallest cover by networks and ranges"
POINTS = "points no two of which fit in one rule"
ORDERED = "points no two of which fit in one rule, each refusal splitting a rule"
NOTHING = "nothing to decide"


def count(rulings: Rulings, shape: Shape, merged: Iterable[Merged]) -> Count:
    """The number of a filter's rules, and of the fewest; what is implied, or closes the list to be logged, aside."""
    one = rulings.filter
    lines = len({rule.source for rule in one.rules}) - len(rulings.aside)
    kept = [line for line in rulings.kept if line not in rulings.aside]
    unknown = sum(not line.known for line in kept)
    enough = len(kept) - sum(len(found.lines) - 1 for found in merged)
    actions = {line.action for line in kept if line.known}
    # Before a refusal that the gate implies, a default that allows is none.
    implied = any(line.implied and line.action is Action.DENY for line in rulings.aside)
    target = Action.ALLOW if one.default is Action.DENY or (implied and actions == {Action.ALLOW}) else Action.DENY
    if not any(line.known for line in kept):
        least, bound = 0, NOTHING
    elif any(line.action is not target for line in kept if line.known):
        least, bound = _ordered(Fooling(rulings, target, shape).bound(), shape), ORDERED
    else:
        least, bound, constructed = _alike(rulings, target, shape)
        enough = min(enough, constructed + unknown) if constructed is not None else enough
    least = min(least, enough)
    return Count(
        _message(one.gate, one.name, shape, lines, least, enough, bound), one.gate, one.name, lines, least, enough, bound
    )


def _message(gate: str, name: str, shape: Shape, lines: int, least: int, enough: int, bound: str) -> str:
    what = shape.nouns[lines != 1]
    known = f"{least} (exact)" if least == enough else f"at least {least} ({bound}), {enough} are enough"
    return f"{gate}, {name}: {lines} {what}, fewest possible {known}"


def _alike(rulings: Rulings, target: Action, shape: Shape) -> tuple[int, str, int | None]:
    """The bound for rules of one action alone, its name, and how many are enough as far as that is known by construction."""
    if Span.NETWORK in (shape.hosts, shape.sources):
        peers = _Peers.of(rulings, target)
        if peers is not None:
            least, enough = peers.cover()
            # Of a route table only those routes are known to do that are there: which way others lead is not in their match.
            return least, COVER, None if rulings.filter.kind is Kind.ROUTING else enough
    return Fooling(rulings, target, shape).bound(), POINTS, None


def _ordered(points: int, shape: Shape) -> int:
    """Rules of both actions: a refusal that stands before a rule leaves of it so many pieces, each a rule of the plain kind."""
    fields = {Span.SET: 1, Span.RANGE: 257, Span.NETWORK: 128}
    split = sum(fields[span] for span in (shape.sources, shape.hosts, shape.services)) + 5
    return min(refusals + -(-points // int(split**refusals)) for refusals in range(max(1, points.bit_length()) + 1))


@dataclass
class _Peers:
    """Rules that say one peer and services: addresses of both families, and peers that the gate knows by name."""

    wanted: list[tuple[Hosts, Services]] = field(default_factory=list)
    """Peers by addresses."""
    named: dict[object, list[Services]] = field(default_factory=dict)
    """Peers without any: environments, prefix lists."""
    contested: set[object] = field(default_factory=set)
    """Of these, such as other rules may mean by their addresses."""
    groups: dict[Hosts, None] = field(default_factory=dict)
    """Sets of addresses that are no single network, and that a rule can name all the same."""
    free: list[tuple[Hosts, Services]] = field(default_factory=list)
    """What is of no importance: it does not pass here, or something unknown decides."""

    @classmethod
    def of(cls, rulings: Rulings, target: Action) -> "_Peers | None":
        """None where the rules say more than a peer and services."""
        found = cls()
        for line in rulings.kept:
            for place in line.places:
                rule = rulings.rules[place]
                peer = _peer(rule.match)
                if line in rulings.aside:
                    continue
                if peer is None or rule.match.operations is not None or rule.match.times:
                    return None
                if not line.known or rule.action is not target:
                    found.free.append((peer if isinstance(peer, Hosts) else Hosts(), rule.match.services))
                elif isinstance(peer, Hosts) and not peer.names:
                    found.wanted.append((peer, rule.match.services))
                    if len(list(peer.networks())) != 1:
                        found.groups[peer] = None
                else:
                    found.named.setdefault(peer, []).append(rule.match.services)
                    if _by_address(rulings, place):
                        found.contested.add(peer)
        scope = rulings.filter.scope
        inward = any(rulings.rules[line.places[0]].match.who != ANYONE for line in rulings.kept if line.known)
        inside = scope.who.sources if inward else scope.hosts
        if inside is not None:
            found.free.append((inside.complement().addresses(), Services.every()))
        for family in WIDTHS:
            if not _passes(rulings, family):
                found.free.append((_whole(family), Services.every()))
        return found

    def cover(self) -> tuple[int, int]:
        """The fewest rules: a lower bound, and how many are enough."""
        by_name = {peer: len(list(ranges(Services.union(found)))) for peer, found in self.named.items()}
        least = sum(1 if peer in self.contested else number for peer, number in by_name.items())
        may = {family: pieces(_of_family(self.wanted, family), _of_family(self.free, family)) for family in WIDTHS}
        columns: dict[object, int] = {}
        shift = 0
        for family, width in WIDTHS.items():
            points = rows(may[family], width)
            for one in largest([piece for piece, _ in may[family]], width):
                columns[family, one] = held(one, points, width) << shift
            for group in self.groups:
                mine = _addresses(group, family)
                for low, high in self._allowed(group, may):
                    inside = (n for n, (address, cell) in enumerate(points) if address in mine and low <= cell <= high)
                    columns[group, low, high] = columns.get((group, low, high), 0) | sum(1 << n for n in inside) << shift
            shift += len(points)
        found = cover(list(columns.values()))
        return least + found.least, sum(by_name.values()) + len(found.chosen)

    @staticmethod
    def _allowed(group: Hosts, may: Mapping[int, Sequence[tuple[Piece, Services]]]) -> Iterator[tuple[int, int]]:
        """The ranges that are let through at each address of a set that has a name."""
        common = Services.every()
        for family, width in WIDTHS.items():
            left = _addresses(group, family)
            for piece, _ in may[family]:
                if piece.addresses & left:
                    common = common & piece.services
                    left = left & piece.addresses.complement((1 << width) - 1)
            if left:
                return
        if common:
            yield from ranges(common)


def _by_address(rulings: Rulings, place: int) -> bool:
    """Whether a rule on addresses may match who or what this one names."""
    wide = [(*box[:SERVICE], rulings.ground.full[SERVICE], *box[SERVICE + 1 :]) for box in rulings.touch[place]]
    for other in rulings.near(wide):
        peer = _peer(rulings.rules[other].match)
        if isinstance(peer, Hosts) and peer.addresses():
            both = [found for box in wide for mine in rulings.touch[other] if (found := meet(box, mine)) is not None]
            if without(both, rulings.ground.never):
                return True
    return False


def _peer(match: Match) -> object:
    """Who or what a rule of such a gate names: addresses, or something by name; None where it says more."""
    who, anywhere = match.who, match.hosts.addresses() == Hosts.every().addresses()
    if any(one is not None for one in (who.groups, who.principals, who.outside, who.workloads, who.tasks)):
        return None
    if who.environments is not None:
        return who.environments if anywhere and who.sources is None else None
    if who.sources is not None:
        return who.sources.addresses() if anywhere else None
    return match.hosts.addresses() if anywhere or not match.hosts.names else match.hosts


def _passes(rulings: Rulings, family: int) -> bool:
    """Whether anything of an address family passes a filter at all."""
    ground = rulings.ground
    boxes = []
    for scope in rulings.scopes:
        mine = list(scope)
        mine[SOURCE] &= ground.callers.addresses.family(family)
        mine[HOST] &= ground.addresses.family(family)
        if all(mine):
            boxes.append(tuple(mine))
    return bool(without(boxes, ground.never))


def _of_family(found: Iterable[tuple[Hosts, Services]], family: int) -> list[Piece]:
    return [Piece(_addresses(hosts, family), services) for hosts, services in found if _addresses(hosts, family)]


def _addresses(hosts: Hosts, family: int) -> Intervals:
    return hosts.v4 if family == 4 else hosts.v6


def _whole(family: int) -> Hosts:
    every = Hosts.every()
    return Hosts(v4=every.v4) if family == 4 else Hosts(v6=every.v6)
