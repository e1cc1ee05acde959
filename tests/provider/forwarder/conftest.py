"""A forwarder in front of a real Envoy: `start(serve)`. And what lets these tests import what stands beside them."""

import logging
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
for _folder in (HERE, HERE.parents[1] / "real", HERE.parents[2] / "airflow-provider" / "src"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from airlock_provider import audit  # noqa: E402
from airlock_provider.audit import pipeline  # noqa: E402
from airlock_provider.forwarder import Forwarder  # noqa: E402
from certificates import Authority  # noqa: E402
from connect_envoy import Issuer, connect_proxy  # noqa: E402
from forwarding import RUN, TARGET, Parts, Start, Tokens, Trail, destination, echo, files  # noqa: E402
from real_parts import ENVOY, needed  # noqa: E402


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("forwarder-authority"))


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trail]:
    monkeypatch.setattr(pipeline, "_pipeline", pipeline._Pipeline())
    audit.configure([{"kind": "file", "path": str(tmp_path / "audit.jsonl")}])
    yield Trail(tmp_path / "audit.jsonl")
    audit.flush(10)
    audit.configure([])


@pytest.fixture
def start(tmp_path: Path, signed: Authority, issuer: Issuer, trail: Trail, caplog: pytest.LogCaptureFixture) -> Start:
    """Starts everything: `start(serve)` with what the destination does; `where` instead of a destination, a port of nobody."""
    envoy = needed(ENVOY, "Envoy")
    caplog.set_level(logging.INFO, "airflow.task.airlock")

    @contextmanager
    def begin(
        serve: Callable[[socket.socket], None] = echo, where: tuple[str, int] | None = None, **tokens: Any
    ) -> Iterator[Parts]:
        with ExitStack() as stack:
            there = where or stack.enter_context(destination(serve))
            targets = {TARGET: ("warehouse", ["ledger_close"], there)}
            proxy = stack.enter_context(connect_proxy(envoy, tmp_path / "envoy", signed, issuer, targets))
            client = signed.issue("client")
            held = Tokens(issuer, **tokens)
            forwarder = Forwarder(RUN, held, files(client, signed), source="oidc")
            stack.callback(forwarder.close)
            yield Parts(forwarder, held, proxy, trail, client, signed)

    return begin
