"""Every component of the package, made as programs in other languages ask for it; and the YAML example, proven."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engine_side import Package
from program import run, types
from pulumi_airlock.offline.urns import type_of
from pulumi_airlock.package.surface import COMPONENTS
from pulumi_airlock.report.proof import prove_stack
from pulumi_airlock.tokens import ACCESS, CLUSTER

PROGRAMS = Path(__file__).parent / "programs"
EXAMPLE = Path(__file__).parents[2] / "examples" / "yaml"
FAMILIES = ("kubernetes", "google", "operations")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_program_is_made(family: str, tmp_path: Path):
    shutil.copy(PROGRAMS / "fixtures.yaml", tmp_path)
    with Package(tmp_path) as package:
        made = run(package, PROGRAMS / f"{family}.yaml")
        stack = package.stack()
    parents = {one.parent for one in stack.resources}
    # Two only say something.
    assert [name for name, one in made.items() if one.urn not in parents and type_of(one.urn) not in (ACCESS, CLUSTER)] == []


def test_the_yaml_example_is_made_and_proven(tmp_path: Path):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    shutil.copy(PROGRAMS / "fixtures.yaml", tmp_path)
    with Package(tmp_path) as package:
        made = run(package, EXAMPLE / "Pulumi.yaml")
        proof = prove_stack(package.stack(), at=datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert proof.ok
    assert proof.gates == ("aws_network", "fortigate")
    assert "webserverUrl" in made["finance"].outputs


def test_no_component_is_left_out():
    programs = [*(PROGRAMS / f"{family}.yaml" for family in FAMILIES), EXAMPLE / "Pulumi.yaml"]
    assert set().union(*map(types, programs)) == set(COMPONENTS)
