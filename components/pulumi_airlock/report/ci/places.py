"""Where findings of a stack are shown: at the line of the program that makes a resource, at the line of a route.

What has neither is shown at the stack's settings, or at the file that the stack was read from.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ...access import Access, Reading, read
from ...access.document import Document
from ...gates.stack import Stack
from .model import Place

_MARK = b"apiVersion"
_HEAD = 4096
"""Bytes in which an access file says what it is."""
_FOREIGN = frozenset({"node_modules", "site-packages", "__pycache__"})
"""Folders whose files are nobody's own."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The root of a repository, which CI systems take files to be relative to."""

    root: Path

    @classmethod
    def of(cls, folder: Path) -> "Folder":
        """The repository that a folder is in; where it is in none, the folder itself."""
        here = folder.absolute()
        return cls(next((one for one in (here, *here.parents) if (one / ".git").exists()), here))

    def relative(self, file: str) -> str:
        """A file as the repository knows it, with `/`; what is outside of it as it is."""
        path = Path(os.path.abspath(file))
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else Path(file).as_posix()

    def uri(self, file: str) -> str:
        """The same as a reference of RFC 3986."""
        return quote(self.relative(file), errors="surrogatepass")


class Places:
    """Places for what is found in one stack."""

    def __init__(self, stack: Stack, otherwise: Place, reading: Reading | None = None) -> None:
        """`otherwise`: where to show what has no place. `reading`: the access file that the stack declares, where it is known."""
        self._stack, self._otherwise = stack, otherwise
        self._document: Document | None = reading.document if reading else None
        access = reading.access if reading else None
        self._routes = {route.name: number for number, route in enumerate(access.routes)} if access else {}

    def resource(self, urn: str) -> Place | None:
        """The line of the program that made a resource, or what it is a part of; None where nothing tells."""
        found = self._stack.find(urn)
        places = [one.place for one in (found, *found.ancestors()) if one.place] if found else []
        return parsed_place(places[0]) if places else None

    def route(self, name: str) -> Place | None:
        """The line of a route."""
        return self._at("routes", self._routes[name]) if name in self._routes else None

    def expectation(self, number: int) -> Place:
        """The line of an expectation, by its number in the file."""
        return self._at("expect", number) or self.access

    @property
    def access(self) -> Place:
        """The access file as a whole, or what stands for it."""
        return Place(self._document.path) if self._document else self._otherwise

    @property
    def otherwise(self) -> Place:
        """Where to show what has no place."""
        return self._otherwise

    def _at(self, *loc: str | int) -> Place | None:
        span = self._document.span(loc) if self._document else None
        return Place(self._document.path, span.line, span.column, span.end) if self._document and span else None


def parsed_place(text: str) -> Place:
    """`access/prod.yaml:31` as a place."""
    file, _, line = text.rpartition(":")
    return Place(file, int(line)) if file and line.isdecimal() else Place(text)


def declared_in(access: Access | None, stack: str, *folders: Path) -> Reading | None:
    """The access file that says exactly what a stack declares, of those in these folders and below.

    A stack does not tell which file its program read. None where nothing is declared, or no file says just that.
    """
    if access is None:
        return None
    today = datetime.now(UTC).date()
    candidates = sorted(set(_candidates(folders)), key=lambda one: (one.stem != stack, one))
    readings = (read(one, today) for one in candidates)
    return next((one for one in readings if one.access == access), None)


def _candidates(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        for above, inner, names in os.walk(folder):
            inner[:] = [one for one in inner if not one.startswith(".") and one not in _FOREIGN]
            for name in names:
                path = Path(above, name)
                if path.suffix in (".yaml", ".yml") and _may_be_access(path):
                    yield path


def _may_be_access(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return _MARK in head and b"airlock/" in head
