"""A copy of the tiny project for each test, and a way to write a program into it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.project import Project, find_project
from pulumi_airlock.offline.session import Session

TINY = Path(__file__).parent / "projects" / "tiny"


@pytest.fixture
def tiny(tmp_path: Path) -> Project:
    """The tiny project, in a folder of its own."""
    return find_project(shutil.copytree(TINY, tmp_path / "tiny"))


@pytest.fixture
def program(tiny: Project) -> Callable[[str], Session]:
    """Replaces the program; gives a session on its stack."""

    def write(source: str) -> Session:
        header = "import pulumi\nimport pulumi_aws as aws\nfrom pulumi import ResourceOptions as Options\n"
        (tiny.program / "__main__.py").write_text(header + dedent(source))
        return Session(tiny, "dev")

    return write


@pytest.fixture
def update(program: Callable[[str], Session]) -> Callable[[str], Plan]:
    """Replaces the program and updates the stack with it."""

    def run(source: str) -> Plan:
        with program(source) as session, session.locked("test"):
            plan = session.update()
            session.apply(plan)
            return plan

    return run


@pytest.fixture
def preview(program: Callable[[str], Session]) -> Callable[[str], Plan]:
    """Replaces the program and previews it."""

    def run(source: str) -> Plan:
        with program(source) as session:
            return session.preview()

    return run
