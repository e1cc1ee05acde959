"""One connection at a time, rule by rule, comes out as the proof's engine decides it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.proof.explanation.explaining import explain
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.findings import Outcome
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Once, Weekly
from pulumi_airlock.verify.deciding import Caller, Point, decide
from pulumi_airlock.verify.declaring import Declared
from pulumi_airlock.verify.points import Clock, holds, service
from verify_cases import ACCESS, AT, expected

CIDRS = ["10.20.4.10/32", "10.20.4.0/24", "10.20.0.0/16", "0.0.0.0/0"]
SOURCES = ["10.40.0.0/25", "10.40.0.0/24", "10.40.0.128/25"]
TIMES = [
    (),
    (frozenset({Weekly(((1440 + 480, 1440 + 720),), "Europe/Zurich")}),),
    (frozenset({Once(None, datetime(2026, 11, 24, 20, tzinfo=UTC))}),),
]
WHOS = [
    Who(),
    Who(environments=frozenset({"finance"})),
    Who(environments=frozenset({"risk"})),
    Who(outside=frozenset({"finance"})),
    Who(environments=frozenset()),
    Who(groups=frozenset({"airflow-finance"})),
    *(Who(sources=Hosts.from_cidr(one)) for one in SOURCES),
]
RULES = st.builds(
    Rule,
    st.sampled_from(Action),
    st.builds(
        Match,
        st.sampled_from(WHOS),
        st.sampled_from([Hosts.from_cidr(one) for one in CIDRS]),
        st.sampled_from([Services.of("tcp", 5432, 5432), Services.of("tcp", 1, 6000), Services.every()]),
        times=st.sampled_from(TIMES),
    ),
    st.just(Source("")),
    st.sampled_from([(), (), ("something",)]),
)
CALLERS = {
    "finance/ledger": ("finance", "10.40.0.9", frozenset()),
    "risk/var": ("risk", "10.40.0.140", frozenset()),
    "controllers": (None, "10.60.0.1", frozenset({"airflow-finance"})),
    "outside": (None, "10.60.0.1", frozenset()),
}
"""Who is asked about: environment, address, groups."""
FILTERS = st.builds(
    Filter,
    st.just("zpa"),
    st.just("rules"),
    st.sampled_from(Combine),
    st.sampled_from(Action),
    st.lists(RULES, max_size=5).map(tuple),
    st.just(""),
)


@settings(max_examples=150, deadline=None)
@given(
    one=FILTERS,
    asked=st.sampled_from(sorted(CALLERS)),
    address=st.sampled_from(["10.20.4.10", "10.20.4.20", "10.20.9.9"]),
    port=st.sampled_from([22, 5432]),
    hours=st.sampled_from([0, 3, 14]),
)
def test_it_decides_as_the_proof_does(one: Filter, asked: str, address: str, port: int, hours: int) -> None:
    stack, when = expected(), AT + timedelta(hours=hours)
    environment, source, groups = CALLERS[asked]
    host = Declared(stack).host(address, "")
    point = Point(Caller(environment, Hosts.from_cidr(source), groups), host, service("tcp", port), when)
    mine = decide([one], point)
    assert mine is not None
    answer = explain(ACCESS, stack.environments, [one], asked, f"{address}:{port}", at=when, source=source)
    (theirs,) = {row.outcome for row in answer.rows if row.filter is one}
    # The proof tells what is certain of unknown rules more finely than a pass over the rules needs to.
    assert mine.outcome is theirs


@given(st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 5), timezones=st.just(UTC)), st.sampled_from(TIMES))
def test_a_class_of_instants_has_the_same_windows_open(moment: datetime, times: tuple[frozenset[object], ...]) -> None:
    clock = Clock(TIMES)
    other = moment + timedelta(minutes=37)
    if clock.class_of(moment) == clock.class_of(other):
        assert holds(times, moment) == holds(times, other)  # type: ignore[arg-type]


def test_outcomes_of_several_filters_are_all_needed() -> None:
    allow = Filter("zia", "urls", Combine.FIRST_MATCH, Action.ALLOW, (), "")
    deny = Filter("zia", "firewall", Combine.FIRST_MATCH, Action.DENY, (), "")
    point = Point(
        Caller("finance", Hosts.from_cidr("10.40.0.9")), Declared(expected()).host("1.2.3.4", ""), service("tcp", 443), AT
    )
    assert decide([allow], point).outcome is Outcome.ALLOW  # type: ignore[union-attr]
    assert decide([allow, deny], point).outcome is Outcome.DENY  # type: ignore[union-attr]
    assert decide([], point) is None
