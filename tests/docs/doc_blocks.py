"""Every code block of README.md and docs/, with what says how it is to be checked.

A block says by its language what it is. What that leaves open, an HTML comment right above it says, which no reader sees:

- `<!-- not run: why -->` above commands or a program that this machine cannot run;
- `<!-- shown: name -->` above an output: a function of `doc_shown` makes it anew;
- `<!-- drawing -->` above a drawing.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
COMMANDS = (
    *("airlock", "pulumi", "make", "pip", "python -m", "python3", "openssl", "git", "curl", "jq", "psql"),
    *("export", "open ", "mkdir", ". "),
)
"""What a block of commands without a language begins with."""
SHELL = {"sh", "bash", "shell", "console"}
TEXT = {"", "text"}

_MARK = re.compile(r"<!--\s*(not run|shown|drawing)(?::\s*(.*?))?\s*-->\s*", re.DOTALL)
_PREFIX = re.compile(r"^(\$ )?(\.venv/bin/)?")


@dataclass(frozen=True, slots=True)
class Block:
    """One code block of a page."""

    page: str
    """Its path in the repository."""
    line: int
    language: str
    """The first word after the fence, or `shell` for a block of commands without one."""
    title: str
    """The file that the reader is to write, of `title="…"`."""
    text: str
    mark: str = ""
    said: str = ""
    """What the mark says after its colon."""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_shell(self) -> bool:
        return self.language in SHELL

    @property
    def output(self) -> str:
        """What a `console` block shows below its last command."""
        return self.text.rpartition("$ ")[2].partition("\n")[2] if self.language == "console" else ""

    @property
    def commands(self) -> list[str]:
        """Its commands, without prompts and comments; an indented line, and one after a backslash, goes on with the last."""
        found: list[str] = []
        lines = self.text.splitlines()
        if self.language == "console":
            lines = [line for line in lines if line.startswith("$ ")]
        for line in lines:
            if found and (line.startswith(" ") or found[-1].endswith("\\")):
                found[-1] = found[-1].removesuffix("\\").rstrip() + " " + line.strip()
            elif line.strip() and not line.startswith("#"):
                found.append(_PREFIX.sub("", line, count=1))
        return found


def pages() -> list[str]:
    """README.md and every page of docs/."""
    return ["README.md", *sorted(str(one.relative_to(ROOT)) for one in (ROOT / "docs").rglob("*.md"))]


@cache
def blocks(page: str) -> tuple[Block, ...]:
    """The code blocks of a page, in order."""
    found, mark = [], ("", "")
    for token in MarkdownIt("commonmark").parse((ROOT / page).read_text(encoding="utf-8")):
        if token.type == "html_block":
            marked = _MARK.fullmatch(token.content)
            mark = (marked[1], marked[2] or "") if marked else ("", "")
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            found.append(_block(page, token.map[0] + 1, token.info.strip(), token.content, mark))
            mark = ("", "")
        elif token.level == 0:
            mark = ("", "")
    return tuple(found)


def _block(page: str, line: int, info: str, text: str, mark: tuple[str, str]) -> Block:
    title = re.search(r'title="([^"]+)"', info)
    language = info.split(" ")[0] if info else ""
    first = _PREFIX.sub("", text.split("\n")[0], count=1)
    if language in TEXT and not mark[0].startswith(("shown", "drawing")) and first.startswith(COMMANDS):
        language = "shell"
    return Block(page, line, language, title[1] if title else "", text, *mark)


def of(*languages: str) -> list[Block]:
    """All blocks in these languages that are not marked as not run."""
    return [one for page in pages() for one in blocks(page) if one.language in languages and one.mark != "not run"]
