"""A real HAProxy as the TCP proxy, run by the program that containers run: on 127.0.0.1, with a client in some lines."""

import json
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certificates import Authority, Pair
from pulumi_airlock.gates.tcp_proxy import Configuration, ProxyPlan, Settings, haproxy_configuration
from pulumi_airlock.gates.tcp_proxy.haproxy import running
from real_processes import free_port, listening, server
from real_tcp_proxy import SERVER_NAME, Answer, Tunnel, answer_of

HOST = SERVER_NAME
EVERY = "0.2"
"""Seconds between its looks at the files."""


@dataclass(frozen=True)
class RunningHaproxy:
    """A running proxy."""

    settings: Settings
    plan: ProxyPlan
    authority: Authority
    log: Path

    def name_of(self, target: str) -> str:
        """The server name that stands for a target; a name that there is none for stays what it is."""
        label = self.plan.labels().get(target)
        return f"{label}.{HOST}" if label else target

    def open(self, client: Pair | None, target: str, protocol: str = "") -> Tunnel:
        """TLS with a target's server name. OSError where it fails."""
        context = ssl.create_default_context(cafile=str(self.authority.own.certificate))
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        if protocol:
            context.set_alpn_protocols([protocol])
        raw = socket.create_connection((self.settings.address, self.settings.port), timeout=10)
        return Tunnel(context.wrap_socket(raw, server_hostname=self.name_of(target)))

    def asks(self, client: Pair | None, target: str, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        """What it answers to whoever asks for a target by HTTP."""
        tunnel = self.open(client, target, "http/1.1")
        lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {text}" for name, text in (headers or {}).items())]
        tunnel.connection.sendall("\r\n".join([*lines, "", ""]).encode())
        try:
            return answer_of(tunnel.connection)
        finally:
            tunnel.close()

    def carries(self, client: Pair | None, target: str) -> bool:
        """Whether what is said there comes back."""
        try:
            tunnel = self.open(client, target)
        except OSError:
            return False
        try:
            return tunnel.says("hello") == "hello"
        finally:
            tunnel.close()

    def lines(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The lines of an event in its log with these fields; waits until there is one."""
        deadline = time.monotonic() + 10
        found: list[dict[str, Any]] = []
        while not found and time.monotonic() < deadline:
            every = [json.loads(one) for one in self.log.read_text().splitlines() if one.startswith("{")]
            found = [one for one in every if one["event"] == event and fields.items() <= one.items()]
            time.sleep(0.05)
        return found

    def certificate_serial(self, client: Pair) -> int:
        """Of the certificate that it shows now."""
        tunnel = self.open(client, HOST, "http/1.1")
        try:
            return int(str((tunnel.connection.getpeercert() or {})["serialNumber"]), 16)
        finally:
            tunnel.close()


def put_certificate(authority: Authority, folder: Path, trusted: Authority | None = None) -> None:
    """A new certificate for the proxy, and whom it trusts, as cert-manager replaces them: each file at once."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = authority.issue("proxy", hosts=[HOST, f"*.{HOST}", "127.0.0.1"])
    files = (("tls.key", pair.key), ("tls.crt", pair.certificate), ("ca.crt", (trusted or authority).own.certificate))
    for name, file in files:
        made = folder / f".{name}.new"
        made.write_bytes(file.read_bytes())
        made.replace(folder / name)


def place(folder: Path, upstreams: Mapping[str, str] | None = None, **more: Any) -> Settings:
    """Where its files are, and a free port."""
    return Settings(
        folder=str(folder / "haproxy"),
        certificates=str(folder / "tls"),
        address="127.0.0.1",
        port=free_port(),
        upstreams=upstreams or {},
        **{"connections": 200, **more},
    )


@contextmanager
def proxy(folder: Path, plan: ProxyPlan, upstreams: Mapping[str, str] | None = None, **more: Any) -> Iterator[RunningHaproxy]:
    """Runs HAProxy with the configuration of a plan. `upstreams`: target → where it really is."""
    authority = Authority(folder / "authority")
    settings = place(folder, upstreams, **more)
    put_certificate(authority, folder / "tls")
    with started(folder, haproxy_configuration(plan, settings, HOST), plan.gate) as log:
        yield RunningHaproxy(settings, plan, authority, log)


@contextmanager
def started(folder: Path, configuration: Configuration, gate: str = "tcp-proxy") -> Iterator[Path]:
    """HAProxy with a configuration, until the block ends: its log."""
    settings, log = configuration.settings, folder / "haproxy.log"
    configuration.write()
    environment = {**os.environ, **running.environment(gate, settings, EVERY)}
    environment["PATH"] += ":/usr/sbin"
    with server(running.command(), log, lambda: listening(settings.port), environment, within=30):
        yield log
