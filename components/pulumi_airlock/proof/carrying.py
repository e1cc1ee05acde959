"""What the rules of one filter say to traffic that a relay carries: in the terms of callers and destinations."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from .filters import Action, Combine, Filter, Match, Relay, Rule, Source, Who
from .sets import Hosts, Names, Services


@dataclass(frozen=True)
class Change:
    """The rules of one filter, for traffic that goes by one relay to some hosts."""

    filter: Filter
    hosts: Hosts
    relay: Relay
    rules: tuple[Rule, ...]

    def from_relay(self, gate: str) -> tuple[Rule, ...]:
        """Behind it: every packet comes from the relay's addresses, and as its workload, whoever sent it."""
        found: list[Rule] = []
        for rule in self.rules:
            found += narrowed(rule, hosts=minus(rule.match.hosts & self.filter.scope.hosts, self.hosts))
        return (*found, *self._carried(gate))

    def apart(self, gate: str) -> Filter | None:
        """Behind it, what the filter does with carried traffic alone, where its scope is other traffic than that seems to be.

        A gateway goes on as a workload of its own, to hosts of other names: these a scope has to hold. None: it does not.
        """
        scope, unsure = self._scope()
        if scope is None:
            return None
        rules = list(self._carried(gate))
        if unsure:
            passing = Rule(
                Action.ALLOW, scope, Source(self.filter.urn, "", f"the scope of {self.filter.name}"), unsure, blind=True
            )
            rules = [one if one.action is Action.ALLOW else replace(one, unknown=(*one.unknown, *unsure)) for one in rules]
            rules.append(passing)
        name = f"{self.filter.name}, behind {gate}"
        return replace(self.filter, name=name, rules=tuple(rules), scope=scope, relays=(), needs=())

    @property
    def whole(self) -> bool:
        """Whether the filter's scope holds carried traffic in either form, so that it need not be looked at apart."""
        scope, unsure = self._scope()
        same = scope is not None and not unsure and scope.who == self.filter.scope.who and scope.services == Services.every()
        return same and _serves(self.filter.scope.services, Services.every()) and not (self.hosts - self.filter.scope.hosts)

    def _scope(self) -> tuple[Match | None, tuple[str, ...]]:
        """The scope in the terms of callers and destinations; and why it may not hold. None: it holds none of it."""
        scope, onward = self.filter.scope, self.relay.onward
        who = self._scope_who(scope.who)
        if who is None:
            return None, ()
        if onward is None:
            hosts = scope.hosts & self.hosts
            return (replace(scope, who=who, hosts=hosts) if hosts else None), ()
        if not (_leads(scope.hosts, onward.hosts) and scope.services & onward.services):
            return None, ()
        within = _covers(scope.hosts, onward.hosts) and _serves(scope.services, onward.services)
        unsure = () if within else (f"to which of {onward.hosts} on {onward.services} it is sent on",)
        return replace(scope, who=who, hosts=self.hosts, services=Services.every()), unsure

    def _scope_who(self, who: Who) -> Who | None:
        if self.relay.workload is None:
            return who
        person_or_task = any(one is not None for one in (who.groups, who.principals, who.tasks))
        if person_or_task or not _is_of(who, self.relay.workload):
            return None
        return replace(who, workloads=None, environments=None, outside=None)

    def _carried(self, gate: str) -> tuple[Rule, ...]:
        """What the rules say of what the relay sends on."""
        sources = self.relay.sources

        def held(rules: Sequence[Rule]) -> tuple[Rule, ...]:
            if sources is None:
                return tuple(map(self._carried_who, rules))
            told = Hosts.union(Hosts.every() if rule.match.who.sources is None else rule.match.who.sources for rule in rules)
            reason = f"from which of the addresses of {gate} ({sources}) it comes"
            return self._held(rules, sources, told, reason, self._carried_who)

        mine = [rule for rule in self._of_destination() if _is_of(rule.match.who, self.relay.workload)]
        mine = [rule for rule in mine if not rule.match.who.environments and rule.match.who.groups is None]
        return (*self._put([], mine, held, _but_sources),)

    def _of_destination(self) -> Iterator[Rule]:
        """The rules about where the relay goes on to: the destination, or what stands behind a gateway."""
        onward = self.relay.onward
        if onward is None:
            for rule in self.rules:
                yield from narrowed(rule, hosts=rule.match.hosts & self.hosts)
            return
        led = (one for one in self.rules if _leads(one.match.hosts, onward.hosts) and one.match.services & onward.services)
        for rules in _alike([*led], self.filter.combine, _but_target):
            unsure = () if _hold_all(rules, onward) else (f"to which of {onward.hosts} on {onward.services} it is sent on",)
            for rule in rules if unsure else rules[:1]:
                match = replace(rule.match, hosts=self.hosts, services=Services.every())
                yield replace(rule, match=match, unknown=(*rule.unknown, *unsure), blind=True)

    def _carried_who(self, rule: Rule) -> Rule:
        """A rule about the relay's address, as one about whoever is carried; a relay is no task of an environment."""
        known = self.relay.sources is None
        who = replace(
            rule.match.who,
            sources=rule.match.who.sources if known else None,
            environments=None,
            outside=None,
            workloads=rule.match.who.workloads if self.relay.workload is None else None,
        )
        return replace(rule, match=replace(rule.match, who=who), blind=True)

    def to_entry(self, gate: str) -> tuple[Rule, ...]:
        """Before it: every packet goes to the relay's own hosts and ports."""
        entry = self.relay.entry or Match()

        def held(rules: Sequence[Rule]) -> tuple[Rule, ...]:
            told = Hosts.union(rule.match.hosts for rule in rules)
            reason = f"at which of the addresses of {gate} ({entry.hosts}) it is sent on"
            return self._held(rules, entry.hosts, told, reason, self._to_hosts)

        found: list[Rule] = []
        theirs = self.relay.environments
        for rule in self.rules:
            hosts = minus(rule.match.hosts & self.filter.scope.hosts, self.hosts)
            found += narrowed(rule, hosts=_unnamed(hosts, self.hosts.names) if meets(hosts, entry.hosts) else hosts)
            if theirs is not None and not (self.filter.scope.who.environments or frozenset({""})) <= theirs:
                found += narrowed(rule, hosts=rule.match.hosts & self.hosts, outside=theirs)
        mine = [
            rule
            for rule in self.rules
            if meets(rule.match.hosts, entry.hosts) and rule.match.services & entry.services and _of(rule, theirs)
        ]
        return (*self._put(found, mine, held, _but_hosts),)

    def _put(
        self,
        others: list[Rule],
        mine: list[Rule],
        held: Callable[[Sequence[Rule]], tuple[Rule, ...]],
        key: Callable[[Rule], Hashable],
    ) -> Iterator[Rule]:
        """Rules for other traffic, then those for this: they have no point in common, so that their order means nothing."""
        yield from others
        for rules in _alike(mine, self.filter.combine, key):
            yield from held(rules)

    def _held(
        self, rules: Sequence[Rule], asked: Hosts, told: Hosts, reason: str, changed: Callable[[Rule], Rule]
    ) -> tuple[Rule, ...]:
        """What rules that differ in these hosts alone make of the relay's: one of them, perhaps, or nothing."""
        if _covers(told, asked):
            return (changed(rules[0]),)
        if not meets(told, asked):
            return ()
        return tuple(replace(changed(rule), unknown=(*rule.unknown, reason)) for rule in rules)

    def _to_hosts(self, rule: Rule) -> Rule:
        who = rule.match.who
        if self.relay.environments is not None and not who.environments:
            who = replace(who, environments=self.relay.environments)
        match = replace(rule.match, who=who, hosts=self.hosts, services=Services.every())
        rule = replace(rule, blind=True)
        entry = self.relay.entry or Match()
        if not _serves(rule.match.services, entry.services):
            reason = f"{rule.source}: which of the ports {entry.services} is used"
            return replace(rule, match=match, unknown=(*rule.unknown, reason))
        return replace(rule, match=match)


def _serves(told: Services, asked: Services) -> bool:
    """Whether all of the services asked about are among those told."""
    return (told & asked) == asked


def _is_of(who: Who, workload: str | None) -> bool:
    """Whether a rule or a scope is about a workload; where the relay has none, about whoever sent it."""
    return workload is None or who.workloads is None or workload in who.workloads


def _of(rule: Rule, environments: frozenset[str] | None) -> bool:
    """Whether a rule can be about tasks of these environments."""
    own = rule.match.who.environments
    return environments is None or own is None or bool(own & environments)


def joined(relays: Sequence[Relay]) -> list[Relay]:
    """Relays that lead to the same hosts from other addresses are one: it is not known which of them traffic takes."""
    found: list[Relay] = []
    for one in relays:
        twin = next(
            (
                number
                for number, other in enumerate(found)
                if one.sources is not None
                and other.sources is not None
                and (one.entry, one.environments, one.workload, one.onward)
                == (other.entry, other.environments, other.workload, other.onward)
                and meets(one.hosts, other.hosts)
            ),
            None,
        )
        if twin is None:
            found.append(one)
        else:
            other = found[twin]
            sources = (one.sources or Hosts()) | (other.sources or Hosts())
            found[twin] = replace(other, hosts=one.hosts | other.hosts, sources=sources)
    return found


def _alike(rules: Sequence[Rule], combine: Combine, key: Callable[[Rule], Hashable]) -> Iterator[list[Rule]]:
    """Rules that differ in one field alone, so that together they hold what their values hold together.

    Where the first match decides, only those of one action that follow each other.
    """
    groups: dict[Hashable, list[Rule]] = {}
    block, last = 0, None
    for rule in rules:
        if combine is Combine.FIRST_MATCH and rule.action is not last:
            block, last = block + 1, rule.action
        groups.setdefault((block, rule.action, rule.unknown, key(rule)), []).append(rule)
    yield from groups.values()


def _but_sources(rule: Rule) -> Hashable:
    return replace(rule.match, who=replace(rule.match.who, sources=None))


def _but_target(rule: Rule) -> Hashable:
    return replace(rule.match, hosts=Hosts(), services=Services())


def _hold_all(rules: Sequence[Rule], onward: Match) -> bool:
    """Whether rules together hold every host and port that a relay may go on to."""
    parts = [Hosts.from_names([name]) for name in onward.hosts.names.mentioned()]
    parts += map(Hosts.from_cidr, onward.hosts.networks())
    return all(
        _serves(Services.union(one.match.services for one in rules if _covers(one.match.hosts, part)), onward.services)
        for part in parts
    )


def _but_hosts(rule: Rule) -> Hashable:
    return replace(rule.match, hosts=Hosts())


def narrowed(rule: Rule, *, hosts: Hosts, sources: Hosts | None = None, outside: frozenset[str] = frozenset()) -> Iterator[Rule]:
    """The rule for fewer hosts, sources or callers; nothing where none are left."""
    who = rule.match.who
    if outside:
        who = replace(who, outside=(who.outside or frozenset()) | outside)
    if sources is not None:
        who = replace(who, sources=sources)
    if hosts and (sources is None or sources):
        yield (
            rule
            if hosts == rule.match.hosts and who == rule.match.who
            else replace(rule, match=replace(rule.match, who=who, hosts=hosts))
        )


def apart(zones: Names, led: Names) -> Names:
    """Those of the zones' names that some names hold: no others have to be named to leave them out."""
    return Names(frozenset(name for name in zones.mentioned() if name in led))


def _unnamed(hosts: Hosts, names: Names) -> Hosts:
    """Addresses that none of these names has: nobody resolves what goes by a proxy."""
    return Hosts(hosts.v4, hosts.v6, names.complement()) if names.is_list and names and not hosts.names else hosts


def minus(hosts: Hosts, part: Hosts) -> Hosts:
    """What is left of hosts without a part; the same object where nothing goes."""
    return hosts - part if meets(hosts, part) else hosts


def meets(one: Hosts, other: Hosts) -> bool:
    """Whether two sets have something in common; of combinations of names, whether they may."""
    return bool(one & other)


def _leads(hosts: Hosts, onward: Hosts) -> bool:
    """Whether a rule or a scope is about hosts that a relay goes on to, or some; all addresses are those of every name."""
    return meets(hosts, onward) or (bool(onward.names) and _every_v4(hosts))


def _every_v4(hosts: Hosts) -> bool:
    return hosts.v4 == Hosts.every_v4().v4


def _covers(whole: Hosts, part: Hosts) -> bool:
    """Whether all of a part is in a whole; of its names those that it lists."""
    named = _every_v4(whole) or all(name in whole.names for name in part.names.mentioned())
    return whole.covers_addresses(part) and named
