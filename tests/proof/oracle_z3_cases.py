"""What the symbolic oracle and the proof are given to decide: random networks, port ranges, windows, DAG runs and requests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.proof.declared import grants
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, HttpOperation, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Intervals, Services
from pulumi_airlock.proof.times import DagRun, Once, Times, Weekly

Case = tuple[Access, list[Filter]]

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday before most changes of the clock."""

DAG_GLOBS = ["etl_*", "etl_a", "*_a", "fin_?", "*"]
RUNS = ["etl_b", "fin_b", "other"]
DAGS = ["etl_a", "etl_b", "etl_c", "etl_x_a", "x_a", "fin_a", "fin_b", "fin_c", "other", "another"]
"""A word for every combination of these globs, and for every run one that runs and one that does not."""
TASK_GLOBS = ["*", "load", "l*"]
TASKS = ["load", "lift", "x"]
METHODS = ["GET", "POST", "PUT"]
"""Rules write the first two."""
PATH_GLOBS = ["*", "/v1/*", "/v1/a*", "/v2"]
PATHS = ["/v1/a", "/v1/b", "/v2", "/x"]
TIMEZONES = ["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
"""Lord Howe's clock changes by half an hour."""

ENVIRONMENTS = {"blue": ["10.0.0.0/26", "2001:db8:b::/64"], "green": ["10.0.0.64/26"]}
OWN = Match(hosts=Hosts.from_cidr("10.20.0.192/26"), services=Services.of("tcp", 5433, 5440))
STACK = [Environment(name, f"urn::{name}", Hosts.from_cidrs(cidrs), (OWN,)) for name, cidrs in ENVIRONMENTS.items()]


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Some 10.20.0.0/22 or 2001:db8:20::/48 in parts of every size; sometimes far more, or something else."""
    if draw(st.integers(0, 3)) == 0:
        length = draw(st.sampled_from([0, 32, 48, 64, 127, 128]))
        address = (0x20010DB800200000 << 64) + draw(st.integers(0, 3)) * (1 << 64) + draw(st.integers(0, 3))
        return f"{IPv6Address(address >> (128 - length) << (128 - length))}/{length}"
    length = draw(st.sampled_from([0, 8, 16, 22, 24, 25, 28, 30, 32, 32]))
    address = int(IPv4Address("10.20.0.0")) + draw(st.integers(0, 3)) * 256 + draw(st.integers(0, 15)) * 17
    return f"{IPv4Address(address >> (32 - length) << (32 - length))}/{length}"


NAMES = ["db.corp.example", "api.corp.example"]
names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True).map(Hosts.from_names)
ranges = st.lists(networks(), min_size=1, max_size=3).map(Hosts.from_cidrs)
hosts = st.one_of(
    ranges,
    ranges,
    st.just(Hosts.every()),
    names,
    st.tuples(ranges, names).map(lambda one: one[0] | one[1]),
    ranges.map(Hosts.complement),
    names.map(Hosts.complement),
)


@st.composite
def ports(draw: st.DrawFn) -> tuple[int, int]:
    first = draw(st.sampled_from([1, 22, 53, 443, 5430, 5432, 5433, 5440]))
    return first, first + draw(st.sampled_from([0, 0, 1, 10, 60000]))


services = st.one_of(
    st.just(Services.every()),
    st.tuples(st.sampled_from(["tcp", "tcp", "udp", 47]), ports()).map(lambda one: Services.of(one[0], *one[1])),
    ports().map(lambda one: Services.of("tcp", *one) | Services.of("udp", *one)),
    ports().map(lambda one: Services.of("tcp", *one).complement()),
)
sources = st.lists(
    st.sampled_from(
        ["10.0.0.0/26", "10.0.0.0/27", "10.0.0.60/30", "10.0.0.64/26", "10.0.0.0/24", "10.9.0.0/16", "2001:db8:b::/65", "::/0"]
    ),
    min_size=1,
    max_size=2,
).map(Hosts.from_cidrs)
whos = st.one_of(
    st.just(Who()),
    sources.map(lambda one: Who(sources=one)),
    st.tuples(st.sampled_from([{"staff"}, {"guests"}, {"guests", "staff"}]), st.one_of(st.none(), sources)).map(
        lambda one: Who(groups=frozenset(one[0]), sources=one[1])
    ),
    st.sampled_from([Who(environments=frozenset({"blue"})), Who(environments=frozenset()), Who(outside=frozenset({"green"}))]),
    st.lists(st.sampled_from(["loaders", "second", "staff"]), min_size=1, max_size=2).map(
        lambda one: Who(principals=frozenset(one))
    ),
)


@st.composite
def weekly(draw: st.DrawFn) -> Weekly:
    starts = sorted(draw(st.sets(st.integers(0, 7 * 24 * 4 - 1), min_size=1, max_size=2)))
    ends = [*starts[1:], 7 * 24 * 4]
    spans = [(start * 15, draw(st.integers(start + 1, end)) * 15) for start, end in zip(starts, ends, strict=True)]
    return Weekly(tuple(spans), draw(st.sampled_from(TIMEZONES)))


@st.composite
def once(draw: st.DrawFn) -> Once:
    start = draw(st.one_of(st.none(), st.integers(-10, 500)))
    end = draw(st.one_of(st.none(), st.integers(-10, 500)))
    moments = [None if one is None else AT + timedelta(days=one, hours=7, minutes=one) for one in (start, end)]
    return Once(*moments)


windows = st.one_of(weekly(), once(), st.sampled_from(RUNS).map(DagRun))
times: st.SearchStrategy[Times] = st.one_of(
    st.just(()), st.just(()), st.lists(st.frozensets(windows, min_size=1, max_size=2), min_size=1, max_size=2).map(tuple)
)
requests = st.tuples(st.sampled_from([*METHODS[:2], "*"]), st.sampled_from(PATH_GLOBS)).map(lambda one: HttpOperation(*one))
operations = st.one_of(st.none(), st.none(), st.frozensets(requests, min_size=1, max_size=2))


@st.composite
def filters(draw: st.DrawFn, gate: str, scope: Match | None = None, *, always: bool = False) -> Filter:
    rules = [
        Rule(
            draw(st.sampled_from([Action.ALLOW, Action.ALLOW, Action.DENY])),
            draw(st.builds(Match, whos, hosts, services, operations, times)),
            Source(f"urn::{gate}-{number}"),
            draw(st.sampled_from([(), (), (), (), (f"{gate}.{number}",)])),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    default = draw(st.sampled_from([Action.DENY, Action.DENY, Action.DENY, Action.ALLOW]))
    combine = draw(st.sampled_from(Combine))
    return Filter(gate, gate, combine, default, tuple(rules), f"urn::{gate}", scope=scope or Match(), always=always)


@st.composite
def route_windows(draw: st.DrawFn) -> dict[str, object]:
    kind = draw(st.integers(0, 3))
    if kind < 2:
        return {}
    if kind == 2:
        return {"window": {"dagrun": draw(st.sampled_from(RUNS))}}
    first, last = draw(st.integers(0, 95)), draw(st.integers(0, 95))
    days = draw(st.lists(st.sampled_from(["mon", "wed", "sat", "sun"]), max_size=2, unique=True))
    clock = [f"{one // 4:02}:{one % 4 * 15:02}" for one in (first, last)]
    zone = draw(st.sampled_from(TIMEZONES))
    return {"window": {"days": days, "from": clock[0], "to": clock[1], "timezone": zone}}


@st.composite
def accesses(draw: st.DrawFn) -> Access:
    globs = st.lists(st.sampled_from(DAG_GLOBS), min_size=1, max_size=2, unique=True)
    tasks = st.lists(st.sampled_from(TASK_GLOBS), min_size=1, max_size=2, unique=True)
    where = draw(st.sampled_from([{}, {"environment": "green"}]))
    away = draw(st.sampled_from([{}, {"sources": ["10.9.0.0/24"]}, {"sources": ["10.9.0.0/24", "2001:db8:9::/64"]}]))
    networks_of_zones = draw(st.sampled_from([["10.20.0.0/22"], ["10.20.0.0/22", "2001:db8:20::/48"]]))
    nested = draw(st.sampled_from(["10.20.0.0/16", "10.20.1.0/24", "10.20.0.128/25"]))
    known = draw(st.lists(st.sampled_from(["10.20.0.17/32", "10.20.0.0/28", "2001:db8:20::1/128"]), max_size=2, unique=True))
    inside = ["10.20.0.0/24", "10.20.0.17/32", "10.20.1.0/25", *(["2001:db8:20::/64"] if len(networks_of_zones) > 1 else [])]
    nets = draw(st.lists(st.sampled_from(inside), min_size=1, max_size=2, unique=True))
    if not len(networks_of_zones) > 1:
        known = [one for one in known if ":" not in one]
    routes = [
        {
            "name": f"route-{number}",
            "from": draw(st.lists(st.sampled_from(["loaders", "second", "staff"]), min_size=1, max_size=2, unique=True)),
            "to": draw(st.sampled_from([["db"], ["net"], ["api"], ["db", "net"], ["far"]])),
            "reason": "test",
            **draw(route_windows()),
            **draw(st.sampled_from([{}, {}, {"expires": "2026-07-19"}])),
        }
        for number in range(draw(st.integers(0, 3)))
    ]
    for route in routes:
        if route["to"] == ["api"] and draw(st.booleans()):
            methods = draw(st.lists(st.sampled_from([*METHODS[:2], "*"]), min_size=1, max_size=2, unique=True))
            paths = draw(st.lists(st.sampled_from(PATH_GLOBS), min_size=1, max_size=2, unique=True))
            route["http"] = [{"methods": methods, "paths": paths}]
    return Access.model_validate(
        {
            "environments": [{"name": "blue", "dags": draw(globs)}, {"name": "green"}],
            "principals": [
                {"name": "loaders", "dags": draw(globs), "tasks": draw(tasks)},
                {"name": "second", "dags": draw(globs), **where},
                {"name": "staff", "group": "staff", **away},
            ],
            "zones": {
                "center": {"cidrs": networks_of_zones, "gates": ["wall"]},
                "far": {"cidrs": [nested], "gates": ["wall", "door"]},
            },
            "destinations": [
                {"name": "db", "zone": "center", "hosts": NAMES[:1], "cidrs": known, "ports": ["5432/tcp"]},
                {"name": "api", "zone": "center", "hosts": NAMES[1:], "ports": ["443/tcp"], "protocol": "https"},
                {"name": "net", "zone": "center", "cidrs": nets, "ports": ["22/tcp", "53-54/udp", "icmp"]},
                {"name": "far", "zone": "far", "cidrs": [nested], "ports": ["22/tcp", "5430-5440/tcp"]},
            ],
            "routes": routes,
        }
    )


BLUE = Match(who=Who(environments=frozenset({"blue"})))


def loose() -> st.SearchStrategy[Case]:
    """Filters that have nothing to do with the routes; one of these only for some hosts."""
    scopes = st.one_of(st.none(), st.builds(Match, whos, hosts))
    return st.tuples(
        accesses(),
        scopes.flatmap(lambda one: filters("wall", one)),
        filters("wall"),
        filters("door"),
        filters("blue", BLUE, always=True),
    ).map(lambda one: (one[0], list(one[1:])))


def tight() -> st.SearchStrategy[Case]:
    """Filters that let through what is declared, but for a change or two: most are right, or wrong at few points."""
    return compiled().flatmap(lambda one: st.tuples(st.just(one[0]), mostly_unchanged(one[1])))


def fenced() -> st.SearchStrategy[Case]:
    """Filters that let through what is declared, and deny what stands right beside it: an edge that is off by one shows."""
    return compiled().flatmap(lambda one: st.tuples(st.just(one[0]), st.tuples(*map(behind_fences, one[1])).map(list)))


@st.composite
def compiled(draw: st.DrawFn) -> Case:
    """Filters that let through what is declared."""
    access = draw(accesses())
    exact = [one.match for one in grants(access)]
    coarse = [replace(one, who=Who(), times=()) for one in exact]
    # What is in no zone stays shut.
    inside = Match(hosts=Hosts.from_cidrs(cidr for one in access.zones.values() for cidr in one.cidrs) | Hosts.from_names(NAMES))
    tasks = Match(who=Who(environments=frozenset(ENVIRONMENTS)))
    shut = filter_with("blue", Combine.ANY_ALLOW, [Rule(Action.ALLOW, inside, Source("urn::blue"))], tasks, always=True)
    found = [shut]
    for gate, matches in (("wall", exact), ("wall", coarse), ("door", draw(st.sampled_from([exact, coarse])))):
        rules = [Rule(Action.ALLOW, match, Source(f"urn::{gate}-{number}")) for number, match in enumerate(matches)]
        found.append(filter_with(gate, draw(st.sampled_from(Combine)), rules))
    return access, found


@st.composite
def mostly_unchanged(draw: st.DrawFn, filters: list[Filter]) -> list[Filter]:
    found = [*filters]
    for _ in range(draw(st.integers(0, 2))):
        number = draw(st.integers(0, len(found) - 1))
        found[number] = replace(found[number], rules=tuple(draw(changed(found[number].rules))))
    return found


@st.composite
def behind_fences(draw: st.DrawFn, one: Filter) -> Filter:
    if not one.rules or one.combine is Combine.ANY_ALLOW:
        return one
    beside = draw(st.sampled_from(one.rules)).match
    denied = replace(beside, **draw(fence(beside)))
    return replace(one, rules=(Rule(Action.DENY, denied, Source("urn::fence")), *one.rules))


@st.composite
def changed(draw: st.DrawFn, rules: tuple[Rule, ...]) -> list[Rule]:
    """One rule more, one less, or one that is different in a dimension or not fully known."""
    found = [*rules]
    kind = draw(st.sampled_from(["add", "drop", "unknown", "who", "hosts", "less", "services", "operations", "times"]))
    if kind == "add" or not found:
        match = draw(st.builds(Match, whos, hosts, services, operations, times))
        action, unknown = draw(st.sampled_from(Action)), draw(st.sampled_from([(), ("added",)]))
        found.insert(draw(st.integers(0, len(found))), Rule(action, match, Source("urn::added"), unknown))
        return found
    number = draw(st.integers(0, len(found) - 1))
    rule = found.pop(number)
    match = rule.match
    different = {
        "unknown": lambda: replace(rule, unknown=("changed",)),
        "who": lambda: replace(rule, match=replace(match, who=draw(whos))),
        "hosts": lambda: replace(rule, match=replace(match, hosts=match.hosts | draw(hosts))),
        "less": lambda: replace(rule, match=replace(match, hosts=match.hosts - draw(ranges))),
        "services": lambda: replace(rule, match=replace(match, services=draw(services))),
        "operations": lambda: replace(rule, match=replace(match, operations=draw(operations))),
        "times": lambda: replace(rule, match=replace(match, times=draw(times))),
    }
    if kind != "drop":
        found.insert(number, different[kind]())
    return found


@st.composite
def fence(draw: st.DrawFn, match: Match) -> dict[str, object]:
    """What stands right beside a rule, in one dimension: to deny it takes nothing from that rule."""
    weekly_ones = [one for windows in match.times for one in windows if isinstance(one, Weekly)]
    if weekly_ones and draw(st.booleans()):
        spans = Intervals(tuple((first, last - 1) for first, last in weekly_ones[0].spans)).complement(7 * 24 * 60 - 1).spans
        rest = Weekly(tuple((first, last + 1) for first, last in spans), weekly_ones[0].timezone)
        return {"times": (frozenset({rest}),)}
    if draw(st.booleans()):
        return {"services": match.services.complement()}
    return {"hosts": match.hosts.complement()}


def filter_with(gate: str, combine: Combine, rules: list[Rule], scope: Match | None = None, *, always: bool = False) -> Filter:
    return Filter(gate, gate, combine, Action.DENY, tuple(rules), f"urn::{gate}", scope=scope or Match(), always=always)
