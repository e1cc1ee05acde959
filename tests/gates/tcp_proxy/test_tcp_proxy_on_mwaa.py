"""A whole preview of MWAA behind the proxy, with every reader: proven, and a way around the proxy is found."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).parent / "mwaa"


def proof(folder: Path, change: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """What `airlock prove --json` says of the program, with one text in the place of another."""
    shutil.copytree(PROGRAM, folder, dirs_exist_ok=True)
    program = (folder / "__main__.py").read_text()
    assert change[0] in program
    (folder / "__main__.py").write_text(program.replace(*change) if change[0] else program)
    command = [sys.executable, "-m", "pulumi_airlock.cli", "prove", "--stack", "test", "--json", "-C", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_whole_stack_is_proven(tmp_path: Path) -> None:
    found = proof(tmp_path)
    assert found["ok"] is True
    assert "asserted" in json.dumps(found["assumptions"])


def test_a_network_that_leads_around_the_proxy_is_found(tmp_path: Path) -> None:
    found = proof(tmp_path, (', proxies={"datacenter": proxy.entry}', ""))
    assert found["ok"] is False
    said = " ".join(one["message"] for one in found["excess"])
    assert "around tcp-proxy" in said
