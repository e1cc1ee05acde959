"""A corpus of malformed inputs: each is given to the real command, which says what is wrong, where, and what to write instead.

`corpus/base` holds inputs that are sound. A case of `corpus/*.yaml` changes them (`change`: file → [old, new] of its text;
`write`: file → text; `bytes`: file → hexadecimal; `take`: files to take away), runs a command, and tells the whole error. With
AIRLOCK_WRITE=1 what is said today is written into the cases: look at each before it is committed.
"""

import os
import re
import shlex
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from airlock_provider import manifest
from commands import Airlock
from pulumi_airlock import logs
from pulumi_airlock.brownfield.reading import MODULES
from pulumi_airlock.cli import COMMANDS
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

CORPUS = Path(__file__).parent / "corpus"
BASE = CORPUS / "base"
ACCESS = Path(__file__).parents[1] / "access" / "cases"
FILES = sorted(CORPUS.glob("*.yaml"))
FRAME = re.compile(r"^[│╭╰─╮╯ ]+|[│╭╰─╮╯ ]+$", re.MULTILINE)
"""What is drawn around the errors of a command line."""
USAGE = re.compile(r"^(Usage: .*|Try 'airlock.*|Error)\n*", re.MULTILINE)


@cache
def document(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def cases() -> list[Any]:
    return [
        pytest.param(path, number, id=f"{path.stem}: {one['says']}")
        for path in FILES
        for number, one in enumerate(document(path)["cases"])
    ]


def prepare(case: dict[str, Any], folder: Path) -> None:
    shutil.copytree(BASE, folder, dirs_exist_ok=True)
    for name, changes in case.get("change", {}).items():
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    for name in case.get("take", ()):
        (folder / name).unlink()
    for name, content in [*case.get("write", {}).items(), *case.get("bytes", {}).items()]:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(bytes.fromhex(content) if name in case.get("bytes", {}) else content.encode("utf-8"))


def said(error: str, folder: Path) -> str:
    """An error without what differs from run to run, and without a frame."""
    plain = USAGE.sub("", FRAME.sub("", error.replace(str(folder), "…")))
    return re.sub(r"\n\n+", "\n", plain).strip()


@pytest.mark.parametrize(("path", "number"), cases())
def test_it_is_refused_with_a_clear_error(
    path: Path, number: int, airlock: Airlock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = document(path)["cases"][number]
    prepare(case, tmp_path)
    for name, value in {"PULUMI_CONFIG_PASSPHRASE": None, **case.get("env", {})}.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    if "manifest" in case:
        with pytest.raises(manifest.ManifestError) as caught:
            manifest.parse(case["manifest"])
        found, status = str(caught.value), 1
    else:
        done = airlock(*shlex.split(case["run"]), cwd=tmp_path)
        found, status = said(done.err or done.out, tmp_path), done.status
    if os.environ.get("AIRLOCK_WRITE"):
        write(path, number, found, status)
        return
    assert found == case["error"].strip()
    assert status == case.get("status", 1)


def write(path: Path, number: int, found: str, status: int) -> None:
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 1000, True
    content = yaml.load(path.read_text(encoding="utf-8"))
    content["cases"][number]["error"] = LiteralScalarString(found + "\n") if "\n" in found else found
    if status != 1:
        content["cases"][number]["status"] = status
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


SOUND = [
    "check access.yaml",
    "preview --stack dev --no-policy-packs",
    "prove --from state.json",
    "prove --from preview.json",
    "import fw.conf --environment finance=10.40.0.0/26 --out imported.json",
    "import objects.yaml groups.json zpa.json --environment finance=10.40.0.0/26",
    "learn fw.log silent.log flow.log envoy.log hubble.log gcp.log lss.log nss.log proxy.log --runs runs.csv",
    "learn --aggregated aggregated.csv",
    "audit events.log proxy.log fw.log",
    "explain --from-response answer.txt",
    "verify fw.log flow.log lss.log nss.log --from state.json",
]


@pytest.mark.parametrize("command", SOUND)
def test_what_is_changed_is_sound_before(command: str, airlock: Airlock, tmp_path: Path) -> None:
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    done = airlock(*shlex.split(command), cwd=tmp_path)
    assert done.status in (0, 3), done.err
    assert "error" not in done.err


def test_the_corpus_is_large_and_no_case_stands_twice() -> None:
    own = [one for path in FILES for one in document(path)["cases"]]
    of_access = [one for path in ACCESS.glob("*.yaml") for one in document(path)]
    assert len(own) >= 150
    assert len(own) + len(of_access) >= 300
    names = [(path, one["says"]) for path in FILES for one in document(path)["cases"]]
    assert len(names) == len(set(names))


def test_every_command_has_a_malformed_input() -> None:
    run = {shlex.split(one["run"])[0] for path in FILES for one in document(path)["cases"] if "run" in one}
    assert run >= set(COMMANDS)


def test_every_reader_has_malformed_inputs() -> None:
    """A new one brings its own: sources of `import`, formats of logs, and what stands in a file of a project."""
    formats = {one.__module__.rpartition(".")[2] for one in logs._OF} | {"fortigate"}
    sources = {one.__name__.rpartition(".")[2] for one in MODULES}
    others = {"project", "config", "fixtures", "state", "passphrase", "pack", "levels", "aggregated", "runs", "events", "answer"}
    others |= {"evidence", "keys", "manifest", "documents", "revisions", "options", "comment", "access"}
    told = {one.get("reader", document(path)["reader"]) for path in FILES for one in document(path)["cases"]}
    assert told == formats | sources | others
