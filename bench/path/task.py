"""The task's process: measures direct connections, or those through its own forwarder. Takes what to do as JSON, prints numbers.

`python -m bench.path.task '{"what": "download", "count": …, "target": …, "proxy": …, …}'`
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airlock_provider import audit
from airlock_provider.forwarder import Forwarder, ProxyEnd, TlsFiles, Way

from .client import WHAT

RUN = audit.TaskRun("bench", "finance_daily", "load", "run", correlation="019aaaaa-bbbb-7ccc-8ddd-eeeeffff0000")


@dataclass(frozen=True)
class Token:
    """The token that this process was started with."""

    value: str
    issued: float
    expires: float
    issuer: str = "bench"
    uid: str = "bench"


class Tokens:
    """Has one token; minting one is the issuer's cost, not the path's."""

    def __init__(self, value: str) -> None:
        now = time.time()
        self._token = Token(value, now, now + 3600)

    def get(self) -> Token:
        """The token."""
        return self._token


def main(given: dict[str, Any]) -> dict[str, Any]:
    """Measures one thing."""
    if "proxy" not in given:
        host, _, port = given["address"].rpartition(":")
        return _measured(given, (host, int(port)))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    audit.configure([{"kind": "file", "path": given["events"]}])
    host, _, port = given["target"].rpartition(":")
    files = TlsFiles(given["certificate"], given["key"], given["ca"])
    forwarder = Forwarder(RUN, Tokens(given["token"]), files)
    proxy_host, _, proxy_port = given["proxy"].rpartition(":")
    end = ProxyEnd("tcp-proxy", proxy_host, int(proxy_port), given["server_name"])
    address = forwarder.open(Way(audit.Destination("warehouse", host, int(port)), end))
    try:
        return _measured(given, address)
    finally:
        forwarder.close()


def _measured(given: dict[str, Any], address: tuple[str, int]) -> dict[str, Any]:
    if given["what"] == "memory":
        return _memory(given, address)
    if not given.get("apart"):
        return WHAT[given["what"]](address, given["count"])
    # The client is a process that the task started; the task itself waits, or computes.
    stop = threading.Event()
    command = [sys.executable, "-m", "bench.path.client", given["what"], *map(str, address), str(given["count"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        found: list[str] = []

        def read() -> None:
            found.append(client.communicate()[0])
            stop.set()

        reader = threading.Thread(target=read)
        reader.start()
        while given["busy"] and not stop.is_set():
            sum(range(1000))
        reader.join()
    result: dict[str, Any] = json.loads(found[0])
    return result


def _memory(given: dict[str, Any], address: tuple[str, int]) -> dict[str, Any]:
    """What sessions take that are open and say nothing, in this process and in the proxy's."""
    processes = {"forwarder MB": os.getpid(), "Envoy MB": given["envoy"]}
    WHAT["opening"](address, 50)  # whatever is made once is there before
    before = {name: _resident(pid) for name, pid in processes.items()}
    command = [sys.executable, "-m", "bench.path.client", "held", *map(str, address), str(given["count"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdin is not None
        client.stdout.readline()
        after = {name: _resident(pid) for name, pid in processes.items()}
        client.stdin.write("\n")
        client.stdin.flush()
        client.communicate()
    return {name: (after[name] - before[name]) / 1e6 * 1000 / given["count"] for name in processes}


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
