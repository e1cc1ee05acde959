"""What tests of the forwarder share: destinations, tokens, events, and a forwarder in front of a real Envoy."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airlock_provider import audit
from airlock_provider.forwarder import Forwarder, ProxyEnd, TlsFiles, Way
from certificates import Authority, Pair
from connect_envoy import ISSUER, Issuer, Proxy, entries

RUN = audit.TaskRun(
    "finance", "ledger_close", "load", "scheduled__2026-11-24", correlation="019aaaaa-bbbb-7ccc-8ddd-eeeeffff0000"
)
TARGET = "warehouse.test:5432"
DESTINATION = audit.Destination("warehouse", "warehouse.test", 5432, zone="datacenter", route="finance-warehouse")


@dataclass(frozen=True)
class Token:
    value: str
    expires: float
    issued: float = 0.0
    issuer: str = ISSUER
    uid: str = "token-1"


@dataclass
class Tokens:
    """Mints a token each time, or fails; counts."""

    issuer: Issuer
    dag_id: str = "ledger_close"
    lasts: float = 600
    since: float = 0
    down: bool = False
    asked: int = 0
    claims: dict[str, Any] = field(default_factory=dict)

    def get(self) -> Token:
        self.asked += 1
        if self.down:
            raise OSError("the issuer is away")
        now = time.time() + self.since
        value = self.issuer.token(self.dag_id, lasts=self.lasts, since=self.since, **self.claims)
        return Token(value, now + self.lasts, now)


@contextmanager
def destination(serve: Callable[[socket.socket], None], address: str = "127.0.0.1", port: int = 0) -> Iterator[tuple[str, int]]:
    """A TCP server, each connection in a thread of its own."""
    with socket.create_server((address, port), backlog=512) as server:

        def take() -> None:
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_served, args=(serve, one), daemon=True).start()

        threading.Thread(target=take, daemon=True).start()
        try:
            yield server.getsockname()
        finally:
            server.shutdown(socket.SHUT_RDWR)


def _served(serve: Callable[[socket.socket], None], one: socket.socket) -> None:
    with one, suppress(OSError):
        serve(one)


def echo(one: socket.socket) -> None:
    while data := one.recv(65536):
        one.sendall(data)


def way(proxy: str, **given: Any) -> Way:
    host, _, port = proxy.rpartition(":")
    end = ProxyEnd("tcp_proxy", host, int(port), "proxy.test")
    return Way(DESTINATION, end, **{"before": ("aws_network", "fortigate"), "deny": "deny-warehouse-5432", **given})


@dataclass
class Trail:
    """The audit events of a test, as a file has them."""

    path: Path

    def events(self) -> list[audit.Event]:
        audit.flush(10)
        return entries(self.path)

    def activities(self) -> list[str]:
        return [event["activity_name"] for event in self.events()]

    def wait_for(self, activity: str, count: int = 1) -> audit.Event:
        """The last of so many events of an activity."""
        wait_until(lambda: self.activities().count(activity) >= count)
        return [one for one in self.events() if one["activity_name"] == activity][-1]


def wait_until(done: Callable[[], bool], within: float = 30.0) -> None:
    """Until it is so. AssertionError where it never is."""
    end = time.monotonic() + within
    while not done():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def talk(end: tuple[str, int], said: bytes = b"hello") -> bytes:
    """What comes back of what is said. Empty: the connection was cut."""
    try:
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(said)
            return received(one, len(said))
    except ConnectionResetError:
        return b""


def received(one: socket.socket, count: int) -> bytes:
    """So many bytes, or what comes before the end."""
    found = bytearray()
    while len(found) < count and (data := one.recv(min(1 << 20, count - len(found)))):
        found += data
    return bytes(found)


@dataclass
class Parts:
    """All parts of one test."""

    forwarder: Forwarder
    tokens: Tokens
    proxy: Proxy
    trail: Trail
    client: Pair
    authority: Authority

    def open(self, **given: Any) -> tuple[str, int]:
        return self.forwarder.open(way(self.proxy.address, **given))


def files(client: Pair, authority: Authority) -> TlsFiles:
    return TlsFiles(str(client.certificate), str(client.key), str(authority.own.certificate))


def texts(records: Sequence[Any]) -> str:
    return "\n".join(record.getMessage() for record in records if record.name == "airflow.task.airlock")


Start = Callable[..., AbstractContextManager[Parts]]


def refused(parts: Parts, caplog: pytest.LogCaptureFixture, activity: str = "Refuse", **given: Any) -> tuple[audit.Event, str]:
    """The event and the log's words of a connection that is not opened."""
    assert talk(parts.open(**given)) == b""
    return parts.trail.wait_for(activity), texts(caplog.records)
