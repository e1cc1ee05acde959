"""Lets this folder's tests import its stack and lines: tests are imported without a package (`--import-mode=importlib`)."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

BANK = Path(__file__).parent / "bank"


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of the program after `airlock up`, which proves it first."""
    folder = tmp_path_factory.mktemp("bank")
    shutil.copytree(BANK, folder, dirs_exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pulumi_airlock.cli",
        "up",
        "--stack",
        "test",
        "--yes",
        "--no-policy-packs",
        "-C",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / ".airlock" / "bank" / "test.json"
