"""Globs on DAG and task ids, as languages: what they match, what several match at once, what none of them does.

The semantics are `fnmatch`'s, case-sensitive. The questions are answered exactly, by walking small automata over the characters
that the patterns can tell apart: an id in Airflow is one or more letters, digits, `_`, `-` and `.` (`KEY_REGEX` in
`airflow.utils.helpers`).
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase, digits, punctuation

Pair = tuple[str, str]
"""Globs on a DAG id and on a task id; or one such pair of ids."""

_FRIENDLY = ascii_lowercase + digits + "_-." + ascii_uppercase
_PUNCTUATION = "".join(char for char in punctuation if char not in _FRIENDLY)
_BREAK = "\0"
"""Stands between the DAG's and the task's id; no glob matches it."""
_HEAD = re.compile(r"[^*?\[]*", re.DOTALL)
_TAIL = re.compile(r"[^*?\]]*\Z", re.DOTALL)
_BUDGET = 20_000
_LETTERS_END = 0x40000
"""No character beyond this one is a letter or digit: planes 4 to 13 of Unicode are empty, the others private or without text."""


class GlobBudgetError(ValueError):
    """Globs with so many `*` and `?` between them that their difference was not worked out."""


def matches(pattern: str, text: str) -> bool:
    """Whether a glob matches an id."""
    return fnmatchcase(text, pattern)


def example(*patterns: str) -> str | None:
    """A shortest id that all globs match; None when there is none. Exact, in time polynomial for two globs."""
    return _common((*patterns, "?*"), any_text=False)


def overlap(*patterns: str) -> bool:
    """Whether some text, of any characters, is matched by all globs: for globs on something other than ids."""
    return _common(patterns, any_text=True) is not None


def includes(outer: Iterable[str], inner: str) -> bool:
    """Whether every text that `inner` matches is matched by one of `outer`; False where that is too entangled to tell."""
    try:
        return _difference(((inner,),), tuple((one,) for one in outer), any_text=True) is None
    except GlobBudgetError:
        return False


@lru_cache(maxsize=4096)
def _common(patterns: tuple[str, ...], any_text: bool) -> str | None:
    if not _ends_agree(patterns):
        return None
    machines = [_Machine.of(pattern) for pattern in dict.fromkeys(patterns)]
    alphabet = _alphabet(machines, any_text)
    start = tuple(0 for _ in machines)
    queue, seen = deque([(start, "")]), {start}
    while queue:
        state, text = queue.popleft()
        if all(machine.ends(position) for machine, position in zip(machines, state, strict=True)):
            return text
        for char in alphabet:
            for following in _product([machine.moves(position, char) for machine, position in zip(machines, state, strict=True)]):
                if following not in seen:
                    seen.add(following)
                    queue.append((following, text + char))
    return None


def uncovered(within: tuple[Pair, ...], by: tuple[Pair, ...]) -> Pair | None:
    """A (DAG id, task id) that every pair of `within` matches and no pair of `by` does; None when there is none.

    GlobBudgetError where the automaton of the difference grows beyond reason.
    """
    found = _difference((*within, ("?*", "?*")), by, any_text=False)
    return (found[0], found[1]) if found is not None else None


@lru_cache(maxsize=4096)
def _difference(within: tuple[tuple[str, ...], ...], by: tuple[tuple[str, ...], ...], any_text: bool) -> tuple[str, ...] | None:
    """Texts, one for each place of the tuples, that all of `within` match and none of `by` does."""
    wanted = [_Machine.of(*globs) for globs in dict.fromkeys(within)]
    # What meets none of it takes nothing away: of a file's many principals, few cover a given DAG.
    meeting = (one for one in dict.fromkeys(by) if all(_ends_agree(parts) for parts in zip(*within, one, strict=True)))
    barred = [_Machine.of(*one) for one in meeting]
    alphabet = (*_alphabet([*wanted, *barred], any_text), _BREAK)
    start = (tuple(machine.start for machine in wanted), tuple(machine.start for machine in barred))
    queue, seen = deque([(start, "")]), {start}
    while queue:
        (inside, outside), text = queue.popleft()
        if _all_end(wanted, inside) and not any(machine.accepts(mask) for machine, mask in zip(barred, outside, strict=True)):
            return tuple(text.split(_BREAK))
        if len(seen) > _BUDGET:
            raise GlobBudgetError("the globs of these principals are too entangled to tell which ids none of them matches")
        for char in alphabet:
            new_inside = tuple(machine.step(mask, char) for machine, mask in zip(wanted, inside, strict=True))
            if not all(new_inside):
                continue
            following = (new_inside, tuple(machine.step(mask, char) for machine, mask in zip(barred, outside, strict=True)))
            if following not in seen:
                seen.add(following)
                queue.append((following, text + char))
    return None


def _ends_agree(patterns: Sequence[str]) -> bool:
    """False where the fixed beginnings or ends of the globs rule out that a text matches all: cheap, and mostly enough."""
    heads = sorted((_HEAD.match(pattern)[0] for pattern in patterns), key=len)  # type: ignore[index]
    tails = sorted((_TAIL.search(pattern)[0] for pattern in patterns), key=len)  # type: ignore[index]
    return all(heads[-1].startswith(head) for head in heads) and all(tails[-1].endswith(tail) for tail in tails)


def _all_end(machines: Sequence["_Machine"], masks: Iterable[int]) -> bool:
    return all(machine.accepts(mask) for machine, mask in zip(machines, masks, strict=True))


@dataclass(frozen=True, slots=True)
class _Token:
    """One element of a glob: any number of characters (`*`), the break, or one character of a class."""

    text: str

    @property
    def star(self) -> bool:
        return self.text == "*"

    def takes(self, char: str) -> bool:
        if char == _BREAK or self.text == _BREAK:
            return char == self.text
        return self.star or _class(self.text).match(char) is not None


@lru_cache(maxsize=4096)
def _class(text: str) -> re.Pattern[str]:
    # A single character other than a wildcard matches itself; fnmatch knows what `?` and `[…]` mean.
    return re.compile(translate(text) if text == "?" or len(text) > 1 else re.escape(text))


@dataclass(frozen=True, slots=True)
class _Machine:
    """A non-deterministic automaton: positions between tokens, as numbers or as a bit mask of several."""

    tokens: tuple[_Token, ...]

    @classmethod
    def of(cls, *patterns: str) -> "_Machine":
        tokens: list[_Token] = []
        for index, pattern in enumerate(patterns):
            if index:
                tokens.append(_Token(_BREAK))
            for text in _split(pattern):
                if not (text == "*" and tokens and tokens[-1].star):
                    tokens.append(_Token(text))
        return cls(tuple(tokens))

    @property
    def start(self) -> int:
        return self._closed(1)

    def ends(self, position: int) -> bool:
        return position == len(self.tokens) or (position == len(self.tokens) - 1 and self.tokens[position].star)

    def accepts(self, mask: int) -> bool:
        return bool(mask >> len(self.tokens) & 1)

    def moves(self, position: int, char: str) -> Iterator[int]:
        """The positions after one more character."""
        if position == len(self.tokens):
            return
        token = self.tokens[position]
        if token.star:
            if token.takes(char):
                yield position
            yield from self.moves(position + 1, char)
        elif token.takes(char):
            yield position + 1

    def step(self, mask: int, char: str) -> int:
        """The mask after one more character."""
        stay, go = _masks(self, char)
        return self._closed(mask & stay | (mask & go) << 1)

    def _closed(self, mask: int) -> int:
        return mask | (mask & _stars(self)) << 1


@lru_cache(maxsize=65536)
def _masks(machine: _Machine, char: str) -> tuple[int, int]:
    """Where the machine may stay at this character (a `*`), and where it goes on."""
    stay = go = 0
    for position, token in enumerate(machine.tokens):
        if token.takes(char):
            if token.star:
                stay |= 1 << position
            else:
                go |= 1 << position
    return stay, go


@lru_cache(maxsize=4096)
def _stars(machine: _Machine) -> int:
    return sum(1 << position for position, token in enumerate(machine.tokens) if token.star)


def _split(pattern: str) -> Iterator[str]:
    """The elements of a glob as `fnmatch` cuts them: a `[` without its `]` is itself."""
    position = 0
    while position < len(pattern):
        end = position + 1
        if pattern[position] == "[":
            inner = end + (pattern[end : end + 1] == "!")
            closing = pattern.find("]", inner + 1)  # a `]` that comes first is a member
            if closing >= 0:
                end = closing + 1
        yield pattern[position:end]
        position = end


def _product(choices: Sequence[Iterable[int]]) -> Iterator[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for options in choices:
        listed = tuple(options)
        found = [(*prefix, option) for prefix in found for option in listed]
    yield from found


def _alphabet(machines: Sequence[_Machine], any_text: bool) -> tuple[str, ...]:
    """One character of every class of characters that the machines do not tell apart, the friendliest of each.

    Those of ids, or with `any_text` all.
    """
    tokens = {token for machine in machines for token in machine.tokens if not token.star and token.text != _BREAK}
    mentioned = {ord(char) for token in tokens for char in token.text if ord(char) > 127}
    bounds = sorted({128, *mentioned, *(code + 1 for code in mentioned)})
    candidates = [*_FRIENDLY, *(_PUNCTUATION + " " if any_text else "")]
    for low, high in zip(bounds, [*bounds[1:], 0x110000], strict=True):
        codes = range(low, high if any_text else min(high, _LETTERS_END))
        beyond = next((chr(code) for code in codes if any_text or chr(code).isalnum()), None)
        if beyond is not None:
            candidates.append(beyond)
    kinds: dict[frozenset[_Token], str] = {}
    for char in candidates:
        kinds.setdefault(frozenset(token for token in tokens if token.takes(char)), char)
    return tuple(kinds.values())
