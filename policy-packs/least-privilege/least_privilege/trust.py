"""Policies on trust zones: no declared route leads into a zone above its principals' clearance, but by exceptions that end.

`airlock check` and loading say the same of an access file; these judge what the stack declares, however that was made.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pulumi_airlock.tokens import ACCESS
from pulumi_policy import EnforcementLevel, Severity

from .controls import Soc2
from .dates import TODAY, day_of, judged_on
from .reading import UNKNOWN, Resource, Stack
from .registry import Config, Findings, setting, stack_policy, undecided, wrong

_LEVELS = ("low", "medium", "high")


@stack_policy(
    "trust-above-clearance",
    types=(ACCESS,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Raise the clearance of the principal or its role, take the route out, or have an exception approved that expires.",
    settings=TODAY,
)
def above_clearance(stack: Stack, config: Config) -> Findings:
    """No route leads into a zone above its principals' clearance, unless an exception holds."""
    for found in _declared(stack):
        for route, path in found.routes():
            if route is None:
                yield undecided(found.resource, path)
            else:
                yield from _judged(found, route, path, judged_on(config))


@stack_policy(
    "trust-exception-expires-soon",
    types=(ACCESS,),
    severity=Severity.LOW,
    soc2=Soc2.CC6_3,
    fix="Raise the clearance, let the route go, or have the exception approved again.",
    level=EnforcementLevel.ADVISORY,
    settings=TODAY | {"days": setting("How long before its end an exception is announced.", 14)},
)
def exception_expires_soon(stack: Stack, config: Config) -> Findings:
    """Exceptions that end within a fortnight are announced: from then on their routes are refused."""
    for found in _declared(stack):
        for route, path in found.routes():
            ends = UNKNOWN if route is None else _ends(route)
            if ends is UNKNOWN:
                yield undecided(found.resource, path if route is None else f"{path}.exception.expires")
            elif ends is not None and 0 <= (ends - judged_on(config)).days <= config["days"]:
                yield wrong(found.resource, f"{path}.exception.expires", f"is {ends}")


def _judged(found: "_Document", route: Mapping[str, Any], path: str, today: date) -> Findings:
    above, unknown = _compared(found, route, path)
    if not above and not unknown:
        return
    ends = _ends(route)
    if ends is not None and ends is not UNKNOWN and ends >= today:
        return
    if ends is UNKNOWN:
        yield undecided(found.resource, f"{path}.exception.expires")
        return
    lapsed = f", and its exception ended on {ends}" if ends is not None else ""
    for place, message in above:
        yield wrong(found.resource, place, f"{message}{lapsed}")
    yield from (undecided(found.resource, place) for place in unknown)


def _compared(found: "_Document", route: Mapping[str, Any], path: str) -> tuple[list[tuple[str, str]], list[str]]:
    """((Place, what is wrong there), places that cannot be judged) of a route's principals and destinations."""
    above, unknown = [], []
    for key in ("from", "to"):
        if route.get(key) is UNKNOWN:
            return [], [f"{path}.{key}"]
    for position, name in enumerate(route.get("to") or ()):
        trust, zone, hidden = found.trust(name)
        for who in route.get("from") or ():
            clearance, concealed = found.clearance(who)
            if trust is UNKNOWN or clearance is UNKNOWN:
                if trust != "low" and clearance != "high":
                    unknown.append(hidden if trust is UNKNOWN else concealed)
            elif trust in _LEVELS and clearance in _LEVELS and _LEVELS.index(trust) > _LEVELS.index(clearance):
                message = f"leads {who}, cleared for {clearance}, into {zone}, whose trust is {trust}"
                above.append((f"{path}.to[{position}]", message))
    return above, list(dict.fromkeys(unknown))


class _Document:
    """A declared access as it is registered: plain data, in which anything may be unknown."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self._by_name = {
            section: {entry.get("name"): entry for entry in resource.get_list("document", section) if isinstance(entry, Mapping)}
            for section in ("roles", "principals", "destinations")
        }

    def routes(self) -> Iterator[tuple[Mapping[str, Any] | None, str]]:
        """Each route with its path; None in place of what is not known."""
        if self.resource.get("document", "routes") is UNKNOWN:
            yield None, "document.routes"
            return
        for index, route in enumerate(self.resource.get_list("document", "routes")):
            name = route.get("name") if isinstance(route, Mapping) else None
            yield route if isinstance(route, Mapping) else None, f"routes[{name if isinstance(name, str) else index}]"

    def clearance(self, principal: Any) -> tuple[Any, str]:
        """(A principal's clearance or `UNKNOWN`, where that is): its own, else its role's, else medium."""
        entry = self._entry("principals", principal)
        if entry is None:
            return UNKNOWN, "document.principals"
        if entry.get("clearance") is not None:
            return entry["clearance"], f"principals[{principal}].clearance"
        role = entry.get("role")
        if role is UNKNOWN:
            return UNKNOWN, f"principals[{principal}].role"
        if role is not None and self.resource.get("document", "roles") is UNKNOWN:
            return UNKNOWN, "document.roles"
        of_role = self._entry("roles", role)
        said = None if of_role is None else of_role.get("clearance")
        return "medium" if said is None else said, f"roles[{role}].clearance"

    def trust(self, destination: Any) -> tuple[Any, str, str]:
        """(The trust of a destination's zone or `UNKNOWN`, the zone, where that is)."""
        entry = self._entry("destinations", destination)
        if entry is None:
            return UNKNOWN, "", "document.destinations"
        zone = entry.get("zone")
        if zone is UNKNOWN:
            return UNKNOWN, "", f"destinations[{destination}].zone"
        return self.resource.get("document", "zones", str(zone), "trust", default="medium"), str(zone), f"zones.{zone}.trust"

    def _entry(self, section: str, name: Any) -> Mapping[str, Any] | None:
        return self._by_name[section].get(name) if isinstance(name, str) else None


def _declared(stack: Stack) -> Iterator[_Document]:
    return (_Document(one) for one in stack.of_type(ACCESS))


def _ends(route: Mapping[str, Any]) -> Any:
    """The last day of a route's exception; None where it has none, `UNKNOWN` where that is not known."""
    exception = route.get("exception")
    expires = exception.get("expires") if isinstance(exception, Mapping) else exception
    if expires is UNKNOWN:
        return UNKNOWN
    return day_of(expires)
