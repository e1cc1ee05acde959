"""Which location of a server a path falls into, as nginx decides it: each location with the paths that are left to it.

The order (nginx, "location"): an exact one; else the longest prefix, at once where it is `^~`; else the first expression that
matches; else that longest prefix. Here each location gets its glob and the globs that others take out of it, so that
locations never overlap and their order no longer matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape

from ...access import globs
from .directives import Directive
from .paths import meet, of_location

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
    escaped = escape(pattern)
    return escaped if modifier == "=" else f"{escaped}*"


def parted(found: Sequence[Location]) -> list[Location]:
    """The same locations with what others take out of each; one in several parts where it is no single glob. O(locations²)."""
    whole = [*found, *_redirects(found)]
    exact = [one for one in whole if one.modifier == "="]
    prefixes = [one for one in whole if one.modifier in ("", "^~")]
    expressions = [one for one in whole if one.modifier in ("~", "~*")]
    parts = [*exact]
    for one in prefixes:
        parts.append(_less(one, one.glob, [*_others(exact), *_longer(one, prefixes)], expressions if one.modifier == "" else ()))
    for place, one in enumerate(expressions):
        parts += _of_expression(one, exact, prefixes, expressions[:place])
    return parts


def _redirects(found: Sequence[Location]) -> list[Location]:
    """`/a` of a location `/a/` that passes on: nginx sends it to `/a/` by itself, before any expression (nginx, "location")."""
    taken = {one.pattern for one in found if one.modifier in ("", "^~", "=")}
    made = []
    for one in found:
        bare = one.pattern[:-1]
        if (
            one.modifier in ("", "^~")
            and one.pattern.endswith("/")
            and bare
            and bare not in taken
            and one.directive.last("proxy_pass")
        ):
            answer = Directive("return", ("301",), one.directive.line, one.directive.file)
            directive = Directive("location", ("=", bare), one.directive.line, one.directive.file, (answer,))
            made.append(Location(directive, "=", bare, _glob("=", bare), one.above))
    return made


def _others(found: Sequence[Location]) -> list[str]:
    return [one.glob for one in found if one.glob is not None]


def _longer(one: Location, prefixes: Sequence[Location]) -> list[str]:
    return _others([each for each in prefixes if each.pattern != one.pattern and each.pattern.startswith(one.pattern)])


def _less(one: Location, glob: str | None, taken: Sequence[str], before: Sequence[Location], *unsure: str) -> Location:
    """A location of some paths, without what others take: `before` are the expressions that are looked at first."""
    without = [*taken, *_others(before)]
    doubts = [*unsure, *(each.name for each in before if each.glob is None)]
    mine = tuple(dict.fromkeys(each for each in without if glob is None or globs.overlap(glob, each)))
    return Location(one.directive, one.modifier, one.pattern, glob, one.above, mine, tuple(dict.fromkeys(doubts)))


def _of_expression(
    one: Location, exact: Sequence[Location], prefixes: Sequence[Location], before: Sequence[Location]
) -> list[Location]:
    closed = [each for each in prefixes if each.modifier == "^~"]
    found = [_less(one, one.glob, [*_others(exact), *_others(closed)], before)]
    for inner in prefixes:
        # A plain prefix that is longer than a `^~` one opens its paths to expressions again.
        if inner.modifier or not any(inner.pattern.startswith(each.pattern) for each in closed):
            continue
        shared = None if one.glob is None or inner.glob is None else meet(one.glob, inner.glob)
        if shared == "":
            continue
        unsure = () if shared is not None else (f"paths of {one.name} below {inner.pattern}",)
        found.append(_less(one, shared or inner.glob, [*_others(exact), *_longer(inner, prefixes)], before, *unsure))
    return found
