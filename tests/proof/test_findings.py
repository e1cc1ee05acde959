"""What a proof tells a person: which finding, which gate, which rule, which witness."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.proof import DeadKind, Outcome, Proof, explain, prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Kind, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import DagRun, Weekly

AT = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
NIGHT = Weekly(((1320, 1440), (1440 + 1320, 2880)), "Europe/Zurich")
DESK, OTHER_DESK = Hosts.from_cidr("10.40.0.0/25"), Hosts.from_cidr("10.40.0.128/25")
LEDGER = Match(hosts=Hosts.from_cidr("10.20.4.10/32"), services=Services.of("tcp", 1521, 1521))


LEDGER_DB = [{"name": "ledger-db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]}]


def access(**changes: object) -> Access:
    document = {
        "environments": [{"name": "finance", "dags": ["ledger_*"]}, {"name": "risk", "dags": ["var_*"]}],
        "principals": [
            {"name": "ledger", "dags": ["ledger_*"], "environment": "finance"},
            {"name": "var", "dags": ["var_*"], "environment": "risk"},
        ],
        "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["aws", "wall"]}},
        "destinations": LEDGER_DB,
        "routes": [{"name": "close", "from": ["ledger"], "to": ["ledger-db"], "reason": "FIN-1"}],
    }
    return Access.model_validate(document | changes)


def allow(name: str, match: Match, **more: object) -> Rule:
    return Rule(Action.ALLOW, match, Source(f"urn::{name}"), **more)


def stack(
    *wall: Rule, group: tuple[Rule, ...] = (), routes: tuple[Rule, ...] | None = None
) -> tuple[list[Environment], list[Filter]]:
    environments = [Environment("finance", "urn::finance", DESK), Environment("risk", "urn::risk", OTHER_DESK)]
    inside = Match(who=Who(environments=frozenset({"finance", "risk"})))
    leads = (allow("to-center", Match(hosts=Hosts.from_cidr("10.20.0.0/16"))),) if routes is None else routes
    return environments, [
        Filter(
            "aws",
            "security group",
            Combine.ANY_ALLOW,
            Action.DENY,
            group or (allow("egress", LEDGER),),
            "urn::group",
            scope=inside,
            always=True,
        ),
        Filter("aws", "route table", Combine.ANY_ALLOW, Action.DENY, leads, "urn::table", Kind.ROUTING, inside, always=True),
        Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, wall, "urn::wall"),
    ]


def proven(found: tuple[list[Environment], list[Filter]], declared: Access | None = None) -> Proof:
    return prove(declared or access(), *found, at=AT)


EXACT = allow("policy", replace(LEDGER, who=Who(sources=DESK)))


def test_gates_that_let_through_what_is_declared_are_proven() -> None:
    proof = proven(stack(EXACT))
    assert proof.ok
    assert proof.matrix.cells["var", "ledger-db"].depth == 1
    assert [(one.gates, one.partly) for one in proof.identity] == [(("wall",), ())]


def test_excess_names_the_rule_to_blame_and_a_witness_although_the_coarser_gate_lets_it_through_too() -> None:
    proof = proven(stack(EXACT, allow("hand-written", LEDGER)))
    assert {name for one in proof.excess for name in one.principals} == {"var", "anything outside Airflow"}
    first = next(one for one in proof.excess if "var" in one.principals)
    assert (first.rule.urn, first.gate, first.destinations) == ("urn::hand-written", "wall", ("ledger-db",))
    assert (first.witness.host, first.witness.port, first.witness.protocol) == ("10.20.4.10", 1521, "tcp")
    assert [(row.gate, row.outcome) for row in first.path] == [
        ("aws", Outcome.ALLOW),
        ("aws", Outcome.ALLOW),
        ("wall", Outcome.ALLOW),
    ]
    assert "hand-written" in first.message


def test_principals_that_no_gate_tells_apart_are_excess_without_a_culprit() -> None:
    declared = access(environments=[{"name": "finance"}, {"name": "risk", "dags": ["var_*"]}])
    proof = proven(stack(EXACT), declared)
    assert [(one.principals, one.rule) for one in proof.excess] == [(("any other DAG of finance",), None)]


def test_a_lost_route_table_entry_is_a_routing_block() -> None:
    proof = proven(stack(EXACT, routes=()))
    assert [(one.principals, one.kind, one.gate, one.routes) for one in proof.blocked] == [
        (("ledger",), Kind.ROUTING, "aws", ("close",))
    ]


def test_a_missing_permission_says_what_comes_nearest() -> None:
    found = stack(replace(EXACT, match=replace(EXACT.match, times=(frozenset({NIGHT}),))))
    proof = proven(found)
    assert [(one.kind, one.gate) for one in proof.blocked] == [(Kind.PERMISSION, "wall")]
    assert "nearest: policy, but not at this time" in proof.blocked[0].message


def test_what_is_unknown_is_unproven_and_named() -> None:
    proof = proven(stack(EXACT, allow("late", LEDGER, unknown=("late.srcaddrs",))))
    assert not proof.excess
    assert {one.unknown for one in proof.unproven} == {("late.srcaddrs",)}
    assert not any(one.declared for one in proof.unproven)
    perhaps = proven(stack(replace(EXACT, unknown=("policy.dstaddrs",))))
    assert [(one.principals, one.declared) for one in perhaps.unproven] == [(("ledger",), True)]


def test_a_grant_that_another_gate_stops_is_told_and_is_no_failure() -> None:
    wide = allow("wide", Match(hosts=Hosts.from_cidr("10.20.0.0/16")))
    proof = proven(stack(EXACT, group=(wide,)))
    assert proof.ok
    assert ("aws", "urn::wide", ("wall",)) in {(one.gate, one.rule.urn, one.stopped_by) for one in proof.internal}


def test_a_route_table_that_leads_further_grants_nothing() -> None:
    tight = replace(LEDGER, who=Who(environments=frozenset({"finance"})))
    assert proven(stack(EXACT, group=(allow("egress", tight),))).internal == ()


DESTINATIONS = [
    {"name": f"store-{number}", "zone": "center", "cidrs": [f"10.20.5.{number}/32"], "ports": ["5432/tcp"]} for number in range(6)
]


def test_what_one_rule_lets_through_is_one_finding_for_each_kind_of_caller() -> None:
    wide = allow("wide", Match(hosts=Hosts.from_cidr("10.20.5.0/24")))
    found = proven(
        stack(EXACT, wide, group=(allow("egress", LEDGER), wide)), access(destinations=[*LEDGER_DB, *DESTINATIONS])
    ).excess
    assert [one.principals for one in found] == [("anything outside Airflow",), ("ledger", "var")]
    names = (*(one["name"] for one in DESTINATIONS), "elsewhere in center")
    assert all(one.destinations == names and "store-0, store-1 and 5 more" in one.message for one in found)
    assert {(one.witness.host, one.witness.port) for one in found} == {("10.20.5.0", 5432)}


def test_what_one_gate_refuses_for_one_cause_is_one_finding_with_all_routes() -> None:
    routes = [
        {"name": f"to-{one['name']}", "from": ["ledger", "var"], "to": [one["name"]], "reason": "x"} for one in DESTINATIONS
    ]
    group = (allow("egress", Match(hosts=Hosts.from_cidr("10.20.0.0/16"))),)
    (one,) = proven(stack(group=group, routes=()), access(destinations=DESTINATIONS, routes=routes)).blocked
    assert (one.kind, one.gate, one.principals) == (Kind.ROUTING, "aws", ("ledger", "var"))
    assert one.routes == tuple(route["name"] for route in routes)
    assert "have no way to store-0, store-1 and 4 more" in one.message


def test_a_gate_that_the_stack_lacks_is_unproven_and_the_nearest_name_is_told() -> None:
    declared = access(zones={"center": {"cidrs": ["10.20.0.0/16"], "gates": ["aws", "wal"]}})
    proof = proven(stack(EXACT), declared)
    assert not proof.ok
    assert not proof.excess
    (one,) = proof.unproven
    assert one.message.startswith('no gate "wal" in the stack, on the way to zone center')
    assert one.message.endswith('did you mean "wall"?')
    answer = explain(declared, *stack(EXACT), "ledger", "ledger-db", at=AT)
    assert answer.outcome is Outcome.UNKNOWN
    assert answer.advice.startswith("Add wal to the stack")


def test_witnesses_are_spelled_as_a_person_would() -> None:
    expect = [{"from": "ledger_close.post_entries", "to": "ledger-db:1521", "allow": True}]
    proof = proven(stack(allow("any", Match()), group=(allow("any", Match()),)), access(expect=expect, routes=[]))
    (tasks,) = [one for one in proof.excess if "ledger" in one.principals]
    assert tasks.witness.task == "finance/ledger_close.post_entries"
    assert (tasks.witness.host, tasks.witness.port) == ("10.20.4.10", 1521)
    risk = proven(stack(allow("risk", replace(LEDGER, who=Who(sources=OTHER_DESK)))), access(expect=expect)).excess
    assert [one.witness.task for one in risk] == ["risk/var_x.any_task"]


def test_a_misspelt_caller_is_told_the_nearest_name() -> None:
    with pytest.raises(InputError, match='did you mean "ledger"'):
        explain(access(), *stack(EXACT), "leger", "ledger-db", at=AT)


def test_rules_are_dead_behind_the_union_of_earlier_ones() -> None:
    low = allow("low", replace(LEDGER, who=Who(sources=Hosts.from_range("10.40.0.0", "10.40.0.63"))))
    high = allow("high", replace(LEDGER, who=Who(sources=Hosts.from_range("10.40.0.64", "10.40.0.127"))))
    nothing = allow("nothing", replace(LEDGER, who=Who(sources=Hosts.from_cidr("2001:db8::/64"))))
    proof = proven(stack(low, high, EXACT, nothing))
    assert [(one.kind, one.rule.urn) for one in proof.dead] == [
        (DeadKind.SHADOWED, "urn::policy"),
        (DeadKind.EMPTY, "urn::nothing"),
    ]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (
            {"routes": [{"name": "close", "from": ["ledger"], "to": ["ledger-db"], "reason": "x", "expires": "2026-11-20"}]},
            DeadKind.EXPIRED,
        ),
        (
            {"principals": [{"name": "ledger", "dags": ["ledger_*"], "environment": "gone"}], "environments": []},
            DeadKind.NO_SOURCE,
        ),
    ],
)
def test_a_route_that_never_holds_says_why(change: dict[str, object], kind: DeadKind) -> None:
    dead = proven(stack(), access(**change)).dead
    assert [(one.route, one.kind) for one in dead if one.route] == [("close", kind)]


def test_overlapping_principals_have_the_rights_of_both() -> None:
    principals = [
        {"name": "all", "dags": ["ledger_*"], "environment": "finance"},
        {"name": "close", "dags": ["ledger_close"], "environment": "finance"},
    ]
    routes = [{"name": "one", "from": ["close"], "to": ["ledger-db"], "reason": "x"}]
    proof = proven(stack(EXACT), access(principals=principals, routes=routes))
    assert [one.principals for one in proof.excess] == [("all",)]
    assert proof.excess[0].witness.task.startswith("finance/ledger_")


def test_a_run_of_the_dag_itself_is_no_condition_for_its_own_tasks() -> None:
    window = {"dagrun": "ledger_close"}
    routes = [{"name": "one", "from": ["ledger"], "to": ["ledger-db"], "reason": "x", "window": window}]
    proof = proven(stack(EXACT), access(routes=routes))
    assert proof.excess
    assert all("ledger_close." not in one.witness.task for one in proof.excess)
    only = [{"name": "ledger", "dags": ["ledger_close"], "environment": "finance"}]
    environments = [{"name": "finance", "dags": ["ledger_close"]}, {"name": "risk", "dags": ["var_*"]}]
    assert proven(stack(EXACT), access(routes=routes, principals=only, environments=environments)).ok
    assert DagRun("ledger_close") != DagRun("other")


def test_expectations_fail_with_the_deciding_gate() -> None:
    expect = [
        {"from": "ledger_close.post", "to": "ledger-db:1521", "allow": True},
        {"from": "var_daily.*", "to": "ledger-db", "allow": False},
        {"from": "var_daily.*", "to": "ledger-db:1521", "allow": True},
        {"from": "outside", "to": "ledger-db:1521", "allow": False},
    ]
    results = proven(stack(EXACT), access(expect=expect)).expectations
    assert [one.passed for one in results] == [True, True, False, True]
    assert "wall: no rule matches" in results[2].message


def test_an_explanation_goes_gate_by_gate_and_says_when_the_answer_changes() -> None:
    window = {"days": ["mon", "tue"], "from": "22:00", "to": "00:00", "timezone": "Europe/Zurich"}
    declared = access(routes=[{"name": "close", "from": ["ledger"], "to": ["ledger-db"], "reason": "x", "window": window}])
    environments, filters = stack(replace(EXACT, match=replace(EXACT.match, times=(frozenset({NIGHT}),))))
    answer = explain(declared, environments, filters, "ledger_close.post", "ledger-db:1521", at=AT)
    assert answer.outcome is Outcome.DENY
    assert [row.filter.name for row in answer.rows] == ["security group", "route table", "policies"]
    assert "declared at other times by route close" in answer.message
    assert answer.advice.startswith("Wait until Mon 2026-11-23 21:00 UTC (22:00 Europe/Zurich)")
    assert (answer.kind, answer.other_times) == (Kind.PERMISSION, ("close",))
    monday = datetime(2026, 11, 23, 21, 30, tzinfo=UTC)
    later = explain(declared, environments, filters, "ledger", "ledger-db", at=AT, when=monday)
    assert (later.outcome, later.routes) == (Outcome.ALLOW, ("close",))


def test_findings_are_the_same_every_time() -> None:
    found = stack(EXACT, allow("hand-written", Match()), group=(allow("any", Match()),))
    assert proven(found) == proven(found)
