"""Servers on 127.0.0.1 that imitate what the rotation function talks to: a FortiGate, Zscaler's OneAPI, a token endpoint.

They imitate the calls as the vendors' public clients make them. They are no device and no tenant.
"""

import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
"""The steps of a rotation, in order."""
CANARY = "canary-4f1d"
"""In every credential: whatever is logged or raised must not have it."""


@dataclass
class Vendor:
    """What an imitation knows, and how it may be made to fail."""

    url: str = ""
    valid: dict[str, str] = field(default_factory=dict)
    """Credential → whose it is: those that are taken now."""
    calls: list[str] = field(default_factory=list)
    refuse_new: bool = False
    """Issues credentials that it then refuses."""
    broken: bool = False
    """Answers 500 to everything."""
    raw: str | None = None
    """Answers this, whatever is asked."""
    made: int = 0

    def mint(self, owner: str) -> str:
        self.made += 1
        made = f"{CANARY}-{owner}-{self.made}"
        if not self.refuse_new:
            self.valid[made] = owner
        return made

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        raise NotImplementedError

    def bearer(self, headers: Any) -> str:
        return str(headers.get("Authorization", "")).removeprefix("Bearer ")


class Fortigate(Vendor):
    """Two API users. A user's new key ends its old one at once."""

    users = ("airlock-a", "airlock-b")

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        if self.bearer(headers) not in self.valid:
            return 401, {"status": "error"}
        if (method, path) == ("POST", "/api/v2/monitor/system/api-user/generate-key"):
            user = json.loads(body)["api-user"]
            if user not in self.users:
                return 424, {"status": "error"}
            for key in [key for key, owner in self.valid.items() if owner == user]:
                del self.valid[key]
            return 200, {"http_method": "POST", "results": {"access_token": self.mint(user)}, "status": "success"}
        if method == "GET" and path.startswith("/api/v2/cmdb/system/api-user/"):
            return 200, {"results": [{"name": path.rsplit("/", 1)[1]}]}
        return 404, {"status": "error"}


class Zscaler(Vendor):
    """One API client with several secrets; access tokens do not end with the secret that they were had with."""

    client, api_client = "client-1", "iq3bd7e90066i"

    def __init__(self) -> None:
        super().__init__()
        self.ids: dict[str, str] = {}
        """Secret's id → its value."""
        self.tokens: set[str] = set()

    def add(self) -> tuple[str, str]:
        value = self.mint(self.client)
        identifier = f"g{self.made:08d}"
        self.ids[identifier] = value
        return identifier, value

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        secrets = f"/ziam/admin/api/v1/api-clients/{self.api_client}/secrets"
        if (method, path) == ("POST", "/oauth2/v1/token"):
            form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
            if form["client_id"] != self.client or form["client_secret"] not in self.valid:
                return 401, {"error": "invalid_client"}
            self.tokens.add(token := f"{CANARY}-access-{len(self.tokens)}")
            return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        if self.bearer(headers) not in self.tokens:
            return 401, {}
        if (method, path) == ("GET", secrets):
            return 200, [{"id": identifier, "value": "****"} for identifier in self.ids]
        if (method, path) == ("POST", secrets):
            identifier, value = self.add()
            return 200, {"id": identifier, "value": value}
        identifier = path.removeprefix(secrets + "/")
        if method == "DELETE" and identifier in self.ids:
            self.valid.pop(self.ids.pop(identifier), None)
            return 204, None
        return 404, {}


class TokenEndpoint(Vendor):
    """Issues a token to whoever has one, and revokes one when told."""

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        if self.bearer(headers) not in self.valid:
            return 403, {}
        if (method, path) == ("POST", "/issue"):
            return 201, {"token": self.mint("api")}
        if (method, path) == ("POST", "/revoke"):
            self.valid.pop(json.loads(body)["token"], None)
            return 204, None
        return (200, {}) if (method, path) == ("GET", "/me") else (404, {})


def authority(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, which is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imitation")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "ca.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


@contextmanager
def serving(vendor: Vendor, certificate: Path, key: Path) -> Iterator[None]:
    """Serves it over TLS on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            path = urlsplit(self.path).path
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            vendor.calls.append(f"{self.command} {path}")
            status, document = (500, {}) if vendor.broken else vendor.answer(self.command, path, self.headers, body)
            content = b"" if document is None else json.dumps(document).encode()
            content = content if vendor.raw is None else vendor.raw.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815  # http.server names its methods so

        def log_message(self, *_: Any) -> None: ...

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    vendor.url = f"https://127.0.0.1:{server.server_address[1]}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
