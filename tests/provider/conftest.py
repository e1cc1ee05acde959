"""What tests of the provider share: a manifest as Pulumi's side writes it, options in the environment, and HTTP fakes."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from airlock_provider import broker, settings

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test starts with no options read and nothing lent."""
    settings.current.cache_clear()
    broker.end()
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


class Fake:
    """A server on this machine that answers as a test says, and remembers what it was asked. It is nobody's real service."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        """Method, path, headers, body."""
        self.answers: dict[str, Any] = {}
        """Path → JSON, or (status, JSON), or a function of the body."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    port = 0

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        self.asked.append((method, path, headers, body))
        found = self.answers.get(path, (404, {"error": f"the fake knows no {path}"}))
        found = found(body) if callable(found) else found
        return found if isinstance(found, tuple) else (200, found)


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A fake HTTP service on 127.0.0.1."""
    made = Fake()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = "form" in (self.headers.get("Content-Type") or "")
            body = {key: value[0] for key, value in parse_qs(raw).items()} if form else json.loads(raw or "null")
            status, said = made.answer(self.command, self.path, dict(self.headers), body)
            sent = json.dumps(said).encode() if said is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()
