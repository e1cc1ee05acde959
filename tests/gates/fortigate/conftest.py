"""Tests can import the helpers beside them (they have no package: `--import-mode=importlib`), and run over both dialects."""

import sys
from pathlib import Path

import pytest
from pulumi_airlock.gates.fortigate import FortigateGate
from pulumi_airlock.gates.fortigate.dialect import DIALECTS

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "generated")]

from imitation import install  # noqa: E402  # found by the line above


@pytest.fixture(params=DIALECTS)
def dialect(request, monkeypatch):
    """Every gate of the test is of this dialect, unless it says which."""
    install(monkeypatch)
    monkeypatch.setitem(FortigateGate.__init__.__kwdefaults__, "dialect", request.param)
    return request.param
