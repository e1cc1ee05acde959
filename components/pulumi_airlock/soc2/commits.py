"""The git commit of a project: what was evaluated, in the words of whoever reviews changes."""

import subprocess
from pathlib import Path


def commit_of(folder: Path) -> tuple[str, bool]:
    """(commit, whether files that git knows differ from it) of the folder; empty where there is no git."""
    try:
        head = _git(folder, "rev-parse", "--verify", "HEAD")
        return head, bool(_git(folder, "status", "--porcelain", "--untracked-files=no", "--", "."))
    except (OSError, subprocess.SubprocessError):
        return "", False


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]  # of the PATH, as every tool of a repository
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
