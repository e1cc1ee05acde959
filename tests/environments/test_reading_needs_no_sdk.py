"""Readers run in policy packs and notebooks, where the AWS SDK need not be installed."""

import subprocess
import sys

PROGRAM = """
import sys
sys.modules["pulumi_aws"] = None  # importing it fails
from pulumi_airlock.environments.mwaa import read, read_environments
from pulumi_airlock.gates.stack import Stack
assert not list(read_environments(Stack([]))) and not list(read(Stack([])))
"""


def test_reading_works_without_pulumi_aws() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
