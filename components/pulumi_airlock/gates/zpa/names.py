"""Names, texts and times as ZPA takes them, and one deterministic way to cut them."""

import hashlib
import re
from datetime import timedelta

NAME = 255
"""Characters of an object's name. The admin portal takes letters, digits, spaces, `.`, `-` and `_` (help.zscaler.com,
"Configuring Defined Application Segments"); the length is common for such fields, and not tried against a tenant."""
DESCRIPTION = 255
"""Characters of a description: short of whatever ZPA takes, so that nothing is cut by it."""
SHORTEST_TIMEOUT = timedelta(minutes=10)
"""The shortest re-authentication (terraform-provider-zpa, `validateTimeoutIntervals`)."""

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")
_IN_TEXT = re.compile(r"[<>\"'`\\\s]+")
_HASH = 8


def takes_name(name: str) -> bool:
    """Whether ZPA takes a name: its characters and its length."""
    return bool(re.fullmatch(r"[A-Za-z0-9 ._-]+", name)) and len(name) <= NAME and name == name.strip()


def tenant_name(*parts: str) -> str:
    """The parts joined with `-`, as a name that ZPA takes.

    Whatever is cut or replaced is made up for with a hash of the whole: different parts never get one name, the same parts always
    the same. Names never depend on an object's content, so that no change of it needs another name.
    """
    raw = "-".join(part for part in parts if part)
    clean = _FORBIDDEN.sub("-", raw)
    if clean == raw and len(raw) <= NAME:
        return raw
    digest = hashlib.sha256(raw.encode()).hexdigest()[:_HASH]
    return f"{clean[: NAME - _HASH - 1].rstrip('-')}-{digest}"


def tenant_text(text: str) -> str:
    """A description without the characters that admin portals refuse."""
    return _IN_TEXT.sub(" ", text).strip()


def listed_text(items: list[str]) -> str:
    """As many items as fit into a description, joined with `; `, and how many more there are."""
    clean = [tenant_text(item) for item in items]
    for kept in range(len(clean), 0, -1):
        left = len(clean) - kept
        text = "; ".join(clean[:kept]) + (f"; and {left} more" if left else "")
        if len(text) <= DESCRIPTION:
            return text
    return clean[0][: DESCRIPTION - 3] + "..." if clean else ""


def timeout_text(length: timedelta) -> str:
    """A timeout as the provider reads it back: `10 Minutes`, `2 Hours`, `1 Day`.

    It reads back the largest unit alone (90 minutes come back as `1 Hour`, and differ for ever): what is no whole number of its
    largest unit is made shorter, never longer.
    """
    minutes = int(length.total_seconds() // 60)
    for unit, size in (("Day", 1440), ("Hour", 60), ("Minute", 1)):
        if minutes >= size:
            number = minutes // size
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "0 Minutes"


def timeout_length(text: str) -> timedelta | None:
    """What a timeout's text means; None for `Never`. ValueError when it means nothing."""
    if text.strip().lower() in ("never", "-1"):
        return None
    found = re.fullmatch(r"\s*(\d+)\s*(second|minute|hour|day)s?\s*", text, re.IGNORECASE)
    if not found:
        raise ValueError(f"{text!r} is no timeout: write 10 Minutes, 2 Hours, 1 Day or Never")
    return timedelta(**{f"{found[2].lower()}s": int(found[1])})
