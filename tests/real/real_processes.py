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
from contextlib import AbstractContextManager, contextmanager
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


@contextmanager
def shared(folder: Path, name: str, start: Callable[[Path], AbstractContextManager[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """What `start` says of a server, started once for all of pytest's processes that use the same folder.

    Whoever comes first starts it in `folder/name`, and at its end waits for the others before it stops it. What `start` yields
    goes to the others as JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    home, said = folder / name, folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as lock, (folder / f"{name}.users").open("w") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if said.exists():
            fcntl.flock(users, fcntl.LOCK_SH)
            fcntl.flock(lock, fcntl.LOCK_UN)
            yield json.loads(said.read_text())
            return
        home.mkdir(exist_ok=True)
        with start(home) as found:
            said.write_text(json.dumps(found))
            fcntl.flock(lock, fcntl.LOCK_UN)
            try:
                yield found
            finally:
                # Newcomers wait at the lock until this one has stopped, and then start one of their own.
                fcntl.flock(lock, fcntl.LOCK_EX)
                fcntl.flock(users, fcntl.LOCK_EX)
                said.unlink()
