"""What tests of the provider share: a manifest as Pulumi's side writes it, options in the environment, and HTTP fakes."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from airlock_provider import audit, broker, settings

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from provider_fakes import Fake, faked  # noqa: E402


@pytest.fixture(autouse=True)
def untouched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test starts with no options read and nothing lent."""
    settings.current.cache_clear()
    broker.end()
    if request.path.parent == HERE:
        monkeypatch.setattr(audit, "emit", lambda event: None)  # else to the standard output; tests/provider/audit has its own
    yield
    settings.current.cache_clear()
    broker.end()


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Writes a manifest and sets options: `options(text, vault_address=…)`; returns the manifest's file."""

    def given(text: str, **named: str) -> Path:
        file = tmp_path / "manifest.json"
        file.write_text(text)
        for name, value in {"manifest": str(file), **named}.items():
            monkeypatch.setenv(f"AIRFLOW__AIRLOCK__{name.upper()}", value)
        settings.current.cache_clear()
        return file

    return given


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A fake HTTP service on 127.0.0.1."""
    with faked() as made:
        yield made
