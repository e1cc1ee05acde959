"""One connection of the task, from the moment it comes in until both ends are closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .. import audit
from . import explain
from .connect import Failed, Tunnel, in_thread, open_named, open_tunnel
from .local import owner
from .model import TlsFiles, Token, TunnelError, Way
from .streams import Buffers, Stream

if TYPE_CHECKING:
    from .forwarder import Home

_LOOK_AGAIN = 1.0
"""Seconds between looks whether a client that has said all it will has gone."""
_TICK = 20.0
"""Seconds after which a deadline is held against the wall clock again: a machine that slept has lost time on the other one."""


@dataclass(eq=False)
class Session:
    """A connection of the task, and its tunnel once there is one."""

    home: Home
    way: Way
    local: Stream
    facts: audit.Session = field(init=False)
    upstream: Stream | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    _deadline: asyncio.TimerHandle | None = None
    _bound: str = ""
    _over: bool = False

    def __post_init__(self) -> None:
        self.facts = audit.Session(self.way.destination, time.time(), self.way.proxy.gate, self.way.proxy.address)

    async def run(self) -> None:
        """Opens the tunnel and joins both ends; a refusal is told, and the client gets a reset."""
        self.home.sessions.add(self)
        try:
            if not self._is_ours():
                return
            tunnel = await self.opened()
        except TunnelError as error:
            if not self._over:
                self.close("refused", at_once=True)
                self.home.refused(self.way, error.refusal, self.facts)
            return
        if self._over:
            tunnel.stream.abort()
            return
        self._join(tunnel)

    async def opened(self) -> Tunnel:
        """A tunnel to the destination, told as an event. TunnelError with why there is none."""
        home, way = self.home, self.way
        until, self._bound = way.ends(datetime.now(UTC))
        deadline = until.timestamp() if until is not None else None
        if deadline is not None and deadline <= time.time():
            raise TunnelError(explain.over(self._bound, home.run, way))
        if way.check is not None and (refusal := await in_thread(way.check)):
            raise TunnelError(refusal)
        self.facts = replace(self.facts, deadline=deadline)
        try:
            tunnel = await self._tunnel(way.files or home.tls)
        except TunnelError:
            raise
        except Failed as failed:
            raise TunnelError(explain.refusal_of(failed, home.run, way)) from None
        except OSError as error:
            raise TunnelError(explain.no_certificate(error, home.run, way)) from None
        source_ip, source_port = tunnel.local
        self.facts = replace(self.facts, opened=time.time(), source_ip=source_ip, source_port=source_port)
        return tunnel

    def close(self, reason: str, *, at_once: bool = False) -> None:
        """Ends the session; what both ends were sent still reaches them, unless `at_once`."""
        if self._over:
            return
        self._over = True
        if self._deadline is not None:
            self._deadline.cancel()
        for end in (self.local, self.upstream):
            if end is not None:
                end.abort() if at_once or self.upstream is None else end.close()
        self.home.gone(self)
        if self.upstream is not None:
            self.home.closed(self, reason)

    # --- before there is a tunnel

    def _is_ours(self) -> bool:
        """Whether the client is of the task's own user. TunnelError where it is another's; False where it has gone already."""
        here, there = self.local.address("sockname"), self.local.address("peername")
        try:
            found = owner(there, here)
        except OSError as error:
            self.home.cannot_tell(error)
            return True
        if found is None or not found.is_open:
            self.close("client", at_once=True)
            return False
        if found.uid != self.home.uid:
            raise TunnelError(explain.stranger(found.uid, self.home.run, self.way))
        return True

    async def _tunnel(self, files: TlsFiles) -> Tunnel:
        """A tunnel as the proxy gives one: by CONNECT with the task's token, or by the target's server name."""
        home, way = self.home, self.way
        ids = {"correlation": home.run.correlation, "session": self.facts.uid}
        if way.proxy.target_name:
            return await open_named(way.proxy, files, home.buffers, ids)
        token = await self._token()
        self.facts = replace(self.facts, token_uid=token.uid, issuer=token.issuer)
        return await open_tunnel(way.proxy, files.context(), home.buffers, way.destination.target, token.value, ids)

    async def _token(self) -> Token:
        try:
            return await self.home.token()
        except Exception as error:  # whatever a source of tokens raises
            raise TunnelError(explain.no_token(error, self.home.run, self.way, self.home.source)) from None

    # --- while both ends are open

    def _join(self, tunnel: Tunnel) -> None:
        self.upstream = tunnel.stream
        self.home.opened(self)
        self.local.join(tunnel.stream)
        tunnel.stream.join(self.local)
        self.local.on_data, self.local.on_end = self._outward, self._local_ended
        tunnel.stream.on_data, tunnel.stream.on_end = self._inward, self._upstream_ended
        if tunnel.early:
            self._inward(memoryview(tunnel.early))
        self._watch()
        if tunnel.stream.ended:
            self._upstream_ended(tunnel.stream.error)
        elif self.local.ended:
            self._local_ended(self.local.error)
        self.local.go_on()

    def _outward(self, data: memoryview) -> None:
        self.bytes_out += len(data)
        if self.upstream is not None:
            self.upstream.write(data)

    def _inward(self, data: memoryview) -> None:
        self.bytes_in += len(data)
        self.local.write(data)

    def _local_ended(self, error: Exception | None) -> None:
        if error is not None:
            self.close("client-lost")
        else:
            self._half_closed()

    def _half_closed(self) -> None:
        """The client says no more. Has it gone, or does it wait for an answer?

        Both look the same on the wire; whether a process still has the other end, Linux tells. The proxy cannot pass on a half
        close (Envoy ends both directions of a CONNECT over HTTP/1.1), so that one who waits is left what comes in.
        """
        if self._over:
            return
        found = None
        with suppress(OSError):
            found = owner(self.local.address("peername"), self.local.address("sockname"))
        if found is None or not found.is_open:
            self.close("client")
            return
        asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._half_closed)

    def _upstream_ended(self, error: Exception | None) -> None:
        if error is None:
            self.close("destination")
        else:
            self.local.abort()  # a reset: half a result must not look like a whole one
            self.close(explain.proxy_lost(error), at_once=True)

    def _watch(self) -> None:
        """Ends the session at its deadline."""
        if self.facts.deadline is None or self._over:
            return
        left = self.facts.deadline - time.time()
        if left <= 0:
            self.home.at_deadline(self.way, self._bound)
            self.close("deadline", at_once=True)
            return
        self._deadline = asyncio.get_running_loop().call_later(min(left, _TICK), self._watch)


class LocalStream(Stream):
    """The client's end; it reads nothing until the tunnel is there."""

    def __init__(self, buffers: Buffers, arrived: Callable[[LocalStream], None]) -> None:
        super().__init__(buffers)
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client has come."""
        super().connection_made(transport)
        self.hold()
        self._arrived(self)
