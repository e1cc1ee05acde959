"""Names and lists that fit: one deterministic way to cut them, for every gate."""

import hashlib
import re
from collections.abc import Sequence

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")
_HASH = 8


def cut_name(limit: int, *parts: str) -> str:
    """The parts joined with `-`, as a name of at most `limit` letters, digits, `.`, `_` and `-`.

    Whatever is cut or replaced is made up for with a hash of the whole: different parts never get one name, the same parts always
    the same.
    """
    raw = "-".join(part for part in parts if part)
    clean = _FORBIDDEN.sub("-", raw)
    if clean == raw and len(raw) <= limit:
        return raw
    digest = hashlib.sha256(raw.encode()).hexdigest()[:_HASH]
    return f"{clean[: limit - _HASH - 1].rstrip('-')}-{digest}"


def cut_list(limit: int, items: Sequence[str]) -> str:
    """As many items as fit in `limit` characters, joined with `; `, and how many more there are."""
    for kept in range(len(items), 0, -1):
        left = len(items) - kept
        text = "; ".join(items[:kept]) + (f"; and {left} more" if left else "")
        if len(text) <= limit:
            return text
    return items[0][: limit - 3] + "..." if items else ""
