"""A copy of an example, beside the packs, and a reader who does what its README says."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "docs"))

from doc_reader import Reader  # noqa: E402

Copied = Callable[[str], Reader]


@pytest.fixture
def copied(tmp_path: Path) -> Copied:
    """Copies an example by its name."""
    (tmp_path / "policy-packs").symlink_to(ROOT / "policy-packs")

    def copy(name: str) -> Reader:
        ignored = shutil.ignore_patterns("__pycache__", ".airlock", ".venv")
        return Reader(Path(shutil.copytree(ROOT / "examples" / name, tmp_path / "examples" / name, ignore=ignored)))

    return copy
