"""The error of an access document, and "did you mean"."""

from collections.abc import Iterable
from difflib import get_close_matches

from ..errors import InputError, Problem


class AccessError(InputError):
    """An access document, or a part of one, that cannot be used. Carries every problem that was found."""

    @classmethod
    def of(cls, place: str, path: str, message: str) -> "AccessError":
        """An error of a single problem."""
        return cls([Problem(place, path, message)])


class MisplacedError(ValueError):
    """Problems that a rule over several fields of one object found, each at the field that has to change.

    Raised inside validators; whoever reports it puts the object's own path in front.
    """

    def __init__(self, *problems: tuple[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(message for _, message in problems))


def nearest(wrong: str, right: Iterable[str]) -> str:
    """`; did you mean "warehouse"?` for the nearest of the right names; where none is near, those that exist (at most six)."""
    names = sorted(set(right))
    lowered = {name.lower(): name for name in names}
    close = get_close_matches(wrong.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{lowered[close[0]]}"?'
    if not names:
        return "; none is declared"
    shown = ", ".join(f'"{name}"' for name in names[:6])
    return f"; there {'is' if len(names) == 1 else 'are'} {shown}" + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def quoted(value: object) -> str:
    """A value as messages show it: on one line, in double quotes when it is text, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in _text(value))
    text = text if len(text) <= 60 else text[:57] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def _text(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 512:
        return "a very large number"  # Python refuses to print integers of more than 4,300 digits
    try:
        return str(value)
    except Exception:
        return type(value).__name__


def join_path(path: Iterable[str | int]) -> str:
    """A location as people read it: `routes[2].to[0]`, `zones.datacenter.cidrs[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
