"""What variables of a configuration hold, as far as it can be told: maps, `set`, and what comes from the client."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote

from .directives import Directive
from .paths import read_request_regex

_NAME = re.compile(r"\$\{?([A-Za-z0-9_]+)\}?")
_CLIENT = ("http_", "arg_", "cookie_", "sent_http_")
_CLIENT_NAMES = frozenset(
    {"args", "query_string", "request_uri", "uri", "document_uri", "remote_user", "request_body", "request"}
)
Requests = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Methods, path globs, exceptions."""


@dataclass(frozen=True)
class Scope:
    """The blocks around a place, the outermost first: what is said in them holds there."""

    blocks: tuple[Directive, ...]
    requests: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def maps(self) -> Mapping[str, Directive]:
        """Variable → the map that makes it."""
        found = {}
        for block in self.blocks:
            for one in block.all("map", "geo", "split_clients"):
                if one.args:
                    found[one.args[-1].lstrip("$")] = one
        return found

    def values(self, name: str, *, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """All texts that a variable may be computed from: itself where nothing in the configuration makes it."""
        made = list(self._made(name)) if name not in seen else []
        if not made:
            yield f"${name}"
            return
        for text in made:
            inner = names_in(text)
            if not inner:
                yield text
            for one in inner:
                yield from self.values(one, seen=seen | {name})

    def _made(self, name: str) -> Iterator[str]:
        for block in self.blocks:
            for one in block.all("set", "auth_request_set"):
                if len(one.args) == 2 and one.args[0] == f"${name}":
                    yield one.args[1]
        if name in self.maps:
            for entry in self.maps[name].block or ():
                if entry.name not in ("include", "hostnames", "volatile"):
                    yield entry.args[-1] if entry.args else ""
            if any(entry.name == "include" for entry in self.maps[name].block or ()):
                yield "$included"

    def from_client(self, text: str) -> bool:
        """Whether a client has a hand in a text."""
        return any(_of_client(one) for name in names_in(text) for value in self.values(name) for one in names_in(value))

    def groups(self, text: str) -> "tuple[frozenset[str], list[tuple[Requests, frozenset[str]]], list[str]]":
        """The groups that a list names at every request, those that it names at some, and what of it cannot be told."""
        always = {unquote(one) for one in _NAME.sub("", text).split(",") if one}
        some: list[tuple[Requests, frozenset[str]]] = []
        unsure: list[str] = []
        for name in names_in(text):
            read = self._granted(name)
            if read is None:
                unsure.append(f"${name}")
            else:
                some += read
        return frozenset(always), some, unsure

    def _granted(self, name: str) -> list[tuple[Requests, frozenset[str]]] | None:
        """What a map over `<method> <path>` names; None where it is none that can be read."""
        one = self.maps.get(name)
        if one is None or one.name != "map" or len(one.args) != 2:
            return None
        source = names_in(one.args[0])
        if len(source) != 2 or source[0] != "request_method" or list(self.values(source[1])) != ["$uri"]:
            return None
        if one.args[0] != f"$request_method ${source[1]}":
            return None
        found = []
        entries = [entry for entry in one.block or () if entry.name != "default"]
        if len(entries) != 1 or any(entry.args != ("",) for entry in one.all("default")):
            return None
        for entry in entries:
            requests = read_request_regex(entry.name.removeprefix("~"))
            if not entry.name.startswith("~(") or requests is None or len(entry.args) != 1 or names_in(entry.args[0]):
                return None
            found.append((requests, frozenset(unquote(each) for each in entry.args[0].split(",") if each)))
        return found


def names_in(text: str) -> list[str]:
    """The variables that a text names."""
    return _NAME.findall(text)


def _of_client(name: str) -> bool:
    return name.startswith(_CLIENT) or name in _CLIENT_NAMES


def effective(blocks: Sequence[Directive], name: str) -> tuple[Directive, ...]:
    """The directives of a name that hold in the innermost block: those of the last block that has any."""
    for block in reversed(blocks):
        if found := tuple(block.all(name)):
            return found
    return ()
