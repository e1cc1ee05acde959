"""A real Envoy that decides as a mesh's sidecar does: mutual TLS, then RBAC filters, then an answer that says "allowed".

It listens on an address of the loopback range that nobody else has, so that a port is the one that the rules name: a rule on
port 8080 is asked at port 8080, whatever else runs on the machine.
"""

import http.client
import json
import random
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certificates import Authority, Pair
from real_processes import free_port, listening, server

ALLOWED = "allowed"
"""What is answered to whatever the filters let through; Envoy itself says `RBAC: access denied` of an HTTP request."""
_TYPES = "type.googleapis.com/envoy"


@dataclass(frozen=True)
class Answer:
    """Of a request: status 0 where the connection was closed without an answer."""

    status: int
    body: str

    @property
    def allowed(self) -> bool:
        """Whether the request passed all filters."""
        return self.body == ALLOWED


@dataclass(frozen=True)
class Envoy:
    """A running Envoy: where it listens, and its log."""

    address: str
    log: Path

    def ask(
        self,
        port: int,
        client: Pair | None,
        method: str = "GET",
        path: str = "/",
        host: str = "service.test",
        headers: Mapping[str, str] | None = None,
        sni: str | None = None,
    ) -> Answer:
        """One HTTP request on a connection of its own, by whoever the certificate names; None: without TLS.

        The path goes out as it is written. `sni` is the host where nothing is said.
        """
        connection = http.client.HTTPConnection(self.address, port, timeout=10)
        try:
            connection.sock = self._connected(port, client, sni or host)
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": host, **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(errors="replace"))
        except (OSError, http.client.HTTPException):
            return Answer(0, "")
        finally:
            connection.close()

    def connect(self, port: int, client: Pair | None, sni: str = "service.test") -> Answer:
        """A connection to a listener of TCP: whether what it is sent comes back before the other end closes it."""
        try:
            with self._connected(port, client, sni) as connection:
                connection.sendall(ALLOWED.encode())
                said = b""
                while len(said) < len(ALLOWED) and (part := connection.recv(1024)):
                    said += part
                return Answer(200 if said else 0, said.decode(errors="replace"))
        except OSError:
            return Answer(0, "")

    def _connected(self, port: int, client: Pair | None, sni: str) -> socket.socket:
        raw = socket.create_connection((self.address, port), timeout=10)
        if client is None:
            return raw
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Whose certificate the server has is not what these tests ask.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(client.certificate, client.key)
        return context.wrap_socket(raw, server_hostname=sni)


def http_listener(address: str, port: int, rbac: Sequence[Mapping[str, Any]], authority: Authority | None) -> dict[str, Any]:
    """A listener of HTTP with these RBAC filters in order, each the `rules` of `envoy.config.rbac.v3.RBAC`.

    `authority`: who signed the clients' certificates, which they then must show; None: plaintext.
    """
    answer = {"status": 200, "body": {"inline_string": ALLOWED}}
    routes = [{"match": {"prefix": "/"}, "direct_response": answer}]
    manager = {
        "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        # As Istio sets them for sidecars: rules see normalized paths (its pathNormalization, BASE).
        "normalize_path": True,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            *(
                {
                    "name": f"rbac-{position}",
                    "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.rbac.v3.RBAC", "rules": one},
                }
                for position, one in enumerate(rbac)
            ),
            {"name": "router", "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"}},
        ],
    }
    return _listener(address, port, [{"name": "http", "typed_config": manager}], authority)


def tcp_listener(address: str, port: int, rbac: Sequence[Mapping[str, Any]], authority: Authority | None) -> dict[str, Any]:
    """The same for connections that are not HTTP: what a mesh does for a port of TCP."""
    filters = [
        {
            "name": f"rbac-{position}",
            "typed_config": {
                "@type": f"{_TYPES}.extensions.filters.network.rbac.v3.RBAC",
                "rules": one,
                "stat_prefix": "test",
            },
        }
        for position, one in enumerate(rbac)
    ]
    # The filter decides at the first byte, so that what answers must wait for one: an echo does.
    echo = {"@type": f"{_TYPES}.extensions.filters.network.echo.v3.Echo"}
    return _listener(address, port, [*filters, {"name": "echo", "typed_config": echo}], authority)


def _listener(address: str, port: int, filters: list[dict[str, Any]], authority: Authority | None) -> dict[str, Any]:
    chain: dict[str, Any] = {"filters": filters}
    if authority is not None:
        own = authority.issue(f"server-{port}", uris=["spiffe://cluster.local/ns/test/sa/server"])
        files = {"certificate_chain": {"filename": str(own.certificate)}, "private_key": {"filename": str(own.key)}}
        trusted = {"trusted_ca": {"filename": str(authority.own.certificate)}}
        tls = {
            "@type": f"{_TYPES}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": True,
            "common_tls_context": {"tls_certificates": [files], "validation_context": trusted},
        }
        chain["transport_socket"] = {"name": "tls", "typed_config": tls}
    # Without the inspector a rule on the server's name never matches.
    inspector = {"@type": f"{_TYPES}.extensions.filters.listener.tls_inspector.v3.TlsInspector"}
    return {
        "name": f"port-{port}",
        "address": {"socket_address": {"address": address, "port_value": port}},
        "listener_filters": [{"name": "tls_inspector", "typed_config": inspector}],
        "filter_chains": [chain],
    }


def free_address(ports: Sequence[int]) -> str:
    """An address of the loopback range at which these ports are free (Linux takes the whole of 127.0.0.0/8)."""
    for _ in range(50):
        address = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"  # noqa: S311
        try:
            for port in ports:
                with socket.socket() as one:
                    one.bind((address, port))
        except OSError:
            continue
        return address
    raise OSError(f"no loopback address with these ports free: {list(ports)}")


@contextmanager
def running(envoy: Path, folder: Path, bootstrap: Mapping[str, Any]) -> Iterator[Path]:
    """Envoy with this bootstrap (an `admin` of its own is added): its log. Ready when all its listeners are."""
    folder.mkdir(parents=True, exist_ok=True)
    admin = free_port()
    whole = {**bootstrap, "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}}
    (folder / "envoy.json").write_text(json.dumps(whole, indent=2))
    options = ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"]
    command: list[str | Path] = [envoy, "-c", folder / "envoy.json", *options]
    with server(command, folder / "envoy.log", lambda: listening(admin) and _live(admin), within=30):
        yield folder / "envoy.log"


def _live(admin: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def deciding(
    envoy: Path,
    folder: Path,
    http: Mapping[int, Sequence[Mapping[str, Any]]],
    tcp: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    authority: Authority | None = None,
) -> Iterator[Envoy]:
    """An Envoy that decides by RBAC rules: port → the rules of its filters, in order (for ports of HTTP, and of TCP)."""
    tcp = tcp or {}
    address = free_address([*http, *tcp])
    listeners = [
        *(http_listener(address, port, rules, authority) for port, rules in http.items()),
        *(tcp_listener(address, port, rules, authority) for port, rules in tcp.items()),
    ]
    with running(envoy, folder, {"static_resources": {"listeners": listeners}}) as log:
        yield Envoy(address, log)
