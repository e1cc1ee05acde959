"""Traffic that a gate carries on from hosts of its own: the gates around it meet other addresses than the caller's and the
destination's.

Behind an App Connector, a security group sees the connector's address; before an explicit proxy, it sees the proxy's. `carried`
says so of every rule, so that a path is still a conjunction of filters. `around` is the other half of the question: whether one
gets there without that gate. O(rules × relays), and nothing at all where no gate has any.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from ..access.model import Access
from .carrying import Change, apart, joined, meets, minus, narrowed
from .declared import destination_hosts
from .filters import Action, Combine, Filter, Match, Relay, Rule, Who
from .sets import Hosts
from .ways import WayAround

_ELSEWHERE = "hosts to which no gate carries anything on"


def carried(access: Access, filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """The filters as traffic meets them that goes through gates with relays."""
    found = tuple(filters)
    for carrier in _carriers(access, filters):
        found = tuple(each for one in found for each in (carrier.own(one) if one.gate == carrier.gate else carrier.seen_by(one)))
    return found


def around(access: Access, filters: Sequence[Filter]) -> Iterator[WayAround]:
    """For each gate with relays the stack without it, and without routes: what is let through there gets around the gate.

    There is such a way only where another gate is left on it: behind the relays, or before a proxy. Around a gate that callers
    may leave out goes what routes declare; all else is too much there as well.
    """
    for gate in dict.fromkeys(one.gate for one in filters if one.voluntary):
        others = [one for one in filters if one.gate != gate]
        left = _without(access, {one.gate for one in others})
        yield WayAround(gate, left, carried(left, others))
    for carrier in _carriers(access, filters):
        if not carrier.passable:
            continue
        others = [carrier.passed_by(one) for one in filters if one.gate != carrier.gate]
        nothing = _without(access, {one.gate for one in others}).model_copy(update={"routes": ()})
        # What the gate needs itself is no way around it.
        needs = tuple(dict.fromkeys(need for one in filters if one.gate == carrier.gate for need in one.needs))
        scope = Match(hosts=carrier.impassable)
        closed = Filter("", _ELSEWHERE, Combine.ANY_ALLOW, Action.DENY, (), "", scope=scope, always=True, needs=needs)
        yield WayAround(carrier.gate, nothing, (*others, closed, *carrier.not_carried()))


def _without(access: Access, present: Set[str]) -> Access:
    """An access file without the gates that are not there, and without expectations."""
    zones = {
        name: zone.model_copy(update={"gates": tuple(gate for gate in zone.gates if gate in present)})
        for name, zone in access.zones.items()
    }
    return access.model_copy(update={"zones": zones, "expect": ()})


def _carriers(access: Access, filters: Sequence[Filter]) -> list["_Carrier"]:
    """The gates that have relays, in the order of the filters."""
    relays: dict[str, dict[Relay, None]] = {}
    for one in filters:
        if one.relays:
            relays.setdefault(one.gate, {}).update(dict.fromkeys(one.relays))
    return [_Carrier(access, gate, tuple(found)) for gate, found in relays.items()]


@dataclass(frozen=True)
class _Carrier:
    """A gate with relays."""

    access: Access
    gate: str
    relays: tuple[Relay, ...]

    # Where traffic goes through it

    @cached_property
    def zones(self) -> dict[str, Hosts]:
        """Every zone's hosts: a destination's addresses are those of its names."""
        return {
            name: Hosts.union(
                [Hosts.from_cidrs(zone.cidrs), *(destination_hosts(one) for one in self.access.destinations if one.zone == name)]
            )
            for name, zone in self.access.zones.items()
        }

    @cached_property
    def beyond(self) -> Hosts:
        """What its relays lead to that lies in no zone; their own entries aside, which are reached as they are.

        A name of another zone is told by its addresses: to name it here would tell it apart from these.
        """
        led = Hosts.union(one.hosts for one in self.relays)
        rest = led.addresses() - Hosts.union([*self.zones.values(), self.entries])
        zones = Hosts.union(self.zones[name] for name in (self._mine if led.names.inverted else self.zones)).names
        return Hosts(rest.v4, rest.v6, led.names & apart(zones, led.names).complement())

    @cached_property
    def entries(self) -> Hosts:
        """What callers connect to in place of a destination."""
        return Hosts.union(one.entry.hosts for one in self.relays if one.entry is not None)

    @cached_property
    def hosts(self) -> Hosts:
        """All of the zones that list the gate, and what lies in no zone and is led to by it."""
        return Hosts.union([*(self.zones[name] for name in self._mine), self.beyond])

    @cached_property
    def passable(self) -> Hosts:
        """The hosts that one may get to around the gate."""
        if all(one.onward is not None for one in self.relays):
            return Hosts()  # What stands behind a gateway is reached by another name: the proof itself looks at that.
        proxies = [one for one in self.relays if one.entry is not None]
        if proxies:
            return self.hosts | self.entries.addresses()
        last = {name: self.access.zones[name].gates[-1] for name in self._mine}
        return Hosts.union(self.zones[name] for name, gate in last.items() if gate != self.gate)

    @cached_property
    def impassable(self) -> Hosts:
        """All other hosts; of names, those of zones."""
        names = Hosts.union(hosts for hosts in self.zones.values() if not meets(hosts, self.passable)).names
        addresses = self.passable.complement()
        return Hosts(addresses.v4, addresses.v6, names)

    def not_carried(self) -> Iterator[Filter]:
        """Closes the question to callers whose traffic goes by no relay, where for them the gate itself is the only way."""
        if all(one.environments is not None and one.others for one in self.relays):
            theirs = frozenset().union(*(one.environments or () for one in self.relays))
            scope = Match(who=Who(outside=theirs))
            yield Filter("", _ELSEWHERE, Combine.ANY_ALLOW, Action.DENY, (), "", scope=scope, always=True)

    @cached_property
    def _mine(self) -> list[str]:
        found = [name for name, zone in self.access.zones.items() if self.gate in zone.gates]
        if all(one.alone for one in self.relays):
            return found
        led = Hosts.union(one.hosts for one in self.relays)
        return [name for name in found if meets(self.zones[name], led)]

    def _led(self, relay: Relay, within: Hosts) -> Hosts:
        """The part of some hosts to which traffic goes by a relay. A destination goes whole, by whichever of its names."""
        whole = [destination_hosts(one) for one in self.access.destinations if self.gate in self.access.zones[one.zone].gates]
        return Hosts.union([relay.hosts & within, *(one & within for one in whole if meets(one, relay.hosts))])

    def _behind(self, one: Filter) -> Iterator[Hosts]:
        """The hosts on the way to which a filter stands behind the gate: in zones, and in none."""
        if one.scope.who.environments:
            return  # The sender's side.
        found = []
        for name in self._mine:
            gates = self.access.zones[name].gates
            if gates.index(one.gate) > gates.index(self.gate) if one.gate in gates else one.always:
                found.append(self.zones[name])
        if one.always:
            yield self.beyond
        yield Hosts.union(found)

    def _before(self, one: Filter) -> Iterator[Hosts]:
        """The hosts on the way to which a filter stands before the gate: in zones, and in none."""
        sender = bool(one.scope.who.environments)
        found = []
        for name in self._mine:
            gates = self.access.zones[name].gates
            listed = one.gate in gates
            if (sender and (listed or one.always)) or (listed and gates.index(one.gate) < gates.index(self.gate)):
                found.append(self.zones[name])
        # First: what is said of zones' names afterwards would be lost with the names that nobody knows.
        if sender and one.always:
            yield self.beyond
        yield Hosts.union(found)

    # What filters make of it

    def own(self, one: Filter) -> Iterator[Filter]:
        """A filter of the gate itself: it stands also on the way to hosts of no zone that its relays lead to.

        As a filter of its own: there, every name that no zone has is one that nobody knows.
        """
        if not self.beyond:
            yield one
            return
        here, there = Hosts.union(self.zones[name] for name in self._mine), one.scope.hosts & self.beyond
        shared = [(rule, meets(rule.match.hosts, here), meets(rule.match.hosts, there)) for rule in one.rules]
        yield replace(one, rules=tuple(rule for rule, mine, other in shared if mine or not other))
        beyond = tuple(rule for rule, _, other in shared if other)
        yield replace(one, rules=beyond, scope=replace(one.scope, hosts=there, who=self._callers(one.scope.who)), always=True)

    def _callers(self, who: Who) -> Who:
        """Those of some callers who come to the gate's relays."""
        theirs: frozenset[str] = frozenset()
        for relay in self.relays:
            if relay.environments is None:
                return who
            theirs |= relay.environments
        return replace(who, environments=theirs if who.environments is None else theirs & who.environments)

    def seen_by(self, one: Filter) -> Iterator[Filter]:
        """A filter of another gate, as carried traffic meets it; and another where its scope is about what a gateway sends on."""
        kept, apart, senders = one, list[Filter](), one.scope.who.environments
        several = [*joined(self.relays)]
        for relay in several:
            if relay.environments is not None and senders and not senders & relay.environments:
                continue
            for hosts in self._behind(one) if _goes_on(relay) else ():
                if led := self._led(relay, hosts):
                    kept, more = self._behind_relay(kept, one, relay, led)
                    apart += more
            for hosts in self._before(one) if relay.entry is not None else ():
                # What it does not lead to is asked of it as well, and refused there: of several, nobody knows of which.
                if led := hosts if relay.alone and len(several) == 1 else self._led(relay, hosts):
                    kept = _with_rules(kept, Change(kept, led, relay, kept.rules).to_entry(self.gate))
        yield kept  # also where nothing is left of its scope: the gate is there, and says what it needs
        yield from apart

    def _behind_relay(self, kept: Filter, one: Filter, relay: Relay, led: Hosts) -> tuple[Filter, list[Filter]]:
        """What is left of a filter for other traffic, and it as carried traffic meets it, where that is apart."""
        change = Change(kept, led, relay, kept.rules)
        if (relay.onward is None and relay.workload is None) or change.whole:
            return _with_rules(kept, change.from_relay(self.gate)), []
        kept = replace(kept, scope=replace(kept.scope, hosts=minus(kept.scope.hosts, led)))
        found = Change(one, led, relay, one.rules).apart(self.gate)
        return kept, [] if found is None else [found]

    def passed_by(self, one: Filter) -> Filter:
        """A filter of another gate as others meet it than the gate's own hosts, which may go where it leads.

        What leads to those is left out: a name may have one of their addresses, which is no way around.
        """
        own = Hosts.union(relay.sources for relay in self.relays if relay.sources is not None)
        workloads = frozenset(relay.workload for relay in self.relays if relay.workload is not None)
        rules: list[Rule] = []
        for each in one.rules:
            hosts = minus(each.match.hosts, self.entries)
            if not hosts:
                continue
            rule = each if hosts is each.match.hosts else replace(each, match=replace(each.match, hosts=hosts))
            rule = _not_as(rule, workloads)
            if rule.match.who.workloads == frozenset():
                continue
            sources = rule.match.who.sources
            if sources is None or not meets(sources, own):
                rules.append(rule)
                continue
            rules += narrowed(rule, hosts=minus(rule.match.hosts, self.hosts))
            rules += narrowed(rule, hosts=rule.match.hosts & self.hosts, sources=sources - own)
        return replace(one, rules=tuple(rules))


def _with_rules(one: Filter, rules: tuple[Rule, ...]) -> Filter:
    return one if rules is one.rules else replace(one, rules=rules)


def _goes_on(relay: Relay) -> bool:
    """Whether gates behind meet it as something else than what came."""
    return relay.sources is not None or relay.workload is not None or relay.onward is not None


def _not_as(rule: Rule, workloads: frozenset[str]) -> Rule:
    """A rule as others meet it than these workloads; with an empty set of workloads where it is about no others."""
    mine = rule.match.who.workloads
    if mine is None or not mine & workloads:
        return rule
    return replace(rule, match=replace(rule.match, who=replace(rule.match.who, workloads=mine - workloads)))


__all__ = ["WayAround", "around", "carried"]
