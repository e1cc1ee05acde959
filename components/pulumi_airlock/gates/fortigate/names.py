"""Names and texts as FortiOS takes them: lengths and characters."""

from ..naming import cut_list, cut_name

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

_IN_TEXT = str.maketrans({"(": "[", ")": "]", "<": "[", ">": "]", "#": " ", '"': " ", "'": " ", "\\": "/", "\n": " ", "\t": " "})
"""FortiOS refuses these in text ("The string contains XSS vulnerability characters"), so that they never reach it."""


def device_name(limit: int, *parts: str) -> str:
    """The parts joined with `-`, as a name of at most `limit` characters."""
    return cut_name(limit, *parts)


def device_text(text: str) -> str:
    """A comment without the characters that FortiOS refuses."""
    return " ".join(text.translate(_IN_TEXT).split())


def listed_text(limit: int, items: list[str]) -> str:
    """As many items as fit in `limit` characters, joined with `; `, and how many more there are."""
    return cut_list(limit, [device_text(item) for item in items])
