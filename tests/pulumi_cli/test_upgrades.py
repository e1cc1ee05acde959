"""What a release recorded of each stack, in the Pulumi CLI's own state: today's library replaces and deletes nothing of it."""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import real_cli
from conftest import REGION
from pulumi_airlock.offline.simulation import Simulator
from real_cli import Cli, own_python, serving, variables

sys.path.insert(0, str(real_cli.ROOT / "tests" / "upgrade"))
from record_release import PROGRAMS
from upgrades import RECORDED, STACKS

pytestmark = real_cli.MARKS


@pytest.mark.parametrize(("release", "stack"), STACKS)
def test_an_upgrade_replaces_and_deletes_nothing(release: str, stack: str, tmp_path: Path):
    project = tmp_path / "project"
    with tarfile.open(fileobj=io.BytesIO((RECORDED / release / PROGRAMS).read_bytes())) as programs:
        programs.extractall(project, filter="data")
    own_python(project / "Pulumi.yaml")
    recorded = json.loads(gzip.decompress((RECORDED / release / f"{stack}.json.gz").read_bytes()))
    manifest = recorded["deployment"]["manifest"]
    manifest["magic"] = hashlib.sha256(manifest["version"].encode()).hexdigest()  # by which the CLI knows a state
    cli = Cli(project, variables(tmp_path / "cli"))
    with serving(cli, project / "stacks" / "fixtures" / f"{stack}.yaml", REGION):
        cli.select(stack)
        empty = json.loads(cli.pulumi("stack", "export"))
        encrypted_by = {"secrets_providers": empty["deployment"]["secrets_providers"]}
        _name(recorded["deployment"]["resources"])
        imported = _readable(recorded) | {"deployment": _readable(recorded["deployment"]) | encrypted_by}
        (project / "recorded.json").write_text(json.dumps(imported))
        cli.pulumi("stack", "import", "--file", "recorded.json")
        steps = cli.preview()["steps"]
    assert [step["urn"] for step in steps if "replace" in step["op"] or step["op"] == "delete"] == []
    kept = {step["urn"] for step in steps if step["op"] in ("same", "update")}
    assert kept >= {one["urn"] for one in recorded["deployment"]["resources"] if ":providers:" not in one["type"]}


def _name(states: list[dict[str, Any]]) -> None:
    """Puts the names that providers made up among the inputs, where the CLI's states have them."""
    for state in states:
        for key, template in Simulator("", "").type(state["type"]).outputs.items():
            if template == "{name}" and key not in state["inputs"]:
                state["inputs"] |= {key: state["outputs"][key], "__defaults": [key]}


def _readable(value: Any) -> Any:
    """Secrets as the CLI imports them. The record has hashes of their values: equal ones stay equal."""
    if isinstance(value, Mapping):
        if "ciphertext" in value:
            text = f"recorded{hashlib.sha256(str(value['ciphertext']).encode()).hexdigest()[:24]}"
            return {key: one for key, one in value.items() if key != "ciphertext"} | {"plaintext": json.dumps(text)}
        return {key: _readable(one) for key, one in value.items()}
    return [_readable(one) for one in value] if isinstance(value, list) else value
