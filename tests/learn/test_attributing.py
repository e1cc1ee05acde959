"""Which task it was: found in generated traffic of a known access file, and never sure of what nothing tells apart."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Bank
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.learn.attributing import Ran, attribute, keys
from pulumi_airlock.learn.evidence import busy


def found_in(bank: Bank, log: Path) -> set[tuple[str, str, str]]:
    learnt = bank.learn(log)
    return {(one.task.dag, one.task.task, str(one.target)) for one in learnt.evidence if one.task and not one.others}


@pytest.mark.parametrize(("kind", "recall"), [("FortiGate", 0.9), ("VPC flow log", 0.78)])
def test_by_time_alone_most_is_found_and_hardly_anything_wrong(kind: str, recall: float, bank: Bank, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(bank.log(kind))
    declared = {one.name for one in bank.access.destinations}
    found = {one for one in found_in(bank, log) if one[2] in declared}
    assert len(found & bank.truth) >= recall * len(bank.truth)
    assert len(found & bank.truth) >= 0.98 * len(found)


@pytest.mark.parametrize("kind", ["Hubble", "Airlock's proxy"])
def test_where_the_log_names_the_task_nothing_is_missed_and_nothing_wrong(kind: str, bank: Bank, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(bank.log(kind))
    learnt = bank.learn(log, joined=False)
    named = {(one.task.dag, one.task.task, str(one.target)) for one in learnt.evidence if one.task and one.weighed is None}
    # Hubble's labels tell nothing of who else is at the worker's address.
    assert named == bank.truth


def ran(*runs: tuple[int, int, int, int]) -> Ran:
    return Ran(*(np.array(column, dtype=np.int64) for column in zip(*runs, strict=True)))


def at(*contacts: tuple[int, int]) -> np.ndarray:
    return keys(*(np.array(column, dtype=np.int64) for column in zip(*contacts, strict=True)))


def test_a_task_that_runs_without_a_contact_is_not_the_one() -> None:
    """Both run at every contact; one of them runs as often again, and nothing is reached."""
    runs = [(task, 0, hour * 60, hour * 60 + 5) for hour in range(20) for task in (0, 1)]
    runs += [(1, 0, hour * 60 + 30, hour * 60 + 35) for hour in range(20)]
    (found,) = attribute(ran(*runs), at(*((0, hour * 60 + 2) for hour in range(20))), 2, 1000, 1000)
    assert (found.task, found.runs, found.hit, found.alone) == (0, 20, 20, 0)


def test_a_task_that_always_runs_is_not_the_one() -> None:
    runs = [(0, 0, hour * 60, hour * 60 + 5) for hour in range(40)] + [(1, 0, day * 1440, day * 1440 + 1439) for day in range(2)]
    found = attribute(ran(*runs), at(*((0, hour * 60 + 2) for hour in range(40))), 2, 10, 2880)
    assert [one.task for one in found] == [0]


def test_tasks_that_nothing_tells_apart_say_so() -> None:
    runs = [(task, hour % 3, hour * 60, hour * 60 + 5) for hour in range(30) for task in (0, 1)]
    found = attribute(ran(*runs), at(*((hour % 3, hour * 60 + 2) for hour in range(30))), 2, 1000, 1000)
    assert [(one.task, one.others) for one in found] == [(0, (1,)), (1, (0,))]


def test_what_the_background_does_is_nobodys() -> None:
    rng = np.random.default_rng(1)
    noise = [(0, int(minute)) for minute in rng.choice(14 * 1440, 800, replace=False)]
    runs = [(0, 0, hour * 60, hour * 60 + 20) for hour in range(14 * 24)]
    assert attribute(ran(*runs), at(*noise), 1, 14 * 1440 - 14 * 24 * 21, 14 * 1440) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 60), st.integers(0, 20)).map(
            lambda one: (one[0], one[1], one[2], one[2] + one[3])
        ),
        min_size=1,
    )
)
def test_busy_minutes_are_counted_once(runs: list[tuple[int, int, int, int]]) -> None:
    assert busy(ran(*runs)) == len({(source, minute) for _, source, first, last in runs for minute in range(first, last + 1)})
