"""A reader at a desk: a folder, and the `airlock` command in it, in this process; previews of the same files are made once."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from doc_blocks import ROOT, Block
from pulumi_airlock.cli import _stacks, app
from pulumi_airlock.errors import AirlockError
from pulumi_airlock.offline.project import find_project
from typer.testing import CliRunner

GIT = {"GIT_CONFIG_GLOBAL": "/dev/null"} | {
    f"GIT_{who}_{what}": "r@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
ENV = {"COLUMNS": "200", "NO_COLOR": "1", **GIT, "PYTHONDONTWRITEBYTECODE": "1"}
PLAIN = re.compile(r"airlock [^|<>$;&*']*(?:'[^']*'[^|<>$;&*']*)*")
"""A command that needs no shell."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command said."""

    status: int
    text: str


class Reader:
    """Runs commands as a page has them, in a folder, each command once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._done: dict[str, Done] = {}

    def run(self, command: str) -> Done:
        """Runs one command: `airlock` in this process where no shell is needed, everything else in bash."""
        if command not in self._done:
            self._done[command] = self._run(command)
        return self._done[command]

    def forget(self) -> None:
        """What was done is done anew: files have changed."""
        self._done.clear()

    def _run(self, command: str) -> Done:
        words = shlex.split(command, comments=True)
        prints_past_us = {"--json", "--schema", "schema", "up", "destroy"} & set(words)  # onto the real standard output; plugins
        if PLAIN.fullmatch(command) and words[0] == "airlock" and not prints_past_us:
            with chdir(self.folder):
                done = CliRunner().invoke(app, words[1:], env=ENV, prog_name="airlock")
            if done.exception and not isinstance(done.exception, SystemExit):
                if not isinstance(done.exception, AirlockError):
                    raise done.exception
                return Done(1, f"{done.output}error: {done.exception}\n")
            return Done(done.exit_code, done.output)
        env = os.environ | ENV | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        ran = subprocess.run(["/bin/bash", "-c", command], cwd=self.folder, env=env, check=False, timeout=300, **both)  # type: ignore[call-overload]
        return Done(ran.returncode, ran.stdout)


def repository(folder: Path, *changes: Callable[[Path], None]) -> Path:
    """This repository's project in a git repository at `folder`, one commit on `main`, and one for each change after it."""
    for name in ("stacks", "policy-packs", "Pulumi.yaml", "Makefile", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name, **({"ignore": shutil.ignore_patterns("__pycache__")} if (ROOT / name).is_dir() else {}))
    (folder / ".gitignore").write_text(".airlock\n")
    git(folder, "init", "-q", "-b", "main")
    for change in (lambda where: None, *changes):
        change(folder)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "as it is")
    return folder


def git(folder: Path, *arguments: str) -> None:
    """Git, as somebody whose settings do not matter."""
    named = ["-c", "user.name=test", "-c", "user.email=test@bank.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *named, *arguments], check=True, capture_output=True)  # noqa: S607


@contextmanager
def previews_once() -> Iterator[None]:
    """Meanwhile a stack of the same files is previewed once, whichever command asks."""
    known: dict[tuple[str, str], Any] = {}
    real = _stacks.stack_of

    def cached(stack: str | None, from_file: Path | None, cwd: Path) -> Any:
        if stack is None or from_file is not None:
            return real(stack, from_file, cwd)
        key = (stack, _digest(find_project(cwd).root))
        if key not in known:
            known[key] = real(stack, None, cwd)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_stacks, "stack_of", cached)
        yield


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.suffix in (".py", ".yaml", ".pem", ".txt") and not any(one.startswith(".") for one in inside):
            found.update("/".join(inside).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def assert_shows(block: Block, output: str) -> None:
    """Holds a shown output against a real one: whole, or in order the parts between `…`, however wrapped."""
    real, at = " ".join(output.split()), 0
    pieces = [piece for each in block.text.split("…") if (piece := " ".join(each.split()))]
    whole = "…" not in block.text
    for piece in pieces:
        found = real.find(piece, at)
        assert found >= 0, f"{block.place} shows\n\n{piece}\n\nwhich is not, or not there, in\n\n{output}"
        at = found + len(piece)
    assert not whole or real == pieces[0], f"{block.place} shows a part alone; write … where something is left out of\n\n{output}"
