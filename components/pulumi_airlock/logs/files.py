"""Logs as they lie there: plain, compressed, or on standard input; line by line, never as a whole."""

import gzip
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError, Problem
from ..unreadable import why

STDIN = "-"
LONGEST = 1 << 20
"""Bytes of a line that are read; what is longer is no line of a log."""
_GZIP, _PARQUET, _ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"


def check_files(names: Sequence[str]) -> None:
    """InputError, with every one of them, where files cannot be read."""
    problems = []
    for name in names:
        if name == STDIN:
            if names.count(STDIN) > 1:
                problems.append(Problem("", STDIN, "standard input can be read once: name it once"))
            continue
        path = Path(name)
        if path.is_dir():
            problems.append(Problem(name, "", "is a folder: name the files in it, as in `folder/*.gz`"))
        else:
            try:
                with path.open("rb") as file:
                    if file.read(4) == _PARQUET:
                        problems.append(
                            Problem(name, "", "is Parquet: let flow logs be written as plain text, or export it as JSON")
                        )
                    elif file.seek(0) == 0 and file.read(4) == _ZIP:
                        problems.append(Problem(name, "", "is a ZIP archive: unpack it first; gzip is read as it is"))
            except OSError as error:
                problems.append(Problem(name, "", why(error)))
    if problems:
        raise InputError(problems)


def lines_of(name: str) -> Iterator[str]:
    """The lines of a file, of standard input (`-`), or of what is compressed in one (gzip). Bytes that are no UTF-8 are escaped.

    InputError where it breaks off in the middle: a compressed file that is damaged.
    """
    with _opened(name) as file:
        try:
            yield from _lines(file)
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            raise InputError([Problem(name, "", f"breaks off: {error}")]) from None


def _opened(name: str) -> BinaryIO:
    raw: BinaryIO = io.BufferedReader(io.FileIO(sys.stdin.fileno(), closefd=False)) if name == STDIN else Path(name).open("rb")  # noqa: SIM115
    peeked = raw.peek(2)[:2] if isinstance(raw, io.BufferedReader) else b""
    return gzip.open(raw, "rb") if peeked == _GZIP else raw  # type: ignore[return-value]


def _lines(file: BinaryIO) -> Iterator[str]:
    while line := file.readline(LONGEST):
        yield line.decode("utf-8", "backslashreplace")
