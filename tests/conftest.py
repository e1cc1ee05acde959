"""What every test has."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

sys.path.insert(0, str(Path(__file__).parent))  # for `in_process`: tests have no package (`--import-mode=importlib`)

# Python keeps what it has compiled, and so do the processes that tests start: each would compile all of Airlock anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# With every resource the SDK tells the whole way to it through the program: a quarter of a test's time, and nobody here asks.
# Airlock's own previews, which do, have something else in its place.
resource._get_stack_trace = source_pb2.StackTrace

# The same random cases every time: a change is judged, not luck. HYPOTHESIS_PROFILE=other looks for cases that nobody has seen.
settings.register_profile("same", derandomize=True)
settings.register_profile("other", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: some tests wait for servers."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def event_loop_of_its_own() -> Iterator[None]:
    """Pulumi's outputs need an event loop, and a test must not depend on the one that another left behind, or took away."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
