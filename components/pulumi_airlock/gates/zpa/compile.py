"""Routes → the plan of a ZPA tenant: which segments, which rules, which timeouts. Pure: no Pulumi in here.

Everything that ZPA would refuse is found here, all of it at once, before anything is created.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ...access.model import Access, Destination, Principal, Route
from ...errors import Problems
from ..fortigate.boxes import Box, fewest_boxes
from . import names
from .checks import check_destination, check_person, check_site, environments_of, leads_here
from .cutting import Piece, pieces, services_of
from .plan import AccessRule, Lane, Plan, Segment, TimeoutRule
from .site import CloudConnector, Posture, Site

_LANES = {Lane.CLOUD: 0, Lane.MACHINE: 1, Lane.PEOPLE: 2}


def compile_routes(access: Access, site: Site) -> Plan:
    """The plan for the routes whose destination's zone lists the gate. InputError with every problem there is."""
    return _Compiler(access, site).run()


@dataclass(frozen=True, slots=True)
class _Kind:
    """What must be equal for routes to share a rule."""

    lane: Lane
    postures: tuple[Posture, ...]


@dataclass(frozen=True, slots=True)
class _Want:
    """What a route asks for: one caller, one of its destinations."""

    position: int
    """The route's, in the access file."""
    kind: _Kind
    caller: str
    """An environment, or a group of the identity provider."""
    destination: str


class _Compiler:
    """One compilation."""

    def __init__(self, access: Access, site: Site) -> None:
        self.access, self.site = access, site
        self.problems = Problems(site.name)
        self.plan = Plan()

    def run(self) -> Plan:
        check_site(self.access, self.site, self.problems)
        wants = [want for position, route in enumerate(self.access.routes) for want in self._wants(position, route)]
        here = list(self._destinations({want.destination for want in wants}))
        self.problems.raise_any()
        holding: dict[str, list[str]] = {}
        for segment in self._segments(pieces(here)):
            self.plan.segments[segment.name] = segment
            for destination in segment.destinations:
                holding.setdefault(destination, []).append(segment.name)
        self._rules(wants, holding)
        self._timeouts(wants, holding)
        return self.plan

    # What routes ask for

    def _wants(self, position: int, route: Route) -> Iterator[_Want]:
        here = [name for name in route.to if leads_here(self.access, self.site, self.access.destination(name).zone)]
        if not here or route.expired(self.site.today):
            return
        self._check_session(route)
        for name in here:
            zone = self.access.destination(name).zone
            if zone not in self.site.connectors:
                self.problems.add("connectors", f"no App Connectors lead to zone {zone!r}, which lists this gate: add them")
        for principal in map(self.access.principal, route.from_):
            for kind, caller in self._callers(principal):
                for destination in here:
                    yield _Want(position, kind, caller, destination)

    def _callers(self, principal: Principal) -> Iterator[tuple[_Kind, str]]:
        if principal.group is not None:
            if check_person(principal, self.site, self.problems):
                yield _Kind(Lane.PEOPLE, self.site.postures_of(principal.name)), principal.group
            return
        for environment in environments_of(principal, self.site, self.problems):
            workload = self.site.workloads[environment]
            yield _Kind(Lane.CLOUD if isinstance(workload, CloudConnector) else Lane.MACHINE, ()), environment

    def _check_session(self, route: Route) -> None:
        length = route.session_length()
        if length is not None and length < names.SHORTEST_TIMEOUT:
            fix = "write at least 10m, or let another gate end the session and leave it out"
            self.problems.add(f"routes[{route.name}].session", f"{route.session}: ZPA's shortest is 10 minutes: {fix}")

    # Segments

    def _destinations(self, routed: Collection[str]) -> Iterator[Destination]:
        """Every destination behind this gate, also without a route: so that a route that goes takes no segment with it.

        A segment that is deleted is taken out of all rules, and one that no rule allows is refused to everybody.
        """
        for one in self.access.destinations:
            if one.name in routed:
                check_destination(one, self.problems)
                yield one
            elif leads_here(self.access, self.site, one.zone) and one.zone in self.site.connectors:
                unfit = Problems(self.site.name)
                check_destination(one, unfit)
                if not len(unfit):
                    yield one

    def _segments(self, found: Sequence[Piece]) -> Iterator[Segment]:
        for piece in found:
            zones = tuple(dict.fromkeys(self.access.destination(name).zone for name in piece.destinations))
            yield Segment(
                self._segment_name(piece),
                piece.destinations,
                zones,
                piece.domains,
                piece.tcp,
                piece.udp,
                piece.ping,
                names.tenant_text(f"Destination {', '.join(piece.destinations)}. Made by Airlock.")[: names.DESCRIPTION],
            )

    def _segment_name(self, piece: Piece) -> str:
        """The destination's; a part that overlaps is called after its first domain, too, so that no other part takes its name."""
        whole = len(piece.destinations) == 1 and piece.services == services_of(self.access.destination(piece.destinations[0]))
        part = "" if whole else min(piece.domains)
        return names.tenant_name(self.site.prefix + ".".join(piece.destinations), part)

    # Rules

    def _rules(self, wants: Sequence[_Want], holding: Mapping[str, Sequence[str]]) -> None:
        kinds: dict[_Kind, list[_Want]] = {}
        for want in wants:
            kinds.setdefault(want.kind, []).append(want)
        merged = [
            (box, kind)
            for kind, mine in kinds.items()
            for box in fewest_boxes(
                Box((frozenset({want.caller}), frozenset(holding[want.destination])), (want.position,)) for want in mine
            )
        ]
        taken: set[str] = set()
        for box, kind in sorted(
            merged, key=lambda item: (item[0].origins, _LANES[item[1].lane], sorted(map(str, item[0].sets[0])))
        ):
            routes = [self.access.routes[position] for position in box.origins]
            self.plan.rules.append(
                AccessRule(
                    _unused(self.site.prefix + routes[0].name, taken),
                    kind.lane,
                    tuple(sorted(map(str, box.sets[0]))),
                    kind.postures,
                    self._in_order(box),
                    tuple(route.name for route in routes),
                    names.listed_text([self._comment(route) for route in routes]),
                )
            )

    def _in_order(self, box: Box) -> tuple[str, ...]:
        return tuple(name for name in self.plan.segments if name in box.sets[1])

    def _comment(self, route: Route) -> str:
        """What an auditor looks for at a rule: the route, the reason, and what of it this gate cannot see."""
        unseen = [
            "only in its window" if route.window else "",
            "only its HTTP requests" if route.http else "",
            "only from its networks" if any(self.access.principal(name).sources for name in route.from_) else "",
            f"until {route.expires}" if route.expires else "",
        ]
        told = ", ".join(filter(None, unseen))
        return f"{route.name}: {route.reason}{f' [{told}: held at another gate]' if told else ''}"

    # Timeouts

    def _timeouts(self, wants: Sequence[_Want], holding: Mapping[str, Sequence[str]]) -> None:
        """The shortest session that any route gives to a caller at a segment; the shortest timeouts come first."""
        shortest: dict[tuple[Lane, str, str], timedelta] = {}
        for want in wants:
            length = self.access.routes[want.position].session_length()
            if length is None or want.kind.lane is Lane.MACHINE:
                continue  # a timeout policy knows no machine tunnels
            # Nor does it know Cloud Connector groups: one timeout for all workloads at a segment.
            caller = want.caller if want.kind.lane is Lane.PEOPLE else ""
            length = names.timeout_length(names.timeout_text(length)) or length
            for segment in holding[want.destination]:
                key = (want.kind.lane, caller, segment)
                shortest[key] = min(length, shortest.get(key, length))
        taken: set[str] = set()
        for length in sorted(set(shortest.values())):
            for lane in (Lane.CLOUD, Lane.PEOPLE):
                pairs = [key for key, one in shortest.items() if one == length and key[0] is lane]
                for box in fewest_boxes(Box((frozenset({key[1]}), frozenset({key[2]})), ()) for key in pairs):
                    text = names.timeout_text(length)
                    who = "tasks" if lane is Lane.CLOUD else "people"
                    name = _unused(names.tenant_name(f"{self.site.prefix}{who}", text.replace(" ", "-").lower()), taken)
                    callers = tuple(sorted(map(str, box.sets[0]))) if lane is Lane.PEOPLE else ()
                    self.plan.timeouts.append(TimeoutRule(name, lane, callers, self._in_order(box), text))


def _unused(wanted: str, taken: set[str]) -> str:
    """A name that no other rule has: the second of one name is numbered."""
    name = next(
        name
        for number in range(1, len(taken) + 2)
        if (name := names.tenant_name(wanted, str(number) if number > 1 else "")) not in taken
    )
    taken.add(name)
    return name
