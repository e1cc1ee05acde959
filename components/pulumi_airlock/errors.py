"""The one family of errors: every problem of an input at once, each with its place and its fix."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input.

    `place` is where (`access/prod.yaml:31`, or a resource's name), `path` what (`routes[2].to[0]`), `message` the offending
    value and
    what would be right.
    """

    place: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.message) if part)


class AirlockError(Exception):
    """Base of every error that Airlock raises on purpose."""


class InputError(AirlockError, ValueError):
    """Input that cannot be used: a file, an argument, a program. Carries every problem that was found, each once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """Collects problems while a value is checked, so that they are raised together.

    >>> problems = Problems("finance")
    >>> problems.add("max_workers", "26 is over 25, the most that mw1.small takes")
    >>> problems.raise_any()
    Traceback (most recent call last):
    pulumi_airlock.errors.InputError: finance: max_workers: 26 is over 25, the most that mw1.small takes
    """

    def __init__(self, place: str, error: type[InputError] = InputError) -> None:
        self._place = place
        self._error = error
        self._problems: list[Problem] = []

    def add(self, path: str, message: str, place: str | None = None) -> None:
        """Notes a problem; nothing is raised yet."""
        self._problems.append(Problem(self._place if place is None else place, path, message))

    @contextmanager
    def noting(self, path: str) -> Iterator[None]:
        """Notes what its block raises of a value: a ValueError at `path`, an InputError where that says it is."""
        try:
            yield
        except InputError as error:
            self._problems += error.problems
        except ValueError as error:
            self.add(path, str(error))

    def __len__(self) -> int:
        return len(self._problems)

    def error(self) -> InputError:
        """Every problem noted so far, as one error."""
        return self._error(self._problems)

    def raise_any(self) -> None:
        """Raises every problem noted so far as one error; does nothing where there is none."""
        if self._problems:
            raise self.error()
