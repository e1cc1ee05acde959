"""Runs the `airlock` command as a shell would, within this process: what it prints, what it says is wrong, its exit status."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pulumi_airlock.cli import main


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    status: int
    out: str
    err: str


class Airlock:
    """The command, in a folder."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capture = patch, capture

    def __call__(self, *arguments: str, cwd: Path) -> Done:
        """Runs it. Whatever it raises besides its exit status is a fault, and passes."""
        with self._patch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", ["airlock", *arguments])
            patch.setattr("pulumi_airlock.cli.gc.freeze", lambda: None)  # the tests go on
            patch.setenv("TERM", "dumb")
            patch.setenv("COLUMNS", "400")
            self._capture.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        said = self._capture.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else int(code is not None), said.out, said.err)
