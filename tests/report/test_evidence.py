"""What a cell of the page shows is what the proof has found, and what `explain` says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from large_cases import large
from oracle import AT as ORACLE_AT
from oracle import STACK
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Cell, Outcome, Proof, Row, Share, Witness, explain, prove
from pulumi_airlock.proof.evidence import ASPECTS, Aspect, CallerKind, Evidence, Standing, evidence
from pulumi_airlock.proof.filters import Filter, Match, Part, Who
from pulumi_airlock.report.legend import standings
from report_cases import AT, FINANCE, RISK, Case, broken, small

DECLARED = {Aspect.PASSES, Aspect.LOST, Aspect.DOUBTFUL}


def both(case: Case) -> tuple[Proof, Evidence]:
    proof = case.proof()
    return proof, case.evidence(proof)


def aspects(found: Evidence, row: int, column: int) -> set[Aspect]:
    return {found.samples[number].aspect for number in found.entry(row, column).samples}


def check_matrix(proof: Proof, found: Evidence) -> None:
    """The proof's own matrix says the same of every declared principal."""
    names = {one.name: number for number, one in enumerate(found.callers)}
    for (principal, destination), cell in proof.matrix.cells.items():
        row, column = names[principal], found.destinations.index(destination)
        has = aspects(found, row, column)
        assert found.entry(row, column).depth == cell.depth
        assert share(has) is cell.declared
        if cell.depth == 0 and not cell.possible:
            # Unproven: a name that perhaps has a declared address.
            assert {Standing.EXCESS, Standing.UNPROVEN} & set(found.entry(row, column).faults)


def share(has: set[Aspect]) -> Share:
    if not has & DECLARED:
        return Share.NONE
    return Share.PART if Aspect.UNDECLARED in has else Share.ALL


def check_findings(proof: Proof, found: Evidence) -> None:
    """There is a cell at fault exactly where there is a finding.

    Of destinations that share hosts and ports a finding names one, and of principals that share tasks the route's.
    """
    faults = {fault for one in found.entries for fault in one.faults}
    assert (Standing.BLOCKED in faults) == bool(proof.blocked)
    assert Standing.EXCESS not in faults or proof.excess
    assert Standing.UNPROVEN not in faults or proof.unproven
    rows = {one.name: number for number, one in enumerate(found.callers)}
    for one in proof.blocked:
        for principal in one.principals:
            cells = [found.entry(rows[principal], found.destinations.index(name)) for name in one.destinations]
            assert any(Standing.BLOCKED in cell.faults for cell in cells)


def check_samples(found: Evidence) -> None:
    for sample in found.samples:
        rows = found.path(sample)
        refusing = dict.fromkeys(row.gate for row in rows if row.outcome is Outcome.DENY)
        assert sample.refusals == tuple(refusing)
        assert sample.outcome is (Outcome.DENY if refusing else worst(rows))
        assert sample.aspect not in (Aspect.PASSES, Aspect.LOST) or sample.routes
        if sample.aspect is Aspect.PASSES:
            assert sample.outcome is Outcome.ALLOW
        if sample.aspect is Aspect.LOST:
            assert sample.outcome is Outcome.DENY
    for row, column in ((row, column) for row in range(len(found.callers)) for column in range(len(found.destinations))):
        entry = found.entry(row, column)
        for number in entry.samples:
            if found.samples[number].aspect is Aspect.UNDECLARED:
                assert len(found.samples[number].refusals) == entry.depth


def worst(rows: tuple[Row, ...]) -> Outcome:
    return Outcome.UNKNOWN if any(row.outcome is Outcome.UNKNOWN for row in rows) else Outcome.ALLOW


def asked(seen: Witness, kind: CallerKind, name: str) -> tuple[str, str]:
    """What somebody types who wants to know of this very point."""
    who = {CallerKind.PEOPLE: name, CallerKind.OUTSIDE: "outside"}.get(kind, seen.task)
    host = f"[{seen.host}]" if ":" in seen.host else seen.host
    return who, f"{host}:{seen.port}/{seen.protocol}"


def check_explained(case: Case, found: Evidence) -> int:
    """Every sample of every cell is walked as `explain` walks it."""
    looked = 0
    for row, caller in enumerate(found.callers):
        for column, destination in enumerate(found.destinations):
            for number in found.entry(row, column).samples:
                sample = found.samples[number]
                seen = found.witness(row, column, sample)
                who, where = asked(seen, caller.kind, caller.name)
                answer = explain(case.access, case.environments, case.filters, who, where, at=AT, when=seen.time)
                mine = [(one.filter, one.outcome, one.rule, one.trace) for one in found.path(sample)]
                assert mine == [(one.filter, one.outcome, one.rule, one.trace) for one in answer.rows], (who, where)
                for one, other in zip(found.path(sample), answer.rows, strict=True):
                    assert one.why == other.why or "but not to this host" in other.why
                assert answer.witness.host == seen.host
                assert answer.witness.time == seen.time
                assert set(answer.routes) == set(sample.routes), (caller.name, destination)
                looked += 1
    return looked


@pytest.mark.parametrize("case", [small(), broken(), large(24, 12)], ids=["small", "broken", "generated"])
def test_each_cell_says_what_the_proof_and_explain_say(case: Case) -> None:
    proof, found = both(case)
    check_matrix(proof, found)
    check_findings(proof, found)
    check_samples(found)
    assert check_explained(case, found) >= len(proof.matrix.cells)


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
@given(cases())
def test_any_stack_has_evidence_that_agrees_with_its_proof(case: tuple[Access, list[Filter]]) -> None:
    access, filters = case
    proof = prove(access, STACK, filters, at=ORACLE_AT)
    found = evidence(access, STACK, filters, proof, at=ORACLE_AT)
    check_matrix(proof, found)
    check_findings(proof, found)
    check_samples(found)


def test_a_shared_path_has_each_caller_s_own_address_objects() -> None:
    """One rule holds both desks, by an address object each: what holds at a third host is the same but for these."""
    desks = [Part("source", "address", name, Match(Who(sources=one))) for name, one in (("finance", FINANCE), ("risk", RISK))]
    case = broken()
    filters = tuple(
        replace(one, rules=tuple(replace(rule, parts=lambda: tuple(desks)) for rule in one.rules)) for one in case.filters
    )
    third = {"name": "third", "zone": "center", "cidrs": ["10.20.4.99/32"], "ports": ["1521/tcp"]}
    declared = case.access.model_dump(mode="json", by_alias=True)
    declared["destinations"].append(third)
    case = replace(case, filters=filters, access=Access.model_validate(declared))
    _, found = both(case)
    assert check_explained(case, found) > 0
    names = [one.name for one in found.callers]
    column = found.destinations.index("third")
    seen = {}
    for name in ("ledger", "var", "stress"):
        entry = found.entry(names.index(name), column)
        sample = next(found.samples[each] for each in entry.samples if found.samples[each].aspect is Aspect.UNDECLARED)
        seen[name] = [step.name for one in found.path(sample) for each in one.trace for step in each.steps]
    assert seen == {"ledger": ["finance"] * 3, "var": ["risk"] * 3, "stress": ["risk"] * 3}


def test_small_is_well_and_broken_has_every_fault() -> None:
    assert small().proof().ok
    _, found = both(broken())
    assert {one.standing for one in found.entries} >= {Standing.EXCESS, Standing.BLOCKED, Standing.UNPROVEN, Standing.REFUSED}
    _, well = both(small())
    assert not any(one.faults for one in well.entries)


def test_a_window_has_a_moment_within_and_one_outside() -> None:
    _, found = both(small())
    row, column = [one.name for one in found.callers].index("ledger"), found.destinations.index("ledger-db")
    entry = found.entry(row, column)
    assert (entry.standing, entry.depth) == (Standing.PART, 1)
    within, outside = (found.samples[number] for number in entry.samples)
    assert (within.aspect, within.outcome, within.routes) == (Aspect.PASSES, Outcome.ALLOW, ("close",))
    assert within.witness.time == datetime(2026, 11, 23, 21, 0, tzinfo=UTC), "Monday 22:00 in Zurich"
    assert (outside.aspect, outside.refusals, outside.routes) == (Aspect.UNDECLARED, ("wall",), ())


def test_who_is_always_there_has_rows_too() -> None:
    _, found = both(broken())
    others = {one.name: one.kind for one in found.callers if one.kind in (CallerKind.OTHER, CallerKind.OUTSIDE)}
    assert others == {"any other DAG of risk": CallerKind.OTHER, "anything outside Airflow": CallerKind.OUTSIDE}
    outside = [one.name for one in found.callers].index("anything outside Airflow")
    assert found.entry(outside, found.destinations.index("ledger-db")).standing is Standing.EXCESS


def test_a_witness_is_the_caller_of_its_row() -> None:
    case = broken()
    _, found = both(case)
    for row, caller in enumerate(found.callers):
        for column in range(len(found.destinations)):
            for number in found.entry(row, column).samples:
                seen = found.witness(row, column, found.samples[number])
                assert seen.principal == caller.name
                if caller.kind is CallerKind.TASKS:
                    environment, _, task = seen.task.partition("/")
                    assert case.access.principal(caller.name).covers(*task.split(".", 1), environment)
                if caller.kind is CallerKind.PEOPLE:
                    assert seen.task == case.access.principal(caller.name).group


def test_what_is_alike_stands_once() -> None:
    """Cells grow with the square of the size; what is kept beside them does not."""
    case = large(160, 80)
    _, found = both(case)
    size = len(case.access.routes)
    counts = [len(kept) for kept in (found.samples, found.rows, found.paths, found.entries)]
    assert max(counts) < 3 * size < found.cells.size
    distinct = [len(set(kept)) for kept in (found.paths, found.entries)]
    assert distinct == counts[2:]
    used = {number for entry in found.entries for number in entry.samples}
    assert used == set(range(counts[0])), "no sample that no cell shows"
    assert found.speaking.shape == (*found.cells.shape, len(ASPECTS))


def test_evidence_of_another_instant_is_refused() -> None:
    case = small()
    proof = case.proof()
    for at in (datetime(2026, 11, 22, tzinfo=UTC), AT.replace(tzinfo=None)):
        with pytest.raises(ValueError, match="is not the instant of the proof"):
            evidence(case.access, case.environments, case.filters, proof, at=at)


@pytest.mark.parametrize("case", [small(), broken(), large(24, 12)], ids=["small", "broken", "generated"])
def test_the_terminal_s_matrix_shows_what_the_page_shows(case: Case) -> None:
    proof, found = both(case)
    rows = {one.name: number for number, one in enumerate(found.callers)}
    for (principal, destination), standing in standings(proof.matrix, proof).items():
        assert standing is found.entry(rows[principal], found.destinations.index(destination)).standing, (principal, destination)


def test_a_cell_of_its_own_says_what_it_can() -> None:
    """Without the proof's findings a wrong pair is still told from a right one."""
    pair = ("a", "b")
    for cell, standing in (
        (Cell(Share.ALL, Share.ALL, False, None), Standing.DECLARED),
        (Cell(Share.PART, Share.PART, False, 2), Standing.PART),
        (Cell(Share.NONE, Share.NONE, False, 2), Standing.REFUSED),
        (Cell(Share.NONE, Share.ALL, False, 0), Standing.EXCESS),
        (Cell(Share.NONE, Share.NONE, True, 0), Standing.UNPROVEN),
        (Cell(Share.ALL, Share.PART, False, None), Standing.BLOCKED),
        (Cell(Share.ALL, Share.NONE, True, None), Standing.UNPROVEN),
        (Cell(Share.NONE, Share.NONE, False, None), Standing.NO_PATH),
    ):
        matrix = small().proof().matrix
        assert standings(type(matrix)(("a",), ("b",), {pair: cell})) == {pair: standing}
