"""A whole preview behind a Boundary: MWAA's network leads to its workers alone, and a way around them is found."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent / "boundary"
PROXIES = ', proxies={"datacenter": proxy.entry}'


def proof(folder: Path, without: str) -> dict[str, Any]:
    """What `airlock prove --json` says of the program without one of its texts."""
    shutil.copytree(PROGRAM, folder, dirs_exist_ok=True)
    program = (folder / "__main__.py").read_text()
    assert without in program
    (folder / "__main__.py").write_text(program.replace(without, "") if without else program)
    command = [sys.executable, "-m", "pulumi_airlock.cli", "prove", "--stack", "test", "--json", "-C", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("without", "proven"), [("", True), (PROXIES, False)], ids=["as it is", "around"])
def test_mwaa_behind_boundary(tmp_path: Path, without: str, proven: bool) -> None:
    found = proof(tmp_path, without)
    assert found["ok"] is proven
    assert "asserted: whoever has its credentials comes as all of them" in json.dumps(found["assumptions"])
    assert proven or "around boundary" in " ".join(one["message"] for one in found["excess"])
