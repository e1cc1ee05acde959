"""What starts and stops the real servers, tried on small ones."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from real_processes import NotReadyError, Shared, free_port, listening, server

HERE = Path(__file__).parent
USER = """
import sys, time
from contextlib import contextmanager
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from real_processes import Shared

def starts(name):
    @contextmanager
    def start(home):
        with (home / "log").open("a") as log:
            log.write("start ")
        yield {"name": name}
        with (home / "log").open("a") as log:
            log.write("stop ")
    return start

folder, me, names, lasts = Path(sys.argv[2]), sys.argv[3], sys.argv[4].split(","), float(sys.argv[5])
with Shared(folder) as servers:
    for name in names:
        assert servers.get(name, starts(name)) == servers.get(name, starts(name)) == {"name": name}
        time.sleep(0.3)
    (folder / f"{me}.uses").touch()
    while not (folder / "go").exists():
        time.sleep(0.02)
    time.sleep(lasts)
    for name in names:
        assert (folder / name / "log").read_text().endswith("start "), "stopped while somebody used it"
"""


def together(folder: Path, *each: tuple[str, float]) -> None:
    """Processes that use these servers, and end as many seconds after all of them do."""
    folder.mkdir(exist_ok=True)
    for old in (*folder.glob("*.uses"), *folder.glob("go")):
        old.unlink()
    running = [
        subprocess.Popen([sys.executable, "-c", USER, str(HERE), str(folder), str(me), names, str(lasts)])
        for me, (names, lasts) in enumerate(each)
    ]
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.uses"))) < len(each) and time.monotonic() < deadline:
        time.sleep(0.02)
    (folder / "go").touch()
    assert [one.wait(timeout=60) for one in running] == [0] * len(each)


def test_processes_start_one_server_and_the_last_of_them_ends_it(tmp_path: Path) -> None:
    together(tmp_path, ("one", 0), ("one", 0.4), ("one", 0.2))
    assert (tmp_path / "one" / "log").read_text() == "start stop "


def test_two_processes_that_use_one_anothers_servers_both_end(tmp_path: Path) -> None:
    together(tmp_path, ("one,two", 0), ("two,one", 0))


def test_a_server_that_was_ended_is_started_again(tmp_path: Path) -> None:
    together(tmp_path, ("one", 0))
    together(tmp_path, ("one", 0))
    assert (tmp_path / "one" / "log").read_text() == "start stop start stop "


LISTENS = """
import http.server, subprocess, sys
subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", sys.argv[2]])
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


def test_a_servers_own_children_end_with_it(tmp_path: Path) -> None:
    own, childs = free_port(), free_port()
    command = [sys.executable, "-c", LISTENS, str(own), str(childs)]
    with server(command, tmp_path / "log", lambda: listening(own) and listening(childs), within=30):
        assert listening(childs)
    deadline = time.monotonic() + 10
    while listening(childs) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listening(own)
    assert not listening(childs)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such configuration')"]
    with pytest.raises(NotReadyError, match=r"ended with 1(.|\n)*no such configuration"), server(command, tmp_path / "log", bool):
        pass
    command = [sys.executable, "-c", "import time; print('waiting', flush=True); time.sleep(60)"]
    with (
        pytest.raises(NotReadyError, match=r"not ready within 2 s(.|\n)*waiting"),
        server(command, tmp_path / "other.log", bool, within=2),
    ):
        pass


def test_what_started_badly_is_no_server_for_others(tmp_path: Path) -> None:
    def fails(home: Path):
        raise NotReadyError("no")

    with Shared(tmp_path) as servers:
        for _ in range(2):
            with pytest.raises(NotReadyError):
                servers.get("one", fails)
