"""A gate refuses what a filter of it holds, and nothing else: that a zone names it closes no destination."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from oracle_cases import filter_of, often, services, times, whos
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Outcome, explain, prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match
from pulumi_airlock.proof.sets import Hosts

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
ACCESS = Access.model_validate(
    {
        "environments": [{"name": "blue", "dags": ["*"]}],
        "principals": [
            {"name": "loaders", "dags": ["load_*"], "environment": "blue"},
            {"name": "staff", "group": "staff", "sources": ["10.9.0.0/24"]},
            {"name": "guests", "group": "guests", "sources": ["10.8.0.0/24"]},
        ],
        "zones": {"data": {"cidrs": ["10.1.0.0/24"], "gates": ["wall", "door"]}},
        "destinations": [
            {"name": "held", "zone": "data", "cidrs": ["10.1.0.1/32"], "ports": ["443/tcp"]},
            {"name": "bare", "zone": "data", "cidrs": ["10.1.0.2/32"], "ports": ["443/tcp"]},
        ],
        "routes": [],
        "expect": [
            {"from": who, "to": f"{name}:443", "allow": False}
            for name in ("held", "bare")
            for who in ("outside", "staff", "loaders")
        ],
    }
)
BLUE = Environment("blue", "urn::blue", Hosts.from_cidr("10.0.0.0/28"))
HELD = Hosts.from_cidr("10.1.0.1/32")
elsewhere = st.builds(Match, whos, st.just(HELD), services, st.none(), times)
"""Scopes of every form, of the one destination."""


@st.composite
def held(draw: st.DrawFn) -> list[Filter]:
    """Filters of both gates: at least one of each, so that neither is missing."""
    return [draw(filter_of(gate, scope=draw(elsewhere))) for gate in ("wall", "wall", "door")]


@often(10)
@given(held())
def test_what_no_filter_covers_is_refused_by_no_gate(filters: list[Filter]) -> None:
    proof = prove(ACCESS, [BLUE], filters, at=AT)
    results = {one.expectation: one for one in proof.expectations}
    for who in ("outside", "staff", "loaders"):
        assert not results[f"{who} cannot reach bare:443"].passed
    assert "of wall, door, no filter is about it" in results["outside cannot reach bare:443"].message
    assert proof.matrix.cells["loaders", "bare"].depth == 0
    assert explain(ACCESS, [BLUE], filters, "loaders", "bare:443", at=AT).outcome is Outcome.ALLOW
    assert any("bare" in one.destinations for one in proof.excess)


@often(10)
@given(held())
def test_a_gate_that_says_it_denies_by_default_covers_everything(filters: list[Filter]) -> None:
    closed = Filter("door", "the rest", Combine.ANY_ALLOW, Action.DENY, (), "urn::door", scope=Match(hosts=HELD.complement()))
    proof = prove(ACCESS, [BLUE], [*filters, closed], at=AT)
    assert all(one.passed for one in proof.expectations if "bare" in one.expectation)
    assert proof.matrix.cells["loaders", "bare"].depth == 1
    # And so does one without a scope.
    whole = replace(closed, scope=Match())
    assert all(one.passed for one in prove(ACCESS, [BLUE], [*filters, whole], at=AT).expectations)


def test_callers_of_a_kind_that_no_filter_covers_are_not_refused() -> None:
    """A gate on the tasks' side alone says nothing of who comes from elsewhere."""
    tasks = Match(replace(Match().who, environments=frozenset({"blue"})))
    one = Filter("wall", "tasks", Combine.ANY_ALLOW, Action.DENY, (), "urn::wall", scope=tasks)
    results = {
        each.expectation: each.passed for each in prove(ACCESS, [BLUE], [one, replace(one, gate="door")], at=AT).expectations
    }
    assert results["loaders cannot reach bare:443"]
    assert not results["outside cannot reach bare:443"]
