"""Names, texts and times as ZPA takes them."""

import re
from datetime import timedelta

from ..naming import cut_list, cut_name

NAME = 255
"""Characters of an object's name. The admin portal takes letters, digits, spaces, `.`, `-` and `_` (help.zscaler.com,
"Configuring Defined Application Segments"); the length is common for such fields, and not tried against a tenant."""
DESCRIPTION = 255
"""Characters of a description: short of whatever ZPA takes, so that nothing is cut by it."""
SHORTEST_TIMEOUT = timedelta(minutes=10)
"""The shortest re-authentication (terraform-provider-zpa, `validateTimeoutIntervals`)."""

_IN_TEXT = re.compile(r"[<>\"'`\\\s]+")


def takes_name(name: str) -> bool:
    """Whether ZPA takes a name: its characters and its length."""
    return bool(re.fullmatch(r"[A-Za-z0-9 ._-]+", name)) and len(name) <= NAME and name == name.strip()


def tenant_name(*parts: str) -> str:
    """The parts as a name that ZPA takes. It never depends on an object's content, so that no change of it needs another name."""
    return cut_name(NAME, *parts)


def tenant_text(text: str) -> str:
    """A description without the characters that admin portals refuse."""
    return _IN_TEXT.sub(" ", text).strip()


def listed_text(items: list[str]) -> str:
    """As many items as fit into a description, joined with `; `, and how many more there are."""
    return cut_list(DESCRIPTION, [tenant_text(item) for item in items])


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
