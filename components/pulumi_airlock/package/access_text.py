"""An access file as a program in another language gives it: its text, or where it is."""

from functools import lru_cache
from pathlib import Path

from ..access import Access, load, loads


def read_access(given: str) -> Access:
    """The access of a text, or of the file that a single line names. AccessError, with every problem at its line."""
    written = "\n" in given.strip() or given.lstrip().startswith("{")
    return _read(given) if written else load(Path(given))


@lru_cache(maxsize=8)
def _read(text: str) -> Access:
    """Each gate of a program is given the same text: it is read once."""
    return loads(text)
