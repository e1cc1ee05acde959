"""Clearances and exceptions in the terminal, as Markdown and as JSON: who is trusted how far, and where a route leads further."""

from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

from rich.console import Console
from rich.table import Table

from ..access.clearance import Clearance, Exemption, Origin, clearances, exemptions
from ..access.model import Access
from ..gates.stack import Stack
from ..proof.findings import Proof
from .lines import write
from .visible import visible

EXEMPTIONS = "Exceptions in force"
"""The title of the section, in every report."""


def exemptions_in(stack: Stack, proof: Proof) -> tuple[Exemption, ...]:
    """The exceptions that hold when a stack's proof was made; none where it declares no access."""
    from ..gates.declaration import declared_access

    access = declared_access(stack)
    return () if access is None else exemptions(access, proof.at.astimezone(UTC).date())


def show_exemptions(out: Console, found: Sequence[Exemption]) -> None:
    """Lists them all: few, and each somebody's decision."""
    if not found:
        return
    write(out, f"{EXEMPTIONS} ({len(found)})", style="bold yellow")
    for one in found:
        write(out, f"! {one}", style="yellow", indent=2)


def exemptions_to_json(found: Sequence[Exemption]) -> list[dict[str, Any]]:
    """Exceptions in force as plain data."""
    return [
        {
            "route": one.route,
            "zones": list(one.zones),
            "trust": one.trust.value,
            "principals": list(one.principals),
            "reason": one.reason,
            "approvedBy": one.approved_by,
            "expires": one.expires.isoformat(),
            "daysLeft": one.days,
        }
        for one in found
    ]


def show_clearances(out: Console, access: Access, title: str, today: date) -> None:
    """The table of one access file."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("principal", "who", "role", "clearance", "from", "most sensitive route into"):
        table.add_column(heading, overflow="fold")
    for one in clearances(access):
        colour = "" if not one.above else "yellow" if _holds(one, today) else "red"
        who = f"{one.kind}: {', '.join(one.who)}"
        row = (one.principal, who, one.role or "–", one.clearance.value, _origin(one), _furthest(one, today))
        table.add_row(*map(visible, row), style=colour)
    write(out, f"{title}: who is cleared how far", style="bold")
    out.print(table)


def clearances_to_json(access: Access) -> list[dict[str, Any]]:
    """The table as plain data."""
    return [
        {
            "principal": one.principal,
            "kind": one.kind,
            "who": list(one.who),
            "role": one.role,
            "clearance": one.clearance.value,
            "from": one.origin.value,
            "mostSensitive": {"zone": one.zone, "trust": one.trust.value, "route": one.route} if one.trust else None,
            "above": one.above,
            "exception": one.exception.model_dump(mode="json", by_alias=True) if one.exception else None,
        }
        for one in clearances(access)
    ]


def _origin(one: Clearance) -> str:
    return {Origin.PRINCIPAL: "itself", Origin.ROLE: f"role {one.role}", Origin.DEFAULT: "default"}[one.origin]


def _holds(one: Clearance, today: date) -> bool:
    return one.exception is not None and one.exception.expires >= today


def _furthest(one: Clearance, today: date) -> str:
    if one.trust is None:
        return "no route"
    text = f"{one.zone} ({one.trust.value}), by {one.route}"
    if not one.above:
        return text
    if one.exception is None:
        return f"{text}: above its clearance"
    until = "until" if _holds(one, today) else "expired on"
    return f"{text}: by exception {until} {one.exception.expires}"
