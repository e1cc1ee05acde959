"""The documentation's program runs as it stands, and names every policy."""

import re
from pathlib import Path

import pytest
from credential_engine import run

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "credentials.md").read_text(encoding="utf-8")
PROGRAMS = [one for one in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL) if "pulumi_airlock" in one]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_runs(program: str) -> None:
    engine = run(lambda: exec(program, {}))  # noqa: S102
    assert len(engine.of("SecretRotation")) == 4


def test_there_is_one() -> None:
    assert PROGRAMS


def test_every_policy_is_named() -> None:
    pack = ROOT / "policy-packs" / "least-privilege" / "least_privilege"
    sources = "".join((pack / name).read_text(encoding="utf-8") for name in ("credentials.py", "credential_resources.py"))
    written = set(re.findall(r'^    "(credential-[a-z-]+)",$', sources, re.MULTILINE))
    assert written == set(re.findall(r"`(credential-[a-z-]+)`", DOCUMENT))
