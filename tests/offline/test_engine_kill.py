"""The state file is whole after `kill -9` at any moment, and the next update goes on from there."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.session import Session

# Creates, replaces and destroys over and over, writing after every operation, until it is killed.
VICTIM = """
import os, sys
from pathlib import Path
from pulumi_airlock.offline import session
from pulumi_airlock.offline.project import find_project

session.CHECKPOINT_SECONDS = -1
with session.Session(find_project(Path(sys.argv[1])), "dev") as run, run.locked("victim"):
    run.apply(run.destruction())
    creating = run.update()
    run.apply(creating)
    os.environ["CIDR"] = "10.1.0.0/16"
    replacing = run.update()
    assert {one.op.value for one in replacing.operations} >= {"create-replacement", "delete-replaced"}
    print("ready", flush=True)
    while True:
        run.apply(replacing)
        run.apply(run.destruction())
        run.apply(creating)
"""

# One network is replaced by creating first, the other by deleting first.
PROGRAM = """
import os
import pulumi
import pulumi_aws as aws
for name, first in (("one", False), ("two", True)):
    vpc = aws.ec2.Vpc(name, cidr_block=os.environ["CIDR"], opts=pulumi.ResourceOptions(delete_before_replace=first))
    for n in range(8):
        aws.ec2.Subnet(f"{name}-{n}", vpc_id=vpc.id, cidr_block=f"10.0.{n}.0/24")
"""
COUNT = 2 + 2 * 9
"""The networks and their subnets, the stack, the provider."""


def test_the_state_is_whole_after_a_kill_at_any_moment(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIDR", "10.0.0.0/16")
    (tiny.program / "__main__.py").write_text(PROGRAM)
    moments = random.Random(20261121)  # noqa: S311
    met = set()
    for _ in range(10):
        kill_at_random(tiny.root, moments.uniform(0, 0.6))
        with Session(tiny, "dev") as session:
            states = session.state_file.read()
            met.add((len(states.resources), len(states.leftover), sum(one.pending_replacement for one in states)))
            needed_first: set[str] = set()
            for state in states:
                assert set(state.needs()) <= needed_first
                needed_first.add(state.urn)
    assert len(met) > 3, "the kills met the updates in few places only"
    with Session(tiny, "dev") as session, session.locked("afterwards"):
        session.apply(session.update())
        assert session.preview().settled
        states = session.state_file.read()
        assert (len(states.resources), len(states.leftover)) == (COUNT, 0)
        assert not any(one.pending_replacement for one in states)


def kill_at_random(folder: Path, after: float) -> None:
    command = [sys.executable, "-c", VICTIM, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"CIDR": "10.0.0.0/16"}) as victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"ready\n"
        time.sleep(after)
        victim.kill()
