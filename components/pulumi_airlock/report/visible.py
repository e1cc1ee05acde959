"""Text that cannot mislead the eye: characters that reorder or hide others are shown by their codes."""

import re

_UNSEEN = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
"""Control characters, what has no width, and what turns the writing direction (Unicode TR36, "Bidirectional Text Spoofing")."""


def visible(text: str) -> str:
    """The text with each such character as `\\u202e`; letters of every script stay as they are."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
