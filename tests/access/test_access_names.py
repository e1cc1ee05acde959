"""What people type, in expectations and on the command line, and what is meant by it."""

from fnmatch import fnmatchcase
from ipaddress import ip_network
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import (
    Access,
    AccessError,
    Caller,
    CallerKind,
    Destination,
    Environment,
    Principal,
    Zone,
    globs,
    other_example,
    select_destinations,
    select_principals,
)

PRINCIPALS = (
    Principal(name="finance-etl", environment="finance", dags=("finance_*",), tasks=("load_*",)),
    Principal(name="maintenance", dags=("maint_*",)),
    Principal(name="analysts", group="airflow-finance"),
)


def an_access(**changes: object) -> Access:
    parts: dict[str, object] = {
        "environments": (
            Environment(name="finance", dags=("finance_*", "maint_*")),
            Environment(name="markets", dags=("markets_*", "maint_*")),
        ),
        "principals": PRINCIPALS,
        "zones": {"dc": Zone(gates=("fortigate",))},
        "destinations": (
            Destination(
                name="warehouse", zone="dc", cidrs=("10.20.4.0/28",), hosts=("db.corp.example",), ports=("5432/tcp", "53/udp")
            ),
            Destination(
                name="sites", zone="dc", cidrs=("2001:db8::/32",), hosts=("*.sites.example",), ports=("443/tcp", "443/udp")
            ),
        ),
        "routes": (),
    }
    return Access(**{**parts, **changes})  # type: ignore[arg-type]


def tasks(name: str, environment: str | None) -> Caller:
    return Caller(CallerKind.TASKS, name, environment)


def other(environment: str | None) -> Caller:
    return Caller(CallerKind.OTHER, None, environment)


@pytest.mark.parametrize(
    ("text", "callers"),
    [
        ("finance-etl", {tasks("finance-etl", "finance")}),
        ("maintenance", {tasks("maintenance", "finance"), tasks("maintenance", "markets")}),
        ("markets/maintenance", {tasks("maintenance", "markets")}),
        ("analysts", {Caller(CallerKind.PEOPLE, "analysts")}),
        ("outside", {Caller(CallerKind.OUTSIDE)}),
        ("finance_daily.load_orders", {tasks("finance-etl", "finance")}),
        ("finance_daily.save", {other("finance")}),
        ("finance_daily.*", {tasks("finance-etl", "finance"), other("finance")}),
        ("finance_daily.group.load", {other("finance")}),
        ("maint_x.*", {tasks("maintenance", "finance"), tasks("maintenance", "markets")}),
        ("markets/maint_x.*", {tasks("maintenance", "markets")}),
        ("m*/*.*", {tasks("maintenance", "markets"), other("markets")}),
        ("other", {other("finance"), other("markets")}),
        ("any other DAG", {other("finance"), other("markets")}),
        ("[f]inance_[a-z]*.load_?", {tasks("finance-etl", "finance")}),
        ("finance_a[.]b.load_x", {tasks("finance-etl", "finance")}),
    ],
)
def test_callers(text: str, callers: set[Caller]) -> None:
    found = select_principals(an_access(), text)
    assert set(found) == callers
    assert len(found) == len(callers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("finance-elt", 'no principal "finance-elt", nor dag.task; did you mean "finance-etl"?'),
        ("finanse_daily.load", 'no environment runs a DAG "finanse_daily"; did you mean "finance_*"?'),
        ("market/maint_a.b", 'no environment "market"; did you mean "markets"?'),
        ("markets/finance-etl", 'principal "finance-etl" has no task in environment "markets": no environment of the file runs'),
        ("finance/analysts", 'principal "analysts" is people, who are in no environment: write "analysts" alone'),
    ],
)
def test_callers_that_there_are_not(text: str, message: str) -> None:
    with pytest.raises(AccessError) as caught:
        select_principals(an_access(), text)
    assert str(caught.value).startswith(message)


def test_without_a_list_of_environments_any_dag_may_run_anywhere() -> None:
    access = an_access(environments=())
    assert set(select_principals(access, "unheard_of.task")) == {other("finance"), other(None)}
    assert set(select_principals(access, "maintenance")) == {tasks("maintenance", None)}
    assert select_principals(access, "elsewhere/maint_a.b") == (tasks("maintenance", "elsewhere"),)


def test_other_dags_are_those_that_no_principal_covers() -> None:
    everything = Principal(name="everything", dags=("*",), environment="finance")
    assert other_example(an_access(principals=(everything,)), "finance") is None
    dag, task = other_example(an_access(), "finance") or ("", "")
    assert dag.startswith("finance_")
    assert not task.startswith("load_")


@pytest.mark.parametrize(
    ("text", "destination", "networks", "services"),
    [
        ("warehouse", "warehouse", ["10.20.4.0/28"], (("tcp", 5432, 5432), ("udp", 53, 53))),
        ("warehouse:5432", "warehouse", ["10.20.4.0/28"], (("tcp", 5432, 5432),)),
        ("warehouse:53", "warehouse", ["10.20.4.0/28"], (("udp", 53, 53),)),
        ("warehouse:22", "warehouse", ["10.20.4.0/28"], (("tcp", 22, 22),)),
        ("warehouse:161/udp", "warehouse", ["10.20.4.0/28"], (("udp", 161, 161),)),
        ("warehouse:icmp", "warehouse", ["10.20.4.0/28"], (("icmp", 0, 65535),)),
        ("sites:443", "sites", ["2001:db8::/32"], (("tcp", 443, 443), ("udp", 443, 443))),
        ("10.20.4.10:5432", "warehouse", ["10.20.4.10/32"], (("tcp", 5432, 5432),)),
        ("10.20.4.8/29", "warehouse", ["10.20.4.8/29"], (("tcp", 5432, 5432), ("udp", 53, 53))),
        ("192.0.2.1:80", None, ["192.0.2.1/32"], (("tcp", 80, 80),)),
        ("192.0.2.1", None, ["192.0.2.1/32"], ()),
        ("[2001:db8::1]:443", "sites", ["2001:db8::1/128"], (("tcp", 443, 443), ("udp", 443, 443))),
        ("2001:db8::1", "sites", ["2001:db8::1/128"], (("tcp", 443, 443), ("udp", 443, 443))),
        ("db.corp.example:8000-8010", "warehouse", ["10.20.4.0/28"], (("tcp", 8000, 8010),)),
        ("eu.sites.example:443/tcp", "sites", ["2001:db8::/32"], (("tcp", 443, 443),)),
        ("www.example:443", None, [], (("tcp", 443, 443),)),
    ],
)
def test_destinations(
    text: str, destination: str | None, networks: list[str], services: tuple[tuple[str, int, int], ...]
) -> None:
    (target,) = select_destinations(an_access(), text)
    assert (target.destination, target.services) == (destination, services)
    assert target.networks == tuple(map(ip_network, networks))


@pytest.mark.parametrize(
    "text", ["warehose:5432", "warehouse:postgres", "warehouse:70000", "", ":5432", "https://db.corp.example", "a:b:c"]
)
def test_destinations_that_there_are_not(text: str) -> None:
    with pytest.raises(AccessError):
        select_destinations(an_access(), text)


@settings(deadline=None)
@given(caller=st.text(), destination=st.text())
def test_any_text_is_resolved_or_refused(caller: str, destination: str) -> None:
    access = an_access()
    for select, text in ((select_principals, caller), (select_destinations, destination)):
        try:
            assert select(access, text)  # type: ignore[operator]
        except AccessError:
            continue


GLOBS = st.lists(st.sampled_from(["a", "b", "_", "*", "?", "[ab]", "[!a]", "[b-z]", "["]), min_size=1, max_size=4).map("".join)
IDS = ["".join(chars) for size in range(1, 5) for chars in product("ab_z", repeat=size)]
"""What globs over these pieces can tell apart, up to four characters long."""


@settings(max_examples=200, deadline=None)
@given(one=GLOBS, other=GLOBS)
def test_globs_meet_exactly_where_some_id_matches_both(one: str, other: str) -> None:
    found = globs.example(one, other)
    if found is not None:
        assert fnmatchcase(found, one)
        assert fnmatchcase(found, other)
        both = [text for text in IDS if fnmatchcase(text, one) and fnmatchcase(text, other)]
        assert not both or len(found) <= len(both[0])
    else:
        assert not any(fnmatchcase(text, one) and fnmatchcase(text, other) for text in IDS)


@settings(max_examples=200, deadline=None)
@given(within=GLOBS, by=st.lists(st.tuples(GLOBS, GLOBS), max_size=3))
def test_what_no_glob_covers(within: str, by: list[tuple[str, str]]) -> None:
    assume(globs.example(within) is not None)
    found = globs.uncovered(((within, "*"),), tuple(by))
    dags = IDS if found is None else [found[0]]
    for dag in dags:
        for task in ["a", "b", "ab", "z_"] if found is None else [found[1]]:
            covered = any(fnmatchcase(dag, one) and fnmatchcase(task, other) for one, other in by)
            assert covered is (found is None) or not fnmatchcase(dag, within)
