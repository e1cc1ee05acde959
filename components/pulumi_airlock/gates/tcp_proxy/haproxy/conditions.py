"""Conditions of HAProxy's rules as cases: ACLs, named and anonymous, of what a connection shows. No SDK in here.

What a client shows, a TLS server name, a protocol of ALPN and a certificate, is one of a few values (`Shown`): for each a test is
true or false. What is not understood is unknown, never guessed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from ....proof.sets import Hosts
from ....proof.times import Once
from ..logic import NO, YES, Box, Cases, all_of, any_of, negated, only, unknown
from .syntax import Section, Words

ANOTHER, ANY = object(), object()
"""A text that the configuration does not name; one of which nobody knows what it is."""
Text = str | object | None
"""Or `ANOTHER`, or `ANY`; None: there is none."""
NAME, PROTOCOL, SUBJECT = "ssl_fc_sni", "ssl_fc_alpn", "ssl_c_s_dn"
_METHODS = ("str", "beg", "end", "sub", "found", "bool", "int", "ip")
_NUMBERS = ("date",)
_LONGEST = 9_999_999_999
"""Seconds since 1970 that are still a date."""


@dataclass(frozen=True)
class Shown:
    """What a client shows."""

    name: Text = ANOTHER
    protocol: Text = None
    subject: Mapping[str, str] | object | None = ANOTHER
    """The parts of its certificate's subject; None: it shows none."""

    def text(self, test: "Test") -> Text:
        """What a test looks at."""
        if test.fetch == NAME:
            return self.name
        if test.fetch == PROTOCOL:
            return self.protocol
        return self.subject.get(test.argument) if isinstance(self.subject, Mapping) else self.subject


@dataclass(frozen=True)
class Test:
    """One ACL's test: `ssl_c_s_dn(CN) -m str etl ledger`."""

    fetch: str
    argument: str
    converters: tuple[str, ...]
    method: str
    values: Words
    ignores_case: bool = False
    strange: str = ""
    """What in it is not understood."""

    @cached_property
    def is_shown(self) -> bool:
        """Whether it is one of what a client shows."""
        return self.fetch in (NAME, PROTOCOL) or (self.fetch == SUBJECT and bool(self.argument))

    def holds_for(self, text: Text) -> Cases:
        """Whether it holds for a text."""
        if self.strange or set(self.converters) - {"lower", "upper"}:
            return unknown(f"a test of {self}")
        if self.method == "found":
            return YES if text is not None else NO
        if text is None:
            return NO
        if self.method not in ("str", "beg", "end", "sub"):
            return unknown(f"a test of {self}")
        if not isinstance(text, str):
            another = text is ANOTHER and self.method == "str"
            return NO if another else unknown(f"what {self} is")
        given = self._folded(text)
        return YES if any(_matches(self.method, given, self._folded(one, written=True)) for one in self.values) else NO

    def _folded(self, text: str, written: bool = False) -> str:
        if not written:
            for one in self.converters:
                text = text.lower() if one == "lower" else text.upper()
        return text.lower() if self.ignores_case else text

    def __str__(self) -> str:
        return f"{self.fetch}({self.argument})" if self.argument else self.fetch


def _matches(method: str, text: str, pattern: str) -> bool:
    match method:
        case "beg":
            return text.startswith(pattern)
        case "end":
            return text.endswith(pattern)
        case "sub":
            return pattern in text
    return text == pattern


def test_of(words: Words) -> Test:
    """The test that an ACL's words say (behind its name)."""
    fetch, argument, converters = _fetched(words[0])
    method, case, values, strange, rest = "", False, list[str](), "", list(words[1:])
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag == "--":
            break
        if flag == "-i":
            case = True
        elif flag == "-m" and rest:
            method = rest.pop(0)
        else:
            strange = flag
    values = rest
    if not method:
        method = "int" if fetch in _NUMBERS else "ip" if fetch == "src" else "str" if values else "bool"
    strange = strange or ("" if method in _METHODS else f"-m {method}")
    return Test(fetch, argument, converters, method, tuple(values), case, strange)


def _fetched(text: str) -> tuple[str, str, tuple[str, ...]]:
    """`ssl_c_s_dn(CN),lower` as name, argument and converters."""
    head, *converters = _split(text)
    name, _, argument = head.partition("(")
    return name, argument.removesuffix(")"), tuple(converters)


def _split(text: str) -> list[str]:
    """At commas that stand in no parentheses."""
    found, depth = [""], 0
    for one in text:
        depth += (one == "(") - (one == ")")
        if one == "," and not depth:
            found.append("")
        else:
            found[-1] += one
    return found


@dataclass(frozen=True)
class Condition:
    """`if a !b or { … }`: one of several terms, each of which is all of several tests, negated or not."""

    terms: tuple[tuple[tuple[bool, tuple[Test, ...]], ...], ...]

    def tests(self) -> Iterator[Test]:
        """Every test in it."""
        for term in self.terms:
            for _, several in term:
                yield from several

    def holds(self, of: Callable[[Test], Cases]) -> Cases:
        """When it holds, by when its tests do."""
        return any_of(all_of(_literal(negative, several, of) for negative, several in term) for term in self.terms)

    def known(self, of: Callable[[Test], Cases | None]) -> "Condition":
        """Without what is true or false already; `of` says None of tests that stay."""
        terms = []
        for term in self.terms:
            left = [(negative, several, _settled(several, of)) for negative, several in term]
            if any(found is not None and found is (YES if negative else NO) for negative, _, found in left):
                continue
            terms.append(tuple((negative, several) for negative, several, found in left if found is None))
        return Condition(tuple(terms))


ALWAYS = Condition(((),))


def _literal(negative: bool, several: Sequence[Test], of: Callable[[Test], Cases]) -> Cases:
    found = any_of(map(of, several))
    return negated(found) if negative else found


def _settled(several: Sequence[Test], of: Callable[[Test], Cases | None]) -> Cases | None:
    found = [of(one) for one in several]
    if any(one is YES for one in found):
        return YES
    return NO if all(one is NO for one in found) else None


def names_of(condition: Condition) -> frozenset[str] | None:
    """The server names, in small letters, for which alone a condition can hold; None where it may hold for others."""
    found: set[str] = set()
    for term in condition.terms:
        asked = [several for negative, several in term if not negative and all(map(_is_name, several))]
        if not asked:
            return None
        found |= {text.lower() for test in asked[0] for text in test.values}
    return frozenset(found)


def _is_name(test: Test) -> bool:
    return test.fetch == NAME and test.method == "str" and not test.strange


def split(words: Words) -> tuple[Words, Words]:
    """A rule's words, and those of its condition, `if` or `unless` first."""
    depth = 0
    for place, word in enumerate(words):
        depth += (word.lstrip("!") == "{") - (word == "}")
        if word in ("if", "unless") and not depth:
            return words[:place], words[place:]
    return words, ()


def condition_of(words: Words, section: Section) -> Condition:
    """The condition that such words say."""
    if not words:
        return ALWAYS
    found = list(_terms(words[1:], section))
    if words[0] == "if":
        return Condition(tuple(found))
    # Not one of the terms: of each, one part does not hold.
    terms: list[tuple[tuple[bool, tuple[Test, ...]], ...]] = [()]
    for term in found:
        terms = [(*one, (not negative, several)) for one in terms for negative, several in term]
    return Condition(tuple(terms))


def _terms(words: Words, section: Section) -> Iterator[tuple[tuple[bool, tuple[Test, ...]], ...]]:
    term: list[tuple[bool, tuple[Test, ...]]] = []
    negative, place = False, 0
    while place < len(words):
        word = words[place].lstrip("!")
        negative ^= bool((len(words[place]) - len(word)) % 2)
        place += 1
        if word in ("or", "||"):
            yield tuple(term)
            term, negative = [], False
        elif word == "{":
            end = words.index("}", place) if "}" in words[place:] else len(words)
            term.append((negative, (test_of(words[place:end]),)))
            negative, place = False, end + 1
        elif word:
            term.append((negative, _named(word, section)))
            negative = False
    yield tuple(term)


_GIVEN = {"TRUE": "always_true", "FALSE": "always_false"}


def _named(name: str, section: Section) -> tuple[Test, ...]:
    """An ACL by name: it holds where one of its lines does."""
    found = tuple(test_of(one) for one in section.acls.get(name, ()))
    if found:
        return found
    return (Test(_GIVEN.get(name, name), "", (), "bool", (), strange="" if name in _GIVEN else "an ACL that is not here"),)


# Of what a client does not choose


def holds(test: Test) -> Cases:
    """Whether a test on something else than what a client shows holds: constants, dates, addresses."""
    if test.fetch in ("always_true", "always_false") and test.method == "bool":
        return YES if test.fetch == "always_true" else NO
    if test.strange or test.converters or test.argument:
        return unknown(f"a test of {test}")
    if test.fetch == "date" and len(test.values) == 2 and test.values[1].isdigit() and int(test.values[1]) <= _LONGEST:
        return _dated(test)
    if test.fetch == "src" and test.method == "ip":
        try:
            return only(Box(sources=Hosts.from_cidrs(test.values)))
        except ValueError:
            return unknown("a test of src")
    return unknown(f"a test of {test}")


def _dated(test: Test) -> Cases:
    operator, number = test.values[0], int(test.values[1])
    moment = datetime.fromtimestamp(number + (operator in ("le", "gt")), UTC)
    if operator in ("lt", "le"):
        return only(Box(times=(frozenset({Once(None, moment)}),)))
    if operator in ("ge", "gt"):
        return negated(only(Box(times=(frozenset({Once(None, moment)}),))))
    return unknown("a test of date")
