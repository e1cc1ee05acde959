"""What one firewall or URL rule matches: its fields as sets that are known in part, and the boxes that come of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from ...proof.filters import Action, HttpOperation, Match, Who
from ...proof.sets import Hosts, Services
from ...proof.times import ALWAYS, NEVER, Once, Times, Weekly
from ..fortigate.bounds import Bound
from ..stack import UNKNOWN, Resource
from .kinds import URL_RULE, kind_of
from .objects import EVERY_SERVICE, Objects
from .place import Caller, Place

ACTIONS: Mapping[str, tuple[Action, ...]] = {
    "ALLOW": (Action.ALLOW,),
    "BLOCK": (Action.DENY,),
    "BLOCK_DROP": (Action.DENY,),
    "BLOCK_RESET": (Action.DENY,),
    "BLOCK_ICMP": (Action.DENY,),
}
"""What an action surely does. CAUTION and ISOLATE let through after a page, or a browser elsewhere; EVAL_NWAPP decides by
application.
"""

PEOPLE = ("groups", "departments", "users", "deviceGroups", "devices")
"""Operands that only somebody who has signed in, or a managed device, can match: never a task."""

_NARROWING: Mapping[str, tuple[Any, ...]] = {
    "appServiceGroups": ([],),
    "appServices": ([],),
    "nwApplicationGroups": ([],),
    "nwApplications": ([],),
    "sourceCountries": ([],),
    "workloadGroups": ([],),
    "zpaAppSegments": ([],),
    "sourceIpGroups": ([],),
    "userAgentTypes": ([],),
    "userRiskScoreLevels": ([],),
    "sizeQuota": (0,),
    "timeQuota": (0,),
    "ciparule": (False,),
}
"""Properties that let a rule match less than its places and services say, and the values with which they do not."""

METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "OTHER", "POST", "PUT", "TRACE"})
_TRUST = "deviceTrustLevels"
_LEVELS = frozenset({"LOW_TRUST", "MEDIUM_TRUST", "HIGH_TRUST"})


@dataclass(frozen=True, slots=True)
class Box:
    """A match, and what of it is not known: empty when it surely matches."""

    match: Match
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleReading:
    """An enabled rule as read, but for where it stands among the others."""

    rule: Resource
    actions: tuple[Action, ...]
    """One; both where it is not sure what it does."""
    callers: tuple[Caller, ...]
    sources: Bound[Hosts]
    hosts: Bound[Hosts]
    services: Bound[Services]
    times: Bound[Times]
    operations: Bound[Any]
    reasons: tuple[str, ...]
    """Why it may not match even where all of its fields do."""
    place: tuple[int, int] | None
    """(order, rank); None where one of them is not known."""

    def boxes(self) -> Iterator[Box]:
        """What it matches: surely, and perhaps."""
        for who, doubts in self.callers:
            sure = self._match(who, self.sources.sure, self.hosts.sure, self.services.sure, self.times.sure, self.operations.sure)
            maybe = self._match(
                who, self.sources.maybe, self.hosts.maybe, self.services.maybe, self.times.maybe, self.operations.maybe
            )
            fields = (self.sources, self.hosts, self.services, self.times, self.operations)
            reasons = tuple(dict.fromkeys((*self.reasons, *doubts, *(one for bound in fields for one in bound.reasons))))
            if sure is not None and not self.reasons and not doubts:
                yield Box(sure, ())
            if maybe is not None and reasons:
                yield Box(maybe, reasons)

    @staticmethod
    def _match(who: Who, sources: Hosts, hosts: Hosts, services: Services, times: Times, operations: Any) -> Match | None:
        if sources != Hosts.every():
            mine = sources.addresses() if who.sources is None else who.sources & sources
            who = Who(environments=who.environments, sources=mine)
        if (
            not hosts
            or not services
            or times == NEVER
            or operations == frozenset()
            or (who.sources is not None and not who.sources)
        ):
            return None
        return Match(who=who, hosts=hosts, services=services, times=times, operations=operations)

    @property
    def through(self) -> tuple[str, ...]:
        """URNs of the objects that it takes its meaning from."""
        return tuple(dict.fromkeys((*self.hosts.through, *self.services.through)))


def read_rule(rule: Resource, place: Place, objects: Objects, activated: frozenset[str] | None) -> RuleReading | None:
    """A rule's fields; None where it is switched off, or is for people alone, whom no task can be."""
    state = rule.get("state", default="ENABLED")
    if state == "DISABLED" or any(_for_people(rule, prop) is True for prop in PEOPLE) or _trusted(rule) is True:
        return None
    web, actions = kind_of(rule.type) == URL_RULE, _actions(rule)
    reasons = [f"{rule.name}.state"] if state is UNKNOWN else []
    reasons += [f"{rule.name}.{prop}" for prop in PEOPLE if rule.get(prop) is UNKNOWN]
    reasons += [f"{rule.name}.{_TRUST}"] if _trusted(rule) is None else []
    reasons += [
        f"{rule.name}.{prop}" for prop, free in _NARROWING.items() if rule.get(prop) is not None and rule.get(prop) not in free
    ]
    reasons += [f"{rule.name}: no activation waits for it"] if activated is not None and rule.urn not in activated else []
    return RuleReading(
        rule=rule,
        actions=actions,
        callers=tuple(place.callers(rule, blocks=Action.DENY in actions)),
        sources=_sources(rule, place, objects),
        hosts=objects.categories(rule) if web else objects.destinations(rule),
        services=_protocols(rule) if web else objects.services(rule),
        times=_times(rule, place),
        operations=_operations(rule) if web else Bound.exactly(None),
        reasons=tuple(reasons),
        place=_order(rule),
    )


def _for_people(rule: Resource, prop: str) -> bool:
    return rule.get(prop) is not UNKNOWN and bool(rule.get_list(prop))


def _trusted(rule: Resource) -> bool | None:
    """Whether it asks for a device's trust, which only Client Connector tells; None where a device without may do."""
    levels = rule.get_list(_TRUST)
    if not levels or "ANY" in levels:
        return False
    return True if _LEVELS.issuperset(map(str, levels)) else None


def _actions(rule: Resource) -> tuple[Action, ...]:
    action = rule.get("action")
    if action == "BLOCK" and rule.get("blockOverride") not in (None, False):
        return (Action.ALLOW, Action.DENY)
    return ACTIONS.get(action, (Action.ALLOW, Action.DENY)) if isinstance(action, str) else (Action.ALLOW, Action.DENY)


def _sources(rule: Resource, place: Place, objects: Objects) -> Bound[Hosts]:
    """Source addresses: those of the tasks in a tunnel; behind a proxy's NAT they are others, so that none is sure."""
    found = objects.sources(rule)
    if found.maybe == Hosts.every() or not place.proxied:
        return found
    return Bound(Hosts(), Hosts.every(), (*found.reasons, f"{rule.name}.srcIps: which address a proxied task comes from"))


def _protocols(rule: Resource) -> Bound[Services]:
    protocols = rule.get("protocols")
    if protocols is None or (isinstance(protocols, list | tuple) and (not protocols or "ANY_RULE" in protocols)):
        return EVERY_SERVICE
    return Bound(Services(), Services.every(), (f"{rule.name}.protocols",))


def _operations(rule: Resource) -> Bound[Any]:
    """The requests: None for all of them."""
    methods = rule.get_list("requestMethods")
    if not methods or set(map(str, methods)) >= METHODS:
        return Bound.exactly(None)
    if any(not isinstance(one, str) or one == "OTHER" for one in methods):
        return Bound(frozenset(), None, (f"{rule.name}.requestMethods",))
    return Bound.exactly(frozenset(HttpOperation(method=one) for one in methods))


def _times(rule: Resource, place: Place) -> Bound[Times]:
    intervals, validity = _intervals(rule, place), _validity(rule)
    sure: Times = NEVER if NEVER in (intervals.sure, validity.sure) else (*intervals.sure, *validity.sure)
    return Bound(sure, (*intervals.maybe, *validity.maybe), (*intervals.reasons, *validity.reasons))


def _intervals(rule: Resource, place: Place) -> Bound[Times]:
    values = rule.get_list("timeWindows")
    if not values:
        return Bound.exactly(ALWAYS)
    known: set[Weekly] = set()
    for value in values:
        found = place.time_windows.get(int(value)) if isinstance(value, int | float) else None
        if found is None:
            return Bound(NEVER, ALWAYS, (f"{rule.name}.timeWindows: which hours these are",))
        known.add(found)
    return Bound.exactly((frozenset(known),))


def _validity(rule: Resource) -> Bound[Times]:
    enforced = rule.get("enforceTimeValidity", default=False)
    if enforced is False:
        return Bound.exactly(ALWAYS)
    reason = (f"{rule.name}.enforceTimeValidity",)
    if enforced is UNKNOWN:
        return Bound(NEVER, ALWAYS, reason)
    start, end = (_instant(rule, prop) for prop in ("validityStartTime", "validityEndTime"))
    if start is None or end is None:
        return Bound(NEVER, ALWAYS, reason)
    return Bound.exactly((frozenset({Once(start, end)}),))


def _instant(rule: Resource, prop: str) -> datetime | None:
    """An RFC 1123 instant in UTC, or in the zone that the rule names where it says none."""
    text, zone = rule.get(prop), rule.get("validityTimeZoneId", default="UTC")
    if not isinstance(text, str) or not isinstance(zone, str):
        return None
    try:
        found = parsedate_to_datetime(text)
        told = ZoneInfo(zone)
    except (ValueError, KeyError, OSError, TypeError):
        return None
    if zone not in ("UTC", "GMT", "Etc/UTC"):
        # What counts where the text says one zone and the rule another is not tried.
        return found.replace(tzinfo=told) if found.tzinfo is None else None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _order(rule: Resource) -> tuple[int, int] | None:
    order, rank = rule.get("order"), rule.get("rank", default=7)
    if isinstance(order, int | float) and isinstance(rank, int | float):
        return int(order), int(rank)
    return None
