"""A difference in the terminal, and its JSON twin."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ..proof.difference import Change, Difference, Finding, How, Kind, Part, Reach
from ..proof.findings import Outcome, Row, Witness
from ..proof.wording import MOST
from .lines import console as standard_output
from .lines import write
from .rows import SIGNS, row_words

SHOWN = 20
"""Findings of a kind that are shown with their paths; of the others only how many there are."""
LISTED = 5
"""Changes without effect that are listed; all of them with `verbose`."""

TITLES = {
    Kind.ADDED: "Added: let through now, and not before",
    Kind.REMOVED: "Removed: let through before, and not now",
    Kind.UNCERTAIN: "Now uncertain: something unknown decides",
    Kind.CERTAIN: "Now certain: nothing unknown decides any more",
    Kind.DECLARED: "Declared now; the gates do the same as before",
    Kind.UNDECLARED: "Declared no more; the gates do the same as before",
}
DECLARATIONS = {Kind.DECLARED: "Declared now", Kind.UNDECLARED: "Declared no more"}
_STYLES = {
    Kind.ADDED: ("+", "green"),
    Kind.REMOVED: ("-", "red"),
    Kind.UNCERTAIN: ("?", "yellow"),
    Kind.CERTAIN: ("=", "cyan"),
    Kind.DECLARED: ("+", "cyan"),
    Kind.UNDECLARED: ("-", "cyan"),
}
HOW_SIGNS = {How.ADDED: "+", How.REMOVED: "-", How.CHANGED: "~", How.MOVED: "↕"}


def show(found: Difference, names: tuple[str, str], console: Console | None = None, *, verbose: bool = False) -> None:
    """Shows a difference: what came and went, each with the changes behind it and what the gates did before and do now.

    `names` say what was compared. `verbose` shows every finding with its whole path, and every change without effect.
    """
    out = console or standard_output()
    write(out, f"{names[0]} → {names[1]}{f', gate {found.only} alone' if found.only else ''}", style="bold")
    if found.declarations:
        write(out, "Only what is declared is compared: an access file by itself has no gates.", style="dim")
    out.print()
    for kind, title in titles(found).items():
        same = found.of(kind)
        if not same:
            continue
        write(out, f"{title} ({len(same)})", style=f"bold {_STYLES[kind][1]}")
        for one in same if verbose else same[:SHOWN]:
            _show_finding(out, one, verbose)
        if len(same) > SHOWN and not verbose:
            write(out, f"… and {len(same) - SHOWN} more: --verbose shows them", indent=2)
        out.print()
    _show_ineffective(out, found.ineffective, verbose)
    style = "green" if found.same else "bold red" if found.excess else "bold"
    write(out, verdict(found), style=style)


def titles(found: Difference) -> Mapping[Kind, str]:
    """The kinds in the order in which they are told."""
    return DECLARATIONS if found.declarations else TITLES


def verdict(found: Difference) -> str:
    """The whole in one line."""
    what = "declaration" if found.declarations else f"access through {found.only}" if found.only else "access"
    if found.same:
        return f"✓ no {what} differs{_of_changes(found)}"
    counts = [f"{len(found.of(kind))} {kind.value}" for kind in titles(found) if found.of(kind)]
    excess = len(found.excess)
    worst = f"✗ {excess} excess: " if excess else ""
    return f"{worst}{', '.join(counts)}{_of_changes(found)}"


def _of_changes(found: Difference) -> str:
    if not found.changes:
        return ""
    changes = f"{len(found.changes)} change{'s' if len(found.changes) != 1 else ''}"
    idle = len(found.ineffective)
    return f" ({changes}{f', {idle} without effect' if idle else ''})"


def _show_finding(out: Console, one: Finding, verbose: bool) -> None:
    sign, style = ("✗", "bold red") if one.excess else _STYLES[one.kind]
    write(out, f"{sign} {one.message}", indent=2, style=style if one.excess else "")
    _show_parts(out, one.parts)
    for change in one.changes:
        write(out, f"{HOW_SIGNS[change.how]} {change}", indent=4, label="by " if change is one.changes[0] else "   ")
        if verbose and change.urn:
            write(out, f"{change.urn} {change.position}".rstrip(), style="dim", indent=9)
    if one.witness is not None:
        write(out, f"witness: {one.witness}", style="cyan", indent=4)
    _show_paths(out, one, verbose)


def _show_parts(out: Console, parts: Sequence[Part]) -> None:
    """Who has what, where the message names only some or mixes them."""
    if len(parts) == 1 and len(parts[0].reaches) == 1 and len(parts[0].principals) <= MOST:
        return
    for part in parts:
        lines = [Reach(", ".join(names), *rest) for rest, names in alike(part.reaches)]
        if len(lines) == 1:
            write(out, f"{', '.join(part.principals)}: {lines[0]}", style="dim", indent=4)
            continue
        write(out, f"{', '.join(part.principals)}:", style="dim", indent=4)
        for line in lines:
            write(out, f"- {line}", style="dim", indent=6)


def alike(reaches: Sequence[Reach]) -> list[tuple[tuple[str, str, str], list[str]]]:
    """Destinations that are reached on the same ports at the same times: (services, when, requests) with their names."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in reaches:
        found.setdefault((one.services, one.when, one.requests), []).append(one.destination)
    return list(found.items())


def _show_paths(out: Console, one: Finding, verbose: bool) -> None:
    same = []
    for before, after in row_pairs(one):
        if before is not None and after is not None and before.outcome is after.outcome and not verbose:
            same.append(f"{after.gate} ({after.filter.name}): {after.outcome.value}")
            continue
        row = after or before
        if row is None:
            continue
        write(out, Text(row.gate, style="bold") + Text(f"  {row.filter.name}", style="default"), indent=4)
        for label, each, there in (("before: ", before, bool(one.path_before)), ("now:    ", after, bool(one.path))):
            write(out, row_line(each, there), indent=6, label=label, style=_row_style(each))
    if same:
        write(out, f"as before: {', '.join(same)}", style="dim", indent=4)


def row_pairs(one: Finding) -> list[tuple[Row | None, Row | None]]:
    """The filters on the way before and now, side by side."""
    before, after = ({(row.gate, row.filter.name): row for row in path} for path in (one.path_before, one.path))
    return [(before.get(key), after.get(key)) for key in dict.fromkeys((*before, *after))]


def row_line(row: Row | None, there: bool) -> str:
    """What a filter does, or that it is not on the way."""
    if row is None:
        return "does not stand on the way" if there else "nobody is there"
    words = row_words(row)
    said = f"{SIGNS[row.outcome]} {words.says}" + (f" ({words.resource})" if words.resource else "")
    return f"{said}; {row.detail}" if row.detail else said


def _row_style(row: Row | None) -> str:
    return {Outcome.ALLOW: "green", Outcome.DENY: "red", Outcome.UNKNOWN: "yellow"}[row.outcome] if row else "dim"


def _show_ineffective(out: Console, changes: Sequence[Change], verbose: bool) -> None:
    if not changes:
        return
    write(out, f"Changed, and no access differs for it ({len(changes)})", style="bold")
    shown = changes if verbose or len(changes) <= LISTED else changes[: LISTED - 1]
    for one in shown:
        write(out, f"{HOW_SIGNS[one.how]} {one}", indent=2)
    if len(shown) < len(changes):
        write(out, f"… and {len(changes) - len(shown)} more: --verbose lists them", style="dim", indent=2)
    out.print()


# --- JSON


def to_json(found: Difference, names: tuple[str, str]) -> dict[str, Any]:
    """A difference as plain data."""
    return {
        "old": names[0],
        "new": names[1],
        "at": found.at.isoformat(),
        "same": found.same,
        "excess": len(found.excess),
        "counts": {kind.value: len(found.of(kind)) for kind in Kind},
        "gate": found.only or None,
        "gates": list(found.gates),
        "declarationsOnly": found.declarations,
        "hostsCompared": found.compared,
        "findings": [_finding(one) for one in found.findings],
        "changesWithoutEffect": [_change(one) for one in found.ineffective],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "message": one.message,
        "excess": one.excess,
        "parts": [
            {
                "principals": list(part.principals),
                "reaches": [
                    {"destination": to.destination, "services": to.services, "when": to.when, "requests": to.requests}
                    for to in part.reaches
                ],
            }
            for part in one.parts
        ],
        "before": one.before.value if one.before else None,
        "after": one.after.value if one.after else None,
        "standingBefore": one.standing_before.value,
        "standing": one.standing.value,
        "routesBefore": list(one.routes_before),
        "routes": list(one.routes),
        "changes": [_change(change) for change in one.changes],
        "witness": None if one.witness is None else _witness(one.witness),
        "pathBefore": _rows(one.path_before),
        "path": _rows(one.path),
    }


def _change(one: Change) -> dict[str, Any]:
    return {
        "what": one.what.value,
        "how": one.how.value,
        "name": one.name,
        "gate": one.gate or None,
        "urn": one.urn or None,
        "position": one.position or None,
        "detail": list(one.detail),
    }


def _witness(one: Witness) -> dict[str, Any]:
    return {
        "principal": one.principal,
        "task": one.task,
        "source": one.source,
        "host": one.host,
        "protocol": one.protocol,
        "port": one.port,
        "time": one.time.isoformat(),
        "timezone": one.timezone,
        "operation": None if one.operation is None else {"method": one.operation.method, "path": one.operation.path},
        "running": sorted(one.running),
    }


def _rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {
            "gate": row.gate,
            "filter": row.filter.name,
            "kind": row.filter.kind.value,
            "outcome": row.outcome.value,
            "rule": {"urn": row.source.urn, "position": row.source.position, "label": row.source.label},
            "why": row.why,
        }
        for row in rows
    ]
