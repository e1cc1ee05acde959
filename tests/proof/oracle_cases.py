"""What brute force and the proof are given to decide: access files, and stacks of filters, of every form that rules have."""

import os
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
from oracle import ACCESS, CIDRS, NAMES, WINDOWS
from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Filter, HttpOperation, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services

EXAMPLES = int(os.environ.get("AIRLOCK_ORACLE_EXAMPLES", "4"))
"""How many of the dearest kind of case (a whole proof against brute force) there are; each other kind has a multiple of it."""

engine.MAX_SHRINKING_SECONDS = 60
"""What fails is made smaller for a minute, not for five: one try can take seconds."""


def often(times: int = 1) -> Callable[..., Callable[..., None]]:
    """The same cases every time, so many times EXAMPLES."""
    return settings(
        max_examples=times * EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )


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


operations = st.sampled_from(
    [
        None,
        None,
        frozenset({HttpOperation("GET", "/v1/*")}),
        frozenset({HttpOperation("*", "/v1/*")}),
        frozenset({HttpOperation("POST", "*"), HttpOperation("GET", "/v2")}),
    ]
)


@st.composite
def filter_of(
    draw: st.DrawFn, gate: str, *, always: bool = False, scope: Match | None = None, http: bool = False, timed: bool = True
) -> Filter:
    rules = [
        Rule(
            draw(st.sampled_from([Action.ALLOW, Action.ALLOW, Action.DENY])),
            Match(draw(whos), draw(hosts), draw(services), draw(operations) if http else None, draw(times) if timed else ()),
            Source(f"urn::{gate}-{number}"),
            draw(st.sampled_from([(), (), (), (f"{gate}.{number}",)])),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    default = draw(st.sampled_from([Action.DENY, Action.DENY, Action.ALLOW]))
    combine = draw(st.sampled_from(Combine))
    return Filter(gate, gate, combine, default, tuple(rules), f"urn::{gate}", scope=scope or Match(), always=always)


@st.composite
def accesses(draw: st.DrawFn, *, http: bool = False, timed: bool = True) -> Access:
    windows = (
        [None] if not timed else [None, {"days": ["mon", "tue"], "from": "09:00", "to": "17:00", "timezone": "Europe/Zurich"}]
    )
    routes = [
        {
            "name": f"route-{number}",
            "from": draw(st.lists(st.sampled_from(["loaders", "etl-a", "staff"]), min_size=1, max_size=2, unique=True)),
            "to": draw(st.lists(st.sampled_from(["db", "api", "net", "far"]), min_size=1, max_size=2, unique=True)),
            "reason": "test",
            **({"window": window} if (window := draw(st.sampled_from(windows))) else {}),
            **({"expires": "2026-03-19"} if timed and draw(st.booleans()) else {}),
        }
        for number in range(draw(st.integers(0, 3)))
    ]
    for route in routes:
        if http and route["to"] == ["api"]:
            route["http"] = draw(st.sampled_from([[], [{"methods": ["GET"], "paths": ["/v1/*"]}], [{"methods": ["POST"]}]]))
    return Access.model_validate({**ACCESS, "routes": routes})


BLUE = Match(who=Who(environments=frozenset({"blue"})))


def cases(*, http: bool = False, timed: bool = True) -> st.SearchStrategy[tuple[Access, list[Filter]]]:
    """An access file and the filters of a stack; without `timed`, nothing in them depends on time."""
    return st.tuples(
        accesses(http=http, timed=timed),
        filter_of("wall", http=http, timed=timed),
        filter_of("wall", timed=timed),
        filter_of("door", http=http, timed=timed),
        filter_of("blue", always=True, scope=BLUE, timed=timed),
    ).map(lambda one: (one[0], list(one[1:])))
