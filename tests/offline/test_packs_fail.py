"""Packs that do not start, crash, hang, or must die with us: the user is told which and why, and nothing is left running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pulumi.runtime.proto import analyzer_pb2
from pulumi_airlock.offline.packs import PackSpec, PolicyPackError, PolicyPacks, load_manifest
from pulumi_airlock.offline.packs.client import Timeouts

PACKS = Path(__file__).parent / "packs"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hunter2"}


def start(*names: str, timeouts: Timeouts | None = None) -> PolicyPacks:
    return PolicyPacks.start([PackSpec(PACKS / name) for name in names], project="bank", stack="prod", timeouts=timeouts)


def failure(*names: str, timeouts: Timeouts | None = None) -> PolicyPackError:
    with start(*names, timeouts=timeouts) as packs, pytest.raises(PolicyPackError) as caught:
        _ = packs.infos
    return caught.value


def request(**properties: object) -> analyzer_pb2.AnalyzeRequest:
    made = analyzer_pb2.AnalyzeRequest(urn="urn:pulumi:prod::bank::test:index:Bucket::one", type="test:index:Bucket", name="one")
    made.properties.update(properties)
    return made


def is_running(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc").is_dir()


def gone(pid: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def test_a_pack_that_crashes_at_import_shows_its_traceback() -> None:
    text = str(failure("import_crash"))
    assert f"{PACKS / 'import_crash'}: failed to start (exit status 1)" in text
    assert "No module named 'a_module_that_is_not_installed'" in text
    assert "__main__.py" in text


def test_every_pack_that_fails_is_told_at_once() -> None:
    error = failure("import_crash", "house", "idle")
    assert [Path(problem.place).name for problem in error.problems] == ["import_crash", "idle"]
    assert "built no PolicyPack" in str(error)


def test_a_pack_that_prints_before_its_port_is_refused_as_the_cli_does() -> None:
    assert "printed 'loading rules' before its port: print to standard error" in str(failure("printing"))


def test_a_pack_may_print_while_it_works() -> None:
    lines: list[tuple[str, str]] = []
    packs = PolicyPacks.start(
        [PackSpec(PACKS / "second")],
        project="bank",
        stack="prod",
        config={"bank:name": "one"},
        secret_keys=["bank:name"],
        on_output=lambda pack, line: lines.append((pack, line)),
    )
    with packs:
        packs.analyze(request())
        deadline = time.monotonic() + 5
        while not lines and time.monotonic() < deadline:
            time.sleep(0.01)
    assert lines == [("second", "looking at [secret]")]


def test_a_policy_that_crashes_names_the_resource_and_the_line_but_no_secret() -> None:
    with start("policy_crash", "house") as packs, pytest.raises(PolicyPackError) as caught:
        packs.analyze(request(password=SECRET))
    text = str(caught.value)
    assert "policy_crash: crashed while it looked at urn:pulumi:prod::bank::test:index:Bucket::one" in text
    assert "no [secret] can be divided" in text
    assert "in divide" in text
    assert "hunter2" not in text


def test_a_pack_still_answers_after_a_policy_crashed() -> None:
    with start("policy_crash") as packs:
        for _ in range(2):
            with pytest.raises(PolicyPackError):
                packs.analyze(request(password="x"))


def test_a_pack_that_ends_while_it_works_says_how() -> None:
    with start("policy_crash") as packs:
        _ = packs.infos
        with pytest.raises(PolicyPackError) as caught:
            packs.analyze(request(die=True))
    assert "ended with exit status 7 while it looked at urn:pulumi:prod::bank::test:index:Bucket::one" in str(caught.value)


def test_a_pack_that_does_not_start_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOW_START", "1")
    assert "did not start within 1 s" in str(failure("slow", timeouts=Timeouts(start=1)))


def test_a_pack_that_does_not_answer_in_time_is_given_up() -> None:
    with start("slow", timeouts=Timeouts(answer=3)) as packs, pytest.raises(PolicyPackError) as caught:
        packs.analyze(request())
    assert "did not answer within 3 s while it looked at urn:" in str(caught.value)


def test_closing_ends_the_packs_and_all_that_they_started() -> None:
    lines: list[str] = []
    packs = PolicyPacks.start(
        [PackSpec(PACKS / "slow"), PackSpec(PACKS / "house")],
        project="bank",
        stack="prod",
        on_output=lambda pack, line: lines.append(line),
    )
    _ = packs.infos
    children = [int(line.removeprefix("child ")) for line in lines if line.startswith("child ")]
    assert len(children) == 1
    assert all(is_running(pid) for pid in (*packs.pids, *children))
    packs.close()
    packs.close()
    assert all(gone(pid) for pid in (*packs.pids, *children))


HOST = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background inherits that it is ignored
from pathlib import Path
from pulumi_airlock.offline.packs import PackSpec, PolicyPacks
children = []
pack = PackSpec(Path(sys.argv[1]))
packs = PolicyPacks.start([pack], project="bank", stack="prod", on_output=lambda name, line: children.append(line))
_ = packs.infos
print(*packs.pids, children[0].removeprefix("child "), flush=True)
if sys.argv[2] == "crash":
    raise SystemError("on purpose")
time.sleep(60)
"""


@pytest.mark.parametrize("end", ["kill", "terminate", "interrupt", "crash"])
def test_a_pack_does_not_outlive_us(end: str) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(PACKS / "slow"), end], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert host.stdout is not None
        pids = [int(pid) for pid in host.stdout.readline().split()]
        assert len(pids) == 2
        if end != "crash":
            host.send_signal({"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "interrupt": signal.SIGINT}[end])
        host.wait(timeout=20)
        assert all(gone(pid) for pid in pids)
    finally:
        host.kill()
        host.communicate()


def test_a_folder_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyPackError, match=r"is not a policy pack: it has no PulumiPolicy\.yaml"):
        start(str(tmp_path))


def test_a_pack_of_another_language_is_refused_with_a_way_out() -> None:
    with pytest.raises(PolicyPackError, match=r"runtime: 'nodejs' does not run offline: .* run others with the Pulumi CLI"):
        start("nodejs")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("runtime: [", "is not YAML"),
        ("", "holds no settings"),
        ("runtime: {name: python, options: {virtualenv: venv}}", "'venv' is not there; make it: python -m venv"),
        ("runtime: {name: python, options: {toolchain: poetry}}", "name the environment with `virtualenv`"),
        ("runtime: {name: python, options: 3}", "3 is not an object"),
    ],
)
def test_a_manifest_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "PulumiPolicy.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "__main__.py").touch()
    with pytest.raises(PolicyPackError) as caught:
        load_manifest(tmp_path)
    assert expected in str(caught.value)


def test_a_pack_with_its_own_environment_runs_in_it(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: {name: python, options: {virtualenv: ../own}}\n", encoding="utf-8")
    (pack / "__main__.py").write_text("import sys\nsys.exit(f'{sys.prefix} is where I run')\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "own")], check=True)
    site = next((tmp_path / "own").glob("lib/python*/site-packages"))
    (site / "ours.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")), encoding="utf-8")
    with PolicyPacks.start([PackSpec(pack)], project="bank", stack="prod") as packs, pytest.raises(PolicyPackError) as caught:
        _ = packs.infos
    assert "own is where I run" in str(caught.value)
