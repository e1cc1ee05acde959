"""The project of this repository, copied where a test may change it, and the command as a user runs it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from airlock_command import airlock as command

ROOT = Path(__file__).parents[2]
Airlock = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "policy-packs", tmp_path / "policy-packs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    return tmp_path


@pytest.fixture
def airlock(project: Path) -> Airlock:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return command(*arguments, cwd=project, env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"})

    return run
