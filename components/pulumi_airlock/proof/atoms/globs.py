"""Which sets of globs match something in common: the cells of their Venn diagram, each with a word as witness.

Globs (those of `fnmatch`, case-sensitive) run side by side as automata; every state that is reached tells one combination of
globs that match at once. Only combinations that exist are found: overlapping principals get exactly the atoms they need.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from heapq import heappop, heappush
from string import ascii_lowercase, ascii_uppercase, digits

from ...errors import InputError, Problem

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
    found, index = dict(regions(sets)), Index(sets)
    words = {index.region_of(word): word for word in reversed([*known, otherwise])}
    for key, word in found.items():
        spelled = (glob.replace("*", "x") for number in sorted(key) for glob in sets[number] if glob.strip("*"))
        ids = (one for one in spelled if _is_id(one) and index.region_of(one) == key)
        if key in words and words[key] != otherwise:
            found[key] = words[key]
        else:
            found[key] = next(ids, words.get(key, word))
    return found


def region_of(sets: Sequence[tuple[str, ...]], word: str) -> frozenset[int]:
    """The combination of glob sets that a word belongs to."""
    return Index(sets).region_of(word)


class Index:
    """Glob sets, to find those that match a word: names and beginnings are looked up, only other globs are tried."""

    def __init__(self, sets: Sequence[tuple[str, ...]]) -> None:
        self._whole: dict[str, set[int]] = defaultdict(set)
        self._beginnings: dict[str, set[int]] = defaultdict(set)
        self._others: dict[str, set[int]] = defaultdict(set)
        for number, globs in enumerate(sets):
            for glob in globs:
                beginning = glob.removesuffix("*")
                if _SPECIAL.isdisjoint(glob):
                    self._whole[glob].add(number)
                elif _SPECIAL.isdisjoint(beginning):
                    self._beginnings[beginning].add(number)
                else:
                    self._others[glob].add(number)
        self._lengths = sorted({len(one) for one in self._beginnings})

    def region_of(self, word: str) -> frozenset[int]:
        """The numbers of the sets that match a word."""
        return frozenset(self._whole.get(word, ())).union(
            *(self._beginnings.get(word[:length], ()) for length in self._lengths if length <= len(word)),
            *(numbers for glob, numbers in self._others.items() if fnmatchcase(word, glob)),
        )


_SPECIAL = frozenset("*?[")


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
    """The shortest words first, and of these the friendliest, so that the first word for a combination is the best one."""
    start: _State = tuple((number, _closure(glob, 1)) for number, glob in enumerate(globs))
    seen: set[_State] = set()
    answers: dict[frozenset[int], str] = {}
    queue: list[tuple[int, tuple[int, ...], str, _State]] = []
    _follow(globs, start, "", queue, seen)
    while queue:
        _, _, word, state = heappop(queue)
        if state in seen:
            continue
        seen.add(state)
        if len(seen) > MAX_STATES:
            message = f"these {len(globs)} globs overlap in over {MAX_STATES} ways; write fewer `*` in one glob"
            raise InputError([Problem("", "principals", message)])
        answers.setdefault(frozenset(number for number, places in state if places >> len(globs[number]) & 1), word)
        further, run = _run(globs, state)
        if run:
            heappush(queue, _queued(word + run, further))
        else:
            _follow(globs, state, word, queue, seen)
    return answers.items()


def _follow(
    globs: Sequence[tuple[str, ...]],
    state: _State,
    word: str,
    queue: list[tuple[int, tuple[int, ...], str, _State]],
    seen: set[_State],
) -> None:
    """Queues what one more character leads to."""
    live = _live(globs, state)
    for char in _alphabet(frozenset(live)):
        following = _step(globs, live, char)
        if following not in seen:
            heappush(queue, _queued(word + char, following))


def _queued(word: str, state: _State) -> tuple[int, tuple[int, ...], str, _State]:
    return len(word), tuple(map(_rank, word)), word, state


@lru_cache(maxsize=4096)
def _rank(char: str) -> int:
    """How friendly a character is: the lower, the better."""
    place = _CHARACTERS.find(char)
    return place if place >= 0 else len(_CHARACTERS) + ord(char)


def _run(globs: Sequence[tuple[str, ...]], state: _State) -> tuple[_State, str]:
    """Where one glob alone is left, and goes on with plain characters: after them. Nothing else can happen on the way."""
    if len(state) != 1 or state[0][1].bit_count() != 1:
        return state, ""
    number, places = state[0]
    glob, first = globs[number], places.bit_length() - 1
    last = first
    while last < len(glob) and glob[last] not in "*?" and len(glob[last]) == 1:
        last += 1
    return ((number, _closure(glob, 1 << last)),), "".join(glob[first:last])


def _live(globs: Sequence[tuple[str, ...]], state: _State) -> dict[str, list[tuple[int, int]]]:
    """The elements that decide about the next character, each with where it stands: (glob, place)."""
    found: dict[str, list[tuple[int, int]]] = {}
    for number, places in state:
        glob = globs[number]
        while places:
            place = (places & -places).bit_length() - 1
            places &= places - 1
            if place < len(glob):
                found.setdefault(glob[place], []).append((number, place))
    return found


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


def _step(globs: Sequence[tuple[str, ...]], live: Mapping[str, Sequence[tuple[int, int]]], char: str) -> _State:
    moved: dict[int, int] = {}
    # A plain character is looked up; all others are few.
    for part in [char, *(one for one in live if one in "*?" or len(one) > 1)]:
        if part in live and (part == "*" or _takes(part, char)):
            for number, place in live[part]:
                moved[number] = moved.get(number, 0) | 1 << (place + (part != "*"))
    return tuple((number, _closure(globs[number], moved[number])) for number in sorted(moved))


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
