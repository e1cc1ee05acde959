"""Small things of the language that findings are written in."""

from collections.abc import Iterable

MOST = 4
"""Names that a message lists in full."""


def listed(items: Iterable[str], most: int = MOST) -> str:
    """`a, b and c`; where there are more than `most`, the first two and how many more."""
    found = list(dict.fromkeys(items))
    if len(found) > most:
        return f"{', '.join(found[:2])} and {len(found) - 2} more"
    return " and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))


def quoted(name: str) -> str:
    """A name in quotes."""
    return f'"{name}"'
