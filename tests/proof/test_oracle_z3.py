"""The proof agrees with z3 (`oracle_z3`): a finding of each kind exactly where there is a point, and every witness is one.

What z3 is asked is written for bit vectors, from the description of the proof, over every address, port and minute there is; a
point that brute force does not try is found here. The same cases every time; `run_oracle.py` runs more.
"""

import z3
from hypothesis import given
from oracle_cases import often
from oracle_z3 import Oracle, is_possible
from oracle_z3_cases import AT, STACK, Case, fenced, loose, tight
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Proof, prove
from pulumi_airlock.proof.filters import Filter
from pulumi_airlock.proof.findings import Witness


@often(40)
@given(loose())
def test_a_proof_of_any_filters_is_that_of_a_solver(case: Case) -> None:
    check(*case)


@often(40)
@given(fenced())
def test_a_proof_of_filters_that_stop_right_beside_the_routes_is_that_of_a_solver(case: Case) -> None:
    check(*case)


@often(40)
@given(tight())
def test_a_proof_of_filters_that_are_almost_right_is_that_of_a_solver(case: Case) -> None:
    check(*case)


def check(access: Access, filters: list[Filter]) -> None:
    proof, oracle = prove(access, STACK, filters, at=AT), Oracle(access, STACK, filters)
    missing = {}
    for kind, formula in oracle.questions().items():
        witnesses = witnesses_of(proof, kind)
        for witness in witnesses:
            assert oracle.holds(formula, witness), (kind, witness)
        if not witnesses:
            missing[kind] = formula
    # Where each witness is a point, only what the proof does not find is left to look for: in one go.
    if is_possible(z3.Or(list(missing.values()))):
        raise AssertionError(f"not found: {[kind for kind, formula in missing.items() if is_possible(formula)]}")


def witnesses_of(proof: Proof, kind: str) -> list[Witness]:
    found = {
        "excess": proof.excess,
        "blocked": proof.blocked,
        "undeclared": [one for one in proof.unproven if not one.declared],
        "doubtful": [one for one in proof.unproven if one.declared],
    }
    return [one.witness for one in found[kind]]
