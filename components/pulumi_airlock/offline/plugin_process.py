"""A process of a plugin (a policy pack, the dynamic provider): started as by the engine, listened to, always ended with us.

The command is `python -u -m <module> …` (of a pack: pulumi `sdk/python/cmd/pulumi-language-python`, RunPlugin), except that a few
lines run first, which end the plugin when our end of its standard input closes: also when we are killed and cannot end it
ourselves, and which let gRPC print the traceback of a policy that crashes.
"""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from pathlib import Path
from typing import IO

KEPT_LINES = 200
"""Lines of output that are kept for an error's message."""

_LAUNCH = """\
import logging, os, runpy, signal, sys, threading
handler = logging.StreamHandler()
handler.addFilter(lambda record: not isinstance((record.exc_info or (None, None))[1], NotImplementedError))
logging.getLogger("grpc._server").addHandler(handler)
held = os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
def watch():
    while os.read(held, 4096):
        pass
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


class PluginProcess:
    """One running plugin: a process group of its own, which `close` ends."""

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        on_output: Callable[[str], None] | None = None,
    ) -> None:
        """Starts the plugin and returns at once. OSError when its interpreter cannot be run.

        `command`: the Python interpreter, the module that it runs, and that one's arguments.
        """
        python, *rest = command
        self._on_output = on_output
        self._port: Future[str] = Future()
        self._errors: deque[str] = deque(maxlen=KEPT_LINES)
        self._closing = False
        self._process = subprocess.Popen(
            [python, "-u", "-c", _LAUNCH, *rest],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read_stdout, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_stderr, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The process's id, which is also its process group's."""
        return self._process.pid

    def first_line(self, timeout: float) -> str:
        """What the plugin prints first, which is to be its port.

        Empty when it ended without a word. TimeoutError when it says nothing in time.
        """
        try:
            return self._port.result(timeout)
        except FutureTimeout as error:
            raise TimeoutError from error

    def exit_status(self) -> int | None:
        """How it ended (negative: by that signal), None while it runs.

        The process is not reaped before `close`, so that its id, and its group's, cannot be another's when we end the group.
        """
        if self._process.returncode is not None:
            return self._process.returncode
        with suppress(ChildProcessError):
            found = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return None
            return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        return 0

    def wait(self, timeout: float) -> int | None:
        """How it ended, given some time to end; None when it still runs."""
        deadline = time.monotonic() + timeout
        while (status := self.exit_status()) is None and time.monotonic() < deadline:
            time.sleep(0.005)
        return status

    def errors(self, settle: float = 0.3) -> str:
        """What the plugin wrote to its standard error, once it has closed it, or nothing has come for `settle` seconds."""
        seen = -1
        while self._readers[1].is_alive() and seen != len(self._errors):
            seen = len(self._errors)
            self._readers[1].join(timeout=settle)
        return "\n".join(self._errors)

    def close(self, grace: float = 1.0) -> None:
        """Ends the plugin and everything that it started. Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        self._signal(signal.SIGTERM)
        self.wait(grace)
        self._signal(signal.SIGKILL)
        with suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        self._process.wait()
        for reader in self._readers:
            reader.join(timeout=grace)

    def _signal(self, number: int) -> None:
        # Until it is reaped, the leader's id is also the group's, and nobody else's.
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _read_stdout(self, stream: IO[bytes]) -> None:
        with stream:
            self._port.set_result(stream.readline().decode(errors="replace").strip())
            for line in stream:
                self._forward(line)

    def _read_stderr(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._errors.append(line.decode(errors="replace").rstrip())
                self._forward(line)

    def _forward(self, line: bytes) -> None:
        if self._on_output and not self._closing:
            self._on_output(line.decode(errors="replace").rstrip())
