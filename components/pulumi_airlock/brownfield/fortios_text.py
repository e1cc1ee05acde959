"""The text of a FortiGate's configuration backup as a tree: `config`, `edit`, `set`, `next`, `end`, nested as deep as they come.

What the words mean is `fortios`'s business. Costs O(characters).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import Problems

_PLAIN = re.compile(r'"([^"\\]*)"|([^\s"\'\\]+)')
_SIMPLE = re.compile(r'\s*(?:(?:"[^"\\]*"|[^\s"\'\\]+)(?:\s+|$))*')


@dataclass(slots=True)
class Node:
    """A table (`config firewall policy`), or one entry of it (`edit 7`)."""

    name: str
    """The table's words, or the entry's key."""
    line: int
    settings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """Where each of them is set."""
    entries: "list[Node]" = field(default_factory=list)
    tables: "list[Node]" = field(default_factory=list)

    def text(self, key: str, default: str = "") -> str:
        """A setting's values, joined with spaces; `default` where it is not set, or to nothing."""
        return " ".join(self.settings.get(key, ())) or default

    def values(self, key: str) -> tuple[str, ...]:
        """A setting's values."""
        return tuple(one for one in self.settings.get(key, ()) if one)

    def table(self, name: str) -> "Node | None":
        """The nested table of this name."""
        return next((one for one in self.tables if one.name == name), None)

    def line_of(self, key: str) -> int:
        """Where a setting stands; where the entry begins, if it is not set."""
        return self.lines.get(key, self.line)


def is_backup(text: str) -> bool:
    """Whether a text begins as backups do: with their header, or with a table."""
    first = next((line for line in text.lstrip("\ufeff").splitlines() if line.strip()), "")
    return first.startswith("#config-version=") or re.match(r"\s*config\s+\w", first) is not None


def parse(text: str, name: str, problems: Problems) -> Node:
    """The tree of a backup; its root holds the tables. What is wrong with it goes to `problems`, each with its line."""
    return _Parser(name, problems).parse(text.lstrip("\ufeff"))


class _Parser:
    def __init__(self, name: str, problems: Problems) -> None:
        self._name, self._problems = name, problems
        self._open: list[tuple[Node, bool]] = [(Node("", 0), True)]
        """From the root inwards: each node, and whether it is a table."""

    def parse(self, text: str) -> Node:
        for line, words in self._commands(text):
            self._command(line, words)
        if len(self._open) > 1:
            node, is_table = self._open[-1]
            what = f"config {node.name}" if is_table else f"edit {node.name}"
            self._wrong(node.line, f"`{what}` never ends: the backup is cut off; take it again")
        return self._open[0][0]

    def _wrong(self, line: int, message: str) -> None:
        self._problems.add("", message, place=f"{self._name}:{line}")

    # Words

    def _commands(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """(line, words) of each command. A quoted value may run over several lines."""
        lines = text.split("\n")
        number = 0
        while number < len(lines):
            start, raw = number + 1, lines[number]
            number += 1
            if not raw or raw.lstrip().startswith("#"):
                continue
            if "\\" not in raw and "'" not in raw and _SIMPLE.fullmatch(raw):
                words = [quoted or bare for quoted, bare in _PLAIN.findall(raw)] if '"' in raw else raw.split()
            else:
                words, number = self._quoted(lines, number - 1)
            if words:
                yield start, words

    def _quoted(self, lines: list[str], number: int) -> tuple[list[str], int]:
        """The words of a command with escapes or a value of several lines, and the number of the line behind it."""
        start, words, word, quote = number + 1, list[str](), list[str](), ""
        begun = False
        while number < len(lines):
            characters = iter(lines[number])
            number += 1
            for one in characters:
                if one == "\\" and quote != "'":
                    word.append(next(characters, "\n"))
                    begun = True
                elif quote:
                    quote = "" if one == quote else quote
                    word += [one] if quote else []
                elif one in "\"'":
                    quote, begun = one, True
                elif one.isspace():
                    words += ["".join(word)] if begun else []
                    word, begun = [], False
                else:
                    word.append(one)
                    begun = True
            if not quote:
                return [*words, *(["".join(word)] if begun else [])], number
            word.append("\n")
        self._wrong(start, "a quoted value never ends: the backup is cut off; take it again")
        return [], number

    # Commands

    def _command(self, line: int, words: list[str]) -> None:
        node, is_table = self._open[-1]
        match words[0], words[1:]:
            case "config", [_, *_] as rest:
                found = Node(" ".join(rest), line)
                node.tables.append(found)
                self._open.append((found, True))
            case "edit", [key] if is_table and len(self._open) > 1:
                found = Node(key, line)
                node.entries.append(found)
                self._open.append((found, False))
            case "set", [key, *values]:
                node.settings[key] = tuple(values)
                node.lines[key] = line
            case "unset", [key]:
                node.settings.pop(key, None)
            case "append", [key, *values]:
                node.settings[key] = (*node.settings.get(key, ()), *values)
                node.lines[key] = line
            case "next", [] if not is_table:
                self._open.pop()
            case "end", [] if len(self._open) > 1:
                if not is_table:  # the last entry of a table may go without `next`
                    self._open.pop()
                self._open.pop()
            case _:
                shown = " ".join(words)[:60]
                fix = "write config, edit, set, unset, append, next or end; each `config` has its `end`"
                self._wrong(line, f"`{shown}` means nothing here: {fix}")
