"""The forwarder of a task: a thread in the task's process that carries its connections through the proxy.

A connection that Airflow gives to the task has the address 127.0.0.1 and a port of the forwarder. Each connection there becomes a
tunnel of its own: TLS with the client's certificate, a CONNECT with the task's token, bytes both ways. Tokens are renewed early;
at its deadline a connection is cut, and none is opened after it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from .. import audit
from ..audit import Refusal, TaskRun
from .connect import in_thread
from .model import TlsFiles, Token, Tokens, Way
from .session import LocalStream, Session
from .streams import Buffers

log = logging.getLogger("airflow.task.airlock")
"""Below Airflow's own logger of tasks, in both of its generations: what is said here is in the task's log."""

HOST = "127.0.0.1"
_BACKLOG = 512
_RETRY = (1.0, 30.0)
"""Seconds between attempts to renew a token: the first, and the most."""
_FLUSHED_WITHIN = 1.0
"""Seconds in which both ends have to take what waits for them, when the task is over."""
_SAY_AGAIN = 10.0
"""Seconds for which the same sentence is not logged again; the audit trail has every refusal."""
T = TypeVar("T")


class Home:
    """What the sessions of a forwarder share. All of it runs in the forwarder's loop."""

    def __init__(self, run: TaskRun, tokens: Tokens | None, tls: TlsFiles, source: str) -> None:
        self.run, self.tls, self.source = run, tls, source
        self.uid = os.geteuid() if hasattr(os, "geteuid") else -1
        self.buffers = Buffers()
        self.sessions: set[Session] = set()
        """All that are not over, those without a tunnel yet among them."""
        self.servers: list[asyncio.Server] = []
        self._tokens = tokens
        self._token: Token | None = None
        self._fetching: asyncio.Task[Token] | None = None
        self._said: dict[str, float] = {}
        self._reached: set[str] = set()

    async def token(self) -> Token:
        """The token that new connections show: a kept one, as long as it holds; fetched once for all who wait."""
        if self._token is not None and self._token.expires > time.time() + 1:
            return self._token
        return await self.fetched()

    async def fetched(self) -> Token:
        """A token as fresh as there is one."""
        if self._tokens is None:
            raise LookupError("certificates tell the tasks apart here, and there are no tokens")
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.get_running_loop().create_task(in_thread(self._tokens.get))
        self._token = await asyncio.shield(self._fetching)
        return self._token

    async def renewing(self) -> None:
        """Renews the token when half of its life is over, for as long as the forwarder runs."""
        pause = _RETRY[0]
        while self._tokens is not None:
            with suppress(Exception):  # told by whoever has the tokens, and to each connection that needs one
                await self.fetched()
            token, now = self._token, time.time()
            if token is not None and (ages := token.expires - (token.expires - token.issued) / 2) > now:
                pause = _RETRY[0]
                await asyncio.sleep(min(max(ages - now, _RETRY[0]), 3600.0))
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _RETRY[1])

    # --- what sessions tell

    def opened(self, session: Session) -> None:
        """A tunnel is open."""
        audit.emit(audit.session_opened(self.run, session.facts))
        there, until = session.facts.destination, session.facts.deadline
        if there.target in self._reached:
            return  # said once: a pool opens many
        self._reached.add(there.target)
        ends = f", until {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M:%S} UTC" if until is not None else ""
        self.say(logging.INFO, f"{there.name} ({there.target}) is reached through {session.facts.gate}{ends}")

    def gone(self, session: Session) -> None:
        """A session is over, whether or not it had a tunnel."""
        self.sessions.discard(session)

    def closed(self, session: Session, reason: str) -> None:
        """A session is over."""
        audit.emit(
            audit.session_closed(self.run, session.facts, bytes_in=session.bytes_in, bytes_out=session.bytes_out, reason=reason)
        )
        if reason.startswith("proxy"):
            there = session.facts.destination
            self.say(
                logging.ERROR, f"{there.name} ({there.target}) was cut off by routing: {session.facts.gate} broke off ({reason})"
            )

    def refused(self, way: Way, refusal: Refusal, facts: audit.Session) -> None:
        """A connection was not opened."""
        audit.emit(audit.session_refused(self.run, facts, refusal))
        self.say(logging.ERROR, refusal.text + (f" [{audit.plain(refusal.detail)}]" if refusal.detail else ""))

    def at_deadline(self, way: Way, bound: str) -> None:
        """Open connections are cut."""
        there = way.destination
        self.say(logging.WARNING, f"{there.name} ({there.target}) is closed, by permission: {bound}")

    def cannot_tell(self, error: OSError) -> None:
        """Whose a connection is, is not known here."""
        self.say(logging.WARNING, f"other users of this machine could use the task's ports: {error}")

    def say(self, level: int, text: str) -> None:
        """Into the task's log; not again within seconds."""
        now = time.monotonic()
        if now - self._said.get(text, -_SAY_AGAIN) >= _SAY_AGAIN:
            if len(self._said) > 500:
                self._said.clear()
            self._said[text] = now
            log.log(level, "%s", text)


class Forwarder:
    """Carries the connections of one task run. Methods may be called from any thread but its own."""

    def __init__(self, run: TaskRun, tokens: Tokens | None, tls: TlsFiles | None = None, *, source: str = "") -> None:
        """`tokens`: has the task's token; None: its certificate tells it apart. `source`: where that is from, for explanations
        (`sts`, `kms` …)."""
        self._run, self._tokens, self._tls, self._source = run, tokens, tls or TlsFiles(), source
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._home: Home | None = None
        self._ways: dict[str, Way] = {}
        self._ports: dict[str, int] = {}
        self._pid = 0
        _all.add(self)

    @property
    def run(self) -> TaskRun:
        """Whose connections these are."""
        return self._run

    @property
    def sessions(self) -> int:
        """How many connections are open."""
        home = self._home
        return sum(one.upstream is not None for one in tuple(home.sessions)) if home is not None else 0

    def open(self, way: Way) -> tuple[str, int]:
        """Address and port at which connections to a destination are taken; the same ones for the same target.

        Nothing is opened to the proxy before somebody connects. OSError where this machine has no port left.
        """
        target = way.destination.target
        with self._lock:
            self._start()
            self._ways[target] = way
            if target not in self._ports:
                self._ports[target] = self._call(self._listen(target), 10.0)
            return HOST, self._ports[target]

    def reach(self, way: Way, timeout: float = 60.0) -> None:
        """Opens one tunnel to a destination and closes it. TunnelError with why that cannot be done."""
        with self._lock:
            self._start()
        self._call(self._reached(way), timeout)

    def close(self, reason: str = "task-ended", timeout: float = 3.0) -> None:
        """Ends all connections and gives the ports back; `open` starts it anew."""
        with self._lock:
            loop, thread, mine = self._loop, self._thread, self._pid == os.getpid()
            self._loop = self._thread = None
            self._ports.clear()
            if loop is None or thread is None or not mine:
                return
            with suppress(TimeoutError, RuntimeError):
                asyncio.run_coroutine_threadsafe(self._closed(reason), loop).result(timeout)
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout)

    # --- the thread

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive() and self._pid == os.getpid():
            return
        # A forked process has the parent's forwarder without its thread.
        self._ports, self._pid = {}, os.getpid()
        loop = self._loop = asyncio.new_event_loop()
        self._home = Home(self._run, self._tokens, self._tls, self._source)
        self._thread = threading.Thread(target=self._serve, args=(loop, self._home), name="airlock-forwarder", daemon=True)
        self._thread.start()

    @staticmethod
    def _serve(loop: asyncio.AbstractEventLoop, home: Home) -> None:
        asyncio.set_event_loop(loop)
        try:
            renewing = loop.create_task(home.renewing())
            loop.run_forever()
            renewing.cancel()
            pending = asyncio.all_tasks(loop)
            for task in pending:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        finally:
            loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, T], timeout: float) -> T:
        assert self._loop is not None  # noqa: S101  # _start was called
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    async def _listen(self, target: str) -> int:
        home = self._home
        assert home is not None  # noqa: S101  # it runs in its loop
        loop = asyncio.get_running_loop()
        running: set[asyncio.Task[None]] = set()

        def arrived(local: LocalStream) -> None:
            task = loop.create_task(Session(home, self._ways[target], local).run())
            running.add(task)
            task.add_done_callback(running.discard)

        made: Callable[[], LocalStream] = lambda: LocalStream(home.buffers, arrived)  # noqa: E731
        server = await loop.create_server(made, HOST, 0, backlog=_BACKLOG)
        home.servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _reached(self, way: Way) -> None:
        assert self._home is not None  # noqa: S101
        session = Session(self._home, way, LocalStream(self._home.buffers, lambda local: None))
        tunnel = await session.opened()
        tunnel.stream.close()
        # The proxy logs it as a session, and so does the trail: one that nobody tells of would be somebody else's.
        audit.emit(audit.session_opened(self._run, session.facts))
        audit.emit(audit.session_closed(self._run, session.facts, bytes_in=0, bytes_out=0, reason="tried"))

    async def _closed(self, reason: str) -> None:
        home = self._home
        if home is None:
            return
        for server in home.servers:
            server.close()
        ends = [end for one in home.sessions for end in (one.local, one.upstream) if end is not None]
        for session in list(home.sessions):
            session.close(reason)
        until = time.monotonic() + _FLUSHED_WITHIN
        while not all(end.lost for end in ends) and time.monotonic() < until:
            await asyncio.sleep(0.01)
        for end in ends:
            end.abort()
        await asyncio.sleep(0)


_all: weakref.WeakSet[Forwarder] = weakref.WeakSet()


def close_all(run: TaskRun | None = None, reason: str = "task-ended") -> None:
    """Closes the forwarders of a task run in this process, or all of them."""
    for one in list(_all):
        if run is None or one.run == run:
            one.close(reason)
