"""Globs on DAG and task ids as IAM writes patterns, and back.

IAM's `StringLike` has `*` and `?` as globs have, and no brackets (IAM User Guide, "String condition operators"). A set of
characters becomes one pattern for each of them; what only a bracket can say (`[!a]`) has no pattern, and is refused.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from string import ascii_letters, digits

_ID_CHARACTERS = frozenset(ascii_letters + digits + "_-.")
"""What ids are made of (Airflow's `KEY_REGEX`, without letters beyond ASCII, which AWS takes no session tags of)."""
MOST = 32
"""Patterns that one glob may become."""


def iam_patterns(glob: str) -> tuple[str, ...]:
    """The patterns that together match what a glob matches. ValueError, with the reason, when there are none.

    >>> iam_patterns("load_[ab]*")
    ('load_a*', 'load_b*')
    """
    choices = list(_choices(glob))
    size = 1
    for one in choices:
        size *= len(one)
        if size > MOST:
            raise ValueError(f"{glob!r} stands for more than {MOST} patterns of IAM, which has no [ ]: write the ids out")
    return tuple("".join(one) for one in product(*choices))


def _choices(glob: str) -> Iterator[tuple[str, ...]]:
    """For each place of a glob, what may stand there."""
    at = 0
    while at < len(glob):
        char = glob[at]
        end = glob.find("]", at + 2) if char == "[" else -1
        if char == "[" and end > 0:
            yield _members(glob, glob[at + 1 : end])
            at = end + 1
            continue
        if char not in _ID_CHARACTERS and char not in "*?":
            raise ValueError(f"{glob!r} has {char!r}, which no id on AWS has")
        yield (char,)
        at += 1


def _members(glob: str, inside: str) -> tuple[str, ...]:
    """The characters of a bracket."""
    if inside.startswith("!"):
        raise ValueError(f"{glob!r} leaves characters out ([!…]), which IAM's patterns cannot say: write what it does match")
    found: list[str] = []
    at = 0
    while at < len(inside):
        if at + 2 < len(inside) and inside[at + 1] == "-":
            found += [chr(code) for code in range(ord(inside[at]), ord(inside[at + 2]) + 1)]
            at += 3
        else:
            found.append(inside[at])
            at += 1
    members = tuple(char for char in dict.fromkeys(found) if char in _ID_CHARACTERS)
    if not members:
        raise ValueError(f"{glob!r}: no id has a character of [{inside}]")
    return members


def globs_of(patterns: Iterable[str], *, literal: bool) -> tuple[str, ...]:
    """IAM's values as globs: of `StringLike`, or, `literal`, of `StringEquals`.

    >>> globs_of(["a*[b]"], literal=False), globs_of(["a*"], literal=True)
    (('a*[[]b]',), ('a[*]',))
    """
    special = "*?[" if literal else "["
    return tuple("".join(f"[{char}]" if char in special else char for char in one) for one in patterns)
