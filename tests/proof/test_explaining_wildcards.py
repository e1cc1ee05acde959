"""Questions with wildcards: what they mean, and counts that agree with one question at a time."""

from collections import Counter
from datetime import datetime
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import AT, STACK, TIMES
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.proof import Outcome, explain
from pulumi_airlock.proof.explanation.asking import asked, callers, is_wild
from pulumi_airlock.proof.explanation.survey import survey
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Kind, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services

ACCESS = Access.model_validate(
    {
        "environments": [{"name": "finance", "dags": ["finance_*"]}, {"name": "risk"}],
        "principals": [
            {"name": "finance-load", "dags": ["finance_*"], "tasks": ["load"], "environment": "finance"},
            {"name": "finance-people", "group": "finance", "sources": ["10.60.0.0/24"]},
            {"name": "var", "dags": ["var_*"], "environment": "risk"},
        ],
        "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall"]}},
        "destinations": [
            {"name": "ledger-db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp", "443/tcp"]},
            {
                "name": "ledger-ui",
                "zone": "center",
                "hosts": ["ui.corp.example"],
                "cidrs": ["10.20.5.0/28"],
                "ports": ["443/tcp"],
            },
            {"name": "far", "zone": "center", "cidrs": ["10.20.200.0/24"], "ports": ["8000-8010/tcp"]},
        ],
        "routes": [{"name": "load", "from": ["finance-load"], "to": ["ledger-db"], "reason": "FIN-1"}],
    }
)
TWO = [
    Environment("finance", "urn::f", Hosts.from_cidr("10.40.0.0/25")),
    Environment("risk", "urn::r", Hosts.from_cidr("10.40.0.128/25")),
]


def wall(*boxes: tuple[str, Services]) -> Filter:
    rules = [
        Rule(
            Action.ALLOW,
            Match(Who(sources=Hosts.from_cidr("10.40.0.0/25")), Hosts.from_cidr(host), services),
            Source(f"urn::{host}"),
        )
        for host, services in boxes
    ]
    return Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, tuple(rules), "urn::wall")


@pytest.mark.parametrize(
    ("who", "where", "wild"),
    [
        ("finance-load", "ledger-db:443", False),
        ("finance_daily.load", "10.20.4.10", False),
        ("finance_*.load", "ledger-db", True),
        ("*", "ledger-db", True),
        ("var", "ledger-*", True),
        ("var", "10.20.4.0/24:443", True),
        ("var", "10.20.4.10/32:443", False),
        ("var", "far:8000-8005", True),
        ("var", "[2001:db8::1]:443", False),
        ("var", "2001:db8::/64", True),
    ],
)
def test_a_question_is_wild_when_it_means_many(who: str, where: str, wild: bool) -> None:
    assert is_wild(ACCESS, who, where) is wild


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("*", ()),
        ("finance-*", ("finance-load", "finance-people")),
        ("finance_*.load", ("finance_*.load",)),
        ("finance/finance-*", ("finance/finance-load",)),
        ("finance/*", ("finance/finance-load", "finance/other")),
        ("var", ("var",)),
    ],
)
def test_callers_by_name_by_task_and_by_environment(who: str, found: tuple[str, ...]) -> None:
    assert callers(ACCESS, who) == found


def test_nobody_is_told_with_what_there_is() -> None:
    with pytest.raises(InputError, match='no principal matches "treasury-\\*"'):
        callers(ACCESS, "treasury-*")
    with pytest.raises(InputError, match='no destination matches "ledgers\\*"'):
        asked(ACCESS, "ledgers*")
    with pytest.raises(InputError, match="has port 99"):
        asked(ACCESS, "ledger-*:99")
    with pytest.raises(InputError, match="port"):
        asked(ACCESS, "*:https")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("*", ["ledger-db:1521/tcp", "ledger-db:443/tcp", "ledger-ui:443/tcp", "far:8000-8010/tcp"]),
        ("ledger-*:443", ["ledger-db:443/tcp", "ledger-ui:443/tcp"]),
        ("*.corp.example", ["ledger-ui:443/tcp"]),
        ("far:8005-9000", ["far:8005-9000/tcp"]),
        ("*:8005-9000", ["far:8005-8010/tcp"]),
        ("10.20.4.0/24:443", ["ledger-db:443/tcp", "elsewhere in 10.20.4.0/24:443/tcp"]),
        ("10.20.4.0/24:22", ["ledger-db:22/tcp", "elsewhere in 10.20.4.0/24:22/tcp"]),
        ("10.99.0.0/24:22", ["10.99.0.0/24:22/tcp"]),
        ("10.20.5.0/28", ["ledger-ui:443/tcp"]),
    ],
)
def test_destinations_by_name_by_network_and_by_port(where: str, found: list[str]) -> None:
    assert [str(target) for target, _ in asked(ACCESS, where)] == found


def test_counts_say_who_gets_where_and_who_refuses() -> None:
    one = wall(("10.20.4.10", Services.of("tcp", 1521, 1521)), ("10.20.200.0/24", Services.of("tcp", 8000, 8010)))
    found = survey(ACCESS, TWO, [one], "*", "*", at=AT)
    assert found.callers[:3] == ("finance-load", "finance-people", "var")
    assert set(found.callers[3:]) == {"any other DAG of finance", "any other DAG of risk", "anything outside Airflow"}
    assert (found.counts[Outcome.ALLOW], found.counts[Outcome.DENY], found.without_path) == (4, 20, 0)
    assert (found.excess, found.blocked) == (3, 1)
    assert found.refusals == {"wall (permission)": 20}
    assert [f"{each.principal} {each.destination}" for each in found.first[Outcome.ALLOW]] == [
        "finance-load ledger-db:1521/tcp",
        "finance-load far:8000-8010/tcp",
        "any other DAG of finance ledger-db:1521/tcp",
    ]
    assert len(survey(ACCESS, TWO, [one], "*", "*", at=AT, first=1).first[Outcome.DENY]) == 1


def test_a_pair_whose_points_differ_is_refused_and_said_to_differ() -> None:
    half = wall(("10.20.200.0/25", Services.every()))
    found = survey(ACCESS, TWO, [half], "finance-load", "far", at=AT)
    assert [(one.outcomes, one.refused_by) for one in found.pairs] == [((Outcome.DENY, Outcome.ALLOW), ("wall (permission)",))]
    assert found.partly == 1


def test_kinds_of_refusal_are_counted_apart() -> None:
    table = Filter("net", "table", Combine.FIRST_MATCH, Action.DENY, (), "urn::t", Kind.ROUTING, always=True)
    found = survey(ACCESS, TWO, [table, wall()], "var", "ledger-db", at=AT)
    assert found.refusals == {"net (routing)": 2, "wall (permission)": 2}


@settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(cases(), st.sampled_from(TIMES))
def test_each_pair_is_what_one_question_about_it_answers(case: tuple[Access, list[Filter]], moment: datetime) -> None:
    access, filters = case
    found = survey(access, STACK, filters, "*", "*", at=AT, when=moment)
    pairs = {(one.caller, one.destination): one.outcomes for one in found.pairs}
    for who, name in product(["etl-a", "loaders", "staff"], ["db", "api", "net", "far"]):
        # A caller of a survey is one kind of tasks, a principal all of them.
        mine = Counter(
            outcome
            for (caller, where), met in pairs.items()
            if who in caller.split(" + ") and where.startswith(f"{name}:")
            for outcome in met
        )
        try:
            answer = explain(access, STACK, filters, who, name, at=AT, when=moment).outcome
        except InputError:
            assert not mine
            continue
        expected = next(one for one in (Outcome.DENY, Outcome.UNKNOWN, Outcome.ALLOW) if mine[one])
        assert answer is expected
