"""Names and requests as Cilium writes them, as sets of the proof: `matchPattern` and POSIX regexes. What has no such form is not
guessed: it comes as what it surely holds, and what it may hold.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from glob import escape
from itertools import product

from ...proof.filters import HttpOperation
from ...proof.sets import Names
from ..kubernetes.workloads import POD_DOMAIN, SERVICE_DOMAIN

_LABEL = "[-a-z0-9_]"
_MOST = 64
"""Ways of one expression, after which it is left open."""
OUTSIDE = Names(frozenset({f"*.{SERVICE_DOMAIN}", f"*.{POD_DOMAIN}"})).complement()
"""Names that are none of the cluster's."""


# Names


@dataclass(frozen=True, slots=True)
class NameSet:
    """What some patterns match, as far as it has a form."""

    known: Names = field(default_factory=Names)
    maybe: Names = field(default_factory=Names)
    """Names of which some match and some do not."""

    def __and__(self, other: "NameSet") -> "NameSet":
        return NameSet(self.known & other.known, (self.known | self.maybe) & (other.known | other.maybe))

    def __or__(self, other: "NameSet") -> "NameSet":
        return NameSet(self.known | other.known, self.maybe | other.maybe)


EVERY_NAME = NameSet(Names.every())


def matches_pattern(pattern: str, name: str) -> bool:
    """Whether a name matches: `*` within a label, a leading `**.` one label or more, `*` alone everything."""
    return bool(_compiled(pattern).fullmatch(name.lower().rstrip(".")))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = pattern.strip().lower().rstrip(".")
    if text == "*":
        return re.compile(r".*")
    deep = text.startswith("**.")
    body = text[3:] if deep else text
    expression = re.escape(body).replace(re.escape("*"), f"{_LABEL}*")
    return re.compile((f"({_LABEL}+[.])+" if deep else "") + expression)


def names_of_patterns(patterns: Iterable[str], pool: Iterable[str] = ()) -> NameSet:
    """The names that any of some patterns matches. `pool`: names that somebody speaks of, which are looked at one by one."""
    listed = list(patterns)
    exact = [one for one in pool if not one.startswith("*.") and any(matches_pattern(pattern, one) for pattern in listed)]
    known: Names = Names(frozenset(exact))
    maybe: Names = Names()
    for one in listed:
        text = one.strip().lower().rstrip(".")
        if text == "*":
            return EVERY_NAME
        if "*" not in text:
            known |= Names(frozenset({text}))
        elif text.startswith("**.") and "*" not in text[3:]:
            known |= Names(frozenset({f"*.{text[3:]}"}))
        else:
            fixed = text.rpartition("*")[2].partition(".")[2]
            maybe |= Names(frozenset({f"*.{fixed}"})) if fixed else Names.every()
    return NameSet(known, maybe)


# Requests


@dataclass(frozen=True, slots=True)
class Requests:
    """What an entry of `rules.http` lets through."""

    operations: frozenset[HttpOperation]
    unknown: tuple[str, ...] = ()
    """Why it is fewer than `operations`."""


def requests_of(method: str, path: str) -> Requests:
    """The requests of a method and a path, which are regexes that must match the whole; empty: any.

    Envoy matches the path with its query, so that `/health` leaves `/health?full` out.
    """
    methods, some = _methods(method)
    globs, others = _globs(path)
    unknown = [f"method {method}"] if some else []
    unknown += [f"path {path}"] if others else []
    return Requests(frozenset(HttpOperation(one, glob) for one, glob in product(methods, globs)), tuple(unknown))


def _methods(text: str) -> tuple[list[str], bool]:
    if not text:
        return ["*"], False
    try:
        ways = _Regex(text).ways()
    except _OpenError:
        return ["*"], True
    if ["*"] in ways:
        return ["*"], False
    words = [_expanded(way) for way in ways]
    if any(one is None for one in words):
        return ["*"], True
    return sorted({word for one in words for word in one or ()}), False


def _expanded(way: list[str]) -> list[str] | None:
    """The words of a way, where they are few."""
    choices: list[list[str]] = []
    for part in way:
        members = [part] if len(part) == 1 and part not in "*?" else _members(part)
        if members is None or len(choices) * len(members) > _MOST:
            return None
        choices.append(members)
    return ["".join(one) for one in product(*choices)] if len(choices) < _MOST else None


def _members(part: str) -> list[str] | None:
    if not part.startswith("[") or part.startswith("[!"):
        return None
    return [chr(code) for code in range(128) if re.fullmatch(part, chr(code))]


def _globs(text: str) -> tuple[list[str], bool]:
    if not text:
        return ["*"], False
    try:
        return sorted({"".join(way) for way in _Regex(text).ways()}), False
    except _OpenError:
        # What stands before the first special character holds in any case, unless something chooses between ways.
        fixed = re.match(r"\^?(?P<text>[-/\w]*)", text)
        start = fixed["text"][:-1] if fixed and "|" not in text else ""
        return [f"{start}*"], True


class _OpenError(ValueError):
    """An expression that no list of globs says exactly."""


class _Regex:
    """Reads a regex into the ways in which it can match, each a list of parts of a glob (those of `fnmatch`).

    A dot is `?`, a class itself, `.*` is `*`; what is chosen, or may be left out, is written out. Anything else is open.
    """

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("^")
        if self._text.endswith("$") and not self._text.endswith("\\$"):
            self._text = self._text[:-1]
        self._at = 0

    def ways(self) -> list[list[str]]:
        found = self._choice()
        if self._at < len(self._text):
            raise _OpenError(self._text)
        return found

    def _choice(self) -> list[list[str]]:
        found = self._sequence()
        while self._peek() == "|":
            self._at += 1
            found = _few([*found, *self._sequence()])
        return found

    def _sequence(self) -> list[list[str]]:
        found: list[list[str]] = [[]]
        while self._peek() not in ("", "|", ")"):
            found = _few(one + more for one, more in product(found, self._repeated()))
        return found

    def _repeated(self) -> list[list[str]]:
        atom = self._atom()
        sign = self._peek()
        if sign in ("*", "+"):
            self._at += 1
            if atom != [["?"]] or self._peek() == "?":
                raise _OpenError(self._text)
            return [["*"]] if sign == "*" else [["?", "*"]]
        if sign == "?":
            self._at += 1
            return [[], *atom]
        if sign == "{":
            return self._counted(atom)
        return atom

    def _counted(self, atom: list[list[str]]) -> list[list[str]]:
        found = re.compile(r"\{(\d+)(?:,(\d+))?\}").match(self._text, self._at)
        if found is None or int(found[2] or found[1]) > _MOST:
            raise _OpenError(self._text)
        self._at = found.end()
        ways: list[list[str]] = []
        for times in range(int(found[1]), int(found[2] or found[1]) + 1):
            ways = _few([*ways, *([part for one in chosen for part in one] for chosen in product(atom, repeat=times))])
        return ways

    def _atom(self) -> list[list[str]]:
        char = self._peek()
        self._at += 1
        match char:
            case "(":
                if self._text.startswith("?:", self._at):
                    self._at += 2
                found = self._choice()
                if self._peek() != ")":
                    raise _OpenError(self._text)
                self._at += 1
                return found
            case "[":
                return [[self._class()]]
            case ".":
                return [["?"]]
            case "\\":
                char = self._peek()
                self._at += 1
                if char.isalnum() or not char:
                    raise _OpenError(self._text)
                return [[escape(char)]]
            case "*" | "+" | "?" | "{" | "^" | "$":
                raise _OpenError(self._text)
            case _:
                return [[escape(char)]]

    def _class(self) -> str:
        end = self._text.find("]", self._at + 1)
        inner = self._text[self._at : end]
        negated = inner.startswith("^")
        inner = inner.removeprefix("^")
        if end < 0 or not inner or any(char in inner for char in "\\[]!^"):
            raise _OpenError(self._text)
        self._at = end + 1
        return f"[!{inner}]" if negated else f"[{inner}]"

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]


def _few(ways: Iterable[list[str]]) -> list[list[str]]:
    return list(_bounded(ways))


def _bounded(ways: Iterable[list[str]]) -> Iterator[list[str]]:
    for number, one in enumerate(ways):
        if number >= _MOST:
            raise _OpenError("too many ways")
        yield one
