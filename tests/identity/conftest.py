"""Lets this folder's tests import the helpers beside them: tests are imported without a package (`--import-mode=importlib`)."""

import sys
from pathlib import Path

import pulumi
import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def no_provider_of_another_region():
    """What another test has configured is no provider of this program."""
    pulumi.runtime.set_all_config({})
