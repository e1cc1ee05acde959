"""No command shows a secret: what a stack marks secret is masked in whatever is printed or written to a file.

Readers, proof and policies look at the values of secrets, which may decide; so one that is a name, or an address, would stand in
their words. The program's own prints are masked too, of the secrets that the configuration has, as the Pulumi CLI does it.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import IO, Any, cast

_known: list[str] = []
"""The forms of all secrets known by now, the longest first: one may hold another."""


def note(secrets: Iterable[str]) -> None:
    """Masks these texts from now on, quoted or escaped as well."""
    from ..offline.packs.masking import forms

    _known[:] = sorted({*_known, *forms(secrets)}, key=len, reverse=True)


def without_secrets(text: str) -> str:
    """The text with `[secret]` for each."""
    from ..gates.sources import MASK

    for form in _known:
        text = text.replace(form, MASK)
    return text


def token_of(environment: Mapping[str, str], name: str) -> str:
    """The token in a variable, masked from now on; empty where it is not set. InputError where it cannot be sent."""
    from ..errors import InputError, Problem

    token = environment.get(name, "").strip()  # of a file that ends with a line
    note([token])
    if not all("!" <= one <= "~" for one in token):
        message = "is no token: it has a space, a line break, or what is not ASCII in it; set it to the token alone"
        raise InputError([Problem("", name, message)])
    return token


@contextmanager
def masking() -> Iterator[None]:
    """Standard output and error without secrets; those noted before are forgotten."""
    _known.clear()
    with redirect_stdout(cast(IO[str], _Masked(sys.stdout))), redirect_stderr(cast(IO[str], _Masked(sys.stderr))):
        yield


class _Masked:
    """A stream that masks what is written to it; all else is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(without_secrets(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
