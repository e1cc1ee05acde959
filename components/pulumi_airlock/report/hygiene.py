"""What to tidy up, in the terminal and as JSON: what ends soon or has ended, names that lead nowhere, objects that nothing uses.

Warnings all of them: none of it makes a proof fail.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from ..gates import read_all
from ..gates.declaration import declared_access
from ..gates.references import Fault, Reference
from ..gates.stack import Stack
from ..proof.expiring import DAYS, Expiring, expiring
from .lines import write

_SHOWN = 10
"""Of a kind; all of them with `verbose`."""


def expiring_in(stack: Stack, *, at: datetime | None = None, days: int = DAYS) -> tuple[Expiring, ...]:
    """What ends soon in a stack, or has ended; nothing where it declares no access."""
    access = declared_access(stack)
    return () if access is None else expiring(access, read_all(stack).filters, at=at or datetime.now(UTC), days=days)


def show_expiring(out: Console, found: Sequence[Expiring], *, verbose: bool = False) -> None:
    """Lists what ends soon and what has ended, each with what to do."""
    if not found:
        return
    ended = sum(one.expired for one in found)
    parts = [f"{ended} ended" if ended else "", f"{len(found) - ended} soon" if len(found) > ended else ""]
    write(out, f"Ends soon, or has ended ({', '.join(filter(None, parts))})", style="bold yellow")
    for one in found if verbose else found[:_SHOWN]:
        write(out, f"! {one.message}", style="red" if one.expired else "yellow", indent=2)
        write(out, one.advice, indent=4)
        if verbose:
            for rule in one.rules:
                write(out, f"ends with it: {rule}", style="dim", indent=4)
    _show_more(out, len(found), verbose)


def show_references(out: Console, found: Sequence[Reference], *, verbose: bool = False) -> None:
    """Lists undefined names, then what nothing uses."""
    titles = {Fault.UNDEFINED: "Names that nothing defines", Fault.UNUSED: "Defined, and used by nothing"}
    for fault, title in titles.items():
        mine = [one for one in found if one.fault is fault]
        if not mine:
            continue
        write(out, f"{title} ({len(mine)})", style="bold yellow")
        for one in mine if verbose else mine[:_SHOWN]:
            write(out, f"! {one.gate}: {one.message}", style="yellow", indent=2)
            if verbose and one.urn:
                write(out, f"{one.urn}{f' {one.position}' if one.position else ''}", style="dim", indent=4)
        _show_more(out, len(mine), verbose)


def _show_more(out: Console, number: int, verbose: bool) -> None:
    if number > _SHOWN and not verbose:
        write(out, f"… and {number - _SHOWN} more: --verbose lists them", style="dim", indent=2)


def expiring_to_json(found: Sequence[Expiring]) -> list[dict[str, Any]]:
    """What ends, as plain data."""
    return [
        {
            "kind": one.ending.value,
            "name": one.name,
            "gate": one.gate or None,
            "end": one.end.astimezone(UTC).isoformat(),
            "lastDay": one.last_day.isoformat(),
            "daysLeft": one.days,
            "owners": list(one.owners),
            "message": one.message,
            "advice": one.advice,
            "rules": [str(rule) for rule in ((one.rule,) if one.rule else one.rules)],
        }
        for one in found
    ]


def references_to_json(found: Sequence[Reference]) -> list[dict[str, Any]]:
    """References as plain data."""
    return [
        {
            "fault": one.fault.value,
            "gate": one.gate,
            "what": one.what,
            "name": one.name,
            "urn": one.urn,
            "position": one.position,
            "nearest": one.nearest or None,
            "message": one.message,
        }
        for one in found
    ]
