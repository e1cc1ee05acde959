"""Lets this folder's tests import its stack and lines: tests are imported without a package (`--import-mode=importlib`)."""

import shutil
import sys
from pathlib import Path

import pytest
from airlock_command import airlock

sys.path.insert(0, str(Path(__file__).parent))

BANK = Path(__file__).parent / "bank"


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of the program after `airlock up`, which proves it first."""
    folder = tmp_path_factory.mktemp("bank")
    shutil.copytree(BANK, folder, dirs_exist_ok=True)
    done = airlock("up", "--stack", "test", "--yes", "--no-policy-packs", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / ".airlock" / "bank" / "test.json"
