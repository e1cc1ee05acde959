"""Servers that a test starts: on 127.0.0.1, on a free port, with a log of their own, stopped by their process group.

Nothing is stopped by its name: another run on the same machine has the same programs.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

READY_AFTER = 120.0
"""Seconds in which a server has to be ready: twice what the slowest takes on two busy cores."""
_STOPS_AFTER = 15.0


class NotReadyError(RuntimeError):
    """A server stopped, or was not ready in time; the message ends with the end of its log."""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def free_ports(count: int) -> int:
    """The first of several ports in a row that nobody has; below those that connections are made from, which come and go."""
    return next(first for first in range(20_000, 32_000, count) if not any(map(listening, range(first, first + count))))


def listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def end_of(log: Path, lines: int = 40) -> str:
    """The end of a log, and where the whole of it is."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return f"{log}:\n" + "\n".join(text.splitlines()[-lines:])


@contextmanager
def server(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    within: float = READY_AFTER,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a server while the block lasts; the block starts when `ready` says so."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(one) for one in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + within
        while not ready():
            if process.poll() is not None:
                raise NotReadyError(f"{command[0]} ended with {process.returncode}. {end_of(log)}")
            if time.monotonic() > deadline:
                raise NotReadyError(f"{command[0]} was not ready within {within:.0f} s. {end_of(log)}")
            time.sleep(0.05)
        yield process
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Its whole group: a server's workers must not outlive it."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=_STOPS_AFTER)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=_STOPS_AFTER)


class Shared:
    """Servers that all of pytest's processes of a run use together: they agree by locks in a folder.

    Whoever comes first starts a server. At its end it lets go of what others started before it waits for those who use its own:
    two processes that use one another's cannot wait for each other.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._used = ExitStack()
        self._started = ExitStack()
        self._known: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> "Shared":
        return self

    def __exit__(self, *_: object) -> None:
        self._used.close()
        self._started.close()

    def get(self, name: str, start: Callable[[Path], AbstractContextManager[dict[str, Any]]]) -> dict[str, Any]:
        """What `start` says of its server in the folder that it is given; the others get it as JSON."""
        if name not in self._known:
            self._known[name] = self._enter(name, start)
        return self._known[name]

    def _enter(self, name: str, start: Callable[[Path], AbstractContextManager[dict[str, Any]]]) -> dict[str, Any]:
        said = self._folder / f"{name}.json"
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if said.exists():
                users = self._used.enter_context((self._folder / f"{name}.users").open("w"))
                fcntl.flock(users, fcntl.LOCK_SH)
                found: dict[str, Any] = json.loads(said.read_text())
                return found
            home = self._folder / name
            home.mkdir(exist_ok=True)
            found = self._started.enter_context(start(home))
            said.write_text(json.dumps(found))
            self._started.enter_context(self._until_unused(name))
            return found

    @contextmanager
    def _until_unused(self, name: str) -> Iterator[None]:
        yield
        with (self._folder / f"{name}.lock").open("w") as lock, (self._folder / f"{name}.users").open("w") as users:
            # Newcomers wait at the lock, and then start one of their own.
            fcntl.flock(lock, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_EX)
            (self._folder / f"{name}.json").unlink()
