"""What a client measures on connections to an address, be it the destination itself or the forwarder's port.

As a process of its own: `python -m bench.path.client WHAT ADDRESS PORT COUNT`.
"""

import json
import resource
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Address = tuple[str, int]
AT_ONCE = 16
"""Connections that are opened at the same time, where many are."""


def connected(address: Address) -> socket.socket:
    """A connection without Nagle's delays, as database drivers have them."""
    one = socket.create_connection(address, timeout=60)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one


def download(address: Address, count: int) -> dict[str, float]:
    """MB/s from the destination."""
    buffer, left = bytearray(1 << 18), count
    with connected(address) as one:
        started = time.perf_counter()
        one.sendall(b"S" + count.to_bytes(8, "big"))
        while left > 0 and (got := one.recv_into(buffer)):
            left -= got
    return _rate(count, started, left)


def upload(address: Address, count: int) -> dict[str, float]:
    """MB/s to the destination."""
    chunk, left = bytes(1 << 18), count
    with connected(address) as one:
        started = time.perf_counter()
        one.sendall(b"R" + count.to_bytes(8, "big"))
        while left > 0:
            part = chunk[: min(left, len(chunk))]
            one.sendall(part)
            left -= len(part)
        done = one.recv(1)
    return _rate(count, started, 0 if done == b"." else 1)


def _rate(count: int, started: float, left: int) -> dict[str, float]:
    if left:
        raise SystemExit("the connection broke off")
    return {"MB/s": count / 1e6 / (time.perf_counter() - started)}


def latency(address: Address, count: int) -> dict[str, float]:
    """Milliseconds of a round trip of 100 bytes, on one open connection."""
    taken = []
    question = bytes(100)
    with connected(address) as one:
        one.sendall(b"E")
        for _ in range(count):
            started = time.perf_counter()
            one.sendall(question)
            left = len(question)
            while left and (data := one.recv(left)):
                left -= len(data)
            taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return {"p50 ms": taken[len(taken) // 2], "p99 ms": taken[int(len(taken) * 0.99)]}


def opening(address: Address, count: int) -> dict[str, float]:
    """Connections a second, one after the other, each with one round trip."""
    started = time.perf_counter()
    for _ in range(count):
        _once(address)
    return {"connections/s": count / (time.perf_counter() - started)}


def opening_at_once(address: Address, count: int) -> dict[str, float]:
    """Connections a second, many at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = time.perf_counter()
        list(pool.map(lambda _: _once(address), range(count)))
        return {"connections/s": count / (time.perf_counter() - started)}


def _once(address: Address) -> None:
    with connected(address) as one:
        one.sendall(b"Ex")
        if one.recv(1) != b"x":
            raise SystemExit("the connection broke off")


def held(address: Address, count: int) -> dict[str, float]:
    """Opens sessions and holds them until a line comes in."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    opened = []
    for _ in range(count):
        one = connected(address)
        one.sendall(b"Ex")
        if one.recv(1) != b"x":
            raise SystemExit("the connection broke off")
        opened.append(one)
    print("{}", flush=True)
    sys.stdin.readline()
    return {}


WHAT: dict[str, Callable[[Address, int], dict[str, Any]]] = {
    "download": download,
    "upload": upload,
    "latency": latency,
    "opening": opening,
    "opening at once": opening_at_once,
    "held": held,
}

if __name__ == "__main__":
    print(json.dumps(WHAT[sys.argv[1]]((sys.argv[2], int(sys.argv[3])), int(sys.argv[4]))))
