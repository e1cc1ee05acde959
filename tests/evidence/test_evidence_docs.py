"""The commands of docs/evidence.md, as they stand there, on another stack."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the page uses openssl")
def test_the_commands_of_the_page(desk: Path, tmp_path: Path):
    project = shutil.copytree(desk, tmp_path / "desk")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL) for line in block.splitlines()]
    assert sum(one.startswith("airlock evidence") for one in commands) >= 5
    for command in commands:
        words = shlex.split(command.replace("prod-mwaa", "good"))
        if words[0] == "airlock":
            words[:1] = [sys.executable, "-m", "pulumi_airlock.cli"]
        done = subprocess.run(words, cwd=project, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
