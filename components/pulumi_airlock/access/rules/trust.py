"""Checks of how far routes lead: none into a zone above its principals' clearance, but for exceptions that end."""

from collections.abc import Iterator
from datetime import date

from ..clearance import Exceeding, Origin, clearance_of, exceeding
from ..draft import Draft
from ..errors import quoted
from ..findings import Finding, error, notice, warning
from ..model import Access, Principal
from .routes import SOON


def above_clearance(draft: Draft, today: date) -> Iterator[Finding]:
    """A route into a zone above its principals' clearance: an error, and so again once its exception has expired.

    An exception that holds is told as long as it does; one that nothing needs is to be taken out.
    """
    access = draft.partial()
    found: dict[int, list[Exceeding]] = {}
    for one in exceeding(access):
        if all(_known(draft, access, principal) for principal in one.principals):
            found.setdefault(one.index, []).append(one)
    # Positions among the valid entries → those in the document.
    for position, (index, route) in enumerate(draft.routes.items()):
        parts = found.get(position, [])
        if route.exception is None:
            yield from (_refused(access, index, one) for one in parts)
        elif parts:
            yield _excepted(access, index, parts, today)
        elif _understood(draft, access, index):
            message = f"route {quoted(route.name)} leads into no zone above its principals' clearance: take the exception out"
            yield warning("exception-unneeded", ("routes", index, "exception"), message)


def _known(draft: Draft, access: Access, principal: Principal) -> bool:
    """Whether a principal's clearance is: not when two have its name, or when it is its role's, and the role is wrong."""
    if sum(name == principal.name for _, name in draft.names["principals"]) > 1:
        return False
    of_role = principal.clearance is None and principal.role in draft.declared("roles")
    return not of_role or any(one.name == principal.role for one in access.roles)


def _understood(draft: Draft, access: Access, index: int) -> bool:
    """Whether all of what a route names is valid in itself."""
    route = draft.routes[index]
    principals = {one.name: one for one in access.principals}
    places = {one.name: one.zone for one in access.destinations}
    people = all(name in principals and _known(draft, access, principals[name]) for name in route.from_)
    return people and all(places.get(name) in access.zones for name in route.to)


def _refused(access: Access, index: int, one: Exceeding) -> Finding:
    who = _cleared(access, one.principals)
    names = " or ".join(sorted({quoted(role) for principal in one.principals if (role := _role(access, principal))}))
    raised = (
        f"give role {names} clearance: {one.trust.value}" if names else f"write clearance: {one.trust.value} on the principal"
    )
    message = (
        f"zone {quoted(one.zone)} has trust {one.trust.value}, and {who}: {raised} if they are trusted so far, take them out, "
        "or write an exception with reason, approvedBy and expires"
    )
    return error("trust-above-clearance", ("routes", index, "to", one.position), message)


def _excepted(access: Access, index: int, parts: list[Exceeding], today: date) -> Finding:
    exception, loc = parts[0].route.exception, ("routes", index, "exception", "expires")
    assert exception is not None  # noqa: S101  # asked before
    principals = tuple(dict.fromkeys(principal for part in parts for principal in part.principals))
    zones = " and ".join(dict.fromkeys(f"{quoted(part.zone)} (trust {part.trust.value})" for part in parts))
    what = f"into zone {zones}, although {_cleared(access, principals)}"
    left = (exception.expires - today).days
    if left < 0:
        message = (
            f"expired on {exception.expires}, {_days(-left)} ago: route {quoted(parts[0].route.name)} leads {what}; "
            "take the route out, raise the clearance, or have the exception approved again"
        )
        return error("exception-expired", loc, message)
    approved = f"{quoted(exception.approved_by)} approved it: {exception.reason}"
    if left <= SOON.days:
        when = "today is the last day of" if left == 0 else f"expires in {_days(left)}:"
        return warning("exception-expires-soon", loc, f"{when} the exception that leads {what}; {approved}")
    return notice("exception-in-force", loc, f"until {exception.expires} an exception leads {what}; {approved}")


def _cleared(access: Access, principals: tuple[Principal, ...]) -> str:
    """`"etl" is cleared for medium (by role "finance")`, of each."""
    told = []
    for one in principals:
        clearance, origin = clearance_of(access, one)
        by = {
            Origin.PRINCIPAL: "its own clearance",
            Origin.ROLE: f"by role {quoted(one.role)}",
            Origin.DEFAULT: "nothing says more",
        }
        told.append(f"{quoted(one.name)} is cleared for {clearance.value} ({by[origin]})")
    return " and ".join(told)


def _role(access: Access, principal: Principal) -> str | None:
    """The role that decides, or could."""
    if principal.clearance is not None:
        return None
    return next((one.name for one in access.roles if one.name == principal.role), None)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
