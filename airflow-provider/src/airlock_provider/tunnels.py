"""The ways to a destination: by the proxy through the task's forwarder, or straight where no proxy stands before its zone."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Callable

from . import audit
from .audit import Refusal
from .decide import Granted
from .forwarder import HTTP, Forwarder, ProxyEnd, TlsFiles, Way
from .manifest import Destination, Manifest, Proxy
from .manifest import Settings as ConnectionSettings

TIMEOUT = 10.0
"""Seconds for a connection that is only tried, and for the proxy to say which manifest it goes by."""
_TARGET = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^*/:\[\]]+):(?P<port>[0-9]+)(-[0-9]+)?")
Target = tuple[str, int]
"""Host and port."""


def target_of(destination: Destination, said: ConnectionSettings | None = None) -> Target:
    """Where a connection leads: as the manifest's settings say, else the first single target. ValueError: nowhere."""
    host, port = (said.host, said.port) if said else (None, None)
    single = next((found for one in destination.targets if (found := _TARGET.fullmatch(one))), None)
    if host is None and single is not None:
        host = single["host"].strip("[]")
    if host is None:
        raise ValueError(
            f"{destination.name} has no single address: give its connection a host ({', '.join(destination.targets)})"
        )
    first = re.search(r":([0-9]+)(-[0-9]+)?$", destination.targets[0])
    return host, port or int(single["port"] if single else first[1] if first else 0)


def told(granted: Granted, target: Target = ("", 0)) -> audit.Destination:
    """The destination as events name it."""
    destination, (host, port) = granted.destination, target
    shown = f"[{host}]" if ":" in host else host  # as targets and requests to the proxy write it
    return audit.Destination(destination.name, shown, port, destination.zone, granted.route.name)


def way(
    granted: Granted,
    proxy: Proxy,
    manifest: Manifest,
    target: Target,
    check: Callable[[], Refusal | None] = lambda: None,
    files: TlsFiles | None = None,
) -> Way:
    """The way through a proxy, with what the manifest knows of the gates on it."""
    gates, there = manifest.zones.get(granted.destination.zone, ()), told(granted, target)
    at = gates.index(proxy.gate) if proxy.gate in gates else 0
    rule = proxy.rules.get(there.target)
    host, port = proxy.endpoint
    return Way(
        destination=there,
        proxy=ProxyEnd(proxy.gate, host, port, proxy.server_name, rule.server_name if rule else ""),
        before=gates[:at],
        behind=gates[at + 1 :],
        deny=rule.deny if rule else "",
        ends=granted.ends,
        check=check,
        files=files,
    )


def reach(forwarder: Forwarder, granted: Granted, manifest: Manifest, target: Target, files: TlsFiles | None = None) -> None:
    """Connects to a target the way a task would, and closes again. OSError with what stood in the way."""
    if granted.proxy is not None:
        forwarder.reach(way(granted, granted.proxy, manifest, target, files=files))
    else:
        socket.create_connection(target, TIMEOUT).close()


def policy(proxy: Proxy, environment: str, files: TlsFiles) -> str:
    """The digest of an environment's manifest that a proxy goes by. OSError where it does not say.

    It answers `GET /airlock/manifest` with JSON, environment → SHA-256, to whoever has a certificate that it trusts.
    """
    host, port = proxy.endpoint
    with (
        socket.create_connection((host, port), TIMEOUT) as raw,
        files.context(HTTP).wrap_socket(raw, server_hostname=proxy.server_name) as secured,
    ):
        # As HTTPConnection would: without it the question waits until the proxy's kernel has acknowledged the handshake.
        secured.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = http.client.HTTPConnection(host, port)
        asked.sock = secured
        try:
            asked.request("GET", "/airlock/manifest", headers={"Host": proxy.server_name, "Connection": "close"})
            answer = asked.getresponse()
            said = json.loads(answer.read(100_000)) if answer.status == 200 else {}
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"{proxy.gate} does not say which manifest it goes by: {error}") from None
    digest = said.get(environment) if isinstance(said, dict) else None
    if not isinstance(digest, str):
        raise OSError(f"{proxy.gate} does not say which manifest of {environment} it goes by (status {answer.status})")
    return digest
