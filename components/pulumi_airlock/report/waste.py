"""The analysis of waste in the terminal, and its JSON twin."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console

from ..gates import read_all
from ..gates.declaration import required_access
from ..gates.stack import Stack
from ..proof.filters import Source
from ..proof.waste import Count, Waste, waste
from ..proof.waste.words import match_text
from .lines import write

LISTED = 5
"""Findings of a kind that are shown; all of them with `verbose`."""


def waste_in(stack: Stack, *, at: datetime) -> Waste:
    """The waste in a stack. InputError where it declares no access."""
    reading = read_all(stack)
    return waste(required_access(stack), reading.environments, reading.written, at=at)


def show_waste(out: Console, found: Waste, verbose: bool = False) -> None:
    """Shows how many rules each gate has over the fewest possible, then what could go or be merged.

    `verbose` counts every filter, lists every finding, and says how each lower bound is known.
    """
    write(out, "Rules, and the fewest possible", style="bold")
    for gate, counts in _by_gate(found.counts):
        write(out, f"- {_gate_line(gate, counts)}", indent=2)
        for one in counts:
            if verbose or (len(counts) > 1 and one.rules > one.least):
                write(out, f"- {one.message.removeprefix(f'{gate}, ')}", style="dim", indent=4)
    for title, lines in (
        ("Rules that never decide", found.shadowed),
        ("Rules that can go, all of these together", found.redundant),
        ("Rules that could be one", found.mergeable),
        ("Routes that can go, all of these together", found.routes),
        ("There for nothing", found.vacuous),
    ):
        _show(out, title, [one.message for one in lines], verbose)
    if not found.findings:
        write(out, "✓ no rule and no route is there for nothing", style="green")
    elif not verbose:
        write(out, "(--verbose counts every filter and lists every finding)", style="dim", indent=2)


def _by_gate(counts: Iterable[Count]) -> Iterable[tuple[str, list[Count]]]:
    found: dict[str, list[Count]] = {}
    for one in counts:
        found.setdefault(one.gate, []).append(one)
    return found.items()


def _gate_line(gate: str, counts: Sequence[Count]) -> str:
    if len(counts) == 1:
        one = counts[0]
        return one.message.replace(", ", ": ", 1) if one.gate else one.message
    rules, least = sum(one.rules for one in counts), sum(one.least for one in counts)
    exact = all(one.exact for one in counts)
    known = f"{least} (exact)" if exact else f"at least {least}, {sum(one.most for one in counts)} are enough"
    return f"{gate}: {rules} rules in {len(counts)} filters, fewest possible {known}"


def _show(out: Console, title: str, lines: Sequence[str], verbose: bool) -> None:
    if not lines:
        return
    write(out, f"{title} ({len(lines)})", style="bold")
    shown = lines if verbose or len(lines) <= LISTED else lines[: LISTED - 1]
    for line in shown:
        write(out, f"- {line}", indent=2)
    if len(shown) < len(lines):
        write(out, f"- … and {len(lines) - len(shown)} more: --verbose lists them", style="dim", indent=2)


def to_json(found: Waste) -> dict[str, Any]:
    """The analysis as plain data: a list of findings for each kind, and the counts, each with its message."""
    return {
        "at": found.at.isoformat(),
        "shadowed": [
            {"message": one.message, **_where(one.gate, one.filter), "rule": _source(one.rule), "by": _sources(one.by)}
            for one in found.shadowed
        ],
        "redundant": [
            {
                "message": one.message,
                **_where(one.gate, one.filter),
                "rule": _source(one.rule),
                "instead": _sources(one.instead),
                "default": one.default,
            }
            for one in found.redundant
        ],
        "mergeable": [
            {
                "message": one.message,
                **_where(one.gate, one.filter),
                "rules": _sources(one.rules),
                "differs": one.differs,
                "into": match_text(one.into),
            }
            for one in found.mergeable
        ],
        "routes": [
            {"message": one.message, "route": one.route, "by": list(one.by), "differs": list(one.differs)} for one in found.routes
        ],
        "vacuous": [
            {"message": one.message, **_where(one.gate, one.filter), "rule": _source(one.rule) if one.rule else None}
            for one in found.vacuous
        ],
        "counts": [
            {
                "message": one.message,
                **_where(one.gate, one.filter),
                "rules": one.rules,
                "least": one.least,
                "most": one.most,
                "exact": one.exact,
                "bound": one.bound,
            }
            for one in found.counts
        ],
    }


def _where(gate: str, name: str) -> dict[str, str]:
    return {"gate": gate, "filter": name}


def _sources(sources: Iterable[Source]) -> list[dict[str, str]]:
    return [_source(one) for one in sources]


def _source(one: Source) -> dict[str, str]:
    return {"urn": one.urn, "position": one.position, "label": one.label}
