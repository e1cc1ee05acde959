"""What of a proof can have a say in one question: the rules and grants that may match who is asked about, and where.

A rule that matches none of the points in question never decides about them: left out, nothing changes but the work.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ...access.model import Access
from ..atoms.places import representative
from ..atoms.space import Space
from ..atoms.subjects import Selector
from ..filters import Environment, Filter, Match, Who
from ..sets import Hosts, Names


@dataclass(frozen=True)
class Relevance:
    """Whether a match can hold a point in question; true where that is not quickly told."""

    whos: dict[Who, bool]
    hosts: Hosts | None
    """The addresses in question; None: all."""

    def __call__(self, match: Match) -> bool:
        """Whether it can."""
        return self.whos.get(match.who, True) and self._holds(match.hosts)

    def _holds(self, hosts: Hosts) -> bool:
        if self.hosts is None or hosts.names not in (Names(), Names.every()):
            return True
        return bool(hosts.v4 & self.hosts.v4 or hosts.v6 & self.hosts.v6)

    def filters(self, found: Iterable[Filter]) -> Iterator[Filter]:
        """The filters that what is in question may pass, without the rules that have no say.

        Of the others those rules alone that speak of names: which names are told apart from their addresses, they have a say in.
        """
        for one in found:
            rules = [rule for rule in one.rules if self(rule.match)]
            if self(one.scope):
                yield replace(one, rules=tuple(rules))
            elif speaking := tuple(rule for rule in rules if rule.match.hosts.names.mentioned()):
                yield replace(one, rules=speaking)


def relevance(
    access: Access,
    environments: Sequence[Environment],
    matches: Iterable[Match],
    selector: Selector | None,
    asked: Sequence[Match] | None,
    at: datetime,
) -> Relevance:
    """What has a say about a selector's callers (None: all) at the hosts of `asked` (None: everywhere).

    `matches` are all that there are.
    """
    whos: dict[Who, bool] = {}
    if selector is not None:
        distinct = [Match(who=who) for who in dict.fromkeys(one.who for one in matches)]
        space = Space(access, environments, [], distinct, [selector], at)
        mine = space.who.table[space.selector_row(selector)]
        whos = {one.who: bool((space.who.table[space.add(one).who] & mine).any()) for one in distinct}
    return Relevance(whos, None if asked is None else _around(access, asked))


def _around(access: Access, asked: Sequence[Match]) -> Hosts | None:
    """The addresses that may be meant; None: any."""
    found = [one.hosts.addresses() for one in asked]
    for name in {representative(name) for one in asked for name in one.hosts.names.mentioned()}:
        homes = [one for one in access.destinations if any(representative(host) == name for host in one.hosts)]
        cidrs = [one.cidrs or access.zones[one.zone].cidrs for one in homes]
        if not cidrs or not all(cidrs):
            return None
        found += [Hosts.from_cidrs(one) for one in cidrs]
    return Hosts.union(found)
