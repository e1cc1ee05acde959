"""The two ends of a forwarded connection as callbacks of one event loop, each holding the other back when it is slow.

TLS is done here, over memory, and not by asyncio: asyncio takes a connection that breaks off for one that was ended, and a task
must not take half of a result for the whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any

_CHUNK = 1 << 18
"""Bytes that are read at once. One buffer serves all connections of a loop: what is read is passed on before the next read."""
_HIGH_WATER = 1 << 20
"""Bytes that wait for a slow reader before the other side is held back."""
_LINGER = 30.0


class Buffers:
    """What all connections of one loop share."""

    def __init__(self) -> None:
        self.raw = bytearray(_CHUNK)
        self.plain = bytearray(_CHUNK)


class Stream(asyncio.BufferedProtocol):
    """One end. What it reads goes to `on_data`; `on_end` is called once: with None at a clean end, else with what broke it."""

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._transport: asyncio.Transport | None = None
        self._peer: Stream | None = None
        self.on_data: Callable[[memoryview], None] = lambda data: None
        self.on_end: Callable[[Exception | None], None] = lambda error: None
        self._ended = self.lost = False
        self._lingering: asyncio.TimerHandle | None = None
        self.error: Exception | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes; `error` is what broke it, if anything did."""
        return self._ended

    # --- of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The network is there."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # of a stream, always
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next bytes are read to."""
        return self._buffers.raw

    def buffer_updated(self, nbytes: int) -> None:
        """So many were read."""
        self.received(memoryview(self._buffers.raw)[:nbytes])

    def eof_received(self) -> bool:
        """The other side says no more; the other direction goes on."""
        self.end(None)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The network is gone."""
        self.end(exc or ConnectionAbortedError("closed"))
        self.lost = True
        if self._lingering is not None:
            self._lingering.cancel()
        # No circle of references may keep a connection's buffers until somebody collects garbage.
        self._peer = None
        self.on_data, self.on_end = lambda data: None, lambda error: None

    def pause_writing(self) -> None:
        """More waits to be sent than is good."""
        if self._peer is not None:
            self._peer.hold()

    def resume_writing(self) -> None:
        """Little waits to be sent."""
        if self._peer is not None:
            self._peer.go_on()

    # --- of ours

    def received(self, data: memoryview) -> None:
        """Takes what came from the network."""
        self.on_data(data)

    def write(self, data: bytes | memoryview) -> None:
        """Sends; what the network does not take at once waits."""
        if self._transport is not None:
            self._transport.write(bytes(data))

    def end(self, error: Exception | None) -> None:
        """Tells the end, once."""
        if not self._ended:
            self._ended, self.error = True, error
            self.on_end(error)

    def join(self, peer: Stream) -> None:
        """Holds the peer back while this end's reader is slow."""
        self._peer = peer

    def hold(self) -> None:
        """Reads nothing for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Reads again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Sends what waits, then closes; who does not take it in `_LINGER` seconds is cut off."""
        if self._transport is not None and not self.lost:
            self._transport.close()
            self._lingering = asyncio.get_running_loop().call_later(_LINGER, self.abort)

    def abort(self) -> None:
        """Closes at once and lets the other side know that it is no clean end (a reset)."""
        if self._transport is None or self.lost:
            return
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def address(self, name: str) -> tuple[str, int]:
        """`peername` or `sockname`: address and port; empty where there is none."""
        found: Any = self._transport.get_extra_info(name) if self._transport is not None else None
        return (str(found[0]), int(found[1])) if found else ("", 0)


class TlsStream(Stream):
    """An end that speaks TLS as a client."""

    def __init__(self, buffers: Buffers, context: ssl.SSLContext, server_name: str, ready: asyncio.Future[None]) -> None:
        super().__init__(buffers)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._ready = ready
        self._established = False
        ready.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever waited may have gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS begins."""
        super().connection_made(transport)
        self._shake_hands()

    def eof_received(self) -> bool:
        """TLS ends before the network does; where it does not, the connection was cut."""
        if not self._ended:
            self.end(ConnectionResetError("the connection broke off without an end of TLS"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The network is gone; what the other side said before is still heard: an alert tells why it closed."""
        if exc is not None and not self._ended and self._established:
            with contextlib.suppress(OSError):
                self._hear_last_words()
        super().connection_lost(exc)

    def _hear_last_words(self) -> None:
        """A write that fails closes the transport before it has read all."""
        raw: Any = self._transport.get_extra_info("socket") if self._transport is not None else None
        if raw is None or raw.fileno() < 0:
            return
        with socket.socket(fileno=os.dup(raw.fileno())) as left, contextlib.suppress(OSError):
            while data := left.recv(_CHUNK):
                self._incoming.write(data)
        self._decrypt()

    def received(self, data: memoryview) -> None:
        """Decrypts what came, and passes it on."""
        self._incoming.write(data)
        if not self._established:
            self._shake_hands()
        if self._established:
            self._decrypt()

    def write(self, data: bytes | memoryview) -> None:
        """Encrypts and sends."""
        if self._ended or not len(data):
            return
        try:
            self._tls.write(data)
        except OSError as error:  # of the connection, or of TLS
            self.end(error)
            return
        self._send()

    def close(self) -> None:
        """Ends TLS, then the connection."""
        if self._established and not self._ended:
            with contextlib.suppress(OSError):  # the other side's own end need not be waited for
                self._tls.unwrap()
            self._send()
        super().close()

    def end(self, error: Exception | None) -> None:
        """Tells the end, and whoever waits for TLS."""
        super().end(error)
        if not self._ready.done():
            self._ready.set_exception(error or ConnectionResetError("closed while TLS was set up"))

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
            return
        except OSError as error:
            self._send()  # the alert that tells the other side why
            self.end(error)
            return
        self._send()
        self._established = True
        if not self._ready.done():
            self._ready.set_result(None)

    def _decrypt(self) -> None:
        """Passes on whatever is whole, many records at once."""
        view = memoryview(self._buffers.plain)
        read: Callable[[int, memoryview], int] = self._tls.read  # type: ignore[assignment]  # its stub knows bytearray alone
        while True:
            filled, more = 0, True
            while more and filled + 16384 <= _CHUNK:
                try:
                    count = read(_CHUNK - filled, view[filled:])
                except ssl.SSLWantReadError:
                    more = False
                except ssl.SSLZeroReturnError:
                    self._pass_on(view[:filled])
                    self.end(None)
                    return
                except OSError as error:
                    self._pass_on(view[:filled])
                    self.end(error)
                    return
                else:
                    if not count:
                        self._pass_on(view[:filled])
                        self.end(None)
                        return
                    filled += count
            self._pass_on(view[:filled])
            if not more:
                break
        self._send()  # TLS itself may have something to say

    def _pass_on(self, data: memoryview) -> None:
        if len(data):
            self.on_data(data)

    def _send(self) -> None:
        if self._outgoing.pending and self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._outgoing.read())
