"""A wrong value, wherever a component takes one, is a collected problem with its place: never a bare traceback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import types
from pulumi_airlock.package.surface import COMPONENTS
from wrong_values import InProcess, wrong

PROGRAMS = Path(__file__).parent / "programs"
EXAMPLE = Path(__file__).parents[2] / "examples" / "yaml" / "Pulumi.yaml"
FAMILIES = {**{one: PROGRAMS / f"{one}.yaml" for one in ("kubernetes", "google", "operations", "proxies")}, "example": EXAMPLE}


@pytest.fixture
def in_a_program(tmp_path: Path) -> Iterator[None]:
    """In a folder with a DAG, as the programs expect it."""
    before = Path.cwd()
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "ledger.py").write_text("from airflow import DAG\n")
    os.chdir(tmp_path)
    yield
    os.chdir(before)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("in_a_program")
def test_a_wrong_value_is_a_problem_at_its_place(family: str) -> None:
    process = InProcess(PROGRAMS / "fixtures.yaml")
    process.program(FAMILIES[family])
    assert sum(1 for one in process.asked for _ in wrong(one)) > 100
    assert [found for one in process.asked for found in process.faults(one)] == []


def test_every_component_is_tried() -> None:
    assert set().union(*map(types, FAMILIES.values())) == set(COMPONENTS)
