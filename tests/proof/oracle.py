"""Brute force: an evaluator that enumerates concrete points and walks the rules one by one.

It shares no code with the engine: addresses are compared as integers, windows by the wall clock, globs by `fnmatch`. Each
dimension has a few concrete values, one at least for every class that the generated sets can tell apart.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from itertools import product
from zoneinfo import ZoneInfo

from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, HttpOperation, Match, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Once, Weekly

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday before Europe's change of the clock."""

ENVIRONMENTS = {"blue": "10.0.0.0/28", "green": "10.0.0.16/28"}
TASKS = {"blue": ["etl_a.load", "etl_a.x", "etl_b.load", "other.load"], "green": ["etl_a.load", "etl_b.x", "other.x"]}
AWAY = ["10.9.0.5", "10.0.0.200", "192.0.2.7", "2001:db8:9::5", "2001:db8:7::7"]
PEOPLE = [("staff", "10.9.0.5"), ("staff", "2001:db8:9::5"), *product(["guests", None], AWAY)]
HOSTS = ["10.20.0.4", "10.20.0.9", "10.20.0.100", "10.20.0.200", "10.30.0.1", "8.8.8.8", "2001:db8:20::4", "2001:db8:77::1"]
CIDRS = ["10.20.0.4/32", "10.20.0.0/28", "10.20.0.0/24", "10.30.0.0/24", "2001:db8:20::/64", "0.0.0.0/0", "::/0"]
NAMES = {"db.corp.example": ["10.20.0.4/32"], "api.corp.example": []}
SERVICES = [("tcp", 22), ("tcp", 5432), ("tcp", 5433), ("udp", 53), ("udp", 54), ("tcp", 1)]
WINDOWS = [
    Weekly(((0, 24 * 60),), "UTC"),
    Weekly(((9 * 60, 17 * 60), (24 * 60 + 9 * 60, 24 * 60 + 17 * 60)), "Europe/Zurich"),
    Once(None, datetime(2026, 3, 20, tzinfo=UTC)),
]
TIMES = [
    AT + timedelta(days=day, hours=hour)
    for day, hour in (
        (0, 0),
        (0, 8),
        (1, 0),
        (1, 7),
        (2, 0),
        (6, 23),
        (28, -1.5),
        (28, -0.5),
        (28, 0),
        (28, 7.5),
        (29, 0),
        (29, 6.5),
        (29, -9.5),
    )
    if timedelta(days=day, hours=hour) >= timedelta()
]

ACCESS = {
    "environments": [{"name": "blue", "dags": ["etl_*", "other"]}, {"name": "green"}],
    "principals": [
        {"name": "loaders", "dags": ["etl_*"], "tasks": ["load"]},
        {"name": "etl-a", "dags": ["etl_a"], "environment": "blue"},
        {"name": "staff", "group": "staff", "sources": ["10.9.0.0/24", "2001:db8:9::/64"]},
    ],
    "zones": {
        "center": {"cidrs": ["10.20.0.0/24", "2001:db8:20::/64"], "gates": ["wall"]},
        "far": {"cidrs": ["10.30.0.0/24"], "gates": ["wall", "door"]},
    },
    "destinations": [
        {"name": "db", "zone": "center", "hosts": ["db.corp.example"], "cidrs": ["10.20.0.4/32"], "ports": ["5432/tcp"]},
        {"name": "api", "zone": "center", "hosts": ["api.corp.example"], "ports": ["5432-5433/tcp"], "protocol": "https"},
        {"name": "net", "zone": "center", "cidrs": ["10.20.0.0/28", "2001:db8:20::/64"], "ports": ["22/tcp", "53/udp"]},
        {"name": "far", "zone": "far", "cidrs": ["10.30.0.0/24"], "ports": ["22/tcp"]},
    ],
}


DECLARED = {
    one["name"]: Match(
        hosts=Hosts.from_names(one.get("hosts", ())) | Hosts.from_cidrs(one.get("cidrs", ())),
        services=Services.union(
            Services.of(port.split("/")[1], *map(int, (port.split("/")[0].split("-") * 2)[:2])) for port in one["ports"]
        ),
    )
    for one in ACCESS["destinations"]
}


@dataclass(frozen=True)
class Caller:
    environment: str | None
    task: str
    group: str | None
    source: str

    @property
    def family(self) -> int:
        return ADDRESS(self.source).version

    @cache  # noqa: B019  # callers are constants
    def principals(self) -> set[str]:
        dag, _, task = self.task.partition(".")
        return {
            one["name"]
            for one in ACCESS["principals"]
            if (one.get("group") and one["group"] == self.group)
            or (
                self.environment
                and one.get("dags")
                and one.get("environment") in (None, self.environment)
                and any(fnmatchcase(dag, glob) for glob in one["dags"])
                and any(fnmatchcase(task, glob) for glob in one.get("tasks", ["*"]))
            )
        }


CALLERS = [
    Caller(name, task, None, source)
    for name, sources in (("blue", ["10.0.0.1", "10.0.0.9"]), ("green", ["10.0.0.17", "10.0.0.25"]))
    for task in TASKS[name]
    for source in sources
] + [Caller(None, "", group, source) for group, source in PEOPLE]


ADDRESS = lru_cache(maxsize=None)(ipaddress.ip_address)
LOCAL = lru_cache(maxsize=None)(lambda moment, zone: moment.astimezone(ZoneInfo(zone)))


def within(address: str, hosts: Hosts) -> bool:
    value = ADDRESS(address)
    spans = hosts.v4.spans if value.version == 4 else hosts.v6.spans
    return any(low <= int(value) <= high for low, high in spans)


def zone_of(host: str) -> str | None:
    if host in NAMES:
        return "center"
    found = [name for name, zone in ACCESS["zones"].items() for cidr in zone["cidrs"] if within(host, Hosts.from_cidr(cidr))]
    return found[0] if found else None


def held(hosts: Hosts, host: str, family: int) -> str:
    """`yes`, `no` or `maybe`; the generated sets are unions of networks and names, and their complements."""
    negated = "never.mentioned" in hosts.names
    if host not in NAMES:
        alias = host == "10.20.0.4"  # what db.corp.example resolves to
        by_name = "db.corp.example" in hosts.names
        if negated:
            return "yes" if within(host, hosts) and not (alias and not by_name) else "no"
        return "yes" if within(host, hosts) or (alias and by_name) else "no"
    named = host in hosts.names
    if named and not negated:
        return "yes"
    if negated and not named:
        return "no"
    networks = NAMES[host] or ACCESS["zones"]["center"]["cidrs"]
    mine = Hosts.from_cidrs(one for one in networks if ipaddress.ip_network(one).version == family)
    if hosts.covers_addresses(mine):
        return "yes"
    return "maybe" if (mine & hosts).addresses() else "no"


def open_at(times: tuple, moment: datetime) -> bool:
    def one(window: object) -> bool:
        if isinstance(window, Once):
            return (window.start is None or window.start <= moment) and (window.end is None or moment < window.end)
        local = LOCAL(moment, window.timezone)
        minute = local.weekday() * 1440 + local.hour * 60 + local.minute
        return any(first <= minute < last for first, last in window.spans)

    return all(any(map(one, windows)) for windows in times)


def means(who: Who, caller: Caller) -> bool:
    return (
        (who.environments is None or (caller.environment in who.environments if who.environments else caller.environment is None))
        and (who.outside is None or caller.environment not in who.outside)
        and (who.sources is None or within(caller.source, who.sources))
        and (who.groups is None or caller.group in who.groups)
        and (who.principals is None or bool(caller.principals() & who.principals))
    )


def asks_for(request: tuple[str, str] | None, operations: frozenset[HttpOperation] | None) -> bool:
    """Whether a request is one of these operations; traffic that is not HTTP is none."""
    if operations is None:
        return True
    return request is not None and any(
        one.method in ("*", request[0]) and fnmatchcase(request[1], one.path) for one in operations
    )


@dataclass(frozen=True)
class Spot:
    caller: Caller
    host: str
    service: tuple[str, int]
    moment: datetime
    request: tuple[str, str] | None = None
    """Method and path; None: no HTTP."""

    def in_box(self, match: Match) -> str:
        if not asks_for(self.request, match.operations):
            return "no"
        number = protocol_number(self.service[0]) * 65536 + self.service[1]
        if not (number in match.services.cells and means(match.who, self.caller) and open_at(match.times, self.moment)):
            return "no"
        return held(match.hosts, self.host, self.caller.family)


def protocol_number(text: str) -> int:
    names = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "icmpv6": 58, "sctp": 132}
    return names[text] if text in names else int(text)


OWN = Match(hosts=Hosts.from_cidr("10.20.0.200/32"), services=Services.of("tcp", 5433, 5433))
STACK = [Environment(name, f"urn::{name}", Hosts.from_cidr(cidr), (OWN,)) for name, cidr in ENVIRONMENTS.items()]

REQUESTS = [None, ("GET", "/v1/a"), ("POST", "/v1/a"), ("GET", "/v2"), ("POST", "/v2"), ("PUT", "/v1/b")]
"""Requests of every kind that the generated operations tell apart, and no HTTP."""

SPOTS = [
    Spot(*one)
    for one in product(CALLERS, [*HOSTS, *NAMES], SERVICES, TIMES)
    if one[1] in NAMES or one[0].family == ipaddress.ip_address(one[1]).version
    if not (one[1] == "db.corp.example" and one[0].family == 6)
]

HTTP_SPOTS = [
    replace(spot, request=request)
    for spot in SPOTS
    if spot.host in ("10.20.0.4", "10.30.0.1", "api.corp.example")
    and spot.service in (("tcp", 5432), ("tcp", 22))
    and spot.moment in TIMES[:3]
    and spot.caller.source in ("10.0.0.1", "10.0.0.17", "10.9.0.5", "192.0.2.7")
    for request in REQUESTS
]
"""Fewer places, and every request at each."""

WEB_SPOTS = [replace(spot, request=request) for spot in SPOTS if spot.moment == AT for request in REQUESTS]
"""Every request at every place, at one instant: everything there is where nothing depends on time."""


def decide(one: Filter, spot: Spot) -> set[str] | None:
    """The outcomes that a filter can have; None where the spot does not pass it."""
    if spot.in_box(one.scope) == "no":
        return None
    rules = [
        (rule, "maybe" if rule.unknown and hit == "yes" else hit)
        for rule in one.rules
        if (hit := spot.in_box(rule.match)) != "no"
    ]
    default = one.default.value
    if one.combine is Combine.FIRST_MATCH:
        found = set()
        for rule, hit in rules:
            found.add(rule.action.value)
            if hit == "yes":
                return found
        return found | {default}
    allows = [hit for rule, hit in rules if rule.action is Action.ALLOW]
    denies = [hit for rule, hit in rules if rule.action is Action.DENY] if one.combine is Combine.DENY_OVERRIDES else []
    if "yes" in denies:
        return {"deny"}
    found = {"allow"} if "yes" in allows else {default} | ({"allow"} if allows else set())
    return found | ({"deny"} if denies else set())


def path_of(filters: list[Filter], host: str) -> list[Filter]:
    zone = zone_of(host)
    gates = ACCESS["zones"][zone]["gates"] if zone else []
    return [one for one in filters if one.always or one.gate in gates]


def declared_by(access: Access, spot: Spot) -> str:
    """`yes`, `no`, or `maybe` for a name that may have a declared address."""
    return max((hit for _, hit in declaring(access, spot)), key=["no", "maybe", "yes"].index, default="no")


def declaring(access: Access, spot: Spot) -> Iterator[tuple[str, str]]:
    """(principal, `yes` or `maybe`) of the caller's principals whose routes declare it."""
    for route in access.routes:
        mine = spot.caller.principals() & set(route.from_)
        if not mine or (route.expires and spot.moment.date() > route.expires):
            continue
        if route.window and not open_at((frozenset({Weekly(route.window.spans(), route.window.timezone)}),), spot.moment):
            continue
        allowed = [HttpOperation(method, path) for one in route.http for method in one.methods for path in one.paths]
        if allowed and not asks_for(spot.request, frozenset(allowed)):
            continue
        for name in route.to:
            hit = spot.in_box(DECLARED[name])
            if hit != "no":
                yield from ((one, hit) for one in mine)


def known_name(filters: list[Filter], spot: Spot) -> bool:
    """Whether a rule on the path speaks of this name here, rather than of addresses."""
    if spot.host not in NAMES:
        return True
    for rule in (
        rule
        for one in path_of(filters, spot.host)
        for rule in one.rules
        if rule.action is Action.ALLOW or one.combine is not Combine.ANY_ALLOW
    ):
        if (spot.host in rule.match.hosts.names) != ("never.mentioned" in rule.match.hosts.names):
            beside = replace(spot, host="10.20.0.9")
            anywhere = replace(rule.match, hosts=Hosts.every())
            if beside.in_box(anywhere) == "yes":
                return True
    return False


def outcomes(filters: list[Filter], spot: Spot) -> list[set[str]]:
    return [found for one in path_of(filters, spot.host) if (found := decide(one, spot)) is not None]


def is_own(spot: Spot) -> bool:
    return spot.caller.environment is not None and spot.in_box(OWN) == "yes"


@dataclass(frozen=True)
class Judged:
    """What brute force says of a spot."""

    spot: Spot
    met: list[tuple[Filter, set[str]]]
    """The filters that it passes, with the outcomes that each can have."""
    declared: str
    own: bool
    known: bool

    @property
    def possible(self) -> bool:
        return all("allow" in found for _, found in self.met)

    @property
    def definite(self) -> bool:
        return all(found == {"allow"} for _, found in self.met)


def judge(access: Access, filters: list[Filter], spots: list[Spot]) -> list[Judged]:
    """All spots that are the stack's concern: of callers outside, only those that meet a filter."""
    found = []
    for spot in spots:
        met = [(one, result) for one in path_of(filters, spot.host) if (result := decide(one, spot)) is not None]
        if met or spot.caller.environment is not None:
            found.append(Judged(spot, met, declared_by(access, spot), is_own(spot), known_name(filters, spot)))
    return found
