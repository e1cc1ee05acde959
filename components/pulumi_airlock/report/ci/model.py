"""Checks and what they found, in the terms that SARIF and JUnit share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """What a result means; the values are SARIF's."""

    ERROR = "error"
    """The command fails for it."""
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file."""

    file: str
    """As it is known: absolute, or relative to the current folder."""
    line: int = 0
    """From 1; 0: the file as a whole."""
    column: int = 0
    """From 1; 0: the line as a whole."""
    end: int = 0
    """The column after the last one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a result is an instance of."""

    id: str
    """`airlock-least-privilege/no-any-any`, `proof/excess`, `access/unknown-name`: never changes, as alerts are kept by it."""
    title: str
    """In one sentence, what it asks for."""
    help: str = ""
    """What to do about its results."""
    url: str = ""
    severity: str = ""
    """`low`, `medium`, `high`, `critical`, or empty."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that was found."""

    rule: str
    level: Level
    message: str
    place: Place
    urn: str = ""
    """The resource; empty where it is about none."""
    subject: str = ""
    """What of it stays the same, whatever line it moves to and whatever else is found: alerts are matched by it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: it passed, failed, or was left out."""

    suite: str
    name: str
    results: tuple[Result, ...] = ()
    skipped: str = ""
    """Why it was left out; empty where it was not."""
    broken: bool = False
    """Whether it could not be carried out, and so neither passed nor failed."""

    @property
    def failed(self) -> bool:
        """Whether the command fails for it."""
        return any(one.level is Level.ERROR for one in self.results)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a command looked at."""

    name: str
    """What was looked at: a stack's name, `access`."""
    checks: tuple[Check, ...]
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """By id: those of the results, and others that had none."""

    @property
    def results(self) -> tuple[Result, ...]:
        """All results, in the order of the checks."""
        return tuple(result for check in self.checks for result in check.results)
