"""Records what a release makes of each stack: `make record-release REVISION=v0.2.0`.

The revision's own library runs its own programs on its own offline engine; what is kept is the programs (`programs.tar.gz`) and
the state of each stack. Packages of others are those that are installed. Of `local`, whose resources are processes and files of
one machine, no state is kept, but the providers that its resources have in a state (`providers.json`): they end them.
"""

import argparse
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from pulumi_airlock.offline.dynamic import PROVIDER
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.state import StateFile

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "recorded"
PROGRAMS = "programs.tar.gz"
PARTS = ("Pulumi.yaml", "stacks")
KEY = b"of recorded states: no secret".ljust(32, b".")
"""What secrets in a state are hashed with. The same one when it is read, or every secret would look changed."""
LOCAL = "local"
PROVIDERS = "providers.json"


def main() -> None:
    parser = argparse.ArgumentParser(description="Records the state of each stack of a release.")
    parser.add_argument("revision", help="the release: a tag or a commit")
    revision = parser.parse_args().revision
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _export(revision, folder)
        version = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
        target = RECORDED / version
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        (target / PROGRAMS).write_bytes(_packed(folder))
        for stack in _stacks(folder):
            print(f"{version}: {stack}", flush=True)
            (target / f"{stack}.json.gz").write_bytes(gzip.compress(_state(folder, stack), mtime=0))
        print(f"{version}: {LOCAL}", flush=True)
        (target / PROVIDERS).write_text(json.dumps(_providers(folder), indent=1, sort_keys=True) + "\n")


def _export(revision: str, folder: Path) -> None:
    command = ["git", "archive", "--format=tar", revision, "components", "pyproject.toml", *PARTS]
    archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def _packed(folder: Path) -> bytes:
    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for part in PARTS:
            tar.add(folder / part, part, filter=plain)
    return gzip.compress(packed.getvalue(), mtime=0)


def _stacks(folder: Path) -> list[str]:
    found = (path.name.split(".")[1] for path in (folder / "stacks").glob("Pulumi.*.yaml"))
    return sorted(name for name in found if name != LOCAL)


def _state(folder: Path, stack: str) -> bytes:
    kept = StateFile(folder, find_project(folder).name, stack)
    kept.folder.mkdir(parents=True, exist_ok=True)
    (kept.folder / "key").write_bytes(KEY)
    _airlock(folder, "up", "--stack", stack, "--yes")
    return kept.path.read_bytes()


def _providers(folder: Path) -> dict[str, str]:
    """Type of dynamic resource → its provider, as a state of the stack of this machine has it. Nothing of the stack runs."""
    settings = folder / "stacks" / f"Pulumi.{LOCAL}.yaml"
    text = settings.read_text()
    for tool in (".venv-airflow/bin/python", ".venv-parts/bin/envoy"):
        text = text.replace(tool, sys.executable)
    settings.write_text(text)
    document = json.loads(_airlock(folder, "preview", "--stack", LOCAL, "--json"))
    states = [step["newState"] for step in document["steps"]]
    return {one["type"]: one["inputs"][PROVIDER] for one in states if PROVIDER in one.get("inputs", {})}


def _airlock(folder: Path, *arguments: str) -> bytes:
    env = os.environ | {"PYTHONPATH": str(folder / "components")}
    command = [sys.executable, "-m", "pulumi_airlock.cli", *arguments, "--no-policy-packs"]
    return subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    main()
