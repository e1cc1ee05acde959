"""What a sink is, and how its settings are checked: every mistake at once, before anything is written."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..ecs import to_ecs
from ..ocsf import Event

MAPPINGS: Mapping[str, Callable[[Event], Event]] = {"ocsf": lambda event: event, "ecs": to_ecs}
TIMEOUT = 10.0
"""Seconds that one attempt to write may take: it is a sink's thread that waits, never a task."""


class UnacceptableError(Exception):
    """The other side took the events for wrong, as they are: writing them again would not help."""


class Sink(Protocol):
    """Where events go. Used by one thread alone."""

    batch: int
    """Events that are written at once, at most."""

    def write(self, events: Sequence[Event]) -> None:
        """Writes them all. OSError where it may work later; UnacceptableError where it never will."""

    def close(self) -> None:
        """Lets go of what is open; a later `write` opens it again."""


class Settings:
    """One sink's settings while they are read. `problems` collects what is wrong with them."""

    def __init__(self, place: str, given: Mapping[str, Any], problems: list[str]) -> None:
        self._place, self._given, self._problems = place, given, problems
        self._known = {"kind", "mapping"}

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it is needed."""
        self._known.add(name)
        value = self._given.get(name, default)
        if isinstance(value, str) and (value or default is not None):
            return value
        self.problem(f"{name} is missing" if value in (None, "") else f"{name} is no text: {value!r}")
        return ""

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 1."""
        self._known.add(name)
        value = self._given.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        self.problem(f"{name} is no number from 1 to {most:,}: {value!r}")
        return default

    def file(self, name: str) -> str:
        """The path of a file that can be read; empty where none is given."""
        path = self.text(name, "")
        if path and not Path(path).is_file():
            self.problem(f"{name}: there is no file {path!r}")
        return path

    def choice(self, name: str, default: str, of: Sequence[str]) -> str:
        """One of several words."""
        value = self.text(name, default)
        if value not in of:
            self.problem(f"{name} is {value!r}; it is one of {', '.join(of)}")
        return value

    def given(self, name: str) -> bool:
        """Whether it is set."""
        self._known.add(name)
        return bool(self._given.get(name))

    def problem(self, message: str) -> None:
        """Notes what is wrong."""
        self._problems.append(f"{self._place}: {message}")

    def end(self) -> None:
        """Notes what no sink of this kind has."""
        for name in sorted(set(self._given) - self._known):
            self.problem(f"{name!r} is no setting of this kind; it has {', '.join(sorted(self._known))}")


def tls_context(ca: str = "", certificate: str = "", key: str = "") -> ssl.SSLContext:
    """TLS 1.2 or later, the other side verified by `ca` (a file) or the system's authorities; a client certificate if given."""
    context = ssl.create_default_context(cafile=ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(certificate, key or None)
    return context


def line_of(event: Event) -> str:
    """An event as one line of JSON."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False, default=str)
