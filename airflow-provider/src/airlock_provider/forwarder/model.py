"""What the forwarder is given: the proxy's end, the task's certificate and tokens, and until when a connection may last."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ..audit import Destination, Refusal

Ends = Callable[[datetime], tuple[datetime | None, str]]
"""When a connection that is opened at an instant ends (None: nothing ends it), and what ends it: `decide.Granted.ends`."""


class Token(Protocol):
    """A task's token for the proxy (`tokens.Token`). Instants are seconds since 1970."""

    @property
    def value(self) -> str:
        """The JWT itself; it is never printed."""

    @property
    def issuer(self) -> str:
        """Who signed it."""

    @property
    def issued(self) -> float:
        """When it begins."""

    @property
    def expires(self) -> float:
        """When it ends."""

    @property
    def uid(self) -> str:
        """Its `jti`."""


class Tokens(Protocol):
    """Has the task's token (`tokens.Holder`)."""

    def get(self) -> Token:
        """A token that holds, renewed if it is time; may take a while. Raises where none is to be had; the message goes into
        the task's log."""


@dataclass(frozen=True)
class ProxyEnd:
    """The proxy as the manifest knows it."""

    gate: str
    host: str
    port: int
    server_name: str
    """The name that its certificate must have."""
    target_name: str = ""
    """The TLS server name that stands for the target, at a proxy that takes no CONNECT; empty: it takes it."""

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Way:
    """How a destination is reached, and what is known of the gates on the way, for explanations."""

    destination: Destination
    proxy: ProxyEnd
    before: tuple[str, ...] = ()
    """Gates between the task and the proxy, in order."""
    behind: tuple[str, ...] = ()
    """Gates between the proxy and the destination."""
    deny: str = ""
    """What the proxy calls the rule that refuses whom it does not know for this target."""
    ends: Ends = lambda opened: (None, "nothing ends it")
    check: Callable[[], Refusal | None] | None = None
    """Asked before each new connection, in a thread: why it must not be opened. None: nothing is to be asked."""
    files: TlsFiles | None = None
    """The certificate for it, where it is another than the task's only one."""


class TunnelError(OSError):
    """A connection could not be had; `refusal` says why, and is what the task's log and the audit trail say."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class TlsFiles:
    """The client certificate, its key and the authority of the proxy, in files that are replaced when they are rotated.

    New connections use what the files hold now; open ones are not touched. Empty names: no client certificate, the system's
    authorities.
    """

    def __init__(self, certificate: str = "", key: str = "", ca: str = "") -> None:
        self._certificate, self._key, self._ca = certificate, key, ca
        self._lock = threading.Lock()
        self._known: tuple[object, ...] = ()
        self._contexts: dict[str, ssl.SSLContext] = {}

    def context(self, protocol: str = "") -> ssl.SSLContext:
        """TLS as a client, the server's name verified; `protocol`: what is shown in ALPN. OSError (`ssl.SSLError` among them),
        where files cannot be used."""
        with self._lock:
            found = self._version()
            if found != self._known:
                self._contexts, self._known = {}, found
            if protocol not in self._contexts:
                context = ssl.create_default_context(cafile=self._ca or None)
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                self._load(context)
                if protocol:
                    context.set_alpn_protocols([protocol])
                self._contexts[protocol] = context
            return self._contexts[protocol]

    def _version(self) -> tuple[object, ...]:
        """What is another when a part is replaced."""
        return tuple(_stamp(one) for one in (self._certificate, self._key, self._ca) if one)

    def _load(self, context: ssl.SSLContext) -> None:
        """Gives a context the certificate."""
        if self._certificate:
            context.load_cert_chain(self._certificate, self._key or None)


def _stamp(path: str) -> tuple[int, int, int]:
    """What changes when a file is replaced, or the link to it: Kubernetes swaps a link's target."""
    stat = Path(path).stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
