"""nginx's configuration as a tree of directives. No SDK in here.

The syntax is nginx's own (`ngx_conf_file.c`): words, quoted words, `;`, blocks, comments; `${name}` is no block; a block of Lua
is not nginx's, and is kept as one text. What directives mean is not decided here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_ESCAPES = {'"': '"', "'": "'", "\\": "\\", " ": " ", "t": "\t", "r": "\r", "n": "\n"}
_RAW = "_by_lua_block"


class ConfigError(ValueError):
    """A text that is no nginx configuration."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive, with its block where it has one."""

    name: str
    args: tuple[str, ...]
    line: int
    """From 1 on."""
    file: str = ""
    block: tuple["Directive", ...] | None = None

    def all(self, *names: str) -> Iterator["Directive"]:
        """The directives of these names that stand in its block itself."""
        return (one for one in self.block or () if one.name in names)

    def last(self, name: str) -> "Directive | None":
        """The last of a name in its block; None where there is none."""
        return next((one for one in reversed(self.block or ()) if one.name == name), None)

    def __str__(self) -> str:
        return " ".join((self.name, *self.args))


def parse(text: str, file: str = "") -> tuple[Directive, ...]:
    """The directives of a file. ConfigError, with the line, for what nginx would not take. O(characters)."""
    found, closed = _block(_Words(text, file), 0)
    assert closed == ""  # noqa: S101  # only a block ends with a brace
    return found


def _block(words: "_Words", depth: int) -> tuple[tuple[Directive, ...], str]:
    found: list[Directive] = []
    current: list[str] = []
    line = 0
    if depth > 20:
        raise ConfigError(f"{words.where}: blocks within blocks within blocks")
    while True:
        token = words.next()
        if token is None:
            if current or depth:
                raise ConfigError(f"{words.where}: it ends in the middle of {'a directive' if current else 'a block'}")
            return tuple(found), ""
        kind, text = token
        if kind == "word":
            line = line if current else words.line
            current.append(text)
        elif kind == ";":
            if not current:
                raise ConfigError(f"{words.where}: a ; that ends nothing")
            found.append(Directive(current[0], tuple(current[1:]), line, words.file))
            current = []
        elif kind == "{":
            if not current:
                raise ConfigError(f"{words.where}: a block without a name")
            if current[0].endswith(_RAW):
                inner: tuple[Directive, ...] = (Directive("", (words.raw(),), line, words.file),)
            else:
                inner, _ = _block(words, depth + 1)
            found.append(Directive(current[0], tuple(current[1:]), line, words.file, inner))
            current = []
        else:
            if current or not depth:
                raise ConfigError(f"{words.where}: a }} that ends nothing")
            return tuple(found), "}"


class _Words:
    """The words of a text, one after the other."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.line = 1
        self.at = 0

    @property
    def where(self) -> str:
        return f"{self.file or 'nginx.conf'}:{self.line}"

    def next(self) -> tuple[str, str] | None:
        """The next word, or mark; None at the end."""
        self._skip()
        if self.at >= len(self.text):
            return None
        char = self.text[self.at]
        if char in ";{}":
            self.at += 1
            return char, char
        if char in "\"'":
            return "word", self._quoted(char)
        return "word", self._plain()

    def _skip(self) -> None:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\n":
                self.line += 1
            elif char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
                continue
            elif char not in " \t\r":
                return
            self.at += 1

    def _quoted(self, quote: str) -> str:
        start, self.at = self.line, self.at + 1
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == quote:
                self.at += 1
                following = self.text[self.at : self.at + 1]
                if following and following not in " \t\r\n;{)":
                    raise ConfigError(f"{self.where}: {following!r} behind a quoted word")
                return "".join(found)
            found.append(self._char())
        raise ConfigError(f"{self.file or 'nginx.conf'}:{start}: a quote that does not end")

    def _plain(self) -> str:
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "$" and self.text[self.at + 1 : self.at + 2] == "{":
                end = self.text.find("}", self.at)
                if end < 0:
                    raise ConfigError(f"{self.where}: a ${{ that does not end")
                found.append(self.text[self.at : end + 1])
                self.at = end + 1
                continue
            if char in " \t\r\n;{":
                break
            found.append(self._char())
        return "".join(found)

    def _char(self) -> str:
        char = self.text[self.at]
        self.at += 1
        if char == "\n":
            self.line += 1
        if char != "\\" or self.at >= len(self.text):
            return char
        following = self.text[self.at]
        self.at += 1
        if following == "\n":
            self.line += 1
        return _ESCAPES.get(following, char + following)

    def raw(self) -> str:
        """A text up to the brace that closes it, as it stands."""
        depth, start = 1, self.at
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            self.line += char == "\n"
            depth += (char == "{") - (char == "}")
            if not depth:
                return self.text[start : self.at - 1]
        raise ConfigError(f"{self.where}: a block that does not end")
