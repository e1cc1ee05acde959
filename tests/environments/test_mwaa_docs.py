"""The documentation's programs run as they stand."""

import re
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "environments" / "mwaa.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_runs(program: str, run: Any, dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dags.parent)
    Path("zscaler-root.pem").write_text("-----BEGIN CERTIFICATE-----\nTUlJQmFpcmxvY2s=\n-----END CERTIFICATE-----\n")
    engine = run(lambda: exec(program, {}))  # noqa: S102
    assert engine.of("mwaa/environment:Environment")


def test_there_is_one() -> None:
    assert PROGRAMS
