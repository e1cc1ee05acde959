"""Which sets of globs match something in common: the cells of their Venn diagram, each with a word as witness.

Globs (those of `fnmatch`, case-sensitive) run side by side as automata; every state that is reached tells one combination of
globs that match at once. Only combinations that exist are found: overlapping principals get exactly the atoms they need.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase, digits

from ..errors import InputError, Problem

MAX_STATES = 50_000
"""Joint states after which globs are refused: real ones (prefixes, suffixes) take some hundreds."""

_CHARACTERS = "x" + ascii_lowercase + digits + "_-." + ascii_uppercase
"""What witnesses are spelled with, besides what globs mention: legal in DAG and task ids, the friendliest first."""

_State = tuple[tuple[int, int], ...]
"""(glob, set of positions as bits) for every glob that can still match."""


def regions(sets: Sequence[tuple[str, ...]]) -> Mapping[frozenset[int], str]:
    """Every combination of the given glob sets that some non-empty word matches at once (and none of the others), with a word.

    The empty combination stands for words that no set matches. InputError when the globs are too tangled.
    """
    return _regions(tuple(sets))


def friendly(sets: Sequence[tuple[str, ...]], known: Iterable[str], otherwise: str) -> Mapping[frozenset[int], str]:
    """`regions`, with words that a person recognises where there are such.

    `known` words first, then globs with an `x` for each `*`, then `otherwise`.
    """
    found = dict(regions(sets))
    words = {region_of(sets, word): word for word in reversed([*known, otherwise])}
    for key, word in found.items():
        spelled = (glob.replace("*", "x") for number in sorted(key) for glob in sets[number] if glob.strip("*"))
        ids = (one for one in spelled if _is_id(one) and region_of(sets, one) == key)
        if key in words and words[key] != otherwise:
            found[key] = words[key]
        else:
            found[key] = next(ids, words.get(key, word))
    return found


def region_of(sets: Sequence[tuple[str, ...]], word: str) -> frozenset[int]:
    """The combination of glob sets that a word belongs to."""
    return frozenset(number for number, one in enumerate(sets) if any(fnmatchcase(word, glob) for glob in one))


def _is_id(word: str) -> bool:
    return all(char.isalnum() or char in "_-." for char in word)


@lru_cache(maxsize=64)
def _regions(sets: tuple[tuple[str, ...], ...]) -> Mapping[frozenset[int], str]:
    texts = sorted({glob for one in sets for glob in one if glob != "*"})
    users = [[number for number, one in enumerate(sets) if glob in one] for glob in texts]
    always = [number for number, one in enumerate(sets) if "*" in one]
    found: dict[frozenset[int], str] = {}
    for matched, word in _explore([tuple(_parts(text)) for text in texts]):
        key = frozenset(always).union(*(users[one] for one in matched))
        if key not in found or (len(word), word) < (len(found[key]), found[key]):
            found[key] = word
    return found


def _explore(globs: Sequence[tuple[str, ...]]) -> Iterable[tuple[frozenset[int], str]]:
    """Breadth first, so that the first word for a combination is a shortest one."""
    start: _State = tuple((number, _closure(glob, 1)) for number, glob in enumerate(globs))
    seen: set[_State] = set()
    answers: dict[frozenset[int], str] = {}
    queue = deque([(start, "")])
    while queue:
        state, word = queue.popleft()
        for char in _alphabet(_live(globs, state)):
            following = _step(globs, state, char)
            if following in seen:
                continue
            seen.add(following)
            if len(seen) > MAX_STATES:
                message = f"these {len(globs)} globs overlap in over {MAX_STATES} ways; write fewer `*` in one glob"
                raise InputError([Problem("", "principals", message)])
            answers.setdefault(frozenset(n for n, places in following if places >> len(globs[n]) & 1), word + char)
            queue.append((following, word + char))
    return answers.items()


def _live(globs: Sequence[tuple[str, ...]], state: _State) -> frozenset[str]:
    """The elements that decide about the next character."""
    return frozenset(part for number, places in state for place, part in enumerate(globs[number]) if places >> place & 1)


@lru_cache(maxsize=4096)
def _alphabet(parts: frozenset[str]) -> tuple[str, ...]:
    """One character of every class that these elements tell apart."""
    telling = [part for part in parts if part not in "*?"]
    mentioned = sorted({char for part in telling for char in part} - set(_CHARACTERS)) if telling else []
    kinds: dict[frozenset[str], str] = {}
    for char in (*_CHARACTERS, *mentioned):
        kinds.setdefault(frozenset(part for part in telling if _takes(part, char)), char)
    return tuple(kinds.values())


@lru_cache(maxsize=65536)
def _takes(part: str, char: str) -> bool:
    return part == char if len(part) == 1 and part != "?" else fnmatchcase(char, part)


def _step(globs: Sequence[tuple[str, ...]], state: _State, char: str) -> _State:
    following = []
    for number, places in state:
        glob, moved = globs[number], 0
        for place, part in enumerate(glob):
            if places >> place & 1:
                if part == "*":
                    moved |= 1 << place
                elif _takes(part, char):
                    moved |= 1 << (place + 1)
        if moved:
            following.append((number, _closure(glob, moved)))
    return tuple(following)


def _closure(glob: tuple[str, ...], places: int) -> int:
    """A `*` may match nothing: its place implies the next one."""
    for place, part in enumerate(glob):
        if part == "*" and places >> place & 1:
            places |= 1 << (place + 1)
    return places


def _parts(glob: str) -> Iterator[str]:
    """The elements of a glob as `fnmatch` cuts them: a `[` without its `]` is itself."""
    place = 0
    while place < len(glob):
        end = place + 1
        if glob[place] == "[":
            closing = glob.find("]", end + 1 + (glob[end : end + 1] == "!"))
            end = closing + 1 if closing >= 0 else end
        yield glob[place:end]
        place = end
