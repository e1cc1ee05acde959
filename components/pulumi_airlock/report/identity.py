"""Identity findings beside the network's proof: in the terminal, as JSON, as Markdown."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console

from ..gates.stack import Stack
from ..identity.findings import IdentityFinding, Severity, sound
from ..identity.proof import identity_findings
from ..identity.read import read_identity
from .lines import write
from .plain import plain
from .visible import visible

SHOWN = 20
"""Errors that are listed; all of them with `verbose`."""
LISTED = 5
"""Warnings that are listed; all of them with `verbose`."""

_TITLES = {
    Severity.ERROR: "Identity: systems disagree with what is declared",
    Severity.WARNING: "Identity: to look at (no failure)",
}


def identity_in(stack: Stack, *, at: datetime | None = None) -> tuple[IdentityFinding, ...]:
    """The identity findings of a stack; none where it says nothing of identity."""
    return identity_findings(stack, at=at)


def show_identity(out: Console, found: Sequence[IdentityFinding], *, verbose: bool = False, brief: bool = False) -> bool:
    """Lists what was found, errors first, each with its fix. Returns whether nothing fails. `brief` leaves warnings out."""
    for severity, most, style in ((Severity.ERROR, SHOWN, "red"), (Severity.WARNING, LISTED, "yellow")):
        mine = [one for one in found if one.severity is severity]
        if not mine or (brief and severity is Severity.WARNING):
            continue
        write(out, f"{_TITLES[severity]} ({len(mine)})", style=f"bold {style}")
        sign = "✗" if severity is Severity.ERROR else "!"
        for one in mine if verbose else mine[:most]:
            write(out, f"{sign} {one}", style=style if severity is Severity.WARNING else "", indent=2)
            write(out, f"fix: {one.fix}", indent=4)
            if verbose and one.urn:
                write(out, one.urn, style="dim", indent=4)
        if len(mine) > most and not verbose:
            write(out, f"… and {len(mine) - most} more: --verbose shows them", style="dim", indent=2)
        out.print()
    return sound(found)


def compared_in(stack: Stack) -> str:
    """What of identity the systems of a stack say, counted; empty where they say nothing that could be compared."""
    reading = read_identity(stack)
    if reading.empty:
        return ""
    counted = {
        "groups": len(reading.groups),
        "sign-in roles": len(reading.sign_ins),
        "task roles": len(reading.task_roles),
        "FortiGate user groups": len({one.name for one in reading.device_groups}),
        "SCIM groups": len({one.name for one in reading.scim_groups}),
    }
    return ", ".join(f"{number} {what}" for what, number in counted.items() if number)


def show_identity_summary(out: Console, found: Sequence[IdentityFinding], compared: str) -> None:
    """The verdict on identity in a line; nothing where nothing was compared."""
    errors = sum(one.severity is Severity.ERROR for one in found)
    if errors:
        write(out, f"✗ identity: {errors} {'error' if errors == 1 else 'errors'} ({compared})", style="bold red")
    elif compared:
        write(out, f"✓ identity: every system says what is declared: {compared}", style="green")


def identity_to_json(found: Sequence[IdentityFinding]) -> dict[str, Any]:
    """The findings as plain data."""
    return {"ok": sound(found), "findings": [plain(one) for one in found]}


def identity_to_markdown(found: Sequence[IdentityFinding]) -> str:
    """A section of the proof's document; empty where there is nothing to say."""
    return "\n\n".join(_sections(found))


def _sections(found: Sequence[IdentityFinding]) -> Iterator[str]:
    from .markdown import said

    for severity, title in _TITLES.items():
        mine = [one for one in found if one.severity is severity]
        if mine:
            lines = [f"- **{said(visible(str(one)))}**\n  - fix: {said(one.fix)}{_resource(one)}" for one in mine]
            yield f"## {title} ({len(mine)})\n\n" + "\n".join(lines)


def _resource(one: IdentityFinding) -> str:
    from .markdown import said

    return f"\n  - resource {said(one.urn)}" if one.urn else ""
