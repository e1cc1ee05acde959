"""What `explain` proposes for the access file, pasted there and compiled, opens every gate of the production stack."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airlock_command import airlock

ROOT = Path(__file__).parents[2]
STACK = "prod-mwaa"
TODAY = datetime.now(UTC).date()
SATURDAY = TODAY + timedelta(days=(5 - TODAY.weekday()) % 7)
"""The next one: the ledger's window is closed then."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The repository's project, with an access file of its own."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def explained(project: Path, *question: str) -> Any:
    done = airlock("explain", *question, "--json", "--stack", STACK, cwd=project)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def paste(project: Path, snippet: str) -> None:
    """Each part of a snippet at the head of the list that it belongs to, as an editor would."""
    file = project / "stacks" / "access" / f"{STACK}.yaml"
    text, part = file.read_text(), ""
    parts: dict[str, list[str]] = {}
    for line in snippet.splitlines():
        if line.startswith(" "):
            parts[part].append(line)
        else:
            part = line
            parts[part] = []
    for part, lines in parts.items():
        assert f"\n{part}\n" in text
        text = text.replace(f"\n{part}\n", "\n".join(["", part, *lines, ""]), 1)
    file.write_text(text)


@pytest.mark.parametrize(
    "question",
    [
        ("var-engine", "ledger-db"),
        ("ledger_close.load", "ledger-db:1521", "--at", f"{SATURDAY:%Y-%m-%d}T12:00"),
        ("ledger_close.load", "10.20.77.1:22"),
        ("auditors", "archive:9000"),
    ],
    ids=["a route", "a window", "a destination", "people"],
)
def test_what_is_pasted_opens_every_gate(project: Path, question: tuple[str, ...]) -> None:
    before = explained(project, *question)
    assert before["outcome"] == "deny"
    paste(project, before["opposite"]["access"]["yaml"])
    after = explained(project, *question)
    assert (after["outcome"], after["refused_by"]) == ("allow", [])
    assert after["routes"]
