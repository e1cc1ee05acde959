"""What a script can rely on: 1 for a wrong command or file, with the fix on standard error and no traceback."""

from pathlib import Path

import pytest
from airlock_command import airlock

ROOT = Path(__file__).parents[2]

WRONG = {
    "an unknown command": (["frobnicate"], "frobnicate"),
    "an unknown option": (["preview", "--stak", "dev-mwaa"], "--stak"),
    "no stack of that name": (["preview", "--stack", "prd"], "prod-mwaa"),
    "a file that is not JSON": (["prove", "--from", "README.md"], "is not JSON"),
    "no such access file": (["check", "nowhere.yaml"], "nowhere.yaml"),
    "no such policy pack": (["preview", "--stack", "dev-mwaa", "--policy-pack", "nowhere"], "nowhere"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_exits_with_1_and_says_what_is_wrong(name: str):
    arguments, said = WRONG[name]
    done = airlock(*arguments, cwd=ROOT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
