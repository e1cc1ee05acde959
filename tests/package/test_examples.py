"""examples/yaml, as the YAML runtime would ask for it: every component can be made of what stands there, and is proven."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import ACCOUNT
from engine_side import Package
from pulumi_airlock.report.proof import prove_stack
from ruamel.yaml import YAML

EXAMPLE = Path(__file__).parents[2] / "examples" / "yaml"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    folder = tmp_path_factory.mktemp("example") / "yaml"
    shutil.copytree(EXAMPLE, folder)
    (folder / "fixtures.yaml").write_text(ACCOUNT)
    with Package(folder) as running:
        yield running


def _evaluated(value: Any, known: dict[str, Any]) -> Any:
    """`${name}`, `${name.output}` and `fn::readFile`: all that the example has."""
    if isinstance(value, dict):
        if "fn::readFile" in value:
            return (EXAMPLE / value["fn::readFile"]).read_text()
        return {key: _evaluated(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_evaluated(one, known) for one in value]
    if not isinstance(value, str) or not value.startswith("${"):
        return value
    name, _, output = value[2:-1].partition(".")
    return known[name][output] if output else known[name]


def test_the_yaml_example_is_made_and_proven(package: Package):
    program = YAML(typ="safe").load((EXAMPLE / "Pulumi.yaml").read_text())
    known: dict[str, Any] = {}
    for name, one in program["variables"].items():
        known[name] = _evaluated(one, known)
    for name, one in program["resources"].items():
        known[name] = package.construct(one["type"].removeprefix("airlock:"), name, **_evaluated(one["properties"], known))
    proof = prove_stack(package.stack(), at=datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert proof.ok
    assert proof.gates == ("aws_network", "fortigate")
    assert all(output in known[name[2:]].outputs for name, _, output in [program["outputs"]["webServer"][:-1].partition(".")])
