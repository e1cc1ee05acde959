"""What the local stack's small HTTP servers share: JSON in and out, on 127.0.0.1 alone, a line of log for each request."""

import json
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

_MOST = 64 * 1024


class Refused(Exception):  # noqa: N818  # an answer, no error of ours
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


Answer = Callable[[str, Mapping[str, Any], Mapping[str, str]], Any]
"""Path, what was sent (a form or JSON), headers in small letters → what to answer. Refused: another status."""


def serve(port: int, name: str, get: Answer, post: Answer) -> None:
    """Serves until it is stopped."""

    class Handler(BaseHTTPRequestHandler):
        server_version = name
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(get, {})

        def do_POST(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            if size > _MOST:
                self.close_connection = True
                self._send(413, {"error": "too large"})
                return
            self._answer(post, _read(self.rfile.read(size), self.headers.get("content-type") or ""))

        do_PUT = do_POST  # noqa: N815  # Vault's clients use either

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            print(f"{name}: {format % args}", file=sys.stderr, flush=True)

        def _answer(self, answer: Answer, sent: Mapping[str, Any]) -> None:
            try:
                headers = {key.lower(): value for key, value in self.headers.items()}
                status, found = 200, answer(self.path.split("?")[0], sent, headers)
            except Refused as refused:
                status, found = refused.status, {"error": str(refused), "errors": [str(refused)]}
                self.log_message("%s", f"refused {self.path}: {refused}")
            self._send(status, found)

        def _send(self, status: int, found: Any) -> None:
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        server.serve_forever()


def _read(body: bytes, kind: str) -> Mapping[str, Any]:
    try:
        if "json" in kind:
            found = json.loads(body)
            return found if isinstance(found, dict) else {}
        return {key: values[-1] for key, values in parse_qs(body.decode()).items()}
    except ValueError:
        return {}
