"""Compiles the routes of tasks into a proxy's plan. No SDK in here.

A proxy tells tasks apart by their tokens, and knows the time; HAProxy by their certificates, and of the time dates alone. It
leads to targets that are named, by TCP. What an engine cannot say is refused here, all at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from ...access import Access, Destination, Principal, Route
from ...access.errors import quoted
from ...access.manifest import Proxy, ProxyRule
from ...access.values import duration_text
from ...errors import Problems
from ...proof.times import Once, Times, Weekly
from .certificates import MAX_NAME, TaskCertificates, wrong_certificates
from .issuers import TaskIssuer, wrong_issuers
from .plan import Caller, Engine, Grant, ProxyPlan, Target, Vouching

LONGEST_SESSION = timedelta(hours=12)
MOST_TARGETS = 64
"""Targets that one destination may become: each is a cluster of its own, with connections and counters."""


def compile_proxy(
    access: Access,
    gate: str,
    issuers: Sequence[Vouching],
    today: date,
    *,
    engine: Engine = "envoy",
    session: timedelta = LONGEST_SESSION,
    attested: frozenset[str] = frozenset(),
    manifests: Mapping[str, str] | None = None,
) -> ProxyPlan:
    """The plan of the proxy that zones call `gate`.

    `issuers`: who vouches for tasks, with tokens for Envoy, with certificates for HAProxy. `session`: how long a tunnel lasts
    where no route says less; of HAProxy, how long it outlives a change. `attested`: classes of data that tasks reach with an
    attested identity alone. `manifests`: environment → its manifest's digest, which answers carry. InputError with every problem.
    """
    problems = Problems(gate)
    tokens = tuple(one for one in issuers if isinstance(one, TaskIssuer))
    certificates = tuple(one for one in issuers if isinstance(one, TaskCertificates))
    for path, message in _wrong_vouching(engine, tokens, certificates):
        problems.add(path, message)
    mine, routes = behind(access, gate, today, session, problems)
    for place, path, message in _unsayable(access, routes, mine, issuers):
        problems.add(path, message, place)
    if engine == "haproxy":
        for place, path, message in _beyond_haproxy(access, routes, certificates):
            problems.add(path, message, place)
    _refuse_classes(routes, mine, issuers, attested, access, problems)
    problems.raise_any()
    targets: dict[str, Target] = {}
    for destination in mine.values():
        trusted = [one for one in issuers if one.assurance == "attested" or destination.data_class not in attested]
        grants = tuple(_grant(access, one, trusted) for one in routes if destination.name in one.to)
        for host, port in targets_of(destination):
            found = Target(host, port, destination.name, grants, destination.data_class, destination.cidrs)
            other = targets.setdefault(found.authority, found)
            if other is not found:
                message = f"{found.authority} is a target of {quoted(other.destination)} as well: one target, one destination"
                problems.add(f"destinations[{destination.name}]", message)
    problems.raise_any()
    zones = tuple(name for name, zone in access.zones.items() if gate in zone.gates)
    seconds = int(session.total_seconds())
    return ProxyPlan(gate, tokens, tuple(targets.values()), seconds, zones, dict(manifests or {}), certificates)


def proxy_of(plan: ProxyPlan, address: str, server_name: str | None = None) -> Proxy:
    """The proxy as manifests name it. `address`: where its tasks connect to, `proxy.airlock.internal:8443`."""
    host = server_name or address.rpartition(":")[0]
    names = {target: f"{label}.{host}" for target, label in plan.labels().items()} if plan.certificates else {}
    rules = {one.authority: ProxyRule(one.deny, one.allow, names.get(one.authority)) for one in plan.targets}
    return Proxy(plan.gate, address, plan.zones, server_name, rules)


def behind(
    access: Access, gate: str, today: date, session: timedelta, problems: Problems
) -> tuple[Mapping[str, Destination], list[Route]]:
    """The destinations that stand behind a proxy, and the routes that lead there and are not over by `today`.

    What is wrong with that, and with how long a tunnel may last (`session`), goes to `problems`.
    """
    if not timedelta(minutes=1) <= session <= timedelta(days=1):
        problems.add("session", f"{duration_text(session)}: between 1m and 1d")
    mine = {one.name: one for one in access.destinations if gate in access.zones[one.zone].gates}
    if not mine:
        problems.add("zones", f"no destination stands behind {gate}: write it into the gates of a zone")
    return mine, [one for one in access.routes if not one.expired(today) and mine.keys() & set(one.to)]


def targets_of(destination: Destination) -> list[tuple[str, int]]:
    """The (host, port) that a destination becomes."""
    hosts = [one.lower() for one in destination.hosts] or [
        str(address)
        for network in destination.networks()
        for address in network  # also the first and the last: it is a list of hosts, not a segment
    ]
    ports = [port for _, first, last in destination.services() for port in range(first, last + 1)]
    return [(host, port) for host in hosts for port in ports]


def _count(destination: Destination) -> int:
    hosts = len(destination.hosts) or sum(one.num_addresses for one in destination.networks())
    return hosts * sum(last - first + 1 for _, first, last in destination.services())


def _grant(access: Access, route: Route, issuers: Sequence[Vouching]) -> Grant:
    people = [access.principal(name) for name in route.from_]
    callers = {one.name: found for one in issuers if (found := tuple(_callers(people, one)))}
    length = route.session_length()
    return Grant(route.name, callers, _times(route), int(length.total_seconds()) if length else None)


def _callers(principals: Sequence[Principal], issuer: Vouching) -> Iterator[Caller]:
    for one in principals:
        if one.environment in (None, issuer.environment):
            yield Caller(one.name, one.dags, one.tasks, one.service_account or one.name)


def _times(route: Route) -> Times:
    found: list[frozenset[Weekly | Once]] = []
    if route.window is not None and route.window.dagrun is None:
        found.append(frozenset({Weekly(route.window.spans(), route.window.timezone)}))
    if route.expires is not None:
        found.append(frozenset({Once(None, datetime.combine(route.expires + timedelta(days=1), time(), UTC))}))
    return tuple(found)


def _unsayable(
    access: Access, routes: Sequence[Route], mine: Mapping[str, Destination], issuers: Sequence[Vouching]
) -> Iterator[tuple[str, str, str]]:
    for destination in mine.values():
        yield from ((f"destination {destination.name}", *found) for found in unnamed(destination))
    for route in routes:
        yield from ((f"route {route.name}", *found) for found in _unseen(access, route, issuers))


def unnamed(destination: Destination) -> Iterator[tuple[str, str]]:
    """What of a destination is no target by TCP, as (path, message)."""
    for host in destination.hosts:
        if host.startswith("*"):
            yield "hosts", f"{quoted(host)} is no single host: a tunnel leads to a target that is named; write each host"
    for protocol, first, last in destination.services():
        if protocol != "tcp":
            port = f"{first}/{protocol}" if first == last else protocol
            yield "ports", f"{quoted(port)}: the proxy carries TCP alone; let another zone, without it, lead there"
    if _count(destination) > MOST_TARGETS:
        message = f"{_count(destination)} targets, over {MOST_TARGETS}: write the hosts and ports that are used"
        yield "ports" if destination.hosts else "cidrs", message


def _unseen(access: Access, route: Route, issuers: Sequence[Vouching]) -> Iterator[tuple[str, str]]:
    environments = {one.environment for one in issuers}
    plain = {one.environment for one in issuers if isinstance(one, TaskIssuer) and one.kind == "projected"}
    for name in route.from_:
        one = access.principal(name)
        if one.is_people:
            yield "from", f"{quoted(name)} is people: the proxy knows tasks alone; let them in by another zone's gates"
            continue
        if one.environment is not None and one.environment not in environments:
            yield "from", f"no issuer vouches for tasks of environment {quoted(one.environment)} ({quoted(name)}): give one"
        dagrun = route.window.dagrun if route.window else None
        if dagrun is not None and one.dags != (dagrun,):
            yield (
                "window.dagrun",
                f"the proxy knows which DAG a task is of, not what else runs: {quoted(name)} must have dags: [{dagrun}]",
            )
        elif dagrun is not None and plain:
            yield "window.dagrun", f"tokens of {', '.join(sorted(plain))} name an account, no DAG: use an issuer that names it"
    if route.window is not None and route.window.dagrun is None and not route.window.spans():
        yield "window", "it never holds"


def _wrong_vouching(
    engine: Engine, tokens: Sequence[TaskIssuer], certificates: Sequence[TaskCertificates]
) -> Iterator[tuple[str, str]]:
    strangers: Sequence[Vouching] = tokens if engine == "haproxy" else certificates
    for one in strangers:
        if engine == "haproxy":
            yield "issuers", f"{quoted(one.name)} signs tokens, and HAProxy in TCP mode is shown none: give TaskCertificates(…)"
        else:
            yield "issuers", f"{quoted(one.name)} are certificates alone, and Envoy asks for tokens: give a TaskIssuer(…)"
    if not strangers:
        yield from wrong_certificates(certificates) if engine == "haproxy" else wrong_issuers(tokens)


def _beyond_haproxy(
    access: Access, routes: Sequence[Route], certificates: Sequence[TaskCertificates]
) -> Iterator[tuple[str, str, str]]:
    """What Envoy can, and HAProxy in TCP mode cannot."""
    for route in routes:
        place, fix = f"route {route.name}", 'leave it out, or let the proxy be engine="envoy"'
        if route.window is not None:
            yield place, "window", f"HAProxy knows no days and hours of a time zone, and no DAG run: {fix}"
        if route.session is not None:
            yield place, "session", f"{quoted(route.session)}: HAProxy ends no connection by its length: {fix}"
        for part, text in _subjects(access, route, certificates):
            if len(text) > MAX_NAME:
                yield place, "from", f"{part}={text}: over the {MAX_NAME} characters that a certificate's name takes; shorten it"


def _subjects(access: Access, route: Route, certificates: Sequence[TaskCertificates]) -> Iterator[tuple[str, str]]:
    people = [access.principal(name) for name in route.from_]
    for one in certificates:
        for caller in _callers(people, one):
            yield from one.subject(caller.principal, caller.account).items()


def _refuse_classes(
    routes: Sequence[Route],
    mine: Mapping[str, Destination],
    issuers: Sequence[Vouching],
    attested: frozenset[str],
    access: Access,
    problems: Problems,
) -> None:
    trusted = {one.environment for one in issuers if one.assurance == "attested"}
    for route in routes:
        classes = sorted({found for name in route.to if name in mine and (found := mine[name].data_class) in attested})
        if not classes:
            continue
        for name in route.from_:
            one = access.principal(name)
            if not one.is_people and (one.environment not in trusted if one.environment else not trusted):
                message = f"{', '.join(classes)} data takes an attested identity, and that of {quoted(name)} is asserted"
                problems.add("from", message, f"route {route.name}")
