"""Processes of this machine as resources: started, waited for, started again when they died, and stopped by their own id."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from local_ports import free_port
from pulumi_airlock.environments.local.processes import LocalProcessProvider, running, stop

PROVIDER = LocalProcessProvider()
SERVER = (
    "import sys; from http.server import HTTPServer, SimpleHTTPRequestHandler as Files; "
    "HTTPServer(('127.0.0.1', int(sys.argv[1])), Files).serve_forever()"
)


def props(folder: Path, source: str = SERVER, **changes: Any) -> dict[str, Any]:
    port = free_port()
    return {
        "command": [sys.executable, "-c", source, str(port)],
        "environment": {},
        "cwd": str(folder),
        "log": str(folder / "server.log"),
        "ready": f"http://127.0.0.1:{port}/",
        "ready_seconds": 20,
        "depends_on_files": {},
        **changes,
    }


@pytest.fixture
def started(tmp_path: Path) -> Any:
    found: list[dict[str, Any]] = []

    def start(**changes: Any) -> dict[str, Any]:
        outs = PROVIDER.create(props(tmp_path, **changes)).outs
        assert outs is not None
        found.append(outs)
        return outs

    yield start
    for one in found:
        stop(one)


def test_it_answers_when_it_was_made_and_is_gone_when_it_was_deleted(started: Any) -> None:
    one = started()
    assert running(one)
    assert PROVIDER.diff("", one, one).changes is False
    PROVIDER.delete("", one)
    assert not running(one)
    PROVIDER.delete("", one)  # it has gone: nothing to do


def test_one_that_died_is_started_again(started: Any) -> None:
    one = started()
    os.kill(one["pid"], signal.SIGKILL)
    while running(one):
        time.sleep(0.01)
    verdict = PROVIDER.diff("", one, one)
    assert (verdict.changes, verdict.replaces, verdict.delete_before_replace) == (True, ["command"], True)


def test_a_process_that_took_its_id_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        stop({**props(tmp_path), "pid": other.pid, "started": "12345"})
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_what_it_started_ends_with_it(started: Any) -> None:
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', 'child-of-it']); "
    one = started(source=child + SERVER)
    assert _with("child-of-it")
    PROVIDER.delete("", one)
    assert not _with("child-of-it")


def test_one_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"ended before it was ready.*\n  no such database"):
        PROVIDER.create(props(tmp_path, "import sys; print('no such database'); sys.exit(3)"))


def test_one_that_never_answers_is_stopped(tmp_path: Path) -> None:
    given = props(tmp_path, "import time; print('up', flush=True); time.sleep(60)  # never-answers", ready_seconds=1)
    with pytest.raises(RuntimeError, match="nothing answers at http"):
        PROVIDER.create(given)
    assert not _with("never-answers")


def test_a_port_that_somebody_else_has_is_not_taken_for_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(RuntimeError, match="something else answers"):
            PROVIDER.create(props(tmp_path, ready=where))


def test_wrong_inputs_are_told_all_at_once(tmp_path: Path) -> None:
    given = props(tmp_path, command=["envoy"], ready="http://example.com:80/", how_to_get="make parts")
    told = [f"{one.property}: {one.reason}" for one in PROVIDER.check({}, given).failures]
    assert told[0] == "command[0]: no program at 'envoy': make parts"
    assert told[1].startswith("ready: 'http://example.com:80/': write http://127.0.0.1:")


def test_nothing_of_the_environment_but_what_every_program_needs_is_passed_on(
    started: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    source = "import os; open('environment', 'w').write(' '.join(os.environ)); " + SERVER
    started(source=source, environment={"AIRFLOW_HOME": "/x"})
    found = (tmp_path / "environment").read_text().split()
    assert "AIRFLOW_HOME" in found
    assert "AWS_SECRET_ACCESS_KEY" not in found


def _with(word: str) -> bool:
    """Whether a process of this machine has a word in its command."""
    time.sleep(0.2)
    return word in subprocess.run(["/bin/ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout


def test_it_outlives_who_started_it_even_where_it_asks_not_to(tmp_path: Path) -> None:
    """As PyPI's Envoy does, by `prctl(PR_SET_PDEATHSIG)`."""
    given = props(tmp_path, source="import ctypes; ctypes.CDLL(None).prctl(1, 15); " + SERVER)
    code = "import json, sys; from pulumi_airlock.environments.local.processes import *; "
    code += "print(json.dumps(LocalProcessProvider().create(json.loads(sys.argv[1])).outs))"
    done = subprocess.run([sys.executable, "-c", code, json.dumps(given)], capture_output=True, text=True, check=True)
    one = json.loads(done.stdout)
    try:
        time.sleep(0.3)
        assert running(one)
    finally:
        stop(one)
