"""What a check finds: a finding has a severity, a code to look it up by, a place, and a message that says what would be right."""

from dataclasses import dataclass
from enum import StrEnum

from .errors import join_path


class Severity(StrEnum):
    """Whether a finding makes the document unusable."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    """Something to know, and nothing wrong: not for `--strict` either."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check of an access document found."""

    severity: Severity
    code: str
    """What kind of finding it is (`session-over-window`): docs/access-file.md lists them."""
    loc: tuple[str | int, ...]
    """Where in the document: keys and indices."""
    message: str
    place: str = ""
    """`access/prod.yaml:31`, where the document came from a file."""
    line: int | None = None
    column: int | None = None
    end: int | None = None
    """The columns of the value on its line, from 1, end exclusive."""

    @property
    def path(self) -> str:
        """The location as people read it, `routes[2].to[0]`."""
        return join_path(self.loc)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.message) if part)


def error(code: str, loc: tuple[str | int, ...], message: str) -> Finding:
    """A finding that makes the document unusable."""
    return Finding(Severity.ERROR, code, loc, message)


def warning(code: str, loc: tuple[str | int, ...], message: str) -> Finding:
    """A finding to look at."""
    return Finding(Severity.WARNING, code, loc, message)


def notice(code: str, loc: tuple[str | int, ...], message: str) -> Finding:
    """A finding that says what is so on purpose."""
    return Finding(Severity.NOTICE, code, loc, message)
