"""What a proof says beside whether it holds is found for all classes of hosts at once, and is what each class says by itself."""

import os
from collections.abc import Sequence

import numpy as np
import pytest
from by_classes import by_classes
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import AT, STACK
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Filter
from pulumi_airlock.proof.findings import Cell, Share
from pulumi_airlock.proof.overview.matrix import Cells
from pulumi_airlock.proof.proving import Case, in_order
from scoped_cases import scoped

EXAMPLES = int(os.environ.get("AIRLOCK_ORACLE_EXAMPLES", "8"))


@pytest.mark.parametrize("strategy", [cases(), cases(http=True), scoped()], ids=["plain", "http", "scopes"])
def test_all_classes_at_once_say_what_each_says_by_itself(strategy: st.SearchStrategy[tuple[Access, list[Filter]]]) -> None:
    @settings(
        max_examples=6 * EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(strategy)
    def check(case: tuple[Access, list[Filter]]) -> None:
        access, filters = case
        proof = prove(access, STACK, filters, at=AT)
        slow = by_classes(Case(access, in_order(STACK), filters, AT))
        assert dict(proof.matrix.cells) == slow["matrix"]
        assert (proof.dead, proof.identity, proof.internal) == (slow["dead"], slow["identity"], slow["internal"])

    check()


def cells(codes: Sequence[Sequence[int]]) -> Cells:
    kinds = [Cell(Share.NONE, Share.NONE, False, None), Cell(Share.ALL, Share.ALL, False, 2)]
    return Cells(("etl", "loaders"), ("near", "far"), np.array(codes, dtype=np.uint16), kinds)


def test_a_matrix_reads_like_a_dictionary() -> None:
    found = cells([[0, 1], [1, 1]])
    assert found["etl", "far"].declared is Share.ALL
    assert [pair for pair, cell in found.items() if cell.declared is Share.NONE] == [("etl", "near")]
    assert list(found.values()) == [found[pair] for pair in found]
    assert len(found) == 4
    assert found == cells([[0, 1], [1, 1]]) == dict(found)
    assert found != cells([[0, 1], [1, 0]])
    assert ("etl", "elsewhere") not in found
    with pytest.raises(KeyError, match="elsewhere"):
        found["etl", "elsewhere"]
