"""Files of the local stack as a Pulumi resource: configurations as given, secrets made up where they lie."""

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

_MODE = 0o600


class LocalFilesProvider(ResourceProvider):
    """Writes each file whole, beside the old one, and renames it: whoever watches the folder sees one or the other."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another content, or a file that somebody changed or took away, is written anew; another folder replaces all."""
        if olds["folder"] != news["folder"]:
            return DiffResult(changes=True, replaces=["folder"])
        same = olds["files"] == news["files"] and olds["random"] == news["random"]
        return DiffResult(changes=not (same and _as_written(news)))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Writes them all."""
        folder = Path(props["folder"])
        for name, text in props["files"].items():
            write(folder / name, text)
        for name in props["random"]:
            if not (folder / name).exists():
                write(folder / name, secrets.token_urlsafe(32))
        return CreateResult(str(folder), props)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Writes what is new, takes away what is not wanted any more."""
        for name in {*olds["files"], *olds["random"]} - {*news["files"], *news["random"]}:
            take_away(Path(news["folder"]) / name)
        return UpdateResult(self.create(news).outs)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Takes them away, and the folders that are empty then."""
        for name in [*props["files"], *props["random"]]:
            take_away(Path(props["folder"]) / name)


class LocalFiles(Resource, module="airlock", name="LocalFiles"):
    """Files in a folder, readable by their owner alone."""

    folder: pulumi.Output[str]
    files: pulumi.Output[dict[str, str]]

    def __init__(
        self,
        name: str,
        *,
        folder: Path,
        files: Mapping[str, str],
        random: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Files: path inside the folder → text. `random`: files that get a secret of 256 bits, once."""
        props = {"folder": str(folder), "files": dict(files), "random": list(random)}
        super().__init__(LocalFilesProvider(), name, props, opts)


def digest(files: Mapping[str, str]) -> str:
    """A digest of files' contents, for a process that reads them at its start."""
    return sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]


def write(path: Path, text: str) -> None:
    """Writes a file whole, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)


def take_away(path: Path) -> None:
    """Deletes a file where it is there, and its folder where that is empty then."""
    path.unlink(missing_ok=True)
    with suppress(OSError):  # where there is more in it
        path.parent.rmdir()


def _as_written(props: Mapping[str, Any]) -> bool:
    folder = Path(props["folder"])
    try:
        return all((folder / name).read_text() == text for name, text in props["files"].items()) and all(
            (folder / name).exists() for name in props["random"]
        )
    except OSError:
        return False
