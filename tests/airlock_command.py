"""The `airlock` command as a user runs it: a process of its own, that need not import the providers' SDKs once more.

They are some 1,600 modules, two seconds of every process that runs a stack. So one process beside pytest's imports what earlier
commands have imported of them, and nothing of Airlock's; a command is a fork of it, and imports Airlock itself.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

_LENGTH = 1 << 20


def airlock(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 300
) -> "subprocess.CompletedProcess[str]":
    """Runs `airlock` in a folder; with an empty standard input, and as long as `timeout`, in seconds."""
    asked = {"arguments": [*map(str, arguments)], "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        status, said = _forks().run(asked, [out.fileno(), err.fileno()], timeout), []
        for one in (out, err):
            one.seek(0)
            said.append(one.read().decode())
    return subprocess.CompletedProcess(["airlock", *asked["arguments"]], status, *said)


class _Forks:
    """The process that commands are forks of."""

    def __init__(self) -> None:
        self._asking, theirs = socket.socketpair()
        command = [sys.executable, __file__, str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)
        theirs.close()
        atexit.register(self._end)

    def run(self, asked: Mapping[str, Any], descriptors: list[int], timeout: float) -> int:
        """The exit status of a command."""
        self._asking.settimeout(timeout)
        try:
            socket.send_fds(self._asking, [b" "], descriptors)
            self._asking.sendall(json.dumps(asked).encode() + b"\n")
            return int(self._asking.recv(_LENGTH))
        except TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            _forks.cache_clear()
            raise

    def _end(self) -> None:
        self._asking.close()
        self._process.wait()


@cache
def _forks() -> _Forks:
    return _Forks()


def _serve(asking: socket.socket) -> dict[str, Any]:
    """Forks for every command that is asked for, and says how it ended. Returns in the fork alone, with what was asked."""
    while True:
        line, descriptors, *_ = socket.recv_fds(asking, 1, 2)
        while not line.endswith(b"\n"):
            more = asking.recv(_LENGTH)
            if not more:
                sys.exit()
            line += more
        told, telling = os.pipe()
        child = os.fork()
        if child == 0:
            asking.close()
            os.close(told)
            for number, descriptor in enumerate(descriptors, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)
            atexit.register(_tell, telling)
            return dict(json.loads(line))
        for descriptor in (*descriptors, telling):
            os.close(descriptor)
        with os.fdopen(told) as imported:
            names = imported.read().split()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        asking.send(str(status).encode())
        _import(names)


def _tell(where: int) -> None:
    """Tells which modules of Pulumi and of providers' SDKs a command has imported, but for those of their configuration."""
    found = {name: Path(getattr(one, "__file__", None) or "") for name, one in sys.modules.items()}
    tops = {"pulumi"} | {name for name, file in found.items() if (file.parent / "pulumi-plugin.json").exists()}
    names = [name for name in found if name.partition(".")[0] in tops and type(sys.modules[name]) is ModuleType]
    with os.fdopen(where, "w") as file:
        file.write("\n".join(name for name in names if "config" not in name.split(".")))


def _import(names: list[str]) -> None:
    """Imports them: really, since SDKs put it off until something of a module is asked for."""
    for name in names:
        if name not in sys.modules or type(sys.modules[name]) is not ModuleType:
            with suppress(ImportError):  # an SDK that one program has beside it
                hasattr(import_module(name), "really")
    gc.freeze()


def _main(descriptor: int) -> NoReturn:
    gc.disable()
    asked = _serve(socket.socket(fileno=descriptor))
    gc.enable()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.path[0], sys.argv[1:] = asked["cwd"], asked["arguments"]
    runpy.run_module("pulumi_airlock.cli", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    _main(int(sys.argv[1]))
