"""Previews of many stacks, as one: a table in the terminal, JSON, and a comment for a pull request."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .comment import MOST, code
from .lines import write

MARK = "<!-- airlock-fleet -->"
"""The comment's first line, which no one sees: a bot finds its own comment by it."""
NAMED = 5
"""Findings of a stack that are named; all of them are in its reports."""
_WORST = (1, 2, 3)
_VERDICTS = {0: "all well", 1: "fails", 2: "a policy is violated", 3: "not proven"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the preview of one stack came to."""

    stack: str
    status: int
    """The exit status of `airlock preview`; for whatever else ended it, 1."""
    error: str = ""
    """Why there is nothing more to say: the program or a file is wrong."""
    resources: int = 0
    changes: int = 0
    mandatory: int = 0
    """Violations of policies that fail a preview."""
    advisory: int = 0
    proven: bool = False
    """Whether there was something to prove."""
    excess: int = 0
    blocked: int = 0
    unproven: int = 0
    expectations: int = 0
    """Expectations that do not hold."""
    identity: int = 0
    """Errors of identity."""
    findings: tuple[str, ...] = ()
    """What fails it, each in a line with its place."""
    seconds: float = 0.0
    megabytes: float = 0.0
    """The most memory that the program had, and that its packs had, added up: no more was needed at any time."""
    difference: str = ""
    """What access differs from the base revision, in words; empty where it was not compared."""
    comment: str = ""
    """The same as Markdown; empty where no access differs."""

    @property
    def verdict(self) -> str:
        """The status in words."""
        return _VERDICTS.get(self.status, f"ended with status {self.status}")


def worst(outcomes: Sequence[Outcome]) -> int:
    """The exit status of all: that a program or file is wrong (1) comes before a violated policy (2) and a failed proof (3)."""
    found = {one.status if one.status in _VERDICTS else 1 for one in outcomes}
    return next((status for status in _WORST if status in found), 0)


def line(one: Outcome) -> Text:
    """One stack in a line, told when it is done."""
    sign, style = ("✓", "green") if one.status == 0 else ("✗", "bold red")
    detail = f"  {one.difference}" if one.difference else ""
    return Text.assemble((f"{sign} ", style), (one.stack, "bold"), f"  {one.verdict}", (f"{detail}  {one.seconds:.1f} s", "dim"))


def show_fleet(out: Console, outcomes: Sequence[Outcome], *, reports: str = "") -> None:
    """What failed, then a table of all stacks, then how many of them hold."""
    for one in outcomes:
        if one.status:
            _show_failing(out, one, reports)
    compared = any(one.difference for one in outcomes)
    table = Table(box=None, pad_edge=False)
    for heading in ("stack", "", *(["access"] if compared else [])):
        table.add_column(heading)
    headings = (
        "resources",
        "changes",
        "violations",
        "advisory",
        "excess",
        "blocked",
        "unproven",
        "expectations",
        "identity",
        "s",
        "MB",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for one in outcomes:
        style = "green" if one.status == 0 else "bold red"
        cells = [Text(one.stack, "bold"), Text(one.verdict, style), *([Text(one.difference or "–")] if compared else [])]
        table.add_row(*cells, *_numbers(one))
    out.print(table)
    failing = [one for one in outcomes if one.status]
    if failing:
        write(
            out, f"✗ {len(failing)} of {_stacks(len(outcomes))} fail: {', '.join(one.stack for one in failing)}", style="bold red"
        )
    else:
        write(out, f"✓ {_stacks(len(outcomes))}: all well", style="green")


def _stacks(number: int) -> str:
    return f"{number} stack{'' if number == 1 else 's'}"


def _show_failing(out: Console, one: Outcome, reports: str) -> None:
    write(out, f"{one.stack}: {one.verdict}", style="bold red")
    for told in [one.error] if one.error else one.findings[:NAMED]:
        for text in told.splitlines():
            write(out, text, indent=2)
    more = f"… and {len(one.findings) - NAMED} more: " if len(one.findings) > NAMED else ""
    where = f"{reports}/{one.stack}.txt" if reports else f"airlock preview --stack {one.stack}"
    write(out, f"{more}see {where}", style="dim", indent=2)
    out.print()


def _numbers(one: Outcome) -> list[str]:
    if one.error:
        return [*["–"] * 9, f"{one.seconds:.1f}", f"{one.megabytes:.0f}" if one.megabytes else "–"]
    proof = (one.excess, one.blocked, one.unproven, one.expectations, one.identity)
    shown = [str(number) if one.proven else "–" for number in proof]
    counts = map(str, (one.resources, one.changes, one.mandatory, one.advisory))
    return [*counts, *shown, f"{one.seconds:.1f}", f"{one.megabytes:.0f}"]


def to_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The same as plain data."""
    return {"ok": worst(outcomes) == 0, "stacks": [{**asdict(one), "verdict": one.verdict} for one in outcomes]}


def to_markdown(outcomes: Sequence[Outcome], *, base: str = "") -> str:
    """The comment for a pull request: verdict, table, what fails, and what access differs, as far as a comment has room."""
    failing = [one for one in outcomes if one.status]
    verdict = f"❌ **{len(failing)} of {_stacks(len(outcomes))} fail**" if failing else f"✅ {_stacks(len(outcomes))}: all well"
    text = f"{MARK}\n### Airlock: {verdict}\n\n{_table(outcomes, base)}"
    for one in failing:
        told = [one.error] if one.error else list(one.findings[:NAMED])
        text += f"\n**{code(one.stack)}: {one.verdict}**\n\n" + "".join(f"- {code(each)}\n" for each in told)
    left = []
    for one in outcomes:
        part = f"\n<details><summary>{code(one.stack)}: {one.difference}</summary>\n\n{one.comment}\n</details>\n"
        if one.comment and len(text) + len(part) <= MOST:
            text += part
        elif one.comment:
            left.append(one.stack)
    if left:
        names = ", ".join(map(code, left))
        text += f"\nToo long for a comment: `airlock diff {base} --stack NAME` shows the access of {names}.\n"
    return text


def _table(outcomes: Sequence[Outcome], base: str) -> str:
    compared = [f"access since {code(base)}"] if base else []
    head = ["stack", "", "resources", "violations", "excess", "blocked", "unproven", *compared]
    lines = [head, ["---"] * len(head)]
    for one in outcomes:
        sign = "✅" if one.status == 0 else f"❌ {one.verdict}"
        numbers = [one.resources, one.mandatory, one.excess, one.blocked, one.unproven]
        cells = ["–" if one.error else str(number) for number in numbers]
        lines.append([code(one.stack), sign, *cells, *([one.difference or "–"] if base else [])])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
