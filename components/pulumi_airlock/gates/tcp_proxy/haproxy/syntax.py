"""HAProxy's configuration file as sections of lines of words (HAProxy Configuration Manual, 2.1 "Configuration file format" and
2.2 "Quoting and escaping"). What is not kept whole, as an environment's variable, is said.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

Words = tuple[str, ...]
_SECTIONS = frozenset(
    [
        "global",
        "defaults",
        "frontend",
        "backend",
        "listen",
        "resolvers",
        "peers",
        "cache",
        "userlist",
        "ring",
        "mailers",
        "program",
        "http-errors",
        "fcgi-app",
        "log-forward",
        "crt-store",
        "traces",
    ]
)
_PROXIES = ("frontend", "backend", "listen")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Section:
    """A section: `frontend tunnels` and what stands in it."""

    kind: str
    name: str
    lines: tuple[Words, ...]
    defaults: tuple[Words, ...] = ()
    """What the section of defaults says that it inherits from."""

    @cached_property
    def acls(self) -> Mapping[str, Sequence[Words]]:
        """Name of an ACL → its lines, without the name."""
        found: dict[str, list[Words]] = {}
        for words in self.each("acl"):
            if len(words) > 1:
                found.setdefault(words[0], []).append(words[1:])
        return found

    def each(self, *keys: str) -> Iterator[Words]:
        """The lines that begin so, without these words."""
        for line in self.lines:
            if line[: len(keys)] == keys:
                yield line[len(keys) :]

    def says(self, *keys: str) -> Words | None:
        """The rest of the last line that begins so, its defaults' where it has none; None where there is none."""
        found = [line[len(keys) :] for line in (*self.defaults, *self.lines) if line[: len(keys)] == keys]
        return found[-1] if found else None


@dataclass
class Document:
    """A configuration, read."""

    sections: list[Section] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """What could not be read, in a few words."""

    def proxies(self) -> Iterator[Section]:
        """Frontends and backends, and what is both."""
        yield from (one for one in self.sections if one.kind in _PROXIES)

    def proxy(self, name: str) -> Section | None:
        """A backend by name."""
        return next((one for one in self.sections if one.kind in ("backend", "listen") and one.name == name), None)

    def settings(self) -> Section:
        """All sections `global` as one."""
        return Section("global", "", tuple(line for one in self.sections if one.kind == "global" for line in one.lines))


def is_haproxy(text: str) -> bool:
    """Whether a text looks like a configuration of HAProxy that listens somewhere."""
    return bool(
        re.search(r"^(frontend|listen)[ \t]+\S", text, re.MULTILINE) and re.search(r"^[ \t]*bind[ \t]", text, re.MULTILINE)
    )


def parsed(text: str) -> Document:
    """The sections of a configuration."""
    found = Document()
    kind, name, rest, lines = "", "", Words(), list[Words]()
    defaults: dict[str, tuple[Words, ...]] = {}
    latest: tuple[Words, ...] = ()

    def close() -> None:
        nonlocal latest
        if kind == "defaults":
            latest = defaults[name] = tuple(lines)
        elif kind:
            inherited = defaults.get(rest[1], ()) if rest[:1] == ("from",) and len(rest) > 1 else latest
            found.sections.append(Section(kind, name, tuple(lines), inherited if kind in _PROXIES else ()))

    for line in text.splitlines():
        words = _words(line, found.unread)
        if not words:
            continue
        if words[0] in _SECTIONS:
            close()
            kind, name, rest, lines = words[0], (words[1:2] or ("",))[0], words[2:], []
        elif words[0].startswith("."):
            found.unread.append(f"{words[0]}, which decides at a start what counts")
        else:
            lines.append(words)
    close()
    return found


def _words(line: str, unread: list[str]) -> Words:
    found, word, quote, begun = list[str](), "", "", False
    place = 0
    while place < len(line):
        one = line[place]
        place += 1
        if one == "\\" and quote != "'" and place < len(line):
            word, begun = word + _ESCAPED.get(line[place], line[place]), True
            place += 1
        elif one == quote:
            quote = ""
        elif quote:
            if one == "$" and quote == '"':
                unread.append(f"a variable of the environment in {line.strip()[:60]!r}")
            word += one
        elif one in "'\"":
            quote, begun = one, True
        elif one == "#":
            break
        elif one.isspace():
            if begun:
                found.append(word)
            word, begun = "", False
        else:
            word, begun = word + one, True
    return (*found, word) if begun else tuple(found)
