"""The decision diagrams and the sweep agree, class of hosts by class of hosts, on where anything is wrong."""

from datetime import timedelta

import numpy as np
from hypothesis import HealthCheck, given, settings
from oracle import ACCESS, AT, ENVIRONMENTS, NAMES, STACK
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.proof.engine import screening
from pulumi_airlock.proof.engine.diagrams import doubtful
from pulumi_airlock.proof.engine.group import Group
from pulumi_airlock.proof.engine.sweep import Sweep
from pulumi_airlock.proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.proving import Case, in_order
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import DagRun, Once, Weekly

exactly = settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


def case_of(access: Access, filters: list[Filter]) -> Case:
    return Case(access, in_order(STACK), filters, AT)


def told_by_sweep(sweep: Sweep) -> dict[int, list[bool]]:
    """Classes of hosts where the sweep's groups have anything to find, with the services."""
    found = {group.number: wrong_services(group) for group in sweep.groups()}
    return {number: mask for number, mask in found.items() if any(mask)}


def wrong_services(group: Group) -> list[bool]:
    undeclared = group.considered & ~group.declared & ~group.own & group.possible
    if group.named is not None:
        undeclared = undeclared & group.named
    lost = group.considered & group.declared & ~group.own & ~group.definite
    return [bool(one) for one in (undeclared | lost).any(axis=(0, 2, 3))[group.local.service.inverse]]


def told_by_diagrams(sweep: Sweep) -> dict[int, list[bool]]:
    return {number: [bool(one) for one in mask] for number, mask in doubtful(sweep).items()}


@exactly
@given(cases())
def test_diagrams_find_what_the_sweep_finds(case: tuple[Access, list[Filter]]) -> None:
    sweep = case_of(*case).sweep
    assert told_by_diagrams(sweep) == told_by_sweep(sweep)


@exactly
@given(cases(http=True))
def test_diagrams_find_what_the_sweep_finds_with_http_operations(case: tuple[Access, list[Filter]]) -> None:
    sweep = case_of(*case).sweep
    assert told_by_diagrams(sweep) == told_by_sweep(sweep)


@exactly
@given(cases(http=True))
def test_past_its_budget_screening_finds_the_same(case: tuple[Access, list[Filter]]) -> None:
    sweep = case_of(*case).sweep
    within, beyond = screening.doubtful(sweep), screening.doubtful(sweep, budget=0)
    assert within.keys() == beyond.keys()
    assert all((within[number] == beyond[number]).all() for number in within)


def test_nothing_is_doubtful_where_the_gates_let_through_what_is_declared() -> None:
    access = declaring({"name": "load", "from": ["loaders"], "to": ["far"], "reason": "test"})
    exact = Match(
        who=Who(principals=frozenset({"loaders"})), hosts=Hosts.from_cidr("10.30.0.0/24"), services=Services.of("tcp", 22, 22)
    )
    assert doubtful(case_of(access, gates(exact)).sweep) == {}


def test_a_rule_that_is_one_port_too_wide_is_doubtful_at_that_port_alone() -> None:
    access = declaring({"name": "load", "from": ["loaders"], "to": ["far"], "reason": "test"})
    wider = Match(
        who=Who(principals=frozenset({"loaders"})), hosts=Hosts.from_cidr("10.30.0.0/24"), services=Services.of("tcp", 22, 23)
    )
    case = case_of(access, gates(wider))
    ((place, mask),) = doubtful(case.sweep).items()
    assert str(case.space.places.all[place]).startswith("10.30.0.")
    assert [case.space.cells[one] for one in np.flatnonzero(mask)] == [(6, 23)]


def test_windows_and_runs_of_dags_are_told_apart_exactly() -> None:
    """Twelve runs: more than the sweep tells apart in all combinations. Each gate on the path asks for another one."""
    runs = [f"etl_{number}" for number in range(12)]
    access = declaring({"name": "load", "from": ["loaders"], "to": ["far"], "window": {"dagrun": runs[0]}, "reason": "test"})
    loaders = Who(principals=frozenset({"loaders"}))
    there = Match(who=loaders, hosts=Hosts.from_cidr("10.30.0.0/24"), services=Services.of("tcp", 22, 22))
    every = [frozenset({DagRun(run)}) for run in runs]
    doors = [gate("door", Match(there.who, there.hosts, there.services, times=(one,))) for one in every]
    sweep = case_of(access, [gate("wall", there), *doors, shut()]).sweep
    assert len(doubtful(sweep)) == 1  # declared while the first one runs, whatever the others do
    one_door = case_of(access, [gate("wall", there), doors[0], shut()]).sweep
    assert doubtful(one_door) == {}


def test_a_window_that_opens_an_hour_early_is_doubtful_and_one_beyond_the_horizon_is_not() -> None:
    access = declaring(
        {"name": "load", "from": ["loaders"], "to": ["far"], "window": {"from": "09:00", "to": "17:00"}, "reason": "test"}
    )
    spans = tuple((day * 1440 + 9 * 60, day * 1440 + 17 * 60) for day in range(7))
    exact, early = Weekly(spans, "UTC"), Weekly(((8 * 60, 17 * 60), *spans[1:]), "UTC")
    far_off = Once(AT + timedelta(days=500), None)

    def wrong(*windows: object) -> bool:
        match = Match(
            who=Who(principals=frozenset({"loaders"})),
            hosts=Hosts.from_cidr("10.30.0.0/24"),
            services=Services.of("tcp", 22, 22),
            times=(frozenset(windows),),  # type: ignore[arg-type]
        )
        return bool(doubtful(case_of(access, gates(match)).sweep))

    assert not wrong(exact)
    assert wrong(early)
    assert not wrong(exact, far_off)


def declaring(route: dict[str, object]) -> Access:
    return Access.model_validate({**ACCESS, "routes": [route]})


def gates(match: Match) -> list[Filter]:
    """Both gates of the far zone, with one rule each; nothing else lets anything through."""
    return [gate("wall", match), gate("door", match), shut()]


def gate(name: str, match: Match) -> Filter:
    rule = Rule(Action.ALLOW, match, Source(f"urn::{name}", "", name))
    return Filter(name, name, Combine.FIRST_MATCH, Action.DENY, (rule,), f"urn::{name}")


def shut() -> Filter:
    """What keeps tasks from hosts in no zone: an environment's own group."""
    inside = [Hosts.from_cidrs(["10.20.0.0/24", "2001:db8:20::/64", "10.30.0.0/24"]), Hosts.from_names(NAMES)]
    rule = Rule(Action.ALLOW, Match(hosts=Hosts.union(inside)), Source("urn::group", "", "group"))
    scope = Match(who=Who(environments=frozenset(ENVIRONMENTS)))
    return Filter("blue", "group", Combine.ANY_ALLOW, Action.DENY, (rule,), "urn::group", scope=scope, always=True)
