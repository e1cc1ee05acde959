"""What the tests of this folder have in common, beside their fixtures."""

import os
import subprocess
from pathlib import Path

import airlock_command
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "many-environments"
TOOLS = (ROOT / ".venv-ci" / "bin", ROOT / ".parts", ROOT / ".parts" / "bin")


def environment(**more: str) -> dict[str, str]:
    """A process's environment: no colours, no configuration of git that somebody has."""
    return os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "GIT_CONFIG_GLOBAL": os.devnull} | more


def airlock(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it."""
    return airlock_command.airlock(*arguments, cwd=folder, env=environment(**more))


def git(folder: Path, *arguments: str) -> str:
    """What git says, which must succeed."""
    named = ["-c", "user.name=test", "-c", "user.email=test@bank.example", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()


def needed_tool(name: str) -> str:
    """The path of a tool; skips the test where it is not installed."""
    found = next((folder / name for folder in TOOLS if os.access(folder / name, os.X_OK)), None)
    if found is None:
        pytest.skip(f"no {name} here: `make parts` installs it")
    return str(found)
