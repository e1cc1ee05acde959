"""Opens one tunnel: TLS with the client's certificate, then `CONNECT` with the token (RFC 9110, section 9.3.6).

Or, where the proxy takes no CONNECT: TLS with the server name that stands for the target. Such a tunnel says nothing of itself,
so that it is asked for first: by HTTP, which whoever shows `http/1.1` in ALPN may speak with the proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from .model import ProxyEnd, TlsFiles
from .streams import Buffers, TlsStream

T = TypeVar("T")
CONNECT_WITHIN = 15.0
"""Seconds for each step, the connection, TLS and the answer: a gate that drops packets says nothing at all."""
HTTP = "http/1.1"
"""What is shown in ALPN to ask in place of opening a tunnel."""
_LONGEST_ANSWER = 1 << 16
_KEEPALIVE = ((socket.SO_KEEPALIVE, 1),)
_TCP_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))
"""A packet a minute: network load balancers forget a silent connection after 350 s, firewalls often sooner."""


@dataclass(frozen=True)
class Answer:
    """The proxy's answer."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any] = field(default_factory=dict)
    ahead: float = 0.0
    """Seconds by which this machine's clock is ahead of the proxy's; a second more or less is the answer's own rounding."""


class Failed(Exception):  # noqa: N818  # not an error of its own: it carries one
    """No tunnel. `step` is where it ended: `resolve`, `connect`, `tls`, `answer`."""

    def __init__(self, step: str, error: BaseException | None = None, answer: Answer | None = None) -> None:
        super().__init__(step, error, answer)
        self.step, self.error, self.answer = step, error, answer


@dataclass(frozen=True)
class Tunnel:
    """An open tunnel. What the destination said at once is in `early`: some protocols let the server speak first."""

    stream: TlsStream
    early: bytes
    local: tuple[str, int]
    """This end's address, as the proxy sees it."""


async def in_thread(call: Callable[[], T]) -> T:
    """What a call that may wait gives, without holding up the loop. Its thread is a daemon: a name server that hangs, or an
    issuer, must not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def finish(value: T | None, error: BaseException | None) -> None:
        if not result.done():
            result.set_result(value) if error is None else result.set_exception(error)  # type: ignore[arg-type]

    def run() -> None:
        value, error = None, None
        try:
            value = call()
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(finish, value, error)

    threading.Thread(target=run, name="airlock-forwarder-call", daemon=True).start()
    return await result


async def open_tunnel(
    proxy: ProxyEnd, context: ssl.SSLContext, buffers: Buffers, target: str, token: str, ids: Mapping[str, str]
) -> Tunnel:
    """A tunnel to a target; `ids` become headers `x-airlock-…`, for the proxy's log. Failed with where it ended, and why."""
    _refuse_damaged({"target": target, "token": token, **ids})
    stream = await _secured(proxy, context, buffers, proxy.server_name)
    try:
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", f"Proxy-Authorization: Bearer {token}"]
        return Tunnel(stream, await _answered(stream, [*lines, *_headers_of(ids)]), stream.address("sockname"))
    except BaseException:
        stream.abort()
        raise


async def open_named(proxy: ProxyEnd, files: TlsFiles, buffers: Buffers, ids: Mapping[str, str]) -> Tunnel:
    """A tunnel to the target that a server name stands for; `ids` are told where it is asked for. Failed with where it ended, and
    why; OSError where the files cannot be used."""
    _refuse_damaged(ids)
    asking = await _secured(proxy, files.context(HTTP), buffers, proxy.target_name)
    try:
        await _answered(asking, ["GET / HTTP/1.1", f"Host: {proxy.server_name}", "Connection: close", *_headers_of(ids)])
    finally:
        asking.close()
    stream = await _secured(proxy, files.context(), buffers, proxy.target_name)
    return Tunnel(stream, b"", stream.address("sockname"))


def _refuse_damaged(texts: Mapping[str, str]) -> None:
    """Failed where a text would make another request of one."""
    for name, text in texts.items():
        if any(one in text for one in "\r\n\0 "):
            raise Failed("answer", ValueError(f"the {name} is damaged"))


def _headers_of(ids: Mapping[str, str]) -> list[str]:
    return [f"x-airlock-{name}: {text}" for name, text in ids.items() if text]


async def _secured(proxy: ProxyEnd, context: ssl.SSLContext, buffers: Buffers, server_name: str) -> TlsStream:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    step, transport = "resolve", None
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            found = await _resolved(proxy.host, proxy.port)
        step = "connect"
        async with asyncio.timeout(CONNECT_WITHIN):
            raw = await _connected(found)
        for option, value in _KEEPALIVE:
            raw.setsockopt(socket.SOL_SOCKET, option, value)
        for name, value in _TCP_KEEPALIVE:
            if hasattr(socket, name):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        step = "tls"
        async with asyncio.timeout(CONNECT_WITHIN):
            transport, stream = await loop.create_connection(lambda: TlsStream(buffers, context, server_name, ready), sock=raw)
            await ready
    except (OSError, TimeoutError) as error:
        if transport is not None:
            transport.abort()
        raise Failed(step, error) from None
    return stream


async def _resolved(host: str, port: int) -> list[Any]:
    """Where a host is. An address needs nobody to be asked, and no thread."""
    with contextlib.suppress(socket.gaierror):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return await in_thread(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


async def _connected(found: list[Any]) -> socket.socket:
    """A connection to the first address that takes one."""
    loop = asyncio.get_running_loop()
    last: OSError | None = None
    for family, kind, protocol, _, address in found:
        raw = socket.socket(family, kind, protocol)
        raw.setblocking(False)
        try:
            await loop.sock_connect(raw, address)
        except OSError as error:
            raw.close()
            last = error
        except BaseException:
            raw.close()
            raise
        else:
            return raw
    raise last or OSError("no address")


async def _answered(stream: TlsStream, lines: list[str]) -> bytes:
    """What follows an answer that says yes. Failed with any other."""
    said = bytearray()
    changed = asyncio.Event()
    ended: list[Exception | None] = []

    def on_data(data: memoryview) -> None:
        said.extend(data)
        changed.set()

    def on_end(error: Exception | None) -> None:
        ended.append(error)
        changed.set()

    stream.on_data, stream.on_end = on_data, on_end
    stream.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            while (head := said.find(b"\r\n\r\n")) < 0 or not _whole(said, head):
                if ended:
                    if head >= 0 and not _is_success(said):
                        break  # an answer that ends with the connection
                    raise Failed("answer", ended[0])
                if len(said) > _LONGEST_ANSWER:
                    raise Failed("answer", ValueError("the answer is too long for one of a proxy"))
                changed.clear()
                await changed.wait()
    except TimeoutError as error:
        raise Failed("answer", error) from None
    except ssl.SSLError as error:
        raise Failed("answer", error) from None
    answer = _answer(said, head)
    if not 200 <= answer.status < 300:
        raise Failed("answer", None, answer)
    return bytes(said[head + 4 :])


def _is_success(said: bytearray) -> bool:
    return said[:12].split(b" ")[-1][:1] == b"2"


def _whole(said: bytearray, head: int) -> bool:
    """Whether the answer is all there: a success has no body, another ends after its Content-Length."""
    if _is_success(said):
        return True
    length = _headers(said, head).get("content-length", "")
    return length.isdigit() and len(said) - head - 4 >= int(length)


def _headers(said: bytearray, head: int) -> dict[str, str]:
    lines = said[:head].decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _answer(said: bytearray, head: int) -> Answer:
    first = said[:head].split(b"\r\n", 1)[0].split(b" ")
    if len(first) < 2 or not first[0].startswith(b"HTTP/1.") or not first[1].isdigit():
        raise Failed("answer", ValueError("what answers is no HTTP proxy"))
    headers = _headers(said, head)
    try:
        body = json.loads(said[head + 4 :] or b"{}")
    except ValueError:
        body = {}
    return Answer(int(first[1]), headers, body if isinstance(body, dict) else {}, _ahead(headers.get("date", "")))


def _ahead(date: str) -> float:
    try:
        return time.time() - parsedate_to_datetime(date).timestamp() if date else 0.0
    except ValueError:
        return 0.0
