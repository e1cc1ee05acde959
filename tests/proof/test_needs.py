"""Flows of gates' own (a gateway to its upstream, to the identity provider): no excess, and blocked where others refuse them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Proof, Prover, prove
from pulumi_airlock.proof.difference import Case, difference
from pulumi_airlock.proof.filters import (
    Action,
    Combine,
    Environment,
    Filter,
    HttpOperation,
    Match,
    Need,
    Relay,
    Rule,
    Source,
    Who,
)
from pulumi_airlock.proof.relays import around, carried
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.report.proof import to_json

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
UI = "airflow.bank.example"
API, IDP = "api-server.airflow.svc.cluster.local", "idp.bank.example"
NGINX, SIGN_IN = "airflow/nginx", "airflow/nginx-sign-in"
PODS = Hosts.from_cidr("10.60.0.0/16")
ACCESS = Access.model_validate(
    {
        "principals": [
            {"name": "analysts", "group": "airflow-finance"},
            {"name": "etl", "dags": ["*"], "environment": "finance"},
        ],
        "zones": {"ui": {"gates": ["nginx"]}, "internet": {"cidrs": ["198.51.100.0/24"], "gates": ["wall"]}},
        "destinations": [
            {"name": "airflow", "zone": "ui", "hosts": [UI], "ports": ["443/tcp"]},
            {"name": "idp", "zone": "internet", "hosts": [IDP], "cidrs": ["198.51.100.7/32"], "ports": ["443/tcp"]},
        ],
        "routes": [{"name": "analysts-ui", "from": ["analysts"], "to": ["airflow"], "reason": "FIN-1"}],
    }
)


def tcp(port: int) -> Services:
    return Services.of("tcp", port, port)


def as_(*workloads: str) -> Who:
    return Who(workloads=frozenset(workloads))


def allow(name: str, who: Who, host: str | Hosts, port: int, *unknown: str) -> Rule:
    hosts = Hosts.from_names([host]) if isinstance(host, str) else host
    return Rule(Action.ALLOW, Match(who, hosts, tcp(port)), Source(f"urn::{name}"), unknown)


UPSTREAM = Need(Match(as_(NGINX), Hosts.from_names([API]), tcp(8080)), "people to finance", sources=PODS)
PROVIDER = Need(Match(as_(SIGN_IN), Hosts.from_names([IDP]), tcp(443)), "people sign in", sources=PODS)
PEOPLE = Need(
    Match(
        Who(environments=frozenset(), workloads=frozenset({""}), sources=Hosts.from_cidr("10.0.0.0/11")),
        Hosts.from_names(["nginx.airflow.svc.cluster.local"]),
        tcp(443),
    ),
    "people",
)
NEEDS = (UPSTREAM, PROVIDER, PEOPLE)
TO_API = allow("to-api", as_(NGINX), API, 8080)
TO_IDP = allow("to-idp", as_(SIGN_IN), IDP, 443)
TO_NGINX = allow("to-nginx", Who(sources=Hosts.from_cidr("10.0.0.0/11")), "nginx.airflow.svc.cluster.local", 443)
FROM_PODS = allow("from-pods", Who(sources=PODS), Hosts.from_cidr("198.51.100.7/32"), 443)
POLICIES = (TO_API, TO_IDP, TO_NGINX)


def filters(
    policies: Sequence[Rule] = POLICIES, wall: Sequence[Rule] = (FROM_PODS,), needs: tuple[Need, ...] = NEEDS
) -> list[Filter]:
    people = Rule(
        Action.ALLOW, Match(Who(groups=frozenset({"airflow-finance"})), Hosts.from_names([UI]), tcp(443)), Source("urn::location")
    )
    ends = Hosts.from_names([API, IDP, "nginx.airflow.svc.cluster.local"])
    return [
        CLOSED,
        Filter("nginx", "people", Combine.FIRST_MATCH, Action.DENY, (people,), "urn::nginx", needs=needs),
        Filter(
            "policies",
            "of pods",
            Combine.ANY_ALLOW,
            Action.DENY,
            tuple(policies),
            "urn::policies",
            scope=Match(hosts=ends),
            always=True,
        ),
        Filter(
            "wall",
            "policies of the firewall",
            Combine.FIRST_MATCH,
            Action.DENY,
            tuple(wall),
            "urn::wall",
            scope=Match(hosts=Hosts.from_cidr("198.51.100.0/24") | Hosts.from_names([IDP])),
        ),
    ]


CLOSED = Filter(
    "finance",
    "of its tasks",
    Combine.ANY_ALLOW,
    Action.DENY,
    (),
    "urn::closed",
    scope=Match(who=Who(environments=frozenset({"finance"}))),
    always=True,
)
ENVIRONMENTS = [Environment("finance", "urn::finance", PODS)]


def proven(found: Sequence[Filter]) -> Proof:
    return prove(ACCESS, ENVIRONMENTS, found, at=AT)


def messages(proof: Proof) -> list[str]:
    return [one.message for one in (*proof.excess, *proof.blocked, *proof.unproven)]


def test_what_a_gate_needs_itself_is_neither_excess_nor_blocked():
    assert not messages(proven(filters()))


def test_what_no_gate_says_that_it_needs_is_excess():
    found = proven(filters(needs=()))
    # Where the sign-in's pods are, nobody says any more: the firewall does not know them.
    assert {one.rule.urn for one in found.excess if one.rule} == {"urn::to-api", "urn::to-nginx"}


@pytest.mark.parametrize(
    ("gone", "callers", "needs"),
    [
        (TO_API, (NGINX,), ("nginx: people to finance",)),
        (TO_IDP, (SIGN_IN,), ("nginx: people sign in",)),
        (TO_NGINX, ("whoever comes from 10.0.0.0/11",), ("nginx: people",)),
    ],
)
def test_a_flow_that_another_gate_refuses_is_blocked(gone: Rule, callers: tuple[str, ...], needs: tuple[str, ...]):
    (found,) = proven(filters([one for one in POLICIES if one is not gone])).blocked
    assert (found.gate, found.rule.urn, found.routes) == ("policies", "urn::policies", ())
    assert (found.principals, found.needs) == (callers, needs)
    assert "which nginx needs itself" in found.message
    assert next((row.gate, row.outcome.value) for row in found.path) == ("policies", "deny")


def test_a_gate_that_sees_addresses_must_let_the_gateways_through():
    assert not proven(filters()).blocked
    other = replace(FROM_PODS, match=replace(FROM_PODS.match, who=Who(sources=Hosts.from_cidr("10.60.0.0/17"))))
    (found,) = proven(filters(wall=[other])).blocked
    assert (found.gate, found.needs) == ("wall", ("nginx: people sign in",))
    assert found.witness.source.startswith("10.60.")


def test_a_flow_that_something_unknown_decides_is_unproven():
    (found,) = proven(filters([TO_IDP, TO_NGINX, allow("to-api", as_(NGINX), API, 8080, "policy.spec")])).unproven
    assert found.declared
    assert found.unknown == ("policy.spec",)
    assert "which nginx needs itself" in found.message


def test_what_a_flow_does_not_need_is_excess_all_the_same():
    narrow = replace(UPSTREAM, match=replace(UPSTREAM.match, operations=frozenset({HttpOperation("*", "/ui/*")})))
    (found,) = proven(filters(needs=(narrow, PROVIDER, PEOPLE))).excess
    assert found.rule is None  # no gate there sees requests
    assert [row.rule and row.rule.source.urn for row in found.path] == ["urn::to-api"]


def test_needs_of_one_rule_are_one_finding():
    (found,) = proven(filters([TO_NGINX])).blocked
    assert found.needs == ("nginx: people sign in", "nginx: people to finance")


def test_a_flow_stays_blocked_where_something_else_changed():
    prover = Prover(ACCESS, ENVIRONMENTS, at=AT)
    whole = filters()
    assert prover.prove(whole).ok
    without = [replace(one, rules=tuple(rule for rule in one.rules if rule is not TO_API)) for one in whole]
    without = [mine if mine.rules != one.rules else one for mine, one in zip(without, whole, strict=True)]
    assert messages(prover.prove(without)) == messages(proven(without))
    other = Prover(ACCESS, ENVIRONMENTS, at=AT)
    assert other.prove(without).blocked
    opened = [*without[:3], replace(without[3], rules=())]
    assert sorted(messages(other.prove(opened))) == sorted(messages(proven(opened)))


def test_on_the_way_around_a_gate_its_own_flows_are_no_excess():
    found = filters()
    found[1] = replace(found[1], relays=(Relay(Hosts.from_names([IDP]) | Hosts.from_cidr("198.51.100.7/32"), PODS),))
    access = ACCESS.model_copy(
        update={"zones": {**ACCESS.zones, "internet": ACCESS.zones["internet"].model_copy(update={"gates": ("nginx", "wall")})}}
    )
    proof = prove(access, ENVIRONMENTS, carried(access, found), at=AT, around=tuple(around(access, found)))
    assert not [one for one in messages(proof) if "sign-in" in one and one.startswith("around")]


def test_a_flow_that_a_gate_needs_no_more_is_a_difference():
    old, new = filters(), filters([TO_IDP, TO_NGINX], needs=(PROVIDER, PEOPLE))
    found = difference(Case(ACCESS, tuple(ENVIRONMENTS), tuple(old)), Case(ACCESS, tuple(ENVIRONMENTS), tuple(new)), at=AT)
    (lost,) = found.findings
    assert "needed itself" in lost.message
    assert any("what it needs itself" in change.detail for change in found.changes)


def test_the_plain_data_say_which_gate_needs_it():
    (found,) = to_json(proven(filters([TO_IDP, TO_NGINX])))["blocked"]
    assert found["needs"] == ["nginx: people to finance"]
