"""Whole previews behind the proxy, with every reader: proven, and a way around the proxy is found."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parent


def proof(folder: Path, name: str, change: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """What `airlock prove --json` says of a program, with one text in the place of another."""
    shutil.copytree(PROGRAMS / name, folder, dirs_exist_ok=True)
    program = (folder / "__main__.py").read_text()
    assert change[0] in program
    (folder / "__main__.py").write_text(program.replace(*change) if change[0] else program)
    command = [sys.executable, "-m", "pulumi_airlock.cli", "prove", "--stack", "test", "--json", "-C", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("name", "worth"), [("mwaa", "asserted"), ("cluster", "attested"), ("composer", "asserted")])
def test_the_whole_stack_is_proven(tmp_path: Path, name: str, worth: str) -> None:
    found = proof(tmp_path, name)
    assert found["ok"] is True
    assert worth in json.dumps(found["assumptions"])


def test_a_network_that_leads_around_the_proxy_is_found(tmp_path: Path) -> None:
    found = proof(tmp_path, "mwaa", (', proxies={"datacenter": proxy.entry}', ""))
    assert found["ok"] is False
    said = " ".join(one["message"] for one in found["excess"])
    assert "around tcp-proxy" in said


def test_a_policy_that_lets_pods_past_the_proxy_is_found(tmp_path: Path) -> None:
    found = proof(tmp_path, "cluster", ('gates=["tcp-proxy"]', 'gates=["cilium", "tcp-proxy"]'))
    assert found["ok"] is False
    assert "around tcp-proxy" in " ".join(one["message"] for one in found["excess"])
