"""Exactly one owner per check: people's identity, and which requests are sent; nobody, two, or one that cannot see it."""

from dataclasses import replace

import pytest
from owner_cases import (
    ACCESS,
    ANYBODY,
    API,
    AT,
    AUDIT,
    CLOSED,
    ENVIRONMENTS,
    ETL,
    FINANCE,
    READ,
    UI,
    USUAL,
    VISIBLE,
    allow,
    gate,
    proven,
)
from pulumi_airlock.proof import Proof, explain, prove
from pulumi_airlock.proof.checks import Check, Fault
from pulumi_airlock.proof.filters import Environment, Who, Workloads
from pulumi_airlock.proof.sets import Hosts


def faults(proof: Proof) -> set[tuple[Check, str, Fault, tuple[str, ...]]]:
    return {(one.check, one.callers, one.fault, tuple(owner.gate for owner in one.owners)) for one in proof.overlaps if one.fault}


def test_depth_is_no_second_owner():
    proof = proven()
    assert proof.ok
    assert not proof.overlaps
    assert {(one.check, one.callers, one.owners[0].gate) for one in proof.checks} == {
        (Check.PERSON, "people", "nginx"),
        (Check.REQUEST, "people", "istio"),
        (Check.REQUEST, "tasks", "istio"),
    }


def test_two_gates_that_look_at_groups_are_two_owners():
    proof = proven(zpa=(allow("zpa-finance", FINANCE, UI),))
    assert proof.ok
    (found,) = proof.overlaps
    assert (found.check, found.fault, found.destinations) == (Check.PERSON, Fault.SEVERAL, ("airflow",))
    assert [(one.gate, one.rule.urn) for one in found.owners] == [("zpa", "urn::zpa-finance"), ("nginx", "urn::location")]
    assert "zpa (zpa-finance (zpa-finance)) and nginx" in found.message


def test_a_rule_about_groups_that_decides_nothing_is_no_check():
    assert not proven(zpa=(allow("zpa-finance", FINANCE, UI), allow("zpa-any", ANYBODY, UI))).overlaps


def test_a_rule_for_another_destination_is_no_check_here():
    assert not proven(zpa=(allow("other", AUDIT, Hosts.from_cidr("10.70.9.0/24")), *USUAL["zpa"])).overlaps


def test_people_whom_nobody_tells_apart():
    proof = proven(nginx=(allow("location", ANYBODY, UI, VISIBLE),))
    # Nginx goes on hiding paths, now from everybody alike, as Istio does.
    hiding = (Check.REQUEST, "people", Fault.SEVERAL, ("nginx", "istio"))
    assert faults(proof) == {(Check.PERSON, "people", Fault.NOBODY, ()), hiding}
    said = "nobody checks who a person is on the way of people to airflow (zpa, nginx and istio)"
    assert said in {one.message for one in proof.overlaps}


def test_requests_that_nobody_looks_at():
    proof = proven(istio=(allow("from-nginx", ANYBODY, UI), allow("istio-etl", ETL, API)))
    assert faults(proof) == {(Check.REQUEST, "tasks", Fault.NOBODY, ())}
    # Nginx hides what is not for people by itself.
    assert not proof.blocked


def test_a_path_on_which_nobody_looks_at_the_caller():
    proof = proven(
        istio=(allow("from-nginx", ANYBODY, UI, VISIBLE), allow("istio-any", ANYBODY, API, READ)),
        cilium=(allow("cilium-any", ANYBODY, API),),
        fortigate=(allow("any", ANYBODY, API),),
    )
    assert faults(proof) == {(Check.CALLER, "tasks", Fault.NOBODY, ())}


@pytest.mark.parametrize("unseen", [(), ("airflow/etl → data/ledger is encrypted by Istio",)])
def test_two_gates_that_look_into_requests(unseen: tuple[str, ...]):
    rule = allow("cilium-etl", ETL, API, READ, unseen=unseen, unknown=unseen)
    proof = proven(cilium=(rule,))
    if unseen:
        assert faults(proof) == {(Check.REQUEST, "", Fault.UNSEEN, ("cilium",))}
        assert proof.overlaps[0].destinations == ("ledger",)
        assert unseen[0] in proof.overlaps[0].message
    else:
        assert faults(proof) == {(Check.REQUEST, "tasks", Fault.SEVERAL, ("cilium", "istio"))}


def test_a_gate_that_looks_at_people_is_not_asked_for_what_services_send():
    """Nginx hides paths from every group, Istio from nginx's account: each its own check."""
    both = replace(USUAL["nginx"][0], match=replace(USUAL["nginx"][0].match, operations=READ))
    assert not faults(proven(nginx=(both,)))


def test_two_gates_that_look_at_the_task():
    """Where all tasks run as one account, only some gates can tell them apart: one of them should."""
    shared = [replace(ENVIRONMENTS[0], workloads=Workloads((("etl", "airflow/etl"),), "airflow/etl"))]
    by_task = allow("by-task", Who(principals=frozenset({"etl"})), API)

    def found(environments: list[Environment], *gates: str) -> Proof:
        rules = {**USUAL, **dict.fromkeys(gates, (by_task,))}
        return prove(ACCESS, environments, [CLOSED, *(gate(name, *each) for name, each in rules.items())], at=AT)

    assert not found(shared, "fortigate").overlaps
    assert faults(found(shared, "fortigate", "cilium")) == {(Check.TASK, "tasks", Fault.SEVERAL, ("fortigate", "cilium"))}
    # Where each has an account of its own, telling tasks apart is telling accounts apart: depth.
    assert not found(ENVIRONMENTS, "fortigate", "cilium").overlaps


def test_destinations_with_the_same_owners_are_one_line():
    access = ACCESS.model_copy(
        update={
            "destinations": (
                *ACCESS.destinations,
                ACCESS.destinations[1].model_copy(update={"name": "risk", "hosts": ("risk.data.svc.cluster.local",)}),
            ),
            "routes": (ACCESS.routes[0], ACCESS.routes[1].model_copy(update={"to": ("ledger", "risk")})),
        }
    )
    both = API | Hosts.from_names(["risk.data.svc.cluster.local"])
    rules = {
        name: tuple(replace(one, match=replace(one.match, hosts=both)) if one.match.hosts == API else one for one in found)
        for name, found in USUAL.items()
    }
    found = prove(access, ENVIRONMENTS, [gate(name, *each) for name, each in rules.items()], at=AT)
    assert [one.destinations for one in found.checks if one.callers == "tasks"] == [("ledger", "risk")]


def test_an_explanation_says_that_a_check_has_two_owners():
    both = [gate(name, *rules) for name, rules in {**USUAL, "zpa": (allow("zpa-finance", FINANCE, UI),)}.items()]
    told = explain(ACCESS, ENVIRONMENTS, both, "analysts", "airflow", at=AT)
    (note,) = [one for one in told.notes if "owner" in one]
    assert "2 gates check who a person is" in note
    usual = [gate(name, *rules) for name, rules in USUAL.items()]
    assert not [one for one in explain(ACCESS, ENVIRONMENTS, usual, "analysts", "airflow", at=AT).notes if "owner" in one]
    # Tasks do not go that way.
    assert not [one for one in explain(ACCESS, ENVIRONMENTS, both, "etl_a.load", "ledger", at=AT).notes if "owner" in one]


def test_an_explanation_says_that_a_rule_cannot_be_seen():
    blind = allow("cilium-etl", ETL, API, READ, unseen=("the mesh encrypts it",), unknown=("the mesh encrypts it",))
    found = [gate(name, *rules) for name, rules in {**USUAL, "cilium": (blind,)}.items()]
    told = explain(ACCESS, ENVIRONMENTS, found, "etl_a.load", "ledger", at=AT)
    assert any("cannot see which requests are sent" in one for one in told.notes)
