"""Stand-ins of GitHub's and GitLab's APIs for comments, on 127.0.0.1: their paths, pages, authors and refusals."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class FakeForge:
    """The comments of one pull request, as the API keeps them."""

    kind: str
    """`github` or `gitlab`."""
    token: str = "let-me"
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def add(self, body: str, *, ours: bool = False) -> None:
        """A comment of the bot, or of somebody else."""
        author = {"user": {"login": "github-actions[bot]" if ours else "somebody"}, "author": {"id": 7 if ours else 8}}
        self.comments.append({"id": 100 + len(self.comments), "body": body, "system": False, **author})

    @property
    def bodies(self) -> list[str]:
        return [one["body"] for one in self.comments]

    def answer(self, method: str, path: str, page: int, size: int, body: Any) -> tuple[int, Any]:
        base, one = ("/repos/bank/platform/issues/12/comments", "/repos/bank/platform/issues/comments/")
        change = "PATCH"
        if self.kind == "gitlab":
            base, change = "/projects/4/merge_requests/12/notes", "PUT"
            one = f"{base}/"
        if (method, path) == ("GET", "/user") and self.kind == "gitlab":
            return 200, {"id": 7}
        if (method, path) == ("GET", base):
            return 200, self.comments[(page - 1) * size : page * size]
        if (method, path) == ("POST", base):
            self.add(body["body"], ours=True)
            return 201, self.comments[-1]
        if method == change and path.startswith(one):
            found = next(comment for comment in self.comments if comment["id"] == int(path.removeprefix(one)))
            found["body"] = body["body"]
            return 200, found
        return 404, {"message": "Not Found"}


@contextmanager
def running(kind: str) -> Iterator[FakeForge]:
    """A forge that listens on a port of its own; it stops at the end."""
    forge = FakeForge(kind)

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            split = urlsplit(self.path)
            query = {key: int(found[0]) for key, found in parse_qs(split.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            forge.asked.append((self.command, split.path))
            given = self.headers.get("Authorization") or f"Bearer {self.headers.get('PRIVATE-TOKEN')}"
            if given != f"Bearer {forge.token}":
                status, answer = 401, {"message": "Bad credentials"}
            else:
                # Both give 20 or 30 at once unless they are asked for more, and never more than 100.
                size = min(query.get("per_page", 20), 100)
                status, answer = forge.answer(self.command, split.path, query.get("page", 1), size, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815  # http.server's names

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
