"""A trail in the terminal: who reached what, who did not and why, and what happened in each run. As JSON: `timeline_json`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..audit.timeline import Entry, Question, Run, Session, Trail, What, Who
from .lines import console as standard_output
from .lines import write
from .visible import visible

FEW = 3
"""Runs whose timelines are shown without --verbose."""
LISTED = 50
"""Denials that are listed without --verbose."""
SIGNS = {
    What.STARTED: "▶",
    What.ENDED: "■",
    What.OPENED: "✓",
    What.CLOSED: "○",
    What.REFUSED: "✗",
    What.FAILED: "✗",
    What.DROPPED: "✗",
    What.NO_TOKEN: "✗",
    What.NO_CREDENTIAL: "✗",
    What.PASSED: "·",
}
_UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Reached:
    """The sessions of one task, by one agent or none, to one destination."""

    who: Who
    """Of the first of its runs."""
    label: str
    """The task, or what stands for one that is not known."""
    destination: str
    runs: tuple[Run, ...]
    sessions: tuple[Session, ...]

    @property
    def first(self) -> datetime:
        """When the first one was let through."""
        return min(one.opened for one in self.sessions if one.opened)

    @property
    def last(self) -> datetime | None:
        """When the last one ended; None: one of them did not, as far as logs tell."""
        closed = [one.closed for one in self.sessions]
        return None if None in closed else max(one for one in closed if one)

    @property
    def bytes_in(self) -> int:
        """From the destination."""
        return sum(one.bytes_in for one in self.sessions)

    @property
    def bytes_out(self) -> int:
        """To the destination."""
        return sum(one.bytes_out for one in self.sessions)

    @property
    def seen_by(self) -> tuple[str, ...]:
        """Whose logs show them."""
        return tuple(sorted({by for one in self.sessions for by in one.seen_by}))


@dataclass(frozen=True)
class Denied:
    """A task was kept out of something, for one reason."""

    label: str
    """The task."""
    destination: str
    run: Run
    """The first run that was."""
    entries: tuple[Entry, ...]
    """What tells of it, by time."""

    @property
    def entry(self) -> Entry:
        """The first one."""
        return self.entries[0]

    @property
    def count(self) -> int:
        """How often."""
        return len(self.entries)


@dataclass(frozen=True)
class Shown:
    """What is shown: the trail, and the runs of it that answer the question."""

    trail: Trail
    question: Question
    runs: list[Run]
    zone: ZoneInfo
    logs: tuple[str, ...] = ()

    def reached(self) -> list[Reached]:
        """Which task reached what, by time."""
        found: dict[tuple[str, ...], tuple[str, dict[int, Run], list[Session]]] = {}
        for run in self.runs:
            who, label = run.who, named(run, of_many=True)
            for one in run.sessions:
                if one.reached:
                    where = one.destination or one.target
                    key = (who.environment, label, who.principal, who.assurance, who.agent_id, where)
                    _, runs, sessions = found.setdefault(key, (where, {}, []))
                    runs[id(run)] = run
                    sessions.append(one)
        rows = [
            Reached(next(iter(runs.values())).who, key[1], where, tuple(runs.values()), tuple(sessions))
            for key, (where, runs, sessions) in found.items()
        ]
        return sorted(rows, key=lambda row: row.first)

    def denied(self) -> list[Denied]:
        """Which task was kept out of what and why, by time."""
        found: dict[tuple[str, ...], tuple[Run, list[Entry]]] = {}
        for run in self.runs:
            label = named(run, of_many=True)
            for where, entry in _denials(run):
                key = (label, where, run.who.environment, run.who.agent_id, entry.kind, entry.gate, entry.rule)
                found.setdefault(key, (run, []))[1].append(entry)
        rows = [
            Denied(key[0], key[1], run, tuple(sorted(entries, key=lambda one: one.time))) for key, (run, entries) in found.items()
        ]
        return sorted(rows, key=lambda one: one.entry.time)

    @property
    def asked(self) -> str:
        """The question in words."""
        asked = self.question
        parts = [
            f"to {asked.to}" if asked.to else "",
            f"by {asked.who}" if asked.who else "",
            f"run {asked.run}" if asked.run else "",
        ]
        if asked.start and asked.end:
            parts.append(f"from {self.moment(asked.start)} until {self.moment(asked.end)} {self.zone.key}")
        elif asked.start or asked.end:
            parts.append(f"since {self.moment(asked.start)}" if asked.start else f"until {self.moment(asked.end)}")
        return ", ".join(filter(None, parts)) or "everything"

    def moment(self, at: datetime | None) -> str:
        """An instant on the clock of the time zone."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S}" if at else ""


def _denials(run: Run) -> Iterator[tuple[str, Entry]]:
    for session in run.sessions:
        if (entry := session.denial) is not None and not session.reached:
            yield session.destination or session.target, entry
    for entry in run.entries:
        if entry.what.is_denial:
            yield entry.destination, entry


def named(run: Run, *, of_many: bool = False) -> str:
    """A run in few words; `of_many`: its task alone, which many runs share."""
    who = run.who
    if not who.task:
        return visible(f"unknown task ({run.correlation or _caller(run)})")
    mapped = f"[{who.map_index}]" if who.map_index >= 0 else ""
    again = f" try {who.try_number}" if who.try_number > 1 else ""
    return visible(who.task if of_many else f"{who.task}{mapped}{again}")


def _caller(run: Run) -> str:
    """Where somebody came from who is not known by name."""
    return next((one.client.rpartition(":")[0] for one in run.all() if one.client), "") or "from anywhere"


def amount(count: int) -> str:
    """Bytes for a person: `1.5 MB`."""
    size = float(count)
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def why(entry: Entry) -> str:
    """Why somebody was kept out; the provider says it in a sentence of its own."""
    if entry.by == "provider" and entry.text:
        return visible(entry.text)
    rule = f", rule {entry.rule}" if entry.rule else ""
    return visible(f"{entry.kind or entry.what.value}: {entry.gate or entry.by}{rule}{': ' + entry.text if entry.text else ''}")


def show_trail(shown: Shown, console: Console | None = None, *, verbose: bool = False) -> None:
    """Shows who reached what, who was kept out, timelines of few runs or of all, and what could not be read."""
    out = console or standard_output()
    reached, denied = shown.reached(), shown.denied()
    if reached:
        out.print(_table(shown, reached), soft_wrap=not out.is_terminal)
        out.print()
    _show_denied(out, shown, denied, verbose)
    if verbose or len(shown.runs) <= FEW:
        for run in shown.runs:
            _show_run(out, shown, run)
    elif shown.runs:
        write(out, "--verbose shows the timeline of each run, --run CORRELATION that of one.", style="dim")
    _show_unread(out, shown.trail)
    _show_summary(out, shown, reached, denied)


def _table(shown: Shown, rows: list[Reached]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    numbers = ("runs", "sessions", "in", "out")
    for title in ("", "task", "principal", "identity", "reached", *numbers, "first", "last", "seen by"):
        table.add_column(title, justify="right" if title in numbers else "left", overflow="fold")
    for row in rows:
        cells = (
            "✓",
            row.label,
            row.who.principal,
            identity(row.who),
            row.destination,
            str(len(row.runs)),
            str(len(row.sessions)),
            amount(row.bytes_in),
            amount(row.bytes_out),
            shown.moment(row.first),
            shown.moment(row.last) or "no end seen",
            ", ".join(row.seen_by),
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def identity(who: Who) -> str:
    """What an identity is worth, and on whose behalf it acts."""
    return ", ".join(filter(None, (who.assurance, f"agent {who.agent_id}" if who.agent_id else "")))


def _show_denied(out: Console, shown: Shown, denied: list[Denied], verbose: bool) -> None:
    if not denied:
        return
    write(out, f"Kept out ({sum(one.count for one in denied)})", style="bold red")
    for one in denied if verbose else denied[:LISTED]:
        last = one.entries[-1].time
        times = f" ({one.count} times, the last at {shown.moment(last)})" if one.count > 1 else ""
        where = f" → {visible(one.destination)}" if one.destination else ""
        write(out, f"✗ {shown.moment(one.entry.time)}  {one.label}{where}{times}", indent=2, style="red")
        write(out, f"{why(one.entry)}", indent=4)
        write(out, str(one.entry.place), indent=4, style="dim")
    if len(denied) > LISTED and not verbose:
        write(out, f"… and {len(denied) - LISTED} more: --verbose lists them", indent=2, style="dim")
    out.print()


def _show_run(out: Console, shown: Shown, run: Run) -> None:
    who = run.who
    parts = [who.principal, f"identity {who.assurance}" if who.assurance else "", f"agent {who.agent_id}" if who.agent_id else ""]
    write(out, Text(named(run), style="bold").append(f"  {visible(who.run_id)}", style="default"))
    about = "  ".join(filter(None, (*parts, who.environment, run.correlation)))
    if about:
        write(out, visible(about), indent=2, style="dim")
    for entry in run.all():
        style = "red" if entry.what.is_denial else "green" if entry.what is What.OPENED else ""
        text = Text(f"{entry.time.astimezone(shown.zone):%H:%M:%S.%f}"[:-3] + f"  {SIGNS.get(entry.what, '·')} ", style=style)
        write(out, text.append(described(entry)).append(f"  {entry.place}", style="dim"), indent=2)
    out.print()


def described(entry: Entry) -> str:
    """What an entry tells, in one line."""
    where = f" {entry.destination}" if entry.destination else ""
    at = f" ({entry.target})" if entry.target and entry.target != entry.destination else ""
    by = "" if entry.by == "provider" else f" at {entry.by}"
    more = ""
    if entry.what is What.CLOSED:
        more = f", {amount(entry.bytes_in)} in, {amount(entry.bytes_out)} out" + (
            f", ended by {entry.text}" if entry.text else ""
        )
    elif entry.what.is_denial:
        more = f": {why(entry)}"
    elif entry.text and entry.what is not What.OPENED:
        more = f": {entry.text}"
    if entry.rule and entry.what is What.PASSED:
        more = f" by {entry.rule}"
    if entry.joined == "time":
        more += " (joined by time alone)"
    return visible(f"{entry.what.value}{where}{at}{by}{more}")


def _show_unread(out: Console, trail: Trail) -> None:
    if not trail.unread_count:
        return
    write(out, f"Cannot be read ({trail.unread_count} lines)", style="bold yellow")
    for one in trail.unread:
        shown = visible(one.text)
        write(out, f"{one.place}: {visible(one.why)}: {shown[:160]}{'…' * (len(shown) > 160)}", indent=2, style="yellow")
    if trail.unread_count > len(trail.unread):
        write(out, f"… and {trail.unread_count - len(trail.unread)} more", indent=2, style="dim")
    out.print()


def _show_summary(out: Console, shown: Shown, reached: list[Reached], denied: list[Denied]) -> None:
    trail = shown.trail
    for count in left_out(trail):
        write(out, count, label="Not shown: ", style="dim")
    for note in notes(shown):
        write(out, note, label="Note: ", style="yellow")
    formats = ", ".join(f"{number} {name}" for name, number in sorted(trail.formats.items())) or "nothing that tells of tasks"
    write(out, f"{trail.lines} line{'s' * (trail.lines != 1)}: {formats}.")
    sessions = sum(len(row.sessions) for row in reached)
    tasks = len({row.label for row in reached})
    kept_out = sum(one.count for one in denied)
    text = (
        f"{visible(shown.asked)}: {tasks} task{'s' * (tasks != 1)} reached "
        f"{len({row.destination for row in reached})} destination{'s' * (len({row.destination for row in reached}) != 1)} "
        f"in {sessions} session{'s' * (sessions != 1)}; kept out {kept_out} time{'s' * (kept_out != 1)}."
    )
    write(out, text, style="bold")


def left_out(trail: Trail) -> list[str]:
    """What was read and tells nothing of a task."""
    found = [f"{number} × {visible(name)}" for name, number in trail.skipped.items()]
    if trail.strange_count:
        found.append(f"{trail.strange_count} × a line of no log that is known here, the first at {trail.strange}")
    return found


def notes(shown: Shown) -> list[str]:
    """What an answer leaves open."""
    trail, found = shown.trail, list(shown.trail.notices)
    if trail.lost:
        found.append(f"{trail.lost} events are lost, by the provider's own count: the trail is not whole")
    if trail.unread_count:
        found.append(f"{trail.unread_count} lines cannot be read: the trail is not whole")
    start, end = shown.question.start, shown.question.end
    if trail.first is None:
        found.append("no log given has an event of a task, or a line of Airlock's proxy")
    elif (start and trail.first > start) or (end and trail.last and trail.last < end):
        found.append(f"the first line given is of {shown.moment(trail.first)}, the last of {shown.moment(trail.last)}")
    return found
