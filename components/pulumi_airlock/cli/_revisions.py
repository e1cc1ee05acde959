"""Files, and whole projects, as a git revision has them. Git runs by itself, never through a shell, and is only read."""

import difflib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, Problem

_FETCH = "a shallow clone has few: `git fetch --unshallow`, or `fetch-depth: 0` in CI"


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError:
        raise InputError([Problem("git", "", "is not on PATH: give files instead of revisions")]) from None


def is_revision(text: str, folder: Path) -> bool:
    """Whether git knows a revision of this name here."""
    if not text or text.startswith("-"):
        return False
    return _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}").returncode == 0


def file_at(spec: str, folder: Path) -> bytes:
    """The content of `REVISION:path`: a path in the repository, or with `./` in the folder. InputError where there is none."""
    revision, _, path = spec.partition(":")
    _require(revision, spec, folder)
    for one in (path, f"./{path}"):
        done = _git(folder, "cat-file", "blob", f"{revision}:{one}")
        if done.returncode == 0:
            return done.stdout
    listed = _git(folder, "ls-tree", "-r", "-z", "--name-only", "--full-tree", "--end-of-options", revision).stdout
    known = [name.decode("utf-8", "replace") for name in listed.split(b"\0") if name]
    if any(name.startswith(f"{path.rstrip('/')}/") for name in known):
        raise InputError([Problem(spec, "", "is a folder: name a file in it")])
    near = difflib.get_close_matches(path, known, n=1) or [name for name in known if name.endswith(f"/{Path(path).name}")]
    hint = f"; did you mean {revision}:{near[0]}?" if near else ""
    raise InputError([Problem(spec, "", f"there is no such file in revision {revision}{hint}")])


def _require(revision: str, spec: str, folder: Path) -> None:
    """InputError unless there is a repository and the revision in it."""
    if _git(folder, "rev-parse", "--git-dir").returncode != 0:
        message = f"{folder.absolute()} is in no git repository: give files, or a folder of one with --cwd"
        raise InputError([Problem(spec, "", message)])
    if is_revision(revision, folder):
        return
    names = _git(folder, "for-each-ref", "--format=%(refname:short)").stdout.decode("utf-8", "replace").split()
    near = difflib.get_close_matches(revision, names, n=1)
    hint = f"did you mean {near[0]}?" if near else _FETCH
    raise InputError([Problem(spec, "", f"git has no revision {revision!r}: {hint}")])


@contextmanager
def checkout(revision: str, project: Path) -> Iterator[Path]:
    """A project's folder as a revision has it, in a temporary place: the whole repository, without its history.

    Submodules and what `.gitattributes` exclude from archives are not in it.
    """
    _require(revision, revision, project)
    top = Path(_git(project, "rev-parse", "--show-toplevel").stdout.decode().rstrip("\n"))
    with tempfile.TemporaryDirectory(prefix="airlock-") as folder:
        archive, tree = Path(folder, "tree.tar"), Path(folder, "tree")
        done = _git(top, "archive", "--format=tar", "-o", str(archive), revision)
        if done.returncode != 0:
            raise InputError(
                [Problem(revision, "", f"git cannot write it out: {done.stderr.decode('utf-8', 'replace').strip()}")]
            )
        try:
            with tarfile.open(archive) as found:
                found.extractall(tree, filter="data")
        except tarfile.TarError as error:
            raise InputError([Problem(revision, "", f"cannot be written out: {error}")]) from error
        archive.unlink()
        here = tree / project.resolve().relative_to(top.resolve())
        if not here.is_dir():
            raise InputError([Problem(revision, "", f"has no folder {here.relative_to(tree)}: the project was not there yet")])
        yield here


@contextmanager
def checkout_with_state(revision: str, project: Path) -> Iterator[Path]:
    """The same, on top of the state that the working tree has: what it knows already, both know."""
    with checkout(revision, project) as folder:
        state = project / ".airlock"
        if state.is_dir() and not (folder / ".airlock").exists():
            shutil.copytree(state, folder / ".airlock", ignore=shutil.ignore_patterns("*.lock", "*.new"))
        yield folder
