"""The state file is whole after `kill -9` at any moment, and the next update goes on from there."""

import random
import subprocess
import sys
import time
from pathlib import Path

from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.session import Session

# Updates and destroys over and over, writing after every step, until it is killed.
VICTIM = """
import sys
from pathlib import Path
from pulumi_airlock.offline import session
from pulumi_airlock.offline.project import find_project

session.CHECKPOINT_SECONDS = -1
with session.Session(find_project(Path(sys.argv[1])), "dev") as run, run.locked("victim"):
    plan = run.update()
    print("ready", flush=True)
    while True:
        run.apply(plan)
        run.apply(run.destruction())
"""

PROGRAM = """
import pulumi_aws as aws
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
for n in range(20):
    aws.ec2.Subnet(f"subnet-{n}", vpc_id=vpc.id, cidr_block=f"10.0.{n}.0/24")
"""


def test_the_state_is_whole_after_a_kill_at_any_moment(tiny: Project) -> None:
    (tiny.program / "__main__.py").write_text(PROGRAM)
    moments = random.Random(20261121)  # noqa: S311
    sizes = set()
    for _ in range(10):
        kill_at_random(tiny.root, moments.uniform(0, 1))
        with Session(tiny, "dev") as session:
            states = session.state_file.read().resources
            sizes.add(len(states))
            assert all(urn in states for state in states.values() for urn in state.needs())
    assert len(sizes) > 2, "the kills met the update in one place only"
    with Session(tiny, "dev") as session, session.locked("afterwards"):
        session.apply(session.update())
        assert session.preview().settled
        assert len(session.state_file.read().resources) == 23


def kill_at_random(folder: Path, after: float) -> None:
    with subprocess.Popen([sys.executable, "-c", VICTIM, str(folder)], stdout=subprocess.PIPE) as victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"ready\n"
        time.sleep(after)
        victim.kill()
