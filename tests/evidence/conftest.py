"""The small project whose previews are evidence, and the command run on it once a stack."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from airlock_command import airlock as run_airlock

ROOT = Path(__file__).parents[2]
PACKS = [ROOT / "policy-packs" / name for name in ("least-privilege", "access-proof")]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, in a folder and a git repository of its own."""
    folder = shutil.copytree(Path(__file__).parent / "projects" / "desk", tmp_path_factory.mktemp("evidence") / "desk")
    (folder / ".gitignore").write_text("__pycache__\n.airlock\nout-*\n")
    who = ["-c", "user.name=test", "-c", "user.email=test@bank.example"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "desk"]):
        subprocess.run(["git", "-C", str(folder), *who, *command], check=True)  # noqa: S607  # of the PATH
    return folder


@pytest.fixture(scope="session")
def airlock(desk: Path) -> Run:
    """Runs a command of `airlock` in the project, with the real packs where it takes any."""

    def run(*arguments: str | Path, packs: bool = False) -> "subprocess.CompletedProcess[str]":
        chosen = [part for one in PACKS for part in ("--policy-pack", one)] if packs else []
        return run_airlock(*arguments, *chosen, cwd=desk)

    return run


@pytest.fixture(scope="session")
def unproven(desk: Path, airlock: Run) -> Path:
    """The evidence of a stack whose declared access cannot be proven."""
    done = airlock("evidence", "--stack", "unproven", "--at", "2026-11-26", "--output", "out-unproven", packs=True)
    assert done.returncode == 2, done.stderr
    return desk / "out-unproven"


@pytest.fixture(scope="session")
def good(desk: Path, airlock: Run) -> Path:
    """The evidence of a stack in which nothing mandatory is violated."""
    done = airlock("evidence", "--stack", "good", "--at", "2026-11-26", "--output", "out-good", packs=True)
    assert done.returncode == 0, done.stderr
    return desk / "out-good"
