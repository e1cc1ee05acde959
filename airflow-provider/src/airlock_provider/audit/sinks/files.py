"""JSON lines to a file or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..ocsf import Event
from .base import Settings, line_of


class FileSink:
    """Appends lines to a file that many processes may share: each batch is one `write` to a file opened for appending.

    The file is opened again where it was moved away (logrotate). Readable by its owner and group.
    """

    batch = 500

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._torn = b""

    @classmethod
    def of(cls, settings: Settings) -> FileSink:
        """`path`."""
        path = settings.text("path")
        if path and Path(path).is_dir():
            settings.problem(f"path: {path!r} is a folder")
        return cls(path)

    def write(self, events: Sequence[Event]) -> None:
        """Appends them. Of what a full disk takes half, the rest of the line is damaged, and the next batch starts a new one."""
        data = self._torn + "".join(line_of(event) + "\n" for event in events).encode("utf-8", "backslashreplace")
        descriptor = self._opened()
        while data:
            data = data[os.write(descriptor, data) :]
            self._torn = b"\n" if data else b""

    def close(self) -> None:
        """Closes the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _opened(self) -> int:
        if self._descriptor >= 0 and not self._moved():
            return self._descriptor
        self.close()
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return self._descriptor

    def _moved(self) -> bool:
        try:
            there, here = os.stat(self._path), os.fstat(self._descriptor)
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)


class StdoutSink:
    """Lines to standard output: the task's log, in a task's process."""

    batch = 100

    @classmethod
    def of(cls, settings: Settings) -> StdoutSink:
        """Has no settings."""
        return cls()

    def write(self, events: Sequence[Event]) -> None:
        """Writes each line at once, so that lines of others do not come between."""
        for event in events:
            sys.stdout.write(line_of(event) + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing of ours is open."""
