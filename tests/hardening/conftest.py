import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACK = HERE.parents[1] / "policy-packs" / "least-privilege"
GATES = HERE.parent / "gates"

for folder in (HERE, PACK, GATES / "adapters", GATES / "tcp_proxy"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from commands import Airlock  # noqa: E402


@pytest.fixture
def airlock(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Airlock:
    return Airlock(monkeypatch, capfd)
