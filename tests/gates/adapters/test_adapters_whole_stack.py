"""Whole previews behind proxies of others: the network leads to them alone; a way around, or none to them, is found."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from airlock_command import airlock

PROGRAMS = Path(__file__).parent
PROXIES, FLOWS = ', proxies={"datacenter": proxy.entry}', "flows=proxy.flows(tasks),"


def proof(folder: Path, name: str, without: str) -> dict[str, Any]:
    """What `airlock prove --json` says of a program without one of its texts."""
    shutil.copytree(PROGRAMS / name, folder, dirs_exist_ok=True)
    program = (folder / "__main__.py").read_text()
    assert without in program
    (folder / "__main__.py").write_text(program.replace(without, "") if without else program)
    done = airlock("prove", "--stack", "test", "--json", cwd=folder)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("name", "worth"), [("boundary", "asserted"), ("teleport", "attested")])
def test_the_whole_stack_is_proven(tmp_path: Path, name: str, worth: str) -> None:
    found = proof(tmp_path, name, "")
    assert found["ok"] is True
    assert worth in json.dumps(found["assumptions"])


def test_a_network_that_leads_around_it_is_found(tmp_path: Path) -> None:
    found = proof(tmp_path, "boundary", PROXIES)
    assert found["ok"] is False
    assert "around boundary" in " ".join(one["message"] for one in found["excess"])


def test_pods_that_do_not_get_to_it_are_blocked(tmp_path: Path) -> None:
    found = proof(tmp_path, "teleport", FLOWS)
    assert found["ok"] is False
    assert "which teleport needs itself (tasks to the proxy): refused by cilium" in " ".join(
        one["message"] for one in found["blocked"]
    )
