"""The rules of a frontend or a backend in their order, and where it leads. No SDK in here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .conditions import ALWAYS, Condition, Test, condition_of, split, test_of
from .syntax import Document, Section, Words

PHASES = ("connection", "session", "content")
"""When rules are looked at: before TLS, after it, and with what the client says."""


@dataclass(frozen=True)
class Rule:
    """A `tcp-request`: what it does, and when."""

    phase: str
    action: Words
    condition: Condition


_Aliases = Mapping[str, Test]


def rules_of(section: Section) -> Iterator[Rule]:
    """Its rules, those of its defaults first."""
    aliases = _aliases(section)
    for phase, words in _requests(section):
        action, condition = split(words)
        yield Rule(phase, action, _aliased(condition_of(condition, section), aliases))


def _requests(section: Section) -> Iterator[tuple[str, Words]]:
    """(phase, what stands behind it) of each rule."""
    for line in (*section.defaults, *section.lines):
        if line[0] == "tcp-request" and len(line) > 2:
            yield (line[1], line[2:]) if line[1] in PHASES else ("content", line[1:])


def led_by(section: Section, document: Document) -> Iterator[tuple[str, Condition]]:
    """(backend, when) of where it leads, in their order, the default last."""
    aliases = _aliases(section)
    for words in section.each("use_backend"):
        backend, condition = words[0], _aliased(condition_of(words[1:], section), aliases)
        if "%" not in backend:
            yield backend, condition
            continue
        # Which of them, nobody knows.
        for one in document.proxies():
            if one.kind != "frontend":
                yield one.name, Condition(tuple((*term, (False, (_ANYTHING,))) for term in condition.terms))
    default = section.says("default_backend")
    if default:
        yield default[0], ALWAYS
    elif section.kind == "listen":
        yield section.name, ALWAYS


_ANYTHING = Test("a backend's name that is made up", "", (), "bool", (), strange="use_backend")


def _aliased(condition: Condition, aliases: _Aliases) -> Condition:
    def real(test: Test) -> Test:
        other = aliases.get(test.argument) if test.fetch == "var" else None
        if other is None:
            return test
        return replace(test, fetch=other.fetch, argument=other.argument, converters=(*other.converters, *test.converters))

    return Condition(tuple(tuple((negative, tuple(map(real, each))) for negative, each in term) for term in condition.terms))


def _aliases(section: Section) -> _Aliases:
    """Variables that are nothing but what a client shows: set once, always, and before anything is asked of them."""
    found: dict[str, list[Test | None]] = {}
    for phase, words in _requests(section):
        action, condition = split(words)
        for test in condition_of(condition, section).tests():
            if test.fetch == "var" and test.argument not in found:
                found[test.argument] = [None]
        name, _, given = action[0].partition("(") if action else ("", "", "")
        if name in ("set-var", "unset-var"):
            always = phase != "connection" and len(action) == 2 and not condition
            shown = test_of((action[1], "-m", "found")) if always else None
            found.setdefault(given.removesuffix(")"), []).append(shown if shown is not None and shown.is_shown else None)
    return {name: tests[0] for name, tests in found.items() if len(tests) == 1 and tests[0] is not None}
