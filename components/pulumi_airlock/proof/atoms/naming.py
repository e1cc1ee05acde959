"""Which of many names a set of names holds, without asking for each: by the names themselves and by their endings."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property, reduce

from ..sets import Names


class Index:
    """Names, in small letters."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    @cached_property
    def _by_ending(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for name in self._names:
            for place, char in enumerate(name):
                if char == "." and place:
                    found[name[place:]].add(name)
        return found

    def exceptions(self, names: Names) -> tuple[bool, set[str]]:
        """Whether a set holds names that nobody mentions, and those of the index for which it is the other way round."""
        if not names.either and len(names.patterns) == 1:
            (one,) = names.patterns
            if not one.startswith("*."):
                return names.inverted, {one.lower()} & self._names
        literal = {one.lower() for one in names.patterns}
        found = {one for one in literal if one in self._names}
        for one in literal:
            if one.startswith("*."):
                found |= self._by_ending.get(one[1:], set())
        parts = [self.exceptions(part) for part in names.either]
        # A name that a union does not hold is one that none of its parts holds.
        lacking = [others for usual, others in parts if usual]
        held = found.union(*(others for usual, others in parts if not usual))
        if lacking:
            return not names.inverted, reduce(set.__and__, lacking) - held
        return names.inverted, held
