"""What the rules of one filter say to traffic that a relay carries: in the terms of callers and destinations."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from .filters import Combine, Filter, Match, Relay, Rule
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
        sources = self.relay.sources

        def held(rules: Sequence[Rule]) -> tuple[Rule, ...]:
            if sources is None:
                return tuple(map(self._carried_who, rules))
            told = Hosts.union(Hosts.every() if rule.match.who.sources is None else rule.match.who.sources for rule in rules)
            reason = f"from which of the addresses of {gate} ({sources}) it comes"
            return self._held(rules, sources, told, reason, self._carried_who)

        found: list[Rule] = []
        for rule in self.rules:
            found += narrowed(rule, hosts=minus(rule.match.hosts & self.filter.scope.hosts, self.hosts))
        mine = [rule for rule in self._of_destination() if _of_workload(rule, self.relay.workload)]
        mine = [rule for rule in mine if not rule.match.who.environments and rule.match.who.groups is None]
        return (*self._put(found, mine, held, _but_sources),)

    def _of_destination(self) -> Iterator[Rule]:
        """The rules about where the relay goes on to: the destination, or what stands behind a gateway."""
        onward = self.relay.onward
        for rule in self.rules:
            if onward is None:
                yield from narrowed(rule, hosts=rule.match.hosts & self.hosts)
            elif meets(rule.match.hosts, onward.hosts) and rule.match.services & onward.services:
                reason = f"{rule.source}: which of the ports {onward.services} is used"
                unsure = () if _serves(rule.match.services, onward.services) else (reason,)
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


def _of_workload(rule: Rule, workload: str | None) -> bool:
    """Whether a rule is about a workload; where the relay has none, about whoever sent it."""
    return workload is None or rule.match.who.workloads is None or workload in rule.match.who.workloads


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


def _covers(whole: Hosts, part: Hosts) -> bool:
    """Whether all of a part is in a whole; of its names those that it lists."""
    return whole.covers_addresses(part) and all(name in whole.names for name in part.names.mentioned())
