"""`airlock audit` from end to end: files, standard input, what it writes, and what is wrong with a question."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from trail_lines import logs


def run(folder: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pulumi_airlock.cli", "audit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder, input=stdin)


def test_standard_input_and_compressed_files_answer_the_same(tmp_path: Path) -> None:
    names = logs(tmp_path)
    plain = json.loads(run(tmp_path, *names, "--json").stdout)
    (tmp_path / "proxy.jsonl.gz").write_bytes(gzip.compress((tmp_path / "proxy.jsonl").read_bytes()))
    events = (tmp_path / "events.jsonl").read_text()
    other = json.loads(run(tmp_path, "-", "proxy.jsonl.gz", "fortigate.log", "--json", stdin=events).stdout)

    assert other["reached"] == plain["reached"]
    assert {one["file"] for one in other["runs"][0]["entries"]} == {"standard input", "proxy.jsonl.gz", "fortigate.log"}


def test_page_and_events_are_written_beside_the_answer(tmp_path: Path) -> None:
    names = logs(tmp_path)
    done = run(tmp_path, *names, "--to", "warehouse", "--html", "page.html", "--ocsf", "gates.jsonl")

    assert done.returncode == 0, done.stderr
    assert "wrote page.html" in done.stderr
    assert "<svg" in (tmp_path / "page.html").read_text()
    events = [json.loads(line) for line in (tmp_path / "gates.jsonl").read_text().splitlines()]
    assert {one["metadata"]["product"]["name"] for one in events} == {"tcp_proxy", "edge"}
    assert {one["dst_endpoint"].get("svc_name") for one in events} == {"warehouse"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["events.jsonl", "--on", "someday"], "--on: 'someday' is no day: write one as in tuesday"),
        (["events.jsonl", "--on", "today", "--from", "1h"], "--on: says from when until when: leave --from and --until out"),
        (["events.jsonl", "--from", "1h", "--until", "2h"], "--until: 2h is not after 1h"),
        (["events.jsonl", "--timezone", "Nowhere"], "--timezone: 'Nowhere' is no time zone"),
        (["events.jsonl", "--log-format", "no fields"], "--log-format: no format of flow logs"),
        (["none.jsonl", "neither.jsonl"], "none.jsonl: cannot be read: No such file or directory\nneither.jsonl: cannot be read"),
        (["."], ".: is a folder: name the files in it"),
        (["events.jsonl", "--html", "no/such/folder.html"], "no/such/folder.html: cannot be written"),
    ],
)
def test_a_wrong_question_is_told(arguments: list[str], said: str, tmp_path: Path) -> None:
    logs(tmp_path)
    done = run(tmp_path, *arguments)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_where_nothing_can_be_read_the_status_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("no log\nneither\n")
    done = run(tmp_path, "broken")

    assert done.returncode == 1
    assert "Not shown: 2 × a line of no log that is known here, the first at broken:1" in done.stdout
    assert "no log given has an event of a task" in done.stdout
