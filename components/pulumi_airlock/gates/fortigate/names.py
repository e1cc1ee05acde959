"""Names and texts as FortiOS takes them: lengths, characters, and one deterministic way to cut."""

import hashlib
import re

POLICY_NAME = 35
OBJECT_NAME = 79
"""Addresses, address groups, services."""
SCHEDULE_NAME = 31
USER_GROUP_NAME = 35
SAML_NAME = 35
CERTIFICATE_NAME = 35
INTERFACE_NAME = 35
"""A zone's name may have 35 characters, an interface's 15; policies name either."""
POLICY_COMMENT = 1023
OBJECT_COMMENT = 255
"""Lengths: FortiOS 7.4 CLI reference, `config firewall policy`, `address`, `service custom`, `schedule`, `user group`,
`user saml`."""

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")
_HASH = 8
_IN_TEXT = str.maketrans({"(": "[", ")": "]", "<": "[", ">": "]", "#": " ", '"': " ", "'": " ", "\\": "/", "\n": " ", "\t": " "})
"""FortiOS refuses these in text ("The string contains XSS vulnerability characters"), so that they never reach it."""


def device_name(limit: int, *parts: str) -> str:
    """The parts joined with `-`, as a name of at most `limit` characters.

    Whatever is cut or replaced is made up for with a hash of the whole: different parts never get one name, the same parts always
    the same.
    """
    raw = "-".join(part for part in parts if part)
    clean = _FORBIDDEN.sub("-", raw)
    if clean == raw and len(raw) <= limit:
        return raw
    digest = hashlib.sha256(raw.encode()).hexdigest()[:_HASH]
    return f"{clean[: limit - _HASH - 1].rstrip('-')}-{digest}"


def device_text(text: str) -> str:
    """A comment without the characters that FortiOS refuses."""
    return " ".join(text.translate(_IN_TEXT).split())


def listed_text(limit: int, items: list[str]) -> str:
    """As many items as fit in `limit` characters, joined with `; `, and how many more there are."""
    clean = [device_text(item) for item in items]
    for kept in range(len(clean), 0, -1):
        left = len(clean) - kept
        text = "; ".join(clean[:kept]) + (f"; and {left} more" if left else "")
        if len(text) <= limit:
            return text
    return clean[0][: limit - 3] + "..." if clean else ""
