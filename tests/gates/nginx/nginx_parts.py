"""The real nginx, a stub of oauth2-proxy before it and an echo behind it; nginx is Debian's (`apt install nginx-light`)."""

import http.client
import http.server
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
SECRET = "0123456789abcdef0123456789abcdef"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class SignIn(_Handler):
    """Answers as oauth2-proxy does (its `authOnlyAuthorize`); a session is the cookie `session=<email>|<group>|<group>`."""

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        cookies = dict(one.strip().partition("=")[::2] for one in self.headers.get("Cookie", "").split(";"))
        person = unquote(cookies.get("session", ""))
        if url.path != "/oauth2/auth":
            self.answer(302 if url.path == "/oauth2/sign_in" else 404, {"Location": "https://idp.bank.example/"})
        elif not person:
            self.answer(401)
        else:
            email, *groups = person.split("|")
            allowed = {group for each in parse_qs(url.query).get("allowed_groups", []) for group in each.split(",") if group}
            if allowed and not allowed & set(groups):
                self.answer(403)
                return
            told = {"User": email, "Email": email, "Groups": ",".join(groups)}
            self.answer(202, {f"X-Auth-Request-{name}": value for name, value in told.items()})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815  # the server names them so


class Echo(_Handler):
    """Says what it was asked, and with which headers."""

    def handle_any(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        body = json.dumps({"path": self.path, "headers": headers}).encode()
        self.answer(403 if self.path.startswith("/forbidden") else 200, {"X-Echo": "1"}, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815  # the server names them so


@contextmanager
def serving(handler: type[_Handler]) -> Iterator[int]:
    """The port of a server that runs while it lasts."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def certificate(folder: Path, *hosts: str) -> None:
    """`tls.crt` and `tls.key` in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str
    cookies: Mapping[str, str] = field(default_factory=dict)
    """Those that it sets."""

    @property
    def passed(self) -> bool:
        """Whether the echo got the request."""
        return "x-echo" in self.headers

    def seen(self) -> Mapping[str, list[str]]:
        """The headers that the echo got."""
        found: Mapping[str, list[str]] = json.loads(self.body)["headers"]
        return found


@dataclass
class Running:
    """A running nginx."""

    port: int
    log: Path
    tls: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(
        self,
        path: str,
        groups: str | None = None,
        method: str = "GET",
        host: str = "airflow.bank.example",
        headers: Mapping[str, str] | None = None,
        email: str = "ann@bank.example",
    ) -> Answer:
        """Sends one request as it is; `groups` (`a|b`): signed in as somebody in these groups."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        if self.tls:
            context = ssl._create_unverified_context()  # noqa: S323  # a certificate of the test's own
            raw = context.wrap_socket(raw, server_hostname=host)
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.sock = raw
        given = {"Host": host, **({"Cookie": f"session={email}|{groups}"} if groups is not None else {})}
        for name, value in (headers or {}).items():
            given[name] = f"{given[name]}; {value}" if name == "Cookie" and name in given else value
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read().decode(errors="replace"),
                dict(
                    value.split(";")[0].partition("=")[::2]
                    for name, value in response.getheaders()
                    if name.lower() == "set-cookie"
                ),
            )
        finally:
            connection.close()

    def lines(self) -> list[dict[str, Any]]:
        """The access log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def last_line(self, request: str) -> dict[str, Any]:
        """The line of the last request of a path; it is written after the answer."""
        for _ in range(50):
            found = [one for one in self.lines() if one["uri"] == request]
            if found:
                return found[-1]
            time.sleep(0.02)
        raise AssertionError(f"nothing logged of {request}")


@contextmanager
def running(conf: str, folder: Path, port: int, tls: bool = True) -> Iterator[Running]:
    """nginx with this configuration, in a folder of its own."""
    assert NGINX is not None
    (folder / "nginx.conf").write_text(conf.replace("worker_processes auto;", "worker_processes 1;"))
    with (folder / "out.log").open("wb") as out, (folder / "err.log").open("wb") as err:
        command = [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", "stderr", "-g", "daemon off;"]
        process = subprocess.Popen(command, stdout=out, stderr=err)
        try:
            _wait(port, process, folder / "err.log")
            yield Running(port, folder / "out.log", tls)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"nginx does not listen: {log.read_text()}")
