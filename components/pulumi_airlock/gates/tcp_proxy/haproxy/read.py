"""What a configuration of HAProxy lets through, whoever wrote it: each way from a listener to where it leads, and for whom.

Each server name that the configuration tells from others is gone through with each certificate that it does, by its rules in
their order. Whose a certificate is, the component says; of others nobody knows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from math import prod
from typing import TypeVar

from ....proof.sets import Hosts, Services
from ..issuers import ACCOUNT
from ..logic import NO, YES, Box, Cases, any_of, both, either, labelled, negated, only, unknown
from ..ways import Way, hosts_of, tcp
from .conditions import ALWAYS, ANOTHER, ANY, NAME, PROTOCOL, SUBJECT, Condition, Shown, Test, Text, holds, names_of
from .rules import PHASES, Rule, led_by, rules_of
from .syntax import Document, Section, Words

_NEUTRAL = frozenset(
    ("inspect-delay", "capture", "set-log-level", "set-mark", "set-nice", "set-tos", "track-sc0", "track-sc1", "track-sc2")
)
"""Actions that refuse nobody, and change nothing that rules look at."""
_REJECTS = ("reject", "silent-drop")
_AS_ASKED = ("0.0.0.0", "[::]", "::")  # noqa: S104
"""Addresses of a server that mean another: where the client went, or what `set-dst` says."""
_MOST = 4096
"""Certificates that are gone through at most, besides those that the component names."""


@dataclass(frozen=True)
class Holder:
    """A certificate, by its subject, and whose it is; None: nobody knows."""

    subject: Mapping[str, str] | object | None
    box: Box | None

    def cases(self) -> Cases:
        """For whom it holds that they show it."""
        if self.box is not None:
            return only(self.box)
        parts = ", ".join(f"{key}={value}" for key, value in self.subject.items()) if isinstance(self.subject, Mapping) else ""
        return unknown(f"who has the certificate {parts}" if parts else "who else has a certificate of its authority")


_T = TypeVar("_T")
_Rules = Sequence[Rule]
_Led = Sequence[tuple[str, Condition]]
_Of = Callable[[Test], Cases]


@dataclass
class _Variables:
    """What variables say, each as values with when they are so."""

    known: dict[str, list[tuple[Text, Cases]]] = field(default_factory=dict)

    def of(self, name: str) -> list[tuple[Text, Cases]]:
        """The values of one."""
        return self.known.get(name, [(None, YES)])

    def put(self, name: str, value: Text, when: Cases) -> None:
        """Gives it a value where that holds."""
        if when == NO:
            return
        kept = [(old, both(cases, negated(when))) for old, cases in self.of(name)] if when != YES else []
        self.known[name] = [(old, cases) for old, cases in kept if cases != NO] + [(value, when)]

    def holds(self, test: Test) -> Cases:
        """Whether a test on one holds."""
        return any_of(both(cases, test.holds_for(value)) for value, cases in self.of(test.argument))

    def labelled(self, cases: Cases) -> Cases:
        """The same cases, given by the policy that a variable of that name says, where there is one."""
        name = next((one for one in self.known if one.rpartition(".")[2] == "policy"), None)
        if name is None:
            return cases
        return any_of(
            labelled(both(cases, when), value) if isinstance(value, str) else both(cases, when) for value, when in self.of(name)
        )


class HaproxyConfiguration:
    """One HAProxy.

    `holders`: the certificates that its component names. `names`: where a server is → the target (`host:port`) it stands for.
    """

    def __init__(
        self, document: Document, file: str, holders: Iterable[Holder] = (), names: Mapping[str, str] | None = None
    ) -> None:
        self.document, self._file, self._names = document, file, names or {}
        self.unread = list(document.unread)
        """What could not be read."""
        tests = list(_tests(document))
        self._behind_rules: dict[str, _Rules] = {}
        self._servers = [*_texts(tests, NAME), ANOTHER]
        self._protocols = [*_texts(tests, PROTOCOL), None]
        self._holders = [*holders]
        parts = _parts(tests)
        if prod(map(len, parts.values())) > _MOST:
            self.unread.append(f"over {_MOST} kinds of certificates")
        self._holders += _others(parts, self._holders)

    def ways(self) -> Iterator[Way]:
        """Every way through it."""
        for section in self.document.proxies():
            if section.kind != "backend":
                for bind in section.each("bind"):
                    yield from self._of_bind(section, bind)

    def _of_bind(self, section: Section, bind: Words) -> Iterator[Way]:
        holders, strange = self._shown_by(bind)
        rules, led = list(rules_of(section)), list(led_by(section, self.document))
        if not _is_tcp(section):
            rules.append(Rule("content", ("switch-mode", "http"), ALWAYS))
        found: dict[tuple[str, bool], list[Cases]] = {}
        named = [(one, names_of(one.condition)) for one in rules]
        to = [((backend, condition), names_of(condition)) for backend, condition in led]
        for name, protocol in product(self._servers, self._protocols):
            mine = _about(named, name), _about(to, name)
            for ways, holder in self._distinct(*mine, Shown(name, protocol), holders):
                for key, cases in ways.items():
                    found.setdefault(key, []).append(both(holder, cases))
        for (backend, connect), several in found.items():
            cases = both(any_of(several), unknown(strange)) if strange else any_of(several)
            for hosts, services in self._places(backend):
                yield Way(hosts, services, cases, self._file, f'backend "{backend}"', connect)

    def _shown_by(self, bind: Words) -> tuple[list[Holder], str]:
        """The certificates that clients of a listener may show, and what of it is not understood."""
        strange = next((f"{word} of a listener" for word in ("crt-list", "accept-proxy", "ca-verify-file") if word in bind), "")
        anybody = Holder(None, Box())
        verify = bind[bind.index("verify") + 1] if "verify" in bind[:-1] else "none"
        if "ssl" not in bind or "ca-file" not in bind or verify == "none":
            return [anybody], strange
        return (self._holders if verify == "required" else [*self._holders, anybody]), strange

    def _distinct(
        self, rules: _Rules, led: _Led, shown: Shown, holders: Sequence[Holder]
    ) -> Iterator[tuple[Mapping[tuple[str, bool], Cases], Cases]]:
        """(where it leads when, for whom): once for all certificates that no rule tells apart for this server name."""

        def by_name(test: Test) -> Cases | None:
            return test.holds_for(shown.text(test)) if test.fetch in (NAME, PROTOCOL) else None

        # TLS comes after the rules on connections.
        left = ((one, one.condition if one.phase == "connection" else one.condition.known(by_name)) for one in rules)
        here = [Rule(one.phase, one.action, condition) for one, condition in left if condition.terms]
        to = [(backend, condition) for backend, one in led if (condition := one.known(by_name)).terms]
        behind = [one for backend, _ in to for one in self._rules_of(backend)]
        conditions = [*(one.condition for one in (*here, *behind)), *(one for _, one in to)]
        asked = list(dict.fromkeys(test for one in conditions for test in one.tests() if test.is_shown and test.fetch == SUBJECT))
        alike: dict[tuple[Cases, ...], list[Holder]] = {}
        for holder in holders:
            mine = replace(shown, subject=holder.subject)
            alike.setdefault(tuple(test.holds_for(mine.text(test)) for test in asked), []).append(holder)
        for answers, several in alike.items():
            ways = self._run(here, to, shown, dict(zip(asked, answers, strict=True)))
            if ways:
                yield ways, any_of(one.cases() for one in several)

    def _run(self, rules: _Rules, led: _Led, shown: Shown, known: Mapping[Test, Cases]) -> Mapping[tuple[str, bool], Cases]:
        """(backend, whether as TCP) → when a connection is led there."""
        variables = _Variables()

        def of(test: Test) -> Cases:
            if test.is_shown:
                return known[test] if test in known else test.holds_for(shown.text(test))
            return variables.holds(test) if test.fetch == "var" else holds(test)

        def before(test: Test) -> Cases:
            return NO if test.is_shown else of(test)

        alive, http = YES, NO
        for phase in PHASES:
            alive, switched = _through(rules, phase, variables, before if phase == "connection" else of, alive)
            http = either(http, switched)
        found: dict[tuple[str, bool], Cases] = {}
        for connect, here in ((True, alive), (False, http)):
            for backend, condition in led:
                when = condition.holds(of)
                if (there := both(here, when)) != NO and (there := self._behind(backend, variables, of, there, connect)) != NO:
                    found[backend, connect] = either(found.get((backend, connect), NO), variables.labelled(there))
                here = both(here, negated(when))
        return found

    def _behind(self, backend: str, variables: _Variables, of: _Of, here: Cases, connect: bool) -> Cases:
        """The same, after the rules of the backend itself."""
        section = self.document.proxy(backend)
        if section is None:
            return unknown(f"backend {backend}, which is not here")
        if not connect or not _is_tcp(section):
            return both(here, unknown(f"requests of HTTP to {backend}")) if _servers(section) else NO
        for phase in PHASES:
            here, _ = _through(self._rules_of(backend), phase, variables, of, here)
        return here

    def _rules_of(self, backend: str) -> _Rules:
        if backend not in self._behind_rules:
            section = self.document.proxy(backend)
            self._behind_rules[backend] = list(rules_of(section)) if section is not None else []
        return self._behind_rules[backend]

    def _places(self, backend: str) -> Iterator[tuple[Hosts, Services]]:
        section = self.document.proxy(backend)
        if section is None:
            yield Hosts.every(), Services.of("tcp")
            return
        for words in section.each("server"):
            host, _, port = words[1].rpartition(":") if len(words) > 1 else ("", "", "")
            name, _, its_port = self._names.get(f"{host.strip('[]')}:{port}", "").rpartition(":")
            host, port = (name, its_port) if name else (host, port)
            known = bool(host) and host not in _AS_ASKED and port.isdigit() and not set(host) & set("*@%/")
            yield (hosts_of(host.strip("[]")), tcp(int(port))) if known else (Hosts.every(), Services.of("tcp"))
        if any(True for key in ("server-template", "dispatch") for _ in section.each(key)):
            yield Hosts.every(), Services.of("tcp")


def _about(several: Iterable[tuple[_T, frozenset[str] | None]], name: Text) -> list[_T]:
    """What may hold for a server name: most rules are about one only."""
    text = name.lower() if isinstance(name, str) else None
    return [one for one, names in several if names is None or text in names]


def _is_tcp(section: Section) -> bool:
    return (section.says("mode") or ("tcp",))[0] == "tcp"


def _servers(section: Section) -> list[Words]:
    return [words for key in ("server", "server-template", "dispatch") for words in section.each(key)]


def _through(rules: _Rules, phase: str, variables: _Variables, of: _Of, alive: Cases) -> tuple[Cases, Cases]:
    """When a connection goes on, and when as HTTP, after the rules of a phase in their order."""
    passed, http = NO, NO
    for one in rules:
        if one.phase != phase or not one.action:
            continue
        action, when = one.action[0], one.condition.holds(of)
        name, _, given = action.partition("(")
        if name in ("set-var", "unset-var"):
            variables.put(given.removesuffix(")"), _value(one.action[1:]) if name == "set-var" else None, when)
        elif action in _REJECTS:
            alive = both(alive, negated(when))
        elif action == "accept":
            passed, alive = either(passed, both(alive, when)), both(alive, negated(when))
        elif action == "switch-mode":
            http, alive = either(http, both(alive, when)), both(alive, negated(when))
        elif action not in _NEUTRAL:
            alive = both(alive, either(negated(when), unknown(f"action {action}")))
    return either(passed, alive), http


def _value(words: Words) -> Text:
    text = words[0] if len(words) == 1 else ""
    return text[4:-1].replace("\\", "") if text.startswith("str(") and text.endswith(")") else ANY


# What clients may show


def _tests(document: Document) -> Iterator[Test]:
    """Every test of every rule."""
    for section in document.proxies():
        conditions = [*(one.condition for one in rules_of(section)), *(one for _, one in led_by(section, document))]
        for one in conditions:
            yield from one.tests()


def _texts(tests: Iterable[Test], fetch: str, argument: str = "") -> list[str]:
    """The texts that tests tell from others; where case counts to some of them alone, each in another case as well."""
    mine = [test for test in tests if (test.fetch, test.argument) == (fetch, argument)]
    found = dict.fromkeys(text for test in mine for text in test.values)
    if len({test.ignores_case or bool(test.converters) for test in mine}) > 1:
        found |= dict.fromkeys(text.swapcase() for text in list(found))
    return list(found)


def _parts(tests: Sequence[Test]) -> Mapping[str, Sequence[str | None]]:
    """Part of a certificate's subject → the texts of it that tests tell from others; None: it has no such part."""
    asked = dict.fromkeys(one.argument for one in tests if one.is_shown and one.fetch == SUBJECT)
    return {part: [None, *_texts(tests, SUBJECT, part)] for part in asked}


def _others(parts: Mapping[str, Sequence[str | None]], named: Sequence[Holder]) -> Iterator[Holder]:
    """Certificates that rules tell from others, besides those that are named: whose one is, the parts say that are named."""
    for values in islice(product(*parts.values()), _MOST):
        subject = {part: value for part, value in zip(parts, values, strict=True) if value is not None}
        like = next((one for one in named if isinstance(one.subject, Mapping) and one.subject.items() <= subject.items()), None)
        yield Holder(subject, like.box if like is not None else _account(subject.get("CN", "")) if not named else None)
    yield Holder(ANOTHER, None)


def _account(name: str) -> Box | None:
    """The workload of an account that a certificate is called by, as Kubernetes writes it."""
    if not name.startswith(ACCOUNT) or name.count(":") != 3:
        return None
    return Box(workloads=frozenset({name.removeprefix(ACCOUNT).replace(":", "/")}))
