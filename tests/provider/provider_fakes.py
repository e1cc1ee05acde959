"""HTTP services on this machine that answer as a test says. They are fakes, and nobody's real service."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


class Fake:
    """A server on this machine that answers as a test says, and remembers what it was asked. It is nobody's real service."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        """Method, path, headers, body."""
        self.answers: dict[str, Any] = {}
        """Path → JSON, or (status, JSON), or a function of the body."""
        self.raw: dict[str, str] = {}
        """Path → text as it is."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    port = 0

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        self.asked.append((method, path, headers, body))
        found = self.answers.get(path, (404, {"error": f"the fake knows no {path}"}))
        found = found(body) if callable(found) else found
        return found if isinstance(found, tuple) else (200, found)


@contextmanager
def faked() -> Iterator[Fake]:
    """A fake service while the block lasts."""
    made = Fake()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = "form" in (self.headers.get("Content-Type") or "")
            body = {key: value[0] for key, value in parse_qs(raw).items()} if form else json.loads(raw or "null")
            status, said = made.answer(self.command, self.path, dict(self.headers), body)
            if self.path in made.raw:
                status, sent = 200, made.raw[self.path].encode()
            else:
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
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
