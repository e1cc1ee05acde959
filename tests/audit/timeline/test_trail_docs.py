"""docs/audit-trail.md: its sinks are accepted as written (its example is run by tests/docs)."""

import json
import re
from pathlib import Path

import pytest
from airlock_provider.audit.sinks import KINDS, sinks_of
from pulumi_airlock.cli import audit as command

PAGE = Path(__file__).parents[3] / "docs" / "audit-trail.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_sinks_of_the_page_are_accepted_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (written,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    given = json.loads(written)
    for one in given:
        for name in ("token_file", "ca"):
            if name in one:
                one[name] = str(tmp_path / name)
                monkeypatch.setattr("airlock_provider.audit.sinks.syslog.tls_context", lambda *files: None)
                monkeypatch.setattr("airlock_provider.audit.sinks.splunk.tls_context", lambda *files: None)
                (tmp_path / name).write_text("x")
    made = sinks_of(given)

    assert {kind for kind, _, _ in made} == set(KINDS)


def test_every_setting_and_option_is_on_the_page() -> None:
    for kind in KINDS:
        assert f"| `{kind}` |" in TEXT
    for option in re.findall(r'"(--[a-z-]+)"', Path(command.__file__ or "").read_text()):
        assert option in TEXT, option
