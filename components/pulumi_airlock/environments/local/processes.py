"""A process of this machine as a Pulumi resource: started detached, waited for until it answers, stopped by its own id.

A dynamic provider: the Pulumi CLI and Airlock's offline engine run the same code. A process that has died, or that somebody
else's process took the id of, is started again by the next update.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, ResourceProvider

_POLL = 0.1
# Some programs (PyPI's Envoy) end with the process that started them: they are started by one that has ended already.
_DETACH = """\
import os, sys, time
starter = os.getpid()
child = os.fork()
if child:
    print(child, flush=True)
    os._exit(0)
os.setsid()
while os.getppid() == starter:
    time.sleep(0.005)
os.dup2(2, 1)
os.execv(sys.argv[1], sys.argv[1:])
"""
_SAID = 12
"""Lines of its log that an error shows."""
STRAIGHT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses of this machine, whatever `http_proxy` says."""


class LocalProcessProvider(ResourceProvider):
    """Starts, watches and stops."""

    serialize_as_secret_always = False  # it holds none, and what is secret could not be deleted

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses a program that is not there."""
        program = news["command"][0] if news.get("command") else ""
        failures = []
        if not (Path(program).is_absolute() and os.access(program, os.X_OK)):
            failures.append(CheckFailure("command[0]", f"no program at {program!r}{_how(news)}"))
        if not re.fullmatch(r"(tcp://|http://)127\.0\.0\.1:\d+\S*", str(news.get("ready", ""))):
            failures.append(
                CheckFailure("ready", f"{news.get('ready')!r}: write http://127.0.0.1:<port>/… or tcp://127.0.0.1:<port>")
            )
        return CheckResult(news, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """What changes starts it anew, after the old one; so does its death."""
        changed = [key for key in ("command", "environment", "cwd", "depends_on_files") if olds.get(key) != news.get(key)]
        if not changed and not running(olds):
            changed = ["command"]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Starts it and waits until it is ready; stops it again where it is not in time."""
        where = str(props["ready"])
        if _answers(where):
            raise RuntimeError(f"something else answers at {where} already: stop it, or choose another port")
        log = Path(props["log"])
        log.parent.mkdir(parents=True, exist_ok=True)
        Path(props["cwd"]).mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            starting = subprocess.run(
                [sys.executable, "-c", _DETACH, *props["command"]],
                cwd=props["cwd"],
                env={**_inherited(), **props["environment"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                check=True,
            )
        pid = int(starting.stdout)
        found = {**props, "pid": pid, "started": _started(pid)}
        deadline = time.monotonic() + float(props["ready_seconds"])
        while not _answers(where):
            if not running(found):
                raise RuntimeError(f"it ended before it was ready; {_last(log)}")
            if time.monotonic() > deadline:
                stop(found)
                raise RuntimeError(f"nothing answers at {where} after {props['ready_seconds']} s; {_last(log)}")
            time.sleep(_POLL)
        return CreateResult(str(pid), found)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Stops it and all that it started."""
        stop(props)


class LocalProcess(Resource, module="airlock", name="LocalProcess"):
    """A process of this machine."""

    pid: pulumi.Output[int]

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str],
        ready: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        ready_seconds: int = 30,
        depends_on_files: Mapping[str, str] | None = None,
        how_to_get: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A process.

        `command`: the program, by its whole path, and its arguments. `ready`: what answers when it is ready,
        `http://127.0.0.1:<port>/<path>` (any status below 500) or `tcp://127.0.0.1:<port>`. `folder`: where it works, and logs to
        `<name>.log`. `environment`: added to PATH, HOME and the locale; nothing else is inherited. `depends_on_files`: digests of
        what it reads once at its start: another digest starts it anew. `how_to_get`: told when there is no such program.
        """
        props = {
            "command": list(command),
            "environment": dict(environment or {}),
            "cwd": str(folder),
            "log": str(folder / f"{name}.log"),
            "ready": ready,
            "ready_seconds": ready_seconds,
            "depends_on_files": dict(depends_on_files or {}),
            "how_to_get": how_to_get,
            "pid": None,
        }
        super().__init__(LocalProcessProvider(), name, props, opts)


def running(props: Mapping[str, Any]) -> bool:
    """Whether the process that was started is still there: its id, and when the system says that it started."""
    pid = int(props.get("pid") or 0)
    return bool(pid) and _started(pid) == props.get("started") != ""


def stop(props: Mapping[str, Any], grace: float = 10.0) -> None:
    """Ends the process and its group: asked first, then made to. Nothing where it is not there any more."""
    pid = int(props.get("pid") or 0)
    if not running(props):
        return
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        deadline = time.monotonic() + seconds
        while _group_lives(pid):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL / 2)
        else:
            return
    raise RuntimeError(f"process {pid} does not end")


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str:
    """When a process started, as its system says it; empty where it is not there, or has ended."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        with suppress(OSError):
            state, *rest = stat.read_text().rpartition(")")[2].split()
            return "" if state == "Z" else rest[18]
        return ""
    found = subprocess.run(["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = found.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _answers(where: str) -> bool:
    scheme, _, rest = where.partition("://")
    if scheme == "tcp":
        host, _, port = rest.partition(":")
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False
    try:
        with STRAIGHT.open(where, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False


def _inherited() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
    return {key: value for key, value in os.environ.items() if key in kept or key.startswith("LC_")}


def _last(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_SAID:]
    return f"the end of {log}:\n" + "\n".join(f"  {line}" for line in lines) if lines else f"{log} is empty"


def _how(news: Mapping[str, Any]) -> str:
    return f": {news['how_to_get']}" if news.get("how_to_get") else ""
