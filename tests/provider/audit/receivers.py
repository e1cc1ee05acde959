"""Receivers of audit events on 127.0.0.1: of HTTP, and of syslog over TLS."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any


@dataclass
class Received:
    """What came in: (path, headers, body) of requests, or messages of syslog."""

    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0
    answer: Callable[[str, bytes], tuple[int, Any]] = lambda path, body: (200, {})


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def http_receiver(context: ssl.SSLContext | None = None) -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            received.requests.append((self.path, dict(self.headers), body))
            status, said = received.answer(self.path, body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        received.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield received
        finally:
            server.shutdown()


@contextmanager
def syslog_receiver(context: ssl.SSLContext, port: int = 0) -> Iterator[Received]:
    """Reads frames as RFC 5425 has them: `MSG-LEN SP SYSLOG-MSG`."""
    received = Received()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            received.connections += 1
            while digits := self._until_space():
                received.messages.append(self.rfile.read(int(digits)))

        def _until_space(self) -> bytes:
            found = b""
            while (one := self.rfile.read(1)) not in (b"", b" "):
                found += one
            return found

    class Server(ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

        def get_request(self) -> Any:
            raw, address = super().get_request()
            return context.wrap_socket(raw, server_side=True), address

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", port), Handler) as server:
        received.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield received
        finally:
            server.shutdown()
