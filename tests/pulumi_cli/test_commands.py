"""What `airlock` says of a preview that the Pulumi CLI wrote is what it says of the stack."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import real_cli
from conftest import Previewed

sys.path.insert(0, str(real_cli.ROOT / "tests" / "docs"))
from doc_samples import samples

pytestmark = real_cli.MARKS

AT = ("--at", "2026-11-27T12:00Z")
SAME = {
    "explain a task": ("explain", "ledger_close.post_entries", "ledger-db:1521", *AT, "--json"),
    "explain a person": ("explain", "treasury-desk", "airflow-ui-treasury:443", *AT, "--json"),
    "reach": ("reach", "auditors", *AT, "--json"),
    "calls": ("calls", "--json"),
    "waste": ("prove", "--waste", *AT, "--json"),
    "verify": ("verify", "lss.json", "nss.json", "flow.log.gz", "--json"),
}
"""Of the stack behind every gate."""


@pytest.fixture(scope="module")
def bank(previewed: Callable[[str], Previewed]) -> Previewed:
    found = previewed("prod-mwaa")
    samples(found.cli.folder)
    return found


@pytest.mark.parametrize("command", SAME)
def test_a_command_says_the_same(bank: Previewed, command: str):
    ours = bank.cli.ended("airlock", *SAME[command], "--stack", bank.stack, status=None)
    theirs = bank.cli.ended("airlock", *SAME[command], "--from", str(bank.file), status=None)
    assert ours.returncode == theirs.returncode
    assert _in_order(json.loads(ours.stdout)) == _in_order(json.loads(theirs.stdout))


def test_no_access_differs_between_both_previews(bank: Previewed, tmp_path: Path):
    (tmp_path / "offline.json").write_text(json.dumps(bank.offline))
    assert "no access differs" in bank.cli.airlock("diff", str(tmp_path / "offline.json"), str(bank.file))


def test_evidence_is_written_of_it(bank: Previewed, tmp_path: Path):
    said = bank.cli.ended("airlock", "evidence", "--from", str(bank.file), "--output", str(tmp_path / "evidence"), status=None)
    assert said.returncode in (0, 2, 3), said.stderr
    assert list((tmp_path / "evidence").rglob("*.json"))


def test_statuses(bank: Previewed, tmp_path: Path):
    """0 well; 1 no such file; 3 an expectation fails, or access that no route declares."""
    assert bank.cli.ended("airlock", "prove", "--from", str(bank.file), *AT, status=None).returncode == 0
    assert bank.cli.ended("airlock", "prove", "--from", "nowhere.json", status=None).returncode == 1
    document = json.loads(bank.file.read_text())
    for step in document["steps"]:
        if step["urn"].endswith("::fortigate-deny-all"):
            step["newState"]["inputs"]["action"] = "accept"
    (tmp_path / "open.json").write_text(json.dumps(document))
    assert bank.cli.ended("airlock", "prove", "--from", str(tmp_path / "open.json"), *AT, status=None).returncode == 3


def _in_order(value: Any) -> Any:
    """Without what depends on the order of resources, which is the engine's: which of several good rules a path names."""
    if isinstance(value, dict):
        return {key: _in_order(one) for key, one in value.items() if key not in ("path", "at")}
    return sorted(map(_in_order, value), key=json.dumps) if isinstance(value, list) else value
