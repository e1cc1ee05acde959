"""`reach` says of every concrete point what brute force says: who reaches what, when, by what right, through which gates."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import AT, DECLARED, HTTP_SPOTS, NAMES, SPOTS, STACK, TIMES, Caller, Judged, declaring, held, judge, within
from oracle_cases import cases
from pulumi_airlock.access import Access, AccessError
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.reach.exposure import Caller as Told
from pulumi_airlock.proof.reach.exposure import Reach, Reached, Right
from pulumi_airlock.proof.reach.reaching import reach
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import DagRun, Once, Weekly

EXAMPLES = int(os.environ.get("AIRLOCK_ORACLE_EXAMPLES", "8"))

Case = tuple[Access, list[Filter]]

ASKED: dict[str, Callable[[Caller], bool]] = {
    "loaders": lambda one: "loaders" in one.principals(),
    "staff": lambda one: "staff" in one.principals(),
    "other": lambda one: one.environment is not None and not one.principals(),
    "outside": lambda one: one.environment is None and not one.principals(),
    "blue/etl_a.load": lambda one: one.environment == "blue" and one.task == "etl_a.load",
}


def often(times: int = 1) -> Callable[..., Callable[..., None]]:
    return settings(
        max_examples=times * EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )


def holding(answer: Reach, one: Judged, groups: set[str]) -> list[Reached]:
    """The rows that speak of a point."""
    spot = one.spot
    number = {"tcp": 6, "udp": 17}[spot.service[0]] * 65536 + spot.service[1]
    return [
        row
        for row in answer.rows
        if (spot.host in row.hosts.names.patterns if spot.host in NAMES else within(spot.host, row.hosts))
        and number in row.services.cells
        and row.when.holds(spot.moment)
        and any(is_meant(caller, spot.caller, groups) for caller in row.callers)
    ]


def is_meant(told: Told, one: Caller, groups: set[str]) -> bool:
    """Whether a row's caller is a concrete one. `groups` are those of the outside that rules tell apart."""
    outside = "anything outside Airflow" + (f" in group {one.group}" if one.group in groups else "")
    name = " + ".join(sorted(one.principals())) or (f"any other DAG of {one.environment}" if one.environment else outside)
    return (told.name, told.environment) == (name, one.environment) and (told.sources is None or within(one.source, told.sources))


def right_of(one: Judged) -> Right:
    if one.declared == "yes":
        return Right.ROUTE
    if one.own:
        return Right.OWN
    return Right.UNCLEAR if one.declared == "maybe" else Right.EXCESS


def check(answer: Reach, access: Access, judged: list[Judged], groups: set[str]) -> int:
    told = 0
    # A rule that has no say in the question tells nobody apart: then the nameless outside stands for the group as well.
    told_apart = {caller.name.rpartition(" in group ")[2] for row in answer.rows for caller in row.callers}
    for one in judged:
        if one.declared != "yes" and not one.known:
            continue
        rows = holding(answer, one, groups)
        if not rows and one.possible and one.spot.caller.group in groups - told_apart:
            rows = holding(answer, one, groups - {one.spot.caller.group})
        assert len(rows) == one.possible, (one.spot, rows)
        if not rows:
            continue
        told += 1
        row = rows[0]
        assert row.right is right_of(one), one.spot
        assert row.certain == one.definite
        assert set(row.gates) == {each.gate for each, _ in one.met}
        if row.right is Right.ROUTE:
            sure = {
                route.name
                for route in access.routes
                if any(hit == "yes" for _, hit in declaring(access.model_copy(update={"routes": (route,)}), one.spot))
            }
            assert set(row.routes) == sure
    return told


def mentioned(filters: list[Filter]) -> set[str]:
    """Groups of the outside that rules tell apart."""
    return {group for one in filters for rule in one.rules for group in rule.match.who.groups or ()} - {"staff"}


@often(2)
@given(cases(), st.sampled_from(sorted(ASKED)))
def test_what_somebody_reaches_is_what_brute_force_lets_through(case: Case, who: str) -> None:
    access, filters = case
    judged = judge(access, filters, [spot for spot in SPOTS if ASKED[who](spot.caller)])
    check(reach(access, STACK, filters, at=AT, who=who), access, judged, mentioned(filters))


@often(2)
@given(cases(), st.sampled_from(["db", "api", "net:22", "far", "10.20.0.9", "8.8.8.8:5432"]))
def test_who_reaches_something_is_whom_brute_force_lets_through(case: Case, to: str) -> None:
    access, filters = case
    where, _, port = to.partition(":")

    def asked(host: str, service: tuple[str, int], family: int) -> bool:
        there = held(DECLARED[where].hosts, host, family) == "yes" if where in DECLARED else host == where
        return there and (not port or service == ("tcp", int(port)))

    spots = [spot for spot in SPOTS if asked(spot.host, spot.service, spot.caller.family)]
    check(reach(access, STACK, filters, at=AT, to=to), access, judge(access, filters, spots), mentioned(filters))


@often(2)
@given(cases(), st.sampled_from(TIMES), st.sampled_from(["loaders", "other", "outside"]))
def test_at_an_instant_it_is_what_brute_force_lets_through_then(case: Case, moment: datetime, who: str) -> None:
    access, filters = case
    spots = [spot for spot in SPOTS if spot.moment == moment and ASKED[who](spot.caller)]
    answer = reach(access, STACK, filters, at=AT, who=who, when=moment)
    check(answer, access, judge(access, filters, spots), mentioned(filters))
    assert all(row.when.text == "always" for row in answer.rows), "of an instant there is nothing more to say"


@often()
@given(cases(http=True))
def test_requests_that_get_through_are_in_a_row(case: Case) -> None:
    access, filters = case
    answer = reach(access, STACK, filters, at=AT, who="loaders")
    for one in judge(access, filters, [spot for spot in HTTP_SPOTS if "loaders" in spot.caller.principals()]):
        if one.declared == "yes" or one.known:
            rows = [
                row
                for row in holding(answer, one, mentioned(filters))
                if one.spot.request is not None or not row.operations or None in row.operations
            ]
            if one.possible:
                assert rows
            elif one.spot.request is None:
                assert not rows


# --- how it reads

ACCESS = Access.model_validate(
    {
        "environments": [{"name": "desk", "dags": ["close_*", "misc_*"]}],
        "principals": [
            {"name": "close", "dags": ["close_*"], "owner": "ledger@bank.example"},
            {"name": "staff", "group": "staff", "sources": ["10.9.0.0/24"]},
        ],
        "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall"]}},
        "destinations": [
            {"name": "db", "zone": "center", "cidrs": ["10.20.4.0/28"], "ports": ["5432/tcp"]},
            {"name": "lake", "zone": "center", "cidrs": ["10.20.5.0/28"], "ports": ["443/tcp"]},
        ],
        "routes": [
            {
                "name": "nightly",
                "from": ["close"],
                "to": ["db"],
                "reason": "T-1",
                "window": {"days": ["mon", "tue"], "from": "22:00", "to": "04:00", "timezone": "Europe/Zurich"},
            },
            {"name": "lake", "from": ["close", "staff"], "to": ["lake"], "reason": "T-2"},
        ],
    }
)
DESK = Environment("desk", "urn::desk", Hosts.from_cidr("10.40.0.0/25"))
NIGHTS = Weekly(((22 * 60, 28 * 60), (46 * 60, 52 * 60)), "Europe/Zurich")
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def wall(*rules: tuple[Match, str]) -> Filter:
    made = tuple(Rule(Action.ALLOW, match, Source(f"urn::{label}", label=label)) for match, label in rules)
    return Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, made, "urn::wall")


def fence() -> Filter:
    """The environment's own: out to the data centre, nowhere else."""
    tasks = Match(who=Who(environments=frozenset({"desk"})))
    out = Rule(Action.ALLOW, Match(hosts=Hosts.from_cidr("10.20.0.0/16")), Source("urn::out", label="out"))
    return Filter("desk", "security group", Combine.ANY_ALLOW, Action.DENY, (out,), "urn::sg", scope=tasks, always=True)


def to(cidr: str, port: int, *times: object, who: Who | None = None) -> Match:
    services = Services.of("tcp", port, port)
    return Match(who or Who(), Hosts.from_cidr(cidr), services, None, tuple(frozenset({one}) for one in times))


def asked(*rules: tuple[Match, str], who: str | None = "close", **question: object) -> Reach:
    return reach(ACCESS, [DESK], [wall(*rules), fence()], at=START, who=who, **question)


def test_one_row_for_each_destination_with_its_window_route_and_gates() -> None:
    answer = asked((to("10.20.4.0/28", 5432, NIGHTS), "p1"), (to("10.20.5.0/28", 443), "p2"))
    assert [(row.destination, str(row.services), row.when.text, row.routes, row.gates, row.whole) for row in answer.rows] == [
        ("db", "5432/tcp", "Mon, Tue 22:00–04:00 Europe/Zurich", ("nightly",), ("desk", "wall"), True),
        ("lake", "443/tcp", "always", ("lake",), ("desk", "wall"), True),
    ]
    assert answer.rows[0].when.next == (datetime(2026, 11, 23, 21, tzinfo=UTC), datetime(2026, 11, 24, 3, tzinfo=UTC))


def test_what_is_open_beyond_the_window_is_excess_and_says_when_and_by_which_rule() -> None:
    answer = asked((to("10.20.4.0/28", 5432), "too wide"))
    assert [(row.right, row.when.text) for row in answer.rows] == [
        (Right.ROUTE, "Mon, Tue 22:00–04:00 Europe/Zurich"),
        (Right.EXCESS, "always but Mon, Tue 22:00–04:00 Europe/Zurich"),
    ]
    assert [rule.label for rule in answer.excess[0].rules] == ["out", "too wide"]


def test_a_part_of_a_destination_says_which_hosts_and_the_rest_of_a_zone_is_told_exactly() -> None:
    answer = asked((to("10.20.4.0/30", 22), "part"), (to("10.20.8.0/21", 443), "elsewhere"))
    part, rest = answer.rows
    assert (part.destination, part.whole, [str(one) for one in part.hosts.networks()]) == ("db", False, ["10.20.4.0/30"])
    assert (rest.destination, rest.named) == ("elsewhere in center", False)
    assert [str(one) for one in rest.hosts.networks()] == ["10.20.8.0/21"]


def test_callers_with_the_same_access_share_a_row_and_the_order_is_principals_people_others() -> None:
    everything = Match(hosts=Hosts.from_cidr("10.20.4.0/28"))
    answer = reach(ACCESS, [DESK], [wall((everything, "open"))], at=START, to="db:22")
    assert [[caller.name for caller in row.callers] for row in answer.rows] == [
        ["close", "staff", "any other DAG of desk", "anything outside Airflow"]
    ]


def test_all_names_of_a_destination_are_told_and_a_pattern_as_it_is_written() -> None:
    hosts = ["a.corp.example", "b.corp.example", "*.lake.example"]
    names = {"name": "names", "zone": "center", "hosts": hosts, "ports": ["443/tcp"]}
    declared = ACCESS.model_dump(by_alias=True)
    access = Access.model_validate({**declared, "destinations": [*declared["destinations"], names]})
    out = Rule(Action.ALLOW, Match(hosts=Hosts.from_names(hosts)), Source("urn::out"))
    scope = Match(who=Who(environments=frozenset({"desk"})))
    mine = Filter("desk", "group", Combine.ANY_ALLOW, Action.DENY, (out,), "urn::sg", scope=scope, always=True)
    every = wall((Match(hosts=Hosts.from_names(hosts), services=Services.of("tcp", 22, 22)), "p"))
    (row,) = reach(access, [DESK], [mine, every], at=START, who="close").rows
    assert (row.destination, row.whole, row.hosts.names.patterns) == ("names", True, frozenset(hosts))
    some = wall((Match(hosts=Hosts.from_names(["b.corp.example"]), services=Services.of("tcp", 22, 22)), "p"))
    (row,) = reach(access, [DESK], [mine, some], at=START, who="close").rows
    assert (row.whole, row.hosts.names.patterns) == (False, frozenset({"b.corp.example"}))


def test_some_addresses_of_a_caller_are_told() -> None:
    answer = asked((to("10.20.5.0/28", 443, who=Who(sources=Hosts.from_cidr("10.40.0.0/26"))), "half"))
    (row,) = answer.rows
    assert [str(one) for one in row.callers[0].sources.networks()] == ["10.40.0.0/26"]


def test_a_window_on_a_dag_run_is_told_as_such() -> None:
    routes = [{"name": "run", "from": ["close", "staff"], "to": ["db"], "reason": "T", "window": {"dagrun": "close_day"}}]
    access = Access.model_validate({**ACCESS.model_dump(by_alias=True), "routes": routes})
    gate = wall((to("10.20.4.0/28", 5432, DagRun("close_day")), "while it runs"))
    (row,) = reach(access, [DESK], [gate, fence()], at=START, who="staff").rows
    assert (row.right, row.when.text) == (Right.ROUTE, "while DAG close_day runs")
    assert row.when.holds(START, frozenset({"close_day"}))
    assert not row.when.holds(START)
    (mine,) = reach(access, [DESK], [gate, fence()], at=START, who="close_day.x").rows
    assert mine.when.text == "always", "a task runs only while its DAG does"


def test_a_callers_own_dag_is_told_only_where_it_makes_a_difference() -> None:
    routes = [
        {"name": "run", "from": ["close"], "to": ["db"], "reason": "T", "window": {"dagrun": "close_day"}},
        {"name": "lake", "from": ["close"], "to": ["lake"], "reason": "T"},
    ]
    access = Access.model_validate({**ACCESS.model_dump(by_alias=True), "routes": routes})
    gate = wall((to("10.20.4.0/28", 5432, DagRun("close_day")), "while it runs"), (to("10.20.5.0/28", 443), "lake"))
    rows = reach(access, [DESK], [gate, fence()], at=START, who="close").rows
    assert [([caller.name for caller in row.callers], row.destination, row.when.text) for row in rows] == [
        (["close, DAG close_day"], "db", "always"),
        (["close, but for DAG close_day"], "db", "while DAG close_day runs"),
        (["close"], "lake", "always"),
    ]


def test_an_end_within_the_horizon_is_told() -> None:
    end = datetime(2026, 12, 24, tzinfo=UTC)
    (row,) = asked((to("10.20.5.0/28", 443, Once(None, end)), "until")).rows
    assert row.when.text == "until 2026-12-23 UTC"
    assert row.when.next == (START, end)
    assert not row.when.holds(end)
    assert row.when.holds(end - timedelta(minutes=1))


def test_who_is_in_question_is_looked_up_as_in_expectations() -> None:
    assert [row.destination for row in asked((to("10.20.5.0/28", 443), "p"), who="close_x.load").rows] == ["lake"]
    with pytest.raises(AccessError, match='did you mean "close"'):
        asked(who="closed")
    with pytest.raises(AccessError, match='no destination "bd"'):
        asked(to="bd")
    with pytest.raises(ValueError, match="who, to, or both"):
        asked(who=None)
    with pytest.raises(ValueError, match="has no time zone"):
        asked(when=datetime(2026, 11, 20))


def test_who_and_to_together_ask_about_both() -> None:
    rules = ((to("10.20.4.0/28", 5432), "a"), (to("10.20.5.0/28", 443), "b"))
    assert [row.destination for row in asked(*rules, to="lake").rows] == ["lake"]


def test_the_same_question_has_the_same_answer() -> None:
    rules = ((Match(hosts=Hosts.from_cidr("10.20.0.0/16")), "a"), (to("10.20.5.0/28", 443), "b"))
    assert asked(*rules) == asked(*rules)
