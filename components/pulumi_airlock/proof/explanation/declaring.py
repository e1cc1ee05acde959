"""The one change in the access file that turns an answer: a route to add, widen, renew or take away, as YAML ready to paste.

From it every gate follows by compiling. `Proposal.access` is the whole file with the change made, so that it can be shown to be
true.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from ...access.errors import AccessError
from ...access.model import Access, Destination, Principal, Route
from ...access.names import Target, service_text, split_task
from ..atoms.subjects import Subject
from ..findings import Outcome
from ..sets import Services
from ..wording import listed
from .blending import kept_open_by, let_in_besides
from .explaining import Inquiry

REASON = "TICKET"
APPROVER = "NAME"
"""Stands for the reason of a new route, which only a person knows."""

OPEN_FOR = timedelta(hours=2)
"""How long a route for this time alone stays open."""

RENEW_FOR = timedelta(days=90)
"""For how long a renewed route holds."""

_OTHERS = ("other", "any other DAG")
"""What stands for every DAG that no principal covers."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of the access file."""

    text: str
    """What to do, in a sentence."""
    snippet: str
    """YAML to paste or to put in place of what is there; empty where the file stays as it is."""
    access: Access | None
    """The access file with the change made; None where a person has to decide something first."""


def proposal(inquiry: Inquiry) -> Proposal | None:
    """The change in the access file that turns the answer; None where the file has nothing to do with it."""
    routes = [one for one in inquiry.access.routes if one.name in inquiry.routes()]
    if inquiry.outcome is Outcome.ALLOW:
        return _withdrawn(inquiry, routes) if routes else None
    names = listed(one.name for one in routes)
    if routes and not inquiry.undeclared:
        text = f"Nothing: route {names} declares it already. What was compiled from it is gone, changed, or not applied yet."
        return Proposal(text, "", inquiry.access)
    found = list(_ways(inquiry))
    best = next((one for one in found if one.access is not None and _declares(inquiry, one.access)), found[0])
    if routes:
        best = replace(best, text=f"Route {names} declares a part of what is meant already; for the rest: {best.text}")
    return _with_who_else(inquiry, best)


def _with_who_else(inquiry: Inquiry, one: Proposal) -> Proposal:
    """Says who gets in besides, since no gate tells them from those who are asked about."""
    besides = let_in_besides(inquiry, one.access) if one.access is not None else ()
    if not besides:
        return one
    text = (
        f"{one.text} No gate on the way tells the caller from {listed(besides)}, who get in too: "
        "name them in `from` as well, or the proof finds excess."
    )
    return replace(one, text=text)


def _ways(inquiry: Inquiry) -> Iterable[Proposal]:
    """What could be changed in the file, what asks for least first."""
    ended = _expired(inquiry)
    if ended is not None:
        yield _renewed(inquiry, ended)
    later = [one for one in inquiry.access.routes if one.name in inquiry.explanation.other_times]
    if later or ended is not None:
        yield _in_time(inquiry, ended or later[0])
    yield _declared(inquiry)


def _declares(inquiry: Inquiry, access: Access) -> bool:
    """Whether an access file declares all that is asked about."""
    return not inquiry.with_access(access).undeclared


# --- refused: declared for other times


def _in_time(inquiry: Inquiry, route: Route) -> Proposal:
    """A route beside the one with the window, for this time alone."""
    if route.window is not None and route.window.dagrun is not None:
        text = f"Nothing: start a run of DAG {route.window.dagrun}, since route {route.name} holds while one is under way."
        return Proposal(text, "", None)
    zone = route.window.timezone if route.window else "UTC"
    window, last = _window(inquiry.when, zone)
    fields: dict[str, object] = {
        "name": _free(f"{route.name}-once", [one.name for one in inquiry.access.routes]),
        "to": _there(inquiry, route),
        "window": window,
        "session": None,
        "expires": f"{last:%Y-%m-%d}",
    }
    alone = _changed(route, {**fields, "from": _mine(inquiry, route)})
    # Who shares the route, and no gate tells apart, gets in anyway: declared as before, that is no excess.
    besides = let_in_besides(inquiry, inquiry.access.model_copy(update={"routes": (*inquiry.access.routes, alone)}))
    new = _changed(alone, {"from": [one for one in route.from_ if one in (*alone.from_, *besides)]})
    text = "Add a route for this time alone, which ends by itself."
    if inquiry.when - inquiry.at > timedelta(days=6):
        text = f"Add a route for this time. A route has no first day: it opens every {window['days'][0]} until it ends by itself."
    return Proposal(text, _yaml("routes", [new]), _with(inquiry.access, routes=[*inquiry.access.routes, new]))


def _window(when: datetime, timezone: str) -> tuple[dict[str, Any], datetime]:
    """A window from the hour of an instant on, and the last day in UTC on which it is still open."""
    local = when.astimezone(ZoneInfo(timezone)).replace(minute=0, second=0, microsecond=0)
    # By the wall clock: a change of the clock within these hours is the window's, as of every other one.
    end = (local.replace(tzinfo=None) + OPEN_FOR).time()
    window = {"days": [_DAYS[local.weekday()]], "from": f"{local:%H:%M}", "to": f"{end:%H:%M}", "timezone": timezone}
    return window, when.astimezone(UTC) + OPEN_FOR


def _expired(inquiry: Inquiry) -> Route | None:
    """A route that declared it until it expired."""
    names = {name for one in _asked(inquiry) for name in one.principals}
    targets = {one.destination for one in inquiry.targets}
    day = inquiry.when.astimezone(UTC).date()
    ended = [one for one in inquiry.access.routes if one.expired(day) and names & set(one.from_) and targets & set(one.to)]
    return ended[0] if ended else None


def _renewed(inquiry: Inquiry, route: Route) -> Proposal:
    last = (inquiry.when.astimezone(UTC) + RENEW_FOR).date()
    new = _changed(route, {"expires": last.isoformat()})
    text = f"Renew route {route.name}, which expired on {route.expires}: put this in its place."
    return Proposal(text, _yaml("routes", [new]), _replaced(inquiry.access, route, [new]))


def _mine(inquiry: Inquiry, route: Route) -> tuple[str, ...]:
    names = {name for one in _asked(inquiry) for name in one.principals}
    return tuple(one for one in route.from_ if one in names) or route.from_


def _there(inquiry: Inquiry, route: Route) -> tuple[str, ...]:
    names = {one.destination for one in inquiry.targets}
    return tuple(one for one in route.to if one in names) or route.to


# --- refused: not declared


def _above(access: Access, principals: Sequence[Principal], destinations: Sequence[Destination]) -> str:
    """The first principal that is not cleared for a zone of these destinations; empty where all are."""
    most = max((access.zones[one.zone].trust.rank for one in destinations if one.zone in access.zones), default=0)
    return next((one.name for one in principals if access.clearance(one).rank < most), "")


def _declared(inquiry: Inquiry) -> Proposal:
    """A route from who is asked about to where, and what it needs that is not declared either."""
    access = inquiry.access
    principals, destinations = _callers(inquiry), _destinations(inquiry)
    if principals is None:
        text = (
            "Declare who that is first: people are a principal with their group of the identity provider, and the addresses they "
            "come from; then a route. What comes from outside Airflow without a group cannot be declared."
        )
        return Proposal(text, "", None)
    if destinations is None:
        where = inquiry.explanation.witness.host
        text = f"Declare {where} first: a zone that holds it, with the gates on the way, and a destination in it; then a route."
        return Proposal(text, "", None)
    names = [one.name for one in principals], [one.name for one in destinations]
    above = _above(access, principals, destinations)
    last = (inquiry.when.astimezone(UTC) + RENEW_FOR).date()
    new = Route.model_validate(
        {
            "name": _free(f"{names[0][0]}-{names[1][0]}", [one.name for one in access.routes]),
            "from": names[0],
            "to": names[1],
            "reason": REASON,
            "exception": {"reason": REASON, "approvedBy": APPROVER, "expires": last.isoformat()} if above else None,
        }
    )
    fresh = [one for one in principals if one not in access.principals]
    unknown = [one for one in destinations if one not in access.destinations]
    parts = [_yaml("principals", fresh), _yaml("destinations", unknown), _yaml("routes", [new])]
    what = listed([*(["a principal"] if fresh else []), *(["a destination"] if unknown else []), "a route"])
    text = f"Add {what}, and write the reason."
    if above:
        text += f" {above} is not cleared for it: an exception needs somebody who approves it, and ends; or raise the clearance."
    if inquiry.principal.rpartition("/")[2] in _OTHERS:
        text += f" This is for {listed(dag for one in fresh for dag in one.dags)} alone, as an example of the other DAGs."
    beside = [one.name for one in access.routes if set(names[1]) <= set(one.to) and not one.http]
    if beside and not fresh and not unknown:
        text += f" Or, if it is for the same reason, add {listed(names[0])} to the callers of {listed(beside)}."
    found = _with(
        access,
        principals=[*access.principals, *fresh],
        destinations=[*access.destinations, *unknown],
        routes=[*access.routes, new],
    )
    return Proposal(text, "".join(parts), found)


def _asked(inquiry: Inquiry) -> list[Subject]:
    return inquiry.subjects(inquiry.refused or inquiry.unclear or inquiry.passing)


def _callers(inquiry: Inquiry) -> list[Principal] | None:
    """The declared principals who are asked about, one for each caller; new ones for tasks that have none. None for others."""
    known = {one.name: one for one in inquiry.access.principals}
    found: dict[str, Principal] = {}
    for one in _asked(inquiry):
        if one.principals:
            name = inquiry.principal if inquiry.principal in one.principals else sorted(one.principals)[0]
            found[name] = known[name]
        elif one.environment is not None:
            new = _new_principal(inquiry, one)
            found[new.name] = new
        else:
            return None
    return list(found.values())


def _new_principal(inquiry: Inquiry, subject: Subject) -> Principal:
    dag, task = split_task(inquiry.principal.rpartition("/")[2]) or (subject.task.partition(".")[0], "*")
    taken = [one.name for one in inquiry.access.principals]
    environments = {one.name for one in inquiry.access.environments}
    name = _slug(dag)
    fields = {"name": _free(f"dag-{name}" if name in ("other", "outside") else name, taken), "dags": [dag]}
    if task not in ("*", ""):
        fields["tasks"] = [task]
    if subject.environment in environments:
        fields["environment"] = str(subject.environment)
    return Principal.model_validate(fields)


def _destinations(inquiry: Inquiry) -> list[Destination] | None:
    """The declared destinations asked about, on the ports asked for; new ones for what is not declared. None: in no zone."""
    found: dict[str, Destination] = {}
    for target in inquiry.targets:
        known = next((one for one in inquiry.access.destinations if one.name == target.destination), None)
        if known is not None and _has_ports(known, target):
            found[known.name] = known
            continue
        new = _new_destination(inquiry, target, known)
        if new is None:
            return None
        found[new.name] = new
    return list(found.values())


def _has_ports(known: Destination, target: Target) -> bool:
    mine = Services.union(Services.of(*one) for one in known.services())
    return all(Services.of(*one) & mine == Services.of(*one) for one in target.services)


def _new_destination(inquiry: Inquiry, target: Target, known: Destination | None) -> Destination | None:
    zone = known.zone if known is not None else inquiry.telling[0].group.place.zone
    if zone is None:
        return None
    hosts = list(known.hosts if known is not None and not target.networks else target.hosts)
    cidrs = [str(one) for one in (known.networks() if known is not None and not target.networks else target.networks)]
    bare = _slug(hosts[0]) if hosts else f"net-{_slug(cidrs[0].removesuffix('/32').removesuffix('/128'))}"
    stem = known.name if known is not None else bare
    first = next(iter(target.services), ("tcp", inquiry.explanation.witness.port, inquiry.explanation.witness.port))
    name = _free(f"{stem}-{first[1]}" if known is not None else stem, [one.name for one in inquiry.access.destinations])
    ports = [service_text(one) for one in target.services or (first,)]
    fields = {"name": name, "zone": zone, "ports": ports}
    return Destination.model_validate({**fields, **({"hosts": hosts} if hosts else {}), **({"cidrs": cidrs} if cidrs else {})})


# --- allowed: what to take away


def _withdrawn(inquiry: Inquiry, routes: Sequence[Route]) -> Proposal:
    """The routes without who and where is asked about, as little as that takes."""
    who = {name for one in inquiry.subjects(inquiry.passing) for name in one.principals}
    where = {one.destination for one in inquiry.targets}
    access, shown, said = inquiry.access, list[Route](), []
    for route in routes:
        left = list(_less(inquiry, route, who, where))
        said.append(f"take route {route.name} out" if not left else f"put this in place of route {route.name}")
        shown += left
        access = _replaced(access, route, left)
    text = f"{listed(said)}."
    text = text[0].upper() + text[1:]
    if open_for := kept_open_by(inquiry, access):
        text += (
            f" But no gate on the way tells the caller from {listed(open_for)}, whose route keeps it open: "
            "take theirs away too, or move one of them to an environment of its own."
        )
    return Proposal(text, _yaml("routes", shown), access)


def _less(inquiry: Inquiry, route: Route, who: set[str], where: set[str | None]) -> Iterable[Route]:
    others, elsewhere = [one for one in route.from_ if one not in who], [one for one in route.to if one not in where]
    mine = [one for one in route.from_ if one in who]
    if others:
        yield _changed(route, {"from": others})
    if elsewhere:
        name = _free(f"{route.name}-rest", [one.name for one in inquiry.access.routes]) if others else route.name
        yield _changed(route, {"from": mine, "to": elsewhere, "name": name})


# --- YAML and the model


def _changed(route: Route, update: dict[str, object]) -> Route:
    fields = {**route.model_dump(by_alias=True, mode="json", exclude_none=True), **update}
    return Route.model_validate({key: value for key, value in fields.items() if value is not None})


def _replaced(access: Access, route: Route, by: Sequence[Route]) -> Access:
    routes = [each for one in access.routes for each in (by if one.name == route.name else [one])]
    return access.model_copy(update={"routes": tuple(routes)})


def _with(access: Access, **parts: Sequence[BaseModel]) -> Access | None:
    """The file with these parts; None where they do not fit into it."""
    try:
        return Access.model_validate(
            access.model_copy(update={key: tuple(value) for key, value in parts.items()}).model_dump(
                by_alias=True, mode="json", exclude_none=True
            )
        )
    except AccessError:
        return None


def _yaml(part: str, items: Sequence[BaseModel]) -> str:
    """A list of the access file, as people write it: a field a line, what is within a field on the same line."""
    if not items:
        return ""
    writer = YAML()
    writer.width = 120
    writer.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    plain = [one.model_dump(by_alias=True, mode="json", exclude_none=True, exclude_defaults=True) for one in items]
    writer.dump({part: [{key: _flow(value) for key, value in one.items()} for one in plain]}, out)
    return out.getvalue()


def _flow(value: Any) -> Any:
    """A value on one line; clocks and addresses in quotes, days without."""
    if isinstance(value, Mapping):
        found = CommentedMap({key: _flow(one) for key, one in value.items()})
        found.fa.set_flow_style()
        return found
    if isinstance(value, list):
        items = CommentedSeq(map(_flow, value))
        items.fa.set_flow_style()
        return items
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return date.fromisoformat(value)
    return DoubleQuotedScalarString(value) if isinstance(value, str) and ":" in value else value


def _slug(text: str) -> str:
    """A name of the access file for something."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "new"


def _free(name: str, taken: Sequence[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
