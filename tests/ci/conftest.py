"""A repository of many environments as its CI sees it: the example, under git, in a folder of the repository."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ci_cases import EXAMPLE, ROOT, git

HAND_WRITTEN = """
if pulumi.get_stack() == "retail-de":
    aws.ec2.SecurityGroupRule(
        "hand-written",
        type="egress",
        security_group_id=environment.network.security_group_id,
        protocol="tcp",
        from_port=22,
        to_port=22,
        cidr_blocks=["10.210.4.0/24"],
        description="for a day",
    )
"""
"""A rule beside Airlock's own, in one of the stacks."""


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's folder. `main` holds; `topic` has a rule too many in retail-de, and moves a route's port in treasury-ch."""
    top = tmp_path_factory.mktemp("repository")
    project = top / "platform"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("__pycache__", ".airlock"))
    git(top, "init", "-q", "-b", "main")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "as it is")
    git(top, "checkout", "-qb", "topic")
    with (project / "__main__.py").open("a") as program:
        program.write(HAND_WRITTEN)
    access = project / "access" / "treasury-ch.yaml"
    access.write_text(access.read_text().replace("ports: [443/tcp]", "ports: [8443/tcp]"))
    git(top, "commit", "-qam", "change")
    return project


@pytest.fixture(scope="session")
def packs() -> list[str]:
    """The options that name the packs."""
    return [word for pack in ("least-privilege", "access-proof") for word in ("--policy-pack", str(ROOT / "policy-packs" / pack))]
