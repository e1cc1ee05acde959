"""Thousands of decisions of a real Envoy, a thousand a second where the machine can, while what it goes by is replaced."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from load_client import PASSED, Asked, Case
from real_load import BOOKS, CASES, FINANCE, LEDGER, WAREHOUSE, State, Turns, load
from real_parts import ENVOY, needed

RATE, SECONDS = 1000, 10
DECISIONS, TURNS = 1000, 4
"""At least, however busy the machine is."""


def test_not_one_decision_is_wrong_while_keys_routes_and_certificates_are_replaced(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    loaded = load(needed(ENVOY, "Envoy"), tmp_path, SECONDS, DECISIONS, TURNS, RATE)
    record_property("decisions a second", round(loaded.rate))
    print(
        f"{loaded.rate:.0f} decisions a second, {len(loaded.asked)} in all, while {len(loaded.turns.seen) - 1} times all changed"
    )
    print(*(f"{count:6} {caller}: {answer}" for (caller, answer), count in sorted(loaded.counts().items())), sep="\n")
    wrong = loaded.wrong()
    assert not wrong, f"{len(wrong)} of {len(loaded.asked)} wrong: {wrong[:5]}"
    assert len(loaded.asked) >= DECISIONS
    assert len(loaded.turns.seen) > TURNS
    # Each answer that there is was given: what was replaced was seen before and after.
    answers = {
        (case.caller, State.of(turn).answer(case.caller, case.target, max(0, turn + case.turns)))
        for case in CASES
        for turn in (2, 3)
    }
    assert answers == set(loaded.counts())
    assert replace(loaded, turns=Turns()).wrong(), "as if nothing had been replaced"


@pytest.mark.parametrize(
    ("case", "key", "times", "right"),
    [
        (Case(BOOKS, LEDGER), 0, (8, 9), {"403"}),
        (Case(BOOKS, LEDGER), 0, (9, 11), {"200", "403"}),
        (Case(BOOKS, LEDGER), 0, (11, 13), {"200", "403"}),
        (Case(BOOKS, LEDGER), 0, (13, 14), {"200"}),
        (Case(BOOKS, LEDGER), 1, (19, 21), {"200", "403"}),
        (Case(BOOKS, LEDGER), 1, (23, 24), {"403"}),
        (Case(BOOKS, LEDGER), 1, (9, 24), {"200", "401", "403"}),
        (Case(FINANCE, WAREHOUSE, 1), 1, (8, 9), {"401"}),
        (Case(FINANCE, WAREHOUSE, 1), 1, (8, 11), {"200", "401"}),
        (Case(FINANCE, WAREHOUSE), 1, (13, 14), {"200"}),
        (Case(FINANCE, WAREHOUSE, -2), 0, (23, 24), {"401"}),
    ],
)
def test_while_something_is_replaced_either_answer_is_right_and_afterwards_the_new_one(
    case: Case, key: int, times: tuple[float, float], right: set[str]
) -> None:
    turns = Turns(begun=[0, 10, 20], seen=[0, 12, 22])
    assert {one[:3] for one in turns.right(Asked(case, key, *times, PASSED))} == right
