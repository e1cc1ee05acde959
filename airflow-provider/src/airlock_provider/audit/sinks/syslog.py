"""Syslog over TLS: RFC 5424 messages, framed and sent as RFC 5425 says (octet counting, port 6514, the receiver verified)."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime

from ..ocsf import Event
from .base import TIMEOUT, Settings, line_of, tls_context

PORT = 6514
_LOG_AUDIT = 13
"""RFC 5424, table 1: facility "log audit"."""
_SEVERITIES = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2, 6: 1}
"""OCSF's `severity_id` → RFC 5424, table 2."""


class SyslogSink:
    """Sends messages over one connection, which is made anew when it breaks."""

    batch = 100

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._host, self._port, self._context = host, port, context
        self._socket: ssl.SSLSocket | None = None

    @classmethod
    def of(cls, settings: Settings) -> SyslogSink:
        """`host`; if need be `port`, `ca`, and `certificate` with `key`, files of a client certificate."""
        files = [settings.file(name) for name in ("ca", "certificate", "key")]
        try:
            context = tls_context(*files)
        except (OSError, ValueError) as error:
            settings.problem(f"ca, certificate or key cannot be used: {error}")
            context = None
        return cls(settings.text("host"), settings.number("port", PORT, 65535), context)

    def write(self, events: Sequence[Event]) -> None:
        """Sends them. Syslog has no answers: what was sent when the other side broke off is lost, and nobody is told."""
        connection = self._connected()
        connection.sendall(b"".join(_frame(event) for event in events))

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> ssl.SSLSocket:
        if self._socket is not None and _is_closed(self._socket):
            self.close()
        if self._socket is None:
            raw = socket.create_connection((self._host, self._port), timeout=TIMEOUT)
            try:
                context = self._context or tls_context()
                self._socket = context.wrap_socket(raw, server_hostname=self._host)
            except BaseException:
                raw.close()
                raise
        return self._socket


def _is_closed(connection: ssl.SSLSocket) -> bool:
    """Whether the other side has closed: a receiver says nothing else."""
    connection.settimeout(0)
    try:
        return not connection.recv(1)
    except (ssl.SSLWantReadError, BlockingIOError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(TIMEOUT)


def _frame(event: Event) -> bytes:
    severity = _SEVERITIES.get(event.get("severity_id") or event.get("event", {}).get("severity") or 1, 6)
    at = event.get("time")
    instant = datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) else datetime.now(UTC)
    stamp = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    host = "".join(one for one in socket.gethostname() if "!" <= one <= "~")[:255] or "-"
    head = f"<{_LOG_AUDIT * 8 + severity}>1 {stamp} {host} airlock {os.getpid()} audit - "
    message = head.encode() + line_of(event).encode("utf-8", "backslashreplace")
    return f"{len(message)} ".encode() + message
