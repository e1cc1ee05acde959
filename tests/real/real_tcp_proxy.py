"""A real Envoy as the TCP proxy, as a plain process on 127.0.0.1: an issuer's keys, a task's end of a tunnel, what lies behind.

The client here is the contract (docs/gates/tcp-proxy.md) in some lines; the provider has one of its own.
"""

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certificates import Authority, Pair
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pulumi_airlock.gates.tcp_proxy import Configuration, ProxyPlan, Settings, envoy_configuration
from real_processes import free_port, listening, server

SERVER_NAME = "proxy.airlock.test"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class SigningKey:
    """A key of an issuer: signs tokens (ES256)."""

    kid: str = "one"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def public(self) -> dict[str, str]:
        """As a JSON Web Key."""
        numbers = self.key.public_key().public_numbers()
        x, y = (_b64(one.to_bytes(32, "big")) for one in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid, "x": x, "y": y}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims."""
        head = {"alg": "ES256", "kid": self.kid, "typ": "JWT"}
        text = ".".join(_b64(json.dumps(one).encode()) for one in (head, claims))
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def key_set(*keys: SigningKey) -> str:
    """A JSON Web Key Set."""
    return json.dumps({"keys": [one.public() for one in keys]})


@dataclass(frozen=True)
class Answer:
    """The proxy's answer to a CONNECT."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass
class Tunnel:
    """An open tunnel."""

    connection: ssl.SSLSocket

    def says(self, text: str) -> str:
        """What comes back; empty when the tunnel is closed."""
        try:
            self.connection.sendall(text.encode())
            return self.connection.recv(1024).decode()
        except OSError:
            return ""

    def ends_within(self, seconds: float) -> bool:
        """Whether the other end closes it in that time."""
        self.connection.settimeout(seconds)
        try:
            return self.connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        self.connection.close()


@dataclass(frozen=True)
class RunningProxy:
    """A running proxy."""

    settings: Settings
    authority: Authority
    client: Pair
    pid: int = 0
    """Envoy's."""

    @property
    def log(self) -> Path:
        return Path(str(self.settings.log))

    def connect(
        self,
        target: str,
        token: str | None,
        *,
        client: Pair | None = None,
        anonymous: bool = False,
        headers: Mapping[str, str] | None = None,
        method: str = "CONNECT",
        host: str | None = None,
        newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> tuple[Answer, Tunnel]:
        """Asks for a tunnel. OSError where TLS fails."""
        context = ssl.create_default_context(cafile=str(self.authority.own.certificate))
        context.maximum_version = newest
        pair = client or self.client
        if not anonymous:
            context.load_cert_chain(pair.certificate, pair.key)
        raw = socket.create_connection((self.settings.address, self.settings.port), timeout=10)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = context.wrap_socket(raw, server_hostname=SERVER_NAME)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or target}"]
        lines += [f"Proxy-Authorization: Bearer {token}"] if token is not None else []
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return answer_of(connection), Tunnel(connection)

    def answer(self, target: str, token: str | None, **more: Any) -> Answer:
        """The answer alone."""
        answer, tunnel = self.connect(target, token, **more)
        tunnel.close()
        return answer

    def lets_in(self, **more: Any) -> bool:
        """Whether somebody gets so far that a token is asked for."""
        try:
            return self.answer("nowhere:1", None, **more).status == 401
        except OSError:
            return False

    def lines(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The lines of an event in its log with these fields; waits until there is one."""
        deadline = time.monotonic() + 10
        found: list[dict[str, Any]] = []
        while not found and time.monotonic() < deadline:
            every = [json.loads(one) for one in self.log.read_text().splitlines()] if self.log.exists() else []
            found = [one for one in every if one["event"] == event and fields.items() <= one.items()]
            time.sleep(0.05)
        return found

    def certificate_serial(self) -> int:
        """Of the certificate that it shows now."""
        context = ssl.create_default_context(cafile=str(self.authority.own.certificate))
        context.load_cert_chain(self.client.certificate, self.client.key)
        raw = socket.create_connection((self.settings.address, self.settings.port), timeout=10)
        with context.wrap_socket(raw, server_hostname=SERVER_NAME) as connection:
            return int(str((connection.getpeercert() or {})["serialNumber"]), 16)


def answer_of(connection: ssl.SSLSocket) -> Answer:
    """The next answer on a connection."""
    said = b""
    while b"\r\n\r\n" not in said:
        part = connection.recv(1)
        if not part:
            raise ConnectionResetError("closed without an answer")
        said += part
    first, *rest = said.decode().rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
    status = int(first.split()[1])
    body = b""
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(4096)
    return Answer(status, headers, json.loads(body) if body else {})


@contextmanager
def echo() -> Iterator[int]:
    """A destination that sends everything back: its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=_accept, args=(listener,), daemon=True)
        accepting.start()
        yield int(listener.getsockname()[1])
        # Wakes the thread that waits for the next connection.
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(timeout=10)


def _accept(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection:
        try:
            while part := connection.recv(4096):
                connection.sendall(part)
        except OSError:
            return


def put_certificate(authority: Authority, folder: Path) -> None:
    """A new certificate for the proxy, as cert-manager replaces one: each file at once."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = authority.issue("proxy", hosts=[SERVER_NAME, "127.0.0.1"])
    for name, file in (("tls.key", pair.key), ("tls.crt", pair.certificate), ("ca.crt", authority.own.certificate)):
        made = folder / f".{name}.new"
        made.write_bytes(file.read_bytes())
        made.replace(folder / name)


@contextmanager
def proxy(
    envoy: Path, folder: Path, plan: ProxyPlan, upstreams: Mapping[str, str] | None = None, **more: Any
) -> Iterator[RunningProxy]:
    """Runs Envoy with the configuration of a plan. `upstreams`: target → where it really is."""
    authority = Authority(folder / "authority")
    settings = Settings(
        folder=str(folder / "envoy"),
        certificates=str(folder / "tls"),
        keys=str(folder / "jwks"),
        address="127.0.0.1",
        port=free_port(),
        admin_port=free_port(),
        log=str(folder / "access.log"),
        upstreams=upstreams or {},
        **{"fresh": 1, **more},
    )
    put_certificate(authority, folder / "tls")
    found = envoy_configuration(plan, settings)
    with running(envoy, folder, found) as pid:
        yield RunningProxy(settings, authority, authority.issue("worker", hosts=["worker.airflow.test"]), pid)


def mount(folder: Path, files: Mapping[str, str]) -> None:
    """Files as kubelet mounts them: links into a folder that is replaced as a whole, when it changes."""
    folder.mkdir(parents=True, exist_ok=True)
    version = folder / f"..{time.monotonic_ns()}"
    version.mkdir()
    for name, text in files.items():
        (version / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    (folder / "..data_tmp").symlink_to(version.name)
    (folder / "..data_tmp").replace(folder / "..data")


@contextmanager
def running(envoy: Path, folder: Path, configuration: Configuration, mounted: bool = False) -> Iterator[int]:
    """Envoy with a configuration, until the block ends: its process. `mounted`: its files are as kubelet has them."""
    settings = configuration.settings
    bootstrap = Path(settings.folder) / "envoy.json"
    if mounted:
        mount(Path(settings.folder), configuration.files)
        mount(Path(settings.keys), configuration.keys)
    else:
        configuration.write()
    options = ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning", "--file-flush-interval-msec", "20"]
    with ExitStack() as stack:
        command: list[str | Path] = [envoy, "-c", bootstrap, *options]
        yield stack.enter_context(server(command, folder / "envoy.log", lambda: listening(settings.port), within=30)).pid
