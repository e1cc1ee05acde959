"""The platform's stacks, previewed offline: what every unit gets, and that it is proven. Run from this folder: `pytest tests`."""

from pathlib import Path

import pytest
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.report.proof import prove_stack

ROOT = Path(__file__).parents[1]
ENVIRONMENT = "aws:mwaa/environment:Environment"


@pytest.fixture(scope="module", params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> Stack:
    with Session(find_project(ROOT), request.param) as session:
        return session.preview().stack()


def test_every_unit_has_an_environment_that_nobody_reaches_from_the_internet(stack: Stack) -> None:
    found = stack.of_type(ENVIRONMENT)
    assert {one.name for one in found} == {"finance-environment", "risk-environment"}
    assert {one.get("webserverAccessMode") for one in found} == {"PRIVATE_ONLY"}


def test_every_resource_is_a_part_of_the_platform(stack: Stack) -> None:
    platform = stack.of_type("bank:platform:AirflowPlatform")[0]
    assert all(platform in one.ancestors() for one in stack.of_type(ENVIRONMENT))


def test_what_the_access_file_declares_is_what_gets_through(stack: Stack) -> None:
    proof = prove_stack(stack)
    assert proof.ok, [one.message for one in (*proof.excess, *proof.blocked)]
    assert all(one.gates for one in proof.identity if one.route == "risk-positions")
