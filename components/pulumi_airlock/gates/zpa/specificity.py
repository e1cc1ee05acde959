"""Which application segment a host belongs to: the one that names it most specifically. Shared by compiling and reading. Pure.

A host belongs to its own name before a wildcard, to a longer wildcard before a shorter one, to a longer prefix before a shorter
one. Ports come second: a host whose most specific segment does not have the port is sent past ZPA, not to the next segment
(help.zscaler.com, "About Application Access", the example of conflicting segments).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from ...proof.sets import Hosts, Names

Pattern = str | IPv4Network | IPv6Network
"""A name, a wildcard (`*.corp.example`, `*` for every name), or a network."""

EVERY_NAME = "*"


def parse_pattern(text: str) -> Pattern:
    """What an entry of `domain_names` means. ValueError where it means nothing that is known here."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        pass
    name = text.lower().rstrip(".")
    if name.startswith("."):  # as ZPA's own older notation has it
        name = f"*{name}"
    if name == EVERY_NAME:
        return name
    bare = name.removeprefix("*.")
    if not bare or "*" in bare or "/" in bare or ":" in bare or " " in bare:
        raise ValueError(f"{text!r} is no host name, wildcard or network")
    return name


def above(pattern: Pattern) -> Iterator[Pattern]:
    """Everything wider that a pattern lies in, the nearest first."""
    if not isinstance(pattern, str):
        for length in range(pattern.prefixlen - 1, -1, -1):
            yield pattern.supernet(new_prefix=length)
        return
    if pattern == EVERY_NAME:
        return
    rest = pattern.removeprefix("*.")
    while "." in rest:
        rest = rest.partition(".")[2]
        yield f"*.{rest}"
    yield EVERY_NAME


def covering(pattern: Pattern, patterns: Collection[Pattern]) -> list[Pattern]:
    """Those of some patterns that hold all of this one: itself first, then wider and wider ones."""
    return [one for one in (pattern, *above(pattern)) if one in patterns]


class Below:
    """For some patterns, those of a class that lie right below each of them: what is cut out of it."""

    def __init__(self, patterns: Collection[Pattern], cutting: Collection[Pattern]) -> None:
        self._cut: dict[Pattern, list[Pattern]] = {}
        for one in cutting:
            for wider in above(one):
                if wider in patterns:
                    self._cut.setdefault(wider, []).append(one)
                if wider in cutting:
                    break

    def region(self, patterns: Iterable[Pattern]) -> Hosts:
        """The hosts of some patterns without what is cut out of each."""
        listed = list(patterns)
        found = Hosts.union(self._network(one) for one in listed if not isinstance(one, str))
        return Hosts(found.v4, found.v6, self._names([one for one in listed if isinstance(one, str)]))

    def _network(self, one: IPv4Network | IPv6Network) -> Hosts:
        inside = Hosts.from_cidrs(cut for cut in self._cut.get(one, ()) if not isinstance(cut, str))
        return Hosts.from_cidr(one).addresses() - inside

    def _names(self, names: list[str]) -> Names:
        """A union in one level: patterns with nothing cut out beside each of the others."""
        whole = frozenset(one for one in names if not self._cut.get(one) and one != EVERY_NAME)
        others = []
        for one in names:
            if one in whole:
                continue
            inside = frozenset(str(cut) for cut in self._cut.get(one, ()))
            if one == EVERY_NAME:
                others.append(Names(inside, inverted=True))
            else:
                others.append(Names(inside, (Names(frozenset({one}), inverted=True),), inverted=True))
        return Names(whole, tuple(others))


def hosts_of(patterns: Mapping[Pattern, object] | Iterable[Pattern]) -> Hosts:
    """The hosts of some patterns, whatever else names them more specifically."""
    return Below((), ()).region(patterns)
