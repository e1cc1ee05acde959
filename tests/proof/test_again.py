"""A stack that is proven again after a change: the findings of a whole proof, from a part of the work."""

from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import AT, STACK
from oracle_cases import cases, filter_of
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Proof, Prover, prove
from pulumi_airlock.proof.filters import Filter

Case = tuple[Access, list[Filter]]


def told(proof: Proof) -> tuple[object, ...]:
    """What a proof says, but for which point of a finding it shows."""
    return (
        [(one.message, one.principals, one.destinations, one.rule, one.gate) for one in proof.excess],
        [(one.routes, one.principals, one.destinations, one.gate, one.rule, one.kind) for one in proof.blocked],
        [(one.unknown, one.declared, one.principals, one.destinations) for one in proof.unproven],
        [(one.expectation, one.passed) for one in proof.expectations],
        proof.ok,
        proof.rules,
    )


@st.composite
def changed(draw: st.DrawFn, filters: list[Filter]) -> list[Filter]:
    """The filters with a rule taken away, put in, moved or replaced."""
    place = draw(st.integers(0, len(filters) - 1))
    one = filters[place]
    spare = draw(filter_of(one.gate, http=True)).rules
    rules = list(one.rules)
    way = draw(st.sampled_from(["take", "put", "move", "replace"]))
    at = draw(st.integers(0, len(rules)))
    if rules and way in ("take", "move", "replace"):
        taken = rules.pop(min(at, len(rules) - 1))
        if way == "move":
            rules.insert(draw(st.integers(0, len(rules))), taken)
    if spare and way in ("put", "replace"):
        rules.insert(min(at, len(rules)), spare[0])
    found = list(filters)
    found[place] = replace(one, rules=tuple(rules))
    return found


def expecting(access: Access) -> Access:
    expect = [
        {"from": "etl-a", "to": "db:5432/tcp", "allow": True},
        {"from": "loaders", "to": "far", "allow": False},
        {"from": "outside", "to": "net", "allow": False},
    ]
    return Access.model_validate({**access.model_dump(mode="json", by_alias=True, exclude_defaults=True), "expect": expect})


OFTEN = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck), "phases": [Phase.generate]}
"""Not shrunk: a case takes long enough."""


@settings(max_examples=40, **OFTEN)
@given(cases(http=True), st.data())
def test_after_each_of_some_changes_the_findings_are_those_of_a_whole_proof(case: Case, data: st.DataObject) -> None:
    access, filters = expecting(case[0]), case[1]
    prover = Prover(access, STACK, at=AT)
    assert told(prover.prove(filters)) == told(prove(access, STACK, filters, at=AT))
    for _ in range(3):
        filters = data.draw(changed(filters))
        again, whole = prover.prove(filters), prove(access, STACK, filters, at=AT)
        assert told(again) == told(whole)
        for finding in (*again.excess, *again.blocked):
            assert finding.witness is not None
            assert all(any(row.filter is one for one in filters) for row in finding.path)


@settings(max_examples=5, **OFTEN)
@given(cases(), st.data())
def test_what_takes_longer_is_found_when_it_is_asked_for(case: Case, data: st.DataObject) -> None:
    access, filters = case
    prover = Prover(access, STACK, at=AT)
    prover.prove(filters)
    filters = data.draw(changed(filters))
    again, whole = prover.prove(filters), prove(access, STACK, filters, at=AT)
    assert (again.matrix, again.dead, again.internal, again.identity) == (
        whole.matrix,
        whole.dead,
        whole.internal,
        whole.identity,
    )
