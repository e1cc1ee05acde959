"""The proof agrees with brute force: an evaluator that enumerates concrete points and walks the rules one by one.

It shares no code with the engine: addresses are compared as integers, windows by the wall clock, globs by `fnmatch`. Each
dimension has a few concrete values, one at least for every class that the generated sets can tell apart.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from itertools import product
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Outcome, Share, explain, prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Once, Weekly

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday before Europe's change of the clock."""

ENVIRONMENTS = {"blue": "10.0.0.0/28", "green": "10.0.0.16/28"}
TASKS = {"blue": ["etl_a.load", "etl_a.x", "etl_b.load", "other.load"], "green": ["etl_a.load", "etl_b.x", "other.x"]}
AWAY = ["10.9.0.5", "192.0.2.7", "2001:db8:9::5", "2001:db8:7::7"]
PEOPLE = [("staff", "10.9.0.5"), ("staff", "2001:db8:9::5"), *product(["guests", None], AWAY)]
HOSTS = ["10.20.0.4", "10.20.0.9", "10.20.0.200", "10.30.0.1", "8.8.8.8", "2001:db8:20::4", "2001:db8:77::1"]
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
        {"name": "api", "zone": "center", "hosts": ["api.corp.example"], "ports": ["5432-5433/tcp"]},
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


@dataclass(frozen=True)
class Spot:
    caller: Caller
    host: str
    service: tuple[str, int]
    moment: datetime

    def in_box(self, match: Match) -> str:
        number = {"tcp": 6, "udp": 17}[self.service[0]] * 65536 + self.service[1]
        if not (number in match.services.cells and means(match.who, self.caller) and open_at(match.times, self.moment)):
            return "no"
        return held(match.hosts, self.host, self.caller.family)


SPOTS = [
    Spot(*one)
    for one in product(CALLERS, [*HOSTS, *NAMES], SERVICES, TIMES)
    if one[1] in NAMES or one[0].family == ipaddress.ip_address(one[1]).version
    if not (one[1] == "db.corp.example" and one[0].family == 6)
]


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
            beside = Spot(spot.caller, "10.20.0.9", spot.service, spot.moment)
            anywhere = Match(rule.match.who, Hosts.every(), rule.match.services, times=rule.match.times)
            if beside.in_box(anywhere) == "yes":
                return True
    return False


# --- what is generated

cidrs = st.sets(st.sampled_from(CIDRS), min_size=1, max_size=2)
hosts = st.one_of(
    st.just(Hosts.every()),
    cidrs.map(Hosts.from_cidrs),
    st.sampled_from(sorted(NAMES)).map(lambda one: Hosts.from_names([one])),
    st.tuples(cidrs, st.sampled_from(sorted(NAMES))).map(lambda one: Hosts.from_cidrs(one[0]) | Hosts.from_names([one[1]])),
    cidrs.map(lambda one: Hosts.from_cidrs(one).complement()),
    st.sampled_from(sorted(NAMES)).map(lambda one: Hosts.from_names([one]).complement()),
)
services = st.one_of(
    st.just(Services.every()),
    st.sampled_from(
        [Services.of("tcp", 22, 22), Services.of("tcp", 5432, 5433), Services.of("tcp", 5432, 5432), Services.of("udp")]
    ),
)
sources = st.sampled_from(
    ["10.0.0.0/28", "10.0.0.16/28", "10.0.0.0/29", "10.0.0.0/24", "10.9.0.0/24", "2001:db8:9::/64", "0.0.0.0/0"]
)
whos = st.one_of(
    st.just(Who()),
    sources.map(lambda one: Who(sources=Hosts.from_cidr(one))),
    st.just(Who(groups=frozenset({"staff"}))),
    st.just(Who(groups=frozenset({"guests", "staff"}), sources=Hosts.from_cidr("0.0.0.0/0"))),
    st.sampled_from([Who(environments=frozenset({"blue"})), Who(environments=frozenset()), Who(outside=frozenset({"blue"}))]),
    st.just(Who(principals=frozenset({"loaders"}))),
)
times = st.one_of(
    st.just(()),
    st.sampled_from(WINDOWS).map(lambda one: (frozenset({one}),)),
    st.just((frozenset(WINDOWS[:2]), frozenset(WINDOWS[2:]))),
)


@st.composite
def filter_of(draw: st.DrawFn, gate: str, *, always: bool = False, scope: Match | None = None) -> Filter:
    rules = [
        Rule(
            draw(st.sampled_from([Action.ALLOW, Action.ALLOW, Action.DENY])),
            Match(draw(whos), draw(hosts), draw(services), times=draw(times)),
            Source(f"urn::{gate}-{number}"),
            draw(st.sampled_from([(), (), (), (f"{gate}.{number}",)])),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    default = draw(st.sampled_from([Action.DENY, Action.DENY, Action.ALLOW]))
    combine = draw(st.sampled_from(Combine))
    return Filter(gate, gate, combine, default, tuple(rules), f"urn::{gate}", scope=scope or Match(), always=always)


@st.composite
def accesses(draw: st.DrawFn) -> Access:
    windows = [None, {"days": ["mon", "tue"], "from": "09:00", "to": "17:00", "timezone": "Europe/Zurich"}]
    routes = [
        {
            "name": f"route-{number}",
            "from": draw(st.lists(st.sampled_from(["loaders", "etl-a", "staff"]), min_size=1, max_size=2, unique=True)),
            "to": draw(st.lists(st.sampled_from(["db", "api", "net", "far"]), min_size=1, max_size=2, unique=True)),
            "reason": "test",
            **({"window": window} if (window := draw(st.sampled_from(windows))) else {}),
            **({"expires": "2026-03-19"} if draw(st.booleans()) else {}),
        }
        for number in range(draw(st.integers(0, 3)))
    ]
    return Access.model_validate({**ACCESS, "routes": routes})


BLUE = Match(who=Who(environments=frozenset({"blue"})))
cases = st.tuples(
    accesses(), filter_of("wall"), filter_of("wall"), filter_of("door"), filter_of("blue", always=True, scope=BLUE)
).map(lambda one: (one[0], list(one[1:])))
OWN = Match(hosts=Hosts.from_cidr("10.20.0.200/32"), services=Services.of("tcp", 5433, 5433))
STACK = [Environment(name, f"urn::{name}", Hosts.from_cidr(cidr), (OWN,)) for name, cidr in ENVIRONMENTS.items()]
careful = settings(
    max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


def outcomes(filters: list[Filter], spot: Spot) -> list[set[str]]:
    return [found for one in path_of(filters, spot.host) if (found := decide(one, spot)) is not None]


def is_own(spot: Spot) -> bool:
    return spot.caller.environment is not None and spot.in_box(OWN) == "yes"


@careful
@given(cases)
def test_findings_are_those_of_brute_force(case: tuple[Access, list[Filter]]) -> None:
    access, filters = case
    proof = prove(access, STACK, filters, at=AT)
    excess, blocked, doubt, lost = set(), set(), set(), set()
    for spot in SPOTS:
        found = outcomes(filters, spot)
        if not found and spot.caller.environment is None:
            continue  # nothing of the stack is on the way
        possible = all("allow" in one for one in found)
        definite = all(one == {"allow"} for one in found)
        names = spot.caller.principals()
        who = " + ".join(sorted(names)) or (spot.caller.environment or f"outside {spot.caller.group}")
        declared = declared_by(access, spot)
        if declared == "yes":
            if is_own(spot):
                continue
            into = doubt if possible and not definite else blocked if not possible else None
            if into is not None:
                into |= {(name, spot.host) for name, hit in declaring(access, spot) if hit == "yes"}
        elif possible and not is_own(spot) and known_name(filters, spot):
            (excess if definite and declared == "no" else lost).add((who, zone_of(spot.host)))
    assert bool(proof.excess) == bool(excess)
    assert bool(proof.blocked) == bool(blocked)
    assert {name for name, _ in blocked} == {name for one in proof.blocked for name in one.principals}
    assert {name for one in proof.unproven if one.declared for name in one.principals} == {name for name, _ in doubt}
    assert bool([one for one in proof.unproven if not one.declared]) == bool(lost)
    mentioned = any("guests" in (rule.match.who.groups or ()) for one in filters for rule in one.rules)
    told = {"outside None" if who == "outside guests" and not mentioned else who for who, _ in excess}
    assert {_label(name) for one in proof.excess for name in one.principals} == told
    assert proof.ok == (not (excess or blocked or doubt or lost))


def _label(name: str) -> str:
    if name.startswith("any other DAG of "):
        return name.removeprefix("any other DAG of ")
    if name.startswith("anything outside Airflow"):
        return f"outside {name.rpartition(' in group ')[2] if ' in group ' in name else None}"
    return name


@careful
@given(cases)
def test_pairs_and_their_depth_are_those_of_brute_force(case: tuple[Access, list[Filter]]) -> None:
    access, filters = case
    matrix = prove(access, STACK, filters, at=AT).matrix
    for name, destination in product(["loaders", "etl-a", "staff"], ["db", "api", "net", "far"]):
        there = DECLARED[destination]
        declared, passes, depth = set(), set(), []
        for spot in SPOTS:
            if name not in spot.caller.principals() or spot.in_box(there) != "yes":
                continue
            if declared_by(access, spot) != "yes" and not known_name(filters, spot):
                continue
            found = [(one.gate, decide(one, spot)) for one in path_of(filters, spot.host)]
            met = [(gate, result) for gate, result in found if result is not None]
            if not met and spot.caller.environment is None:
                continue
            declared.add(declared_by(access, spot) == "yes")
            passes.add(all(result == {"allow"} for _, result in met))
            if declared_by(access, spot) != "yes" and not is_own(spot):
                depth.append(len({gate for gate, result in met if result == {"deny"}}))
        cell = matrix.cells[name, destination]
        assert cell.declared is share(declared)
        assert cell.allowed is share(passes)
        assert cell.depth == (min(depth) if depth else None)


def share(seen: set[bool]) -> Share:
    return Share.NONE if True not in seen else Share.PART if False in seen else Share.ALL


@careful
@given(cases, st.sampled_from(HOSTS), st.sampled_from(SERVICES), st.sampled_from(TIMES), st.sampled_from(TASKS["blue"]))
def test_an_explanation_is_what_brute_force_decides(
    case: tuple[Access, list[Filter]], host: str, service: tuple[str, int], moment: datetime, task: str
) -> None:
    if ":" in host:
        return  # tasks have IPv4 alone
    access, filters = case
    spots = [Spot(caller, host, service, moment) for caller in CALLERS if caller.environment == "blue" and caller.task == task]
    found = [outcomes(filters, spot) for spot in spots]
    answer = explain(access, STACK, filters, f"blue/{task}", f"{host}:{service[1]}/{service[0]}", at=AT, when=moment)
    verdicts = {
        Outcome.DENY
        if any(one == {"deny"} for one in met)
        else Outcome.ALLOW
        if all(one == {"allow"} for one in met)
        else Outcome.UNKNOWN
        for met in found
    }
    expected = next(one for one in (Outcome.DENY, Outcome.UNKNOWN, Outcome.ALLOW) if one in verdicts)
    assert answer.outcome is expected
    assert bool(answer.routes) == any(declared_by(access, spot) == "yes" for spot in spots)
    rows = [{row.outcome} for row in answer.rows]
    as_sets = [[{Outcome(next(iter(one)))} if len(one) == 1 else {Outcome.UNKNOWN} for one in met] for met in found]
    order = {id(one): number for number, one in enumerate(filters)}
    assert sorted(order[id(row.filter)] for row in answer.rows)
    assert [rows[number] for number in sorted(range(len(rows)), key=lambda one: order[id(answer.rows[one].filter)])] in as_sets


@careful
@given(filter_of("wall"))
def test_a_rule_is_dead_exactly_when_taking_it_out_changes_no_decision_before_it(one: Filter) -> None:
    proof = prove(Access.model_validate({**ACCESS, "routes": []}), STACK, [one], at=AT)
    dead = {each.rule.urn for each in proof.dead if each.rule}
    if one.combine is not Combine.FIRST_MATCH:
        return
    for number, rule in enumerate(one.rules):
        before = Filter(one.gate, one.name, Combine.FIRST_MATCH, Action.DENY, one.rules[:number], one.urn)
        ends = [
            (spot, [hit for other in before.rules if (hit := spot.in_box(other.match)) == "yes" and not other.unknown])
            for spot in SPOTS
        ]
        decides = any(spot.in_box(rule.match) != "no" and not earlier for spot, earlier in ends)
        assert (rule.source.urn in dead) == (not decides and not rule.unknown)
