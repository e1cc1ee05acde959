"""Goes through logs: first the trail and the proxies' logs, then, once sessions are known, what other gates logged of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from ...logs import NO_LOG, Connection, Reader
from .asking import Question
from .joining import Devices, gaps, join
from .model import Entry, Place, Trail, Unread
from .reading import Foreign, entries, is_ours

UNREAD = 20
"""Lines that cannot be read of which the place is told; others are counted."""
SHOWN = 400
"""Characters of such a line that are kept."""
REASONS = 30
"""Reasons that are told apart."""
Opened = Callable[[str], Iterable[str]]
"""The lines of a log by its name; asked twice where a log has lines of other gates."""
Progress = Callable[[str, int], None]
"""Is told how far it is: so many lines of a log are read."""


def read(
    names: Sequence[str],
    lines_of: Opened,
    question: Question,
    *,
    log_format: str = "",
    once: frozenset[str] = frozenset(),
    tell: Progress | None = None,
) -> Trail:
    """The trail of logs: ask it by `question.answered`. Entries far from the time that is asked for are not kept.

    `log_format`: the fields of a flow log with a custom format. `once`: names that can be read one time alone (standard input):
    other gates' lines in them are counted, and not joined. ValueError for a `log_format` that names no fields.
    """
    Reader(log_format)  # says what is wrong with it before anything is read
    trail, kept, foreign = Trail(), list[Entry](), dict[str, int]()
    for name in names:
        for place, line in _lines(name, lines_of, tell):
            trail.lines += 1
            try:
                for kind, entry in entries(line, place):
                    _count(trail.formats, kind)
                    if entry is None:
                        continue
                    trail.first = min(trail.first or entry.time, entry.time)
                    trail.last = max(trail.last or entry.time, entry.time)
                    if question.near(entry):
                        kept.append(entry)
            except Foreign:
                _count(foreign, name)
            except ValueError as error:
                _unread(trail, place, str(error), line)
    join(kept, trail)
    devices = Devices(trail)
    for name, count in foreign.items():
        if name in once:
            _count(trail.skipped, f"lines of other gates on {name}, which is read once: give them as a file", count)
        else:
            _devices(name, lines_of, log_format, devices, trail, tell)
    trail.notices = gaps(trail, trail.formats)
    return trail


def _devices(name: str, lines_of: Opened, log_format: str, devices: Devices, trail: Trail, tell: Progress | None) -> None:
    """What FortiGates, flow logs and others saw of the sessions, which are known by now."""
    reader = Reader(log_format)
    for place, line in _lines(name, lines_of, tell):
        if is_ours(line):
            continue
        for found in reader.line(place.number, line):
            if isinstance(found, Connection):
                _count(trail.formats, found.format)
                if not devices.add(found, place):
                    _count(trail.skipped, f"{found.format}: of no session here")
            elif found.why == NO_LOG:
                trail.strange_count += 1
                trail.strange = trail.strange or place
            elif found.understood:
                _count(trail.skipped, found.why if len(trail.skipped) < REASONS else "other reasons")
            else:
                _unread(trail, place, found.why, line)


def _lines(name: str, lines_of: Opened, tell: Progress | None) -> Iterator[tuple[Place, str]]:
    for number, line in enumerate(lines_of(name), 1):
        if tell is not None and number % 8192 == 0:
            tell(name, number)
        if line.strip():
            yield Place(name, number), line


def _count(counts: dict[str, int], key: str, more: int = 1) -> None:
    counts[key] = counts.get(key, 0) + more


def _unread(trail: Trail, place: Place, why: str, line: str) -> None:
    trail.unread_count += 1
    if len(trail.unread) < UNREAD:
        trail.unread.append(Unread(place, why, line.strip()[:SHOWN]))
