"""The documentation's programs run as they stand, and its table knows every input of one generation."""

import re
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.environments.composer.limits import ONLY_IN

TEXT = (Path(__file__).parents[3] / "docs" / "environments" / "composer.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_runs(program: str, run: Any) -> None:
    assert run(lambda: exec(program, {})).of("composer/environment:Environment")  # noqa: S102


def test_there_is_one() -> None:
    assert PROGRAMS


@pytest.mark.parametrize("path", ONLY_IN)
def test_every_input_of_one_generation_is_in_the_table(path: str) -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    name = path.rsplit(".", 1)[-1]
    assert any(re.search(rf"[`.]{name}`", row) for row in rows), path
