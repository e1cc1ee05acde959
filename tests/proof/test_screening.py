"""The screen finds every class of hosts where the sweep finds anything, and none besides; so a proof with it says the same."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import ACCESS, AT, STACK
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Proof, prove, proving
from pulumi_airlock.proof.atoms.instants import Bools
from pulumi_airlock.proof.engine.screening import doubtful
from pulumi_airlock.proof.engine.sweep import Sweep
from pulumi_airlock.proof.filters import Action, Combine, Filter, HttpOperation, Match, Rule, Source, Who
from pulumi_airlock.proof.overview.overview import Overview
from pulumi_airlock.proof.proving import Case, in_order
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import DagRun
from scoped_cases import scoped

EXAMPLES = int(os.environ.get("AIRLOCK_ORACLE_EXAMPLES", "8"))


def often(times: int) -> Callable[..., Callable[..., None]]:
    return settings(
        max_examples=times * EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )


def case_of(access: Access, filters: Sequence[Filter]) -> Case:
    return Case(access, in_order(STACK), filters, AT)


def by_sweep(sweep: Sweep) -> dict[int, Bools]:
    """What `doubtful` is to find, class by class."""
    found = {}
    for group in sweep.groups():
        considered = group.considered & ~group.own
        undeclared = considered & ~group.declared & group.possible
        if group.named is not None:
            undeclared &= group.named
        wrong = undeclared | (considered & group.declared & ~group.definite)
        if wrong.any():
            found[group.number] = wrong.any(axis=(0, 2, 3))[group.local.service.inverse]
    return found


def agree(one: dict[int, Bools], other: dict[int, Bools]) -> bool:
    return one.keys() == other.keys() and all((one[place] == other[place]).all() for place in one)


@pytest.mark.parametrize("strategy", [cases(), cases(http=True), scoped()], ids=["plain", "http", "scopes"])
def test_the_screen_finds_exactly_where_the_sweep_finds_something(
    strategy: st.SearchStrategy[tuple[Access, list[Filter]]],
) -> None:
    @often(6)
    @given(strategy)
    def check(case: tuple[Access, list[Filter]]) -> None:
        sweep = case_of(*case).sweep
        assert agree(doubtful(sweep), by_sweep(sweep))

    check()


@pytest.mark.parametrize("strategy", [cases(http=True), scoped()], ids=["http", "scopes"])
def test_a_proof_with_the_screen_is_the_proof_without_it(
    strategy: st.SearchStrategy[tuple[Access, list[Filter]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    @often(3)
    @given(strategy)
    def check(case: tuple[Access, list[Filter]]) -> None:
        access, filters = case
        screened = prove(access, STACK, filters, at=AT)
        with monkeypatch.context() as patch:
            patch.setattr(proving, "doubtful", everywhere)
            whole = prove(access, STACK, filters, at=AT)
        assert findings(screened) == findings(whole)

    check()


def everywhere(sweep: Sweep) -> dict[int, Bools]:
    mask = np.ones(len(sweep.space.service), dtype=bool)
    return dict.fromkeys(range(len(sweep.space.places)), mask)


def findings(proof: Proof) -> tuple[object, ...]:
    return proof.excess, proof.blocked, proof.unproven, proof.expectations


@often(4)
@given(cases(http=True))
def test_past_the_budget_diagrams_answer_the_same(case: tuple[Access, list[Filter]]) -> None:
    sweep = case_of(*case).sweep
    assert agree(doubtful(sweep, budget=0), doubtful(sweep))


# --- nothing to find


def clean(**more: object) -> tuple[Access, list[Filter]]:
    """Gates that let through exactly what one route declares: principal, host, ports, requests, and while a DAG runs."""
    route = {"name": "one", "from": ["loaders"], "to": ["far"], "reason": "test", "window": {"dagrun": "etl_a"}}
    access = Access.model_validate({**ACCESS, "routes": [route]})
    match = Match(
        Who(principals=frozenset({"loaders"})),
        Hosts.from_cidr("10.30.0.0/24"),
        Services.of("tcp", 22, 22),
        times=(frozenset({DagRun("etl_a")}),),
    )
    wall = _filter("wall", Rule(Action.ALLOW, match, Source("urn::wall-0")))
    door = _filter("door", Rule(Action.ALLOW, replace(match, **more), Source("urn::door-0")))  # type: ignore[arg-type]
    around = [
        replace(
            _filter(name, Rule(Action.ALLOW, Match(hosts=match.hosts), Source(f"urn::{name}-0"))),
            scope=Match(who=Who(environments=frozenset({name}))),
            always=True,
        )
        for name in ("blue", "green")
    ]
    return access, [wall, door, *around]


def _filter(gate: str, *rules: Rule) -> Filter:
    return Filter(gate, gate, Combine.FIRST_MATCH, Action.DENY, rules, f"urn::{gate}")


def test_where_the_gates_let_through_what_is_declared_nothing_is_looked_at() -> None:
    case = case_of(*clean())
    assert doubtful(case.sweep) == {}
    assert len(case.space.places) > 3


def test_what_one_gate_refuses_is_doubtful_at_its_hosts_and_ports_alone() -> None:
    case = case_of(*clean(services=Services.of("tcp", 80, 80)))
    ((place, atoms),) = doubtful(case.sweep).items()
    assert str(case.space.places.all[place]).startswith("10.30.0.")
    assert [case.space.cells[one] for one in np.flatnonzero(atoms)] == [(6, 22)]


def test_a_rule_that_allows_some_requests_only_blocks_the_others() -> None:
    case = case_of(*clean(operations=frozenset({HttpOperation("GET", "/v1/*")})))
    assert len(doubtful(case.sweep)) == 1


@often(2)
@given(cases())
def test_a_proof_that_holds_looks_in_detail_only_where_it_is_asked(case: tuple[Access, list[Filter]]) -> None:
    access, filters = case
    proof = prove(access, STACK, filters, at=AT)
    assert proof.ok == (not doubtful(case_of(access, filters).sweep))


# --- what is found later


def test_the_matrix_is_made_when_somebody_looks_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Sweep] = []

    class Counted(Overview):
        def __init__(self, sweep: Sweep, *args: Any) -> None:
            looked.append(sweep)
            super().__init__(sweep, *args)

    monkeypatch.setattr(proving, "Overview", Counted)
    proof = prove(clean()[0], STACK, clean()[1], at=AT)
    assert proof.ok
    assert looked == []
    assert proof.matrix.cells["loaders", "far"].declared.value == "part"
    assert (proof.dead, proof.internal) == ((), ())
    assert len(looked) == 1


def test_proofs_are_equal_and_replaceable_before_and_after_a_look() -> None:
    access, filters = clean()
    one, other = (prove(access, STACK, filters, at=AT) for _ in range(2))
    assert one.identity
    assert one == other
    later = replace(prove(access, STACK, filters, at=AT), at=AT + timedelta(days=1))
    assert (later.matrix, later.dead, later.identity) == (one.matrix, one.dead, one.identity)
    assert later != one
