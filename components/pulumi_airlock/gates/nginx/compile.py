"""Compiles the routes of people into a gateway's plan. No SDK in here.

A gateway tells people apart by the groups of the identity provider, and requests by method and path. What it cannot say is
refused here, all at once: windows, and a route that opens what the gateway hides.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from ...access import Access, Destination, Route, globs
from ...access.values import duration_text
from ...errors import InputError, Problem
from .paths import PLAIN
from .plan import HIDDEN, NOBODY, GatewayPlan, Grant, Site, Upstream

LONGEST_SESSION = timedelta(hours=12)
_GROUP = re.compile(r"[^\s,\"\\\x00-\x1f][^,\"\\\x00-\x1f]*")
_BODY = re.compile(r"[1-9][0-9]{0,3}[km]")


def compile_gateway(
    access: Access,
    gate: str,
    namespace: str,
    upstreams: Mapping[str, Upstream],
    today: date,
    *,
    session: timedelta = timedelta(hours=8),
    body_limit: str = "1m",
) -> GatewayPlan:
    """The plan of the gateway that zones call `gate`; `upstreams`: destination → the Airflow that it is.

    `session`: how long a sign-in holds where no route says less. InputError with every problem.
    """
    routes = [one for one in access.routes if not one.expired(today) and _people(access, one)]
    mine = {one.name: one for one in access.destinations if gate in access.zones[one.zone].gates}
    problems = [*_placed(mine, upstreams, gate), *(each for one in routes for each in _sayable(access, one, mine))]
    if not _BODY.fullmatch(body_limit):
        problems.append(Problem(gate, "body_limit", f"{body_limit!r} is no size of nginx: write 1m, 512k"))
    if session > LONGEST_SESSION:
        problems.append(Problem(gate, "session", f"{duration_text(session)} is over {duration_text(LONGEST_SESSION)}"))
    if problems:
        raise InputError(problems)
    sites = [_site(access, one, upstreams[one.name], routes) for one in mine.values()]
    groups = tuple(sorted({group for site in sites for group in site.groups}))
    if not groups:
        raise InputError([Problem(gate, "routes", f"no route leads people to {', '.join(mine) or 'a destination behind it'}")])
    return GatewayPlan(gate, namespace, tuple(sites), groups, session_of(access, gate, today, session), body_limit)


def session_of(access: Access, gate: str, today: date, session: timedelta) -> timedelta:
    """How long a sign-in at the gateway holds: the shortest of the routes of people, at most `session`."""
    mine = {one.name for one in access.destinations if gate in access.zones[one.zone].gates}
    routes = (one for one in access.routes if not one.expired(today) and _people(access, one) and mine.intersection(one.to))
    return min([session, *(length for one in routes if (length := one.session_length()) is not None)])


def _people(access: Access, route: Route) -> tuple[str, ...]:
    """The groups of the people of a route."""
    found = (access.principal(name).group for name in route.from_)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _site(access: Access, destination: Destination, upstream: Upstream, routes: list[Route]) -> Site:
    grants: dict[tuple[object, ...], Grant] = {}
    for route in routes:
        if destination.name not in route.to:
            continue
        for one in route.http:
            key = (one.methods, one.paths, one.except_)
            known = grants.get(key, Grant((), tuple(dict.fromkeys(one.methods)), one.paths, one.except_, ()))
            groups = tuple(dict.fromkeys((*known.groups, *_people(access, route))))
            grants[key] = Grant(groups, known.methods, one.paths, one.except_, (*known.routes, route.name))
    ports = tuple(first for _, first, _ in destination.services())
    groups = tuple(sorted({group for grant in grants.values() for group in grant.groups}))
    return Site(destination.name, destination.hosts, ports, upstream, tuple(grants.values()), groups)


def _placed(mine: Mapping[str, Destination], upstreams: Mapping[str, Upstream], gate: str) -> Iterator[Problem]:
    if not mine:
        yield Problem(gate, "zones", f"no destination stands behind {gate}: write it into the gates of a zone")
    taken: dict[str, str] = {}
    for name, one in mine.items():
        where = f"destinations[{name}]"
        if name not in upstreams:
            yield Problem(gate, "upstreams", f"no upstream for {name}: say which Airflow it is")
        if not one.hosts or any(host.startswith("*") for host in one.hosts):
            yield Problem(gate, f"{where}.hosts", "write the names that people type: the gateway tells Airflows apart by them")
        if any(each != ("tcp", 443, 443) for each in one.services()):
            yield Problem(gate, f"{where}.ports", f"{', '.join(one.ports)}: a gateway is reached by 443/tcp alone")
        if not one.is_http:
            yield Problem(
                gate, f"{where}.protocol", "write `protocol: https`, so that its routes can say which requests they allow"
            )
        for host in one.hosts:
            if host.lower() in taken:
                yield Problem(gate, f"{where}.hosts", f"{host} is {taken[host.lower()]} as well: one name, one Airflow")
            taken[host.lower()] = name
    for name in upstreams.keys() - mine.keys():
        yield Problem(gate, "upstreams", f"{name} is no destination behind {gate}")


def _sayable(access: Access, route: Route, mine: Mapping[str, Destination]) -> Iterator[Problem]:
    if not set(route.to) & mine.keys():
        return
    where = f"route {route.name}"
    if route.window is not None:
        yield Problem(where, "window", "the gateway sees no time: leave the window out, or let another gate keep it")
    for name in route.from_:
        person = access.principal(name)
        if not person.is_people:
            yield Problem(where, "from", f"{name} is tasks: they reach Airflow by its execution API, inside the cluster")
        elif person.sources:
            yield Problem(where, "from", f"{name} has sources: whoever balances load before the gateway hides addresses")
        elif not _GROUP.fullmatch(person.group or "") or person.group == NOBODY:
            yield Problem(where, "from", f"{person.group!r} cannot be said to oauth2-proxy: a comma parts its groups")
    if not route.http:
        fix = f'write http: [{{paths: ["/*"], except: {_listed(HIDDEN)}}}]'
        yield Problem(where, "http", f"it allows every request, and the gateway hides {', '.join(HIDDEN)}: {fix}")
    for number, one in enumerate(route.http):
        for path in (*one.paths, *one.except_):
            if not PLAIN.fullmatch(path):
                yield Problem(
                    where, f"http[{number}]", f"{path!r}: write letters, digits and * in paths; nginx has no other glob"
                )
        shown = [path for path in HIDDEN if _opens(one.paths, one.except_, path)]
        if shown:
            fix = f"add except: {_listed(HIDDEN)}"
            yield Problem(where, f"http[{number}]", f"it allows {', '.join(shown)}, which the gateway hides: {fix}")


def _opens(paths: tuple[str, ...], without: tuple[str, ...], hidden: str) -> bool:
    return any(globs.overlap(path, hidden) for path in paths) and not globs.includes(without, hidden)


def _listed(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{one}"' for one in names) + "]"
