"""Lines of text in a terminal: wrapped at words and indented as a whole; in a log, which has no width, never wrapped."""

from rich.console import Console
from rich.text import Text

UNLIMITED = 10_000
"""The width of a log."""


def console() -> Console:
    """Standard output. A log has no width: nothing is cut there."""
    found = Console(highlight=False)
    if not found.is_terminal:
        found.width = UNLIMITED
    return found


def write(out: Console, text: str | Text, *, style: str = "", indent: int = 0, label: str = "") -> None:
    """Writes one paragraph: its first line indented by `indent`, further ones by two more, or below what follows the label."""
    found = Text(text, style=style) if isinstance(text, str) else text
    hang = len(label) or 2
    room = max(20, out.width - indent - hang)
    for number, line in enumerate(found.wrap(out, room)):
        line.rstrip()
        before = label if number == 0 else " " * hang
        out.print(Text(" " * indent + before) + line, soft_wrap=True)
