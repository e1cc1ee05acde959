"""A task's connections through a real Envoy: what ends them, and what must not."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airlock_provider import audit
from airlock_provider.forwarder import session
from certificates import Authority
from connect_envoy import Issuer, Proxy
from forwarding import (
    DESTINATION,
    Start,
    received,
    refused,
    talk,
    texts,
    wait_until,
)


def ends_in(seconds: float) -> Callable[[datetime], tuple[datetime | None, str]]:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return lambda opened: (at, "the window of route finance-warehouse closes")


def test_at_the_deadline_an_open_connection_is_cut_and_none_is_opened_after(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with start() as parts:
        end = parts.open(ends=ends_in(1.5))
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            with pytest.raises(ConnectionResetError):
                one.recv(1)
        closed = parts.trail.wait_for("Close")
        event, said = refused(parts, caplog, ends=ends_in(-1))

    assert closed["actor"]["session"]["expiration_reason"] == "deadline"
    assert closed["time"] >= closed["actor"]["session"]["expiration_time"]
    assert event["unmapped"]["airlock"]["rule"] == "the window of route finance-warehouse closes"
    assert "is closed, by permission: the window of route finance-warehouse closes" in said
    assert "no new connection is opened any more" in said


def test_a_proxy_that_is_killed_ends_its_sessions_with_a_reset_and_the_log_says_so(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def trickle(one: socket.socket) -> None:
        while True:
            one.sendall(b"row\n")
            time.sleep(0.01)

    with start(trickle) as parts, socket.create_connection(parts.open(), timeout=30) as one:
        assert received(one, 40) == b"row\n" * 10
        os.kill(_listener(parts.proxy), signal.SIGKILL)
        with pytest.raises(ConnectionResetError):  # and no end, which would be half a result that looks whole
            received(one, 1 << 40)
        closed = parts.trail.wait_for("Close")
        failed, said = refused(parts, caplog, "Fail")

    assert closed["actor"]["session"]["expiration_reason"] == "proxy-lost"
    assert failed["unmapped"]["airlock"]["kind"] == "routing"
    assert "was cut off by routing: tcp_proxy broke off" in said


def _listener(proxy: Proxy) -> int:
    """The process that listens at the proxy's address, started by this test."""
    host, _, port = proxy.address.rpartition(":")
    wanted = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{int(port):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    inodes = {f"socket:[{line[9]}]" for line in lines if line[1] == wanted and line[3] == "0A"}
    mine = [int(one) for one in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    for pid in mine:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(link) in inodes:
                return pid
    raise AssertionError("nobody listens there")


def test_while_the_issuer_is_away_open_connections_stay_and_new_ones_end_with_the_token(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with start(lasts=4) as parts:
        end = parts.open()
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            parts.tokens.down = True
            assert talk(end) == b"hello"  # the kept token still holds
            wait_until(lambda: talk(end) == b"", within=30)
            one.sendall(b"y")
            assert received(one, 1) == b"y"
            event, said = parts.trail.wait_for("Refuse"), texts(caplog.records)
            parts.tokens.down = False
            wait_until(lambda: talk(end) == b"hello")

    assert (event["unmapped"]["airlock"]["kind"], event["unmapped"]["airlock"]["rule"]) == ("token", "oidc")
    assert "there is no token for the task to show to tcp_proxy" in said
    assert "the issuer is away" in said


def test_tokens_are_renewed_before_they_end_without_anybody_connecting(start: Start) -> None:
    with start(lasts=3) as parts:
        parts.open()
        wait_until(lambda: parts.tokens.asked >= 3)


def test_a_rotated_certificate_serves_new_connections_and_open_ones_go_on(
    start: Start, tmp_path: Path, signed: Authority, issuer: Issuer
) -> None:
    with start() as parts:
        end = parts.open()
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            # Whoever rotates writes new files over the old ones: first one that the proxy does not trust, to see that it counts.
            other = Authority(tmp_path / "other-authority").issue("client")
            for old, new in ((parts.client.key, other.key), (parts.client.certificate, other.certificate)):
                new.replace(old)
            assert talk(end) == b""
            renewed = signed.issue("renewed")
            for old, new in ((parts.client.key, renewed.key), (parts.client.certificate, renewed.certificate)):
                new.replace(old)
            assert talk(end) == b"hello"
            one.sendall(b"y")
            assert received(one, 1) == b"y"


def test_files_that_are_half_rotated_are_told_as_such(start: Start, signed: Authority, caplog: pytest.LogCaptureFixture) -> None:
    with start() as parts:
        signed.issue("half").key.replace(parts.client.key)
        event, said = refused(parts, caplog)

    assert event["unmapped"]["airlock"]["rule"] == "client-certificate"
    assert "the task's certificate for tcp_proxy cannot be used" in said
    assert "KEY_VALUES_MISMATCH" in said


def test_at_the_tasks_end_everything_is_closed_and_told(start: Start) -> None:
    with start() as parts:
        end = parts.open()
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            parts.forwarder.close()
            assert one.recv(1) == b""
        assert parts.trail.wait_for("Close")["actor"]["session"]["expiration_reason"] == "task-ended"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(end, timeout=5)
        assert not any(one.name == "airlock-forwarder" for one in threading.enumerate())
        assert talk(parts.open()) == b"hello"  # and it can be opened anew


def test_a_forked_process_opens_a_forwarder_of_its_own(start: Start, tmp_path: Path) -> None:
    with start() as parts:
        assert talk(parts.open()) == b"hello"
        child = os.fork()
        if child == 0:
            status = 1
            try:
                parts.forwarder.close()  # must not wait for a thread that there is not
                status = 0 if talk(parts.open()) == b"hello" else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert talk(parts.open()) == b"hello"


def test_no_token_and_no_key_is_in_any_log(start: Start, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    seen: list[str] = []
    with start() as parts:
        real = parts.tokens.get

        def kept() -> Any:
            found = real()
            seen.append(found.value)
            return found

        parts.tokens.get = kept  # type: ignore[method-assign]
        assert talk(parts.open()) == b"hello"
        parts.tokens.claims = {"aud": "another"}
        parts.forwarder.close()
        assert talk(parts.open()) == b""
        parts.trail.wait_for("Refuse")
        audit.flush(10)
        written = "".join(file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.suffix in (".jsonl", ".log"))

    everything = written + texts(caplog.records)
    assert seen
    assert "PRIVATE KEY" not in everything
    for token in seen:
        assert token not in everything
        assert token.split(".")[1] not in everything
    assert DESTINATION.name in everything


def test_the_deadline_is_the_wall_clocks_even_where_the_machine_slept(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer counts a clock that stops while a machine sleeps: the deadline is looked at again and again."""
    monkeypatch.setattr(session, "_TICK", 0.05)
    with start() as parts:
        end = parts.open(ends=ends_in(3600))
        with socket.create_connection(end, timeout=30) as one:
            one.sendall(b"x")
            assert received(one, 1) == b"x"
            real = time.time
            monkeypatch.setattr("airlock_provider.forwarder.session.time.time", lambda: real() + 7200)
            with pytest.raises(ConnectionResetError):
                one.recv(1)
