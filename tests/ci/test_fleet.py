"""`airlock fleet`: one stack that fails keeps no other from its preview, the worst decides, and nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ci_cases import airlock, environment
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.report.comment import MOST
from pulumi_airlock.report.fleet import MARK, Outcome, to_markdown, worst


@pytest.fixture(scope="module")
def fleet(repository: Path, packs: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict], Path, int]:
    """All stacks of the topic branch against `main`, where one of them does not even load: outcomes, reports, exit status."""
    reports = tmp_path_factory.mktemp("fleet")
    access = repository / "access" / "retail-ch.yaml"
    before = access.read_text()
    access.write_text(before.replace("to: [warehouse]", "to: [warehose]"))
    options = ["--base", "main", "--reports", str(reports), "--markdown", str(reports / "comment.md")]
    try:
        done = airlock(repository, "fleet", "--json", "--jobs", "2", *options, *packs)
    finally:
        access.write_text(before)
    assert done.stdout, done.stderr
    return {one["stack"]: one for one in json.loads(done.stdout)["stacks"]}, reports, done.returncode


def test_each_stack_comes_to_its_own_outcome(fleet):
    found, _, status = fleet
    assert {name: one["status"] for name, one in found.items()} == {"retail-ch": 1, "retail-de": 2, "treasury-ch": 0}
    assert status == 1
    assert 'no destination "warehose"' in found["retail-ch"]["error"]
    assert found["retail-de"]["excess"] == 1
    assert found["treasury-ch"]["resources"] > 50
    assert found["treasury-ch"]["excess"] == found["treasury-ch"]["mandatory"] == 0
    assert all(one["seconds"] > 0 and one["megabytes"] > 50 for one in found.values())


def test_the_access_of_each_is_compared_with_the_base(fleet):
    found, reports, _ = fleet
    assert "1 excess: 1 added" in found["retail-de"]["difference"]
    assert found["treasury-ch"]["difference"] == "Access: 1 added, 1 removed"
    comment = (reports / "comment.md").read_text()
    assert comment.startswith(f"{MARK}\n### Airlock: ❌ **2 of 3 stacks fail**")
    assert "<code>8443/tcp</code>" in comment
    assert "hand-written" in comment
    assert "warehose" in comment


def test_reports_and_logs_of_each_are_written(fleet):
    _, reports, _ = fleet
    for stack in ("retail-ch", "retail-de", "treasury-ch"):
        for end in (".sarif", ".junit.xml", ".txt"):
            assert (reports / f"{stack}{end}").stat().st_size, stack + end
    assert "✓ proven" in (reports / "treasury-ch.txt").read_text()
    assert "error: " in (reports / "retail-ch.txt").read_text()


def test_patterns_that_mean_no_stack_are_told_all_at_once(repository: Path):
    done = airlock(repository, "fleet", "retail-*", "retale-ch", "prod-*")
    assert done.returncode == 1
    assert "no stack 'retale-ch'; did you mean \"retail-ch\"?" in done.stderr
    assert "no stack 'prod-*'" in done.stderr


def test_a_process_that_is_killed_is_a_failure_of_its_stack_alone(repository: Path):
    program = repository / "__main__.py"
    before = program.read_text()
    killing = "import os, signal\nif pulumi.get_stack() == 'retail-de':\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    program.write_text(before.replace("import pulumi\n", f"import pulumi\n{killing}", 1))
    try:
        done = airlock(repository, "fleet", "retail-*", "--no-policy-packs", "--json")
    finally:
        program.write_text(before)
    found = {one["stack"]: one for one in json.loads(done.stdout)["stacks"]}
    assert found["retail-de"]["error"].startswith("its process ended with SIGKILL")
    assert found["retail-ch"]["status"] == 0
    assert done.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_leaves_no_process(repository: Path, packs: list[str], number: signal.Signals, tmp_path: Path):
    mark = f"AIRLOCK_TEST_{os.getpid()}_{number.name}"
    command = [sys.executable, "-m", "pulumi_airlock.cli", "fleet", "--jobs", "2", "--reports", str(tmp_path), *packs]
    process = subprocess.Popen(command, cwd=repository, env=environment(**{mark: "1"}), stderr=subprocess.PIPE, text=True)
    try:
        _wait(lambda: len(_with(mark)) >= 5, "no packs are running")  # the command, two stacks, and packs of theirs
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}" in said
    _wait(lambda: not _with(mark), "processes are left")


def _with(mark: str) -> list[int]:
    """The processes that have a variable in their environment, and so were started by the command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{mark}=1".encode() in (folder / "environ").read_bytes() and b"zombie" not in (folder / "status").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _wait(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


statuses = st.integers(-15, 255)
texts = st.text(max_size=30)
outcomes = st.builds(
    Outcome, stack=texts, status=statuses, error=texts, findings=st.lists(texts).map(tuple), difference=texts, comment=texts
)


@given(st.lists(outcomes, min_size=1, max_size=5))
def test_the_worst_stack_decides_and_anything_unheard_of_is_a_failure(found: list[Outcome]):
    status = worst(found)
    assert (status == 0) == all(one.status == 0 for one in found)
    assert status in (0, 1, 2, 3)
    assert to_markdown(found).startswith(f"{MARK}\n")


def test_a_comment_has_room_for_its_verdict_whatever_differs():
    found = [Outcome(f"stack-{number}", 0, difference="1 added", comment="x" * 9_000) for number in range(20)]
    text = to_markdown(found, base="main")
    assert len(text) < MOST + 5_000
    assert "stack-19" in text
    assert "Too long for a comment" in text
