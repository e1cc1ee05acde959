"""A connection mapped back to who can have made it, judged, and compared with what a device did."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import AT, CALLERS, HOSTS, SERVICES, STACK, TIMES, Caller, Spot, declared_by, judge
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.proof import Outcome
from pulumi_airlock.proof.explanation.observing import Agreement, Likely, Observation, observe
from pulumi_airlock.proof.filters import Filter
from test_explaining_kinds import DB, DOCUMENT, WAY, proxy, routes, rule, token, wall
from test_explaining_kinds import STACK as FINANCE_STACK

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def seen(*filters: Filter, source: str = "10.40.0.7", where: str = "10.20.4.10:1521/tcp", **options: Any) -> Observation:
    return observe(Access.model_validate(DOCUMENT), FINANCE_STACK, filters, source, where, at=NOON, when=NOON, **options)


def test_everybody_at_the_address_is_told_those_with_a_route_first() -> None:
    found = seen(routes(WAY), wall(rule()), proxy(token()))
    assert found.environments == ("finance",)
    assert [(one.callers, one.likely, one.explanation.outcome) for one in found.suspects] == [
        (("ledger",), Likely.MEANT, Outcome.ALLOW),
        (("report",), Likely.UNDECLARED, Outcome.DENY),
    ]


def test_callers_who_are_treated_alike_are_one_answer() -> None:
    found = seen(routes(WAY), wall(), where="10.20.9.3:9000/tcp")
    assert [one.callers for one in found.suspects] == [("ledger", "report")]


def test_people_are_known_by_address_and_by_the_group_that_the_device_let_in() -> None:
    gate = wall(rule())
    names = [name for one in seen(gate, source="10.60.0.9").suspects for name in one.callers]
    assert names == ["auditors", "anything outside Airflow"]
    ours = [name for one in seen(gate, source="10.60.0.9", group="somebody-else").suspects for name in one.callers]
    assert ours == ["anything outside Airflow"]


@pytest.mark.parametrize(
    ("gate", "allowed", "agreement"),
    [
        (wall(rule()), True, Agreement.AGREES),
        (wall(rule()), False, Agreement.STRICTER),
        (wall(), False, Agreement.AGREES),
        (wall(), True, Agreement.LOOSER),
        (wall(rule()), None, Agreement.UNKNOWN),
        (wall(rule(DB, name="x"), rule(name="y")), True, Agreement.AGREES),
        (wall(rule(DB, rule().action, "z", "address.subnet")), True, Agreement.UNKNOWN),
    ],
)
def test_the_device_is_compared_with_its_own_filters(gate: Filter, allowed: bool | None, agreement: Agreement) -> None:
    """The proxy behind it refuses everybody, which is not the wall's decision."""
    found = seen(routes(WAY), gate, proxy(), device=[gate], allowed=allowed)
    assert found.agreement is agreement
    assert [row.filter for row in found.rows] == [gate]


def test_a_device_that_tells_callers_apart_is_compared_for_who_is_meant() -> None:
    gate = proxy(token())
    assert seen(routes(WAY), wall(rule()), gate, device=[gate], allowed=True).agreement is Agreement.AGREES
    assert seen(routes(WAY), wall(rule()), gate, device=[gate], allowed=False).agreement is Agreement.STRICTER


def test_a_stack_without_the_device_says_nothing_of_it() -> None:
    found = seen(routes(WAY), wall(), allowed=False)
    assert (found.agreement, found.rows) == (Agreement.UNKNOWN, ())


def test_what_should_not_have_come_as_far_as_the_device_is_told() -> None:
    gate = wall(rule())
    assert [row.gate for row in seen(routes(), gate, proxy(token()), device=[gate], allowed=True).passed] == ["net"]
    assert seen(routes(WAY), gate, proxy(token()), device=[gate], allowed=True).passed == ()


def test_what_has_no_path_is_an_error() -> None:
    with pytest.raises(InputError, match="no path"):
        seen(wall(rule()), source="10.40.0.7", where="[2001:db8::1]:1521/tcp")


@settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(
    cases(),
    st.sampled_from([one for one in CALLERS if ":" not in one.source]),
    st.sampled_from([one for one in HOSTS if ":" not in one]),
    st.sampled_from(SERVICES),
    st.sampled_from(TIMES),
)
def test_the_suspects_are_all_callers_at_the_address_and_judged_as_brute_force_does(
    case: tuple[Access, list[Filter]], who: Caller, host: str, service: tuple[str, int], moment: datetime
) -> None:
    access, filters = case
    source = who.source
    spots = [Spot(caller, host, service, moment) for caller in CALLERS if caller.source == source]
    judged = judge(access, filters, spots)
    where = f"{host}:{service[1]}/{service[0]}"
    if not judged:
        return
    found = observe(access, STACK, filters, source, where, at=AT, when=moment)
    told = {name: one for one in found.suspects for name in one.callers}
    for one in judged:
        caller = one.spot.caller
        label = " + ".join(sorted(caller.principals()))
        if not label:
            label = f"any other DAG of {caller.environment}" if caller.environment else None
        if label is None:
            continue  # people in a group are told apart only where a rule speaks of it
        suspect = told[label]
        assert (suspect.likely is Likely.MEANT) == (declared_by(access, one.spot) == "yes")
        expected = Outcome.ALLOW if one.definite else Outcome.UNKNOWN if one.possible else Outcome.DENY
        assert suspect.explanation.outcome is expected
