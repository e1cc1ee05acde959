"""Which location of a server a path falls into, as nginx decides it: each location with the paths that are left to it.

The order (nginx, "location"): an exact one; else the longest prefix, at once where it is `^~`; else the first expression that
matches; else that longest prefix. Here each location gets its glob and the globs that others take out of it, so that
locations never overlap and their order no longer matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...access import globs
from .directives import Directive
from .paths import of_location

_MODIFIERS = ("=", "^~", "~", "~*")


@dataclass(frozen=True, slots=True)
class Location:
    """A location of a server."""

    directive: Directive
    modifier: str
    """`=`, `^~`, `~`, `~*`, or empty for a plain prefix."""
    pattern: str
    glob: str | None
    """What its pattern matches; None where that is no glob."""
    above: tuple[Directive, ...]
    """The blocks around it, the outermost first."""
    without: tuple[str, ...] = ()
    """Globs of paths that other locations take."""
    unsure: tuple[str, ...] = ()
    """Expressions of others that may take paths as well, which ones is not known."""

    @property
    def name(self) -> str:
        """As it is written."""
        return " ".join(filter(None, ("location", self.modifier, self.pattern)))


def flat(server: Directive, above: tuple[Directive, ...]) -> list[Location]:
    """All locations of a server, those within others too; named ones, which no path leads to, are left out."""
    found: list[Location] = []
    for one in server.all("location"):
        if not one.args or one.args[0].startswith("@"):
            continue
        modifier, pattern = one.args if len(one.args) == 2 else ("", one.args[0])
        if modifier == "" and (glued := next((each for each in reversed(_MODIFIERS) if pattern.startswith(each)), "")):
            modifier, pattern = glued, pattern.removeprefix(glued)
        found.append(Location(one, modifier, pattern, _glob(modifier, pattern), above))
        found += flat(one, (*above, one))
    return found


def _glob(modifier: str, pattern: str) -> str | None:
    if modifier in ("~", "~*"):
        found = of_location(pattern)
        # Without case it is more than its glob.
        return None if modifier == "~*" and any(char.isalpha() for char in pattern) else found
    escaped = "".join(f"[{char}]" if char in "*?[" else char for char in pattern)
    return escaped if modifier == "=" else f"{escaped}*"


def parted(found: Sequence[Location]) -> list[Location]:
    """The same locations with what others take out of each. O(locations²)."""
    exact = [one for one in found if one.modifier == "="]
    prefixes = [one for one in found if one.modifier in ("", "^~")]
    expressions = [one for one in found if one.modifier in ("~", "~*")]
    return [_parted(one, exact, prefixes, expressions) for one in found]


def _parted(one: Location, exact: Sequence[Location], prefixes: Sequence[Location], expressions: Sequence[Location]) -> Location:
    if one.modifier == "=":
        return one
    taken = [each.glob for each in exact]
    unsure: list[str] = []
    if one.modifier in ("", "^~"):
        taken += [each.glob for each in prefixes if len(each.pattern) > len(one.pattern) and each.pattern.startswith(one.pattern)]
        before = expressions if one.modifier == "" else ()
    else:
        taken += [each.glob for each in prefixes if each.modifier == "^~"]
        if any(each.modifier == "" and _within(each, prefixes) for each in prefixes):
            unsure.append("a plain prefix within a ^~ one")
        before = expressions[: expressions.index(one)]
    for each in before:
        if each.glob is None:
            unsure.append(each.name)
        else:
            taken.append(each.glob)
    mine = one.glob
    without = tuple(dict.fromkeys(each for each in taken if each is not None and (mine is None or globs.overlap(mine, each))))
    return Location(one.directive, one.modifier, one.pattern, mine, one.above, without, tuple(dict.fromkeys(unsure)))


def _within(one: Location, prefixes: Sequence[Location]) -> bool:
    return any(each.modifier == "^~" and one.pattern.startswith(each.pattern) and each is not one for each in prefixes)
