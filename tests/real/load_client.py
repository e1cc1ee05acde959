"""One process of those that ask a proxy for tunnels, each on a connection of its own, and keep what they are answered.

Python's standard library alone: it is started anew for a load, and has to be there soon.
"""

import json
import resource
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any, NamedTuple

RETIRED = 2
"""So many turns after its own a key is in the proxy's set no more."""


class Case(NamedTuple):
    """Who asks for what. `turns`: by a key that is so many turns newer, or older, than the one that signs now."""

    caller: str
    target: str
    turns: int = 0


class Asked(NamedTuple):
    """A decision: what was asked for, from when to when, and what was answered."""

    case: Case
    key: int
    begun: float
    ended: float
    answer: str


@dataclass(frozen=True)
class Work:
    """What a process is given. `tokens`: by key, then by caller. `certificates`: a client's by turn, file and key."""

    address: tuple[str, int]
    server_name: str
    authority: str
    certificates: Sequence[tuple[str, str]]
    tokens: Sequence[dict[str, str]]
    cases: Sequence[Case]
    threads: int
    interval: float
    """Seconds from one request to the next, of all threads together; 0: as fast as it goes."""


@dataclass
class Shared:
    """What the processes of a load share (of `multiprocessing`)."""

    start: Any
    turn: Any
    """Which keys and certificates are used now."""
    made: Any
    """Decisions so far."""
    stop: Any


@dataclass
class _Client:
    work: Work
    shared: Shared
    asked: list[Asked] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Connections that failed."""
    contexts: dict[int, ssl.SSLContext] = field(default_factory=dict)
    numbers: Any = field(default_factory=count)
    lock: Lock = field(default_factory=Lock)
    begun: float = 0.0

    def run(self) -> None:
        while not self.shared.stop.is_set():
            with self.lock:
                number = next(self.numbers)
            time.sleep(max(0.0, self.begun + number * self.work.interval - time.monotonic()))
            case = self.work.cases[number % len(self.work.cases)]
            try:
                self.asked.append(self._ask(case))
            except (OSError, ValueError, IndexError) as error:
                self.wrong.append(f"{case}: {error!r}")
            with self.shared.made.get_lock():
                self.shared.made.value += 1

    def _ask(self, case: Case) -> Asked:
        turn = self.shared.turn.value
        key = max(0, turn + case.turns)
        begun = time.monotonic()
        answer = self._answer(self._context(turn), case.target, self.work.tokens[key][case.caller])
        return Asked(case, key, begun, time.monotonic(), answer)

    def _context(self, turn: int) -> ssl.SSLContext:
        with self.lock:
            if turn not in self.contexts:
                context = ssl.create_default_context(cafile=self.work.authority)
                context.load_cert_chain(*self.work.certificates[turn])
                self.contexts[turn] = context
            return self.contexts[turn]

    def _answer(self, context: ssl.SSLContext, target: str, token: str) -> str:
        """By a whole handshake, as the forwarder makes it for each connection."""
        raw = socket.socket()
        # Without it the request waits for a packet of the proxy, which a kernel holds back for 40 ms.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(60)
        with raw:
            raw.connect(self.work.address)
            with context.wrap_socket(raw, server_hostname=self.work.server_name) as connection:
                lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", f"Proxy-Authorization: Bearer {token}", "", ""]
                connection.sendall("\r\n".join(lines).encode())
                said = connection.recv(4096)
                status, body = int(said.split(None, 2)[1]), said.partition(b"\r\n\r\n")[2]
                return _passed(connection) if status == 200 else told(status, **json.loads(body))


def _passed(connection: ssl.SSLSocket) -> str:
    connection.sendall(b"through")
    back = b""
    while len(back) < 7 and (part := connection.recv(7)):
        back += part
    return f"200 {back.decode()}"


PASSED = "200 through"
"""The answer of a tunnel through which bytes went there and back."""


def told(status: int, reason: str, policy: str | None, detail: str, **_: object) -> str:
    """A refusal in one line."""
    return f"{status} {reason} {policy} {detail}"


def main(work: Work, shared: Shared, results: Connection) -> None:
    """Asks until it is told to stop; sends its decisions, failed connections, and the seconds of processor time that all took."""
    client = _Client(work, shared)
    threads = [Thread(target=client.run) for _ in range(work.threads)]
    shared.start.wait()
    client.begun, before = time.monotonic(), _used()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    results.send((client.asked, client.wrong, _used() - before))


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
